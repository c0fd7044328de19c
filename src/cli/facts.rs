//! What a run learns from, as it is printed and kept in the run's folder.

use crate::{
    io::{
        dataset::{UNKNOWN, shortened},
        list::Split,
    },
    label::{LabelId, LabelTable},
    replace::write_bytes,
    words::counted,
};
use anyhow::Result;
use serde::Serialize;
use std::{collections::BTreeMap, path::Path};

/// `data.json` in a run's folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Facts {
    /// In words.
    pub data: String,
    /// The ids of the cases by their split.
    pub cases: BTreeMap<&'static str, Vec<String>>,
    pub labels: Vec<LabelFacts>,
    /// Voxels of which the masks say that they are not known.
    pub not_known: BTreeMap<&'static str, u64>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelFacts {
    pub id: LabelId,
    pub name: String,
    /// By split: the cases that show it, and its voxels there (pixels of pictures).
    pub cases: BTreeMap<&'static str, usize>,
    pub voxels: BTreeMap<&'static str, u64>,
}

fn voxels_of(n: u64) -> String {
    counted(n as usize, "voxel")
}

impl Facts {
    pub fn new(data: String, labels: &LabelTable) -> Self {
        let label = |l: &crate::label::Label| LabelFacts {
            id: l.id,
            name: l.name.clone(),
            cases: BTreeMap::new(),
            voxels: BTreeMap::new(),
        };
        let labels = labels.iter().map(label).collect();
        Self { data, cases: BTreeMap::new(), labels, not_known: BTreeMap::new(), warnings: vec![] }
    }

    /// A case that is named and not counted.
    pub fn name(&mut self, id: &str, split: Split) {
        self.cases.entry(split.name()).or_default().push(id.to_owned());
    }

    /// A case with the voxels of each label.
    pub fn add(&mut self, id: &str, split: Split, counts: &BTreeMap<LabelId, usize>) {
        self.name(id, split);
        let count = |id: LabelId| counts.get(&id).map(|n| *n as u64).filter(|n| *n > 0);
        for label in &mut self.labels {
            if let Some(voxels) = count(label.id) {
                *label.cases.entry(split.name()).or_default() += 1;
                *label.voxels.entry(split.name()).or_default() += voxels;
            }
        }
        if let Some(voxels) = count(UNKNOWN) {
            *self.not_known.entry(split.name()).or_default() += voxels;
        }
    }

    /// For a person: cases, labels, warnings; without [`Facts::data`].
    pub fn lines(&self) -> Vec<String> {
        let cases =
            self.cases.iter().map(|(split, ids)| format!("{split}: {} ({})", ids.len(), shortened(ids)));
        let mut lines = vec![format!("cases: {}", cases.collect::<Vec<_>>().join("; "))];
        for LabelFacts { id, name, cases, voxels } in &self.labels {
            let each: Vec<String> = voxels
                .iter()
                .map(|(split, n)| {
                    let cases = counted(cases.get(split).copied().unwrap_or(0), "case");
                    format!("{} in {cases} of {split}", voxels_of(*n))
                })
                .collect();
            let text = if each.is_empty() { "in no mask".to_owned() } else { each.join(", ") };
            lines.push(format!("label {id} {name}: {text}"));
        }
        let not_known = |(split, n): (&&str, &u64)| format!("not known: {} of {split}", voxels_of(*n));
        lines.extend(self.not_known.iter().map(not_known));
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines
    }

    pub fn write(&self, folder: &Path) -> Result<()> {
        Ok(write_bytes(&folder.join("data.json"), serde_json::to_string_pretty(self)?.as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_learns_from_is_counted_by_split_and_label() {
        let mut facts = Facts::new("two eyes".to_owned(), &LabelTable::named(&["vessel", "disc"]));
        facts.add("a", Split::Train, &BTreeMap::from([(1, 10)]));
        facts.add("b", Split::Train, &BTreeMap::from([(1, 5)]));
        facts.add("c", Split::Val, &BTreeMap::from([(UNKNOWN, 1)]));
        facts.name("d", Split::Test);
        facts.warnings.push("turned".to_owned());
        assert_eq!(
            facts.lines(),
            [
                "cases: test: 1 (d); train: 2 (a, b); val: 1 (c)",
                "label 1 vessel: 15 voxels in 2 cases of train",
                "label 2 disc: in no mask",
                "not known: 1 voxel of val",
                "warning: turned",
            ]
        );
        let folder = tempfile::tempdir().unwrap();
        facts.write(folder.path()).unwrap();
        let text = std::fs::read(folder.path().join("data.json")).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            (&json["labels"][0]["voxels"]["train"], &json["cases"]["val"][0]),
            (&15.into(), &"c".into())
        );
    }
}
