//! Dense U-Net of JMedSeg: units whose convolutions add up what came before. After G. Huang et al.: "Densely Connected
//! Convolutional Networks", CVPR 2017, and Ronneberger et al., MICCAI 2015.

use super::unet_parts::Up;
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{BatchNorm, Conv, batch_norm, halve, same_conv},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/dense",
    title: "Dense U-Net",
    paper: "after Huang et al., DenseNet, CVPR 2017",
    family: "jmedseg",
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<DenseUnet>(),
};

/// Four convolutions; each adds to its output what the earlier ones were given.
#[derive(Module, Debug)]
struct Unit {
    conv_list: Vec<Conv>,
    bn_list: Vec<BatchNorm>,
}

impl Unit {
    fn new(channels: usize, device: &Device) -> Self {
        Self {
            conv_list: (0..4).map(|_| same_conv([channels; 2], 3, device)).collect(),
            bn_list: (0..4).map(|_| batch_norm(channels, device)).collect(),
        }
    }

    /// `[N, channels, H, W]` to the same shape.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (mut x, mut earlier): (_, Option<Tensor<4>>) = (x, None);
        for (conv, norm) in self.conv_list.iter().zip(&self.bn_list) {
            let y = conv.forward(x.clone());
            let y = match earlier.clone() {
                Some(sum) => y + sum,
                None => y,
            };
            earlier = Some(match earlier {
                Some(sum) => sum + x,
                None => x,
            });
            x = relu(norm.forward(y));
        }
        x
    }
}

#[derive(Module, Debug)]
struct DenseUnet {
    conv1: Conv,
    d1: Unit,
    d2: Unit,
    d3: Unit,
    d4: Unit,
    bottom: Unit,
    up4: Up,
    u4: Unit,
    up3: Up,
    u3: Unit,
    up2: Up,
    u2: Unit,
    up1: Up,
    u1: Unit,
    outconv: Conv,
}

impl SegmentationModule for DenseUnet {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let f = config.width(64);
        let unit = || Unit::new(f, device);
        let up = || Up::bilinear([2 * f, f, f], device);
        Self {
            conv1: same_conv([config.in_channels, f], 1, device),
            d1: unit(),
            d2: unit(),
            d3: unit(),
            d4: unit(),
            bottom: unit(),
            up4: up(),
            u4: unit(),
            up3: up(),
            u3: unit(),
            up2: up(),
            u2: unit(),
            up1: up(),
            u1: unit(),
            outconv: same_conv([f, config.n_classes], 1, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x1 = self.d1.forward(self.conv1.forward(input)); // [N, f, H, W]
        let x2 = self.d2.forward(halve(x1.clone())); // [N, f, H/2, W/2]
        let x3 = self.d3.forward(halve(x2.clone())); // [N, f, H/4, W/4]
        let x4 = self.d4.forward(halve(x3.clone())); // [N, f, H/8, W/8]
        let x = self.bottom.forward(halve(x4.clone())); // [N, f, H/16, W/16]
        let x = self.u4.forward(self.up4.forward(x, x4));
        let x = self.u3.forward(self.up3.forward(x, x3));
        let x = self.u2.forward(self.up2.forward(x, x2));
        let x = self.u1.forward(self.up1.forward(x, x1));
        Outputs::of(self.outconv.forward(x))
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        // At full resolution: 2f channels concatenated, two maps of f, each once more as the convolution lays it out.
        4 * 12 * config.width(64).max(config.n_classes)
    }
}
