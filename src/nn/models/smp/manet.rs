//! T. Fan et al.: "MA-Net: A Multi-Scale Attention Network for Liver and Tumor Segmentation", IEEE Access 2020.

#![expect(non_snake_case, reason = "SE_ll and SE_hl are names of published parameters")]

use super::{
    blocks::{UpBlock, conv_relu, decoder_channels},
    network::{Decoder, Smp, SmpConfig, probe},
};
use crate::nn::{
    InputRule, Make, ModelSpec, Published,
    blocks::{Conv, Sequential, conv, global_avg, nearest_up, op},
    encoders::Encoder,
};
use burn::{
    module::Module,
    tensor::{
        Device, Tensor,
        activation::{relu, sigmoid},
    },
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "smp/manet",
    title: "MA-Net over a ResNet",
    paper: "Fan et al., MA-Net, IEEE Access 2020; He et al., ResNet, CVPR 2016",
    family: "smp",
    input: InputRule::multiple_of(32).least(64),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: probe,
    make: Make::slices::<Smp<Manet>>(),
};

#[derive(Module, Debug)]
pub struct Manet {
    center: PositionAttention,
    blocks: Vec<Block>,
}

/// "Position-wise attention block": every pixel of the deepest map looks at every other.
#[derive(Module, Debug)]
struct PositionAttention {
    top_conv: Conv,
    center_conv: Conv,
    bottom_conv: Conv,
    out_conv: Conv,
}

impl PositionAttention {
    fn new(channels: usize, inner: usize, device: &Device) -> Self {
        let one = || conv(channels, inner, 1).init(device);
        let three = || conv(channels, channels, 3).same().init(device);
        Self { top_conv: one(), center_conv: one(), bottom_conv: three(), out_conv: three() }
    }

    /// `[N, channels, H, W]` to the same shape.
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let dims @ [batch, channels, height, width] = input.dims();
        let pixels = height * width;
        let flat = |map: Tensor<4>| {
            let inner = map.dims()[1];
            map.reshape([batch, inner, pixels])
        };
        let top = flat(self.top_conv.forward(input.clone()));
        let center = flat(self.center_conv.forward(input.clone())).swap_dims(1, 2);
        let bottom = flat(self.bottom_conv.forward(input.clone())).swap_dims(1, 2);
        let found = softmax_over_all(center.matmul(top)).matmul(bottom); // [N, HW, channels]
        // smp reads this as [channels, H, W] without transposing it back; published weights expect that.
        self.out_conv.forward(input + found.reshape([batch, channels * pixels]).reshape(dims))
    }
}

/// Softmax over the last two axes together.
fn softmax_over_all(scores: Tensor<3>) -> Tensor<3> {
    // Reduced a dimension at a time, as software drivers need it.
    let largest = scores.clone().detach().max_dim(2).max_dim(1);
    let weights = (scores - largest).exp();
    weights.clone() / weights.sum_dim(2).sum_dim(1)
}

/// A step up; the last one has no skip and no attention.
#[derive(Module, Debug)]
enum Block {
    Fusion(Fusion),
    Plain(UpBlock),
}

/// "Multi-scale fusion attention block": the deeper map is weighed by what it and the skip say of each channel.
#[derive(Module, Debug)]
struct Fusion {
    hl_conv: Sequential,
    SE_ll: Sequential,
    SE_hl: Sequential,
    conv1: Sequential,
    conv2: Sequential,
}

impl Fusion {
    /// `reduced` is the width of the gates.
    fn new([input, skip, output]: [usize; 3], reduced: usize, device: &Device) -> Self {
        let gate = || {
            Sequential::new([
                op(global_avg),
                conv(skip, reduced, 1).init(device).into(),
                op(relu),
                conv(reduced, skip, 1).init(device).into(),
                op(sigmoid),
            ])
        };
        let lower = [conv_relu(input, input, 3, device).into(), conv_relu(input, skip, 1, device).into()];
        Self {
            hl_conv: Sequential::new(lower),
            SE_ll: gate(),
            SE_hl: gate(),
            conv1: conv_relu(2 * skip, output, 3, device),
            conv2: conv_relu(output, output, 3, device),
        }
    }

    /// `[N, input, H, W]` and a skip of twice the size to `[N, output, 2H, 2W]`.
    fn forward(&self, x: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        let x = self.hl_conv.forward(x);
        // A mean over pixels is the same before and after each is doubled.
        let gate = self.SE_hl.forward(x.clone()) + self.SE_ll.forward(skip.clone());
        let x = nearest_up(x * gate, 2);
        self.conv2.forward(self.conv1.forward(Tensor::cat(vec![x, skip], 1)))
    }
}

impl Decoder for Manet {
    const HEAD: usize = 3;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SmpConfig, [c1, c2, c3, c4, c5]: [usize; 5], device: &Device) -> Self {
        let [d0, d1, d2, d3, d4] = decoder_channels(config);
        let fusion = |input, skip: usize, output| {
            // A sixteenth of the skip's channels in the published network; feature_scale leaves the gates as wide.
            let reduced = (skip * config.feature_scale / 16).max(1);
            Block::Fusion(Fusion::new([input, skip, output], reduced, device))
        };
        Self {
            center: PositionAttention::new(c5, config.width(64), device),
            blocks: vec![
                fusion(c5, c4, d0),
                fusion(d0, c3, d1),
                fusion(d1, c2, d2),
                fusion(d2, c1, d3),
                Block::Plain(UpBlock::new(d3, 0, d4, device)),
            ],
        }
    }

    fn channels(config: &SmpConfig) -> usize {
        config.width(16)
    }

    /// `[N, in, H, W]` to `[N, 16, H, W]`.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4> {
        let [f1, f2, f3, f4, f5] = encoder.features(input);
        let mut skips = [f4, f3, f2, f1].into_iter();
        self.blocks.iter().fold(self.center.forward(f5), |x, block| match (block, skips.next()) {
            (Block::Fusion(fusion), Some(skip)) => fusion.forward(x, skip),
            (Block::Plain(plain), _) => plain.forward(x, []),
            (Block::Fusion(_), None) => x,
        })
    }

    fn numbers_per_pixel(config: &SmpConfig) -> usize {
        // The last block: 32 channels in and 16 out, each once more as the convolution lays it out, and the norm's 16.
        config.width(2 * (32 + 16) + 16)
    }
}
