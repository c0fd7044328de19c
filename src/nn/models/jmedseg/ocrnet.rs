//! OCRNet. Y. Yuan et al.: "Object-Contextual Representations for Semantic Segmentation", ECCV 2020.

use super::{
    OverResNet,
    over_resnet::{INPUT, bytes_per_pixel, encoder, enlarged, probe_config},
};
use crate::nn::{
    Init, InitSite, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Dropout, Sequential, batch_norm, op, same_conv},
    encoders::deep_stem::{DeepStem, Variant},
};
use burn::{
    module::Module,
    tensor::{
        Device, Tensor,
        activation::{relu, softmax},
    },
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/ocrnet",
    title: "OCRNet",
    paper: "Yuan et al., Object-Contextual Representations for Semantic Segmentation, ECCV 2020; JMedSeg",
    family: "jmedseg",
    input: INPUT,
    published: Published::Logits,
    as_published: || json!({}),
    probe_config,
    make: Make::slices::<OcrNet>(),
};

#[derive(Module, Debug)]
struct OcrHead {
    conv_1x1: Conv,
    last_conv: Conv,
}

impl OcrHead {
    /// Features `[N, 512, H, W]` and soft regions `[N, classes, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, features: Tensor<4>, regions: Tensor<4>) -> Tensor<4> {
        let dims = features.dims();
        let flat = features.clone().flatten::<3>(2, 3); // [N, 512, pixels]
        let regions = softmax(regions.flatten::<3>(2, 3), 2); // [N, classes, pixels]
        let objects = flat.clone().matmul(regions.swap_dims(1, 2)); // [N, 512, classes]
        // Over the pixels; the paper's softmax is over the classes.
        let relation = softmax(objects.clone().swap_dims(1, 2).matmul(flat), 2); // [N, classes, pixels]
        let context = self.conv_1x1.forward(objects.matmul(relation).reshape(dims));
        self.last_conv.forward(Tensor::cat(vec![context, features], 1))
    }
}

#[derive(Module, Debug)]
struct OcrNet {
    backbone: DeepStem,
    head: OcrHead,
    get_context: Sequential,
    conv_3x3: Sequential,
}

impl SegmentationModule for OcrNet {
    type Config = OverResNet;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &OverResNet, device: &Device) -> Self {
        let plain = config.plain();
        let [w2048, w1024, w512] = [2048, 1024, 512].map(|n| plain.width(n));
        let unit =
            |input| [same_conv([input, w512], 3, device).into(), batch_norm(w512, device).into(), op(relu)];
        let regions = [Dropout::new(0.05).into(), same_conv([w512, config.n_classes], 1, device).into()];
        Self {
            backbone: encoder(&plain, config.layers, Variant::Deep, device),
            head: OcrHead {
                conv_1x1: same_conv([w512, w512], 1, device),
                last_conv: same_conv([2 * w512, config.n_classes], 3, device),
            },
            get_context: Sequential::new(unit(w1024).into_iter().chain(regions)),
            conv_3x3: Sequential::new(unit(w2048)),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`. (The reference computes the regions' logits at full size too, and
    /// drops them.)
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let backbone = &self.backbone;
        let x = backbone.layer2(backbone.layer1(backbone.stem(input)));
        let x = backbone.layer3(x); // [N, 1024, H/16, W/16]
        let regions = self.get_context.forward(x.clone());
        let features = self.conv_3x3.forward(backbone.layer4(x));
        enlarged(self.head.forward(features, regions), [h, w])
    }

    fn bytes_per_pixel(config: &OverResNet) -> usize {
        bytes_per_pixel(&config.plain())
    }

    /// The context starts switched off.
    fn initial(site: &InitSite<'_>) -> Init {
        if site.name == "head.conv_1x1.weight" { Init::Constant(0.0) } else { site.standard() }
    }
}
