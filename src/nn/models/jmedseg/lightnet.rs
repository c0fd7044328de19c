//! LightNet of JMedSeg: [`super::onenet`] on the sum of the colours, its maps multiplied instead of concatenated.

use super::{
    onenet::{Embed, Expand},
    shuffled_conv::{self, GROUPS, ShuffledConv, TAPS, half},
};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule, blocks::conv, models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/lightnet",
    title: "LightNet",
    paper: "JMedSeg, 2021",
    family: "jmedseg",
    input: InputRule::multiple_of(4),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 4 }),
    make: Make::slices::<LightNet>(),
};

#[derive(Module, Debug)]
struct LightNet {
    embed: (Embed, ShuffledConv, ShuffledConv, ShuffledConv, ShuffledConv),
    layers: Vec<ShuffledConv>,
    fuse: Vec<ShuffledConv>,
    decode: (ShuffledConv, ShuffledConv, Expand),
}

impl SegmentationModule for LightNet {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let [narrow, wide] = [16, 32].map(|n| config.width(n));
        // Rolled by half a narrow group everywhere.
        let roll = half(narrow);
        let embed = |groups| ShuffledConv::new([narrow, wide], groups, 3, 1, roll, device);
        let point = |widths, groups| ShuffledConv::new(widths, groups, 1, 1, roll, device);
        Self {
            embed: (
                Embed { conv: conv(1, 4 * narrow, 4).stride(4).init(device) },
                embed(4),
                embed(8),
                embed(16),
                embed(32),
            ),
            layers: shuffled_conv::layers(narrow, device),
            fuse: TAPS.iter().map(|_| point([narrow, narrow], GROUPS)).collect(),
            decode: (
                point([wide, narrow], 32),
                point([wide, narrow], 16),
                Expand { conv: conv(16 * narrow, config.n_classes, 4).stride(4).init_transposed(device) },
            ),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let (embed, a, b, c, d) = &self.embed;
        let x = embed.conv.forward(input.sum_dim(1)); // [N, 64, H/4, W/4]
        let x = [a, b, c, d].into_iter().fold(x, |x, layer| layer.forward(x)); // [N, 1024, H/4, W/4]
        let (taps, x) = shuffled_conv::run(&self.layers, x);
        let taps = taps.into_iter().zip(&self.fuse).rev();
        let x = taps.fold(x, |x, (tap, layer)| layer.forward(x * tap)); // [N, 1024, H/4, W/4]
        let (first, second, expand) = &self.decode;
        Outputs::of(expand.conv.forward(second.forward(first.forward(x))))
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        // At 1/16 of the pixels: seven maps of 64 groups that are kept, three at work.
        4 * 10 * GROUPS * config.width(16) / 16
    }
}
