//! CS-Net. L. Mou et al.: "CS-Net: Channel and Spatial Attention Network for Curvilinear Structure Segmentation",
//! MICCAI 2019.

use super::{SigmoidConfig, unet_parts::ConvBlock};
use crate::nn::{
    Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{BatchNorm, Conv, Sequential, UpConv, batch_norm, conv, halve, op, same_conv, up_conv},
};
use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor,
        activation::{relu, softmax},
    },
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/csnet",
    title: "CS-Net",
    paper: "Mou et al., CS-Net, MICCAI 2019",
    family: "jmedseg",
    // The attention compares every pixel of the map at 1/16 with every other.
    input: InputRule::multiple_of(16).least(32).most(1024),
    published: Published::Logits,
    as_published: || json!({ "sigmoid": true }),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<CsNet>(),
};

/// Two convolutions with a residual connection around them.
#[derive(Module, Debug)]
struct ResEncoder {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    conv1x1: Conv,
}

impl ResEncoder {
    fn new([input, output]: [usize; 2], device: &Device) -> Self {
        Self {
            conv1: same_conv([input, output], 3, device),
            bn1: batch_norm(output, device),
            conv2: same_conv([output, output], 3, device),
            bn2: batch_norm(output, device),
            conv1x1: same_conv([input, output], 1, device),
        }
    }

    /// `[N, input, H, W]` to `[N, output, H, W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = relu(self.bn1.forward(self.conv1.forward(x.clone())));
        let y = relu(self.bn2.forward(self.conv2.forward(y)));
        relu(y + self.conv1x1.forward(x))
    }
}

/// `[N, C, H, W]` to `[N, C, H W]`.
fn flat(x: Tensor<4>) -> Tensor<3> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h * w])
}

fn gate(device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::zeros([1], device))
}

/// Every pixel gathers from those that resemble it.
#[derive(Module, Debug)]
struct SpatialAttention {
    gamma: Param<Tensor<1>>,
    query: Sequential,
    key: Sequential,
    value: Conv,
}

