//! The U-Net of the retinal edema system (AI Challenger 2018), with its slice-level detection head.
//! O. Ronneberger et al.: "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.

use crate::nn::{
    Config, Head, Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{BatchNorm, Conv, Dropout, UpConv, batch_norm, halve, same_conv, up_conv},
    models::ends,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The reference's constructor arguments. (Its `is_deconv = false` does not run and is left out.)
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnetConfig {
    in_channels: usize,
    /// Background included. The detection head finds the classes but background in the slice.
    n_classes: usize,
    /// Divides the filters 64, 128, 256, 512, 1024.
    feature_scale: usize,
    is_batchnorm: bool,
}

impl Default for UnetConfig {
    fn default() -> Self {
        Self { in_channels: 3, n_classes: 4, feature_scale: 4, is_batchnorm: true }
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "edema/unet",
    title: "U-Net with detection",
    paper: "Ronneberger et al., U-Net, MICCAI 2015; retinal edema system, AI Challenger 2018",
    family: "edema",
    input: InputRule::multiple_of(16),
    published: Published::LogProbabilities,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 8 }),
    make: Make::of::<Unet>(),
};

impl Config for UnetConfig {
    fn check(&self) -> Result<(), String> {
        ends(self.in_channels, self.n_classes)?;
        if !(1..=64).contains(&self.feature_scale) {
            return Err("feature_scale must be from 1 to 64".to_owned());
        }
        Ok(())
    }

    fn channels(&self) -> usize {
        self.in_channels
    }

    fn head(&self) -> Head {
        Head::Softmax { classes: self.n_classes }
    }
}

/// Convolution, batch norm (where the network has it), ReLU.
type Unit = (Conv, Option<BatchNorm>);

fn unit(input: usize, output: usize, with_norm: bool, device: &Device) -> Unit {
    let norm = with_norm.then(|| batch_norm(output, device));
    (same_conv([input, output], 3, device), norm)
}

fn run_unit((conv, norm): &Unit, x: Tensor<4>) -> Tensor<4> {
    let x = conv.forward(x);
    relu(match norm {
        Some(norm) => norm.forward(x),
        None => x,
    })
}

#[derive(Module, Debug)]
pub struct DoubleConv {
    conv1: Unit,
    conv2: Unit,
}

impl DoubleConv {
    pub fn new(input: usize, output: usize, with_norm: bool, device: &Device) -> Self {
        Self { conv1: unit(input, output, with_norm, device), conv2: unit(output, output, with_norm, device) }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        run_unit(&self.conv2, run_unit(&self.conv1, x))
    }
}

/// Transposed convolution 4×4, concatenation `[up, skips…]`, double convolution without batch norm.
#[derive(Module, Debug)]
pub struct UpBlock {
    // The reference registers the convolutions first.
    conv: DoubleConv,
    up: UpConv,
}

impl UpBlock {
    /// From `input` to `output` channels with `skips` skip connections of `output` channels each.
    pub fn new(input: usize, output: usize, skips: usize, device: &Device) -> Self {
        Self {
            conv: DoubleConv::new(output * (skips + 1), output, false, device),
            up: up_conv([input, output], 4, 1, device),
        }
    }

    /// `low` is half the size of the skips.
    pub fn forward(&self, low: Tensor<4>, skips: Vec<Tensor<4>>) -> Tensor<4> {
        let mut all = vec![self.up.forward(low)];
        all.extend(skips);
        self.conv.forward(Tensor::cat(all, 1))
    }
}

#[derive(Module, Debug)]
struct Unet {
    conv1: DoubleConv,
    conv2: DoubleConv,
    conv3: DoubleConv,
    conv4: DoubleConv,
    center: DoubleConv,
    cls: (Dropout, Conv),
    up_concat4: UpBlock,
    up_concat3: UpBlock,
    up_concat2: UpBlock,
    up_concat1: UpBlock,
    final_1: Conv,
}

impl SegmentationModule for Unet {
    type Config = UnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &UnetConfig, device: &Device) -> Self {
        let f = [64, 128, 256, 512, 1024].map(|n| n / config.feature_scale);
        let down = |input, output| DoubleConv::new(input, output, config.is_batchnorm, device);
        Self {
            conv1: down(config.in_channels, f[0]),
            conv2: down(f[0], f[1]),
            conv3: down(f[1], f[2]),
            conv4: down(f[2], f[3]),
            center: down(f[3], f[4]),
            // The reference writes 256 channels down, so that only feature_scale 4 runs; here they follow the network.
            cls: (Dropout::new(0.5), same_conv([f[4], config.n_classes - 1], 1, device)),
            up_concat4: UpBlock::new(f[4], f[3], 1, device),
            up_concat3: UpBlock::new(f[3], f[2], 1, device),
            up_concat2: UpBlock::new(f[2], f[1], 1, device),
            up_concat1: UpBlock::new(f[1], f[0], 1, device),
            final_1: same_conv([f[0], config.n_classes], 1, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]` and detection logits `[N, classes - 1]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let c1 = self.conv1.forward(input); // [N, f0, H, W]
        let c2 = self.conv2.forward(halve(c1.clone())); // [N, f1, H/2, W/2]
        let c3 = self.conv3.forward(halve(c2.clone())); // [N, f2, H/4, W/4]
        let c4 = self.conv4.forward(halve(c3.clone())); // [N, f3, H/8, W/8]
        let center = self.center.forward(halve(c4.clone())); // [N, f4, H/16, W/16]

        let (dropout, conv) = &self.cls;
        let found = conv.forward(dropout.forward(center.clone()));
        let [batch, findings, _, _] = found.dims();
        // Maximum over the slice; the team's slides say mean, its code does this.
        let detection = found.max_dim(3).max_dim(2).reshape([batch, findings]);

        let x = self.up_concat4.forward(center, vec![c4]);
        let x = self.up_concat3.forward(x, vec![c3]);
        let x = self.up_concat2.forward(x, vec![c2]);
        let x = self.up_concat1.forward(x, vec![c1]);
        Outputs { detection: Some(detection), ..Outputs::of(self.final_1.forward(x)) }
    }

    fn bytes_per_pixel(config: &UnetConfig) -> usize {
        // At full resolution: 2f channels concatenated, two maps of f, each once more as the convolution lays it out.
        4 * 12 * (64 / config.feature_scale).max(config.n_classes)
    }

    /// Kaiming normal over fan-in for convolutions, batch norm around 1, biases as PyTorch leaves them.
    fn initial(site: &InitSite<'_>) -> Init {
        let weight = site.name.ends_with("weight");
        match (site.shape.len(), site.fan_in) {
            (4, fan_in) => Init::Normal { mean: 0.0, std: (2.0 / fan_in as f64).sqrt() },
            (_, 0) if weight => Init::Normal { mean: 1.0, std: 0.02 },
            (_, 0) => Init::Constant(0.0),
            (_, fan_in) => Init::Uniform(1.0 / (fan_in as f64).sqrt()),
        }
    }
}
