//! Boxes of a mask, and sets of voxels in them as runs.

use crate::{
    geom::Axis,
    label::{Component, Components, Connectivity, LabelId, LabelMap},
};
use rayon::prelude::*;

/// A box of a mask's voxels. Its own indices begin at its first voxel: x fastest, then y, then z.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    pub low: [usize; 3],
    pub size: [usize; 3],
    /// Size of the mask.
    pub of: [usize; 3],
}

impl Block {
    /// The mask's linear index of the first voxel of a row (rows run over y, then z).
    pub fn row(&self, row: usize) -> usize {
        let (y, z) = (row % self.size[1].max(1), row / self.size[1].max(1));
        ((self.low[2] + z) * self.of[1] + self.low[1] + y) * self.of[0] + self.low[0]
    }

    /// The mask's linear index of one of the box's own.
    pub fn index(&self, own: usize) -> usize {
        let width = self.size[0].max(1);
        self.row(own / width) + own % width
    }

    /// The box's own coordinates of a voxel of the mask; none where it lies outside.
    pub fn place(&self, voxel: [usize; 3]) -> Option<[usize; 3]> {
        let own = [0, 1, 2].map(|a| voxel[a].checked_sub(self.low[a]).filter(|&at| at < self.size[a]));
        Some([own[0]?, own[1]?, own[2]?])
    }

    pub fn voxel_count(&self) -> usize {
        self.size.iter().product()
    }

    /// The voxels whose label is in question.
    pub fn rows(&self, map: &LabelMap, is_in: impl Fn(LabelId) -> bool + Sync) -> Rows {
        let row = |row: usize| {
            let start = self.row(row);
            let mut runs: Vec<(usize, usize)> = Vec::new();
            map.for_each_run(start, self.size[0], |at, len, id| {
                if !is_in(id) {
                    return;
                }
                match runs.last_mut() {
                    Some((x, old)) if *x + *old == at - start => *old += len,
                    _ => runs.push((at - start, len)),
                }
            });
            runs
        };
        let count = if self.size[0] == 0 { 0 } else { self.size[1] * self.size[2] };
        Rows { size: self.size, rows: (0..count).into_par_iter().map(row).collect() }
    }

    /// Every label, in the box's own order.
    pub fn labels(&self, map: &LabelMap) -> Vec<LabelId> {
        let mut labels = vec![0; self.voxel_count()];
        let rows = labels.par_chunks_exact_mut(self.size[0].max(1)).enumerate();
        rows.for_each(|(row, out)| map.read(self.row(row), out));
        labels
    }

    /// The slices of the box along an axis, each as a box.
    pub fn slices(&self, axis: Axis) -> Vec<Self> {
        let a = axis.index();
        let slice = |at: usize| {
            let mut slice = self.clone();
            slice.low[a] = at;
            slice.size[a] = 1;
            slice
        };
        (self.low[a]..self.low[a] + self.size[a]).map(slice).collect()
    }

    /// The part of the box within `reach` voxels of `bounds`, which are own coordinates, both ends included.
    pub fn around(&self, [low, high]: [[usize; 3]; 2], reach: [usize; 3]) -> Self {
        let first = [0, 1, 2].map(|a| low[a].saturating_sub(reach[a]));
        let size = [0, 1, 2].map(|a| (high[a] + reach[a] + 1).min(self.size[a]) - first[a]);
        Self { low: [0, 1, 2].map(|a| self.low[a] + first[a]), size, of: self.of }
    }

    /// Runs `(start, length)` in the mask's linear index.
    pub fn runs(&self, rows: &Rows) -> Vec<(usize, u32)> {
        let each = rows.rows.iter().enumerate();
        each.flat_map(|(row, runs)| runs.iter().map(move |&(x, len)| (self.row(row) + x, len as u32)))
            .collect()
    }

    /// The same of a connected part.
    pub fn runs_of(&self, part: &Component) -> Vec<(usize, u32)> {
        part.runs.iter().map(|&(start, len)| (self.index(start), len)).collect()
    }
}

/// A set of voxels in a box, as the runs `(x, length)` of its rows: sorted, and apart from each other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    pub size: [usize; 3],
    /// Over y, then z.
    pub rows: Vec<Vec<(usize, usize)>>,
}

impl Rows {
    pub fn is_empty(&self) -> bool {
        self.rows.iter().all(Vec::is_empty)
    }

    pub fn voxel_count(&self) -> usize {
        self.rows.iter().flatten().map(|run| run.1).sum()
    }