impl SpatialAttention {
    fn new(channels: usize, inner: usize, device: &Device) -> Self {
        let unit = |kernel: [usize; 2]| {
            let conv = conv(channels, inner, 1).kernel(kernel).same().init(device);
            Sequential::new([conv.into(), batch_norm(inner, device).into(), op(relu)])
        };
        Self {
            gamma: gate(device),
            query: unit([1, 3]),
            key: unit([3, 1]),
            value: same_conv([channels, channels], 1, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let query = flat(self.query.forward(x.clone()));
        let key = flat(self.key.forward(x.clone()));
        let affinity = softmax(query.transpose().matmul(key), 2); // [N, H W, H W]
        let gathered = flat(self.value.forward(x.clone())).matmul(affinity.transpose());
        gathered.reshape(x.dims()) * self.gamma.val().reshape([1, 1, 1, 1]) + x
    }
}

/// Every channel gathers from those that differ from it.
#[derive(Module, Debug)]
struct ChannelAttention {
    gamma: Param<Tensor<1>>,
}

impl ChannelAttention {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let channels = flat(x.clone());
        // The reference subtracts the energy from a maximum first, which no softmax notices.
        let energy = channels.clone().matmul(channels.clone().transpose()); // [N, C, C]
        let gathered = softmax(energy.neg(), 2).matmul(channels);
        gathered.reshape(x.dims()) * self.gamma.val().reshape([1, 1, 1, 1]) + x
    }
}

#[derive(Module, Debug)]
struct AffinityAttention {
    sab: SpatialAttention,
    cab: ChannelAttention,
}

#[derive(Module, Debug)]
struct CsNet {
    enc_input: ResEncoder,
    encoder1: ResEncoder,
    encoder2: ResEncoder,
    encoder3: ResEncoder,
    encoder4: ResEncoder,
    affinity_attention: AffinityAttention,
    attention_fuse: Conv,
    decoder4: ConvBlock,
    decoder3: ConvBlock,
    decoder2: ConvBlock,
    decoder1: ConvBlock,
    deconv4: UpConv,
    deconv3: UpConv,
    deconv2: UpConv,
    deconv1: UpConv,
    r#final: Conv,
    #[module(skip)]
    last: fn(Tensor<4>) -> Tensor<4>,
}

impl SegmentationModule for CsNet {
    type Config = SigmoidConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SigmoidConfig, device: &Device) -> Self {
        let [f0, f1, f2, f3, f4] = [32, 64, 128, 256, 512].map(|n| config.plain().width(n));
        let encoder = |input, output| ResEncoder::new([input, output], device);
        let decoder = |input, output| ConvBlock::new([input, output], device);
        let deconv = |input, output| up_conv([input, output], 2, 0, device);
        Self {
            enc_input: encoder(config.in_channels, f0),
            encoder1: encoder(f0, f1),
            encoder2: encoder(f1, f2),
            encoder3: encoder(f2, f3),
            encoder4: encoder(f3, f4),
            affinity_attention: AffinityAttention {
                sab: SpatialAttention::new(f4, f4 / 8, device),
                cab: ChannelAttention { gamma: gate(device) },
            },
            attention_fuse: same_conv([2 * f4, f4], 1, device),
            decoder4: decoder(f4, f3),
            decoder3: decoder(f3, f2),
            decoder2: decoder(f2, f1),
            decoder1: decoder(f1, f0),
            deconv4: deconv(f4, f3),
            deconv3: deconv(f3, f2),
            deconv2: deconv(f2, f1),
            deconv1: deconv(f1, f0),
            r#final: same_conv([f0, config.n_classes], 1, device),
            last: config.last(),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x0 = self.enc_input.forward(input); // [N, f0, H, W]
        let x1 = self.encoder1.forward(halve(x0.clone())); // [N, f1, H/2, W/2]
        let x2 = self.encoder2.forward(halve(x1.clone())); // [N, f2, H/4, W/4]
        let x3 = self.encoder3.forward(halve(x2.clone())); // [N, f3, H/8, W/8]
        let x = self.encoder4.forward(halve(x3.clone())); // [N, f4, H/16, W/16]

        let AffinityAttention { sab, cab } = &self.affinity_attention;
        let attention = sab.forward(x.clone()) + cab.forward(x.clone());
        let x = self.attention_fuse.forward(Tensor::cat(vec![x, attention], 1));

        let up = |deconv: &UpConv, decoder: &ConvBlock, low, skip| {
            decoder.forward(Tensor::cat(vec![skip, deconv.forward(low)], 1))
        };
        let x = up(&self.deconv4, &self.decoder4, x, x3);
        let x = up(&self.deconv3, &self.decoder3, x, x2);
        let x = up(&self.deconv2, &self.decoder2, x, x1);
        let x = up(&self.deconv1, &self.decoder1, x, x0);
        Outputs::of((self.last)(self.r#final.forward(x)))
    }

    fn bytes_per_pixel(config: &SigmoidConfig) -> usize {
        // At full resolution: 2f channels concatenated, two maps of f, each once more as the convolution lays it out; for
        // the attention at its largest, three matrices of 64² × 64² over 1024² pixels.
        4 * (12 * config.plain().width(32).max(config.n_classes) + 48)
    }

    /// He normal and no bias for convolutions, transposed ones as Jittor leaves them; the attention starts closed.
    fn initial(site: &InitSite<'_>) -> Init {
        match (site.name.starts_with("deconv"), site.shape.len(), site.fan_in) {
            (true, _, fan_in) => Init::Uniform(1.0 / (fan_in as f64).sqrt()),
            (_, 4, fan_in) => Init::Normal { mean: 0.0, std: (2.0 / fan_in as f64).sqrt() },
            (_, 1, 0) if site.name.ends_with("weight") => Init::Constant(1.0),
            _ => Init::Constant(0.0),
        }
    }
}
