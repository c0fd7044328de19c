//! A Gaussian in millimetres over numbers in a box. Beyond the border the voxels there are repeated.

use super::{ball::Space, work};
use crate::watch::Stopped;

/// A kernel ends after so many standard deviations.
const CUT: f64 = 4.0;

/// Half the size of the kernel along x, y and z, in voxels.
pub(super) fn reach(space: &Space, sigma: f64) -> [usize; 3] {
    let gap = space.z.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    [space.step[0], space.step[1], gap].map(|step| (CUT * sigma / step + 0.5) as usize)
}

/// Numbers stored x fastest, then y, then z, smoothed with standard deviation `sigma` in mm.
pub(super) fn smoothed(
    values: &[f32],
    size: [usize; 3],
    space: &Space,
    sigma: f64,
) -> Result<Vec<f32>, Stopped> {
    let [width, height, depth] = size;
    let [reach_x, reach_y, _] = reach(space, sigma);
    let [along_x, along_y] = [(reach_x, space.step[0]), (reach_y, space.step[1])]
        .map(|(reach, step)| kernel(reach, |steps| steps * step / sigma));
    let area = width * height;
    let mut slices = vec![0.0; values.len()];
    work::fill("smoothing", &mut slices, area, |z, out| {
        let slice = &values[z * area..(z + 1) * area];
        let (mut rows, mut padded) = (vec![0.0; area], vec![0.0; width + 2 * reach_x]);
        let mut is_zero = vec![true; height];
        for (y, (row, out)) in slice.chunks_exact(width).zip(rows.chunks_exact_mut(width)).enumerate() {
            is_zero[y] = row.iter().all(|value| *value == 0.0);
            if is_zero[y] {
                continue;
            }
            padded[..reach_x].fill(row[0]);
            padded[reach_x..reach_x + width].copy_from_slice(row);
            padded[reach_x + width..].fill(row[width - 1]);
            for (at, weight) in along_x.iter().enumerate() {
                add(out, &padded[at..at + width], *weight);
            }
        }
        for (y, out) in out.chunks_exact_mut(width).enumerate() {
            for (at, weight) in along_y.iter().enumerate() {
                let y = (y + at).saturating_sub(reach_y).min(height - 1);
                if !is_zero[y] {
                    add(out, &rows[y * width..(y + 1) * width], *weight);
                }
            }
        }
    })?;
    if depth == 1 {
        return Ok(slices);
    }
    let mut smoothed = vec![0.0; values.len()];
    work::fill("smoothing", &mut smoothed, area, |z, out| {
        for (from, weight) in along_z(space, z, sigma) {
            add(out, &slices[from * area..(from + 1) * area], weight);
        }
    })?;
    Ok(smoothed)
}

fn add(out: &mut [f32], values: &[f32], weight: f32) {
    out.iter_mut().zip(values).for_each(|(out, value)| *out += weight * value);
}

fn kernel(reach: usize, deviations: impl Fn(f64) -> f64) -> Vec<f32> {
    let weights = (0..=2 * reach).map(|at| bell(deviations(at as f64 - reach as f64)));
    let weights: Vec<f64> = weights.collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| (weight / sum) as f32).collect()
}

fn bell(deviations: f64) -> f64 {
    (-0.5 * deviations * deviations).exp()
}

/// The slices that count for slice `z`, by their true places. One that stands for a longer stretch counts more.
fn along_z(space: &Space, z: usize, sigma: f64) -> Vec<(usize, f32)> {
    let last = space.z.len() as isize - 1;
    let reach = reach(space, sigma)[2] as isize;
    let weight = |at: isize| {
        let thickness = (space.slice(at + 1) - space.slice(at - 1)) / 2.0;
        let away = (space.slice(at) - space.z[z]) / sigma;
        (away.abs() <= CUT + 0.5).then(|| (at.clamp(0, last) as usize, bell(away) * thickness))
    };
    let weights: Vec<_> = (z as isize - reach..=z as isize + reach).filter_map(weight).collect();
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    weights.into_iter().map(|(at, weight)| (at, (weight / sum) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_follow_true_places_and_sum_to_one() {
        let size = [9, 7, 5];
        let space = Space { step: [0.5, 0.7], z: vec![0.0, 1.0, 2.0, 5.0, 6.0] };
        let flat = smoothed(&[3.0; 315], size, &space, 1.3).unwrap();
        assert!(flat.iter().all(|v| (v - 3.0).abs() < 1e-5), "a constant stays");
        let near: Vec<_> = along_z(&space, 2, 1.0);
        let of = |z: usize| near.iter().filter(|w| w.0 == z).map(|w| w.1).sum::<f32>();
        assert!(of(1) > of(3) && of(2) > of(1), "{near:?}");
        // Along x it is the bell itself.
        let mut point = vec![0.0; 315];
        point[(2 * 7 + 3) * 9 + 4] = 1.0;
        let spread = smoothed(&point, size, &space, 0.6).unwrap();
        let at = |x: usize| f64::from(spread[(2 * 7 + 3) * 9 + x]);
        assert!((at(5) / at(4) - bell(0.5 / 0.6)).abs() < 1e-4);
    }
}
