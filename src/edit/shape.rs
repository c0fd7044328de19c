use crate::geom::{Grid, Plane};
use serde::{Deserialize, Serialize};

/// What a gesture marks, before the rules: a region of voxels. Coordinates are voxel coordinates (fractions allowed).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    /// A round brush along a path of voxel coordinates, within one slice of a plane, or a sphere through slices.
    /// The radius is in the grid's unit (mm, or pixels where spacing is unknown); distances use the true spacing.
    Brush { plane: Plane, points: Vec<[f64; 3]>, radius: f64, sphere: bool },
    /// A closed outline within one slice of a plane (lasso and polygon): voxels whose centre is inside (even-odd).
    Outline { plane: Plane, slice: usize, points: Vec<[f64; 3]> },
    /// The connected voxels around a seed, of the seed's label and with values within `range`;
    /// 4-connected within a slice of the plane, or 6-connected in the volume.
    Flood { plane: Plane, seed: [usize; 3], range: [f32; 2], volume: bool },
    /// The labels of another native slice, copied.
    CopySlice { from: usize, to: usize },
}

/// The voxels that a shape marks: sorted runs along x, `(start index, length)` in the grid's linear index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Region {
    pub runs: Vec<(usize, u32)>,
}

impl Region {
    pub fn voxel_count(&self) -> usize {
        self.runs.iter().map(|r| r.1 as usize).sum()
    }
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
    /// The whole of a native slice.
    pub fn native_slice(grid: &Grid, z: usize) -> Self {
        let [w, h, _] = grid.dims();
        Self { runs: (0..h).map(|y| ((z * h + y) * w, w as u32)).collect() }
    }
}
