use burn::tensor::{Distribution, Tensor, module::max_pool2d, ops::MaxPoolOptions};

/// DropBlock (Ghiasi, Lin, Le: "DropBlock: a regularization method for convolutional networks", 2018) as the SA-UNet
/// authors' Keras layer has it: blocks of whole features are dropped, each channel for itself, in training only.
#[derive(Debug, Clone)]
pub struct DropBlock {
    /// Side of a block in pixels, odd.
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
        let seeds =
            Tensor::<4>::random([batch, channels, inner_h, inner_w], Distribution::Bernoulli(rate), &device);
        let seeds = Tensor::<4>::zeros([batch, channels, height, width], &device)
            .slice_assign([0..batch, 0..channels, edge..edge + inner_h, edge..edge + inner_w], seeds);
        self.drop_around(input, seeds)
    }

    /// Drops the blocks around `seeds` (1 where a block is centred, else 0) and scales the rest so that the whole batch
    /// keeps its sum on average.
    pub fn drop_around(&self, input: Tensor<4>, seeds: Tensor<4>) -> Tensor<4> {
        let pad = self.block_size / 2;
        let options = MaxPoolOptions::new([self.block_size; 2]).with_stride([1, 1]).with_padding([pad, pad]);
        let keep = max_pool2d(seeds, options).neg() + 1.0;
        let count = keep.shape().num_elements() as f64;
        // The sum goes dimension by dimension: some software drivers cut a long serial loop short.
        let kept = keep.clone().sum_dim(3).sum_dim(2).sum_dim(1).sum_dim(0);
        let mask = keep * (kept.clamp_min(1.0).recip() * count);
        if input.is_autodiff() { input * Tensor::from_inner(mask) } else { input * mask }
    }
}
