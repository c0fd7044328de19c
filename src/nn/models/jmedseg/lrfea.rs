//! LRFEANet: EANet over an encoder of patches (JMedSeg's own; no paper).

use super::{
    external_attention::ExternalAttention,
    over_resnet::{INPUT, enlarged},
};
use crate::nn::{
    Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{ConvConfig, Dropout, Layer, NormKind, Sequential, UpConv, conv, op},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/lrfea",
    title: "LRFEANet",
    paper: "JMedSeg; external attention: Guo et al., 2021",
    family: "jmedseg",
    input: INPUT,
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<LrfEaNet>(),
};

/// Two convolutions with group norm, the inner one at a width of its own.
fn pair(first: ConvConfig, middle: usize, output: usize, device: &Device) -> Vec<Layer> {
    let norm = |channels| NormKind::Group.init(channels, device).into();
    vec![
        first.no_bias().init(device).into(),
        norm(middle),
        op(relu),
        conv(middle, output, 1).no_bias().init(device).into(),
        norm(output),
    ]
}

#[derive(Module, Debug)]
struct Block {
    block: Sequential,
    residual: bool,
}

impl Block {
    /// Patches of 2×2 pixels become pixels: half the size.
    fn merge(input: usize, output: usize, device: &Device) -> Self {
        let patches = conv(input, 4 * input, 2).stride(2);
        Self { block: Sequential::new(pair(patches, 4 * input, output, device)), residual: false }
    }

    /// A residual block around a convolution 3×3.
    fn aggregate(channels: usize, dilation: usize, device: &Device) -> Self {
        let wide = conv(channels, 2 * channels, 3).dilation(dilation).same();
        Self { block: Sequential::new(pair(wide, 2 * channels, channels, device)), residual: true }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(if self.residual { self.block.forward(x.clone()) + x } else { self.block.forward(x) })
    }
}

/// A step of the encoder, by its index.
#[derive(Module, Debug)]
enum Step {
    Block(Block),
    Stage(Vec<Block>),
    Layer(Layer),
}

#[derive(Module, Debug)]
struct Encoder {
    net: Vec<Step>,
}

impl Encoder {
    fn new(config: &Plain, device: &Device) -> Self {
        let [w64, w128, w256, w512] = [64, 128, 256, 512].map(|n| config.width(n));
        let merge = |input, output| Step::Block(Block::merge(input, output, device));
        let stage = |channels, dilations: &[usize]| {
            Step::Stage(dilations.iter().map(|&d| Block::aggregate(channels, d, device)).collect())
        };
        Self {
            net: vec![
                merge(config.in_channels, w64),
                Step::Block(Block::aggregate(w64, 1, device)),
                merge(w64, w64),
                stage(w64, &[1; 5]),
                merge(w64, w128),
                stage(w128, &[1; 5]),
                merge(w128, w256),
                stage(w256, &[1, 1, 2].repeat(6)),
                Step::Layer(conv(w256, w512, 1).no_bias().init(device).into()),
                Step::Layer(NormKind::Group.init(w512, device).into()),
                Step::Layer(op(relu)),
                stage(w512, &[1, 2, 4, 8]),
            ],
        }
    }

    /// `[N, in, H, W]` to `[N, 512, H/16, W/16]`.
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.net.iter().fold(input, |x, step| match step {
            Step::Block(block) => block.forward(x),
            Step::Stage(blocks) => blocks.iter().fold(x, |x, block| block.forward(x)),
            Step::Layer(layer) => layer.forward(x),
        })
    }
}

/// Pixels become patches of 2×2 pixels: twice the size.
#[derive(Module, Debug)]
struct Split {
    block: Sequential,
}

#[derive(Module, Debug)]
struct LrfEaNet {
    backbone: Encoder,
    head: ExternalAttention,
    split: (Split, Dropout),
    fc: UpConv,
}

impl SegmentationModule for LrfEaNet {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let [w512, w256, w2048] = [512, 256, 2048].map(|n| config.width(n));
        let split = Sequential::new([
            conv(w512, w2048, 1).no_bias().init(device).into(),
            NormKind::Group.init(w2048, device).into(),
            op(relu),
            conv(w2048, w256, 2).stride(2).no_bias().init_transposed(device).into(),
            NormKind::Group.init(w256, device).into(),
            op(relu),
        ]);
        Self {
            backbone: Encoder::new(config, device),
            head: ExternalAttention::new(w512, config.width(64), device),
            split: (Split { block: split }, Dropout::new(0.1)),
            fc: conv(w256, config.n_classes, 2).stride(2).init_transposed(device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, h, w] = input.dims();
        let x = self.head.forward(self.backbone.forward(input)); // [N, 512, H/16, W/16]
        let (split, dropout) = &self.split;
        let x = dropout.forward(split.block.forward(x)); // [N, 256, H/8, W/8]
        enlarged(self.fc.forward(x), [h, w])
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        // At half resolution: 128 channels, before and after their norm, and 64 beside them as the convolution lays them
        // out; logits that are enlarged.
        4 * (config.width(128) + 4 * config.n_classes)
    }
}
