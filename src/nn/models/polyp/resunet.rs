//! ResUNet as the polyp system has it: residual blocks that activate after each convolution and not after the sum, where
//! the paper's activate before.
//! Z. Zhang et al.: "Road Extraction by Deep Residual U-Net", IEEE GRSL 2018.

use super::layers::{Activation, configuration, double, pointwise};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Align, Conv, Sequential, bilinear, conv},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

configuration!(ResunetConfig, 64);

pub static SPEC: ModelSpec = ModelSpec {
    id: "polyp/resunet",
    title: "ResUNet",
    paper: "Zhang et al., Road Extraction by Deep Residual U-Net, IEEE GRSL 2018",
    family: "polyp",
    // Any size; the lowest level is an eighth of it.
    input: InputRule::multiple_of(1).least(16),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "base_channel": 8 }),
    make: Make::slices::<Resunet>(),
};

#[derive(Module, Debug)]
struct Residual {
    conv: Sequential,
    /// Where channels or size change; elsewhere the input itself is added.
    conv_skip: Option<Conv>,
}

impl Residual {
    fn new(input: usize, output: usize, stride: usize, act: Activation, device: &Device) -> Self {
        Self {
            conv: double(input, output, stride, act, device),
            conv_skip: (input != output || stride != 1)
                .then(|| conv(input, output, 1).stride(stride).no_bias().init(device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let main = self.conv.forward(x.clone());
        main + match &self.conv_skip {
            Some(conv) => conv.forward(x),
            None => x,
        }
    }
}

#[derive(Module, Debug)]
struct Resunet {
    encoding1: Residual,
    encoding2: Residual,
    encoding3: Residual,
    bridge: Residual,
    decoding3: Residual,
    decoding2: Residual,
    decoding1: Residual,
    seg_head: Conv,
}

impl SegmentationModule for Resunet {
    type Config = ResunetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &ResunetConfig, device: &Device) -> Self {
        let &ResunetConfig { in_channels, n_classes, base_channel: b, act_type: act } = config;
        let block = |input, output, stride| Residual::new(input, output, stride, act, device);
        Self {
            encoding1: block(in_channels, b, 1),
            encoding2: block(b, 2 * b, 2),
            encoding3: block(2 * b, 4 * b, 2),
            bridge: block(4 * b, 8 * b, 2),
            decoding3: block(12 * b, 4 * b, 1),
            decoding2: block(6 * b, 2 * b, 1),
            decoding1: block(3 * b, b, 1),
            seg_head: pointwise(b, n_classes, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x1 = self.encoding1.forward(input); // [N, b, H, W]
        let x2 = self.encoding2.forward(x1.clone()); // [N, 2b, ⌈H/2⌉, ⌈W/2⌉]
        let x3 = self.encoding3.forward(x2.clone()); // [N, 4b, ⌈H/4⌉, ⌈W/4⌉]
        let x = self.bridge.forward(x3.clone()); // [N, 8b, ⌈H/8⌉, ⌈W/8⌉]
        let decode = |block: &Residual, low, skip| block.forward(raise_to(low, skip));
        let x = decode(&self.decoding3, x, x3);
        let x = decode(&self.decoding2, x, x2);
        let x = decode(&self.decoding1, x, x1);
        Outputs::of(self.seg_head.forward(x))
    }

    fn bytes_per_pixel(config: &ResunetConfig) -> usize {
        // At full resolution: 3b channels concatenated, once more as the convolution lays them out, two maps of b, one of
        // them laid out.
        4 * 10 * config.base_channel.max(config.n_classes)
    }
}

/// `low` resized to the skip's size, and the skip: `[low, skip]`.
pub fn raise_to(low: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
    let [_, _, h, w] = skip.dims();
    Tensor::cat(vec![bilinear(low, [h, w], Align::Corners), skip], 1)
}
