//! The U-Net of the retinal edema system (AI Challenger 2018), with its slice-level detection head.
//! O. Ronneberger et al.: "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.

use super::layers::{self, Detection, DoubleConv, UpBlock, detect, detection, filters};
use crate::nn::{
    Config, Head, Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, halve, same_conv},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The reference's constructor arguments. (Its `is_deconv = false` does not run and is left out.)
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnetConfig {
    pub(super) in_channels: usize,
    /// Background included. The detection head finds the classes but background in the slice.
    pub(super) n_classes: usize,
    /// Divides the filters 64, 128, 256, 512, 1024.
    pub(super) feature_scale: usize,
    pub(super) is_batchnorm: bool,
    /// The share of the detection head's input that training drops; the reference writes it down.
    pub(super) dropout: f64,
}

impl Default for UnetConfig {
    fn default() -> Self {
        Self { in_channels: 3, n_classes: 4, feature_scale: 4, is_batchnorm: true, dropout: 0.5 }
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
    make: Make::slices::<Unet>(),
};

impl Config for UnetConfig {
    fn check(&self) -> Result<(), String> {
        layers::check(self.in_channels, self.n_classes, self.feature_scale, self.dropout)
    }

    fn channels(&self) -> usize {
        self.in_channels
    }

    fn head(&self) -> Head {
        Head::Softmax { classes: self.n_classes }
    }
}

#[derive(Module, Debug)]
pub(super) struct Unet {
    conv1: DoubleConv,
    conv2: DoubleConv,
    conv3: DoubleConv,
    conv4: DoubleConv,
    center: DoubleConv,
    cls: Detection,
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
        let f = filters(config.feature_scale);
        let down = |input, output| DoubleConv::new(input, output, config.is_batchnorm, device);
        Self {
            conv1: down(config.in_channels, f[0]),
            conv2: down(f[0], f[1]),
            conv3: down(f[1], f[2]),
            conv4: down(f[2], f[3]),
            center: down(f[3], f[4]),
            cls: detection(f[4], config.n_classes - 1, config.dropout, device),
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

        let found = detect(&self.cls, center.clone());
        let x = self.up_concat4.forward(center, vec![c4]);
        let x = self.up_concat3.forward(x, vec![c3]);
        let x = self.up_concat2.forward(x, vec![c2]);
        let x = self.up_concat1.forward(x, vec![c1]);
        Outputs { detection: Some(found), ..Outputs::of(self.final_1.forward(x)) }
    }

    fn bytes_per_pixel(config: &UnetConfig) -> usize {
        // At full resolution: 2f channels concatenated, two maps of f, each once more as the convolution lays it out.
        4 * 12 * (64 / config.feature_scale).max(config.n_classes)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        layers::initial(site)
    }
}
