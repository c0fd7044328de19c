use super::{Limits, MaskRules, Region};
use crate::label::{LabelId, LabelMap};
use crate::volume::Volume;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

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

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EditError {
    #[error("the stored edit is damaged: {0}")]
    Damaged(String),
    #[error("the edit was made on a mask of size {edit:?}, this one has {mask:?}")]
    Size { edit: [usize; 3], mask: [usize; 3] },
    #[error("the edit does not fit: {0} changed since it was made")]
    Conflict(&'static str),
    #[error("{labels} labels were given for {voxels} voxels")]
    LabelCount { voxels: usize, labels: usize },
    #[error("nothing changes: {0}")]
    NotDrawn(String),
    #[error("slice {0} has no prediction yet")]
    NotPredicted(usize),
    #[error("another stroke is not finished: release the button or press Escape first")]
    Open,
    #[error("there is no stroke to add to")]
    NotOpen,
}

/// A change of voxels: the runs that it touches, with the labels before and after. It can be taken back, and put behind
/// another to make one.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    pub origin: Origin,
    pub(super) dims: [usize; 3],
    /// Sorted, not overlapping, `before != after`; neighbours that could be one run are one, over the ends of rows too.
    pub(super) runs: Vec<Run>,
}

/// `len` voxels from linear index `start` on (x fastest, then y, then z).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    pub start: usize,
    pub len: u32,
    pub before: LabelId,
    pub after: LabelId,
}

impl Run {
    pub fn end(&self) -> usize {
        self.start + self.len as usize
    }
}

/// What someone wants a region's labels to be, before the rules.
pub(super) enum Wish<'a> {
    One(LabelId),
    /// One for each voxel of the region.
    Labels(&'a [LabelId]),
    /// The same, but background replaces only labels that the model knows.
    Predicted {
        labels: &'a [LabelId],
        known: &'a [LabelId],
    },
}

impl Wish<'_> {
    fn keeps(&self, before: LabelId, after: LabelId) -> bool {
        matches!(self, Wish::Predicted { known, .. } if after == 0 && !known.contains(&before))
    }
}

impl Patch {
    /// A change of nothing.
    pub fn empty(map: &LabelMap, origin: Origin) -> Self {
        Self { origin, dims: map.dims(), runs: Vec::new() }
    }

    /// The change that painting `label` (0 erases) on a region makes under the rules. Empty where nothing changes.
    pub fn paint(
        map: &LabelMap,
        volume: &Volume,
        region: &Region,
        label: LabelId,
        rules: &MaskRules,
        origin: Origin,
    ) -> Self {
        Self::build(map, volume, region, rules, origin, &Wish::One(label))
    }

    /// The change that clears one label, in one native slice or in every slice that is not verified. (A verified slice
    /// changes only if a person names it.)
    pub fn clear(
        map: &LabelMap,
        volume: &Volume,
        label: LabelId,
        slice: Option<usize>,
        rules: &MaskRules,
        origin: Origin,
    ) -> Self {
        let grid = volume.grid();
        let [w, h, depth] = grid.dims();
        let region = match slice {
            Some(z) => Region::native_slice(grid, z),
            None => {
                let open = (0..depth).filter(|z| !rules.verified.contains(z));
                Region::from_runs(
                    grid,
                    open.flat_map(|z| (z * h..(z + 1) * h).map(|row| (row * w, w as u32))).collect(),
                )
            }
        };
        let rules = rules.with_limits(Limits { only_over: Some(label), ..Limits::default() });
        Self::paint(map, volume, &region, 0, &rules, origin)
    }

    /// The change that replaces a region's labels by `labels` (one per voxel of the region, in its order).
    pub fn replace(
        map: &LabelMap,
        volume: &Volume,
        region: &Region,
        labels: &[LabelId],
        rules: &MaskRules,
        origin: Origin,
    ) -> Result<Self, EditError> {
        if labels.len() != region.voxel_count() {
            return Err(EditError::LabelCount { voxels: region.voxel_count(), labels: labels.len() });
        }
        Ok(Self::build(map, volume, region, rules, origin, &Wish::Labels(labels)))
    }

