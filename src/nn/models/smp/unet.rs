//! O. Ronneberger et al.: "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, over a ResNet.

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
    id: "smp/unet",
    title: "U-Net over a ResNet",
    paper: "Ronneberger et al., U-Net, MICCAI 2015; He et al., ResNet, CVPR 2016",
    family: "smp",
    input: InputRule::multiple_of(32).least(64),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: probe,
    make: Make::slices::<Smp<Unet>>(),
};

#[derive(Module, Debug)]
pub struct Unet {
    blocks: Vec<UpBlock>,
}

impl Decoder for Unet {
    const HEAD: usize = 3;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SmpConfig, [c1, c2, c3, c4, c5]: [usize; 5], device: &Device) -> Self {
        let outputs = decoder_channels(config);
        let inputs = [c5, outputs[0], outputs[1], outputs[2], outputs[3]];
        let skips = [c4, c3, c2, c1, 0];
        let block = |i: usize| UpBlock::new(inputs[i], skips[i], outputs[i], device);
        Self { blocks: (0..5).map(block).collect() }
    }

    fn channels(config: &SmpConfig) -> usize {
        config.width(16)
    }

    /// `[N, in, H, W]` to `[N, 16, H, W]`.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4> {
        let [f1, f2, f3, f4, f5] = encoder.features(input);
        let skips = [Some(f4), Some(f3), Some(f2), Some(f1), None];
        self.blocks.iter().zip(skips).fold(f5, |x, (block, skip)| match skip {
            Some(skip) => block.forward(x, [&skip]),
            None => block.forward(x, []),
        })
    }

    fn numbers_per_pixel(config: &SmpConfig) -> usize {
        // The last block: 32 channels in and 16 out, each once more as the convolution lays it out, and the norm's 16.
        config.width(2 * (32 + 16) + 16)
    }
}