    /// First and last voxel of the smallest box around the set, both included.
    pub fn bounds(&self) -> Option<[[usize; 3]; 2]> {
        let mut bounds: Option<[[usize; 3]; 2]> = None;
        for (row, runs) in self.rows.iter().enumerate() {
            let (Some(first), Some(last)) = (runs.first(), runs.last()) else { continue };
            let (y, z) = (row % self.size[1], row / self.size[1]);
            let [low, high] = bounds.get_or_insert([[usize::MAX; 3], [0; 3]]);
            for (a, (from, to)) in [(first.0, last.0 + last.1 - 1), (y, y), (z, z)].into_iter().enumerate() {
                low[a] = low[a].min(from);
                high[a] = high[a].max(to);
            }
        }
        bounds
    }

    /// The set in another box, which begins at `low` of this one (below 0: before it).
    pub fn moved(&self, low: [isize; 3], size: [usize; 3]) -> Self {
        let row = |row: usize| {
            let y = (row % size[1]).checked_add_signed(low[1]).filter(|&y| y < self.size[1]);
            let z = (row / size[1]).checked_add_signed(low[2]).filter(|&z| z < self.size[2]);
            let (Some(y), Some(z)) = (y, z) else { return Vec::new() };
            let cut = |&(x, len): &(usize, usize)| {
                let own = |x: usize| (x as isize - low[0]).clamp(0, size[0] as isize) as usize;
                let (from, to) = (own(x), own(x + len));
                (from < to).then(|| (from, to - from))
            };
            self.rows[z * self.size[1] + y].iter().filter_map(cut).collect()
        };
        Self { size, rows: (0..size[1] * size[2]).into_par_iter().map(row).collect() }
    }

    /// What is in the box and not in the set.
    pub fn complement(&self) -> Self {
        let whole = vec![(0, self.size[0])];
        let rows = self.rows.par_iter().map(|row| combined(&whole, row, |a, b| a && !b)).collect();
        Self { size: self.size, rows }
    }

    pub fn minus(&self, other: &Self) -> Self {
        self.with(other, |a, b| a && !b)
    }

    pub fn and(&self, other: &Self) -> Self {
        self.with(other, |a, b| a && b)
    }

    pub fn or(&self, other: &Self) -> Self {
        self.with(other, |a, b| a || b)
    }

    fn with(&self, other: &Self, is_in: impl Fn(bool, bool) -> bool + Sync) -> Self {
        debug_assert_eq!(self.size, other.size);
        let pairs = self.rows.par_iter().zip(&other.rows);
        Self { size: self.size, rows: pairs.map(|(a, b)| combined(a, b, &is_in)).collect() }
    }

    /// The connected parts, the largest first; of equal ones that whose first voxel comes first. Their runs are in the box's own
    /// linear index.
    pub fn parts(&self, connectivity: Connectivity) -> Vec<Component> {
        Components::of_runs(self.size, &self.rows, connectivity).list
    }

    /// The parts that the set encloses: what is not in it, connected by faces, and does not touch the border of the box. Along an
    /// axis with one voxel there is no border.
    pub fn holes(&self) -> Vec<Component> {
        let is_hole = |part: &Component| {
            let [low, high] = part.bounds;
            (0..3).all(|a| self.size[a] == 1 || (low[a] > 0 && high[a] + 1 < self.size[a]))
        };
        self.complement().parts(Connectivity::Faces).into_iter().filter(is_hole).collect()
    }

    /// The parts of the set that hold a voxel of another set.
    pub fn touching(&self, seeds: &Self, connectivity: Connectivity) -> Self {
        let seeds = seeds.dense();
        let touches = |part: &&Component| {
            part.runs.iter().any(|&(start, len)| seeds[start..start + len as usize].contains(&true))
        };
        Self::of_parts(self.size, self.parts(connectivity).iter().filter(touches))
    }

    /// One voxel, by its own linear index.
    pub fn of_one(size: [usize; 3], index: usize) -> Self {
        let mut rows = vec![Vec::new(); size[1] * size[2]];
        if let Some(row) = rows.get_mut(index / size[0].max(1)) {
            row.push((index % size[0], 1));
        }
        Self { size, rows }
    }

