//! Convolution of volumes on the CPU without gradients. flex copies the whole input channels last on one thread before it
//! begins; here each of many tiles of output rows unfolds the rows of the input that it needs, on all threads, and no map
//! is held twice.

use super::ConvConfig;
use crate::nn::watch;
use burn::{
    backend::Flex,
    tensor::{Tensor, TensorData},
};
use rayon::prelude::*;

/// About how many unfolded numbers a tile has: they stay in a processor's second cache.
const TILE: usize = 1 << 18;
/// Fewer voxels than this are not worth a matrix product of their own.
const LEAST_VOXELS: usize = 256;

/// A convolution between maps of known size `[depth, height, width]`.
struct Plan<'a> {
    config: &'a ConvConfig<3>,
    input: [usize; 3],
    output: [usize; 3],
}

/// `[batch, input, depth, height, width]` to `[batch, output, …]`, without groups. Nothing where the values are not at hand
/// as f32. The largest layers last for seconds, so each tile asks whether to go on.
pub(super) fn convolve(
    input: &Tensor<5>,
    weight: Tensor<5>,
    bias: Option<Tensor<1>>,
    config: &ConvConfig<3>,
) -> Option<Tensor<5>> {
    let ([batch, channels, size @ ..], device) = (input.dims(), input.device());
    let [outputs, _, taps @ ..] = weight.dims();
    let plan = Plan::new(config, size);
    let [depth, height, width] = plan.output;
    let values = input.clone().try_into_primitive::<Flex>().ok()?.to_contiguous();
    let unfolded = channels * taps.into_iter().product::<usize>();
    let weight = weight.reshape([outputs, unfolded]);
    let tile = (TILE / unfolded).max(LEAST_VOXELS).div_ceil(width); // rows

    let watch = watch::current();
    let mut result = vec![0.0f32; batch * outputs * depth * height * width];
    let volumes = values.storage::<f32>().chunks_exact(channels * size.into_iter().product::<usize>());
    for (volume, result) in volumes.zip(result.chunks_exact_mut(outputs * depth * height * width)) {
        // Each tile's rows in every channel of the result.
        let mut tiles: Vec<Vec<&mut [f32]>> = vec![];
        tiles.resize_with((depth * height).div_ceil(tile), || Vec::with_capacity(outputs));
        for channel in result.chunks_exact_mut(depth * height * width) {
            tiles.iter_mut().zip(channel.chunks_mut(tile * width)).for_each(|(tile, rows)| tile.push(rows));
        }
        let whole = tiles.into_par_iter().enumerate().try_for_each(|(i, rows)| {
            if watch.as_ref().is_some_and(|watch| watch.stop()) {
                return None;
            }
            let voxels = rows.first()?.len();
            let columns = plan.unfold(volume, unfolded * voxels, i * tile..i * tile + voxels / width);
            let columns = Tensor::<2>::from_data(TensorData::new(columns, [unfolded, voxels]), &device);
            let product = weight.clone().matmul(columns).into_data();
            let products = product.as_slice::<f32>().ok()?.chunks_exact(voxels);
            rows.into_iter().zip(products).for_each(|(row, product)| row.copy_from_slice(product));
            Some(())
        });
        watch::check();
        whole?;
    }
    let result = TensorData::new(result, [batch, outputs, depth, height, width]);
    let result = Tensor::from_data(result, &device);
    Some(match bias {
        Some(bias) => result + bias.reshape([1, outputs, 1, 1, 1]),
        None => result,
    })
}

impl<'a> Plan<'a> {
    fn new(config: &'a ConvConfig<3>, input: [usize; 3]) -> Self {
        let size = |axis: usize| {
            let reach = (config.kernel[axis] - 1) * config.dilation[axis] + 1;
            (input[axis] + 2 * config.padding[axis] - reach) / config.stride[axis] + 1
        };
        Self { config, input, output: [size(0), size(1), size(2)] }
    }

