use super::random::bernoulli;
use burn::tensor::{Tensor, module::max_pool2d, ops::MaxPoolOptions};

/// DropBlock (Ghiasi, Lin, Le: "DropBlock: a regularization method for convolutional networks", 2018) as the SA-UNet
/// authors' Keras layer has it: blocks of whole features are dropped, each channel for itself, in training only.
#[derive(Debug, Clone)]
pub struct DropBlock {
    /// Side of a block in pixels.
    pub block_size: usize,
    /// The share of features that is kept on average.
    pub keep_prob: f64,
}

impl DropBlock {
    /// The probability that a block is centred on a pixel: γ of the paper's equation 1.
    pub fn seed_rate(&self, height: usize, width: usize) -> f64 {
        let (b, h, w) = (self.block_size as f64, height as f64, width as f64);
        (1.0 - self.keep_prob) / (b * b) * (h * w) / ((h - b + 1.0) * (w - b + 1.0))
    }

    /// `[batch, channels, height, width]`; nothing happens outside training, and to maps smaller than a block.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = input.dims();
        let b = self.block_size;
        if !input.is_autodiff() || self.keep_prob >= 1.0 || height < b || width < b {
            return input;
        }
        let device = input.device().without_autodiff();
        let rate = self.seed_rate(height, width);
        // Blocks start only where they lie inside the map: rows and columns from b/2 to the size less b/2.
        let edge = b / 2;
        let [inner_h, inner_w] = [height - 2 * edge, width - 2 * edge];
        let seeds = bernoulli([batch, channels, inner_h, inner_w], rate, &device);
        let seeds = Tensor::<4>::zeros([batch, channels, height, width], &device)
            .slice_assign([0..batch, 0..channels, edge..edge + inner_h, edge..edge + inner_w], seeds);
        self.drop_around(input, seeds)
    }

    /// Drops the blocks around `seeds` (1 where a block is centred, else 0) and scales the rest so that the whole batch
    /// keeps its sum on average.
    pub fn drop_around(&self, input: Tensor<4>, seeds: Tensor<4>) -> Tensor<4> {
        let b = self.block_size;
        // Keras' "same" padding: the odd pixel of an even block goes to the end.
        let pad = ((b - 1) / 2, b / 2);
        let pool =
            |kernel, padding| MaxPoolOptions { padding, ..MaxPoolOptions::new(kernel).with_stride([1, 1]) };
        // The maximum over a block, columns first and then rows: 2b comparisons a pixel and not b².
        let dropped = max_pool2d(max_pool2d(seeds, pool([b, 1], [pad, (0, 0)])), pool([1, b], [(0, 0), pad]));
        let keep = dropped.neg() + 1.0;
        let count = keep.shape().num_elements() as f64;
        // The sum goes dimension by dimension: some software drivers cut a long serial loop short.
        let kept = keep.clone().sum_dim(3).sum_dim(2).sum_dim(1).sum_dim(0);
        let mask = keep * (kept.clamp_min(1.0).recip() * count);
        if input.is_autodiff() { input * Tensor::from_inner(mask) } else { input * mask }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{nn::parity::fill_input, testing::vectors};
    use burn::tensor::{Device, TensorData};

    fn tensor(name: &str, shape: [usize; 4], map: impl Fn(f32) -> f32) -> Tensor<4> {
        let values: Vec<f32> = fill_input(name, shape.iter().product()).into_iter().map(map).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// Against the authors' layer, run in Keras.
    #[test]
    fn the_published_vectors_are_reproduced() {
        let Some(vectors) = vectors("edema_polyp_vessel/losses.json") else { return };
        let mut checked = 0;
        for case in vectors["sa_dropblock"].as_array().unwrap() {
            if case["sync_channels"] == true {
                continue; // An option of the layer that the network does not use.
            }
            let n = |key: &str| case[key].as_u64().unwrap() as usize;
            let shape = [n("n"), n("c"), n("h"), n("w")];
            let drop =
                DropBlock { block_size: n("block_size"), keep_prob: case["keep_prob"].as_f64().unwrap() };
            let gamma = drop.seed_rate(shape[2], shape[3]);
            // Keras computes it in f32.
            assert!((gamma - case["gamma"].as_f64().unwrap()).abs() <= f64::from(f32::EPSILON) * gamma);
            let (edge, [_, _, h, w]) = (drop.block_size / 2, shape);
            let x = tensor(case["x_name"].as_str().unwrap(), shape, |v| v);
            let inside = Tensor::<4>::zeros(shape, &Device::flex())
                .slice_fill([0..shape[0], 0..shape[1], edge..h - edge, edge..w - edge], 1.0);
            let seeds = tensor(case["u_name"].as_str().unwrap(), shape, |v| {
                f32::from(u8::from((f64::from(v) + 1.0) / 2.0 <= gamma))
            });
            let out = drop.drop_around(x, seeds * inside).try_into_vec_as::<f32>().unwrap();
            for sample in case["output"]["samples"].as_array().unwrap() {
                let (i, want) = (sample[0].as_u64().unwrap() as usize, sample[1].as_f64().unwrap() as f32);
                assert!((out[i] - want).abs() < 1e-6, "element {i}: {} and not {want}", out[i]);
            }
            checked += 1;
        }
        assert_eq!(checked, 4);
    }

    #[test]
    fn training_keeps_the_sum_and_inference_changes_nothing() {
        let drop = DropBlock { block_size: 7, keep_prob: 0.8 };
        let ones = Tensor::<4>::ones([4, 8, 40, 40], &Device::flex());
        assert_eq!(drop.forward(ones.clone()).into_data(), ones.clone().into_data());
        let out = drop.forward(ones.autodiff()).without_autodiff().try_into_vec_as::<f32>().unwrap();
        let zeros = out.iter().filter(|v| **v == 0.0).count() as f32 / out.len() as f32;
        assert!((0.1..0.3).contains(&zeros), "{zeros} dropped");
        let mean = out.iter().sum::<f32>() / out.len() as f32;
        assert!((mean - 1.0).abs() < 1e-3, "{mean}");
    }
}
