//! ANNNet. Z. Zhu et al.: "Asymmetric Non-local Neural Networks for Semantic Segmentation", ICCV 2019.

use super::{
    OverResNetPooled,
    over_resnet::{INPUT, bytes_per_pixel, encoder, probe_config, unit},
};
use crate::nn::{
    Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Align, Bins, Conv, Dropout, Sequential, adaptive_avg_pool, bilinear, same_conv},
    encoders::deep_stem::{DeepStem, Variant},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/annnet",
    title: "ANNNet",
    paper: "Zhu et al., Asymmetric Non-local Neural Networks for Semantic Segmentation, ICCV 2019; JMedSeg",
    family: "jmedseg",
    input: INPUT.least(128),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config,
    make: Make::slices::<AnnNet>(),
};

#[derive(Module, Debug)]
struct AnnNet {
    backbone: DeepStem,
    conv_0: Conv,
    conv_1: Conv,
    conv_2: Conv,
    final_conv: Sequential,
    #[module(skip)]
    bins: Bins,
}

impl AnnNet {
    /// `[N, C, H, W]` to its means over 1, 3×3, 6×6 and 8×8 bins, `[N, C, 110]`.
    fn anchors(&self, x: Tensor<4>) -> Tensor<3> {
        let level = |side| adaptive_avg_pool(x.clone(), [side; 2], self.bins).flatten::<3>(2, 3);
        Tensor::cat([1, 3, 6, 8].map(level).into(), 2)
    }
}

impl SegmentationModule for AnnNet {
    type Config = OverResNetPooled;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &OverResNetPooled, device: &Device) -> Self {
        let (bins, plain) = (config.bins(), config.plain());
        let [w2048, w512] = [2048, 512].map(|n| plain.width(n));
        let one = || same_conv([w2048; 2], 1, device);
        let mut last = unit(w2048, w512, 3, device);
        last.extend([Dropout::new(0.3).into(), same_conv([w512, config.n_classes], 1, device).into()]);
        Self {
            backbone: encoder(&plain, config.layers, Variant::Deep, device),
            conv_0: one(),
            conv_1: one(),
            conv_2: one(),
            final_conv: Sequential::new(last),
            bins,
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`. Keys and values are pooled; their products with the queries stay as
    /// they are (the paper has a softmax), and what they give takes the place of the encoder's map.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let x = self.backbone.forward(input); // [N, 2048, H/16, W/16]
        let dims = x.dims();
        let keys = self.anchors(self.conv_0.forward(x.clone()));
        let queries = self.conv_1.forward(x.clone()).flatten::<3>(2, 3); // [N, 2048, pixels]
        let values = self.anchors(self.conv_2.forward(x));
        let weights = keys.swap_dims(1, 2).matmul(queries); // [N, 110, pixels]
        let logits = self.final_conv.forward(values.matmul(weights).reshape(dims));
        Outputs::of(bilinear(logits, [h, w], Align::Corners))
    }

    fn bytes_per_pixel(config: &OverResNetPooled) -> usize {
        bytes_per_pixel(&config.plain())
    }
}
