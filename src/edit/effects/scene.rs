//! What an effect works on, and what it wants of it.

use super::{
    EffectError,
    ball::Space,
    names_of,
    rows::{Block, Rows, marked},
    work,
};
use crate::{
    geom::{Axis, Grid, Unit},
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

/// Another mask on the same grid, with its labels.
#[derive(Clone, Copy, Debug)]
pub struct Other<'a> {
    pub mask: &'a LabelMap,
    pub labels: &'a LabelTable,
}

/// What an effect works on.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    pub volume: &'a Volume,
    /// The values of the volume are those of an image; otherwise only its grid means something.
    pub has_image: bool,
    pub mask: &'a LabelMap,
    /// For effects that take a second label from there.
    pub other: Option<Other<'a>>,
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

    /// An error where a label is neither in the mask nor in its table.
    pub(super) fn must_know(&self, label: LabelId) -> Result<(), EffectError> {
        must_know(label, self.mask, self.labels, "this mask")
    }

    /// What an effect that changes voxels of the label says where it has none.
    pub(super) fn has_none(&self) -> EffectError {
        let nothing = EffectError::Nothing(format!("{} has no voxels here", self.name(self.label)));
        self.must_know(self.label).err().unwrap_or(nothing)
    }

    /// The label's voxels in the scope, which are at least one.
    pub(super) fn voxels(&self) -> Result<Rows, EffectError> {
        let rows = self.block().rows(self.mask, |id| id == self.label);
        if rows.is_empty() { Err(self.has_none()) } else { Ok(rows) }
    }

    /// An error where a voxel lies outside of the image. `key`: what it was told as.
    pub(super) fn must_hold(&self, key: &str, voxel: [usize; 3]) -> Result<(), EffectError> {
        let dims = self.mask.dims();
        if voxel.iter().zip(dims).all(|(at, size)| *at < size) {
            return Ok(());
        }
        let [x, y, z] = voxel;
        let [columns, rows, slices] = dims.map(|size| size.saturating_sub(1));
        Err(EffectError::Refused(format!(
            "{key}={x},{y},{z} lies outside of the image, which has columns 0 to {columns}, rows 0 to {rows} and slices 0 to {slices}"
        )))
    }

    /// Which slice of the box a number means, in the plane of the scope: an error where it lies outside of the image, or of what
    /// is looked at. `key`: what it was told as.
    pub(super) fn slice_of(&self, key: &str, slice: usize) -> Result<Block, EffectError> {
        let (normal, block) = (self.scope.normal, self.block());
        let last = self.mask.dims()[normal.index()].saturating_sub(1);
        if slice > last {
            return Err(EffectError::Refused(format!(
                "{key}={slice} lies outside of the image, which has slices 0 to {last}"
            )));
        }
        let own = slice.checked_sub(block.low[normal.index()]);
        own.and_then(|own| block.slices(normal).into_iter().nth(own)).ok_or_else(|| {
            EffectError::Nothing(format!("{key}={slice} lies outside of the slices in question"))
        })
    }

    /// What there is to say of lengths along x, y and z that do not reach from voxel to voxel everywhere; an error where they do so
    /// nowhere. `reach`: how many voxels they reach. An axis whose length is 0 is not in question.
    pub(super) fn within(&self, lengths: [f64; 3], reach: [usize; 3]) -> Result<Option<String>, EffectError> {
        let block = self.block();
        let space = self.space(&block);
        let gap = space.z.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        let steps = [space.step[0], space.step[1], gap];
        let asked: Vec<usize> = (0..3).filter(|&a| block.size[a] > 1 && lengths[a] > 0.0).collect();
        let short: Vec<usize> = asked.iter().copied().filter(|&a| reach[a] == 0).collect();
        let ways = ["column to column", "row to row", "slice to slice"];
        let each = |&a: &usize| {
            let [length, step] = [lengths[a], steps[a]].map(|mm| self.length(mm));
            format!("{length} is less than the {step} from {}", ways[a])
        };
        let told = short.iter().map(each).collect::<Vec<_>>().join(", and ");
        match short[..] {
            [] if asked.is_empty() => Err(EffectError::Nothing("a length of 0 changes nothing".to_owned())),
            [] => Ok(None),
            _ if short.len() == asked.len() => Err(EffectError::Nothing(told)),
            [2] => Ok(Some(format!("{told}: it works within slices"))),
            _ => Ok(Some(format!("{told}: nothing changes that way"))),
        }
    }

    /// "1.5 mm"
    pub(super) fn length(&self, length: f64) -> String {
        let unit = if self.grid().unit() == Unit::Pixel { "px" } else { "mm" };
        format!("{} {unit}", (length * 1e3).round() / 1e3)
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
    /// What there is to say of what changes.
    pub notes: Vec<String>,
    /// What a person may not have meant.
    pub warnings: Vec<String>,
    /// That a label loses all that it has is what was asked for.
    pub is_meant: bool,
}

type Runs = Vec<(usize, u32)>;

impl Wish {
    pub fn noted(mut self, note: Option<String>) -> Self {
        self.notes.extend(note);
        self
    }

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

/// An error where a label is neither in a mask nor in its table. `whose`: the mask in words.
pub(super) fn must_know(
    label: LabelId,
    mask: &LabelMap,
    labels: &LabelTable,
    whose: &str,
) -> Result<(), EffectError> {
    if labels.get(label).is_some() {
        return Ok(());
    }
    let present = mask.counts();
    if present.contains_key(&label) {
        return Ok(());
    }
    let mut known = labels.clone();
    known.name_unknown(present.into_keys());
    let there = match known.is_empty() {
        true => "it has none".to_owned(),
        false => format!("there are {}", names_of(&known)),
    };
    Err(EffectError::Refused(format!("there is no label {label} in {whose}: {there}")))
}
