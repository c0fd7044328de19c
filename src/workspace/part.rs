//! Two models say something else of a part of a slice: one of them is believed there, or neither.

use super::acceptance::{brought, with_labels};
use super::annotated::IN_FRAME;
use super::background_edit::{Draft, Edits, Order};
use super::model_library::ModelLibrary;
use super::parts::Parts;
use super::predictions::Predictions;
use super::reformat::translation;
use super::{Annotations, CommandError, NoticeLevel, Take, class_labels};
use crate::edit::{Change, MaskRules, Origin, Patch, Region};
use crate::engine::Version;
use crate::geom::Grid;
use crate::label::{Connectivity, LabelId, flood};
use crate::nn::ModelCard;
use crate::volume::Volume;
use std::sync::Arc;

/// The connected pixels of native slice z for which two models predict what they predict at a voxel (x, y, z). `labels`: of the
/// slice, row by row, by each of the two in its own ids. Empty where both predict background.
fn part(grid: &Grid, labels: [&[LabelId]; 2], voxel: [usize; 3]) -> Region {
    let [width, height, _] = grid.dims();
    let [x, y, z] = voxel;
    let here = labels.map(|of| of.get(y * width + x).copied().unwrap_or(0));
    if here == [0, 0] || labels.iter().any(|of| of.len() != width * height) {
        return Region::default();
    }
    let spans = flood([width, height, 1], [x, y, 0], Connectivity::Faces, |y, _, row| {
        let of_row = labels.map(|of| &of[y * width..(y + 1) * width]);
        for (x, open) in row.iter_mut().enumerate() {
            *open = of_row.map(|of| of[x]) == here;
        }
    });
    Region::from_runs(
        grid,
        spans.into_iter().map(|([x, y, _], len)| (grid.index([x, y, z]), len as u32)).collect(),
    )
}

/// A part, and what it is to become.
struct Taking {
    voxel: [usize; 3],
    slices: [Arc<[LabelId]>; 2],
    /// Whose word it is, and that model's own id; background by the person where it is neither's.
    word: Option<(Version, Arc<ModelCard>, LabelId)>,
}

impl Taking {
    fn region(&self, volume: &Volume) -> Region {
        part(volume.grid(), self.slices.each_ref().map(|labels| &**labels), self.voxel)
    }

    /// Why nothing changes, where nothing does.
    fn unchanged(&self, volume: &Volume, now: &Annotations) -> CommandError {
        let (label, table) = match &self.word {
            Some((_, card, own)) => {
                let (classes, table) = class_labels(card, &now.labels);
                (translation(card, &classes).get(usize::from(*own)).copied().unwrap_or(0), table)
            }
            None => (0, now.labels.clone()),
        };
        let name = table.get(label).map_or("background".to_owned(), |label| format!("“{}”", label.name));
        let mut there = true;
        for &(start, len) in self.region(volume).runs() {
            now.mask.for_each_run(start, len as usize, |_, _, held| there &= held == label);
        }
        if there { CommandError::ThereAlready(name) } else { CommandError::PartLocked(name) }
    }

    fn changes(&self, volume: &Volume, now: &Annotations) -> Vec<Change> {
        let region = self.region(volume);
        let (label, table, origin) = match &self.word {
            Some((version, card, own)) => {
                let origin = Origin::Model { version: version.to_string() };
                let (classes, table) = class_labels(card, &now.labels);
                let label = translation(card, &classes).get(usize::from(*own)).copied().unwrap_or(0);
                // Background needs no label that is not there.
                (label, if label == 0 { now.labels.clone() } else { table }, origin)
            }
            None => (0, now.labels.clone(), Origin::Person { tool: "clear a part".to_owned() }),
        };
        let rules = MaskRules::new(&table, &now.verified);
        let patch = Patch::paint(&now.mask, volume, &region, label, &rules, origin);
        with_labels(&now.labels, &table, patch)
    }
}

