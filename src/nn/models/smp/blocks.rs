//! What several decoders are made of.

use super::network::SmpConfig;
use crate::nn::blocks::{ConvConfig, Sequential, batch_norm, conv, nearest_up, op};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};

/// Convolution without bias, batch norm, ReLU.
pub fn conv_relu(input: usize, output: usize, kernel: usize, device: &Device) -> Sequential {
    normed(conv(input, output, kernel).same(), output, device)
}

/// [`conv_relu`] with any convolution to `output` channels.
pub fn normed(conv: ConvConfig, output: usize, device: &Device) -> Sequential {
    Sequential::new([conv.no_bias().init(device).into(), batch_norm(output, device).into(), op(relu)])
}

/// The U-Nets' channels after each of five steps up.
pub fn decoder_channels(config: &SmpConfig) -> [usize; 5] {
    [256, 128, 64, 32, 16].map(|n| config.width(n))
}

/// Nearest ×2, concatenation `[x, skips…]`, two convolutions 3×3.
#[derive(Module, Debug)]
pub struct UpBlock {
    conv1: Sequential,
    conv2: Sequential,
}

impl UpBlock {
    /// `skip` counts the channels of all skips together.
    pub fn new(input: usize, skip: usize, output: usize, device: &Device) -> Self {
        Self {
            conv1: conv_relu(input + skip, output, 3, device),
            conv2: conv_relu(output, output, 3, device),
        }
    }

    /// `[N, input, H, W]` and skips of twice the size to `[N, output, 2H, 2W]`.
    pub fn forward<const S: usize>(&self, x: Tensor<4>, skips: [&Tensor<4>; S]) -> Tensor<4> {
        let mut all = vec![nearest_up(x, 2)];
        all.extend(skips.into_iter().cloned());
        self.conv2.forward(self.conv1.forward(Tensor::cat(all, 1)))
    }
}
