//! OneNet of JMedSeg: one resolution, a quarter of the input's, with ever larger dilations.

use super::shuffled_conv::{self, GROUPS, Norm, ShuffledConv, TAPS, half};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Dropout, GroupNorm, Layer, UpConv, conv, op},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/onenet",
    title: "OneNet",
    paper: "JMedSeg, 2021",
    family: "jmedseg",
    input: InputRule::multiple_of(4),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 4 }),
    make: Make::slices::<OneNet>(),
};

/// A convolution under the name `conv`.
#[derive(Module, Debug)]
pub struct Embed {
    pub conv: Conv,
}

/// A transposed convolution under the name `conv`.
#[derive(Module, Debug)]
pub struct Expand {
    pub conv: UpConv,
}

#[derive(Module, Debug)]
struct OneNet {
    embed: Embed,
    map: Vec<ShuffledConv>,
    layers: Vec<ShuffledConv>,
    fuse: (Conv, Norm, Layer, Dropout, Expand),
}

impl SegmentationModule for OneNet {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let [narrow, wide] = [16, 32].map(|n| config.width(n));
        let map = |groups| ShuffledConv::new([narrow, wide], groups, 3, 1, half(wide), device);
        let fused = config.width(256);
        Self {
            embed: Embed { conv: conv(config.in_channels, 8 * narrow, 4).stride(4).init(device) },
            map: [8, 16, 32].map(map).into(),
            layers: shuffled_conv::layers(narrow, device),
            fuse: (
                conv((TAPS.len() + 1) * GROUPS * narrow, fused, 1).no_bias().init(device),
                Norm { norm: GroupNorm::new(16, fused, device) },
                op(relu),
                Dropout::new(0.1),
                Expand { conv: conv(fused, config.n_classes, 4).stride(4).init_transposed(device) },
            ),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x = self.embed.conv.forward(input); // [N, 128, H/4, W/4]
        let x = self.map.iter().fold(x, |x, layer| layer.forward(x)); // [N, 1024, H/4, W/4]
        let (mut maps, x) = shuffled_conv::run(&self.layers, x);
        maps.push(x);
        let x = Tensor::cat(maps, 1); // [N, 8192, H/4, W/4]
        let (conv, norm, activation, dropout, expand) = &self.fuse;
        let x = activation.forward(norm.norm.forward(conv.forward(x))); // [N, 256, H/4, W/4]
        Outputs::of(expand.conv.forward(dropout.forward(x)))
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        // At 1/16 of the pixels: seven maps of 64 groups that are kept, eight joined, three at work.
        4 * 18 * GROUPS * config.width(16) / 16
    }
}
