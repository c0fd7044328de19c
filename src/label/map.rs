use super::LabelId;
use crate::geom::{Axis, PlaneAxes};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// A mask over a grid, in copy-on-write bricks: a snapshot (`clone`) is cheap, and an edit copies only the bricks that
/// it touches and that a snapshot still holds.
///
/// Bricks are 32³ voxels, or 128²×1 where the image has depth 1; those at the far edges are cut off, so that none
/// holds a voxel that does not exist. A brick of one label is stored as that label alone, always: two masks with equal
/// voxels are equal brick by brick.
#[derive(Clone, Debug)]
pub struct LabelMap {
    dims: [usize; 3],
    /// Base-two logarithm of a whole brick's size.
    shift: [u32; 3],
    /// Number of bricks along x, y, z.
    counts: [usize; 3],
    /// x fastest, then y, then z; so are the voxels of a dense brick.
    bricks: Vec<Brick>,
    revision: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Brick {
    Uniform(LabelId),
    Dense(Arc<[LabelId]>),
}

/// Part of a row that lies in one brick.
struct Segment {
    brick: usize,
    /// Of the first voxel, in the brick.
    offset: usize,
    len: usize,
}

impl PartialEq for LabelMap {
    /// Equal size and equal voxels; the revision does not count.
    fn eq(&self, other: &Self) -> bool {
        self.dims == other.dims && self.bricks == other.bricks
    }
}

impl LabelMap {
    /// A mask of background.
    pub fn empty(dims: [usize; 3]) -> Self {
        let shift = if dims[2] == 1 { [7, 7, 0] } else { [5, 5, 5] };
        let counts: [usize; 3] = std::array::from_fn(|a| dims[a].div_ceil(1 << shift[a]));
        let bricks = vec![Brick::Uniform(0); counts.iter().product()];
        Self { dims, shift, counts, bricks, revision: 0 }
    }

    /// From values stored x fastest, then y, then z; `None` unless `values.len()` is the voxel count.
    pub fn from_values(dims: [usize; 3], values: &[LabelId]) -> Option<Self> {
        let count = dims.iter().try_fold(1usize, |n, &side| n.checked_mul(side));
        let read = |start: usize, out: &mut [LabelId]| out.copy_from_slice(&values[start..start + out.len()]);
        (count == Some(values.len())).then(|| Self::from_parts(dims, read))
    }

    /// From anything that has the labels from a linear index on, x fastest, then y, then z: it is asked for parts of rows,
    /// each once and in any order.
    pub fn from_parts(dims: [usize; 3], read: impl Fn(usize, &mut [LabelId]) + Sync) -> Self {
        let mut map = Self::empty(dims);
        map.fill(0..dims[2], read);
        map
    }

    /// Background but for native slice `z`, whose labels are given row by row. `None` where there is no such slice, or it has
    /// another number of pixels.
    pub fn of_slice(dims: [usize; 3], z: usize, labels: &[LabelId]) -> Option<Self> {
        let slice_len = dims[0] * dims[1];
        if z >= dims[2] || labels.len() != slice_len {
            return None;
        }
        let mut map = Self::empty(dims);
        map.fill(z..z + 1, |start, out| {
            if start / slice_len == z {
                let first = start - z * slice_len;
                out.copy_from_slice(&labels[first..first + out.len()]);
            }
        });
        Some(map)
    }

    /// Fills the bricks that have voxels of these slices; as [`LabelMap::from_parts`].
    fn fill(&mut self, slices: Range<usize>, read: impl Fn(usize, &mut [LabelId]) + Sync) {
        let dims = self.dims;
        let (extents, origins): (Vec<_>, Vec<_>) =
            (0..self.bricks.len()).map(|b| (self.extent(b), self.origin(b))).unzip();
        self.bricks.par_iter_mut().enumerate().for_each(|(b, brick)| {
            let ([ex, ey, ez], [ox, oy, oz]) = (extents[b], origins[b]);
            if oz >= slices.end || oz + ez <= slices.start {
                return;
            }
            let mut voxels = vec![0; ex * ey * ez];
            for (row, out) in voxels.chunks_exact_mut(ex).enumerate() {
                let (y, z) = (oy + row % ey, oz + row / ey);
                read((z * dims[1] + y) * dims[0] + ox, out);
            }
            *brick = match uniform(&voxels) {
                Some(label) => Brick::Uniform(label),
                None => Brick::Dense(voxels.into()),
            };
        });
    }

