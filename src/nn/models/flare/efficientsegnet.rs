//! EfficientSegNet, the fine network of EfficientSegmentation: strided residual stages down, a context block on the
//! bottleneck, a slim decoder that adds what it skipped.
//! F. Zhang, Y. Wang, H. Yang: "Efficient Context-Aware Network for Abdominal Multi-organ Segmentation", 2021.

use super::{
    blocks::{self, ConvBlock, Residual, Unit, double, projection, run, stage},
    context::Context,
    options::{self, ContextBlock, REDUCTION},
};
use crate::nn::{
    Choices, Config, Head, Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published,
    SegmentationModule,
    blocks::{Conv3, Named, conv3},
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
pub struct EfficientSegNetConfig {
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
    /// A second head on a quarter of the size.
    auxiliary_task: bool,
    auxiliary_class: usize,
    /// Depth, height, width; what the context block's strips are as long as.
    input_size: [usize; 3],
    /// The share of channels that training drops.
    dropout: f64,
}

impl Default for EfficientSegNetConfig {
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
            auxiliary_task: false,
            auxiliary_class: 1,
            input_size: [192; 3],
            dropout: 0.2,
        }
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "flare/efficientsegnet",
    title: "EfficientSegNet",
    paper: "Zhang et al., Efficient Context-Aware Network for Abdominal Multi-organ Segmentation, 2021",
    family: "flare",
    input: InputRule::multiple_of(REDUCTION).least(192),
    published: Published::SigmoidLogits,
    as_published: || json!({}),
    probe_config: || json!({ "num_channels": [2, 4, 8, 16, 32], "input_size": [64, 64, 128], "auxiliary_task": true, "dropout": 0.0 }),
    make: Make::volumes::<EfficientSegNet>(),
};

impl Config for EfficientSegNetConfig {
    fn check(&self) -> Result<(), String> {
        options::check(self.in_channels, self.n_classes, &self.num_channels, 5, self.dropout)?;
        options::check_blocks(&self.num_blocks, self.decoder_num_block)?;
        if self.auxiliary_task && self.auxiliary_class == 0 {
            return Err("auxiliary_class must be at least 1".to_owned());
        }
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
pub(super) struct EfficientSegNet {
    encoder: Named<Vec<Residual>>,
    context_block: Option<Context>,
    trans: Named<Unit>,
    decoder: Named<Vec<Residual>>,
    r#final: Conv3,
    final1: Option<(Unit, Conv3)>,
}

impl SegmentationModule<5> for EfficientSegNet {
    type Config = EfficientSegNetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &EfficientSegNetConfig, device: &Device) -> Self {
        let (c, blocks, dropout) = (&config.num_channels, &config.num_blocks, config.dropout);
        let down = |level: usize| {
            let [input, count, stride] = match level {
                0 => [config.in_channels, blocks[0], 1],
                _ => [c[level - 1], blocks[level - 1], 2],
            };
            let channels = [input, c[level]];
            let stage = stage(config.encoder_conv_block, channels, count, stride, dropout, device);
            (format!("conv{level}_0"), stage)
        };
        let up = |level: usize| {
            let (block, count) = (config.decoder_conv_block, config.decoder_num_block);
            (format!("conv{level}_{}", 4 - level), stage(block, [c[level]; 2], count, 1, dropout, device))
        };
        let trans = |level: usize| {
            let unit = Unit::rectified(conv3(c[level], c[level - 1], 1), dropout, device);
            (format!("trans_{level}"), unit)
        };
        let auxiliary = || {
            let unit = Unit::rectified(conv3(c[2], c[2], 3).same(), dropout, device);
            (unit, projection(c[2], config.auxiliary_class, device))
        };
        Self {
            encoder: Named::new((0..5).map(down)),
            context_block: Context::new(config.context_block, c[4], config.input_size, dropout, device),
            trans: Named::new((1..5).rev().map(trans)),
            decoder: Named::new((0..4).rev().map(up)),
            r#final: projection(c[0], config.n_classes - 1, device),
            final1: config.auxiliary_task.then(auxiliary),
        }
    }

    /// `[N, in, D, H, W]` to logits `[N, classes - 1, D, H, W]`, with an auxiliary head `[N, classes, D/4, H/4, W/4]`.
    fn forward(&self, input: Tensor<5>) -> Outputs<5> {
        let mut x = input;
        let mut skips = vec![];
        for (level, stage) in self.encoder.iter().enumerate() {
            x = run(stage, x); // [N, c_level, D / 2^level, …]
            if level < 4 {
                skips.push(x.clone());
            }
        }
        if let Some(context) = &self.context_block {
            x = context.forward(x);
        }
        let mut auxiliary = vec![];
        for (i, (trans, stage)) in self.trans.iter().zip(self.decoder.iter()).enumerate() {
            x = double(trans.forward(x));
            if let Some(skip) = skips.pop() {
                x = x + skip;
            }
            x = run(stage, x); // [N, c_(3 - i), D / 2^(3 - i), …]
            if let (1, Some((unit, head))) = (i, &self.final1) {
                auxiliary.push(head.forward(unit.forward(x.clone())));
            }
        }
        Outputs { auxiliary, ..Outputs::of(self.r#final.forward(x)) }
    }

    fn bytes_per_pixel(config: &EfficientSegNetConfig) -> usize {
        // Of the first level: four maps, and the classes.
        4 * (4 * config.num_channels[0] + config.n_classes)
    }

    fn input(config: &EfficientSegNetConfig) -> InputRule {
        options::input_rule(config.context_block, config.input_size)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        blocks::initial(site)
    }
}
