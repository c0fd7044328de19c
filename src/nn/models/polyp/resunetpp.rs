//! ResUNet++ as the polyp system has it.
//! D. Jha et al.: "ResUNet++: An Advanced Architecture for Medical Image Segmentation", ISM 2019.

use super::{
    layers::{Activation, configuration, double, pointwise, unit},
    resunet::raise_to,
};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Align, Conv, Layer, Linear, Sequential, bilinear, conv, global_avg, nearest, op},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::sigmoid},
};
use serde_json::json;

configuration!(ResunetppConfig, 32);

pub static SPEC: ModelSpec = ModelSpec {
    id: "polyp/resunetpp",
    title: "ResUNet++",
    paper: "Jha et al., ResUNet++, ISM 2019",
    family: "polyp",
    // Any size; the lowest level is a sixteenth of it.
    input: InputRule::multiple_of(1).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    // Squeezed to so few channels, a ReLU would be shut for every picture of a batch.
    probe_config: || json!({ "base_channel": 8, "act_type": "leakyrelu" }),
    make: Make::slices::<Resunetpp>(),
};

/// Channels inside the attention gates.
const HIDDEN: usize = 128;

/// Squeeze and excitation (Hu et al., 2018): channels are weighed by what their means say.
#[derive(Module, Debug)]
pub struct SqueezeExcite {
    se_block: (Linear, Layer, Linear),
}

impl SqueezeExcite {
    pub fn new(channels: usize, reduction: usize, act: Activation, device: &Device) -> Self {
        // The reference has no channel left here below base_channel 16.
        let hidden = (channels / reduction).max(1);
        let linear = |input, output| Linear::new([input, output], true, device);
        Self { se_block: (linear(channels, hidden), act.layer(), linear(hidden, channels)) }
    }

    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, c, _, _] = x.dims();
        let (squeeze, act, excite) = &self.se_block;
        let mean = global_avg(x.clone()).reshape([1, 1, n, c]);
        let weight = sigmoid(excite.forward(act.forward(squeeze.forward(mean))));
        x * weight.reshape([n, c, 1, 1])
    }
}

/// Atrous spatial pyramid pooling: the mean of the map and dilated convolutions, a fifth of the channels each.
#[derive(Module, Debug)]
pub struct Aspp {
    pool: Sequential,
    dilated_convs: Vec<Sequential>,
    conv: Sequential,
}

impl Aspp {
    pub fn new(input: usize, output: usize, dilations: &[usize], act: Activation, device: &Device) -> Self {
        let branches = dilations.len() + 1;
        let hidden = (output / branches).max(1);
        let dilated = |&d: &usize| unit(conv(input, hidden, 3).dilation(d).same(), act, device);
        Self {
            pool: Sequential::new([op(global_avg), unit(conv(input, hidden, 1), act, device).into()]),
            dilated_convs: dilations.iter().map(dilated).collect(),
            // Always with ReLU in the reference.
            conv: unit(conv(branches * hidden, output, 3).same(), Activation::Relu, device),
        }
    }

    /// `[batch, input, height, width]` to `[batch, output, height, width]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, _, h, w] = x.dims();
        let pooled = self.pool.forward(x.clone());
        let hidden = pooled.dims()[1];
        let mut all = vec![pooled.expand([n, hidden, h, w])];
        all.extend(self.dilated_convs.iter().map(|conv| conv.forward(x.clone())));
        drop(x);
        self.conv.forward(Tensor::cat(all, 1))
    }
}

/// An attention gate: pixels are weighed by what the map and a finer one, the gate, say together.
#[derive(Module, Debug)]
pub struct Attention {
    conv_x: Sequential,
    conv_g: Sequential,
    conv: Sequential,
}

impl Attention {
    pub fn new(input: usize, gate: usize, hidden: usize, act: Activation, device: &Device) -> Self {
        let unit = |input, output, act| unit(conv(input, output, 3).same(), act, device);
        Self {
            conv_x: unit(input, hidden, act),
            conv_g: unit(gate, hidden, act),
            conv: unit(hidden, 1, Activation::Sigmoid),
        }
    }

    /// `[batch, input, height, width]` to the same shape, with a gate of any size.
    pub fn forward(&self, x: Tensor<4>, gate: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let gate = nearest(self.conv_g.forward(gate), [h, w]);
        let weight = self.conv.forward(gate + self.conv_x.forward(x.clone()));
        x * weight
    }
}

