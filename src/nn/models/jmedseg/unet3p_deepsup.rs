//! U-Net 3+ (Huang et al., 2020) with deep supervision: a head at every size.

use super::{
    SigmoidConfig,
    unet_parts::DoubleConv,
    unet3p::{bytes_per_pixel, decoder, encoder, full_scale, node_channels},
};
use crate::nn::{
    Make, ModelSpec, Outputs, SegmentationModule,
    blocks::{Align, Conv, Layer, Named, bilinear, same_conv},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/unet3p_deepsup",
    title: "U-Net 3+ deep supervision",
    as_published: || json!({ "sigmoid": true }),
    make: Make::slices::<Unet3pDeepSup>(),
    ..super::unet3p::SPEC
};

#[derive(Module, Debug)]
struct Unet3pDeepSup {
    encoder: Named<DoubleConv>,
    decoder: Named<Layer>,
    /// `outconv1` at full resolution to `outconv5` at 1/16.
    heads: Named<Conv>,
    #[module(skip)]
    last: fn(Tensor<4>) -> Tensor<4>,
}

impl SegmentationModule for Unet3pDeepSup {
    type Config = SigmoidConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SigmoidConfig, device: &Device) -> Self {
        let plain = config.plain();
        let head = |n: usize| {
            let input = if n == 5 { plain.width(1024) } else { node_channels(&plain) };
            (format!("outconv{n}"), same_conv([input, config.n_classes], 3, device))
        };
        Self {
            encoder: encoder(&plain, device),
            decoder: decoder(&plain, device),
            heads: Named::new((1..=5).map(head)),
            last: config.last(),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`, and as many from each of the four levels below.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let maps = full_scale(&self.encoder, &self.decoder, input);
        let head =
            |(head, x): (&Conv, Tensor<4>)| (self.last)(bilinear(head.forward(x), [h, w], Align::Centres));
        let mut all: Vec<_> = self.heads.iter().zip(maps).map(head).collect();
        let logits = all.remove(0);
        Outputs { auxiliary: all, ..Outputs::of(logits) }
    }

    fn bytes_per_pixel(config: &SigmoidConfig) -> usize {
        bytes_per_pixel(&config.plain()) + 4 * 4 * config.n_classes
    }
}
