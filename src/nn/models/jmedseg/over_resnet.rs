//! What the networks over [`DeepStem`] have in common.

use crate::nn::{
    InputRule, Outputs,
    blocks::{Align, BatchNorm, Conv, Layer, Sequential, batch_norm, bilinear, conv, op},
    encoders::deep_stem::{DeepStem, DeepStemConfig, Layers, Variant},
    models::Plain,
};
use burn::tensor::{Device, Tensor, activation::relu};
use serde_json::{Value, json};

/// The reference takes sides of any length; with multiples of 16 the cells of the encoder's last map lie over whole
/// squares of pixels.
pub const INPUT: InputRule = InputRule::multiple_of(16).least(32);

pub fn probe_config() -> Value {
    json!({ "feature_scale": 16, "layers": [1, 1, 2] })
}

pub fn encoder(config: &Plain, layers: Layers, variant: Variant, device: &Device) -> DeepStem {
    let Plain { in_channels, feature_scale, .. } = *config;
    DeepStemConfig { in_channels, feature_scale, layers, variant }.init(device)
}

/// The stem's last convolution at half resolution, its input and output each once more as the convolution lays them out,
/// and logits that are enlarged.
pub fn bytes_per_pixel(config: &Plain) -> usize {
    4 * (config.width(128) + 4 * config.n_classes)
}

/// Convolution without bias, batch norm and ReLU as steps 0, 1 and 2.
pub fn unit(input: usize, output: usize, kernel: usize, device: &Device) -> Vec<Layer> {
    let conv = conv(input, output, kernel).same().no_bias().init(device);
    vec![conv.into(), batch_norm(output, device).into(), op(relu)]
}

/// [`unit()`] 3×3 as layers of their own.
pub fn unit3(input: usize, output: usize, device: &Device) -> Sequential {
    Sequential::new(unit(input, output, 3, device))
}

/// Convolution, batch norm, ReLU.
pub fn conv_norm_relu(conv: &Conv, norm: &BatchNorm, x: Tensor<4>) -> Tensor<4> {
    relu(norm.forward(conv.forward(x)))
}

/// Logits enlarged to the input's `[height, width]`.
pub fn enlarged(logits: Tensor<4>, size: [usize; 2]) -> Outputs {
    Outputs::of(bilinear(logits, size, Align::Centres))
}
