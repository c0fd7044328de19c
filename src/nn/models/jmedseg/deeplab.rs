//! DeepLab v3+ (the reference's README calls it V2). L.-C. Chen et al.: "Encoder-Decoder with Atrous Separable Convolution
//! for Semantic Image Segmentation", ECCV 2018; here without separable convolutions. The reference has it twice: over the
//! deep stem (its commands' "deeplab"), and over a stem of one convolution 7×7 (which no command reaches).

use super::{
    OverResNet,
    over_resnet::{INPUT, bytes_per_pixel, conv_norm_relu, encoder, enlarged, probe_config, unit},
};
use crate::nn::{
    Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{
        Align, BatchNorm, Conv, ConvConfig, Dropout, Sequential, batch_norm, bilinear, conv, global_avg, op,
        same_conv,
    },
    encoders::deep_stem::{DeepStem, Variant},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/deeplab",
    title: "DeepLab v3+, deep stem",
    paper: "Chen et al., Encoder-Decoder with Atrous Separable Convolution, ECCV 2018; JMedSeg",
    family: "jmedseg",
    input: INPUT,
    published: Published::Logits,
    as_published: || json!({}),
    probe_config,
    make: Make::slices::<DeepLab<true>>(),
};

pub static V3PLUS: ModelSpec = ModelSpec {
    id: "jmedseg/deeplabv3plus",
    title: "DeepLab v3+",
    make: Make::slices::<DeepLab<false>>(),
    ..SPEC
};

#[derive(Module, Debug)]
struct Atrous {
    atrous_conv: Conv,
    bn: BatchNorm,
}

impl Atrous {
    fn new(output: usize, conv: ConvConfig, device: &Device) -> Self {
        Self { atrous_conv: conv.no_bias().init(device), bn: batch_norm(output, device) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        conv_norm_relu(&self.atrous_conv, &self.bn, x)
    }
}

/// Atrous spatial pyramid pooling.
#[derive(Module, Debug)]
struct Aspp {
    aspp1: Atrous,
    aspp2: Atrous,
    aspp3: Atrous,
    aspp4: Atrous,
    global_avg_pool: Sequential,
    conv1: Conv,
    bn1: BatchNorm,
    dropout: Dropout,
}

impl Aspp {
    fn new(plain: &Plain, device: &Device) -> Self {
        let (input, output) = (plain.width(2048), plain.width(256));
        let atrous = |rate| Atrous::new(output, conv(input, output, 3).dilation(rate).same(), device);
        let mut pool = vec![op(global_avg)];
        pool.extend(unit(input, output, 1, device));
        Self {
            aspp1: Atrous::new(output, conv(input, output, 1), device),
            aspp2: atrous(6),
            aspp3: atrous(12),
            aspp4: atrous(18),
            global_avg_pool: Sequential::new(pool),
            conv1: conv(5 * output, output, 1).no_bias().init(device),
            bn1: batch_norm(output, device),
            dropout: Dropout::new(0.5),
        }
    }

    /// `[N, 2048, H, W]` to `[N, 256, H, W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut all: Vec<_> =
            [&self.aspp1, &self.aspp2, &self.aspp3, &self.aspp4].map(|a| a.forward(x.clone())).into();
        let pooled = self.global_avg_pool.forward(x);
        all.push(pooled.expand(all[0].dims()));
        self.dropout.forward(conv_norm_relu(&self.conv1, &self.bn1, Tensor::cat(all, 1)))
    }
}

#[derive(Module, Debug)]
struct Decoder {
    conv1: Conv,
    bn1: BatchNorm,
    last_conv: Sequential,
}

impl Decoder {
    fn new(plain: &Plain, device: &Device) -> Self {
        let [w48, w256] = [48, 256].map(|n| plain.width(n));
        let mut last = unit(w48 + w256, w256, 3, device);
        last.push(Dropout::new(0.5).into());
        last.extend(unit(w256, w256, 3, device));
        last.extend([Dropout::new(0.1).into(), same_conv([w256, plain.n_classes], 1, device).into()]);
        Self {
            conv1: conv(w256, w48, 1).no_bias().init(device),
            bn1: batch_norm(w48, device),
            last_conv: Sequential::new(last),
        }
    }

    /// The pyramid's map and the encoder's first, `[N, 256, H/4, W/4]`, to logits `[N, classes, H/4, W/4]`.
    fn forward(&self, pyramid: Tensor<4>, low: Tensor<4>) -> Tensor<4> {
        let low = conv_norm_relu(&self.conv1, &self.bn1, low);
        let [_, _, h, w] = low.dims();
        self.last_conv.forward(Tensor::cat(vec![bilinear(pyramid, [h, w], Align::Centres), low], 1))
    }
}

#[derive(Module, Debug)]
struct DeepLab<const DEEP: bool> {
    backbone: DeepStem,
    aspp: Aspp,
    decoder: Decoder,
}

impl<const DEEP: bool> SegmentationModule for DeepLab<DEEP> {
    type Config = OverResNet;

    fn spec() -> &'static ModelSpec {
        if DEEP { &SPEC } else { &V3PLUS }
    }

    fn new(config: &OverResNet, device: &Device) -> Self {
        let plain = config.plain();
        Self {
            backbone: encoder(
                &plain,
                config.layers,
                if DEEP { Variant::Deep } else { Variant::Wide },
                device,
            ),
            aspp: Aspp::new(&plain, device),
            decoder: Decoder::new(&plain, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let backbone = &self.backbone;
        let low = backbone.layer1(backbone.stem(input)); // [N, 256, H/4, W/4]
        let deep = backbone.layer4(backbone.layer3(backbone.layer2(low.clone()))); // [N, 2048, H/16, W/16]
        enlarged(self.decoder.forward(self.aspp.forward(deep), low), [h, w])
    }

    fn bytes_per_pixel(config: &OverResNet) -> usize {
        bytes_per_pixel(&config.plain())
    }
}
