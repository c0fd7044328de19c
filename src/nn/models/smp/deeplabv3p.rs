//! L.-C. Chen et al.: "Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation", ECCV 2018
//! (DeepLabv3+).

use super::{
    aspp::{Aspp, separable},
    blocks::conv_relu,
    network::{Decoder, Smp, SmpConfig, probe},
};
use crate::nn::{
    Init, InitSite, InputRule, Make, ModelSpec, Published,
    blocks::{Align, BatchNorm, Sequential, batch_norm, bilinear, op},
    encoders::Encoder,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "smp/deeplabv3p",
    title: "DeepLabv3+ over a ResNet",
    paper: "Chen et al., DeepLabv3+, ECCV 2018; He et al., ResNet, CVPR 2016",
    family: "smp",
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: probe,
    make: Make::slices::<Smp<DeepLabV3Plus>>(),
};

#[derive(Module, Debug)]
pub struct DeepLabV3Plus {
    aspp: (Aspp, Sequential, BatchNorm),
    block1: Sequential,
    block2: Sequential,
}

impl Decoder for DeepLabV3Plus {
    const OUTPUT_STRIDE: usize = 16;
    const HEAD: usize = 1;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SmpConfig, [_, c2, _, _, c5]: [usize; 5], device: &Device) -> Self {
        let (output, detail) = (Self::channels(config), config.width(48));
        let norm = || batch_norm(output, device);
        let join = [separable(detail + output, output, 1, device).into(), norm().into(), op(relu)];
        Self {
            aspp: (
                Aspp::new(c5, output, true, config.dropout.unwrap_or(0.5), device),
                separable(output, output, 1, device),
                norm(),
            ),
            block1: conv_relu(c2, detail, 1, device),
            block2: Sequential::new(join),
        }
    }

    fn channels(config: &SmpConfig) -> usize {
        config.width(256)
    }

    /// `[N, in, H, W]` to `[N, 256, H/4, W/4]`.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4> {
        let [_, f2, _, _, f5] = encoder.features(input);
        let (aspp, conv, norm) = &self.aspp;
        let x = relu(norm.forward(conv.forward(aspp.forward(f5))));
        let [_, _, height, width] = f2.dims();
        let x = bilinear(x, [height, width], Align::Corners);
        self.block2.forward(Tensor::cat(vec![x, self.block1.forward(f2)], 1))
    }

    fn numbers_per_pixel(config: &SmpConfig) -> usize {
        // A quarter of the size: 304 channels joined, as they are and convolved, and twice 256.
        config.width((2 * 304 + 2 * 256) / 16)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        // smp leaves the DeepLabs as PyTorch made them.
        site.standard()
    }
}
