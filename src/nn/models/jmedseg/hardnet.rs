//! HarDNet-MSEG. C.-H. Huang et al.: "HarDNet-MSEG: A Simple Encoder-Decoder Polyp Segmentation Neural Network", 2021;
//! its decoder after Z. Wu et al.: "Cascaded Partial Decoder", CVPR 2019.

use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Align, BatchNorm, Conv, ConvConfig, batch_norm, bilinear, bilinear_up, conv},
    encoders::hardnet::Hardnet,
    models::plain_config,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

plain_config! {
    HardnetConfig {
        /// Channels of every map that the decoder is given.
        channel: usize = 32,
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/hardnet",
    title: "HarDNet-MSEG",
    paper: "Huang et al., HarDNet-MSEG: A Simple Encoder-Decoder Polyp Segmentation Neural Network, 2021",
    family: "jmedseg",
    input: InputRule::multiple_of(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 8 }),
    make: Make::slices::<HardMseg>(),
};

impl HardnetConfig {
    /// What the decoder sees of each of the encoder's maps, the decoder (of all maps or, without `finest`, of all but the
    /// first) and the encoder.
    pub fn parts(&self, finest: bool, device: &Device) -> ([ReceptiveField; 4], Aggregation, Hardnet) {
        let plain = self.plain();
        let n = plain.width(self.channel);
        (
            Hardnet::CHANNELS.map(|channels| ReceptiveField::new(plain.width(channels), n, device)),
            Aggregation::new(n, self.n_classes, finest, device),
            Hardnet::new(self.in_channels, |published| plain.width(published), device),
        )
    }

    /// At 1/2 of the size the two maps of the stem, at 1/4 the first block with its input, output and what is
    /// concatenated; the decoder's maps with what convolutions lay out, and the logits at full size.
    pub fn bytes_per_pixel(&self) -> usize {
        let [stem, n] = [64, self.channel].map(|n| self.plain().width(n));
        4 * (3 * stem + 6 * n + 4 * self.n_classes)
    }
}

/// Convolution and batch norm without an activation.
#[derive(Module, Debug)]
struct ConvNorm {
    conv: Conv,
    bn: BatchNorm,
}

impl ConvNorm {
    fn new(config: ConvConfig, device: &Device) -> Self {
        let conv = config.same().no_bias().init(device);
        let bn = batch_norm(conv.output_channels(), device);
        Self { conv, bn }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.bn.forward(self.conv.forward(x))
    }
}

/// Receptive field block (Liu et al., ECCV 2018): branches that look ever further.
#[derive(Module, Debug)]
pub struct ReceptiveField {
    branch0: Vec<ConvNorm>,
    branch1: Vec<ConvNorm>,
    branch2: Vec<ConvNorm>,
    branch3: Vec<ConvNorm>,
    conv_cat: ConvNorm,
    conv_res: ConvNorm,
}

impl ReceptiveField {
    pub fn new(input: usize, output: usize, device: &Device) -> Self {
        let first = || ConvNorm::new(conv(input, output, 1), device);
        let inner = conv(output, output, 3);
        let branch = |k: usize| {
            let rest = [inner.kernel([1, k]), inner.kernel([k, 1]), inner.dilation(k)];
            std::iter::once(first()).chain(rest.map(|config| ConvNorm::new(config, device))).collect()
        };
        Self {
            branch0: vec![first()],
            branch1: branch(3),
            branch2: branch(5),
            branch3: branch(7),
            conv_cat: ConvNorm::new(conv(4 * output, output, 3), device),
            conv_res: first(),
        }
    }

    /// `[N, input, H, W]` to `[N, output, H, W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let branches = [&self.branch0, &self.branch1, &self.branch2, &self.branch3];
        let branches = branches.map(|b| b.iter().fold(x.clone(), |x, layer| layer.forward(x)));
        relu(self.conv_cat.forward(Tensor::cat(branches.into(), 1)) + self.conv_res.forward(x))
    }
}

