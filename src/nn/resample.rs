//! Resizing of planes: linear between pixel centres, with the filter widened where the picture shrinks.

use super::planes::Planes;
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

/// For each output position the first input position and the weights of those from there on.
struct Taps(Vec<(usize, Vec<f32>)>);

impl Taps {
    /// Triangle filter over half-pixel centres, clamped at the edges; PIL's "bilinear".
    fn new(input: usize, output: usize) -> Self {
        let scale = input as f64 / output as f64;
        let support = scale.max(1.0);
        let taps = (0..output).map(|i| {
            let center = (i as f64 + 0.5) * scale;
            let first = (center - support).floor().max(0.0) as usize;
            let last = ((center + support).ceil() as usize).min(input);
            let weights: Vec<f64> =
                (first..last).map(|j| (1.0 - (j as f64 + 0.5 - center).abs() / support).max(0.0)).collect();
            let sum: f64 = weights.iter().sum();
            (first, weights.into_iter().map(|w| (w / sum) as f32).collect())
        });
        Self(taps.collect())
    }

    /// As a matrix `[output, input]`.
    fn matrix(&self, input: usize) -> Vec<f32> {
        let mut matrix = vec![0.0; self.0.len() * input];
        for (row, (first, weights)) in matrix.chunks_exact_mut(input).zip(&self.0) {
            row[*first..first + weights.len()].copy_from_slice(weights);
        }
        matrix
    }
}

/// Resizes every plane to `[width, height]`.
pub fn resize_planes(planes: Planes, [width, height]: [usize; 2]) -> Planes {
    let Planes { channels, height: h, width: w, values } = planes;
    // Along the axis first that leaves less to do for the other.
    let values = if height * w <= h * width {
        across(&down(&values, [w, h], height), w, width)
    } else {
        down(&across(&values, w, width), [width, h], height)
    };
    Planes { channels, height, width, values }
}

/// Resizes rows of `w` values to `width`.
fn across(values: &[f32], w: usize, width: usize) -> Vec<f32> {
    if w == width {
        return values.to_vec();
    }
    let taps = Taps::new(w, width);
    let mut out = vec![0.0; values.len() / w * width];
    out.par_chunks_mut(width).zip(values.par_chunks(w)).for_each(|(out, row)| {
        for (out, (first, weights)) in out.iter_mut().zip(&taps.0) {
            let mut sum = 0.0;
            for (weight, value) in weights.iter().zip(&row[*first..]) {
                sum += weight * value;
            }
            *out = sum;
        }
    });
    out
}

/// Resizes planes of `[w, h]` to `height` rows.
fn down(values: &[f32], [w, h]: [usize; 2], height: usize) -> Vec<f32> {
    if h == height {
        return values.to_vec();
    }
    let taps = Taps::new(h, height);
    let mut out = vec![0.0; values.len() / h * height];
    out.par_chunks_mut(w).enumerate().for_each(|(i, out)| {
        let (plane, line) = (i / height, i % height);
        let (first, weights) = &taps.0[line];
        for (j, weight) in weights.iter().enumerate() {
            let start = (plane * h + first + j) * w;
            for (out, value) in out.iter_mut().zip(&values[start..start + w]) {
                *out += weight * value;
            }
        }
    });
    out
}

/// [`resize_planes`] on a device: `[channels, height, width]` by two matrix products.
pub fn resize_tensor(planes: Tensor<3>, [width, height]: [usize; 2], device: &Device) -> Tensor<3> {
    let [_, h, w] = planes.dims();
    if [w, h] == [width, height] {
        return planes;
    }
    let matrix = |input: usize, output: usize| {
        let data = TensorData::new(Taps::new(input, output).matrix(input), [1, output, input]);
        Tensor::<3>::from_data(data, device)
    };
    let rows = matrix(h, height).matmul(planes); // [C, height, w]
    rows.matmul(matrix(w, width).swap_dims(1, 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planes(width: usize, height: usize) -> Planes {
        let values = (0..2 * width * height).map(|i| ((i * 37) % 101) as f32).collect();
        Planes { channels: 2, height, width, values }
    }

    #[test]
    fn a_constant_stays_and_the_mean_is_kept_when_shrinking_evenly() {
        let flat = Planes { channels: 1, height: 7, width: 5, values: vec![3.0; 35] };
        assert!(resize_planes(flat, [11, 3]).values.iter().all(|v| (v - 3.0).abs() < 1e-5));
        let p = planes(64, 32);
        let mean = |v: &[f32]| v.iter().sum::<f32>() / v.len() as f32;
        let before = mean(&p.values);
        assert!((mean(&resize_planes(p, [16, 8]).values) - before).abs() < 1.5);
    }

    #[test]
    fn enlarging_is_linear_between_pixel_centres() {
        let ramp = Planes { channels: 1, height: 1, width: 4, values: vec![0.0, 1.0, 2.0, 3.0] };
        let got = resize_planes(ramp, [8, 1]).values;
        let expected = [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0];
        assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-6), "{got:?}");
    }

    #[test]
    fn a_device_resizes_as_the_host_does() {
        let p = planes(23, 17);
        let device = Device::flex();
        let tensor = Tensor::<3>::from_data(TensorData::new(p.values.clone(), [2, 17, 23]), &device);
        for size in [[40, 9], [11, 30], [23, 17]] {
            let got = resize_tensor(tensor.clone(), size, &device).try_into_vec_as::<f32>().unwrap();
            let expected = resize_planes(p.clone(), size).values;
            let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(got.len() == expected.len() && worst < 1e-4, "{size:?}: {worst}");
        }
    }
}