/// To half the size.
#[derive(Module, Debug)]
struct Encoding {
    conv: Sequential,
    conv_skip: Sequential,
    se: Option<SqueezeExcite>,
}

impl Encoding {
    fn new(input: usize, output: usize, with_se: bool, act: Activation, device: &Device) -> Self {
        Self {
            conv: double(input, output, 2, act, device),
            conv_skip: unit(conv(input, output, 1).stride(2), act, device),
            se: with_se.then(|| SqueezeExcite::new(output, 16, act, device)),
        }
    }

    /// What goes down, and the skip.
    fn forward(&self, x: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let sum = self.conv.forward(x.clone()) + self.conv_skip.forward(x);
        match &self.se {
            Some(se) => (se.forward(sum.clone()), sum),
            None => (sum.clone(), sum),
        }
    }
}

/// To the skip's size.
#[derive(Module, Debug)]
struct Decoding {
    att: Attention,
    conv: Sequential,
    conv_skip: Sequential,
}

impl Decoding {
    fn new(input: usize, gate: usize, act: Activation, device: &Device) -> Self {
        Self {
            att: Attention::new(input, gate, HIDDEN, act, device),
            conv: double(input + gate, gate, 1, act, device),
            conv_skip: unit(conv(input + gate, gate, 1), act, device),
        }
    }

    fn forward(&self, x: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        let x = raise_to(self.att.forward(x, skip.clone()), skip);
        self.conv.forward(x.clone()) + self.conv_skip.forward(x)
    }
}

#[derive(Module, Debug)]
struct Resunetpp {
    encoding_block1: Encoding,
    encoding_block2: Encoding,
    encoding_block3: Encoding,
    encoding_block4: Encoding,
    aspp: Aspp,
    decoding_block3: Decoding,
    decoding_block2: Decoding,
    decoding_block1: Decoding,
    seg_head: (Aspp, Conv),
}

impl SegmentationModule for Resunetpp {
    type Config = ResunetppConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &ResunetppConfig, device: &Device) -> Self {
        let &ResunetppConfig { in_channels, n_classes, base_channel: b, act_type: act } = config;
        let down = |input, output, with_se| Encoding::new(input, output, with_se, act, device);
        let up = |input, gate| Decoding::new(input, gate, act, device);
        let aspp = |channels| Aspp::new(channels, channels, &[1, 6, 12, 18], act, device);
        Self {
            encoding_block1: down(in_channels, b, true),
            encoding_block2: down(b, 2 * b, true),
            encoding_block3: down(2 * b, 4 * b, true),
            encoding_block4: down(4 * b, 8 * b, false),
            aspp: aspp(8 * b),
            decoding_block3: up(8 * b, 4 * b),
            decoding_block2: up(4 * b, 2 * b),
            decoding_block1: up(2 * b, b),
            seg_head: (aspp(b), pointwise(b, n_classes, device)),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let (x, skip1) = self.encoding_block1.forward(input); // [N, b, ⌈H/2⌉, ⌈W/2⌉]
        let (x, skip2) = self.encoding_block2.forward(x); // [N, 2b, ⌈H/4⌉, ⌈W/4⌉]
        let (x, skip3) = self.encoding_block3.forward(x); // [N, 4b, ⌈H/8⌉, ⌈W/8⌉]
        let (x, _) = self.encoding_block4.forward(x); // [N, 8b, ⌈H/16⌉, ⌈W/16⌉]
        let x = self.aspp.forward(x);
        let x = self.decoding_block3.forward(x, skip3);
        let x = self.decoding_block2.forward(x, skip2);
        let x = self.decoding_block1.forward(x, skip1);
        let (aspp, head) = &self.seg_head;
        Outputs::of(bilinear(head.forward(aspp.forward(x)), [h, w], Align::Corners))
    }

    fn bytes_per_pixel(config: &ResunetppConfig) -> usize {
        // At half the resolution: the gate's hidden maps of two sources, 3b channels concatenated and two maps of b, each
        // once more as the convolution lays it out; then the logits at full resolution.
        4 * ((2 * HIDDEN + 10 * config.base_channel) / 4 + 2 * config.n_classes)
    }
}
