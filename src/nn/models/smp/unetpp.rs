//! Z. Zhou et al.: "UNet++: A Nested U-Net Architecture for Medical Image Segmentation", 2018, over a ResNet.

use super::{
    blocks::{UpBlock, decoder_channels},
    network::{Decoder, Smp, SmpConfig, probe},
};
use crate::nn::{InputRule, Make, ModelSpec, Published, encoders::Encoder};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "smp/unetpp",
    title: "UNet++ over a ResNet",
    paper: "Zhou et al., UNet++, DLMIA 2018; He et al., ResNet, CVPR 2016",
    family: "smp",
    input: InputRule::multiple_of(32).least(64),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: probe,
    make: Make::slices::<Smp<UnetPlusPlus>>(),
};

#[derive(Module, Debug)]
pub struct UnetPlusPlus {
    blocks: Nodes,
}

/// `x_d_l` returns a map of the size of the encoder's map 4 - l; it starts from the encoder's map 5 - d.
#[derive(Module, Debug)]
struct Nodes {
    x_0_0: UpBlock,
    x_0_1: UpBlock,
    x_1_1: UpBlock,
    x_0_2: UpBlock,
    x_1_2: UpBlock,
    x_2_2: UpBlock,
    x_0_3: UpBlock,
    x_1_3: UpBlock,
    x_2_3: UpBlock,
    x_3_3: UpBlock,
    x_0_4: UpBlock,
}

impl Decoder for UnetPlusPlus {
    const HEAD: usize = 3;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SmpConfig, [c1, c2, c3, c4, c5]: [usize; 5], device: &Device) -> Self {
        let [d0, d1, d2, d3, d4] = decoder_channels(config);
        let node = |input, skips, output| UpBlock::new(input, skips, output, device);
        // Column l joins l - d maps of its own and one of the encoder's, all of as many channels.
        Self {
            blocks: Nodes {
                x_0_0: node(c5, c4, d0),
                x_0_1: node(d0, 2 * c3, d1),
                x_1_1: node(c4, c3, c3),
                x_0_2: node(d1, 3 * c2, d2),
                x_1_2: node(c3, 2 * c2, c2),
                x_2_2: node(c3, c2, c2),
                x_0_3: node(d2, 4 * c1, d3),
                x_1_3: node(c2, 3 * c1, c1),
                x_2_3: node(c2, 2 * c1, c1),
                x_3_3: node(c2, c1, c1),
                x_0_4: node(d3, 0, d4),
            },
        }
    }

    fn channels(config: &SmpConfig) -> usize {
        config.width(16)
    }

    /// `[N, in, H, W]` to `[N, 16, H, W]`.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4> {
        let [f1, f2, f3, f4, f5] = encoder.features(input);
        let nodes = &self.blocks;
        // Column by column, so that a column's maps are dropped once the next is done.
        let x_0 = nodes.x_0_0.forward(f5, [&f4]); // H/16
        let x_1 = nodes.x_1_1.forward(f4, [&f3]); // H/8
        let x_0 = nodes.x_0_1.forward(x_0, [&x_1, &f3]);
        let x_2 = nodes.x_2_2.forward(f3, [&f2]); // H/4
        let x_1 = nodes.x_1_2.forward(x_1, [&x_2, &f2]);
        let x_0 = nodes.x_0_2.forward(x_0, [&x_1, &x_2, &f2]);
        let x_3 = nodes.x_3_3.forward(f2, [&f1]); // H/2
        let x_2 = nodes.x_2_3.forward(x_2, [&x_3, &f1]);
        let x_1 = nodes.x_1_3.forward(x_1, [&x_2, &x_3, &f1]);
        let x_0 = nodes.x_0_3.forward(x_0, [&x_1, &x_2, &x_3, &f1]);
        drop((x_1, x_2, x_3, f1));
        nodes.x_0_4.forward(x_0, []) // H
    }

    fn numbers_per_pixel(config: &SmpConfig) -> usize {
        // Node x_0_3 at half the size: four maps of 64 channels, joined with 64 more to 320, those once more as the
        // convolution lays them out.
        config.width((4 * 64 + 2 * 320) / 4)
    }
}
