//! [`super::hardnet`] with a fourth, finer map in its decoder.

use super::hardnet::{Aggregation, HardnetConfig, ReceptiveField};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Align, bilinear},
    encoders::hardnet::Hardnet,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/hardalter",
    title: "HarDNet-MSEG, four maps",
    paper: "after Huang et al., HarDNet-MSEG, 2021; JMedSeg, 2021",
    family: "jmedseg",
    input: InputRule::multiple_of(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 8 }),
    make: Make::slices::<HardMsegAlter>(),
};

#[derive(Module, Debug)]
struct HardMsegAlter {
    rfb1_1: ReceptiveField,
    rfb2_1: ReceptiveField,
    rfb3_1: ReceptiveField,
    rfb4_1: ReceptiveField,
    agg1: Aggregation,
    hardnet: Hardnet,
}

impl SegmentationModule for HardMsegAlter {
    type Config = HardnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &HardnetConfig, device: &Device) -> Self {
        let ([rfb1_1, rfb2_1, rfb3_1, rfb4_1], agg1, hardnet) = config.parts(true, device);
        Self { rfb1_1, rfb2_1, rfb3_1, rfb4_1, agg1, hardnet }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, height, width] = input.dims();
        let [x1, x2, x3, x4] = self.hardnet.forward(input);
        let maps = [self.rfb4_1.forward(x4), self.rfb3_1.forward(x3), self.rfb2_1.forward(x2)];
        let logits = self.agg1.forward(maps, Some(self.rfb1_1.forward(x1)));
        Outputs::of(bilinear(logits, [height, width], Align::Centres))
    }

    fn bytes_per_pixel(config: &HardnetConfig) -> usize {
        config.bytes_per_pixel()
    }
}