    /// The voxels of parts of this box.
    pub fn of_parts<'a>(size: [usize; 3], parts: impl IntoIterator<Item = &'a Component>) -> Self {
        let mut rows = vec![Vec::new(); size[1] * size[2]];
        for &(start, len) in parts.into_iter().flat_map(|part| &part.runs) {
            rows[start / size[0]].push((start % size[0], len as usize));
        }
        rows.iter_mut().for_each(|row| row.sort_unstable());
        Self { size, rows }
    }

    /// From a question about each voxel, by its own linear index.
    pub fn of_each(size: [usize; 3], is_in: impl Fn(usize) -> bool + Sync) -> Self {
        let row = |row: usize| marked(size[0], |x| is_in(row * size[0] + x));
        Self { size, rows: (0..size[1] * size[2]).into_par_iter().map(row).collect() }
    }

    /// Whether each voxel is in the set.
    pub fn dense(&self) -> Vec<bool> {
        let mut dense = vec![false; self.size.iter().product()];
        for (row, runs) in self.rows.iter().enumerate() {
            for &(x, len) in runs {
                dense[row * self.size[0] + x..][..len].fill(true);
            }
        }
        dense
    }
}

/// The runs of a row of which a question is true.
pub(super) fn marked(width: usize, is_in: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for x in (0..width).filter(|&x| is_in(x)) {
        match runs.last_mut() {
            Some((start, len)) if *start + *len == x => *len += 1,
            _ => runs.push((x, 1)),
        }
    }
    runs
}

/// Two rows, voxel by voxel; outside of both there is nothing.
fn combined(
    a: &[(usize, usize)],
    b: &[(usize, usize)],
    is_in: impl Fn(bool, bool) -> bool,
) -> Vec<(usize, usize)> {
    fn ends(runs: &[(usize, usize)]) -> impl Iterator<Item = usize> {
        runs.iter().flat_map(|&(x, len)| [x, x + len])
    }
    let (mut a, mut b) = (ends(a).peekable(), ends(b).peekable());
    let (mut runs, mut open): (Vec<(usize, usize)>, Option<usize>) = (Vec::new(), None);
    let (mut in_a, mut in_b) = (false, false);
    while let Some(at) = match (a.peek(), b.peek()) {
        (Some(a), Some(b)) => Some(*a.min(b)),
        (one, other) => one.or(other).copied(),
    } {
        while a.next_if_eq(&at).is_some() {
            in_a = !in_a;
        }
        while b.next_if_eq(&at).is_some() {
            in_b = !in_b;
        }
        match (open, is_in(in_a, in_b)) {
            (None, true) => open = Some(at),
            (Some(start), false) => {
                runs.push((start, at - start));
                open = None;
            }
            _ => {}
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn sets_of_runs_are_sets_of_voxels() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let size = [13, 4, 3];
        for _ in 0..20 {
            let [a, b] = [0, 1].map(|_| (0..156).map(|_| rng.random_bool(0.4)).collect::<Vec<_>>());
            let [ra, rb] = [&a, &b].map(|set| Rows::of_each(size, |i| set[i]));
            assert_eq!(ra.dense(), a);
            let each = |is_in: fn(bool, bool) -> bool| -> Vec<bool> {
                a.iter().zip(&b).map(|(a, b)| is_in(*a, *b)).collect()
            };
            assert_eq!(ra.minus(&rb).dense(), each(|a, b| a && !b));
            assert_eq!(ra.and(&rb).dense(), each(|a, b| a && b));
            assert_eq!(ra.or(&rb).dense(), each(|a, b| a || b));
            assert_eq!(ra.complement().dense(), each(|a, _| !a));
            assert_eq!(ra.voxel_count(), a.iter().filter(|v| **v).count());
            // Into a larger box and back.
            let there = ra.moved([-2, -1, -3], [18, 7, 8]);
            assert_eq!(there.voxel_count(), ra.voxel_count());
            assert_eq!(there.moved([2, 1, 3], size), ra);
            assert_eq!(Rows::of_parts(size, &ra.parts(Connectivity::Full)).dense(), a);
        }
    }

    #[test]
    fn a_box_finds_its_voxels_in_the_mask() {
        let of = [6, 5, 4];
        let block = Block { low: [1, 2, 1], size: [4, 3, 2], of };
        let map = LabelMap::from_values(of, &(0..120).collect::<Vec<LabelId>>()).unwrap();
        let labels = block.labels(&map);
        for (own, label) in labels.iter().enumerate() {
            assert_eq!(block.index(own), usize::from(*label));
        }
        assert_eq!(block.runs(&block.rows(&map, |id| id % 2 == 0)).len(), 12);
        assert_eq!(block.place([1, 2, 0]), None);
        assert_eq!(block.around([[1, 1, 0], [1, 1, 0]], [1, 1, 1]).low, [1, 2, 1]);
        assert_eq!(block.around([[1, 1, 0], [1, 1, 0]], [1, 1, 1]).size, [3, 3, 2]);
        assert_eq!(block.slices(Axis::Y).len(), 3);
    }
}
