use super::{DistanceTransform, surfel};
use rayon::prelude::*;

/// How much of the tolerance a distance may be beyond it: spacings come from single-precision headers, and a voxel of
/// 1 mm is within a tolerance of 1 mm.
const ROUNDING: f64 = 1e-6;
/// How far below a share the sum of areas may stay and still have reached it: half of a surface is half of its area,
/// in whichever order it is added up.
const SUM_ROUNDING: f64 = 1e-9;

/// Elements of one mask's surface with their distance to the other mask's.
#[derive(Clone, Debug, Default)]
pub struct Directed {
    /// (distance, area), nearest first; distances are infinite where the other mask has no surface.
    elements: Vec<(f64, f64)>,
}

impl Directed {
    fn of(mut elements: Vec<(f64, f64)>) -> Self {
        elements.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Self { elements }
    }

    /// Area of the whole surface; of a flat mask, length of its outline.
    pub fn area(&self) -> f64 {
        sum(self.elements.iter().map(|e| e.1))
    }

    /// Area of what is no further than `tolerance` from the other surface.
    pub fn area_within(&self, tolerance: f64) -> f64 {
        let limit = tolerance * (1.0 + ROUNDING);
        sum(self.elements.iter().take_while(|e| e.0 <= limit).map(|e| e.1))
    }

    /// Area-weighted mean distance; `None` where either mask has no surface.
    pub fn mean(&self) -> Option<f64> {
        self.is_measured().then(|| self.moment() / self.area())
    }

    /// The distance within which the given share (0 to 1) of the area lies; `None` where either mask has no surface.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        if !self.is_measured() {
            return None;
        }
        let (whole, mut sum) = (self.area(), 0.0);
        let reached = |&&(_, area): &&(f64, f64)| {
            sum += area;
            sum / whole >= share - SUM_ROUNDING
        };
        self.elements.iter().find(reached).map(|e| e.0)
    }

    /// The largest distance; `None` where either mask has no surface.
    pub fn max(&self) -> Option<f64> {
        self.elements.last().map(|e| e.0).filter(|d| d.is_finite())
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    fn is_measured(&self) -> bool {
        self.max().is_some()
    }

    /// Sum of distance times area.
    fn moment(&self) -> f64 {
        self.elements.iter().map(|(distance, area)| distance * area).sum()
    }
}

/// From 0, which `Iterator::sum` of nothing is not: that is -0, and would be written so.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}

/// Distances between the surfaces of two masks, as DeepMind's surface-distance defines them.
#[derive(Clone, Debug, Default)]
pub struct SurfaceDistances {
    pub from_truth: Directed,
    pub from_predicted: Directed,
}

impl SurfaceDistances {
    /// Of two masks in a box of `dims` voxels, which must hold both whole. A box of depth 1 that is `flat` has outlines
    /// instead of surfaces. `spacing` along x, y, z.
    pub fn between(
        dims: [usize; 3],
        spacing: [f64; 3],
        flat: bool,
        predicted: impl Fn([usize; 3]) -> bool + Sync,
        truth: impl Fn([usize; 3]) -> bool + Sync,
    ) -> Self {
        let areas = surfel::areas(spacing, flat);
        let corners = surfel::corners(dims, flat);
        let predicted = surfel::codes(dims, flat, predicted);
        let truth = surfel::codes(dims, flat, truth);
        let directed = |from: &[u8], to: &[u8]| {
            let transform = DistanceTransform::new(corners, spacing, |i| areas[usize::from(to[i])] > 0.0);
            Directed::of(elements(from, &areas, corners, &transform))
        };
        Self { from_truth: directed(&truth, &predicted), from_predicted: directed(&predicted, &truth) }
    }

    /// Share of both surfaces that is no further than `tolerance` from the other one ("normalised surface distance");
    /// `None` where neither mask has a surface, 0 where only one has.
    pub fn surface_dice(&self, tolerance: f64) -> Option<f64> {
        let of_both = |area: &dyn Fn(&Directed) -> f64| area(&self.from_truth) + area(&self.from_predicted);
        let whole = of_both(&Directed::area);
        (whole > 0.0).then(|| of_both(&|d| d.area_within(tolerance)) / whole)
    }

    /// The larger of both directions' distances within which the given share of the area lies: 0.95 for HD95, 1 for the
    /// Hausdorff distance. `None` unless both masks have a surface.
    pub fn hausdorff(&self, share: f64) -> Option<f64> {
        let [a, b] = [&self.from_truth, &self.from_predicted].map(|d| d.percentile(share));
        Some(a?.max(b?))
    }

