//! PSPNet. H. Zhao et al.: "Pyramid Scene Parsing Network", CVPR 2017.

use super::{
    OverResNetPooled,
    over_resnet::{INPUT, bytes_per_pixel, conv_norm_relu, encoder, enlarged, probe_config, unit},
};
use crate::nn::{
    Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{
        Align, BatchNorm, Bins, Conv, Dropout, Sequential, adaptive_avg_pool, batch_norm, bilinear, conv,
        same_conv,
    },
    encoders::deep_stem::{DeepStem, Variant},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/pspnet",
    title: "PSPNet",
    paper: "Zhao et al., Pyramid Scene Parsing Network, CVPR 2017; JMedSeg",
    family: "jmedseg",
    input: INPUT.least(96),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config,
    make: Make::slices::<PspNet>(),
};

/// Means over `side`×`side` bins.
#[derive(Module, Debug)]
struct Pool {
    side: usize,
    #[module(skip)]
    bins: Bins,
}

#[derive(Module, Debug)]
struct Level {
    conv: (Pool, Conv, BatchNorm),
}

impl Level {
    /// `[N, 2048, H, W]` to `[N, 512, H, W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [_, _, h, w] = x.dims();
        let (Pool { side, bins }, conv, norm) = &self.conv;
        let x = conv_norm_relu(conv, norm, adaptive_avg_pool(x, [*side; 2], *bins));
        bilinear(x, [h, w], Align::Centres)
    }
}

#[derive(Module, Debug)]
struct PspNet {
    backbone: DeepStem,
    layer5a: Level,
    layer5b: Level,
    layer5c: Level,
    layer5d: Level,
    final_conv: Sequential,
}

impl SegmentationModule for PspNet {
    type Config = OverResNetPooled;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &OverResNetPooled, device: &Device) -> Self {
        let (bins, plain) = (config.bins(), config.plain());
        let [w2048, w512] = [2048, 512].map(|n| plain.width(n));
        let level = |side| {
            let conv = conv(w2048, w512, 1).no_bias().init(device);
            Level { conv: (Pool { side, bins }, conv, batch_norm(w512, device)) }
        };
        let mut last = unit(w2048 + 4 * w512, w512, 3, device);
        last.extend([Dropout::new(0.3).into(), same_conv([w512, config.n_classes], 1, device).into()]);
        Self {
            backbone: encoder(&plain, config.layers, Variant::Deep, device),
            layer5a: level(1),
            layer5b: level(2),
            layer5c: level(3),
            layer5d: level(6),
            final_conv: Sequential::new(last),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let x = self.backbone.forward(input); // [N, 2048, H/16, W/16]
        let levels = [&self.layer5a, &self.layer5b, &self.layer5c, &self.layer5d];
        let mut all = vec![x.clone()];
        all.extend(levels.map(|level| level.forward(x.clone())));
        enlarged(self.final_conv.forward(Tensor::cat(all, 1)), [h, w])
    }

    fn bytes_per_pixel(config: &OverResNetPooled) -> usize {
        bytes_per_pixel(&config.plain())
    }
}
