//! ContextUNet, EfficientSegmentation's step between its U-Net and EfficientSegNet: the residual stages and the context
//! block of the latter, the pools and the concatenation of the former.
//! F. Zhang, Y. Wang, H. Yang: "Efficient Context-Aware Network for Abdominal Multi-organ Segmentation", 2021.

use super::{
    blocks::{self, ConvBlock, Residual, double, projection, run, stage},
    context::Context,
    options::{self, ContextBlock, REDUCTION},
};
use crate::nn::{
    Choices, Config, Head, Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published,
    SegmentationModule,
    blocks::{Conv3, Named, max_pool3},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The reference's options under its names in small letters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContextUnetConfig {
    in_channels: usize,
    /// Background included.
    n_classes: usize,
    /// Channels of the five levels.
    num_channels: Vec<usize>,
    /// Blocks of the first two levels, and of each of the other three; more numbers count for nothing.
    num_blocks: Vec<usize>,
    decoder_num_block: usize,
    encoder_conv_block: ConvBlock,
    decoder_conv_block: ConvBlock,
    #[serde(deserialize_with = "ContextBlock::or_null")]
    context_block: ContextBlock,
    /// Depth, height, width; what the context block's strips are as long as.
    input_size: [usize; 3],
    /// The share of channels that training drops.
    dropout: f64,
}

impl Default for ContextUnetConfig {
    fn default() -> Self {
        Self {
            in_channels: 1,
            n_classes: 5,
            num_channels: vec![16, 32, 64, 128, 256],
            num_blocks: vec![2; 4],
            decoder_num_block: 1,
            encoder_conv_block: ConvBlock::ResBaseConvBlock,
            decoder_conv_block: ConvBlock::AnisotropicConvBlock,
            context_block: ContextBlock::AnisotropicAvgPooling,
            input_size: [192; 3],
            dropout: 0.2,
        }
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "flare/contextunet",
    title: "ContextUNet",
    paper: "Zhang et al., Efficient Context-Aware Network for Abdominal Multi-organ Segmentation, 2021",
    family: "flare",
    input: InputRule::multiple_of(REDUCTION).least(192),
    published: Published::SigmoidLogits,
    as_published: || json!({}),
    probe_config: || {
        json!({
            "num_channels": [2, 4, 8, 16, 32],
            "context_block": "AnisotropicMaxPooling",
            "input_size": [64, 64, 128],
            "dropout": 0.0,
        })
    },
    make: Make::volumes::<ContextUnet>(),
};

impl Config for ContextUnetConfig {
    fn check(&self) -> Result<(), String> {
        options::check(self.in_channels, self.n_classes, &self.num_channels, 5, self.dropout)?;
        options::check_blocks(&self.num_blocks, self.decoder_num_block)?;
        options::check_context(self.context_block, self.input_size, self.num_channels[4])
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
        &[
            ("encoder_conv_block", ConvBlock::NAMES),
            ("decoder_conv_block", ConvBlock::NAMES),
            ("context_block", ContextBlock::NAMES),
        ]
    }
}

#[derive(Module, Debug)]
pub(super) struct ContextUnet {
    encoder: Named<Vec<Residual>>,
    context_block: Option<Context>,
    decoder: Named<Vec<Residual>>,
    r#final: Conv3,
}

impl SegmentationModule<5> for ContextUnet {
    type Config = ContextUnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &ContextUnetConfig, device: &Device) -> Self {
        let (c, blocks, dropout) = (&config.num_channels, &config.num_blocks, config.dropout);
        let down = |level: usize| {
            let [input, count] = match level {
                0 => [config.in_channels, blocks[0]],
                _ => [c[level - 1], blocks[level - 1]],
            };
            let stage = stage(config.encoder_conv_block, [input, c[level]], count, 1, dropout, device);
            (format!("conv{level}_0"), stage)
        };
        let up = |level: usize| {
            let (block, channels) = (config.decoder_conv_block, [c[level] + c[level + 1], c[level]]);
            let stage = stage(block, channels, config.decoder_num_block, 1, dropout, device);
            (format!("conv{level}_{}", 4 - level), stage)
        };
        Self {
            encoder: Named::new((0..5).map(down)),
            context_block: Context::new(config.context_block, c[4], config.input_size, dropout, device),
            decoder: Named::new((0..4).rev().map(up)),
            r#final: projection(c[0], config.n_classes - 1, device),
        }
    }

    /// `[N, in, D, H, W]` to logits `[N, classes - 1, D, H, W]`.
    fn forward(&self, input: Tensor<5>) -> Outputs<5> {
        let mut x = input;
        let mut skips = vec![];
        for (level, stage) in self.encoder.iter().enumerate() {
            if level > 0 {
                skips.push(x.clone());
                x = max_pool3(x, [2; 3], [2; 3], [0; 3]);
            }
            x = run(stage, x); // [N, c_level, D / 2^level, …]
        }
        if let Some(context) = &self.context_block {
            x = context.forward(x);
        }
        for (skip, stage) in skips.into_iter().rev().zip(self.decoder.iter()) {
            x = run(stage, Tensor::cat(vec![skip, double(x)], 1));
        }
        Outputs::of(self.r#final.forward(x))
    }

    fn bytes_per_pixel(config: &ContextUnetConfig) -> usize {
        // Of the first level: both parts concatenated, and three maps.
        4 * (4 * config.num_channels[0] + config.num_channels[1] + config.n_classes)
    }

    fn input(config: &ContextUnetConfig) -> InputRule {
        options::input_rule(config.context_block, config.input_size)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        blocks::initial(site)
    }
}
