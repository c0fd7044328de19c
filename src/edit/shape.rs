use super::{brush, fill, outline};
use crate::geom::{Grid, Plane};
use crate::label::LabelMap;
use crate::volume::Volume;
use serde::{Deserialize, Serialize};

/// What a gesture marks, before the rules: a region of voxels. Coordinates are voxel coordinates (fractions allowed;
/// whole numbers are voxel centres).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    /// A round brush along a path of voxel coordinates: a disc within one slice of a plane (the slice in which the path's
    /// points lie), or a sphere through slices. The radius is in the grid's unit (mm, or pixels where spacing is
    /// unknown); distances use the true spacing and slice positions. The voxels under the path are always marked, so that
    /// the smallest brush still draws.
    Brush { plane: Plane, points: Vec<[f64; 3]>, radius: f64, sphere: bool },
    /// A closed outline within one slice of a plane (lasso and polygon): voxels whose centre is inside (even-odd).
    Outline { plane: Plane, slice: usize, points: Vec<[f64; 3]> },
    /// The connected voxels around a seed, of the seed's label and with values within `range` (both ends included);
    /// 4-connected within a slice of the plane, or 6-connected in the volume.
    Flood { plane: Plane, seed: [usize; 3], range: [f32; 2], volume: bool },
    /// The labels of native slice `from`, copied onto native slice `to`, background included.
    CopySlice { from: usize, to: usize },
}

impl Shape {
    /// Voxels that the shape can mark at most, from its size alone: how much work it is. A brush is drawn in small pieces
    /// and counts for nothing.
    pub fn reach(&self, grid: &Grid) -> usize {
        let dims = grid.dims();
        let slice_len =
            |plane: Plane| dims.iter().product::<usize>() / dims[grid.plane_axes(plane).normal.index()];
        match self {
            Shape::Brush { .. } => 0,
            Shape::Outline { plane, points, .. } => {
                let normal = grid.plane_axes(*plane).normal.index();
                let side = |a: usize| {
                    let along = || points.iter().map(|p| p[a].clamp(0.0, dims[a] as f64));
                    (along().fold(0.0, f64::max) - along().fold(f64::MAX, f64::min)).max(0.0) as usize + 1
                };
                (0..3).filter(|&a| a != normal).map(side).product()
            }
            Shape::Flood { volume: true, .. } => dims.iter().product(),
            Shape::Flood { plane, .. } => slice_len(*plane),
            Shape::CopySlice { .. } => dims[0] * dims[1],
        }
    }

    /// The voxels that the shape marks; those outside the grid are left out. For `CopySlice`, the whole of slice `to`.
    pub fn region(&self, volume: &Volume, map: &LabelMap) -> Region {
        let grid = volume.grid();
        match self {
            Shape::Brush { plane, points, radius, sphere } => {
                brush::region(grid, *plane, points, *radius, *sphere)
            }
            Shape::Outline { plane, slice, points } => outline::region(grid, *plane, *slice, points),
            Shape::Flood { plane, seed, range, volume: whole } => {
                fill::region(volume, map, *plane, *seed, *range, *whole)
            }
            Shape::CopySlice { to, .. } => Region::native_slice(grid, *to),
        }
    }
}

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
