//! EANet. M.-H. Guo et al.: "Beyond Self-attention: External Attention using Two Linear Layers for Visual Tasks", 2021.

use super::{
    OverResNet,
    external_attention::ExternalAttention,
    over_resnet::{INPUT, bytes_per_pixel, encoder, enlarged, probe_config},
};
use crate::nn::{
    Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Dropout, Norm, NormKind, UpConv, conv},
    encoders::deep_stem::{DeepStem, Variant},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/eanet",
    title: "EANet",
    paper: "Guo et al., External Attention using Two Linear Layers for Visual Tasks, 2021; JMedSeg",
    family: "jmedseg",
    input: INPUT,
    published: Published::Logits,
    as_published: || json!({}),
    probe_config,
    make: Make::slices::<EaNet>(),
};

#[derive(Module, Debug)]
struct Unit {
    conv: Conv,
    bn: Norm,
}

#[derive(Module, Debug)]
struct UpUnit {
    deconv: UpConv,
    bn: Norm,
}

#[derive(Module, Debug)]
struct EaNet {
    backbone: DeepStem,
    fc0: Unit,
    head: ExternalAttention,
    fc1: (UpUnit, Dropout),
    fc2: UpConv,
}

impl SegmentationModule for EaNet {
    type Config = OverResNet;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &OverResNet, device: &Device) -> Self {
        let plain = config.plain();
        let [w2048, w512, w256] = [2048, 512, 256].map(|n| plain.width(n));
        let up = conv(w512, w256, 3).stride(2).padding(1).output_padding(1).no_bias();
        Self {
            backbone: encoder(&plain, config.layers, Variant::GroupNormed, device),
            fc0: Unit {
                conv: conv(w2048, w512, 3).same().no_bias().init(device),
                bn: NormKind::Group.init(w512, device),
            },
            head: ExternalAttention::new(w512, plain.width(64), device),
            fc1: (
                UpUnit { deconv: up.init_transposed(device), bn: NormKind::Group.init(w256, device) },
                Dropout::new(0.1),
            ),
            fc2: conv(w256, config.n_classes, 2).stride(2).init_transposed(device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let x = self.backbone.forward(input); // [N, 2048, H/16, W/16]
        let x = self.head.forward(relu(self.fc0.bn.forward(self.fc0.conv.forward(x))));
        let (up, dropout) = &self.fc1;
        let x = dropout.forward(relu(up.bn.forward(up.deconv.forward(x)))); // [N, 256, H/8, W/8]
        enlarged(self.fc2.forward(x), [h, w])
    }

    fn bytes_per_pixel(config: &OverResNet) -> usize {
        bytes_per_pixel(&config.plain())
    }
}
