//! The U-Net of the polyp system: transposed convolutions with batch norm, pools over 3×3 pixels.
//! O. Ronneberger et al.: "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.

use super::layers::{Activation, Level, UpUnit, configuration, double, pointwise};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Sequential, max_pool},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

configuration!(UnetConfig, 64);

pub static SPEC: ModelSpec = ModelSpec {
    id: "polyp/unet",
    title: "U-Net (polyp system)",
    paper: "Ronneberger et al., U-Net, MICCAI 2015",
    family: "polyp",
    input: InputRule::multiple_of(16),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "base_channel": 4 }),
    make: Make::slices::<Unet>(),
};

/// To twice the size, concatenation `[up, skip]`, double convolution.
#[derive(Module, Debug)]
struct Up {
    up: UpUnit,
    conv: Sequential,
}

impl Up {
    /// From `2 output` channels to `output`, as many as the skip has.
    fn new(output: usize, act: Activation, device: &Device) -> Self {
        Self {
            up: UpUnit::new(2 * output, output, 2, act, device),
            conv: double(2 * output, output, 1, act, device),
        }
    }

    fn forward(&self, low: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        self.conv.forward(Tensor::cat(vec![self.up.forward(low), skip], 1))
    }
}

#[derive(Module, Debug)]
struct Unet {
    down_stage1: Level,
    down_stage2: Level,
    down_stage3: Level,
    down_stage4: Level,
    mid_stage: Sequential,
    up_stage4: Up,
    up_stage3: Up,
    up_stage2: Up,
    up_stage1: Up,
    seg_head: Conv,
}

impl SegmentationModule for Unet {
    type Config = UnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &UnetConfig, device: &Device) -> Self {
        let &UnetConfig { in_channels, n_classes, base_channel: b, act_type: act } = config;
        let down = |input, output| Level::new(input, output, act, device);
        let up = |output| Up::new(output, act, device);
        Self {
            down_stage1: down(in_channels, b),
            down_stage2: down(b, 2 * b),
            down_stage3: down(2 * b, 4 * b),
            down_stage4: down(4 * b, 8 * b),
            mid_stage: double(8 * b, 16 * b, 1, act, device),
            up_stage4: up(8 * b),
            up_stage3: up(4 * b),
            up_stage2: up(2 * b),
            up_stage1: up(b),
            seg_head: pointwise(b, n_classes, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let pool = |x: &Tensor<4>| max_pool(x.clone(), 3, 2, 1);
        let x1 = self.down_stage1.forward(input); // [N, b, H, W]
        let x2 = self.down_stage2.forward(pool(&x1)); // [N, 2b, H/2, W/2]
        let x3 = self.down_stage3.forward(pool(&x2)); // [N, 4b, H/4, W/4]
        let x4 = self.down_stage4.forward(pool(&x3)); // [N, 8b, H/8, W/8]
        let x = self.mid_stage.forward(pool(&x4)); // [N, 16b, H/16, W/16]
        let x = self.up_stage4.forward(x, x4);
        let x = self.up_stage3.forward(x, x3);
        let x = self.up_stage2.forward(x, x2);
        let x = self.up_stage1.forward(x, x1);
        Outputs::of(self.seg_head.forward(x))
    }

    fn bytes_per_pixel(config: &UnetConfig) -> usize {
        // At full resolution: 2b channels concatenated, two maps of b, each once more as the convolution lays it out.
        4 * 12 * config.base_channel.max(config.n_classes)
    }
}
