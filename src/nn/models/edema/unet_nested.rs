//! The U-Net++ of the retinal edema system (AI Challenger 2018), with its slice-level detection head, and the same with
//! dilated convolutions at its lowest level.
//! Z. Zhou et al.: "UNet++: A Nested U-Net Architecture for Medical Image Segmentation", DLMIA 2018.

use super::layers::{self, Detection, DilatedConv, DoubleConv, UpBlock, detect, detection, filters};
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
pub struct NestedConfig {
    pub(super) in_channels: usize,
    /// Background included. The detection head finds the classes but background in the slice.
    pub(super) n_classes: usize,
    /// Divides the filters 64, 128, 256, 512, 1024.
    pub(super) feature_scale: usize,
    pub(super) is_batchnorm: bool,
    /// Deep supervision: the logits are the mean of four heads. Without it the last head's alone count.
    pub(super) is_ds: bool,
    /// The share of the detection head's input that training drops; the reference writes it down.
    pub(super) dropout: f64,
}

impl Default for NestedConfig {
    fn default() -> Self {
        Self { in_channels: 3, n_classes: 4, feature_scale: 4, is_batchnorm: true, is_ds: true, dropout: 0.5 }
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "edema/unet_nested",
    title: "U-Net++ with detection",
    paper: "Zhou et al., UNet++, DLMIA 2018; retinal edema system, AI Challenger 2018",
    family: "edema",
    input: InputRule::multiple_of(16),
    published: Published::LogProbabilities,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<UnetNested<false>>(),
};

pub static DILATED: ModelSpec = ModelSpec {
    id: "edema/unet_nested_dilated",
    title: "Dilated U-Net++ with detection",
    paper: SPEC.paper,
    family: "edema",
    input: InputRule::multiple_of(16),
    published: Published::LogProbabilities,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<UnetNested<true>>(),
};

impl Config for NestedConfig {
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

/// Nodes X_ij at depth i (sizes halve) and column j, as in the paper's figure 1.
#[derive(Module, Debug)]
pub(super) struct UnetNested<const DILATED: bool> {
    conv00: DoubleConv,
    conv10: DoubleConv,
    conv20: DoubleConv,
    conv30: DoubleConv,
    conv40: DoubleConv,
    dilated: Option<DilatedConv>,
    cls: Detection,
    up_concat01: UpBlock,
    up_concat11: UpBlock,
    up_concat21: UpBlock,
    up_concat31: UpBlock,
    up_concat02: UpBlock,
    up_concat12: UpBlock,
    up_concat22: UpBlock,
    up_concat03: UpBlock,
    up_concat13: UpBlock,
    up_concat04: UpBlock,
    final_1: Conv,
    final_2: Conv,
    final_3: Conv,
    final_4: Conv,
    is_ds: bool,
}

impl<const DILATED: bool> SegmentationModule for UnetNested<DILATED> {
    type Config = NestedConfig;

    fn spec() -> &'static ModelSpec {
        if DILATED { &self::DILATED } else { &SPEC }
    }

    fn new(config: &NestedConfig, device: &Device) -> Self {
        let f = filters(config.feature_scale);
        let down = |input, output| DoubleConv::new(input, output, config.is_batchnorm, device);
        let up = |depth: usize, column| UpBlock::new(f[depth + 1], f[depth], column, device);
        let head = || same_conv([f[0], config.n_classes], 1, device);
        Self {
            conv00: down(config.in_channels, f[0]),
            conv10: down(f[0], f[1]),
            conv20: down(f[1], f[2]),
            conv30: down(f[2], f[3]),
            conv40: down(f[3], f[4]),
            dilated: DILATED.then(|| DilatedConv::new(f[4], config.is_batchnorm, device)),
            cls: detection(f[4], config.n_classes - 1, config.dropout, device),
            up_concat01: up(0, 1),
            up_concat11: up(1, 1),
            up_concat21: up(2, 1),
            up_concat31: up(3, 1),
            up_concat02: up(0, 2),
            up_concat12: up(1, 2),
            up_concat22: up(2, 2),
            up_concat03: up(0, 3),
            up_concat13: up(1, 3),
            up_concat04: up(0, 4),
            final_1: head(),
            final_2: head(),
            final_3: head(),
            final_4: head(),
            is_ds: config.is_ds,
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]` and detection logits `[N, classes - 1]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x00 = self.conv00.forward(input); // [N, f0, H, W]
        let x10 = self.conv10.forward(halve(x00.clone())); // [N, f1, H/2, W/2]
        let x20 = self.conv20.forward(halve(x10.clone())); // [N, f2, H/4, W/4]
        let x30 = self.conv30.forward(halve(x20.clone())); // [N, f3, H/8, W/8]
        let mut x40 = self.conv40.forward(halve(x30.clone())); // [N, f4, H/16, W/16]
        if let Some(dilated) = &self.dilated {
            x40 = dilated.forward(x40);
        }
        let found = detect(&self.cls, x40.clone());

        let x01 = self.up_concat01.forward(x10.clone(), vec![x00.clone()]);
        let x11 = self.up_concat11.forward(x20.clone(), vec![x10.clone()]);
        let x21 = self.up_concat21.forward(x30.clone(), vec![x20.clone()]);
        let x31 = self.up_concat31.forward(x40, vec![x30]);

        let x02 = self.up_concat02.forward(x11.clone(), vec![x00.clone(), x01.clone()]);
        let x12 = self.up_concat12.forward(x21.clone(), vec![x10.clone(), x11.clone()]);
        let x22 = self.up_concat22.forward(x31, vec![x20, x21]);

        let x03 = self.up_concat03.forward(x12.clone(), vec![x00.clone(), x01.clone(), x02.clone()]);
        let x13 = self.up_concat13.forward(x22, vec![x10, x11, x12]);

        let x04 = self.up_concat04.forward(x13, vec![x00, x01.clone(), x02.clone(), x03.clone()]);
        let last = self.final_4.forward(x04);
        let logits = if self.is_ds {
            let others = self.final_1.forward(x01) + self.final_2.forward(x02) + self.final_3.forward(x03);
            (others + last) / 4.0
        } else {
            last
        };
        Outputs { detection: Some(found), ..Outputs::of(logits) }
    }

    fn bytes_per_pixel(config: &NestedConfig) -> usize {
        // At full resolution: four nodes of f, the last one's five concatenated, once more as the convolution lays them
        // out, and what it gives; the nodes of half the size come to 2f.
        4 * 18 * (64 / config.feature_scale).max(config.n_classes)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        layers::initial(site)
    }
}
