//! L.-C. Chen et al.: "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017 (DeepLabv3).

use super::{
    aspp::Aspp,
    network::{Decoder, Smp, SmpConfig, probe},
};
use crate::nn::{
    Init, InitSite, InputRule, Make, ModelSpec, Published,
    blocks::{BatchNorm, Conv, batch_norm, conv},
    encoders::Encoder,
};
use burn::tensor::{Device, Tensor, activation::relu};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "smp/deeplabv3",
    title: "DeepLabv3 over a ResNet",
    paper: "Chen et al., Rethinking atrous convolution, 2017; He et al., ResNet, CVPR 2016",
    family: "smp",
    input: InputRule::multiple_of(8).least(16),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: probe,
    make: Make::slices::<Smp<DeepLabV3>>(),
};

pub type DeepLabV3 = (Aspp, Conv, BatchNorm);

impl Decoder for DeepLabV3 {
    const OUTPUT_STRIDE: usize = 8;
    const HEAD: usize = 1;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SmpConfig, [.., c5]: [usize; 5], device: &Device) -> Self {
        let output = Self::channels(config);
        (
            Aspp::new(c5, output, false, config.dropout.unwrap_or(0.5), device),
            conv(output, output, 3).same().no_bias().init(device),
            batch_norm(output, device),
        )
    }

    fn channels(config: &SmpConfig) -> usize {
        config.width(256)
    }

    /// `[N, in, H, W]` to `[N, 256, H/8, W/8]`.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4> {
        let [.., f5] = encoder.features::<5>(input);
        let (aspp, conv, norm) = self;
        relu(norm.forward(conv.forward(aspp.forward(f5))))
    }

    fn numbers_per_pixel(config: &SmpConfig) -> usize {
        // An eighth of the size: the last map, once more as the convolution lays it out, and five maps of 256 channels
        // with their join.
        let [.., c5] = config.encoder.channels(config.width(64));
        (2 * c5 + 10 * config.width(256)) / 64
    }

    fn initial(site: &InitSite<'_>) -> Init {
        // smp leaves the DeepLabs as PyTorch made them.
        site.standard()
    }
}
