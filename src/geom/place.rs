use super::{Grid, Unit};
use glam::DVec3;

impl Grid {
    /// Where voxel coordinates of another image lie in this one, perhaps outside of it: at the same place in millimetres. Where
    /// one of the two does not say how it lies in millimetres, or they mean different axes, the same share of the size counts.
    pub fn voxel_in(&self, other: &Grid, voxel: DVec3) -> DVec3 {
        if self.shares_millimetres(other) {
            return self.voxel_of(other.patient_of(voxel));
        }
        let size = |grid: &Grid| DVec3::from(grid.dims().map(|side| side as f64));
        (voxel + 0.5) / size(other) * size(self) - 0.5
    }

    /// Whether places of two images can be told by their millimetres.
    pub fn shares_millimetres(&self, other: &Grid) -> bool {
        let both = [self, other].iter().all(|grid| grid.unit() == Unit::Millimetre);
        both && self.frame() == other.frame()
    }

    /// The voxel that has a place within it; `None` outside of the image.
    pub fn voxel_at(&self, voxel: DVec3) -> Option<[usize; 3]> {
        let nearest = voxel.round();
        let inside = (0..3).all(|axis| nearest[axis] >= 0.0 && nearest[axis] < self.dims()[axis] as f64);
        inside.then(|| nearest.to_array().map(|c| c as usize))
    }

    /// The voxel that is nearest to a place.
    pub fn nearest_voxel(&self, voxel: DVec3) -> [usize; 3] {
        std::array::from_fn(|axis| voxel[axis].round().clamp(0.0, self.dims()[axis] as f64 - 1.0) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Frame;
    use glam::{DAffine3, DMat3};

    fn grid(dims: [usize; 3], columns: [[f64; 3]; 3], origin: [f64; 3]) -> Grid {
        let matrix3 = DMat3::from_cols_array_2d(&columns);
        let affine = DAffine3 { matrix3, translation: DVec3::from(origin) };
        Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap()
    }

    #[test]
    fn a_place_is_the_same_in_millimetres_whatever_the_grids() {
        let axial =
            grid([20, 30, 10], [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 5.0]], [-10.0, 4.0, 100.0]);
        // Coronal slices, flipped, finer.
        let coronal =
            grid([80, 100, 60], [[-0.5, 0.0, 0.0], [0.0, 0.0, -0.5], [0.0, 1.0, 0.0]], [29.0, 4.0, 140.0]);
        let voxel = DVec3::new(3.0, 7.0, 4.0);
        let there = coronal.voxel_in(&axial, voxel);
        assert!((coronal.patient_of(there) - axial.patient_of(voxel)).length() < 1e-9);
        assert!((axial.voxel_in(&coronal, there) - voxel).length() < 1e-9, "and back again");
        assert_eq!(coronal.voxel_at(there), Some([66, 40, 14]));
        let outside = coronal.voxel_in(&axial, DVec3::new(3.0, 7.0, 9.0));
        assert_eq!(coronal.voxel_at(outside), None);
        assert_eq!(coronal.nearest_voxel(outside), [66, 0, 14]);
    }

    #[test]
    fn without_millimetres_the_share_of_the_size_counts() {
        let (small, large) = (Grid::pixels([10, 20, 1]).unwrap(), Grid::pixels([40, 40, 1]).unwrap());
        let there = large.voxel_in(&small, DVec3::new(4.5, 9.5, 0.0));
        assert!((there - DVec3::new(19.5, 19.5, 0.0)).length() < 1e-9, "the middle is the middle");
        assert_eq!(large.voxel_at(large.voxel_in(&small, DVec3::new(9.0, 0.0, 0.0))), Some([38, 1, 0]));
    }
}
