//! What can be measured of a label in an image: sizes, values and diameters.

use crate::{
    geom::Grid,
    label::{LabelId, LabelMap},
    volume::Volume,
};
use glam::DVec3;

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
    /// None of no values; NaN is left out.
    pub fn of(values: impl IntoIterator<Item = f32>) -> Option<Self> {
        let mut sorted: Vec<f64> =
            values.into_iter().filter(|value| !value.is_nan()).map(f64::from).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let count = sorted.len();
        let mean = sorted.iter().sum::<f64>() / count as f64;
        let variance = sorted.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count as f64;
        let percentile = |share: f64| {
            let place = share * (count - 1) as f64;
            let low = sorted[place as usize];
            let high = sorted[(place as usize + 1).min(count - 1)];
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
    /// Of the image's values in it.
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
        let (grid, [width, height, depth]) = (volume.grid(), map.dims());
        let area = width * height;
        let mut values = Vec::new();
        let (mut voxels, mut sum, mut largest) = (0, DVec3::ZERO, (0, 0));
        for z in 0..depth {
            let before = voxels;
            map.for_each_run(z * area, area, |start, len, id| {
                if id != label {
                    return;
                }
                voxels += len;
                let [x, y] = [start % width, start / width % height].map(|at| at as f64);
                let middle = DVec3::new(x + (len - 1) as f64 / 2.0, y, z as f64);
                sum += grid.patient_of(middle) * len as f64;
                values.extend((start..start + len).map(|at| volume.scalar_value(at)));
            });
            if voxels - before > largest.1 {
                largest = (z, voxels - before);
            }
        }
        let size = *map.volumes(grid).get(&label)?;
        Some(Self {
            voxels,
            size: if depth == 1 { size } else { size / 1000.0 },
            values: ValueStatistics::of(values),
            centroid: sum / voxels as f64,
            largest_slice: SliceMeasures::of(grid, map, label, largest.0)?,
        })
    }
}

impl SliceMeasures {
    /// None where the label is not in the slice.
    pub fn of(grid: &Grid, map: &LabelMap, label: LabelId, slice: usize) -> Option<Self> {
        let [width, height, depth] = map.dims();
        if slice >= depth {
            return None;
        }
        let [step_x, step_y, _] = grid.spacing();
        let (mut pixels, mut corners) = (0, Vec::new());
        map.for_each_run(slice * width * height, width * height, |start, len, id| {
            if id == label {
                pixels += len;
                let (x, y) = (start % width, start / width % height);
                for (x, y) in [(x, y), (x + len, y), (x, y + 1), (x + len, y + 1)] {
                    corners.push([x as f64 * step_x, y as f64 * step_y]);
                }
            }
        });
        let area = pixels as f64 * step_x * step_y;
        (pixels > 0).then(|| Self { slice, area, feret: feret(corners) })
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

    #[test]
    fn diameters_are_those_of_the_corners() {
        let square = feret(vec![[0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [2.0, 1.0], [1.0, 0.5]]);
        assert!((square[0] - 5.0_f64.sqrt()).abs() < 1e-12 && (square[1] - 1.0).abs() < 1e-12, "{square:?}");
    }

    #[test]
    fn statistics_are_of_the_values_alone() {
        let of = ValueStatistics::of([4.0, f32::NAN, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((of.count, of.mean, of.min, of.median, of.max), (4, 2.5, 1.0, 2.5, 4.0));
        assert!((of.sd - 1.25_f64.sqrt()).abs() < 1e-12 && (of.p5 - 1.15).abs() < 1e-12);
        assert_eq!(ValueStatistics::of([f32::NAN]), None);
        let right = angle(DVec3::ZERO, [DVec3::X, DVec3::Y * 3.0]).unwrap();
        assert!((right - 90.0).abs() < 1e-12);
        assert_eq!(angle(DVec3::X, [DVec3::X, DVec3::Y]), None);
    }
}
