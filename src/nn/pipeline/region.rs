//! The part of a volume that a second network looks at.

use crate::geom::Oriented;

/// A box of voxels along the patient's axes, `[x, y, z]`: from `start` to before `end`, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    pub start: [usize; 3],
    pub end: [usize; 3],
}

impl Region {
    /// Everything.
    pub fn whole(oriented: &Oriented) -> Self {
        Self { start: [0; 3], end: oriented.dims() }
    }

    /// Around what was found on a grid of samples spread over the whole volume: `found` is the first and the last
    /// sample of its box, both included. Each side is moved out by `margin_mm`.
    ///
    /// As the winner of FLARE21 has it, sample `i` of `n` stands for the place `i / n` of the way, and the box ends
    /// one voxel early on the upper side; where slices are unequally spaced, places count and not their numbers.
    pub fn around(found: [[usize; 3]; 2], grid: [usize; 3], oriented: &Oriented, margin_mm: f64) -> Self {
        let (dims, spacing) = (oriented.dims(), oriented.spacing());
        let mut region = Self::whole(oriented);
        for axis in 0..3 {
            let (count, places) = (dims[axis], oriented.places(axis));
            let voxel_at = |place: f64| match place {
                p if p >= count as f64 => count,
                p => places.partition_point(|place| *place <= p).saturating_sub(1),
            };
            let [low, high] = found.map(|corner| voxel_at((corner[axis] * count / grid[axis]) as f64));
            let margin = margin_mm / spacing[axis];
            region.start[axis] = voxel_at(places[low] - margin);
            region.end[axis] = voxel_at(places[high] + margin).max(high + 1);
        }
        region
    }

    /// Voxels along x, y, z.
    pub fn dims(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.end[axis] - self.start[axis])
    }

    pub(super) fn range(&self, axis: usize) -> [usize; 2] {
        [self.start[axis], self.end[axis]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{geom::Grid, testing::vectors};

    /// Numbers of a vector, from z, y, x to x, y, z.
    fn xyz(value: &serde_json::Value) -> [f64; 3] {
        let mut numbers: Vec<f64> = value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect();
        numbers.reverse();
        numbers.try_into().unwrap()
    }

    #[test]
    fn regions_are_those_of_the_vectors() {
        let Some(vectors) = vectors("flare/metrics.json") else { return };
        let cases = vectors["postprocess"]["crop_geometry"].as_array().unwrap();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let dims = xyz(&case["raw_shape_zyx"]).map(|n| n as usize);
            let oriented = Oriented::new(&Grid::spaced(dims, xyz(&case["spacing_zyx"])).unwrap());
            let bounds: Vec<usize> = (case["coarse_bbox_inclusive"].as_array().unwrap().iter())
                .flat_map(|pair| pair.as_array().unwrap())
                .map(|n| n.as_u64().unwrap() as usize)
                .collect();
            let found = [0, 1].map(|side| [bounds[4 + side], bounds[2 + side], bounds[side]]);
            let region = Region::around(found, [160; 3], &oriented, 20.0);
            let flat: Vec<usize> = (0..3).rev().flat_map(|axis| region.range(axis)).collect();
            let expected: Vec<usize> = (case["crop_start_end_zyx"].as_array().unwrap().iter())
                .map(|n| n.as_u64().unwrap() as usize)
                .collect();
            assert_eq!(flat, expected, "{case}");
        }
    }

    #[test]
    fn a_region_is_never_empty_and_never_leaves_the_volume() {
        for (dims, spacing) in [([1, 1, 1], 40.0), ([2, 3, 1000], 0.01), ([512, 1, 7], 5.0)] {
            let oriented = Oriented::new(&Grid::spaced(dims, [spacing; 3]).unwrap());
            for found in [[[0; 3]; 2], [[159; 3]; 2], [[0; 3], [159; 3]], [[80; 3], [90; 3]]] {
                let region = Region::around(found, [160; 3], &oriented, 20.0);
                for axis in 0..3 {
                    let [start, end] = region.range(axis);
                    assert!(start < end && end <= dims[axis], "{dims:?} {found:?}: {region:?}");
                }
            }
        }
    }
}
