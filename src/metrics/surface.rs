use super::{DistanceTransform, Steps, nearest::Nearest, surfel};
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

/// Distances between the surfaces of two masks, as DeepMind's surface-distance defines them; where axes are not at right
/// angles, which it does not know, of the same elements where they lie in space.
#[derive(Clone, Debug, Default)]
pub struct SurfaceDistances {
    pub from_truth: Directed,
    pub from_predicted: Directed,
}

impl SurfaceDistances {
    /// Of two masks in a box of `dims` voxels, which must hold both whole. A box of depth 1 that is `flat` has outlines
    /// instead of surfaces.
    pub fn between(
        dims: [usize; 3],
        steps: impl Into<Steps>,
        flat: bool,
        predicted: impl Fn([usize; 3]) -> bool + Sync,
        truth: impl Fn([usize; 3]) -> bool + Sync,
    ) -> Self {
        let steps = steps.into();
        let surface = |codes| Surface {
            codes,
            corners: surfel::corners(dims, flat),
            areas: surfel::areas(&steps, flat),
        };
        let predicted = surface(surfel::codes(dims, flat, predicted));
        let truth = surface(surfel::codes(dims, flat, truth));
        let directed = |from: &Surface, to: &Surface| {
            Directed::of(match steps.are_oblique(flat) {
                true => from.to_nearest(to, &steps),
                false => from.along_axes(to, &steps),
            })
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

/// One mask's surface elements: the corners of voxels whose codes have an area.
struct Surface {
    codes: Vec<u8>,
    /// Size of the grid of corners.
    corners: [usize; 3],
    areas: [f64; 256],
}

impl Surface {
    fn area(&self, corner: usize) -> f64 {
        self.areas[usize::from(self.codes[corner])]
    }

    /// Distance to the other surface, and area, of each element of this one. For axes at right angles.
    fn along_axes(&self, to: &Self, steps: &Steps) -> Vec<(f64, f64)> {
        let [columns, rows, layers] = self.corners;
        let transform = DistanceTransform::new(self.corners, steps.lengths(), |i| to.area(i) > 0.0);
        let row = |y: usize| {
            let mut found = Vec::new();
            let mut to = transform.columns();
            for x in 0..columns {
                let area = |z: usize| self.area((z * rows + y) * columns + x);
                if (0..layers).any(|z| area(z) > 0.0) {
                    let distances = to.at([x, y]).iter().enumerate();
                    found.extend(distances.map(|(z, &distance)| (distance, area(z))).filter(|e| e.1 > 0.0));
                }
            }
            found
        };
        (0..rows).into_par_iter().flat_map_iter(row).collect()
    }

    /// The same for any axes: slower, and nothing but places in space is looked at.
    fn to_nearest(&self, to: &Self, steps: &Steps) -> Vec<(f64, f64)> {
        let [columns, rows, _] = self.corners;
        let place = |i: usize| steps.place([i % columns, i / columns % rows, i / (columns * rows)]);
        let on = |surface: &Self, i: usize| (surface.area(i) > 0.0).then(|| (place(i), surface.area(i)));
        let corners = 0..self.codes.len();
        let nearest = Nearest::new(corners.clone().filter_map(|i| on(to, i)).map(|(at, _)| at).collect());
        corners
            .into_par_iter()
            .filter_map(|i| on(self, i))
            .map(|(at, area)| (nearest.distance(at), area))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::{Frame, Grid, Unit};
    use glam::{DAffine3, DMat3, DVec3};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

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

    /// Layers of voxels of 1 mm that are shifted by `shift` mm along y from one to the next, as under a tilted gantry.
    fn tilted(shift: f64) -> Steps {
        let m = DMat3::from_cols(DVec3::X, DVec3::Y, DVec3::new(0.0, shift, 1.0));
        let grid = Grid::new([1; 3], DAffine3::from_mat3(m), Unit::Millimetre, Frame::Patient).unwrap();
        Steps::from(&grid)
    }

    #[test]
    fn under_a_tilted_gantry_distances_are_those_in_space() {
        // One row back and one layer up is straight up in space: all of the second voxel lies 1 mm above the first.
        let (dims, a, b) = ([1, 2, 2], [[0, 1, 0]], [[0, 0, 1]]);
        let is = |voxels: [[usize; 3]; 1]| move |v: [usize; 3]| voxels.contains(&v);
        let d = SurfaceDistances::between(dims, tilted(1.0), false, is(a), is(b));
        assert_eq!(
            (d.from_truth.len(), d.from_truth.max(), d.from_predicted.max()),
            (8, Some(1.0), Some(1.0))
        );
        assert_eq!(d.surface_dice(1.0), Some(1.0));
        // They share the two corners of an edge; the next elements are 1 mm away.
        assert!(d.surface_dice(0.9).is_some_and(|share| 0.0 < share && share < 0.5));
        // As boxes with the same steps, they would be further apart than any corner of one is from the other.
        let boxes = SurfaceDistances::between(dims, tilted(1.0).lengths(), false, is(a), is(b));
        assert!(boxes.hausdorff(1.0).is_some_and(|d| (d - 3f64.sqrt()).abs() < 1e-12));
    }

    #[test]
    fn distances_and_areas_in_space_are_those_of_trying_every_pair() {
        let dims = [5, 4, 3];
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut mask = || -> Vec<[usize; 3]> {
            let all = (0..60).map(|i| [i % 5, i / 5 % 4, i / 20]);
            all.filter(|_| rng.random_bool(0.3)).collect()
        };
        for steps in [tilted(0.6), tilted(-2.0)] {
            let (a, b) = (mask(), mask());
            let found = SurfaceDistances::between(dims, steps, false, |v| a.contains(&v), |v| b.contains(&v));
            let (areas, corners) = (surfel::areas(&steps, false), surfel::corners(dims, false));
            let elements = |mask: &[[usize; 3]]| -> Vec<(DVec3, f64)> {
                let codes = surfel::codes(dims, false, |v| mask.contains(&v));
                let place =
                    |i: usize| [i % corners[0], i / corners[0] % corners[1], i / (corners[0] * corners[1])];
                let all = codes.iter().enumerate().map(|(i, &code)| (place(i), areas[usize::from(code)]));
                let in_space = |at: [usize; 3]| {
                    at[0] as f64 * steps.x() + at[1] as f64 * steps.y() + at[2] as f64 * steps.z()
                };
                all.filter(|(_, area)| *area > 0.0).map(|(at, area)| (in_space(at), area)).collect()
            };
            let (of_a, of_b) = (elements(&a), elements(&b));
            let far = |from: &[(DVec3, f64)], to: &[(DVec3, f64)]| -> Vec<(f64, f64)> {
                let nearest = |p: DVec3| to.iter().map(|q| q.0.distance(p)).fold(f64::INFINITY, f64::min);
                from.iter().map(|&(p, area)| (nearest(p), area)).collect()
            };
            let tried = SurfaceDistances {
                from_truth: Directed::of(far(&of_b, &of_a)),
                from_predicted: Directed::of(far(&of_a, &of_b)),
            };
            for tolerance in [0.0, 1.0, 1.5] {
                let [found, tried] = [&found, &tried].map(|d| d.scores(tolerance));
                for (name, found, tried) in [
                    ("surface Dice", found.surface_dice, tried.surface_dice),
                    ("HD95", found.hd95, tried.hd95),
                    ("HD", found.hausdorff, tried.hausdorff),
                    ("average", found.average, tried.average),
                ] {
                    let (found, tried) = (found.unwrap(), tried.unwrap());
                    assert!((found - tried).abs() < 1e-9, "{name} at {tolerance}: {found}, not {tried}");
                }
            }
            assert!(found.hausdorff(1.0).is_some_and(|d| d > 1.0));
        }
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
