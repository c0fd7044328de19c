//! U-Net++, without deep supervision. Z. Zhou et al.: "UNet++: A Nested U-Net Architecture for Medical Image
//! Segmentation", DLMIA 2018.

use super::{
    unet_parts::{DoubleConv, filters},
    unetppbig,
};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Named, bilinear_up, halve, same_conv},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/unetpp",
    title: "U-Net++",
    paper: "Zhou et al., UNet++, DLMIA 2018",
    family: "jmedseg",
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<UnetPp<false>>(),
};

const LEVELS: usize = 5;

/// What follows the resizing in the network with learned resizing.
#[derive(Module, Debug)]
struct Up {
    conv: DoubleConv,
}

/// Node `x_ij` of the paper's figure 1 stands in level `i` (H/2^i), column `j`.
#[derive(Module, Debug)]
pub(super) struct UnetPp<const LEARNED_UP: bool> {
    /// `up{i}_{j}` takes `x_ij` one level up; row by row. None without learned resizing.
    ups: Named<Up>,
    /// `conv{i}_{j}` makes `x_ij`; column by column.
    nodes: Named<DoubleConv>,
    r#final: Conv,
}

impl<const LEARNED_UP: bool> UnetPp<LEARNED_UP> {
    /// `x_ij` at twice its size.
    fn up(&self, i: usize, j: usize, x: Tensor<4>) -> Tensor<4> {
        let before: usize = (1..i).map(|i| LEVELS - i).sum();
        let x = bilinear_up(x, 2);
        match self.ups.get(before + j) {
            Some(up) => up.conv.forward(x),
            None => x,
        }
    }
}

impl<const LEARNED_UP: bool> SegmentationModule for UnetPp<LEARNED_UP> {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        if LEARNED_UP { &unetppbig::SPEC } else { &SPEC }
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let f = filters(config);
        let ups = (1..LEVELS).flat_map(|i| (0..LEVELS - i).map(move |j| (i, j)));
        let up = |(i, j): (usize, usize)| {
            (format!("up{i}_{j}"), Up { conv: DoubleConv::new([f[i], (f[i] / 2).max(1), f[i]], device) })
        };
        let nodes = (0..LEVELS).flat_map(|j| (0..LEVELS - j).map(move |i| (i, j)));
        let node = |(i, j): (usize, usize)| {
            let input = match (i, j) {
                (0, 0) => config.in_channels,
                (i, 0) => f[i - 1],
                (i, j) => j * f[i] + f[i + 1],
            };
            (format!("conv{i}_{j}"), DoubleConv::new([input, f[i], f[i]], device))
        };
        Self {
            ups: Named::new(ups.filter(|_| LEARNED_UP).map(up)),
            nodes: Named::new(nodes.map(node)),
            r#final: same_conv([f[0], config.n_classes], 1, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let (encoder, nested) = self.nodes.split_at(LEVELS);
        let mut x = encoder[0].forward(input); // [N, f0, H, W]
        let mut rows = vec![vec![x.clone()]];
        for conv in &encoder[1..] {
            x = conv.forward(halve(x)); // [N, f_i, H/2^i, W/2^i]
            rows.push(vec![x.clone()]);
        }
        let mut nested = nested.iter();
        for j in 1..LEVELS {
            for (i, conv) in nested.by_ref().take(LEVELS - j).enumerate() {
                let below = rows[i + 1][j - 1].clone();
                let mut all = rows[i].clone();
                all.push(self.up(i + 1, j - 1, below));
                x = conv.forward(Tensor::cat(all, 1));
                rows[i].push(x.clone());
            }
            // The next column ends a level higher.
            rows.truncate(LEVELS - j);
            x = rows[0][j].clone();
        }
        drop(rows);
        Outputs::of(self.r#final.forward(x))
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        // At full resolution: four maps of f, 6f channels concatenated, each once more as the convolution lays it out, and
        // the two maps of f of the double convolution.
        4 * 20 * config.width(64).max(config.n_classes)
    }
}
