//! ResUNet: a U-Net's decoder over the encoder of the other networks (JMedSeg's own).

use super::{
    over_resnet::{INPUT, encoder},
    unet_parts::{DoubleConv, OutConv},
};
use crate::nn::{
    Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::bilinear_up,
    encoders::deep_stem::{DeepStem, Layers, Variant},
    models::plain_config,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/resunet",
    title: "ResUNet",
    paper: "JMedSeg's own; U-Net: Ronneberger et al., MICCAI 2015",
    family: "jmedseg",
    input: INPUT,
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16, "layers": [1, 1, 2], "layer4": false }),
    make: Make::slices::<ResUnet>(),
};

plain_config! {
    /// The configuration of [`OverResNet`](super::OverResNet) and one more option.
    ResUnetConfig {
        /// Blocks of the encoder's first three stages.
        layers: Layers = Layers::default(),
        /// Keeps the encoder's last stage, which nothing looks at, as the reference does: its files hold it.
        layer4: bool = true,
    }
}

/// Concatenation, then enlarging, then two convolutions.
#[derive(Module, Debug)]
struct Up {
    conv: DoubleConv,
}

impl Up {
    /// Two maps `[N, input/2, H, W]` to `[N, output, 2 H, 2 W]`.
    fn forward(&self, skip: Tensor<4>, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(bilinear_up(Tensor::cat(vec![skip, x], 1), 2))
    }
}

#[derive(Module, Debug)]
struct ResUnet {
    backbone: DeepStem,
    bottleneck: DoubleConv,
    conv_decode3: Up,
    conv_decode2: Up,
    conv_decode1: Up,
    conv_decode0: Up,
    outc: OutConv,
}

impl SegmentationModule for ResUnet {
    type Config = ResUnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &ResUnetConfig, device: &Device) -> Self {
        let plain = config.plain();
        let backbone = encoder(&plain, config.layers, Variant::Deep, device);
        let double = |widths: [usize; 3]| DoubleConv::new(widths.map(|n| plain.width(n)), device);
        let up = |input, output| Up { conv: double([input, input / 2, output]) };
        Self {
            backbone: if config.layer4 { backbone } else { backbone.without_layer4() },
            bottleneck: double([1024; 3]),
            conv_decode3: up(2048, 512),
            conv_decode2: up(1024, 256),
            conv_decode1: up(512, 128),
            conv_decode0: up(256, 64),
            outc: OutConv::new([plain.width(64), config.n_classes], device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let e0 = self.backbone.stem(input); // [N, 128, H/2, W/2]
        let e1 = self.backbone.layer1(e0.clone()); // [N, 256, H/4, W/4]
        let e2 = self.backbone.layer2(e1.clone()); // [N, 512, H/8, W/8]
        let e3 = self.backbone.layer3(e2.clone()); // [N, 1024, H/16, W/16]
        let x = self.bottleneck.forward(e3.clone());
        let x = self.conv_decode3.forward(e3, x);
        let x = self.conv_decode2.forward(e2, x);
        let x = self.conv_decode1.forward(e1, x);
        let x = self.conv_decode0.forward(e0, x); // [N, 64, H, W]
        Outputs::of(self.outc.forward(x))
    }

    fn bytes_per_pixel(config: &ResUnetConfig) -> usize {
        // At full resolution: 256 channels while they are enlarged, twice more at their two neighbours.
        4 * (3 * config.plain().width(256) + config.n_classes)
    }
}