/// The partial decoder: deep maps gate the finer ones, then all are concatenated from the deepest on.
#[derive(Module, Debug)]
pub struct Aggregation {
    conv_upsample1: ConvNorm,
    conv_upsample2: ConvNorm,
    conv_upsample3: ConvNorm,
    conv_upsample4: ConvNorm,
    conv_upsample5: ConvNorm,
    conv_upsample6: Option<ConvNorm>,
    conv_concat2: ConvNorm,
    conv_concat3: ConvNorm,
    conv_concat4: Option<ConvNorm>,
    conv4: ConvNorm,
    conv5: Conv,
}

impl Aggregation {
    /// Of three maps of `n` channels, or of four with `finest`.
    pub fn new(n: usize, classes: usize, finest: bool, device: &Device) -> Self {
        let keep = |channels| ConvNorm::new(conv(channels, channels, 3), device);
        let all = if finest { 4 * n } else { 3 * n };
        Self {
            conv_upsample1: keep(n),
            conv_upsample2: keep(n),
            conv_upsample3: keep(n),
            conv_upsample4: keep(n),
            conv_upsample5: keep(2 * n),
            conv_upsample6: finest.then(|| keep(3 * n)),
            conv_concat2: keep(2 * n),
            conv_concat3: keep(3 * n),
            conv_concat4: finest.then(|| keep(4 * n)),
            conv4: keep(all),
            conv5: conv(all, classes, 1).init(device),
        }
    }

    /// From `x1`, the deepest, to `x3`, each twice the size of the one before, and `x4` twice that where there is one:
    /// `[N, n, h, w]` to logits `[N, classes, …]` of the size of the last.
    pub fn forward(&self, [x1, x2, x3]: [Tensor<4>; 3], x4: Option<Tensor<4>>) -> Tensor<4> {
        let up = |x| bilinear_up(x, 2);
        let join = |a, b| Tensor::cat(vec![a, b], 1);
        let up_x1 = up(x1);
        let x2_1 = self.conv_upsample1.forward(up_x1.clone()) * x2.clone();
        // Twice by two, which is not the same as once by four.
        let x3_1 = self.conv_upsample2.forward(up(up_x1.clone())) * self.conv_upsample3.forward(up(x2)) * x3;
        let x2_2 = self.conv_concat2.forward(join(x2_1, self.conv_upsample4.forward(up_x1)));
        let mut x = self.conv_concat3.forward(join(x3_1, self.conv_upsample5.forward(up(x2_2))));
        if let (Some(x4), Some(up6), Some(concat4)) = (x4, &self.conv_upsample6, &self.conv_concat4) {
            x = concat4.forward(join(x4, up6.forward(up(x))));
        }
        self.conv5.forward(self.conv4.forward(x))
    }
}

#[derive(Module, Debug)]
struct HardMseg {
    rfb2_1: ReceptiveField,
    rfb3_1: ReceptiveField,
    rfb4_1: ReceptiveField,
    agg1: Aggregation,
    hardnet: Hardnet,
}

impl SegmentationModule for HardMseg {
    type Config = HardnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &HardnetConfig, device: &Device) -> Self {
        let ([_, rfb2_1, rfb3_1, rfb4_1], agg1, hardnet) = config.parts(false, device);
        Self { rfb2_1, rfb3_1, rfb4_1, agg1, hardnet }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, height, width] = input.dims();
        let [_, x2, x3, x4] = self.hardnet.forward(input);
        let maps = [self.rfb4_1.forward(x4), self.rfb3_1.forward(x3), self.rfb2_1.forward(x2)];
        Outputs::of(bilinear(self.agg1.forward(maps, None), [height, width], Align::Centres))
    }

    fn bytes_per_pixel(config: &HardnetConfig) -> usize {
        config.bytes_per_pixel()
    }
}