    /// Where the rules are applied, for everyone.
    pub(super) fn build(
        map: &LabelMap,
        volume: &Volume,
        region: &Region,
        rules: &MaskRules,
        origin: Origin,
        wish: &Wish,
    ) -> Self {
        let mut patch = Self::empty(map, origin);
        debug_assert_eq!(map.dims(), volume.dims(), "a mask has its image's size");
        let slice_len = patch.dims[0] * patch.dims[1];
        let mut at = 0;
        for &(start, len) in region.runs() {
            if rules.allows_slice(start / slice_len, &patch.origin) {
                map.for_each_run(start, len as usize, |run_start, run_len, before| {
                    let mut paint = |from: usize, len: usize, after: LabelId| {
                        if !rules.allows(before, after) {
                            return;
                        }
                        let Some([low, high]) = rules.limits.value_range else {
                            return patch.push(from, len, before, after);
                        };
                        for voxel in from..from + len {
                            let value = volume.scalar_value(voxel);
                            if value >= low && value <= high {
                                patch.push(voxel, 1, before, after);
                            }
                        }
                    };
                    let first = at + run_start - start;
                    let mut from = run_start;
                    match wish {
                        Wish::One(label) => paint(run_start, run_len, *label),
                        Wish::Labels(labels) | Wish::Predicted { labels, .. } => {
                            for stretch in labels[first..first + run_len].chunk_by(|a, b| a == b) {
                                if !wish.keeps(before, stretch[0]) {
                                    paint(from, stretch.len(), stretch[0]);
                                }
                                from += stretch.len();
                            }
                        }
                    }
                });
            }
            at += len as usize;
        }
        patch
    }

