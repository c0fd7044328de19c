//! DUCK-Net as the polyp system has it (its separated filter is 7 long, the paper's 6).
//! R.-G. Dumitru et al.: "Using DUCK-Net for polyp image segmentation", Scientific Reports 13, 2023.

use super::layers::{Activation, configuration, double, pointwise, unit};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Sequential, batch_norm, conv, nearest_up},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

configuration!(DucknetConfig, 17);

pub static SPEC: ModelSpec = ModelSpec {
    id: "polyp/ducknet",
    title: "DUCK-Net",
    paper: "Dumitru et al., Using DUCK-Net for polyp image segmentation, Scientific Reports 2023",
    family: "polyp",
    input: InputRule::multiple_of(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "base_channel": 1 }),
    make: Make::slices::<Ducknet>(),
};

fn norm(channels: usize, act: Activation, device: &Device) -> Sequential {
    Sequential::new([batch_norm(channels, device).into(), act.layer()])
}

#[derive(Module, Debug)]
struct Residual {
    upper_branch: Conv,
    lower_branch: Sequential,
    bn: Sequential,
}

impl Residual {
    fn new(input: usize, output: usize, act: Activation, device: &Device) -> Self {
        Self {
            upper_branch: pointwise(input, output, device),
            lower_branch: double(input, output, 1, act, device),
            bn: norm(output, act, device),
        }
    }

    /// `n` of them, one after the other.
    fn chain(n: usize, input: usize, output: usize, act: Activation, device: &Device) -> Vec<Self> {
        (0..n).map(|i| Self::new(if i == 0 { input } else { output }, output, act, device)).collect()
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let upper = self.upper_branch.forward(x.clone());
        self.bn.forward(upper + self.lower_branch.forward(x))
    }
}

fn through(blocks: &[Residual], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| block.forward(x))
}

/// The paper's block ("deep understanding convolutional kernel"): six branches of different reach are added.
#[derive(Module, Debug)]
pub struct Duck {
    in_bn: Sequential,
    branch1: Sequential,
    branch2: Sequential,
    branch3: Residual,
    branch4: Vec<Residual>,
    branch5: Vec<Residual>,
    branch6: Sequential,
    out_bn: Sequential,
}

impl Duck {
    pub fn new(input: usize, output: usize, filter: usize, act: Activation, device: &Device) -> Self {
        let widening = |dilations: &[usize]| {
            let dilated = dilations.iter().enumerate().map(|(i, &d)| {
                let conv = conv(if i == 0 { input } else { output }, output, 3);
                unit(conv.dilation(d).same(), act, device).into()
            });
            Sequential::new(dilated)
        };
        let along = |input, kernel| unit(conv(input, output, 1).kernel(kernel).same(), act, device);
        Self {
            in_bn: norm(input, act, device),
            branch1: widening(&[1, 2, 3]),
            branch2: widening(&[1, 2]),
            branch3: Residual::new(input, output, act, device),
            branch4: Residual::chain(2, input, output, act, device),
            branch5: Residual::chain(3, input, output, act, device),
            branch6: Sequential::new([along(input, [1, filter]).into(), along(output, [filter, 1]).into()]),
            out_bn: norm(output, act, device),
        }
    }

    /// `[batch, input, height, width]` to `[batch, output, height, width]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.in_bn.forward(x);
        let sum = self.branch1.forward(x.clone());
        let sum = sum + self.branch2.forward(x.clone());
        let sum = sum + self.branch3.forward(x.clone());
        let sum = sum + through(&self.branch4, x.clone());
        let sum = sum + through(&self.branch5, x.clone());
        let sum = sum + self.branch6.forward(x);
        self.out_bn.forward(sum)
    }
}

#[derive(Module, Debug)]
struct Down {
    duck: Duck,
    conv1: Sequential,
    conv2: Sequential,
}

