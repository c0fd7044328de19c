//! The U-Net++ of the polyp system: the last nodes of a depth have half the channels, unlike the paper's.
//! Z. Zhou et al.: "UNet++: A Nested U-Net Architecture for Medical Image Segmentation", DLMIA 2018.

use super::layers::{Level, UpUnit, configuration, double, pointwise};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Sequential, max_pool},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

configuration!(
    UnetppConfig,
    32,
    /// Three heads more, on the columns before the last, for deep supervision.
    use_aux
);

pub static SPEC: ModelSpec = ModelSpec {
    id: "polyp/unetpp",
    title: "U-Net++ (polyp system)",
    paper: "Zhou et al., UNet++, DLMIA 2018",
    family: "polyp",
    input: InputRule::multiple_of(16),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "base_channel": 4, "use_aux": true }),
    make: Make::slices::<Unetpp>(),
};

/// A node whose result is also raised to the depth above.
#[derive(Module, Debug)]
struct Node {
    conv: Sequential,
    up: UpUnit,
}

impl Node {
    /// The maps before it at its depth or below it, to its own `[N, output, h, w]` and those for the depth above,
    /// `[N, raised, 2h, 2w]`.
    fn forward(&self, inputs: Vec<Tensor<4>>) -> (Tensor<4>, Tensor<4>) {
        let x = self.conv.forward(Tensor::cat(inputs, 1));
        (x.clone(), self.up.forward(x))
    }
}

/// Nodes `stage` ij at depth i (sizes halve) and column j, as in the paper's figure 1.
#[derive(Module, Debug)]
struct Unetpp {
    stage00: Level,
    stage10: Node,
    stage20: Node,
    stage30: Node,
    stage40: Node,
    stage01: Sequential,
    stage02: Sequential,
    stage03: Sequential,
    stage11: Node,
    stage12: Node,
    stage21: Node,
    stage31: Node,
    stage22: Node,
    stage13: Node,
    stage04: Sequential,
    seg_head: Conv,
    aux_heads: Vec<Conv>,
}

impl SegmentationModule for Unetpp {
    type Config = UnetppConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &UnetppConfig, device: &Device) -> Self {
        let &UnetppConfig { in_channels, n_classes, base_channel: b, act_type: act, use_aux } = config;
        let node = |input, output, raised| Node {
            conv: double(input, output, 1, act, device),
            up: UpUnit::new(output, raised, 2, act, device),
        };
        let top = |column: usize| double((column + 1) * b, b, 1, act, device);
        let head = || pointwise(b, n_classes, device);
        Self {
            stage00: Level::new(in_channels, b, act, device),
            stage10: node(b, 2 * b, b),
            stage20: node(2 * b, 4 * b, 2 * b),
            stage30: node(4 * b, 8 * b, 4 * b),
            stage40: node(8 * b, 16 * b, 8 * b),
            stage01: top(1),
            stage02: top(2),
            stage03: top(3),
            stage11: node(4 * b, 2 * b, b),
            stage12: node(6 * b, 2 * b, b),
            stage21: node(8 * b, 4 * b, 2 * b),
            stage31: node(16 * b, 4 * b, 4 * b),
            stage22: node(12 * b, 2 * b, 2 * b),
            stage13: node(8 * b, b, b),
            stage04: top(4),
            seg_head: head(),
            aux_heads: (0..if use_aux { 3 } else { 0 }).map(|_| head()).collect(),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`, and with `use_aux` three auxiliary ones of that shape.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let pool = |x: &Tensor<4>| vec![max_pool(x.clone(), 3, 2, 1)];
        let x00 = self.stage00.forward(input); // [N, b, H, W]
        let (x10, up10) = self.stage10.forward(pool(&x00)); // [N, 2b, H/2, W/2]
        let (x20, up20) = self.stage20.forward(pool(&x10)); // [N, 4b, H/4, W/4]
        let (x30, up30) = self.stage30.forward(pool(&x20)); // [N, 8b, H/8, W/8]
        let (_, up40) = self.stage40.forward(pool(&x30)); // [N, 16b, H/16, W/16]

        let (_, up31) = self.stage31.forward(vec![up40, x30]);
        let (x21, up21) = self.stage21.forward(vec![up30, x20.clone()]);
        let (_, up22) = self.stage22.forward(vec![up31, x20, x21]);
        let (x11, up11) = self.stage11.forward(vec![up20, x10.clone()]);
        let (x12, up12) = self.stage12.forward(vec![up21, x10.clone(), x11.clone()]);
        let (_, up13) = self.stage13.forward(vec![up22, x10, x11, x12]);

        let top = |stage: &Sequential, inputs| stage.forward(Tensor::cat(inputs, 1));
        let x01 = top(&self.stage01, vec![up10, x00.clone()]);
        let x02 = top(&self.stage02, vec![up11, x00.clone(), x01.clone()]);
        let x03 = top(&self.stage03, vec![up12, x00.clone(), x01.clone(), x02.clone()]);
        let x04 = top(&self.stage04, vec![up13, x00, x01.clone(), x02.clone(), x03.clone()]);
        let auxiliary = self.aux_heads.iter().zip([x01, x02, x03]).map(|(head, x)| head.forward(x)).collect();
        Outputs { auxiliary, ..Outputs::of(self.seg_head.forward(x04)) }
    }

    fn bytes_per_pixel(config: &UnetppConfig) -> usize {
        // At full resolution: four nodes of b and what comes up to them, the last one's five concatenated, once more as the
        // convolution lays them out, and what it gives; the nodes of half the size come to 3b.
        4 * 23 * config.base_channel.max(config.n_classes)
    }
}
