//! What the networks have in common: configuration, encoder, head. They differ in their [`Decoder`].

use crate::nn::{
    Choices, Config, Head, Init, InitSite, ModelSpec, Outputs, SegmentationModule,
    blocks::{Align, Sequential, bilinear, conv},
    encoders::{self, Encoder, EncoderShape, EncoderSpec, resnet},
    models::ends,
};
use burn::{
    module::{Module, ModuleDisplay},
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The constructor arguments that are offered here; the others stand at smp's defaults.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmpConfig {
    pub encoder: &'static EncoderSpec,
    pub in_channels: usize,
    /// Background included.
    pub n_classes: usize,
    /// Divides the channels of every layer between the two ends; 1 is the published network.
    pub feature_scale: usize,
    /// The share that a decoder with dropout drops in training; `null` is the published one. FPN, PSPNet and the
    /// DeepLabs have dropout.
    pub dropout: Option<f64>,
}

impl Default for SmpConfig {
    fn default() -> Self {
        Self { encoder: &resnet::RESNET18, in_channels: 3, n_classes: 2, feature_scale: 1, dropout: None }
    }
}

impl SmpConfig {
    /// Channels of a layer that has `published` of them in the reference.
    pub fn width(&self, published: usize) -> usize {
        published / self.feature_scale
    }
}

static CHOICES: Choices = &[("encoder", encoders::NAMES)];

impl Config for SmpConfig {
    fn check(&self) -> Result<(), String> {
        ends(self.in_channels, self.n_classes)?;
        if ![1, 2, 4, 8, 16].contains(&self.feature_scale) {
            return Err("feature_scale must be 1, 2, 4, 8 or 16".to_owned());
        }
        if !self.dropout.is_none_or(|share| (0.0..1.0).contains(&share)) {
            return Err("dropout must be at least 0 and below 1".to_owned());
        }
        Ok(())
    }

    fn channels(&self) -> usize {
        self.in_channels
    }

    fn head(&self) -> Head {
        Head::Softmax { classes: self.n_classes }
    }

    fn choices() -> Choices {
        CHOICES
    }
}

/// A small network without randomness.
pub fn probe() -> Value {
    json!({ "feature_scale": 8, "dropout": 0.0 })
}

/// What a network does with the encoder's maps. Fields are named as below the reference's `decoder`.
pub trait Decoder: Module + ModuleDisplay + 'static {
    /// How many times smaller the encoder's last map is than the input.
    const OUTPUT_STRIDE: usize = 32;
    /// Kernel of the head's convolution.
    const HEAD: usize;

    fn spec() -> &'static ModelSpec;
    /// `encoder` are the channels of the encoder's maps, the stem's first.
    fn new(config: &SmpConfig, encoder: [usize; 5], device: &Device) -> Self;
    /// Channels of the map that the decoder returns.
    fn channels(config: &SmpConfig) -> usize;
    /// `[N, in, H, W]` to a map for the head, of the input's size or smaller.
    fn forward(&self, encoder: &Encoder, input: Tensor<4>) -> Tensor<4>;
    /// About how many numbers for each pixel of the input are held at once in inference.
    fn numbers_per_pixel(config: &SmpConfig) -> usize;

    fn initial(site: &InitSite<'_>) -> Init {
        initial(site)
    }
}

/// smp's initialisation of decoders and heads: He uniform, the head Xavier uniform, biases 0.
pub fn initial(site: &InitSite<'_>) -> Init {
    match site.shape {
        [output, input, rows, columns] => {
            let is_head = site.name.starts_with("segmentation_head");
            let fans = if is_head { input + output } else { *input };
            Init::Uniform((6.0 / (fans * rows * columns) as f64).sqrt())
        }
        _ if site.fan_in > 0 => Init::Constant(0.0),
        _ => site.standard(),
    }
}

#[derive(Module, Debug)]
pub struct Smp<D: Module> {
    encoder: Encoder,
    decoder: D,
    segmentation_head: Sequential,
}

impl<D: Decoder> SegmentationModule for Smp<D> {
    type Config = SmpConfig;

    fn spec() -> &'static ModelSpec {
        D::spec()
    }

    fn new(config: &SmpConfig, device: &Device) -> Self {
        let stem = config.width(64);
        let [c2, c3, c4, c5] = config.encoder.channels(stem);
        let shape =
            EncoderShape { in_channels: config.in_channels, width: stem, output_stride: D::OUTPUT_STRIDE };
        let head = conv(D::channels(config), config.n_classes, D::HEAD).same();
        Self {
            encoder: config.encoder.build(shape, device),
            decoder: D::new(config, [stem, c2, c3, c4, c5], device),
            segmentation_head: Sequential::new([head.init(device).into()]),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let [_, _, height, width] = input.dims();
        let map = self.decoder.forward(&self.encoder, input);
        Outputs::of(bilinear(self.segmentation_head.forward(map), [height, width], Align::Corners))
    }

    fn bytes_per_pixel(config: &SmpConfig) -> usize {
        // The encoder: the stem's map at half the size before and after its norm, or three of the first stage at a quarter.
        let [c2, ..] = config.encoder.channels(config.width(64));
        let encoder = config.width(32).max(3 * c2 / 16);
        // Logits are resized in two steps.
        4 * (D::numbers_per_pixel(config).max(encoder) + 3 * config.n_classes)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        if site.name.starts_with("encoder.") { resnet::initial(site) } else { D::initial(site) }
    }
}