impl Predictions {
    /// Takes the part at a voxel (x, y, z) of the active image into the mask, as one step. `other`: the version that is compared
    /// with the model in use.
    pub fn take_part(
        &self,
        parts: &mut Parts,
        library: &ModelLibrary,
        edits: &mut Edits,
        voxel: [usize; 3],
        other: &str,
        take: Take,
    ) -> Result<(), CommandError> {
        let document = parts.documents.active()?;
        let (id, now, dims) = (document.id(), document.settled()?, document.volume().dims());
        if (0..3).any(|axis| voxel[axis] >= dims[axis]) {
            return Err(CommandError::OutsideImage { voxel, dims });
        }
        let [x, y, z] = voxel;
        if document.is_verified(z) {
            return Err(CommandError::SliceVerified { z });
        }
        let in_use = document.model().cloned().ok_or(CommandError::NoModel)?;
        let card = |version: &Version| {
            let found = library.find(version).map(|model| Arc::clone(&model.card));
            found.ok_or_else(|| CommandError::UnknownModel(version.to_string()))
        };
        let labels = |version: &Version| -> Result<Arc<[LabelId]>, CommandError> {
            let slice = self.labels_by(id, version).and_then(|slices| slices.get(&z));
            let labels = slice.map(|slice| &slice.labels).ok_or(CommandError::NotPredicted { z })?;
            let card = card(version)?;
            let unwanted = card.labels.iter().filter(|label| document.left_out().contains(&label.name));
            let unwanted: Vec<LabelId> = unwanted.map(|label| label.id).collect();
            Ok(match unwanted.is_empty() {
                true => Arc::clone(labels),
                // What is left out is background here.
                false => labels.iter().map(|own| if unwanted.contains(own) { 0 } else { *own }).collect(),
            })
        };
        let other = Version::from(other);
        let slices = [labels(&in_use)?, labels(&other)?];
        let at = y * dims[0] + x;
        let [of_in_use, of_other] = slices.each_ref().map(|labels| labels.get(at).copied().unwrap_or(0));
        if [of_in_use, of_other] == [0, 0] {
            return Err(CommandError::NoComponent);
        }
        let word = match take {
            Take::InUse => Some((in_use.clone(), of_in_use)),
            Take::Other => Some((other, of_other)),
            Take::Neither => None,
        };
        let word = match word {
            Some((version, own)) => {
                let card = card(&version)?;
                Some((version, card, own))
            }
            None => None,
        };
        let taking = Taking { voxel, slices, word };
        if dims[0] * dims[1] > IN_FRAME {
            let order = Order {
                title: "taking a part".to_owned(),
                version: Some(in_use),
                nothing: Some(taking.unchanged(document.volume(), now).to_string()),
                make: Arc::new(move |_, volume, now| {
                    let changes = taking.changes(volume, now);
                    Ok(Draft { warnings: brought(&changes).into_iter().collect(), changes })
                }),
            };
            return edits.edit_in_background(parts, id, order);
        }
        let changes = taking.changes(document.volume(), now);
        if changes.is_empty() {
            return Err(taking.unchanged(document.volume(), now));
        }
        let brought = brought(&changes);
        parts.change(id, changes)?;
        if let Some(words) = brought {
            parts.notices.add(NoticeLevel::Info, Some(id), format!("Taking a part: {words}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_both_models_call_as_they_call_it_here() {
        let grid = Grid::pixels([4, 2, 3]).unwrap();
        let a = [1, 1, 1, 0, 1, 0, 0, 0];
        let b = [1, 0, 0, 0, 0, 0, 2, 2];
        let runs = |voxel| part(&grid, [&a, &b], voxel).runs().to_vec();
        // Slice 1 begins at voxel 8. Only A has a label at (1, 0) and (2, 0); that at (0, 1) touches it by a corner alone.
        assert_eq!(runs([1, 0, 1]), [(9, 2)]);
        assert_eq!(runs([0, 0, 1]), [(8, 1)]);
        assert_eq!(runs([2, 1, 1]), [(14, 2)]);
        assert_eq!(runs([3, 0, 1]), [], "both say background");
    }
}