    /// For every channel and tap of the kernel, in the weight's order, the values that it meets in some rows of the
    /// output, which are counted through all planes. Padding is zero.
    fn unfold(&self, volume: &[f32], count: usize, rows: std::ops::Range<usize>) -> Vec<f32> {
        let ([depth, height, width], [_, out_height, out_width]) = (self.input, self.output);
        let [planes, lines, taps] = self.config.kernel;
        let mut unfolded = vec![0.0f32; count];
        let mut targets = unfolded.chunks_exact_mut(out_width);
        for channel in volume.chunks_exact(depth * height * width) {
            for tap in 0..planes * lines * taps {
                let [z, y, x] = [tap / (lines * taps), tap / taps % lines, tap % taps];
                for (row, target) in rows.clone().zip(&mut targets) {
                    let plane = self.source(0, row / out_height, z);
                    let line = self.source(1, row % out_height, y);
                    if let (Some(plane), Some(line)) = (plane, line) {
                        let start = (plane * height + line) * width;
                        self.unfold_row(&channel[start..start + width], target, x);
                    }
                }
            }
        }
        unfolded
    }

    /// Where the input lies that a tap of the kernel meets, if not in the padding.
    fn source(&self, axis: usize, output: usize, tap: usize) -> Option<usize> {
        let padded = output * self.config.stride[axis] + tap * self.config.dilation[axis];
        padded.checked_sub(self.config.padding[axis]).filter(|at| *at < self.input[axis])
    }

    /// What the tap meets along a row.
    fn unfold_row(&self, source: &[f32], target: &mut [f32], tap: usize) {
        let (stride, padding) = (self.config.stride[2], self.config.padding[2]);
        let shift = tap * self.config.dilation[2];
        // Columns of the output from `first` to `end` meet the input, that of `first` at `from`.
        let first = padding.saturating_sub(shift).div_ceil(stride);
        let end = (source.len() + padding).saturating_sub(shift).div_ceil(stride).min(target.len());
        let from = first * stride + shift - padding;
        if first >= end {
            return;
        }
        if stride == 1 {
            target[first..end].copy_from_slice(&source[from..from + end - first]);
        } else {
            let values = source[from..].iter().step_by(stride);
            target[first..end].iter_mut().zip(values).for_each(|(target, value)| *target = *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{blocks::conv3, parity::fill_input};
    use burn::tensor::{Device, module::conv3d, ops::ConvOptions};

    #[test]
    fn tiles_give_what_the_whole_gives() {
        let device = Device::flex();
        let values = |name: &str, count: usize| fill_input(name, count);
        let cases = [
            conv3(3, 4, 3).padding(1),
            conv3(3, 4, 3).stride(2).padding(1),
            conv3(3, 4, 1).stride(2),
            conv3(3, 4, 3).stride(3),
            conv3(3, 4, 3).kernel([3, 3, 1]).same(),
            conv3(3, 4, 3).kernel([1, 1, 3]).same(),
            conv3(3, 4, 3).kernel([1, 3, 3]).paddings([1, 0, 0]),
            conv3(3, 4, 3).dilation(2).same(),
            // A tap that meets nothing but padding.
            conv3(3, 4, 3).kernel([1, 1, 3]).dilation(9).same(),
        ];
        for config in cases {
            let ConvConfig { kernel: [d, h, w], stride, padding, dilation, .. } = config;
            let weight = TensorData::new(values("weight", 12 * d * h * w), [4, 3, d, h, w]);
            let weight = Tensor::<5>::from_data(weight, &device);
            let bias = Tensor::<1>::from_data(TensorData::new(values("bias", 4), [4]), &device);
            // More rows than one tile has.
            let x = TensorData::new(values("x", 2 * 3 * 9 * 61 * 8), [2, 3, 9, 61, 8]);
            let x = Tensor::<5>::from_data(x, &device);
            let found = convolve(&x, weight.clone(), Some(bias.clone()), &config).unwrap();
            let whole = conv3d(x, weight, Some(bias), ConvOptions::new(stride, padding, dilation, 1));
            assert_eq!(found.dims(), whole.dims(), "{config:?}");
            let difference = (found - whole).abs().max().into_scalar::<f32>();
            assert!(difference < 1e-5, "{config:?}: {difference}");
        }
    }
}
