//! U-Net. O. Ronneberger et al.: "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015.

use super::unet_parts::{DoubleConv, OutConv, Up, filters};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Layer, halve, op},
    models::plain_config,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

plain_config! {
    /// The reference's constructor arguments.
    UnetConfig {
        /// Bilinear resizing in the decoder, with half the filters at the bottom; else transposed convolutions.
        bilinear: bool = true,
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/unet",
    title: "U-Net",
    paper: "Ronneberger et al., U-Net, MICCAI 2015",
    family: "jmedseg",
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<Unet>(),
};

/// Halves the size by the maximum; double convolution.
#[derive(Module, Debug)]
struct Down {
    maxpool_conv: (Layer, DoubleConv),
}

impl Down {
    fn new([input, output]: [usize; 2], device: &Device) -> Self {
        Self { maxpool_conv: (op(halve), DoubleConv::new([input, output, output], device)) }
    }

    /// `[N, input, H, W]` to `[N, output, H/2, W/2]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (pool, conv) = &self.maxpool_conv;
        conv.forward(pool.forward(x))
    }
}

#[derive(Module, Debug)]
struct Unet {
    inc: DoubleConv,
    down1: Down,
    down2: Down,
    down3: Down,
    down4: Down,
    up1: Up,
    up2: Up,
    up3: Up,
    up4: Up,
    outc: OutConv,
}

impl SegmentationModule for Unet {
    type Config = UnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &UnetConfig, device: &Device) -> Self {
        let [f0, f1, f2, f3, f4] = filters(&config.plain());
        let bottom = if config.bilinear { f3 } else { f4 };
        // From a level and the skip above it, twice the skip's channels together, to the level above.
        let up = |skip: usize, output: usize| {
            if config.bilinear {
                Up::bilinear([2 * skip, skip, output], device)
            } else {
                Up::transposed([2 * skip, skip], device)
            }
        };
        Self {
            inc: DoubleConv::new([config.in_channels, f0, f0], device),
            down1: Down::new([f0, f1], device),
            down2: Down::new([f1, f2], device),
            down3: Down::new([f2, f3], device),
            down4: Down::new([f3, bottom], device),
            up1: up(f3, f2),
            up2: up(f2, f1),
            up3: up(f1, f0),
            up4: up(f0, f0),
            outc: OutConv::new([f0, config.n_classes], device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x1 = self.inc.forward(input); // [N, f0, H, W]
        let x2 = self.down1.forward(x1.clone()); // [N, f1, H/2, W/2]
        let x3 = self.down2.forward(x2.clone()); // [N, f2, H/4, W/4]
        let x4 = self.down3.forward(x3.clone()); // [N, f3, H/8, W/8]
        let x5 = self.down4.forward(x4.clone()); // [N, f3 or f4, H/16, W/16]
        let x = self.up1.forward(x5, x4);
        let x = self.up2.forward(x, x3);
        let x = self.up3.forward(x, x2);
        let x = self.up4.forward(x, x1);
        Outputs::of(self.outc.forward(x))
    }

    fn bytes_per_pixel(config: &UnetConfig) -> usize {
        // At full resolution: 2f channels concatenated, two maps of f, each once more as the convolution lays it out.
        4 * 12 * config.plain().width(64).max(config.n_classes)
    }
}
