//! SA-UNet. C. Guo et al.: "SA-UNet: Spatial Attention U-Net for Retinal Vessel Segmentation", ICPR 2020.

use crate::nn::{
    BuildError, ComputeDevice, Head, Init, InitSite, InputRule, ModelSpec, Network, Outputs,
    SegmentationModule, adapt,
    blocks::{BatchNorm, DropBlock, SpatialAttention, halve, keras_up, same_conv, up_conv},
    parse_config,
};
use burn::{
    module::Module,
    nn::conv::{Conv2d, ConvTranspose2d},
    tensor::{Device, Tensor, activation::relu},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The reference's constructor arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    in_channels: usize,
    /// Channels of the first level; each level doubles them.
    start_neurons: usize,
    /// DropBlock's block in pixels. The paper's runs: 7.
    block_size: usize,
    /// What DropBlock keeps. The paper's runs: 0.82 on DRIVE, 0.87 on CHASE_DB1.
    keep_prob: f64,
    /// Without it the network is the paper's "Backbone".
    attention: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { in_channels: 3, start_neurons: 16, block_size: 7, keep_prob: 0.9, attention: true }
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "vessel/sa_unet",
    title: "SA-UNet",
    paper: "Guo et al., SA-UNet: Spatial Attention U-Net for Retinal Vessel Segmentation, ICPR 2020",
    family: "vessel",
    input: InputRule { multiple_of: 8, channels: 3 },
    fixtures: &["vessel/sa_unet_n8", "vessel/sa_unet_backbone"],
    default_config: || json!(Config::default()),
    probe_config: || json!({ "start_neurons": 8, "keep_prob": 1.0 }),
    build,
};

fn build(config: &Value, seed: u64, device: &ComputeDevice) -> Result<Box<dyn Network>, BuildError> {
    let config: Config = parse_config(SPEC.id, config)?;
    let refuse = |reason: &str| Err(BuildError::Config { network: SPEC.id, reason: reason.to_owned() });
    if config.in_channels == 0 || config.start_neurons == 0 {
        return refuse("in_channels and start_neurons must be at least 1");
    }
    if config.block_size == 0 {
        return refuse("block_size must be at least 1");
    }
    if !(config.keep_prob > 0.0 && config.keep_prob <= 1.0) {
        return refuse("keep_prob must be above 0 and at most 1");
    }
    Ok(adapt(&SPEC, json!(config), SaUnet::new(&config, device.burn()), seed, device))
}

/// Keras' batch normalisation: epsilon 1e-3, momentum 0.99, which is 0.01 here.
fn batch_norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNorm::new(channels, 1e-3, 0.01, device)
}

/// Two units of convolution, DropBlock, batch norm, ReLU.
#[derive(Module, Debug)]
struct Level {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
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
    conv1: Conv2d,
    bn1: BatchNorm,
    attn: Option<SpatialAttention>,
    conv2: Conv2d,
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
    deconv: ConvTranspose2d,
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
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
    head: Conv2d,
}

impl SaUnet {
    fn new(config: &Config, device: &Device) -> Self {
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
            head: same_conv([n, 1], 1, device),
        }
    }
}

impl SegmentationModule for SaUnet {
    /// `[N, in, H, W]` to logits `[N, 1, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let pool = halve();
        let e1 = self.enc1.forward(input); // [N, n, H, W]
        let e2 = self.enc2.forward(pool.forward(e1.clone())); // [N, 2n, H/2, W/2]
        let e3 = self.enc3.forward(pool.forward(e2.clone())); // [N, 4n, H/4, W/4]
        let x = self.mid.forward(pool.forward(e3.clone())); // [N, 8n, H/8, W/8]
        let x = self.up3.forward(x, e3);
        let x = self.up2.forward(x, e2);
        let x = self.up1.forward(x, e1);
        Outputs { logits: self.head.forward(x), detection: None }
    }

    fn head(&self) -> Head {
        Head::Sigmoid
    }

    fn channels(&self) -> usize {
        self.enc1.conv1.weight.dims()[1]
    }

    fn bytes_per_pixel(&self) -> usize {
        // At full resolution: 2n channels concatenated, two maps of n, each once more as the convolution lays it out.
        let n = self.enc1.conv1.weight.dims()[0];
        4 * n * 12
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