    /// Every label, x fastest, then y, then z.
    pub fn to_values(&self) -> Vec<LabelId> {
        let mut values = vec![0; self.dims.iter().product()];
        let slice_len = (self.dims[0] * self.dims[1]).max(1);
        values.par_chunks_mut(slice_len).enumerate().for_each(|(z, out)| self.read(z * slice_len, out));
        values
    }

    /// Size along x, y, z in voxels.
    pub fn dims(&self) -> [usize; 3] {
        self.dims
    }

    /// The label of a voxel inside the grid.
    pub fn get(&self, [x, y, z]: [usize; 3]) -> LabelId {
        debug_assert!(x < self.dims[0] && y < self.dims[1] && z < self.dims[2], "voxel outside the mask");
        let Segment { brick, offset, .. } = self.segment([x, y, z], 1);
        match &self.bricks[brick] {
            Brick::Uniform(label) => *label,
            Brick::Dense(voxels) => voxels[offset],
        }
    }

    /// Labels of native slice `z`, row by row.
    pub fn slice(&self, z: usize) -> Vec<LabelId> {
        let len = self.dims[0] * self.dims[1];
        let mut out = vec![0; len];
        self.read(z * len, &mut out);
        out
    }

    /// Labels of a slice as a plane shows it (flips applied), row by row from the top left of the screen.
    pub fn plane_slice(&self, axes: PlaneAxes, slice: usize) -> Vec<LabelId> {
        let [width, height] = axes.size(self.dims);
        let mut out = vec![0; width * height];
        if out.is_empty() {
            return out;
        }
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let mut voxel = [0; 3];
            voxel[axes.normal.index()] = slice;
            voxel[axes.down.index()] = if axes.down_flipped { height - 1 - row } else { row };
            if axes.right == Axis::X {
                self.read(self.index(voxel), out);
            } else {
                for (at, label) in out.iter_mut().enumerate() {
                    voxel[axes.right.index()] = at;
                    *label = self.get(voxel);
                }
            }
            if axes.right_flipped {
                out.reverse();
            }
        }
        out
    }

    /// Grows with every change; a derived thing carries the revision that it was made from.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Voxels of every id but 0.
    pub fn counts(&self) -> BTreeMap<LabelId, usize> {
        let add = |mut a: BTreeMap<LabelId, usize>, label: LabelId, n: usize| {
            if label != 0 {
                *a.entry(label).or_default() += n;
            }
            a
        };
        self.bricks
            .par_iter()
            .enumerate()
            .fold(BTreeMap::new, |sum, (b, brick)| match brick {
                Brick::Uniform(label) => add(sum, *label, self.extent(b).iter().product()),
                Brick::Dense(voxels) => {
                    voxels.chunk_by(|a, b| a == b).fold(sum, |sum, run| add(sum, run[0], run.len()))
                }
            })
            .reduce(BTreeMap::new, |a, b| b.into_iter().fold(a, |a, (label, n)| add(a, label, n)))
    }

    /// True where every voxel is background.
    pub fn is_empty(&self) -> bool {
        self.bricks.iter().all(|b| *b == Brick::Uniform(0))
    }

    /// True where every voxel of native slice `z` is background.
    pub fn is_slice_empty(&self, z: usize) -> bool {
        let layer = self.counts[0] * self.counts[1];
        let first = (z >> self.shift[2]) * layer;
        (first..first + layer).all(|b| match &self.bricks[b] {
            Brick::Uniform(label) => *label == 0,
            Brick::Dense(voxels) => {
                let [w, h, _] = self.extent(b);
                let start = (z - self.origin(b)[2]) * w * h;
                voxels[start..start + w * h].iter().all(|label| *label == 0)
            }
        })
    }

