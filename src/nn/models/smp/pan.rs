//! H. Li et al.: "Pyramid Attention Network for Semantic Segmentation", BMVC 2018.

use super::network::{Decoder, Smp, SmpConfig, probe};
use crate::nn::{
    InputRule, Make, ModelSpec, Published,
    blocks::{Align, BatchNorm, Conv, Layer, batch_norm, bilinear, global_avg, halve, op, same_conv},
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
    id: "smp/pan",
    title: "PAN over a ResNet",
    paper: "Li et al., Pyramid attention network, BMVC 2018; He et al., ResNet, CVPR 2016",
    family: "smp",
    // The last map, a sixteenth of the size, is halved three times.
    input: InputRule::multiple_of(16).least(128),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: probe,
    make: Make::slices::<Smp<Pan>>(),
};

#[derive(Module, Debug)]
pub struct Pan {
    fpa: FeaturePyramid,
    gau3: GlobalAttention,
    gau2: GlobalAttention,
    gau1: GlobalAttention,
}

/// Convolution with bias, batch norm; mostly with a ReLU after them.
#[derive(Module, Debug)]
struct Unit {
    conv: Conv,
    bn: BatchNorm,
}

impl Unit {
    fn new(channels: [usize; 2], kernel: usize, device: &Device) -> Self {
        Self { conv: same_conv(channels, kernel, device), bn: batch_norm(channels[1], device) }
    }

    fn linear(&self, input: Tensor<4>) -> Tensor<4> {
        self.bn.forward(self.conv.forward(input))
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        relu(self.linear(input))
    }
}

/// Resized as `like` is.
fn resized(input: Tensor<4>, like: &Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = like.dims();
    bilinear(input, [height, width], Align::Corners)
}

/// "Feature pyramid attention": a map weighed by one channel that looks at three coarser scales. The first of each tuple
/// is the pool.
#[derive(Module, Debug)]
struct FeaturePyramid {
    branch1: (Layer, Unit),
    mid: [Unit; 1],
    down1: (Layer, Unit),
    down2: (Layer, Unit),
    down3: (Layer, Unit, Unit),
    conv2: Unit,
    conv1: Unit,
}

impl FeaturePyramid {
    fn new(input: usize, output: usize, device: &Device) -> Self {
        let unit = |channels, kernel| Unit::new(channels, kernel, device);
        Self {
            branch1: (op(global_avg), unit([input, output], 1)),
            mid: [unit([input, output], 1)],
            down1: (op(halve), unit([input, 1], 7)),
            down2: (op(halve), unit([1, 1], 5)),
            down3: (op(halve), unit([1, 1], 3), unit([1, 1], 3)),
            conv2: unit([1, 1], 5),
            conv1: unit([1, 1], 7),
        }
    }

    /// `[N, input, H, W]` to `[N, output, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let half = self.down1.1.forward(self.down1.0.forward(input.clone()));
        let quarter = self.down2.1.forward(self.down2.0.forward(half.clone()));
        let (pool, first, second) = &self.down3;
        let eighth = second.forward(first.forward(pool.forward(quarter.clone())));
        let weight = resized(eighth, &quarter) + self.conv2.forward(quarter);
        let weight = resized(weight, &half) + self.conv1.forward(half);
        let map = self.mid[0].forward(input.clone());
        // The mean over all pixels, the same at each: enlarging it is left to the sum.
        let mean = self.branch1.1.forward(self.branch1.0.forward(input));
        resized(weight, &map) * map + mean
    }
}

/// "Global attention upsample": the encoder's map weighed by what the deeper map says of each channel, plus that map.
#[derive(Module, Debug)]
struct GlobalAttention {
    conv1: (Layer, Unit),
    conv2: Unit,
}

impl GlobalAttention {
    fn new(input: usize, output: usize, device: &Device) -> Self {
        Self {
            conv1: (op(global_avg), Unit::new([output; 2], 1, device)),
            conv2: Unit::new([input, output], 3, device),
        }
    }

    /// `[N, input, H, W]` and a deeper `[N, output, …]` to `[N, output, H, W]`.
    fn forward(&self, skip: Tensor<4>, deep: Tensor<4>) -> Tensor<4> {
        let skip = self.conv2.forward(skip);
        let gate = sigmoid(self.conv1.1.linear(self.conv1.0.forward(deep.clone())));
        resized(deep, &skip) + skip * gate
    }
}

impl Decoder for Pan {
    const OUTPUT_STRIDE: usize = 16;
    const HEAD: usize = 3;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SmpConfig, [_, c2, c3, c4, c5]: [usize; 5], device: &Device) -> Self {
        let output = Self::channels(config);
        Self {
            fpa: FeaturePyramid::new(c5, output, device),
            gau3: GlobalAttention::new(c4, output, device),
            gau2: GlobalAttention::new(c3, output, device),
            gau1: GlobalAttention::new(c2, output, device),
        }
    }

    fn channels(config: &SmpConfig) -> usize {
        config.width(32)
    }

    /// `[N, in, H, W]` to `[N, 32, H/4, W/4]`.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4> {
        let [_, f2, f3, f4, f5] = encoder.features(input);
        let x = self.fpa.forward(f5);
        let x = self.gau3.forward(f4, x);
        let x = self.gau2.forward(f3, x);
        self.gau1.forward(f2, x)
    }

    fn numbers_per_pixel(config: &SmpConfig) -> usize {
        // A quarter of the size: the encoder's map, once more as the convolution lays it out, and four maps of 32.
        let [c2, ..] = config.encoder.channels(config.width(64));
        (2 * c2 + 4 * config.width(32)) / 16
    }
}
