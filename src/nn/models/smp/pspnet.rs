//! H. Zhao et al.: "Pyramid Scene Parsing Network", CVPR 2017.

use super::{
    blocks::conv_relu,
    network::{Decoder, Smp, SmpConfig, probe},
};
use crate::nn::{
    InputRule, Make, ModelSpec, Published,
    blocks::{Align, Bins, Dropout, Sequential, adaptive_avg_pool, bilinear, conv, op},
    encoders::Encoder,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "smp/pspnet",
    title: "PSPNet over a ResNet",
    paper: "Zhao et al., Pyramid scene parsing network, CVPR 2017; He et al., ResNet, CVPR 2016",
    family: "smp",
    input: InputRule::multiple_of(8).least(16),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: probe,
    make: Make::slices::<Smp<Pspnet>>(),
};

/// Over the encoder's map at an eighth of the size; the last two stages are part of the published network and not used.
#[derive(Module, Debug)]
pub struct Pspnet {
    psp: Pyramid,
    conv: Sequential,
    dropout: Dropout,
}

/// Pooled to 1, 2, 3 and 6 bins a side.
#[derive(Module, Debug)]
struct Pyramid {
    blocks: [Level; 4],
}

#[derive(Module, Debug)]
struct Level {
    pool: Sequential,
}

fn pool_to<const N: usize>(input: Tensor<4>) -> Tensor<4> {
    adaptive_avg_pool(input, [N; 2], Bins::Covering)
}

impl Pyramid {
    fn new(input: usize, device: &Device) -> Self {
        let output = input / 4;
        // One pixel a picture is too few for batch norm.
        let single = Sequential::new([conv(input, output, 1).init(device).into(), op(relu)]);
        let several = || conv_relu(input, output, 1, device);
        let blocks = [
            [op(pool_to::<1>), single.into()],
            [op(pool_to::<2>), several().into()],
            [op(pool_to::<3>), several().into()],
            [op(pool_to::<6>), several().into()],
        ];
        Self { blocks: blocks.map(|layers| Level { pool: Sequential::new(layers) }) }
    }

    /// `[N, C, H, W]` to `[N, 2C, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = input.dims();
        let enlarged =
            |level: &Level| bilinear(level.pool.forward(input.clone()), [height, width], Align::Corners);
        let mut all: Vec<_> = self.blocks.iter().map(enlarged).collect();
        all.push(input);
        Tensor::cat(all, 1)
    }
}

impl Decoder for Pspnet {
    const HEAD: usize = 3;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SmpConfig, [_, _, c3, _, _]: [usize; 5], device: &Device) -> Self {
        Self {
            psp: Pyramid::new(c3, device),
            conv: conv_relu(2 * c3, Self::channels(config), 1, device),
            dropout: Dropout::of_channels(config.dropout.unwrap_or(0.2)),
        }
    }

    fn channels(config: &SmpConfig) -> usize {
        config.width(512)
    }

    /// `[N, in, H, W]` to `[N, 512, H/8, W/8]`.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4> {
        let [_, _, f3] = encoder.features(input);
        self.dropout.forward(self.conv.forward(self.psp.forward(f3)))
    }

    fn numbers_per_pixel(config: &SmpConfig) -> usize {
        // An eighth of the size: the joined map and 512 channels, once more as the convolution lays them out.
        let [_, c3, ..] = config.encoder.channels(config.width(64));
        (4 * c3 + 2 * config.width(512)) / 64
    }
}
