//! DANet. J. Fu et al.: "Dual Attention Network for Scene Segmentation", CVPR 2019.

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
    module::{Module, Param},
    tensor::{Device, Tensor, activation::softmax},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/danet",
    title: "DANet",
    paper: "Fu et al., Dual Attention Network for Scene Segmentation, CVPR 2019; JMedSeg",
    family: "jmedseg",
    input: INPUT.most(1024),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config,
    make: Make::slices::<DaNet>(),
};

fn gamma(device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::zeros([1], device))
}

/// `gamma * attended + input`.
fn gated(gamma: &Param<Tensor<1>>, attended: Tensor<4>, input: Tensor<4>) -> Tensor<4> {
    attended * gamma.val().reshape([1, 1, 1, 1]) + input
}

/// Attention between pixels: the paper's position attention.
#[derive(Module, Debug)]
struct Position {
    gamma: Param<Tensor<1>>,
    query_conv: Conv,
    key_conv: Conv,
    value_conv: Conv,
}

impl Position {
    fn new(channels: usize, device: &Device) -> Self {
        let to = |output| same_conv([channels, output], 1, device);
        Self {
            gamma: gamma(device),
            query_conv: to(channels / 8),
            key_conv: to(channels / 8),
            value_conv: to(channels),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (query, key) = (self.query_conv.forward(x.clone()), self.key_conv.forward(x.clone()));
        gated(&self.gamma, attend(query, key, self.value_conv.forward(x.clone())), x)
    }
}

/// Attention between channels. The softmax is taken of the products as they are, so that it is nearly one-hot (the
/// authors of DANet first subtract them from their maximum).
#[derive(Module, Debug)]
struct Channel {
    gamma: Param<Tensor<1>>,
}

impl Channel {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let flat = x.clone().flatten::<3>(2, 3); // [N, C, pixels]
        let weights = softmax(flat.clone().matmul(flat.clone().swap_dims(1, 2)), 2);
        gated(&self.gamma, weights.matmul(flat).reshape(x.dims()), x)
    }
}

#[derive(Module, Debug)]
struct DaHead {
    conv5a: Sequential,
    conv5c: Sequential,
    sa: Position,
    sc: Channel,
    conv51: Sequential,
    conv52: Sequential,
    conv8: (Dropout, Conv),
}

#[derive(Module, Debug)]
struct DaNet {
    backbone: DeepStem,
    head: DaHead,
}

impl SegmentationModule for DaNet {
    type Config = OverResNet;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &OverResNet, device: &Device) -> Self {
        let plain = config.plain();
        let [w2048, w512] = [2048, 512].map(|n| plain.width(n));
        Self {
            backbone: encoder(&plain, config.layers, Variant::Deep, device),
            head: DaHead {
                conv5a: unit3(w2048, w512, device),
                conv5c: unit3(w2048, w512, device),
                sa: Position::new(w512, device),
                sc: Channel { gamma: gamma(device) },
                conv51: unit3(w512, w512, device),
                conv52: unit3(w512, w512, device),
                conv8: (Dropout::new(0.1), same_conv([w512, config.n_classes], 1, device)),
            },
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let x = self.backbone.forward(input); // [N, 2048, H/16, W/16]
        let head = &self.head;
        let pixels = head.conv51.forward(head.sa.forward(head.conv5a.forward(x.clone())));
        let channels = head.conv52.forward(head.sc.forward(head.conv5c.forward(x)));
        let (dropout, conv) = &head.conv8;
        enlarged(conv.forward(dropout.forward(pixels + channels)), [h, w])
    }

    fn bytes_per_pixel(config: &OverResNet) -> usize {
        bytes_per_pixel(&config.plain())
    }

    /// Both attentions start switched off.
    fn initial(site: &InitSite<'_>) -> Init {
        if site.name.ends_with("gamma") { Init::Constant(0.0) } else { site.standard() }
    }
}
