use super::{MaskRules, Region};
use crate::label::{LabelId, LabelMap};
use crate::volume::Volume;
use serde::{Deserialize, Serialize};

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A person, with the tool's id.
    Person { tool: String },
    /// A prediction accepted into the mask: the model's version.
    Model { version: String },
    /// Loaded from a file.
    Import { source: String },
}

#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    #[error("the stored edit is damaged: {0}")]
    Damaged(String),
    #[error("the edit was made on a mask of size {patch:?}, this one has {map:?}")]
    Size { patch: [usize; 3], map: [usize; 3] },
    #[error("the edit does not fit the mask: voxels have changed since it was made")]
    Conflict,
}

/// One undoable change: the runs of voxels that it touches, with the labels before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    pub origin: Origin,
    dims: [usize; 3],
    /// (start, length, before, after), sorted, not overlapping; before != after.
    runs: Vec<(usize, u32, LabelId, LabelId)>,
}

#[expect(unused_variables)]
impl Patch {
    /// The change that painting `label` (0 erases) on a region makes under the rules. Empty where nothing changes.
    pub fn paint(
        map: &LabelMap,
        volume: &Volume,
        region: &Region,
        label: LabelId,
        rules: &MaskRules,
        origin: Origin,
    ) -> Self {
        todo!()
    }
    /// The change that replaces a region's labels by `labels` (one per voxel of the region, in its order).
    pub fn replace(
        map: &LabelMap,
        volume: &Volume,
        region: &Region,
        labels: &[LabelId],
        rules: &MaskRules,
        origin: Origin,
    ) -> Self {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
    pub fn apply(&self, map: &mut LabelMap) -> Result<(), PatchError> {
        todo!()
    }
    pub fn revert(&self, map: &mut LabelMap) -> Result<(), PatchError> {
        todo!()
    }
    /// This change followed by `next`, as one.
    pub fn then(self, next: &Patch) -> Self {
        todo!()
    }
    /// Bytes that it holds in memory.
    pub fn byte_len(&self) -> usize {
        todo!()
    }
    /// Compact bytes for the journal, with a checksum; [`Patch::decode`] reads them back.
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
    pub fn decode(bytes: &[u8]) -> Result<Self, PatchError> {
        todo!()
    }
    /// First native slice that changes, for jumping to where an undo happened.
    pub fn slices(&self) -> std::ops::RangeInclusive<usize> {
        todo!()
    }
}
