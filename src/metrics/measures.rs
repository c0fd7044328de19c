//! What can be measured of a label in an image: sizes, values and diameters.

use crate::{
    geom::Grid,
    label::{LabelId, LabelMap},
    volume::Volume,
};
use glam::{DMat3, DVec3};
use std::collections::BTreeMap;

/// Of values, in their unit. Percentiles are linear between the sorted values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueStatistics {
    pub count: usize,
    pub mean: f64,
    /// Of the values themselves, as of a whole population.
    pub sd: f64,
    pub min: f64,
    pub p5: f64,
    pub median: f64,
    pub p95: f64,
    pub max: f64,
}

impl ValueStatistics {
    /// None of no values; what is not finite is left out.
    pub fn of(values: impl IntoIterator<Item = f32>) -> Option<Self> {
        let mut sorted: Vec<f32> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let (min, max) = (f64::from(*sorted.first()?), f64::from(*sorted.last()?));
        let count = sorted.len();
        let each = || sorted.iter().map(|value| f64::from(*value));
        let mean = each().sum::<f64>() / count as f64;
        let variance = each().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count as f64;
        let percentile = |share: f64| {
            let place = share * (count - 1) as f64;
            let [low, high] = [place as usize, (place as usize + 1).min(count - 1)];
            let [low, high] = [low, high].map(|at| f64::from(sorted[at]));
            low + (high - low) * place.fract()
        };
        let [p5, median, p95] = [0.05, 0.5, 0.95].map(percentile);
        Some(Self { count, mean, sd: variance.sqrt(), min, p5, median, p95, max })
    }
}

/// Of a label, or of a slice of it. Lengths are in mm, or in pixels where the image has no spacing.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelMeasures {
    pub voxels: usize,
    /// In ml; of an image of one slice, its area in mm².
    pub size: f64,
    /// Of the image's finite values in it; none where there is no image, or no such value.
    pub values: Option<ValueStatistics>,
    /// Mean place of its voxels in the patient.
    pub centroid: DVec3,
    /// The slice in which it is largest.
    pub largest_slice: SliceMeasures,
}

/// Of a label in one native slice.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceMeasures {
    pub slice: usize,
    pub area: f64,
    /// Largest and smallest diameter (Feret), over the corners of its pixels.
    pub feret: [f64; 2],
}

impl LabelMeasures {
    /// None where the mask does not have the label.
    pub fn of(volume: &Volume, map: &LabelMap, label: LabelId) -> Option<Self> {
        let mut measuring = Measuring::new(map, volume.grid(), Some(volume));
        (0..map.dims()[2]).for_each(|z| measuring.add_slice(z));
        measuring.of_label(label, measuring.slices_of(measuring.largest(label)?).remove(&label)?)
    }
}

impl SliceMeasures {
    /// None where the label is not in the slice.
    pub fn of(grid: &Grid, map: &LabelMap, label: LabelId, slice: usize) -> Option<Self> {
        Corners::of(map, slice, |id| id == label).remove(&label).map(|corners| corners.measures(grid, slice))
    }
}

/// All labels of a mask measured together, so that each of its slices is read once: first each slice is added, then the labels
/// are asked for.
pub struct Measuring<'a> {
    map: &'a LabelMap,
    grid: &'a Grid,
    /// The image, where its values are in question.
    image: Option<&'a Volume>,
    sizes: BTreeMap<LabelId, f64>,
    sums: BTreeMap<LabelId, Sums>,
}

/// What has been added up of a label.
#[derive(Default)]
struct Sums {
    voxels: usize,
    /// Of the places of its voxels, in the patient.
    places: DVec3,
    values: Vec<f32>,
    /// The slice in which it is largest so far, and how many voxels it has there.
    largest: (usize, usize),
    /// In the slice that is being added.
    here: usize,
}

impl<'a> Measuring<'a> {
    /// The mask lies on the grid, and so does the image.
    pub fn new(map: &'a LabelMap, grid: &'a Grid, image: Option<&'a Volume>) -> Self {
        let depth = map.dims()[2];
        let mut sizes = map.volumes(grid);
        if depth > 1 {
            sizes.values_mut().for_each(|size| *size /= 1000.0);
        }
        // With room for all values, so that they are not copied as they grow.
        let room = |(id, count)| (id, Sums { values: Vec::with_capacity(count), ..Sums::default() });
        let sums =
            if image.is_some() { map.counts().into_iter().map(room).collect() } else { BTreeMap::new() };
        Self { map, grid, image, sizes, sums }
    }

