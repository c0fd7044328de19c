use super::{Confusion, Steps, SurfaceDistances};
use crate::label::LabelId;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Two label arrays on one grid, x fastest, then y, then z.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    dims: [usize; 3],
    steps: Steps,
    predicted: &'a [LabelId],
    truth: &'a [LabelId],
    valid: Option<&'a [bool]>,
}

/// A box of voxels: its first voxel, and past its last one, along x, y, z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub from: [usize; 3],
    pub to: [usize; 3],
}

impl Bounds {
    fn include(&mut self, other: Self) {
        for axis in 0..3 {
            self.from[axis] = self.from[axis].min(other.from[axis]);
            self.to[axis] = self.to[axis].max(other.to[axis]);
        }
    }

    /// Size along x, y, z.
    pub fn size(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis| self.to[axis] - self.from[axis])
    }

    /// The most memory in bytes that measuring the surfaces in it takes: for each corner of its voxels a distance and
    /// the codes of both maps.
    pub fn surface_bytes(&self) -> u128 {
        let corners = self.size().iter().map(|&side| side as u128 + 1).product::<u128>();
        corners * (size_of::<f64>() + 2) as u128
    }
}

impl<'a> Comparison<'a> {
    /// `steps`: what a step along x, y, z is in space (a spacing along axes at right angles, or a grid). `valid` says which voxels count (`None`: all).
    ///
    /// # Panics
    /// If a length is not that of the grid. Callers compare the sizes of the maps before they pair them.
    pub fn new(
        dims: [usize; 3],
        steps: impl Into<Steps>,
        predicted: &'a [LabelId],
        truth: &'a [LabelId],
        valid: Option<&'a [bool]>,
    ) -> Self {
        let len = dims.iter().product::<usize>();
        let lengths = [Some(predicted.len()), Some(truth.len()), valid.map(<[bool]>::len)];
        assert!(lengths.iter().flatten().all(|&l| l == len), "{lengths:?} voxels on a grid of {dims:?}");
        Self { dims, steps: steps.into(), predicted, truth, valid }
    }

    /// Counts of every pair of `labels`.
    pub fn confusion(&self, labels: &BTreeSet<LabelId>) -> Confusion {
        Confusion::of(self.predicted, self.truth, self.valid, labels)
    }

    /// Distances between the surfaces of one label in both maps.
    pub fn surfaces(&self, label: LabelId) -> SurfaceDistances {
        self.bounds(label)
            .map_or_else(SurfaceDistances::default, |bounds| self.surfaces_within(label, bounds))
    }

    /// The same within the bounds of the label.
    pub fn surfaces_within(&self, label: LabelId, bounds: Bounds) -> SurfaceDistances {
        let within = |map: &'a [LabelId]| {
            move |[x, y, z]: [usize; 3]| {
                let [x, y, z] = [x + bounds.from[0], y + bounds.from[1], z + bounds.from[2]];
                let at = (z * self.dims[1] + y) * self.dims[0] + x;
                map[at] == label && self.valid.is_none_or(|valid| valid[at])
            }
        };
        let flat = self.dims[2] == 1;
        SurfaceDistances::between(bounds.size(), self.steps, flat, within(self.predicted), within(self.truth))
    }

    /// The smallest box around a label in both maps; `None` where neither has it.
    pub fn bounds(&self, label: LabelId) -> Option<Bounds> {
        let [width, height, depth] = self.dims;
        let is = |at: &usize| {
            let here = self.predicted[*at] == label || self.truth[*at] == label;
            here && self.valid.is_none_or(|valid| valid[*at])
        };
        let in_slice = |z: usize| {
            let mut bounds: Option<Bounds> = None;
            for y in 0..height {
                let start = (z * height + y) * width;
                let mut row = start..start + width;
                let Some(first) = row.find(is) else { continue };
                let last = row.rfind(is).unwrap_or(first);
                let found = Bounds { from: [first - start, y, z], to: [last + 1 - start, y + 1, z + 1] };
                bounds.get_or_insert(found).include(found);
            }
            bounds
        };
        let join = |mut a: Bounds, b: Bounds| {
            a.include(b);
            a
        };
        (0..depth).into_par_iter().filter_map(in_slice).reduce_with(join)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_holds_both_maps_and_only_what_counts() {
        let mut predicted = [0; 4 * 3 * 2];
        let mut truth = predicted;
        predicted[1] = 5; // (1, 0, 0)
        truth[12 + 4 + 3] = 5; // (3, 1, 1)
        truth[12 + 8] = 5; // (0, 2, 1)
        truth[4] = 6;
        let valid: Vec<bool> = (0..24).map(|i| i != 20).collect();
        let bounds = |valid| Comparison::new([4, 3, 2], [1.0; 3], &predicted, &truth, valid).bounds(5);
        assert_eq!(bounds(None), Some(Bounds { from: [0, 0, 0], to: [4, 3, 2] }));
        assert_eq!(bounds(Some(&valid)), Some(Bounds { from: [1, 0, 0], to: [4, 2, 2] }));
        assert_eq!(Comparison::new([4, 3, 2], [1.0; 3], &predicted, &truth, None).bounds(7), None);
    }

    #[test]
    fn cropping_changes_no_distance() {
        let dims = [7, 6, 5];
        let label = |from: [usize; 3], to: [usize; 3]| -> Vec<LabelId> {
            (0..210)
                .map(|i| [i % 7, i / 7 % 6, i / 42])
                .map(|v| LabelId::from((0..3).all(|a| (from[a]..to[a]).contains(&v[a]))))
                .collect()
        };
        let (predicted, truth) = (label([2, 1, 1], [5, 4, 3]), label([3, 2, 1], [6, 4, 4]));
        let spacing = [0.5, 0.75, 2.0];
        let cropped = Comparison::new(dims, spacing, &predicted, &truth, None).surfaces(1);
        let is = |map: Vec<LabelId>| move |[x, y, z]: [usize; 3]| map[(z * 6 + y) * 7 + x] == 1;
        let whole = SurfaceDistances::between(dims, spacing, false, is(predicted), is(truth));
        assert_eq!(cropped.scores(0.5), whole.scores(0.5));
        assert!(whole.hausdorff(1.0).is_some_and(|d| d > 0.0));
    }
}
