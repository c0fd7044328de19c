use super::{LabelId, LabelMap};
use crate::geom::Grid;
use std::collections::BTreeMap;

impl LabelMap {
    /// Volume of every label but background in mm³ (mm² on an image of depth 1; pixels where spacing is unknown).
    ///
    /// Where slices are unequally spaced, a slice counts for half the gap to each of its neighbours, and the first and
    /// the last for a whole gap to the only one they have.
    pub fn volumes(&self, grid: &Grid) -> BTreeMap<LabelId, f64> {
        if !grid.has_unequal_slices() {
            let voxel = voxel_volume(grid, 0);
            return self.counts().into_iter().map(|(label, n)| (label, n as f64 * voxel)).collect();
        }
        let mut volumes = BTreeMap::new();
        let slice_len = self.dims()[0] * self.dims()[1];
        for z in 0..self.dims()[2] {
            let voxel = voxel_volume(grid, z);
            self.for_each_run(z * slice_len, slice_len, |_, len, label| {
                if label != 0 {
                    *volumes.entry(label).or_default() += len as f64 * voxel;
                }
            });
        }
        volumes
    }
}

/// As [`LabelMap::volumes`], of native slices: their places, and their labels row by row.
pub fn volumes_of_slices<'a>(
    grid: &Grid,
    slices: impl IntoIterator<Item = (usize, &'a [LabelId])>,
) -> BTreeMap<LabelId, f64> {
    let mut volumes = BTreeMap::new();
    for (z, labels) in slices {
        let voxel = voxel_volume(grid, z);
        for run in labels.chunk_by(|a, b| a == b).filter(|run| run[0] != 0) {
            *volumes.entry(run[0]).or_default() += run.len() as f64 * voxel;
        }
    }
    volumes
}

/// Of a voxel of native slice `z`, in the unit of [`LabelMap::volumes`].
pub fn voxel_volume(grid: &Grid, z: usize) -> f64 {
    let matrix = grid.patient_from_voxel().matrix3;
    let depth = grid.dims()[2];
    if depth == 1 {
        return matrix.x_axis.cross(matrix.y_axis).length();
    }
    let voxel = matrix.determinant().abs();
    if !grid.has_unequal_slices() {
        return voxel;
    }
    let gap = |a: usize, b: usize| grid.slice_position(b) - grid.slice_position(a);
    let thickness = match z {
        0 => gap(0, 1),
        z if z + 1 == depth => gap(z - 1, z),
        z => gap(z - 1, z + 1) / 2.0,
    };
    voxel * thickness / grid.spacing()[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_follow_spacing_and_slice_positions() {
        let values = [1, 1, 0, 2, 0, 0, 7, 7];
        let flat = LabelMap::from_values([4, 2, 1], &values).unwrap();
        let grid = Grid::spaced([4, 2, 1], [0.5, 2.0, 9.0]).unwrap();
        assert_eq!(flat.volumes(&grid), [(1, 2.0), (2, 1.0), (7, 2.0)].into());

        let deep = LabelMap::from_values([1, 2, 4], &values).unwrap();
        let even = Grid::spaced([1, 2, 4], [0.5, 2.0, 3.0]).unwrap();
        assert_eq!(deep.volumes(&even), [(1, 6.0), (2, 3.0), (7, 6.0)].into());
        // Gaps of 1, 2 and 5 mm: slices count for 1, 1.5, 3.5 and 5 mm.
        let uneven = even.clone().with_slice_positions_mm(&[10.0, 11.0, 13.0, 18.0]).unwrap();
        let volumes = deep.volumes(&uneven);
        for (label, expected) in [(1, 2.0), (2, 1.5), (7, 10.0)] {
            assert!((volumes[&label] - expected).abs() < 1e-9, "label {label}: {} mm³", volumes[&label]);
        }
        for grid in [&even, &uneven] {
            let slices = values.chunks(2).enumerate();
            assert_eq!(volumes_of_slices(grid, slices), deep.volumes(grid), "slice by slice");
        }
    }
}
