//! SA-UNet. C. Guo et al.: "SA-UNet: Spatial Attention U-Net for Retinal Vessel Segmentation", ICPR 2020.

use crate::nn::{
    Config, Head, Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{BatchNorm, Conv, DropBlock, SpatialAttention, UpConv, halve, keras_up, same_conv, up_conv},
    models::ends,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The reference's constructor arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaUnetConfig {
    in_channels: usize,
    /// Background included. Two classes are told apart by one sigmoid, as published; more by a softmax.
    n_classes: usize,
    /// Channels of the first level; each level doubles them.
    start_neurons: usize,
    /// DropBlock's block in pixels. The paper's runs: 7.
    block_size: usize,
    /// What DropBlock keeps. The paper's runs: 0.82 on DRIVE, 0.87 on CHASE_DB1.
    keep_prob: f64,
    /// Without it the network is the paper's "Backbone".
    attention: bool,
}

impl Default for SaUnetConfig {
    fn default() -> Self {
        Self {
            in_channels: 3,
            n_classes: 2,
            start_neurons: 16,
            block_size: 7,
            keep_prob: 0.9,
            attention: true,
        }
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "vessel/sa_unet",
    title: "SA-UNet",
    paper: "Guo et al., SA-UNet: Spatial Attention U-Net for Retinal Vessel Segmentation, ICPR 2020",
    family: "vessel",
    input: InputRule::multiple_of(8),
    published: Published::Sigmoid,
    as_published: || json!({}),
    probe_config: || json!({ "start_neurons": 8, "keep_prob": 1.0 }),
    make: Make::slices::<SaUnet>(),
};

impl Config for SaUnetConfig {
    fn check(&self) -> Result<(), String> {
        ends(self.in_channels, self.n_classes)?;
        if self.start_neurons == 0 {
            return Err("start_neurons must be at least 1".to_owned());
        }
        if self.block_size == 0 {
            return Err("block_size must be at least 1".to_owned());
        }
        if !(self.keep_prob > 0.0 && self.keep_prob <= 1.0) {
            return Err("keep_prob must be above 0 and at most 1".to_owned());
        }
        Ok(())
    }

    fn channels(&self) -> usize {
        self.in_channels
    }

    fn head(&self) -> Head {
        match self.n_classes {
            2 => Head::Sigmoid,
            classes => Head::Softmax { classes },
        }
    }
}

/// Keras' batch normalisation: epsilon 1e-3, momentum 0.99, which is 0.01 here.
fn batch_norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNorm::new(channels, 1e-3, 0.01, device)
}

/// Two units of convolution, DropBlock, batch norm, ReLU.
#[derive(Module, Debug)]
struct Level {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    #[module(skip)]
    drop: DropBlock,
}

impl Level {
    fn new(input: usize, output: usize, drop: &DropBlock, device: &Device) -> Self {
        Self {
            conv1: same_conv([input, output], 3, device),
            bn1: batch_norm(output, device),
            conv2: same_conv([output, output], 3, device),
            bn2: batch_norm(output, device),
            drop: drop.clone(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = relu(self.bn1.forward(self.drop.forward(self.conv1.forward(x))));
        relu(self.bn2.forward(self.drop.forward(self.conv2.forward(x))))
    }
}

/// The lowest level: spatial attention between its two units.
#[derive(Module, Debug)]
struct Middle {
    conv1: Conv,
    bn1: BatchNorm,
    attn: Option<SpatialAttention>,
    conv2: Conv,
    bn2: BatchNorm,
    #[module(skip)]
    drop: DropBlock,
}

impl Middle {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = relu(self.bn1.forward(self.drop.forward(self.conv1.forward(x))));
        let x = match &self.attn {
            Some(attention) => attention.forward(x),
            None => x,
        };
        relu(self.bn2.forward(self.drop.forward(self.conv2.forward(x))))
    }
}

#[derive(Module, Debug)]
struct Up {
    deconv: UpConv,
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    #[module(skip)]
    drop: DropBlock,
}

impl Up {
    /// From `2 * output` channels to `output`.
    fn new(output: usize, drop: &DropBlock, device: &Device) -> Self {
        Self {
            deconv: up_conv([2 * output, output], 3, 0, device),
            conv1: same_conv([2 * output, output], 3, device),
            bn1: batch_norm(output, device),
            conv2: same_conv([output, output], 3, device),
            bn2: batch_norm(output, device),
            drop: drop.clone(),
        }
    }

    fn forward(&self, low: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        let x = Tensor::cat(vec![keras_up(&self.deconv, low), skip], 1);
        let x = relu(self.bn1.forward(self.drop.forward(self.conv1.forward(x))));
        relu(self.bn2.forward(self.drop.forward(self.conv2.forward(x))))
    }
}

#[derive(Module, Debug)]
struct SaUnet {
    enc1: Level,
    enc2: Level,
    enc3: Level,
    mid: Middle,
    up3: Up,
    up2: Up,
    up1: Up,
    head: Conv,
}

impl SegmentationModule for SaUnet {
    type Config = SaUnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SaUnetConfig, device: &Device) -> Self {
        let n = config.start_neurons;
        let drop = DropBlock { block_size: config.block_size, keep_prob: config.keep_prob };
        Self {
            enc1: Level::new(config.in_channels, n, &drop, device),
            enc2: Level::new(n, 2 * n, &drop, device),
            enc3: Level::new(2 * n, 4 * n, &drop, device),
            mid: Middle {
                conv1: same_conv([4 * n, 8 * n], 3, device),
                bn1: batch_norm(8 * n, device),
                attn: config.attention.then(|| SpatialAttention::new(7, device)),
                conv2: same_conv([8 * n, 8 * n], 3, device),
                bn2: batch_norm(8 * n, device),
                drop: drop.clone(),
            },
            up3: Up::new(4 * n, &drop, device),
            up2: Up::new(2 * n, &drop, device),
            up1: Up::new(n, &drop, device),
            head: same_conv([n, config.head().channels()], 1, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, 1 or classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let e1 = self.enc1.forward(input); // [N, n, H, W]
        let e2 = self.enc2.forward(halve(e1.clone())); // [N, 2n, H/2, W/2]
        let e3 = self.enc3.forward(halve(e2.clone())); // [N, 4n, H/4, W/4]
        let x = self.mid.forward(halve(e3.clone())); // [N, 8n, H/8, W/8]
        let x = self.up3.forward(x, e3);
        let x = self.up2.forward(x, e2);
        let x = self.up1.forward(x, e1);
        Outputs::of(self.head.forward(x))
    }

    fn bytes_per_pixel(config: &SaUnetConfig) -> usize {
        // At full resolution: 2n channels concatenated, two maps of n, each once more as the convolution lays it out.
        4 * 12 * config.start_neurons
    }

    /// Keras' defaults: Glorot uniform, biases 0; He normal for the attention.
    fn initial(site: &InitSite<'_>) -> Init {
        match (site.name, site.shape) {
            ("mid.attn.conv.weight", _) => {
                // Keras divides by the deviation of a normal cut at ±2.
                Init::TruncatedNormal((2.0 / site.fan_in as f64).sqrt() / 0.879_625_661_034_239_8)
            }
            (_, [a, b, kh, kw]) => Init::Uniform((6.0 / ((a + b) * kh * kw) as f64).sqrt()),
            (name, _) if name.contains(".bn") && name.ends_with("weight") => Init::Constant(1.0),
            _ => Init::Constant(0.0),
        }
    }
}