impl Down {
    fn new(input: usize, fuse: usize, output: usize, act: Activation, device: &Device) -> Self {
        Self {
            duck: Duck::new(input, fuse, 7, act, device),
            conv1: unit(conv(fuse, output, 3).stride(2).same(), act, device),
            conv2: unit(conv(input, output, 2).stride(2), act, device),
        }
    }

    /// A level's input and the chain, `[N, input, h, w]` each; to the next level's, `[N, output, h/2, w/2]` each, and the
    /// skip `[N, fuse, h, w]`.
    fn forward(&self, x: Tensor<4>, chain: Tensor<4>) -> (Tensor<4>, Tensor<4>, Tensor<4>) {
        let skip = self.duck.forward(x);
        let chain = self.conv2.forward(chain);
        (self.conv1.forward(skip.clone()) + chain.clone(), chain, skip)
    }
}

#[derive(Module, Debug)]
struct Up {
    duck: Duck,
}

impl Up {
    fn forward(&self, low: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        self.duck.forward(nearest_up(low, 2) + skip)
    }
}

#[derive(Module, Debug)]
struct Ducknet {
    down_stage1: Down,
    down_stage2: Down,
    down_stage3: Down,
    down_stage4: Down,
    down_stage5: Down,
    mid_stage: Vec<Residual>,
    up_stage5: Up,
    up_stage4: Up,
    up_stage3: Up,
    up_stage2: Up,
    up_stage1: Up,
    seg_head: Conv,
}

impl SegmentationModule for Ducknet {
    type Config = DucknetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &DucknetConfig, device: &Device) -> Self {
        let &DucknetConfig { in_channels, n_classes, base_channel: b, act_type: act } = config;
        let down = |input, fuse, output| Down::new(input, fuse, output, act, device);
        let up = |input, output| Up { duck: Duck::new(input, output, 7, act, device) };
        let mut mid_stage = Residual::chain(2, 32 * b, 32 * b, act, device);
        mid_stage.extend(Residual::chain(2, 32 * b, 16 * b, act, device));
        Self {
            down_stage1: down(in_channels, b, 2 * b),
            down_stage2: down(2 * b, 2 * b, 4 * b),
            down_stage3: down(4 * b, 4 * b, 8 * b),
            down_stage4: down(8 * b, 8 * b, 16 * b),
            down_stage5: down(16 * b, 16 * b, 32 * b),
            mid_stage,
            up_stage5: up(16 * b, 8 * b),
            up_stage4: up(8 * b, 4 * b),
            up_stage3: up(4 * b, 2 * b),
            up_stage2: up(2 * b, b),
            up_stage1: up(b, b),
            seg_head: pointwise(b, n_classes, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let (x, chain, skip1) = self.down_stage1.forward(input.clone(), input); // skip: [N, b, H, W]
        let (x, chain, skip2) = self.down_stage2.forward(x, chain); // [N, 2b, H/2, W/2]
        let (x, chain, skip3) = self.down_stage3.forward(x, chain); // [N, 4b, H/4, W/4]
        let (x, chain, skip4) = self.down_stage4.forward(x, chain); // [N, 8b, H/8, W/8]
        let (x, _, skip5) = self.down_stage5.forward(x, chain); // [N, 16b, H/16, W/16]
        let x = through(&self.mid_stage, x); // [N, 16b, H/32, W/32]
        let x = self.up_stage5.forward(x, skip5);
        let x = self.up_stage4.forward(x, skip4);
        let x = self.up_stage3.forward(x, skip3);
        let x = self.up_stage2.forward(x, skip2);
        let x = self.up_stage1.forward(x, skip1);
        Outputs::of(self.seg_head.forward(x))
    }

    fn bytes_per_pixel(config: &DucknetConfig) -> usize {
        // At full resolution: a block's input, its sum, and in a branch the input, two maps, one of them once more as the
        // convolution lays it out.
        4 * 8 * config.base_channel.max(config.n_classes).max(config.in_channels)
    }
}