    /// Adds a native slice, once.
    pub fn add_slice(&mut self, z: usize) {
        let Self { map, grid, image, sums, .. } = self;
        let [width, height, _] = map.dims();
        let area = width * height;
        map.for_each_run(z * area, area, |start, len, id| {
            if id == 0 {
                return;
            }
            let sums = sums.entry(id).or_default();
            sums.voxels += len;
            sums.here += len;
            let [x, y] = [start % width, start / width % height].map(|at| at as f64);
            let middle = DVec3::new(x + (len - 1) as f64 / 2.0, y, z as f64);
            sums.places += grid.patient_of(middle) * len as f64;
            if let Some(image) = image {
                sums.values.extend((start..start + len).map(|at| image.scalar_value(at)));
            }
        });
        for sums in sums.values_mut() {
            let here = std::mem::take(&mut sums.here);
            if here > sums.largest.1 {
                sums.largest = (z, here);
            }
        }
    }

    /// The labels that have been found, in the order of their numbers.
    pub fn labels(&self) -> impl Iterator<Item = LabelId> {
        self.sums.keys().copied()
    }

    /// The slice in which a label is largest, the first one of several; none where the label was not found.
    pub fn largest(&self, label: LabelId) -> Option<usize> {
        Some(self.sums.get(&label)?.largest.0)
    }

    /// Of a slice: all labels that are largest there.
    pub fn slices_of(&self, slice: usize) -> BTreeMap<LabelId, SliceMeasures> {
        let corners = Corners::of(self.map, slice, |id| self.largest(id) == Some(slice));
        corners.into_iter().map(|(id, corners)| (id, corners.measures(self.grid, slice))).collect()
    }

    /// A label, with what was measured of the slice in which it is largest; none where the label was not found.
    pub fn of_label(&self, label: LabelId, largest_slice: SliceMeasures) -> Option<LabelMeasures> {
        let sums = self.sums.get(&label)?;
        Some(LabelMeasures {
            voxels: sums.voxels,
            size: *self.sizes.get(&label)?,
            values: ValueStatistics::of(sums.values.iter().copied()),
            centroid: sums.places / sums.voxels as f64,
            largest_slice,
        })
    }
}

/// The corners of a label's pixels in a slice.
#[derive(Default)]
struct Corners {
    pixels: usize,
    /// In voxels.
    places: Vec<[usize; 2]>,
}

impl Corners {
    /// Of the labels in question in a slice; empty of a slice that there is not.
    fn of(map: &LabelMap, slice: usize, is_asked: impl Fn(LabelId) -> bool) -> BTreeMap<LabelId, Self> {
        let [width, height, depth] = map.dims();
        let mut found: BTreeMap<LabelId, Self> = BTreeMap::new();
        let area = if slice < depth { width * height } else { 0 };
        map.for_each_run(slice * width * height, area, |start, len, id| {
            if id == 0 || !is_asked(id) {
                return;
            }
            let of_label = found.entry(id).or_default();
            of_label.pixels += len;
            let (x, y) = (start % width, start / width % height);
            of_label.places.extend([[x, y], [x + len, y], [x, y + 1], [x + len, y + 1]]);
        });
        found
    }

    fn measures(self, grid: &Grid, slice: usize) -> SliceMeasures {
        // Columns and rows need not be at right angles.
        let DMat3 { x_axis, y_axis, .. } = grid.patient_from_voxel().matrix3;
        let across = x_axis.normalize();
        let (along, off) = (y_axis.dot(across), x_axis.cross(y_axis).length() / x_axis.length());
        let corner = |[x, y]: [usize; 2]| [x as f64 * x_axis.length() + y as f64 * along, y as f64 * off];
        let corners = self.places.into_iter().map(corner).collect();
        let pixel = x_axis.cross(y_axis).length();
        SliceMeasures { slice, area: self.pixels as f64 * pixel, feret: feret(corners) }
    }
}

/// Distance of two places in the patient.
pub fn distance(from: DVec3, to: DVec3) -> f64 {
    from.distance(to)
}

/// The angle at `vertex` between the ways to the two ends, in degrees; none where an end lies on it.
pub fn angle(vertex: DVec3, [first, second]: [DVec3; 2]) -> Option<f64> {
    let [a, b] = [first - vertex, second - vertex];
    (a.length() > 0.0 && b.length() > 0.0).then(|| a.angle_between(b).to_degrees())
}

/// The largest distance of two points, and the least width of a strip that holds all.
fn feret(points: Vec<[f64; 2]>) -> [f64; 2] {
    let hull = hull(points);
    let away = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let largest = hull.iter().flat_map(|a| hull.iter().map(move |b| away(a, b))).fold(0.0, f64::max);
    let width = |at: usize| {
        let (a, b) = (hull[at], hull[(at + 1) % hull.len()]);
        let length = away(&a, &b);
        let off =
            |p: &[f64; 2]| ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])).abs() / length;
        hull.iter().map(off).fold(0.0, f64::max)
    };
    [largest, (0..hull.len()).map(width).fold(f64::INFINITY, f64::min)]
}

