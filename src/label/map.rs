use super::LabelId;
use crate::geom::{Axis, PlaneAxes};
use std::sync::Arc;

/// A mask over a grid, in copy-on-write bricks: a snapshot is cheap, and an edit copies only what it touches.
///
/// Bricks are 32³ voxels, or 128²×1 where the image has depth 1. `revision` grows with every change.
#[derive(Clone, Debug)]
pub struct LabelMap {
    dims: [usize; 3],
    brick_dims: [usize; 3],
    bricks: Vec<Brick>,
    revision: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Brick {
    Uniform(LabelId),
    Dense(Arc<[LabelId]>),
}

#[expect(unused_variables)]
impl LabelMap {
    pub fn empty(dims: [usize; 3]) -> Self {
        todo!()
    }
    /// From values stored x fastest, then y, then z; `values.len()` must be the voxel count.
    pub fn from_values(dims: [usize; 3], values: &[LabelId]) -> Option<Self> {
        todo!()
    }
    pub fn to_values(&self) -> Vec<LabelId> {
        todo!()
    }
    pub fn dims(&self) -> [usize; 3] {
        self.dims
    }
    pub fn get(&self, voxel: [usize; 3]) -> LabelId {
        todo!()
    }
    /// Labels of native slice `z`, row by row.
    pub fn slice(&self, z: usize) -> Vec<LabelId> {
        todo!()
    }
    /// Labels of a slice as a plane shows it (flips applied), row by row from the top left of the screen.
    pub fn plane_slice(&self, axes: PlaneAxes, slice: usize) -> Vec<LabelId> {
        todo!()
    }
    /// Grows with every change; a derived thing carries the revision that it was made from.
    pub fn revision(&self) -> u64 {
        self.revision
    }
    /// Voxels of every id but 0.
    pub fn counts(&self) -> std::collections::BTreeMap<LabelId, usize> {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    pub(crate) fn set_for_edit(&mut self, axis: Axis) {
        todo!()
    }
}
