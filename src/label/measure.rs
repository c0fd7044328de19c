use super::{LabelId, LabelMap};
use crate::geom::Grid;
use std::collections::BTreeMap;

impl LabelMap {
    /// Volume of every label but background in mm³ (mm² on an image of depth 1; pixels where spacing is unknown).
    ///
    /// Where slices are unequally spaced, a slice counts for half the gap to each of its neighbours, and the first and
    /// the last for a whole gap to the only one they have.
    pub fn volumes(&self, grid: &Grid) -> BTreeMap<LabelId, f64> {
        let dims = self.dims();
        let matrix = grid.patient_from_voxel().matrix3;
        if dims[2] == 1 {
            let area = matrix.x_axis.cross(matrix.y_axis).length();
            return self.counts().into_iter().map(|(label, n)| (label, n as f64 * area)).collect();
        }
        let voxel = matrix.determinant().abs();
        if !grid.has_unequal_slices() {
            return self.counts().into_iter().map(|(label, n)| (label, n as f64 * voxel)).collect();
        }
        let mut volumes = BTreeMap::new();
        let slice_len = dims[0] * dims[1];
        for z in 0..dims[2] {
            let gap = |a: usize, b: usize| grid.slice_position(b) - grid.slice_position(a);
            let thickness = match z {
                0 => gap(0, 1),
                z if z + 1 == dims[2] => gap(z - 1, z),
                z => gap(z - 1, z + 1) / 2.0,
            };
            let voxel = voxel * thickness / grid.spacing()[2];
            self.for_each_run(z * slice_len, slice_len, |_, len, label| {
                if label != 0 {
                    *volumes.entry(label).or_default() += len as f64 * voxel;
                }
            });
        }
        volumes
    }
}