    /// Mean over the area of both surfaces together; `None` unless both masks have one.
    pub fn average(&self) -> Option<f64> {
        let (a, b) = (&self.from_truth, &self.from_predicted);
        (a.is_measured() && b.is_measured()).then(|| (a.moment() + b.moment()) / (a.area() + b.area()))
    }

    pub fn scores(&self, tolerance: f64) -> SurfaceScores {
        SurfaceScores {
            surface_dice: self.surface_dice(tolerance),
            hd95: self.hausdorff(0.95),
            hausdorff: self.from_truth.max().zip(self.from_predicted.max()).map(|(a, b)| a.max(b)),
            average: self.average(),
        }
    }
}

/// What is reported of [`SurfaceDistances`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SurfaceScores {
    pub surface_dice: Option<f64>,
    pub hd95: Option<f64>,
    pub hausdorff: Option<f64>,
    pub average: Option<f64>,
}

fn elements(
    codes: &[u8],
    areas: &[f64; 256],
    [columns, rows, layers]: [usize; 3],
    transform: &DistanceTransform,
) -> Vec<(f64, f64)> {
    let row = |y: usize| {
        let mut found = Vec::new();
        let mut to = transform.columns();
        for x in 0..columns {
            let area = |z: usize| areas[usize::from(codes[(z * rows + y) * columns + x])];
            if (0..layers).any(|z| area(z) > 0.0) {
                let distances = to.at([x, y]).iter().enumerate();
                found.extend(distances.map(|(z, &distance)| (distance, area(z))).filter(|e| e.1 > 0.0));
            }
        }
        found
    };
    (0..rows).into_par_iter().flat_map_iter(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(dims: [usize; 3], spacing: [f64; 3], a: &[[usize; 3]], b: &[[usize; 3]]) -> SurfaceDistances {
        SurfaceDistances::between(dims, spacing, dims[2] == 1, |v| a.contains(&v), |v| b.contains(&v))
    }

    #[test]
    fn one_voxel_beside_another_is_one_step_away() {
        // Corners of the two share a face: half of each surface's eight corners have distance 0, the others one step.
        let d = between([2, 1, 1], [2.0, 3.0, 1.0], &[[0, 0, 0]], &[[1, 0, 0]]);
        assert_eq!((d.from_truth.len(), d.from_predicted.len()), (4, 4), "a flat mask has four corners");
        assert_eq!(d.surface_dice(1.9), Some(0.5));
        assert_eq!(d.surface_dice(2.0), Some(1.0));
        assert_eq!((d.hausdorff(0.95), d.hausdorff(0.5), d.average()), (Some(2.0), Some(0.0), Some(1.0)));

        let d = between([1, 1, 3], [2.0, 3.0, 5.0], &[[0, 0, 0]], &[[0, 0, 1]]);
        assert_eq!((d.from_truth.len(), d.scores(0.0).surface_dice), (8, Some(0.5)));
        assert_eq!((d.from_truth.max(), d.average()), (Some(5.0), Some(2.5)));
    }

    #[test]
    fn outlines_of_pixels_have_their_length() {
        // Two by two pixels of 1 x 2 mm: four slanted corners, two corners along each side.
        let square = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]];
        let d = between([3, 3, 1], [1.0, 2.0, 1.0], &square, &square);
        let expected = 4.0 * 5f64.sqrt() / 2.0 + 2.0 * 1.0 + 2.0 * 2.0;
        assert!((d.from_truth.area() - expected).abs() < 1e-12, "{}", d.from_truth.area());
        assert_eq!((d.surface_dice(0.0), d.hausdorff(1.0)), (Some(1.0), Some(0.0)));
    }

    #[test]
    fn masks_that_fill_their_box_have_a_surface_all_around() {
        let all: Vec<[usize; 3]> = (0..8).map(|i| [i & 1, i >> 1 & 1, i >> 2]).collect();
        let d = between([2; 3], [1.0; 3], &all, &all);
        assert_eq!(d.from_truth.len(), 27 - 1, "every corner but the one in the middle");
    }

    #[test]
    fn without_a_surface_there_is_no_distance() {
        let neither = between([2, 2, 2], [1.0; 3], &[], &[]);
        assert_eq!(neither.scores(1.0), SurfaceScores::default());
        for d in [between([2; 3], [1.0; 3], &[[0; 3]], &[]), between([2; 3], [1.0; 3], &[], &[[0; 3]])] {
            let SurfaceScores { surface_dice, hd95, hausdorff, average } = d.scores(1e9);
            assert_eq!((surface_dice, hd95, hausdorff, average), (Some(0.0), None, None, None));
            assert!(surface_dice.is_some_and(f64::is_sign_positive), "written as 0, not as -0");
        }
    }
}