    /// Adds a run after the last one; the two are joined if possible.
    pub(super) fn push(&mut self, start: usize, len: usize, before: LabelId, after: LabelId) {
        if before == after || len == 0 {
            return;
        }
        if let Some(last) = self.runs.last_mut()
            && last.end() == start
            && (last.before, last.after) == (before, after)
            && let Some(sum) = u32::try_from(len).ok().and_then(|len| last.len.checked_add(len))
        {
            last.len = sum;
            return;
        }
        let (mut start, mut left) = (start, len);
        while left > 0 {
            let len = u32::try_from(left).unwrap_or(u32::MAX);
            self.runs.push(Run { start, len, before, after });
            start += len as usize;
            left -= len as usize;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Number of voxels that change.
    pub fn voxel_count(&self) -> usize {
        self.runs.iter().map(|r| r.len as usize).sum()
    }

    /// Makes the change. Where a voxel is not as it was when the patch was made, nothing changes.
    pub fn apply(&self, map: &mut LabelMap) -> Result<(), EditError> {
        self.replace_all(map, |r| (r.before, r.after))
    }

    /// Takes the change back. Where a voxel is not as the patch left it, nothing changes.
    pub fn revert(&self, map: &mut LabelMap) -> Result<(), EditError> {
        self.replace_all(map, |r| (r.after, r.before))
    }

    fn replace_all(
        &self,
        map: &mut LabelMap,
        direction: impl Fn(&Run) -> (LabelId, LabelId),
    ) -> Result<(), EditError> {
        self.check_size(map)?;
        let mut fits = true;
        for run in &self.runs {
            let expected = direction(run).0;
            map.for_each_run(run.start, run.len as usize, |_, _, label| fits &= label == expected);
        }
        if !fits {
            return Err(EditError::Conflict("voxels"));
        }
        if !self.is_empty() {
            map.write_runs(self.runs.iter().map(|r| (r.start, r.len as usize, direction(r).1)));
        }
        Ok(())
    }

    /// Sets the labels after (or before) the change, whatever is there.
    pub(super) fn impose(&self, map: &mut LabelMap, forward: bool) -> Result<(), EditError> {
        self.check_size(map)?;
        if !self.is_empty() {
            map.write_runs(
                self.runs.iter().map(|r| (r.start, r.len as usize, if forward { r.after } else { r.before })),
            );
        }
        Ok(())
    }

    fn check_size(&self, map: &LabelMap) -> Result<(), EditError> {
        if self.dims == map.dims() {
            Ok(())
        } else {
            Err(EditError::Size { edit: self.dims, mask: map.dims() })
        }
    }

    /// This change followed by `next` (made on the same mask), as one; the origin is this one's.
    pub fn then(self, next: &Patch) -> Self {
        debug_assert_eq!(self.dims, next.dims);
        let mut sum = Self { origin: self.origin, dims: self.dims, runs: Vec::new() };
        sum.runs.reserve(self.runs.len() + next.runs.len());
        let (mut first, mut second) = (self.runs.iter().copied(), next.runs.iter().copied());
        let (mut a, mut b) = (first.next(), second.next());
        // Cuts the voxels before `end` off the front of a run.
        let cut = |run: Run, end: usize| {
            (end < run.end()).then(|| Run { start: end, len: (run.end() - end) as u32, ..run })
        };
        loop {
            match (a, b) {
                (None, None) => return sum,
                (Some(x), other) if other.is_none_or(|y| x.start < y.start) => {
                    let end = other.map_or(x.end(), |y| x.end().min(y.start));
                    sum.push(x.start, end - x.start, x.before, x.after);
                    a = cut(x, end).or_else(|| first.next());
                }
                (other, Some(y)) if other.is_none_or(|x| y.start < x.start) => {
                    let end = other.map_or(y.end(), |x| y.end().min(x.start));
                    sum.push(y.start, end - y.start, y.before, y.after);
                    b = cut(y, end).or_else(|| second.next());
                }
                (Some(x), Some(y)) => {
                    let end = x.end().min(y.end());
                    debug_assert_eq!(x.after, y.before, "patches of one mask");
                    sum.push(x.start, end - x.start, x.before, y.after);
                    a = cut(x, end).or_else(|| first.next());
                    b = cut(y, end).or_else(|| second.next());
                }
                // The guards above leave nothing else.
                (Some(_), None) | (None, Some(_)) => return sum,
            }
        }
    }

    /// For each native slice that changes: the voxels that labels gain, and those that labels lose. One that becomes another
    /// label counts for both.
    pub fn voxels_by_slice(&self) -> BTreeMap<usize, [usize; 2]> {
        let slice = self.dims[0] * self.dims[1];
        let mut counts: BTreeMap<usize, [usize; 2]> = BTreeMap::new();
        for run in &self.runs {
            for z in run.start / slice..=(run.end() - 1) / slice {
                let voxels = run.end().min((z + 1) * slice) - run.start.max(z * slice);
                let of_slice = counts.entry(z).or_default();
                for (side, label) in [run.after, run.before].into_iter().enumerate() {
                    of_slice[side] += if label == 0 { 0 } else { voxels };
                }
            }
        }
        counts
    }

    /// For each label but background: how many voxels it gains, and how many it loses.
    pub fn voxels_by_label(&self) -> BTreeMap<LabelId, [usize; 2]> {
        let mut counts: BTreeMap<LabelId, [usize; 2]> = BTreeMap::new();
        for run in &self.runs {
            for (side, label) in [run.after, run.before].into_iter().enumerate() {
                if label != 0 {
                    counts.entry(label).or_default()[side] += run.len as usize;
                }
            }
        }
        counts
    }

    /// Bytes that it holds in memory.
    pub fn byte_len(&self) -> usize {
        size_of::<Self>() + self.runs.capacity() * size_of::<Run>()
    }

    /// Gives back memory that was reserved for growth.
    pub(super) fn shrink(&mut self) {
        self.runs.shrink_to_fit();
    }

    /// First and last native slice that change.
    pub fn slices(&self) -> Option<RangeInclusive<usize>> {
        let slice_len = self.dims[0] * self.dims[1];
        let (first, last) = (self.runs.first()?, self.runs.last()?);
        Some(first.start / slice_len..=(last.end() - 1) / slice_len)
    }

    /// Every native slice that changes, in order.
    pub fn touched(&self) -> BTreeSet<usize> {
        let slice_len = self.dims[0] * self.dims[1];
        self.runs.iter().flat_map(|run| run.start / slice_len..=(run.end() - 1) / slice_len).collect()
    }

    /// First and last voxel of the box around the change, both included: where to look after an undo, and what to draw anew.
    pub fn bounds(&self) -> Option<[[usize; 3]; 2]> {
        let [w, h, _] = self.dims;
        let mut bounds: Option<[[usize; 3]; 2]> = None;
        let mut add = |low: [usize; 3], high: [usize; 3]| {
            let b = bounds.get_or_insert([low, high]);
            for a in 0..3 {
                b[0][a] = b[0][a].min(low[a]);
                b[1][a] = b[1][a].max(high[a]);
            }
        };
        for run in &self.runs {
            let voxel = |i: usize| [i % w, i / w % h, i / (w * h)];
            let (first, last) = (voxel(run.start), voxel(run.end() - 1));
            if first[1..] == last[1..] {
                add(first, last);
            } else {
                // Over the end of a row: full width; over the end of a slice: full height too.
                let (y0, y1) = if first[2] == last[2] { (first[1], last[1]) } else { (0, h - 1) };
                add([0, y0, first[2]], [w - 1, y1, last[2]]);
            }
        }
        bounds
    }
}
