//! OCNet. Y. Yuan et al.: "OCNet: Object Context Network for Scene Parsing", 2018.

use super::{
    OverResNet,
    over_resnet::{INPUT, bytes_per_pixel, encoder, enlarged, probe_config, unit3},
};
use crate::nn::{
    Init, InitSite, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Dropout, Sequential, attend, same_conv},
    encoders::deep_stem::{DeepStem, Variant},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/ocnet",
    title: "OCNet",
    paper: "Yuan et al., OCNet: Object Context Network for Scene Parsing, 2018; JMedSeg",
    family: "jmedseg",
    input: INPUT.most(1024),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config,
    make: Make::slices::<OcNet>(),
};

/// Attention between pixels, the paper's object context, beside its input.
#[derive(Module, Debug)]
struct ObjectContext {
    query_conv: Conv,
    key_conv: Conv,
    value_conv: Conv,
    scale_conv: Conv,
}

impl ObjectContext {
    fn new(channels: usize, device: &Device) -> Self {
        let to = |output| same_conv([channels, output], 1, device);
        Self {
            query_conv: to(channels / 2),
            key_conv: to(channels / 2),
            value_conv: to(channels),
            scale_conv: to(channels),
        }
    }

    /// `[N, C, H, W]` to `[N, 2 C, H, W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (query, key) = (self.query_conv.forward(x.clone()), self.key_conv.forward(x.clone()));
        let context = self.scale_conv.forward(attend(query, key, self.value_conv.forward(x.clone())));
        Tensor::cat(vec![context, x], 1)
    }
}

#[derive(Module, Debug)]
struct OcHead {
    conv_0: Sequential,
    oc: ObjectContext,
    conv_1: Sequential,
    conv_2: (Dropout, Conv),
}

#[derive(Module, Debug)]
struct OcNet {
    backbone: DeepStem,
    head: OcHead,
}

impl SegmentationModule for OcNet {
    type Config = OverResNet;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &OverResNet, device: &Device) -> Self {
        let plain = config.plain();
        let [w2048, w512] = [2048, 512].map(|n| plain.width(n));
        Self {
            backbone: encoder(&plain, config.layers, Variant::Deep, device),
            head: OcHead {
                conv_0: unit3(w2048, w512, device),
                oc: ObjectContext::new(w512, device),
                conv_1: unit3(2 * w512, w512, device),
                conv_2: (Dropout::new(0.1), same_conv([w512, config.n_classes], 1, device)),
            },
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let x = self.head.conv_0.forward(self.backbone.forward(input)); // [N, 512, H/16, W/16]
        let x = self.head.conv_1.forward(self.head.oc.forward(x));
        let (dropout, conv) = &self.head.conv_2;
        enlarged(conv.forward(dropout.forward(x)), [h, w])
    }

    fn bytes_per_pixel(config: &OverResNet) -> usize {
        bytes_per_pixel(&config.plain())
    }

    /// The context starts switched off.
    fn initial(site: &InitSite<'_>) -> Init {
        if site.name.ends_with("scale_conv.weight") { Init::Constant(0.0) } else { site.standard() }
    }
}
