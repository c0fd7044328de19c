//! One reference case, and what passes it.

use super::array::Array;
use fovea::{
    edit::{
        Limits, MaskRules, Origin, Patch,
        effects::{EffectError, Other, Scene, Values, effect},
    },
    geom::Grid,
    label::{LabelId, LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
};

pub struct Case {
    folder: PathBuf,
    pub facts: Value,
}

/// What an effect is told beside its parameters.
#[derive(Clone, Default)]
pub struct Told {
    pub label: LabelId,
    pub locked: Vec<LabelId>,
    pub verified: Vec<usize>,
    pub limits: Limits,
}

impl Case {
    pub fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("case.json")).unwrap();
        Self { folder: folder.to_owned(), facts: serde_json::from_str(&text).unwrap() }
    }

    pub fn name(&self) -> String {
        let part = |key: &str| self.facts[key].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", part("tool"), part("name"))
    }

    pub fn params(&self) -> &Value {
        &self.facts["params"]
    }

    /// A number of the parameters, as text for an effect.
    pub fn text(&self, key: &str) -> String {
        match &self.params()[key] {
            Value::String(text) => text.clone(),
            Value::Array(list) => list.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        }
    }

    pub fn label(&self) -> LabelId {
        self.params()["label"].as_u64().unwrap_or(1) as LabelId
    }

    pub fn array(&self, key: &str) -> Option<Array> {
        let path = self.folder.join(format!("{key}.npy.gz"));
        path.exists().then(|| Array::read(&path))
    }

    pub fn dims(&self) -> [usize; 3] {
        let arrays = self.facts["arrays"].as_object().unwrap();
        let of = |key: &str| arrays.get(key).map(|array| array["shape"].clone());
        let shape = ["labels", "image", "seeds", "raters"].iter().find_map(|key| of(key)).unwrap();
        let [z, y, x]: [usize; 3] = serde_json::from_value(shape).unwrap();
        [x, y, z]
    }

    pub fn grid(&self) -> Grid {
        let spacing: [f64; 3] = serde_json::from_value(self.facts["spacing_mm_xyz"].clone()).unwrap();
        let grid = Grid::spaced(self.dims(), spacing).unwrap();
        match serde_json::from_value::<Vec<f64>>(self.params()["slice_positions_mm"].clone()) {
            Ok(places) => grid.with_slice_positions_mm(&places).unwrap(),
            Err(_) => grid,
        }
    }

    /// The image; of a case without one, zeros.
    pub fn volume(&self) -> Volume {
        let grid = self.grid();
        let values = match self.array("image") {
            Some(image) => image.values.iter().map(|v| *v as i16).collect(),
            None => vec![0; grid.voxel_count()],
        };
        Volume::new(grid, Samples::I16(values.into()), [1.0, 0.0], Modality::Other).unwrap()
    }

    /// The mask that the case begins with; of a case without one, background.
    pub fn labels(&self) -> LabelMap {
        match self.array("labels").or_else(|| self.array("seeds")) {
            Some(labels) => LabelMap::from_values(self.dims(), &labels.labels()).unwrap(),
            None => LabelMap::empty(self.dims()),
        }
    }

    /// The mask after an effect.
    pub fn after(&self, id: &str, said: &[(&str, String)], told: &Told) -> Vec<LabelId> {
        let effect = effect(id).unwrap();
        let (volume, mut mask) = (self.volume(), self.labels());
        let other =
            self.array("other").map(|other| LabelMap::from_values(self.dims(), &other.labels()).unwrap());
        let mut table = LabelTable::default();
        table.name_unknown(1..=15);
        for id in &told.locked {
            table.get_mut(*id).unwrap().locked = true;
        }
        let verified: BTreeSet<usize> = told.verified.iter().copied().collect();
        let said = said.iter().map(|(key, text)| (*key, text.as_str()));
        let values =
            Values::new(effect.parameters, said, &table).unwrap_or_else(|e| panic!("{}: {e}", self.name()));
        let other = other.as_ref().map(|mask| Other { mask, labels: &table });
        let scene = Scene { other, ..Scene::new(&volume, &mask, &table, told.label) };
        let rules = MaskRules::new(&table, &verified).with_limits(told.limits);
        let origin = Origin::Person { tool: id.to_owned() };
        let patch = match effect.patch(&scene, &values, &rules, origin.clone()) {
            // A sentence is shown, and there is no step to undo.
            Err(EffectError::Nothing(why)) => {
                assert!(why.len() > 10, "{why}");
                Patch::empty(&mask, origin)
            }
            patch => patch.unwrap_or_else(|e| panic!("{}: {e}", self.name())),
        };
        patch.apply(&mut mask).unwrap();
        if self.name().ends_with("empty-input") || self.name().ends_with("one-slice-only") {
            assert!(patch.is_empty(), "{}: nothing may change", self.name());
        }
        mask.to_values()
    }

    /// Holds a mask against what the case expects of one.
    pub fn compare(&self, found: &[LabelId]) {
        let name = self.name();
        let expect = &self.facts["expect"];
        match expect["kind"].as_str() {
            None => {
                let expected = self.array("expected").unwrap().labels();
                let wrong = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
                assert!(wrong == 0 && found.len() == expected.len(), "{name}: {wrong} voxels differ");
            }
            Some("dice") => {
                let expected = self.array("expected").unwrap().labels();
                let all = |labels: &[LabelId]| labels.iter().map(|l| u16::from(*l != 0)).collect::<Vec<_>>();
                self.holds("all", 1, &all(found), &all(&expected), expect["min"].as_f64().unwrap());
            }
            Some(kind) if kind.starts_with("dice_each_label") => {
                let against = match kind {
                    "dice_each_label_vs_array" => expect["array"].as_str().unwrap(),
                    kind if kind.ends_with("vs_truth") => "truth",
                    _ => "expected",
                };
                let mut expected = self.array(against).unwrap().labels();
                let mut found = found.to_vec();
                if kind.contains("on_missing_slices") {
                    let area = self.dims()[0] * self.dims()[1];
                    let drawn: Vec<usize> =
                        serde_json::from_value(self.params()["annotated_slices"].clone()).unwrap();
                    for z in drawn {
                        found[z * area..(z + 1) * area].fill(0);
                        expected[z * area..(z + 1) * area].fill(0);
                    }
                }
                let ids: BTreeSet<LabelId> = expected.iter().copied().filter(|id| *id != 0).collect();
                for (at, id) in ids.into_iter().enumerate() {
                    let least = expect["min"].as_f64().or_else(|| expect["min"][at].as_f64()).unwrap();
                    self.holds("each", id, &found, &expected, least);
                }
            }
            Some(kind) => panic!("{name}: nothing here knows {kind}"),
        }
    }

    /// Not by `println!`, which the test runner keeps to itself.
    pub fn print(&self, line: &str) {
        _ = writeln!(std::io::stderr(), "{}: {line}", self.name());
    }

    /// Prints the Dice of a label, and holds it against the least.
    pub fn holds(&self, name: &str, id: LabelId, found: &[LabelId], expected: &[LabelId], least: f64) {
        let (mut both, mut sum) = (0, 0);
        for (a, b) in found.iter().zip(expected) {
            let (a, b) = (*a == id, *b == id);
            both += u64::from(a && b);
            sum += u64::from(a) + u64::from(b);
        }
        let dice = if sum == 0 { 1.0 } else { 2.0 * both as f64 / sum as f64 };
        self.print(&format!("{name}, label {id}: Dice {dice:.4}, at least {least}"));
        assert!(dice >= least, "{}, {name}, label {id}: Dice {dice:.4} is below {least}", self.name());
    }
}
