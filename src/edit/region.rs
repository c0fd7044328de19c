use crate::geom::Grid;

/// The voxels that a shape marks: runs along x, `(start, length)` in the grid's linear index (x fastest, then y, then
/// z), sorted, not overlapping, none of them over the end of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    runs: Vec<(usize, u32)>,
}

impl Region {
    /// From runs within rows, in any order; overlapping ones are merged.
    pub fn from_runs(grid: &Grid, mut runs: Vec<(usize, u32)>) -> Self {
        let width = grid.dims()[0];
        runs.retain(|r| r.1 > 0);
        if !runs.is_sorted() {
            runs.sort_unstable();
        }
        runs.dedup_by(|next, kept| {
            let end = kept.0 + kept.1 as usize;
            let merges = next.0 <= end && next.0 / width == kept.0 / width;
            if merges {
                kept.1 = (end.max(next.0 + next.1 as usize) - kept.0) as u32;
            }
            merges
        });
        Self { runs }
    }

    /// The whole of a native slice; nothing where the grid has no such slice.
    pub fn native_slice(grid: &Grid, z: usize) -> Self {
        let [w, h, depth] = grid.dims();
        let rows = if z < depth { 0..h } else { 0..0 };
        Self { runs: rows.map(|y| ((z * h + y) * w, w as u32)).collect() }
    }

    pub fn runs(&self) -> &[(usize, u32)] {
        &self.runs
    }

    pub fn voxel_count(&self) -> usize {
        self.runs.iter().map(|r| r.1 as usize).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}
