//! A mask from a file, taken into the image that is open.

use super::acceptance::with_labels;
use super::background_edit::{Draft, Edits, Order};
use super::labels_by_name::by_name;
use super::parts::Parts;
use super::{Annotations, CommandError};
use crate::edit::{MaskRules, Origin, Patch, Region};
use crate::io;
use crate::label::{Label, LabelId, LabelMap, LabelTable, is_nameless};
use crate::volume::Volume;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Edits {
    pub fn import_labels(&mut self, parts: &mut Parts, path: PathBuf) -> Result<(), CommandError> {
        let document = parts.documents.active()?;
        document.settled()?;
        let id = document.id();
        let title = format!("importing labels from {}", path.display());
        let order = Order {
            nothing: Some(format!("{title}: the mask is the same already")),
            title,
            version: None,
            make: Arc::new(move |cx, volume, now| {
                let Read { values, table, warnings } = read(&path, volume, now)?;
                cx.check()?;
                let rules = MaskRules::new(&table, &now.verified);
                let name =
                    path.file_name().map_or_else(Default::default, |n| n.to_string_lossy().into_owned());
                let [w, h, depth] = volume.dims();
                let runs = (0..h * depth).map(|row| (row * w, w as u32)).collect();
                let everything = Region::from_runs(volume.grid(), runs);
                let origin = Origin::Import { source: name };
                let patch = Patch::replace(&now.mask, volume, &everything, &values, &rules, origin)?;
                Ok(Draft { changes: with_labels(&now.labels, &table, patch), warnings })
            }),
        };
        self.edit_in_background(parts, id, order)
    }
}

/// A mask in the labels of a document.
struct Read {
    values: Vec<LabelId>,
    table: LabelTable,
    warnings: Vec<String>,
}

fn read(path: &Path, volume: &Volume, now: &Annotations) -> anyhow::Result<Read> {
    let (named, mut warnings) = io::table_of(path);
    let (map, notes) = io::open_labels_in(path, volume.grid(), named.as_ref().unwrap_or(&now.labels))?;
    warnings.extend(notes);
    let (values, table) = match named {
        Some(theirs) => named_as(&map, theirs, now),
        None => {
            let mut table = now.labels.clone();
            table.name_unknown(map.counts().into_keys());
            (map.to_values(), table)
        }
    };
    Ok(Read { values, table, warnings })
}

/// A mask whose ids have names of their own: each is the document's label of that name, and one that it lacks is added.
fn named_as(map: &LabelMap, mut theirs: LabelTable, now: &Annotations) -> (Vec<LabelId>, LabelTable) {
    let ids: Vec<LabelId> = map.counts().into_keys().filter(|&id| id != 0).collect();
    theirs.name_unknown(ids.iter().copied());
    let wanted: Vec<&Label> = theirs.iter().filter(|label| ids.contains(&label.id)).collect();
    let mut table = now.labels.clone();
    // A label without a name of its own is replaced: import replaces the whole mask, except for locked labels.
    for label in &wanted {
        let is_free = |own: &Label| is_nameless(&own.name) && !own.locked;
        if table.get(label.id).is_some_and(is_free) && !table.is_taken(&label.name) {
            table.bring(Label::clone(label));
        }
    }
    let (labels, table) = by_name(wanted.iter().copied(), &table);
    let labels: BTreeMap<LabelId, LabelId> = wanted.iter().map(|label| label.id).zip(labels).collect();
    let values = map.to_values().into_iter().map(|id| labels.get(&id).copied().unwrap_or(0)).collect();
    (values, table)
}
