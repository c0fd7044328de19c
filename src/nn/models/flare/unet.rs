//! The U-Net of EfficientSegmentation: its coarse network, and the base that the fine one is measured by.
//! F. Zhang, Y. Wang, H. Yang: "Efficient Context-Aware Network for Abdominal Multi-organ Segmentation", 2021.

use super::{
    blocks::{self, Residual, Unit, double, projection},
    options,
};
use crate::nn::{
    Choices, Config, Head, Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published,
    SegmentationModule,
    blocks::{Conv3, Named, conv3, max_pool3},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The reference's options under its names in small letters. The defaults are those of the coarse network.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnetConfig {
    in_channels: usize,
    /// Background included.
    n_classes: usize,
    /// Channels of the levels.
    num_channels: Vec<usize>,
    /// How often the size is halved: 4 or 5.
    num_depth: usize,
    /// `ResTwoLayerConvBlock`; any other name is taken for `ResFourLayerConvBlock`, as in the reference.
    encoder_conv_block: String,
    decoder_conv_block: String,
    /// Depth, height, width.
    input_size: [usize; 3],
    /// The share of channels that training drops.
    dropout: f64,
}

impl Default for UnetConfig {
    fn default() -> Self {
        Self {
            in_channels: 1,
            n_classes: 5,
            num_channels: vec![8, 16, 32, 64, 128],
            num_depth: 4,
            encoder_conv_block: FOUR_LAYERS.to_owned(),
            decoder_conv_block: TWO_LAYERS.to_owned(),
            input_size: [160; 3],
            dropout: 0.2,
        }
    }
}

const TWO_LAYERS: &str = "ResTwoLayerConvBlock";
const FOUR_LAYERS: &str = "ResFourLayerConvBlock";

pub static SPEC: ModelSpec = ModelSpec {
    id: "flare/unet",
    title: "BaseUNet",
    paper: "Zhang et al., Efficient Context-Aware Network for Abdominal Multi-organ Segmentation, 2021",
    family: "flare",
    input: InputRule::multiple_of(16),
    published: Published::SigmoidLogits,
    as_published: || json!({}),
    probe_config: || json!({ "num_channels": [2, 4, 8, 16, 32], "input_size": [32, 32, 32], "dropout": 0.0 }),
    make: Make::volumes::<Unet>(),
};

impl Config for UnetConfig {
    fn check(&self) -> Result<(), String> {
        if ![4, 5].contains(&self.num_depth) {
            return Err("num_depth must be 4 or 5".to_owned());
        }
        let levels = self.num_depth + 1;
        options::check(self.in_channels, self.n_classes, &self.num_channels, levels, self.dropout)
    }

    fn channels(&self) -> usize {
        self.in_channels
    }

    fn head(&self) -> Head {
        Head::Sigmoids { classes: self.n_classes }
    }

    fn grid(&self) -> Option<[usize; 3]> {
        Some(self.input_size)
    }

    fn choices() -> Choices {
        const BLOCKS: &[&str] = &[TWO_LAYERS, FOUR_LAYERS];
        &[("encoder_conv_block", BLOCKS), ("decoder_conv_block", BLOCKS)]
    }
}

/// Two residual units, the second around nothing but itself.
#[derive(Module, Debug)]
struct FourLayers {
    residual_unit_1: (Unit, Unit),
    residual_unit_2: (Unit, Unit),
    shortcut_unit_1: Unit,
}

impl FourLayers {
    fn new([input, output]: [usize; 2], dropout: f64, device: &Device) -> Self {
        let same = |input| conv3(input, output, 3).same();
        let pair = |input| (Unit::rectified(same(input), dropout, device), Unit::plain(same(output), device));
        Self {
            residual_unit_1: pair(input),
            residual_unit_2: pair(output),
            shortcut_unit_1: Unit::plain(conv3(input, output, 1), device),
        }
    }

    /// `[N, in, D, H, W]` to `[N, out, D, H, W]`.
    fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let both = |(first, second): &(Unit, Unit), x| second.forward(first.forward(x));
        let x = both(&self.residual_unit_1, input.clone());
        let x = relu(x + self.shortcut_unit_1.forward(input));
        relu(both(&self.residual_unit_2, x.clone()) + x)
    }
}

/// What a level consists of.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a network has a dozen of them")]
enum Block {
    Two(Residual),
    Four(FourLayers),
}

impl Block {
    fn new(name: &str, channels: [usize; 2], dropout: f64, device: &Device) -> Self {
        match name {
            TWO_LAYERS => Block::Two(Residual::two_layers(channels, dropout, device)),
            _ => Block::Four(FourLayers::new(channels, dropout, device)),
        }
    }

    fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        match self {
            Block::Two(block) => block.forward(input),
            Block::Four(block) => block.forward(input),
        }
    }
}

#[derive(Module, Debug)]
pub(super) struct Unet {
    encoder: Named<Block>,
    decoder: Named<Block>,
    r#final: Conv3,
}

impl SegmentationModule<5> for Unet {
    type Config = UnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &UnetConfig, device: &Device) -> Self {
        let (c, dropout) = (&config.num_channels, config.dropout);
        let down = |level: usize| {
            let input = if level == 0 { config.in_channels } else { c[level - 1] };
            let block = Block::new(&config.encoder_conv_block, [input, c[level]], dropout, device);
            (format!("conv{level}_0"), block)
        };
        let up = |level: usize| {
            let channels = [c[level] + c[level + 1], c[level]];
            let block = Block::new(&config.decoder_conv_block, channels, dropout, device);
            // The fifth level came later and is called conv4_1.
            (format!("conv{level}_{}", if level == 4 { 1 } else { 4 - level }), block)
        };
        Self {
            encoder: Named::new((0..=config.num_depth).map(down)),
            decoder: Named::new((0..config.num_depth).rev().map(up)),
            r#final: projection(c[0], config.n_classes - 1, device),
        }
    }

    /// `[N, in, D, H, W]` to logits `[N, classes - 1, D, H, W]`.
    fn forward(&self, input: Tensor<5>) -> Outputs<5> {
        let mut x = input;
        let mut skips = vec![];
        for (level, block) in self.encoder.iter().enumerate() {
            if level > 0 {
                skips.push(x.clone());
                x = max_pool3(x, [3; 3], [2; 3], [1; 3]);
            }
            x = block.forward(x); // [N, c_level, D / 2^level, …]
        }
        for (skip, block) in skips.into_iter().rev().zip(self.decoder.iter()) {
            x = block.forward(Tensor::cat(vec![skip, double(x)], 1));
        }
        Outputs::of(self.r#final.forward(x))
    }

    fn bytes_per_pixel(config: &UnetConfig) -> usize {
        // Of the first level: both parts concatenated, and three maps.
        4 * (4 * config.num_channels[0] + config.num_channels[1] + config.n_classes)
    }

    fn input(config: &UnetConfig) -> InputRule {
        InputRule::multiple_of(1 << config.num_depth)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        blocks::initial(site)
    }
}