    /// Bytes of voxels held, those shared with snapshots included.
    pub fn byte_len(&self) -> usize {
        let dense = |b: &Brick| if let Brick::Dense(v) = b { size_of_val(&v[..]) } else { 0 };
        self.bricks.len() * size_of::<Brick>() + self.bricks.iter().map(dense).sum::<usize>()
    }

    /// Copies labels from linear index `start` on (x fastest, then y, then z).
    pub fn read(&self, start: usize, out: &mut [LabelId]) {
        let mut at = 0;
        self.segments(start, out.len(), |segment| {
            let out = &mut out[at..at + segment.len];
            match &self.bricks[segment.brick] {
                Brick::Uniform(label) => out.fill(*label),
                Brick::Dense(v) => out.copy_from_slice(&v[segment.offset..segment.offset + segment.len]),
            }
            at += segment.len;
        });
    }

    /// Calls `each(start, length, label)` for runs of one label, in order, from linear index `start` on. A run ends where
    /// the label, the row or the brick does.
    pub fn for_each_run(&self, start: usize, len: usize, mut each: impl FnMut(usize, usize, LabelId)) {
        let mut at = start;
        self.segments(start, len, |segment| {
            match &self.bricks[segment.brick] {
                Brick::Uniform(label) => each(at, segment.len, *label),
                Brick::Dense(v) => {
                    let mut at = at;
                    let v = &v[segment.offset..segment.offset + segment.len];
                    for run in v.chunk_by(|a, b| a == b) {
                        each(at, run.len(), run[0]);
                        at += run.len();
                    }
                }
            }
            at += segment.len;
        });
    }

    /// Sets runs `(start, length, label)` of linear indices. For `edit` alone: it is the one write path.
    pub(crate) fn write_runs(&mut self, runs: impl Iterator<Item = (usize, usize, LabelId)>) {
        let mut touched: Vec<usize> = Vec::new();
        let (mut bricks, frame) = (std::mem::take(&mut self.bricks), &*self);
        for (start, len, label) in runs {
            frame.segments(start, len, |segment| {
                let brick = &mut bricks[segment.brick];
                if let Brick::Uniform(old) = *brick {
                    if old == label {
                        return;
                    }
                    let volume = frame.extent(segment.brick).iter().product();
                    *brick = Brick::Dense(std::iter::repeat_n(old, volume).collect());
                }
                if let Brick::Dense(voxels) = brick {
                    Arc::make_mut(voxels)[segment.offset..segment.offset + segment.len].fill(label);
                }
                if touched.last() != Some(&segment.brick) {
                    touched.push(segment.brick);
                }
            });
        }
        touched.sort_unstable();
        touched.dedup();
        for b in touched {
            if let Brick::Dense(voxels) = &bricks[b]
                && let Some(label) = uniform(voxels)
            {
                bricks[b] = Brick::Uniform(label);
            }
        }
        self.bricks = bricks;
        self.revision += 1;
    }

    /// Boxes of voxels (from, past the end) of the bricks that meet a slice and are not known to be the same in an older
    /// snapshot of this mask; one box a brick. `None` where the two differ in size.
    ///
    /// Only where bricks lie in memory is compared, not what is in them: every change is in the answer, and so may be
    /// bricks that changed and changed back.
    pub fn changed_bricks(
        &self,
        older: &LabelMap,
        normal: Axis,
        slice: usize,
    ) -> Option<Vec<[[usize; 3]; 2]>> {
        if self.dims != older.dims {
            return None;
        }
        let same = |b: usize| match (&self.bricks[b], &older.bricks[b]) {
            (Brick::Uniform(new), Brick::Uniform(old)) => new == old,
            (Brick::Dense(new), Brick::Dense(old)) => Arc::ptr_eq(new, old),
            _ => false,
        };
        let boxes = (0..self.bricks.len()).filter(|&b| !same(b)).map(|b| {
            let (from, extent) = (self.origin(b), self.extent(b));
            [from, std::array::from_fn(|a| from[a] + extent[a])]
        });
        let n = normal.index();
        Some(boxes.filter(|[from, end]| (from[n]..end[n]).contains(&slice)).collect())
    }

