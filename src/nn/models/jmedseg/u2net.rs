//! U²-Net. X. Qin et al.: "U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection", Pattern Recognition
//! 2020.

use super::u2netp;
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Align, BatchNorm, Conv, Named, batch_norm, bilinear, conv, halve_ceil, same_conv},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/u2net",
    title: "U²-Net",
    paper: "Qin et al., U²-Net, Pattern Recognition 2020",
    family: "jmedseg",
    // Any size runs; batch statistics need more than a pixel at 1/32.
    input: InputRule::multiple_of(16).least(64),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<U2Net<false>>(),
};

fn size(x: &Tensor<4>) -> [usize; 2] {
    let [_, _, height, width] = x.dims();
    [height, width]
}

/// Convolution 3×3, batch norm, ReLU.
#[derive(Module, Debug)]
struct Unit {
    conv_s1: Conv,
    bn_s1: BatchNorm,
}

impl Unit {
    fn new([input, output]: [usize; 2], dilation: usize, device: &Device) -> Self {
        Self {
            conv_s1: conv(input, output, 3).dilation(dilation).same().init(device),
            bn_s1: batch_norm(output, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.bn_s1.forward(self.conv_s1.forward(x)))
    }
}

/// Residual U-block (the paper's figure 2, e): a U-Net of its own around which its input goes.
#[derive(Module, Debug)]
struct Rsu {
    /// `rebnconvin`, `rebnconv1` to the lowest level, and `rebnconv…d` back up to 1.
    units: Named<Unit>,
    levels: usize,
    /// Without pools; dilation takes their place (the paper's RSU-4F).
    dilated: bool,
}

impl Rsu {
    fn new(kind: Kind, [input, middle, output]: [usize; 3], device: &Device) -> Self {
        let Kind { levels, dilated } = kind;
        let unit = |name: String, channels, dilation| {
            (format!("rebnconv{name}"), Unit::new(channels, dilation, device))
        };
        let mut units = vec![unit("in".to_owned(), [input, output], 1)];
        for level in 1..=levels {
            let input = if level == 1 { output } else { middle };
            let dilation = match dilated {
                true => 1 << (level - 1),
                // The lowest level is not pooled.
                false => 1 + usize::from(level == levels),
            };
            units.push(unit(level.to_string(), [input, middle], dilation));
        }
        for level in (1..levels).rev() {
            let output = if level == 1 { output } else { middle };
            let dilation = if dilated { 1 << (level - 1) } else { 1 };
            units.push(unit(format!("{level}d"), [2 * middle, output], dilation));
        }
        Self { units: Named::new(units), levels, dilated }
    }

    /// `[N, input, H, W]` to `[N, output, H, W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (down, up) = self.units[1..].split_at(self.levels);
        let input = self.units[0].forward(x);
        let mut x = down[0].forward(input.clone());
        let mut skips = vec![];
        for (level, unit) in down.iter().enumerate().skip(1) {
            skips.push(x.clone());
            let pooled = !self.dilated && level + 1 < self.levels;
            x = unit.forward(if pooled { halve_ceil(x) } else { x });
        }
        for unit in up {
            if let Some(skip) = skips.pop() {
                let resized = bilinear(x, size(&skip), Align::Centres);
                x = unit.forward(Tensor::cat(vec![resized, skip], 1));
            }
        }
        x + input
    }
}

#[derive(Clone, Copy)]
struct Kind {
    levels: usize,
    dilated: bool,
}

const fn pooled(levels: usize) -> Kind {
    Kind { levels, dilated: false }
}

/// RSU-4F.
const DILATED: Kind = Kind { levels: 4, dilated: true };

/// Name, kind and channels (of the reference's network of three input channels) of the stages in order.
const STAGES: [(&str, Kind, [usize; 3]); 11] = [
    ("stage1", pooled(7), [3, 32, 64]),
    ("stage2", pooled(6), [64, 32, 128]),
    ("stage3", pooled(5), [128, 64, 256]),
    ("stage4", pooled(4), [256, 128, 512]),
    ("stage5", DILATED, [512, 256, 512]),
    ("stage6", DILATED, [512, 256, 512]),
    ("stage5d", DILATED, [1024, 256, 512]),
    ("stage4d", pooled(4), [1024, 128, 256]),
    ("stage3d", pooled(5), [512, 64, 128]),
    ("stage2d", pooled(6), [256, 32, 64]),
    ("stage1d", pooled(7), [128, 16, 64]),
];

/// Stages of the encoder, the lowest one included.
const ENCODER: usize = 6;

#[derive(Module, Debug)]
pub(super) struct U2Net<const SMALL: bool> {
    stages: Named<Rsu>,
    /// `side1` on the last stage of the decoder to `side6` on the lowest of the encoder.
    sides: Named<Conv>,
    outconv: Conv,
}

impl<const SMALL: bool> SegmentationModule for U2Net<SMALL> {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        if SMALL { &u2netp::SPEC } else { &SPEC }
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let classes = config.n_classes;
        let stage = |(at, (name, kind, published)): (usize, (&'static str, Kind, [usize; 3]))| {
            let [input, middle, output] = match (SMALL, at < ENCODER) {
                (false, _) => published,
                (true, true) => [64, 16, 64],
                (true, false) => [128, 16, 64],
            };
            let input = if at == 0 { config.in_channels } else { config.width(input) };
            (name, Rsu::new(kind, [input, config.width(middle), config.width(output)], device))
        };
        let side = |n: usize| {
            let [_, _, channels] = STAGES[STAGES.len() - n].2;
            let channels = config.width(if SMALL { 64 } else { channels });
            (format!("side{n}"), same_conv([channels, classes], 3, device))
        };
        Self {
            stages: Named::new(STAGES.into_iter().enumerate().map(stage)),
            sides: Named::new((1..=ENCODER).map(side)),
            outconv: same_conv([ENCODER * classes, classes], 1, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`, fused from six sizes.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let full = size(&input);
        let (encoder, decoder) = self.stages.split_at(ENCODER);
        let mut x = encoder[0].forward(input);
        let mut skips = vec![];
        for stage in &encoder[1..] {
            skips.push(x.clone());
            x = stage.forward(halve_ceil(x));
        }
        // From the lowest stage up: side 6, 5, …
        let mut sides = self.sides.iter().rev();
        let mut seen = vec![];
        let mut look = |x: &Tensor<4>| {
            let side = sides.next().map(|side| side.forward(x.clone()));
            seen.extend(side.map(|logits| bilinear(logits, full, Align::Centres)));
        };
        look(&x);
        for stage in decoder {
            if let Some(skip) = skips.pop() {
                let up = bilinear(x, size(&skip), Align::Centres);
                x = stage.forward(Tensor::cat(vec![up, skip], 1));
                look(&x);
            }
        }
        seen.reverse();
        Outputs::of(self.outconv.forward(Tensor::cat(seen, 1)))
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        // At full resolution in the last stage: its input of 2f channels and the convolution's copy, its output and the
        // maps of its own first level; the sides.
        4 * (10 * config.width(64) + 8 * config.n_classes)
    }
}