/// The convex hull, once around (Andrew's monotone chain).
fn hull(mut points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    let turns_left = |a: [f64; 2], b: [f64; 2], c: [f64; 2]| {
        (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0.0
    };
    let half = |points: &mut dyn Iterator<Item = [f64; 2]>| {
        let mut chain: Vec<[f64; 2]> = Vec::new();
        for point in points {
            while let [.., a, b] = chain[..]
                && !turns_left(a, b, point)
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let lower = half(&mut points.iter().copied());
    let upper = half(&mut points.iter().rev().copied());
    [lower, upper].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Modality, Samples};

    #[test]
    fn a_slice_whose_rows_are_shifted_has_the_area_of_its_pixels() {
        let shear = DMat3::from_cols(DVec3::X, DVec3::new(1.0, 1.0, 0.0), DVec3::Z);
        let affine = glam::DAffine3::from_mat3_translation(shear, DVec3::ZERO);
        let grid =
            Grid::new([4, 4, 1], affine, crate::geom::Unit::Millimetre, crate::geom::Frame::Patient).unwrap();
        let map = LabelMap::from_values([4, 4, 1], &[1; 16]).unwrap();
        let of = SliceMeasures::of(&grid, &map, 1, 0).unwrap();
        // A parallelogram of 4 mm and the root of 32: its long diagonal, and its height.
        assert!((of.area - 16.0).abs() < 1e-9, "{of:?}");
        assert!(
            (of.feret[0] - 80.0_f64.sqrt()).abs() < 1e-9 && (of.feret[1] - 8.0_f64.sqrt()).abs() < 1e-9,
            "{of:?}"
        );
    }

    #[test]
    fn diameters_are_those_of_the_corners() {
        let square = feret(vec![[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0], [1.0, 0.5]]);
        assert!((square[0] - 5.0_f64.sqrt()).abs() < 1e-12 && (square[1] - 1.0).abs() < 1e-12, "{square:?}");
    }

    #[test]
    fn labels_are_measured_together_as_one_by_one() {
        let dims = [4, 3, 3];
        let values: Vec<f32> = (0..36).map(|at| if at == 5 { f32::INFINITY } else { at as f32 }).collect();
        let labels: Vec<u16> = (0..36).map(|at| [0, 2, 2, 7, 9][at * at % 5]).collect();
        let grid = Grid::spaced(dims, [0.5, 2.0, 3.0]).unwrap();
        let map = LabelMap::from_values(dims, &labels).unwrap();
        let volume =
            Volume::new(grid.clone(), Samples::F32(values.clone().into()), [1.0, 0.0], Modality::Other)
                .unwrap();
        let mut measuring = Measuring::new(&map, &grid, Some(&volume));
        (0..3).for_each(|z| measuring.add_slice(z));
        let found: Vec<LabelId> = measuring.labels().collect();
        assert_eq!(found, map.counts().into_keys().collect::<Vec<_>>());
        for label in found {
            let slices = measuring.slices_of(measuring.largest(label).unwrap());
            let of = measuring.of_label(label, slices[&label].clone()).unwrap();
            assert_eq!(Some(&of), LabelMeasures::of(&volume, &map, label).as_ref());
            let own: Vec<usize> = (0..36).filter(|at| labels[*at] == label).collect();
            let finite: Vec<f64> =
                own.iter().map(|at| f64::from(values[*at])).filter(|value| value.is_finite()).collect();
            let in_slice = |z: usize| own.iter().filter(|at| **at / 12 == z).count();
            let slice = &of.largest_slice;
            assert_eq!((of.voxels, of.size), (own.len(), own.len() as f64 * 0.003), "label {label}");
            assert_eq!(of.values.unwrap().count, finite.len());
            assert_eq!(in_slice(slice.slice), (0..3).map(in_slice).max().unwrap());
            assert!(
                (of.values.unwrap().mean - finite.iter().sum::<f64>() / finite.len() as f64).abs() < 1e-9
            );
            assert!((slice.area - in_slice(slice.slice) as f64).abs() < 1e-12);
        }
        assert_eq!(LabelMeasures::of(&volume, &map, 5), None);
        assert_eq!(SliceMeasures::of(&grid, &map, 2, 3), None);
    }

    #[test]
    fn statistics_are_of_the_values_alone() {
        let of = ValueStatistics::of([4.0, f32::NAN, 1.0, f32::INFINITY, 3.0, 2.0]).unwrap();
        assert_eq!((of.count, of.mean, of.min, of.median, of.max), (4, 2.5, 1.0, 2.5, 4.0));
        assert!((of.sd - 1.25_f64.sqrt()).abs() < 1e-12 && (of.p5 - 1.15).abs() < 1e-12);
        assert_eq!(ValueStatistics::of([f32::NAN, f32::NEG_INFINITY]), None);
        let right = angle(DVec3::ZERO, [DVec3::X, DVec3::Y * 3.0]).unwrap();
        assert!((right - 90.0).abs() < 1e-12);
        assert_eq!(angle(DVec3::X, [DVec3::X, DVec3::Y]), None);
    }
}
