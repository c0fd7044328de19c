//! A. Kirillov et al.: "Panoptic Feature Pyramid Networks", CVPR 2019: the semantic branch over a feature pyramid.

use super::network::{Decoder, Smp, SmpConfig, probe};
use crate::nn::{
    InputRule, Make, ModelSpec, Published,
    blocks::{Align, Conv, Dropout, GroupNorm, Sequential, bilinear, conv, nearest_up, op},
    encoders::Encoder,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "smp/fpn",
    title: "FPN over a ResNet",
    paper: "Kirillov et al., Panoptic feature pyramid networks, CVPR 2019; He et al., ResNet, CVPR 2016",
    family: "smp",
    input: InputRule::multiple_of(32).least(64),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: probe,
    make: Make::slices::<Smp<Fpn>>(),
};

#[derive(Module, Debug)]
pub struct Fpn {
    p5: Conv,
    p4: Lateral,
    p3: Lateral,
    p2: Lateral,
    /// For p5, p4, p3 and p2.
    seg_blocks: [Branch; 4],
    dropout: Dropout,
}

#[derive(Module, Debug)]
struct Lateral {
    skip_conv: Conv,
}

impl Lateral {
    /// The coarser level, enlarged to the size of the encoder's map, plus that.
    fn forward(&self, coarse: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        nearest_up(coarse, 2) + self.skip_conv.forward(skip)
    }
}

/// Convolutions from a level to the finest level's size.
#[derive(Module, Debug)]
struct Branch {
    block: Vec<Step>,
    doubles: bool,
}

#[derive(Module, Debug)]
struct Step {
    block: Sequential,
}

impl Branch {
    fn new([input, output, groups]: [usize; 3], doublings: usize, device: &Device) -> Self {
        let step = |n| {
            let conv = conv(if n == 0 { input } else { output }, output, 3).same().no_bias();
            let norm = GroupNorm::new(groups, output, device);
            Step { block: Sequential::new([conv.init(device).into(), norm.into(), op(relu)]) }
        };
        Self { block: (0..doublings.max(1)).map(step).collect(), doubles: doublings > 0 }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.block.iter().fold(input, |x, step| {
            let x = step.block.forward(x);
            let [_, _, h, w] = x.dims();
            if self.doubles { bilinear(x, [2 * h, 2 * w], Align::Corners) } else { x }
        })
    }
}

impl Decoder for Fpn {
    const HEAD: usize = 1;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SmpConfig, [_, c2, c3, c4, c5]: [usize; 5], device: &Device) -> Self {
        let pyramid = config.width(256);
        let lateral = |input| conv(input, pyramid, 1).init(device);
        let sizes = [pyramid, config.width(128), config.width(32)];
        Self {
            p5: lateral(c5),
            p4: Lateral { skip_conv: lateral(c4) },
            p3: Lateral { skip_conv: lateral(c3) },
            p2: Lateral { skip_conv: lateral(c2) },
            seg_blocks: [3, 2, 1, 0].map(|n| Branch::new(sizes, n, device)),
            dropout: Dropout::of_channels(config.dropout.unwrap_or(0.2)),
        }
    }

    fn channels(config: &SmpConfig) -> usize {
        config.width(128)
    }

    /// `[N, in, H, W]` to `[N, 128, H/4, W/4]`.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4> {
        let [_, f2, f3, f4, f5] = encoder.features(input);
        let p5 = self.p5.forward(f5);
        let p4 = self.p4.forward(p5.clone(), f4);
        let p3 = self.p3.forward(p4.clone(), f3);
        let p2 = self.p2.forward(p3.clone(), f2);
        let [b5, b4, b3, b2] = &self.seg_blocks;
        self.dropout.forward(b5.forward(p5) + b4.forward(p4) + b3.forward(p3) + b2.forward(p2))
    }

    fn numbers_per_pixel(config: &SmpConfig) -> usize {
        // At a quarter of the size: 256 channels of the pyramid, once more as the convolution lays them out, and three
        // maps of 128.
        config.width((2 * 256 + 3 * 128) / 16)
    }
}
