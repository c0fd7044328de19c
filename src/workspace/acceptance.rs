//! What accepting a prediction changes in a document.

use super::background_edit::{Draft, Order};
use super::labels_by_name::wanted_labels;
use super::{Annotations, CommandError};
use crate::edit::{Accept, Change, EditError, MaskRules, Patch, Prediction};
use crate::engine::Version;
use crate::label::{LabelId, LabelTable};
use crate::nn::ModelCard;
use crate::volume::Volume;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Labels row by row, by native slice.
pub(super) type Slices = BTreeMap<usize, Arc<[LabelId]>>;

/// What is taken from a model's prediction.
pub(super) struct Acceptance {
    pub card: Arc<ModelCard>,
    /// The structures of the model that are not taken.
    pub left_out: BTreeSet<String>,
    pub accept: Accept,
    /// The model's own labels of each slice.
    pub slices: Slices,
    pub then: Then,
}

/// What follows in the same step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// The native slice is marked as verified, also where no voxel changes.
    Verify(usize),
}

impl Acceptance {
    /// The label that the table lacks first, then the voxels, then what follows; empty where nothing changes.
    pub fn changes(&self, volume: &Volume, now: &Annotations) -> Result<Vec<Change>, EditError> {
        let (labels, table) = wanted_labels(&self.card, &now.labels, &self.left_out);
        let translated: BTreeMap<LabelId, LabelId> =
            (0..labels.len()).map(|class| (self.card.label_of(class), labels[class])).collect();
        let same = translated.iter().all(|(from, to)| from == to);
        let own = |slice: &Arc<[LabelId]>| -> Arc<[LabelId]> {
            if same {
                return Arc::clone(slice);
            }
            slice.iter().map(|id| translated.get(id).copied().unwrap_or(0)).collect()
        };
        let [w, h, depth] = volume.dims();
        let mut slices: Slices = self.slices.iter().map(|(&z, slice)| (z, own(slice))).collect();
        if self.accept.is_of_all_slices() {
            // Verified slices are not predicted: no model changes them.
            let nothing: Arc<[LabelId]> = vec![0; w * h].into();
            for z in (0..depth).filter(|z| now.verified.contains(z)) {
                slices.entry(z).or_insert_with(|| Arc::clone(&nothing));
            }
        }
        let prediction = Prediction {
            version: self.card.version.clone(),
            known: labels.iter().copied().filter(|&id| id != 0).collect(),
            slices,
        };
        let rules = MaskRules::new(&table, &now.verified);
        let patch = Patch::accept(&now.mask, volume, &prediction, self.accept, &rules)?;
        let mut changes = with_labels(&now.labels, &table, patch);
        if let Then::Verify(slice) = self.then {
            changes.push(Change::Verified { slice, on: true });
        }
        Ok(changes)
    }

    pub fn order(self, version: Version) -> Order {
        Order {
            title: "accepting the prediction".to_owned(),
            version: Some(version),
            nothing: Some(CommandError::NothingToAccept.to_string()),
            make: Arc::new(move |_, volume, now| {
                let changes = self.changes(volume, now)?;
                Ok(Draft { warnings: brought(&changes).into_iter().collect(), changes })
            }),
        }
    }
}

/// A patch, after the labels that it needs and the table lacks.
pub(super) fn with_labels(before: &LabelTable, table: &LabelTable, patch: Patch) -> Vec<Change> {
    if patch.is_empty() {
        return Vec::new();
    }
    let labels = (table != before).then(|| Change::Labels { before: before.clone(), after: table.clone() });
    labels.into_iter().chain([Change::Mask(patch)]).collect()
}

/// What to say of the labels that a prediction brings along.
pub(super) fn brought(changes: &[Change]) -> Option<String> {
    let names = changes.iter().find_map(|change| match change {
        Change::Labels { before, after } => {
            let new = after.iter().filter(|label| before.get(label.id).is_none());
            Some(new.map(|label| format!("“{}”", label.name)).collect::<Vec<_>>())
        }
        _ => None,
    });
    let names = names.filter(|names| !names.is_empty())?;
    Some(format!("the model's {} had no label of that name here: added as new", names.join(", ")))
}
