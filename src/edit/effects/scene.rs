//! What an effect works on, and what it wants of it.

use super::{
    EffectError,
    ball::Space,
    rows::{Block, Rows, marked},
    work,
};
use crate::{
    geom::{Axis, Grid},
    label::{LabelId, LabelMap, LabelTable},
    volume::Volume,
    watch::Stopped,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// Which voxels are looked at, as if there were no others: slices of one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scope {
    pub normal: Axis,
    pub slices: RangeInclusive<usize>,
}

impl Scope {
    /// All of a mask of this size, whose slices are the native ones.
    pub fn whole(dims: [usize; 3]) -> Self {
        Self { normal: Axis::Z, slices: 0..=dims[2].saturating_sub(1) }
    }
}

/// What a label that gains voxels takes them from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    #[default]
    Background,
    /// Background and every label that is not locked.
    All,
}

/// What an effect works on.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    pub volume: &'a Volume,
    /// The values of the volume are those of an image; otherwise only its grid means something.
    pub has_image: bool,
    pub mask: &'a LabelMap,
    /// Another mask on the same grid, for effects that take a second label from there.
    pub other: Option<&'a LabelMap>,
    pub labels: &'a LabelTable,
    pub label: LabelId,
    /// Of an effect on all labels, those that gain voxels; empty: all.
    pub chosen: &'a [LabelId],
    pub scope: Scope,
    pub over: Over,
    /// Slices that a person has verified change too.
    pub also_verified: bool,
}

impl<'a> Scene<'a> {
    /// The whole of a mask of an image.
    pub fn new(volume: &'a Volume, mask: &'a LabelMap, labels: &'a LabelTable, label: LabelId) -> Self {
        let scope = Scope::whole(mask.dims());
        let (over, also_verified) = (Over::Background, false);
        let (other, chosen) = (None, &[][..]);
        Self { volume, has_image: true, mask, other, labels, label, chosen, scope, over, also_verified }
    }

    pub(super) fn grid(&self) -> &'a Grid {
        self.volume.grid()
    }

    /// The voxels of the scope.
    pub(super) fn block(&self) -> Block {
        let (mut low, mut size) = ([0; 3], self.mask.dims());
        let a = self.scope.normal.index();
        low[a] = (*self.scope.slices.start()).min(size[a]);
        size[a] = (self.scope.slices.end() + 1).min(size[a]).saturating_sub(low[a]);
        Block { low, size, of: self.mask.dims() }
    }

    /// Where the voxels of a box are.
    pub(super) fn space(&self, block: &Block) -> Space {
        let [x, y, _] = self.grid().spacing();
        let slices = block.low[2]..block.low[2] + block.size[2];
        Space { step: [x, y], z: slices.map(|z| self.grid().slice_position(z)).collect() }
    }

    /// Whether an effect on all labels may give voxels to this one.
    pub(super) fn is_chosen(&self, label: LabelId) -> bool {
        (self.chosen.is_empty() || self.chosen.contains(&label)) && !self.labels.is_locked(label)
    }

    /// What people call a label.
    pub(super) fn name(&self, label: LabelId) -> String {
        self.labels.get(label).map_or_else(|| format!("label {label}"), |label| label.name.clone())
    }

    /// The label's voxels in the scope, which are at least one.
    pub(super) fn voxels(&self) -> Result<Rows, EffectError> {
        let rows = self.block().rows(self.mask, |id| id == self.label);
        if rows.is_empty() {
            return Err(EffectError::Nothing(format!("{} has no voxels here", self.name(self.label))));
        }
        Ok(rows)
    }

    /// The label's voxels, which are at least one, in a box with room for so many voxels around them.
    pub(super) fn voxels_with(
        &self,
        reach: impl FnOnce(&Space) -> [usize; 3],
    ) -> Result<(Block, Space, Rows), EffectError> {
        let (scope, rows) = (self.block(), self.voxels()?);
        let reach = reach(&self.space(&scope)).map(|n| n + 1);
        let block = rows.bounds().map_or_else(|| scope.clone(), |bounds| scope.around(bounds, reach));
        let low = [0, 1, 2].map(|a| (block.low[a] - scope.low[a]) as isize);
        let (rows, space) = (rows.moved(low, block.size), self.space(&block));
        Ok((block, space, rows))
    }

    /// The values of a box, in its own order.
    pub(super) fn values(&self, block: &Block) -> Result<Vec<f32>, Stopped> {
        let mut values = vec![0.0; block.voxel_count()];
        work::fill("reading values", &mut values, block.size[0] * block.size[1], |z, out| {
            self.slice_values(block, z, out);
        })?;
        Ok(values)
    }

    /// The values of slice `z` of a box.
    pub(super) fn slice_values(&self, block: &Block, z: usize, out: &mut [f32]) {
        for (y, row) in out.chunks_exact_mut(block.size[0].max(1)).enumerate() {
            self.volume.read_scalars(block.row(z * block.size[1] + y), row);
        }
    }

    /// The voxels of a box whose values are in question.
    pub(super) fn valued(&self, block: &Block, is_in: impl Fn(f64) -> bool + Sync) -> Result<Rows, Stopped> {
        let [width, height, depth] = block.size;
        let slice = |z: usize| {
            let mut values = vec![0.0; width];
            let mut row = |row: usize| {
                self.volume.read_scalars(block.row(row), &mut values);
                marked(width, |x| is_in(f64::from(values[x])))
            };
            (z * height..(z + 1) * height).map(&mut row).collect::<Vec<_>>()
        };
        let rows = work::each("reading values", depth, slice)?.into_iter().flatten().collect();
        Ok(Rows { size: block.size, rows })
    }

    /// The mask that a second label is taken from.
    pub(super) fn second(&self, from_other: bool) -> Result<&'a LabelMap, EffectError> {
        match (from_other, self.other) {
            (false, _) => Ok(self.mask),
            (true, Some(other)) => Ok(other),
            (true, None) => Err(EffectError::lacks("another mask on the same grid", "--other FILE")),
        }
    }

    /// What the effect wants where the label becomes the set.
    pub(super) fn becomes(&self, block: &Block, before: &Rows, after: &Rows) -> Wish {
        let mut wish = Wish::default();
        wish.lose(self.label, block.runs(&before.minus(after)));
        wish.gain(self.label, block.runs(&after.minus(before)));
        wish
    }
}

/// What an effect wants, before the rules: runs `(start, length)` in the linear index of the mask.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wish {
    /// What becomes a label (the second) where a label is (the first); without a first one, what [`Over`] allows.
    pub moves: BTreeMap<(Option<LabelId>, LabelId), Runs>,
}

type Runs = Vec<(usize, u32)>;

impl Wish {
    /// Voxels of a label become background.
    pub fn lose(&mut self, label: LabelId, runs: impl IntoIterator<Item = (usize, u32)>) {
        self.change(label, 0, runs);
    }

    /// Voxels of one label become another.
    pub fn change(&mut self, from: LabelId, to: LabelId, runs: impl IntoIterator<Item = (usize, u32)>) {
        self.moves.entry((Some(from), to)).or_default().extend(runs);
    }

    /// A label takes voxels from what [`Over`] allows.
    pub fn gain(&mut self, label: LabelId, runs: impl IntoIterator<Item = (usize, u32)>) {
        self.moves.entry((None, label)).or_default().extend(runs);
    }
}
