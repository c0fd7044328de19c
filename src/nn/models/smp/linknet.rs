//! A. Chaurasia, E. Culurciello: "LinkNet: Exploiting Encoder Representations for Efficient Semantic Segmentation", 2017.

use super::{
    blocks::conv_relu,
    network::{Decoder, Smp, SmpConfig, probe},
};
use crate::nn::{
    Init, InitSite, InputRule, Make, ModelSpec, Published,
    blocks::{Sequential, batch_norm, op, up_conv},
    encoders::Encoder,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "smp/linknet",
    title: "LinkNet over a ResNet",
    paper: "Chaurasia and Culurciello, LinkNet, VCIP 2017; He et al., ResNet, CVPR 2016",
    family: "smp",
    input: InputRule::multiple_of(32).least(64),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: probe,
    make: Make::slices::<Smp<Linknet>>(),
};

#[derive(Module, Debug)]
pub struct Linknet {
    blocks: Vec<Block>,
}

#[derive(Module, Debug)]
struct Block {
    block: Sequential,
}

impl Block {
    /// From `[N, input, H, W]` to `[N, output, 2H, 2W]`, over a quarter of the channels.
    fn new(input: usize, output: usize, device: &Device) -> Self {
        let middle = input / 4;
        let up = [up_conv([middle; 2], 4, 1, device).into(), batch_norm(middle, device).into(), op(relu)];
        let block = [
            conv_relu(input, middle, 1, device).into(),
            Sequential::new(up).into(),
            conv_relu(middle, output, 1, device).into(),
        ];
        Self { block: Sequential::new(block) }
    }
}

impl Decoder for Linknet {
    const HEAD: usize = 1;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SmpConfig, [c1, c2, c3, c4, c5]: [usize; 5], device: &Device) -> Self {
        let channels = [c5, c4, c3, c2, c1, Self::channels(config)];
        Self { blocks: channels.windows(2).map(|c| Block::new(c[0], c[1], device)).collect() }
    }

    fn channels(config: &SmpConfig) -> usize {
        config.width(32)
    }

    /// `[N, in, H, W]` to `[N, 32, H, W]`.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4> {
        let [f1, f2, f3, f4, f5] = encoder.features(input);
        let skips = [Some(f4), Some(f3), Some(f2), Some(f1), None];
        self.blocks.iter().zip(skips).fold(f5, |x, (block, skip)| {
            let x = block.block.forward(x);
            match skip {
                Some(skip) => x + skip,
                None => x,
            }
        })
    }

    fn numbers_per_pixel(config: &SmpConfig) -> usize {
        // The last block's 16 and 32 channels, each after its convolution and after its norm.
        config.width(2 * (16 + 32))
    }

    fn initial(site: &InitSite<'_>) -> Init {
        // smp initialises convolutions only and leaves the transposed ones as PyTorch does.
        if site.name.contains(".block.1.0.") { site.standard() } else { super::network::initial(site) }
    }
}
