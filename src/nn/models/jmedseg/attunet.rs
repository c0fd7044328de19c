//! Attention U-Net. O. Oktay et al.: "Attention U-Net: Learning Where to Look for the Pancreas", MIDL 2018.

#![expect(non_snake_case, reason = "fields have the reference's names")]

use super::unet_parts::{AttentionGate, ConvBlock, UpConvUnit, batch, filters};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, halve, same_conv},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/attunet",
    title: "Attention U-Net",
    paper: "Oktay et al., Attention U-Net, MIDL 2018",
    family: "jmedseg",
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<AttUnet>(),
};

#[derive(Module, Debug)]
struct AttUnet {
    Conv1: ConvBlock,
    Conv2: ConvBlock,
    Conv3: ConvBlock,
    Conv4: ConvBlock,
    Conv5: ConvBlock,
    Up5: UpConvUnit,
    Att5: AttentionGate,
    Up_conv5: ConvBlock,
    Up4: UpConvUnit,
    Att4: AttentionGate,
    Up_conv4: ConvBlock,
    Up3: UpConvUnit,
    Att3: AttentionGate,
    Up_conv3: ConvBlock,
    Up2: UpConvUnit,
    Att2: AttentionGate,
    Up_conv2: ConvBlock,
    Conv_1x1: Conv,
}

impl SegmentationModule for AttUnet {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let [f0, f1, f2, f3, f4] = filters(config);
        let conv = |input, output| ConvBlock::new([input, output], device);
        let up = |input, output| UpConvUnit::new([input, output], batch, device);
        let gate = |channels| AttentionGate::new(channels, batch, device);
        Self {
            Conv1: conv(config.in_channels, f0),
            Conv2: conv(f0, f1),
            Conv3: conv(f1, f2),
            Conv4: conv(f2, f3),
            Conv5: conv(f3, f4),
            Up5: up(f4, f3),
            Att5: gate(f3),
            Up_conv5: conv(2 * f3, f3),
            Up4: up(f3, f2),
            Att4: gate(f2),
            Up_conv4: conv(2 * f2, f2),
            Up3: up(f2, f1),
            Att3: gate(f1),
            Up_conv3: conv(2 * f1, f1),
            Up2: up(f1, f0),
            Att2: gate(f0),
            Up_conv2: conv(2 * f0, f0),
            Conv_1x1: same_conv([f0, config.n_classes], 1, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x1 = self.Conv1.forward(input); // [N, f0, H, W]
        let x2 = self.Conv2.forward(halve(x1.clone())); // [N, f1, H/2, W/2]
        let x3 = self.Conv3.forward(halve(x2.clone())); // [N, f2, H/4, W/4]
        let x4 = self.Conv4.forward(halve(x3.clone())); // [N, f3, H/8, W/8]
        let x5 = self.Conv5.forward(halve(x4.clone())); // [N, f4, H/16, W/16]
        let d = decode(&self.Up5, &self.Att5, &self.Up_conv5, x5, x4);
        let d = decode(&self.Up4, &self.Att4, &self.Up_conv4, d, x3);
        let d = decode(&self.Up3, &self.Att3, &self.Up_conv3, d, x2);
        let d = decode(&self.Up2, &self.Att2, &self.Up_conv2, d, x1);
        Outputs::of(self.Conv_1x1.forward(d))
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        // At full resolution: 2f channels concatenated, two maps of f, each once more as the convolution lays it out.
        4 * 12 * config.width(64).max(config.n_classes)
    }
}

/// A level of the decoder: `low` is half the size of `skip`.
fn decode(
    up: &UpConvUnit,
    gate: &AttentionGate,
    conv: &ConvBlock,
    low: Tensor<4>,
    skip: Tensor<4>,
) -> Tensor<4> {
    let up = up.forward(low);
    let skip = gate.forward(up.clone(), skip);
    conv.forward(Tensor::cat(vec![skip, up], 1))
}
