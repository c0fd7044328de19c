//! SCSE U-Net. A. G. Roy et al.: "Concurrent Spatial and Channel Squeeze & Excitation in Fully Convolutional Networks",
//! MICCAI 2018.

use super::unet_parts::{DoubleConv, OutConv};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Linear, bilinear_up, global_avg, halve, same_conv},
    models::plain_config,
};
use burn::{
    module::Module,
    tensor::{
        Device, Tensor,
        activation::{relu, sigmoid},
    },
};
use serde_json::json;

plain_config! {
    /// The reference's constructor arguments.
    ScseConfig {
        /// Gates by one softmax over the whole tensor, the pictures of a batch included, as the reference's code has it;
        /// they are close to zero, and what a picture gives depends on those beside it. The paper's are sigmoids.
        global_softmax: bool = false,
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/scseunet",
    title: "SCSE U-Net",
    paper: "Roy et al., Concurrent Spatial and Channel Squeeze & Excitation, MICCAI 2018",
    family: "jmedseg",
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({ "global_softmax": true }),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<ScseUnet>(),
};

/// Softmax over every element of a tensor.
fn global_softmax(x: Tensor<4>) -> Tensor<4> {
    let max = x.clone().max_dim(3).max_dim(2).max_dim(1).max_dim(0);
    let e = (x - max).exp();
    e.clone() / e.sum_dim(3).sum_dim(2).sum_dim(1).sum_dim(0)
}

/// Weighs the channels by what their means say. (The reference has the names of the two gates the other way round.)
#[derive(Module, Debug)]
struct ChannelWeights {
    linear_1: Linear,
    linear_2: Linear,
}

/// Weighs the pixels.
#[derive(Module, Debug)]
struct PixelWeights {
    conv: Conv,
}

#[derive(Module, Debug)]
struct Scse {
    spatial_gate: ChannelWeights,
    channel_gate: PixelWeights,
    #[module(skip)]
    gate: fn(Tensor<4>) -> Tensor<4>,
}

impl Scse {
    fn new(channels: usize, config: &ScseConfig, device: &Device) -> Self {
        let inner = (channels / 16).max(1);
        Self {
            spatial_gate: ChannelWeights {
                linear_1: Linear::new([channels, inner], true, device),
                linear_2: Linear::new([inner, channels], true, device),
            },
            channel_gate: PixelWeights { conv: same_conv([channels, 1], 1, device) },
            gate: if config.global_softmax { global_softmax } else { sigmoid },
        }
    }

    /// `[N, channels, H, W]` to the same shape.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [n, c, _, _] = x.dims();
        let ChannelWeights { linear_1, linear_2 } = &self.spatial_gate;
        let squeezed = relu(linear_1.forward(global_avg(x.clone()).reshape([n, c])));
        let channels = (self.gate)(linear_2.forward(squeezed).reshape([n, c, 1, 1]));
        let pixels = (self.gate)(self.channel_gate.conv.forward(x.clone()));
        x.clone() * channels + x * pixels
    }
}

#[derive(Module, Debug)]
struct Up {
    conv: DoubleConv,
    spa_cha_gate: Scse,
}

impl Up {
    /// `low` is half the size of `skip`.
    fn forward(&self, low: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        self.spa_cha_gate.forward(self.conv.forward(Tensor::cat(vec![skip, bilinear_up(low, 2)], 1)))
    }
}

#[derive(Module, Debug)]
struct ScseUnet {
    conv_encode1: (DoubleConv, Scse),
    conv_encode2: (DoubleConv, Scse),
    conv_encode3: (DoubleConv, Scse),
    conv_encode4: (DoubleConv, Scse),
    bottleneck: (DoubleConv, Scse),
    conv_decode4: Up,
    conv_decode3: Up,
    conv_decode2: Up,
    conv_decode1: Up,
    outc: OutConv,
}

impl SegmentationModule for ScseUnet {
    type Config = ScseConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &ScseConfig, device: &Device) -> Self {
        let [f0, f1, f2, f3] = [64, 128, 256, 512].map(|n| config.plain().width(n));
        let gate = |channels| Scse::new(channels, config, device);
        let level = |input, output| (DoubleConv::new([input, output, output], device), gate(output));
        let up = |skip, output| Up {
            conv: DoubleConv::new([2 * skip, skip, output], device),
            spa_cha_gate: gate(output),
        };
        Self {
            conv_encode1: level(config.in_channels, f0),
            conv_encode2: level(f0, f1),
            conv_encode3: level(f1, f2),
            conv_encode4: level(f2, f3),
            bottleneck: level(f3, f3),
            conv_decode4: up(f3, f2),
            conv_decode3: up(f2, f1),
            conv_decode2: up(f1, f0),
            conv_decode1: up(f0, f0),
            outc: OutConv::new([f0, config.n_classes], device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let run = |(conv, gate): &(DoubleConv, Scse), x| gate.forward(conv.forward(x));
        let x1 = run(&self.conv_encode1, input); // [N, f0, H, W]
        let x2 = run(&self.conv_encode2, halve(x1.clone())); // [N, f1, H/2, W/2]
        let x3 = run(&self.conv_encode3, halve(x2.clone())); // [N, f2, H/4, W/4]
        let x4 = run(&self.conv_encode4, halve(x3.clone())); // [N, f3, H/8, W/8]
        let x = run(&self.bottleneck, halve(x4.clone())); // [N, f3, H/16, W/16]
        let x = self.conv_decode4.forward(x, x4);
        let x = self.conv_decode3.forward(x, x3);
        let x = self.conv_decode2.forward(x, x2);
        let x = self.conv_decode1.forward(x, x1);
        Outputs::of(self.outc.forward(x))
    }

    fn bytes_per_pixel(config: &ScseConfig) -> usize {
        // At full resolution: 2f channels concatenated, two maps of f, each once more as the convolution lays it out.
        4 * 12 * config.plain().width(64).max(config.n_classes)
    }
}
