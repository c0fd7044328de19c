//! SimpleUNet of JMedSeg: a light U-Net at half resolution whose skips multiply.
//! After O. Ronneberger et al.: "U-Net", MICCAI 2015, and Wu, He: "Group Normalization", ECCV 2018.

use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, GroupNorm, Layer, UpConv, conv, halve, op},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/simple",
    title: "SimpleUNet",
    paper: "JMedSeg, 2021; after Ronneberger et al., U-Net, MICCAI 2015",
    family: "jmedseg",
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 4 }),
    make: Make::slices::<SimpleUnet>(),
};

#[derive(Module, Debug)]
struct Norm {
    norm: GroupNorm,
}

/// Convolution 3×3 without bias, group norm, ReLU.
#[derive(Module, Debug)]
struct Block {
    block: (Conv, Norm),
}

impl Block {
    fn new([input, output]: [usize; 2], groups: usize, device: &Device) -> Self {
        let norm = GroupNorm::new(groups, output, device);
        Self { block: (conv(input, output, 3).padding(1).no_bias().init(device), Norm { norm }) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (conv, Norm { norm }) = &self.block;
        relu(norm.forward(conv.forward(x)))
    }
}

#[derive(Module, Debug)]
struct Down {
    maxpool_conv: (Layer, Block),
}

impl Down {
    fn new(channels: [usize; 2], groups: usize, device: &Device) -> Self {
        Self { maxpool_conv: (op(halve), Block::new(channels, groups, device)) }
    }

    /// `[N, input, H, W]` to `[N, output, H/2, W/2]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (pool, block) = &self.maxpool_conv;
        block.forward(pool.forward(x))
    }
}

#[derive(Module, Debug)]
struct Up {
    up: UpConv,
    conv: Block,
}

impl Up {
    fn new([input, output]: [usize; 2], groups: usize, device: &Device) -> Self {
        Self {
            up: conv(input, output, 2).stride(2).no_bias().init_transposed(device),
            conv: Block::new([output; 2], groups, device),
        }
    }

    /// `low` is half the size of `skip`.
    fn forward(&self, low: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        self.conv.forward(self.up.forward(low) * skip)
    }
}

#[derive(Module, Debug)]
struct InConv {
    conv: Conv,
}

#[derive(Module, Debug)]
struct OutConv {
    conv: UpConv,
}

#[derive(Module, Debug)]
struct SimpleUnet {
    inc: InConv,
    down1: Down,
    down2: Down,
    down3: Down,
    up1: Up,
    up2: Up,
    up3: Up,
    outc: OutConv,
}

impl SegmentationModule for SimpleUnet {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let [f0, f1, f2, f3] = [64, 128, 256, 512].map(|n| config.width(n));
        Self {
            inc: InConv { conv: conv(config.in_channels, f0, 2).stride(2).init(device) },
            down1: Down::new([f0, f1], 8, device),
            down2: Down::new([f1, f2], 16, device),
            down3: Down::new([f2, f3], 32, device),
            up1: Up::new([f3, f2], 16, device),
            up2: Up::new([f2, f1], 8, device),
            up3: Up::new([f1, f0], 4, device),
            outc: OutConv { conv: conv(f0, config.n_classes, 2).stride(2).init_transposed(device) },
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x1 = self.inc.conv.forward(input); // [N, f0, H/2, W/2]
        let x2 = self.down1.forward(x1.clone()); // [N, f1, H/4, W/4]
        let x3 = self.down2.forward(x2.clone()); // [N, f2, H/8, W/8]
        let x4 = self.down3.forward(x3.clone()); // [N, f3, H/16, W/16]
        let x = self.up1.forward(x4, x3);
        let x = self.up2.forward(x, x2);
        let x = self.up3.forward(x, x1);
        Outputs::of(self.outc.conv.forward(x))
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        // Half resolution: five maps of f, a quarter of a pixel each; the logits, as columns and put together.
        4 * (8 * config.width(64) / 4 + 3 * config.n_classes + config.in_channels)
    }
}