    /// Linear index of a voxel: x fastest, then y, then z.
    pub fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        (z * self.dims[1] + y) * self.dims[0] + x
    }

    /// The voxel of a linear index.
    pub fn voxel(&self, index: usize) -> [usize; 3] {
        let [w, h, _] = self.dims;
        [index % w, index / w % h, index / (w * h)]
    }

    /// Cuts linear indices at the ends of rows and bricks.
    fn segments(&self, start: usize, len: usize, mut each: impl FnMut(Segment)) {
        if len == 0 {
            return;
        }
        let [mut x, mut y, mut z] = self.voxel(start);
        let mut left = len;
        while left > 0 {
            let segment = self.segment([x, y, z], left);
            x += segment.len;
            left -= segment.len;
            if x == self.dims[0] {
                (x, y) = (0, y + 1);
                if y == self.dims[1] {
                    (y, z) = (0, z + 1);
                }
            }
            each(segment);
        }
    }

    fn segment(&self, [x, y, z]: [usize; 3], len: usize) -> Segment {
        let at = [x, y, z];
        let brick: [usize; 3] = std::array::from_fn(|a| at[a] >> self.shift[a]);
        let local: [usize; 3] = std::array::from_fn(|a| at[a] - (brick[a] << self.shift[a]));
        let [ex, ey, _] = self.extent_at(brick);
        Segment {
            brick: (brick[2] * self.counts[1] + brick[1]) * self.counts[0] + brick[0],
            offset: (local[2] * ey + local[1]) * ex + local[0],
            len: len.min(ex - local[0]),
        }
    }

    fn brick_at(&self, brick: usize) -> [usize; 3] {
        let [nx, ny, _] = self.counts;
        [brick % nx, brick / nx % ny, brick / (nx * ny)]
    }

    fn origin(&self, brick: usize) -> [usize; 3] {
        let at = self.brick_at(brick);
        std::array::from_fn(|a| at[a] << self.shift[a])
    }

    fn extent(&self, brick: usize) -> [usize; 3] {
        self.extent_at(self.brick_at(brick))
    }

    fn extent_at(&self, at: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|a| (self.dims[a] - (at[a] << self.shift[a])).min(1 << self.shift[a]))
    }
}

fn uniform(voxels: &[LabelId]) -> Option<LabelId> {
    let (&first, rest) = voxels.split_first()?;
    rest.iter().all(|&v| v == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_of_one_slice_is_background_elsewhere() {
        let dims = [40, 35, 70];
        let slice: Vec<LabelId> = (0..40 * 35).map(|i| (i % 5) as LabelId).collect();
        for z in [0, 33, 69] {
            let map = LabelMap::of_slice(dims, z, &slice).unwrap();
            assert_eq!(map.slice(z), slice);
            let labelled = slice.iter().filter(|label| **label != 0).count();
            assert_eq!(map.counts().values().sum::<usize>(), labelled, "slice {z}");
            for other in 0..70 {
                assert_eq!(map.is_slice_empty(other), other != z, "slice {other}, labels in {z}");
            }
        }
        assert!(LabelMap::of_slice(dims, 70, &slice).is_none());
        assert!(LabelMap::of_slice(dims, 3, &slice[1..]).is_none());
    }

    #[test]
    fn the_bricks_that_a_write_touched_are_named_in_the_slices_that_they_meet() {
        let older = LabelMap::empty([70, 40, 40]);
        let mut map = older.clone();
        let [start, z] = [map.index([30, 33, 35]), 35];
        map.write_runs([(start, 4, 1)].into_iter());
        let boxes = map.changed_bricks(&older, Axis::Z, z).unwrap();
        assert_eq!(boxes, [[[0, 32, 32], [32, 40, 40]], [[32, 32, 32], [64, 40, 40]]]);
        assert_eq!(map.changed_bricks(&older, Axis::X, 40).unwrap(), boxes[1..]);
        assert_eq!(map.changed_bricks(&older, Axis::Z, 31).unwrap(), [[[0; 3]; 2]; 0]);
        assert_eq!(map.changed_bricks(&map.clone(), Axis::Z, z).unwrap(), [[[0; 3]; 2]; 0]);
        assert_eq!(map.changed_bricks(&LabelMap::empty([70, 40, 41]), Axis::Z, z), None);
    }
}
