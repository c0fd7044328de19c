//! U-Net 3+. H. Huang et al.: "UNet 3+: A Full-Scale Connected UNet for Medical Image Segmentation", ICASSP 2020.

use super::unet_parts::{DoubleConv, OutConv, filters};
use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Layer, Named, batch_norm, bilinear_up, halve, max_pool, same_conv},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;
use std::cmp::Ordering;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/unet3p",
    title: "U-Net 3+",
    paper: "Huang et al., UNet 3+, ICASSP 2020",
    family: "jmedseg",
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<Unet3p>(),
};

const LEVELS: usize = 5;
/// Layers of a node of the decoder: convolution and batch norm for every level, and for all together.
const NODE: usize = 2 * (LEVELS + 1);

/// `conv1` to `conv5`.
pub(super) fn encoder(config: &Plain, device: &Device) -> Named<DoubleConv> {
    let f = filters(config);
    let level = |i: usize| {
        let input = if i == 0 { config.in_channels } else { f[i - 1] };
        (format!("conv{}", i + 1), DoubleConv::new([input, f[i], f[i]], device))
    };
    Named::new((0..LEVELS).map(level))
}

/// Channels of a node of the decoder.
pub(super) fn node_channels(config: &Plain) -> usize {
    LEVELS * config.width(64)
}

/// The nodes `hd4` to `hd1`, [`NODE`] layers each.
pub(super) fn decoder(config: &Plain, device: &Device) -> Named<Layer> {
    let (f, one, all) = (filters(config), config.width(64), node_channels(config));
    let mut layers = vec![];
    let mut unit = |conv: String, norm: String, input: usize, output: usize| {
        layers.push((conv, Layer::from(same_conv([input, output], 3, device))));
        layers.push((norm, batch_norm(output, device).into()));
    };
    for node in (1..LEVELS).rev() {
        for level in 1..=LEVELS {
            let name = match level {
                _ if level < node => format!("h{level}_PT_hd{node}"),
                _ if level == node => format!("h{level}_Cat_hd{node}"),
                _ => format!("hd{level}_UT_hd{node}"),
            };
            let input = if level <= node || level == LEVELS { f[level - 1] } else { all };
            unit(format!("{name}_conv"), format!("{name}_bn"), input, one);
        }
        unit(format!("conv{node}d_1"), format!("bn{node}d_1"), all, all);
    }
    Named::new(layers)
}

/// The maps `hd1`, `[N, 5f, H, W]`, to `hd4` and `hd5`, `[N, 16f, H/16, W/16]`, of an input `[N, in, H, W]`.
pub(super) fn full_scale(encoder: &[DoubleConv], decoder: &[Layer], input: Tensor<4>) -> Vec<Tensor<4>> {
    let mut x = encoder[0].forward(input);
    let mut maps = vec![x.clone()];
    for conv in &encoder[1..] {
        x = conv.forward(halve(x));
        maps.push(x.clone());
    }
    // From the bottom up, each node takes the place of the encoder's map of its level.
    for (layers, node) in decoder.chunks(NODE).zip((0..LEVELS - 1).rev()) {
        let (units, together) = layers.split_at(2 * LEVELS);
        let gather = |(level, unit): (usize, &[Layer])| {
            let x = maps[level].clone();
            let [Layer::Conv(conv), norm] = unit else { return x };
            let x = match level.cmp(&node) {
                Ordering::Less => conv.forward(max_pool(x, 1 << (node - level), 1 << (node - level), 0)),
                Ordering::Equal => conv.forward(x),
                // The lowest map has 16f channels, too many to lie at full resolution at once.
                Ordering::Greater => {
                    let part = x.dims()[1].div_ceil(8);
                    conv.forward_in_parts(x, part, |x| bilinear_up(x, 1 << (level - node)))
                }
            };
            relu(norm.forward(x))
        };
        let gathered = units.chunks(2).enumerate().map(gather).collect();
        let x = together.iter().fold(Tensor::cat(gathered, 1), |x, layer| layer.forward(x));
        maps[node] = relu(x);
    }
    maps
}

#[derive(Module, Debug)]
struct Unet3p {
    encoder: Named<DoubleConv>,
    decoder: Named<Layer>,
    outc: OutConv,
}

impl SegmentationModule for Unet3p {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &Plain, device: &Device) -> Self {
        Self {
            encoder: encoder(config, device),
            decoder: decoder(config, device),
            outc: OutConv::new([node_channels(config), config.n_classes], device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x = full_scale(&self.encoder, &self.decoder, input).swap_remove(0);
        Outputs::of(self.outc.forward(x))
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        bytes_per_pixel(config)
    }
}

pub(super) fn bytes_per_pixel(config: &Plain) -> usize {
    // At full resolution: the channels that are resized and as the convolution lays them out, their sum, what the node has
    // gathered, which is then concatenated and laid out.
    let (part, f) = (config.width(128), config.width(64));
    4 * ((4 * part + 7 * f).max(17 * f) + config.n_classes)
}
