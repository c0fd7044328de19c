use super::{Axis, Grid};

/// A grid walked along the patient's axes: x to the patient's right, y to the front, z to the head (the index order
/// that NIfTI calls RAS+), whatever the order and the directions in which its voxels are stored. An oblique grid is
/// walked along its own axes, each taken for the anatomical one that it is nearest to; nothing is resampled.
#[derive(Clone, Debug, PartialEq)]
pub struct Oriented {
    dims: [usize; 3],
    spacing: [f64; 3],
    /// Stored index of voxel (0, 0, 0), and the change of the stored index for one step along each axis.
    first: usize,
    steps: [isize; 3],
    /// For each axis the positions of its voxels in steps of the spacing: 0, 1, 2, … unless the slices are unequally
    /// spaced.
    places: [Vec<f64>; 3],
}

impl Oriented {
    pub fn new(grid: &Grid) -> Self {
        const ALONG: [[char; 2]; 3] = [['R', 'L'], ['A', 'P'], ['S', 'I']];
        let (codes, dims, spacing) = (grid.axis_codes(), grid.dims(), grid.spacing());
        let stored = [1, dims[0], dims[0] * dims[1]];
        let mut oriented =
            Self { dims: [0; 3], spacing: [0.0; 3], first: 0, steps: [0; 3], places: Default::default() };
        for (axis, along) in ALONG.into_iter().enumerate() {
            let native = codes.iter().position(|code| along.contains(code)).unwrap_or(axis);
            let flipped = codes[native] == along[1];
            let (count, step) = (dims[native], stored[native] as isize);
            oriented.dims[axis] = count;
            oriented.spacing[axis] = spacing[native];
            oriented.steps[axis] = if flipped { -step } else { step };
            oriented.first += if flipped { (count - 1) * stored[native] } else { 0 };
            let unequal = native == Axis::Z.index() && grid.has_unequal_slices();
            let place = |i: usize| if unequal { grid.slice_position(i) / spacing[native] } else { i as f64 };
            let last = place(count - 1);
            oriented.places[axis] =
                (0..count).map(|i| if flipped { last - place(count - 1 - i) } else { place(i) }).collect();
        }
        oriented
    }

    /// Voxels along x, y, z.
    pub fn dims(&self) -> [usize; 3] {
        self.dims
    }

    /// Step along x, y, z in millimetres (or pixels); the mean where slices are unequally spaced.
    pub fn spacing(&self) -> [f64; 3] {
        self.spacing
    }

    /// The stored index of a voxel.
    pub fn index(&self, voxel: [usize; 3]) -> usize {
        let ahead: isize = voxel.iter().zip(self.steps).map(|(&at, step)| at as isize * step).sum();
        self.first.wrapping_add_signed(ahead)
    }

    /// The change of the stored index for one step along x, y, z.
    pub fn steps(&self) -> [isize; 3] {
        self.steps
    }

    /// The positions of an axis's voxels in steps of the spacing: 0 for the first, their number minus one for the last.
    pub fn places(&self, axis: usize) -> &[f64] {
        &self.places[axis]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::{Frame, Unit};
    use glam::{DAffine3, DMat3, DVec3};

    /// Columns are the voxel axes in LPS.
    fn grid(dims: [usize; 3], columns: [[f64; 3]; 3]) -> Grid {
        let matrix3 = DMat3::from_cols_array_2d(&columns);
        let affine = DAffine3 { matrix3, translation: DVec3::new(3.0, -7.0, 11.0) };
        Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap()
    }

    #[test]
    fn every_stored_order_is_walked_to_the_right_the_front_and_the_head() {
        for columns in [
            [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]],
            [[-1.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 3.0]],
            [[0.0, 0.0, -1.0], [2.0, 0.0, 0.0], [0.0, -3.0, 0.0]],
            [[0.0, 1.9, 0.3], [0.1, 0.2, -3.0], [-1.0, 0.2, 0.0]],
        ] {
            let grid = grid([4, 5, 6], columns);
            let oriented = Oriented::new(&grid);
            let place = |voxel| {
                let at = oriented.index(voxel);
                let native = [at % 4, at / 4 % 5, at / 20].map(|i| i as f64);
                grid.patient_of(DVec3::from_array(native))
            };
            let start = place([0; 3]);
            // The patient's right and front are LPS's lower sides.
            for (axis, sign) in [-1.0, -1.0, 1.0].into_iter().enumerate() {
                let mut voxel = [0; 3];
                voxel[axis] = oriented.dims()[axis] - 1;
                let along = (place(voxel) - start) / voxel[axis] as f64;
                assert!(sign * along[axis] > 0.9 * along.length(), "{columns:?} {axis}: {along}");
                assert!((along.length() - oriented.spacing()[axis]).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn unequal_slices_keep_their_places_from_either_side() {
        let upright = grid([2, 2, 4], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        let hanging = grid([2, 2, 4], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]);
        let positions = [0.0, 1.0, 3.0, 6.0]; // a mean gap of 2
        let places =
            |grid: Grid| Oriented::new(&grid.with_slice_positions_mm(&positions).unwrap()).places(2).to_vec();
        assert_eq!(places(upright), [0.0, 0.5, 1.5, 3.0]);
        assert_eq!(places(hanging), [0.0, 1.5, 2.5, 3.0]);
    }
}
