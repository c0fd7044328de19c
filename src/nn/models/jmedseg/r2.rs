//! R2U-Net, and with attention gates R2-Attention U-Net. M. Z. Alom et al.: "Recurrent Residual Convolutional Neural
//! Network based on U-Net (R2U-Net) for Medical Image Segmentation", 2018; O. Oktay et al., 2018.

#![expect(non_snake_case, reason = "fields have the reference's names")]

use super::{
    r2att,
    unet_parts::{AttentionGate, UpConvUnit, filters, instance},
};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Sequential, halve, op, same_conv},
    models::plain_config,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

plain_config! {
    /// The reference's constructor arguments.
    R2Config {
        /// How often a recurrent unit takes its own output as input.
        t: usize = 3,
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/r2",
    title: "R2U-Net",
    paper: "Alom et al., Recurrent Residual U-Net, 2018",
    family: "jmedseg",
    // Instance norm makes nothing of the deepest map where that is one pixel.
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16, "t": 2 }),
    make: Make::slices::<R2<false>>(),
};

/// One convolution that runs again over its input plus its own output.
#[derive(Module, Debug)]
struct Recurrent {
    conv: Sequential,
    t: usize,
}

impl Recurrent {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        (0..self.t).fold(self.conv.forward(x.clone()), |y, _| self.conv.forward(x.clone() + y))
    }
}

/// Two recurrent units with a residual connection around them.
#[derive(Module, Debug)]
struct Rrcnn {
    RCNN: (Recurrent, Recurrent),
    Conv_1x1: Conv,
}

impl Rrcnn {
    fn new([input, output]: [usize; 2], t: usize, device: &Device) -> Self {
        let unit = || Recurrent {
            conv: Sequential::new([
                same_conv([output, output], 3, device).into(),
                instance(output, device),
                op(relu),
            ]),
            t,
        };
        Self { RCNN: (unit(), unit()), Conv_1x1: same_conv([input, output], 1, device) }
    }

    /// `[N, input, H, W]` to `[N, output, H, W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.Conv_1x1.forward(x);
        let (first, second) = &self.RCNN;
        x.clone() + second.forward(first.forward(x))
    }
}

#[derive(Module, Debug)]
pub(super) struct R2<const ATTENTION: bool> {
    RRCNN1: Rrcnn,
    RRCNN2: Rrcnn,
    RRCNN3: Rrcnn,
    RRCNN4: Rrcnn,
    RRCNN5: Rrcnn,
    Up5: UpConvUnit,
    Att5: Option<AttentionGate>,
    Up_RRCNN5: Rrcnn,
    Up4: UpConvUnit,
    Att4: Option<AttentionGate>,
    Up_RRCNN4: Rrcnn,
    Up3: UpConvUnit,
    Att3: Option<AttentionGate>,
    Up_RRCNN3: Rrcnn,
    Up2: UpConvUnit,
    Att2: Option<AttentionGate>,
    Up_RRCNN2: Rrcnn,
    Conv_1x1: Conv,
}

impl<const ATTENTION: bool> SegmentationModule for R2<ATTENTION> {
    type Config = R2Config;

    fn spec() -> &'static ModelSpec {
        if ATTENTION { &r2att::SPEC } else { &SPEC }
    }

    fn new(config: &R2Config, device: &Device) -> Self {
        let [f0, f1, f2, f3, f4] = filters(&config.plain());
        let conv = |input, output| Rrcnn::new([input, output], config.t, device);
        let up = |input, output| UpConvUnit::new([input, output], instance, device);
        let gate = |channels| ATTENTION.then(|| AttentionGate::new(channels, instance, device));
        Self {
            RRCNN1: conv(config.in_channels, f0),
            RRCNN2: conv(f0, f1),
            RRCNN3: conv(f1, f2),
            RRCNN4: conv(f2, f3),
            RRCNN5: conv(f3, f4),
            Up5: up(f4, f3),
            Att5: gate(f3),
            Up_RRCNN5: conv(2 * f3, f3),
            Up4: up(f3, f2),
            Att4: gate(f2),
            Up_RRCNN4: conv(2 * f2, f2),
            Up3: up(f2, f1),
            Att3: gate(f1),
            Up_RRCNN3: conv(2 * f1, f1),
            Up2: up(f1, f0),
            Att2: gate(f0),
            Up_RRCNN2: conv(2 * f0, f0),
            Conv_1x1: same_conv([f0, config.n_classes], 1, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x1 = self.RRCNN1.forward(input); // [N, f0, H, W]
        let x2 = self.RRCNN2.forward(halve(x1.clone())); // [N, f1, H/2, W/2]
        let x3 = self.RRCNN3.forward(halve(x2.clone())); // [N, f2, H/4, W/4]
        let x4 = self.RRCNN4.forward(halve(x3.clone())); // [N, f3, H/8, W/8]
        let x5 = self.RRCNN5.forward(halve(x4.clone())); // [N, f4, H/16, W/16]
        let d = decode(&self.Up5, &self.Att5, &self.Up_RRCNN5, x5, x4);
        let d = decode(&self.Up4, &self.Att4, &self.Up_RRCNN4, d, x3);
        let d = decode(&self.Up3, &self.Att3, &self.Up_RRCNN3, d, x2);
        let d = decode(&self.Up2, &self.Att2, &self.Up_RRCNN2, d, x1);
        Outputs::of(self.Conv_1x1.forward(d))
    }

    fn bytes_per_pixel(config: &R2Config) -> usize {
        // At full resolution: the block's input and residual, a unit's input, sum and output, the convolution's copy, and
        // what the norm centres and squares.
        4 * 14 * config.plain().width(64).max(config.n_classes)
    }
}

/// A level of the decoder: `low` is half the size of `skip`.
fn decode(
    up: &UpConvUnit,
    gate: &Option<AttentionGate>,
    conv: &Rrcnn,
    low: Tensor<4>,
    skip: Tensor<4>,
) -> Tensor<4> {
    let up = up.forward(low);
    let skip = match gate {
        Some(gate) => gate.forward(up.clone(), skip),
        None => skip,
    };
    conv.forward(Tensor::cat(vec![skip, up], 1))
}
