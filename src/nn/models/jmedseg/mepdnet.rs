//! MEPDNet of JMedSeg: a slice between its two neighbours, each encoded alone by the same layers, fused by attention
//! (after X. Li et al.: "Selective Kernel Networks", CVPR 2019).

use crate::nn::{
    Config, Head, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, GroupNorm, Layer, Sequential, bilinear_up, conv, global_avg, halve, op},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{
        Device, Tensor,
        activation::{relu, softmax},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// [`Plain`], whose `in_channels` are those of one of the three slices.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MepdnetConfig(Plain);

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/mepdnet",
    title: "MEPDNet",
    paper: "JMedSeg, 2021",
    family: "jmedseg",
    input: InputRule::multiple_of(16),
    published: Published::Logits,
    as_published: || json!({}),
    // Three grey slices: what `Channels::Stack3` gives.
    probe_config: || json!({ "in_channels": 1, "feature_scale": 8 }),
    make: Make::slices::<Mepdnet>(),
};

impl Config for MepdnetConfig {
    fn check(&self) -> Result<(), String> {
        self.0.check()
    }

    fn channels(&self) -> usize {
        SLICES * self.0.channels()
    }

    fn head(&self) -> Head {
        self.0.head()
    }
}

/// The slice above, the slice, the slice below.
const SLICES: usize = 3;

/// Group norm over 16 channels, as everywhere here without scale and shift.
fn norm(channels: usize) -> GroupNorm {
    GroupNorm::plain((channels / 16).max(1))
}

/// Groups of the convolutions behind the stem.
fn groups(output: usize) -> usize {
    output.min(8)
}

/// Two convolutions 3×3 in groups, each with [`norm`] and ReLU, the last without where `last` says so.
#[derive(Module, Debug)]
struct DoubleConv {
    double_conv: Sequential,
}

impl DoubleConv {
    fn new([input, output]: [usize; 2], groups: usize, last: bool, device: &Device) -> Self {
        let layer = |input| conv(input, output, 3).padding(1).groups(groups).init(device).into();
        let mut layers: Vec<Layer> =
            vec![layer(input), norm(output).into(), op(relu), layer(output), norm(output).into()];
        if last {
            layers.push(op(relu));
        }
        Self { double_conv: Sequential::new(layers) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.double_conv.forward(x)
    }
}

/// Half the size, then a double convolution.
#[derive(Module, Debug)]
struct Down {
    maxpool_conv: (Layer, DoubleConv),
}

impl Down {
    fn new(widths: [usize; 2], device: &Device) -> Self {
        Self { maxpool_conv: (op(halve), DoubleConv::new(widths, groups(widths[1]), true, device)) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (pool, conv) = &self.maxpool_conv;
        conv.forward(pool.forward(x))
    }
}

/// A double convolution under the name `conv`.
#[derive(Module, Debug)]
struct Joined {
    conv: DoubleConv,
}

impl Joined {
    fn new(widths: [usize; 2], last: bool, device: &Device) -> Self {
        Self { conv: DoubleConv::new(widths, groups(widths[1]), last, device) }
    }

    /// `[…maps]`, concatenated, to `[N, output, …]`.
    fn forward(&self, maps: Vec<Tensor<4>>) -> Tensor<4> {
        self.conv.forward(Tensor::cat(maps, 1))
    }
}

/// Weighs three maps against each other, channel by channel, by what all of them say on average.
#[derive(Module, Debug)]
struct Fuse {
    fc1: Sequential,
    fc2: Conv,
    /// The reference has it also where it is not used.
    out: Sequential,
    refined: bool,
}

impl Fuse {
    fn new(channels: usize, refined: bool, config: &Plain, device: &Device) -> Self {
        let hidden = (channels / 16).max(config.width(32));
        let point = |input, output| conv(input, output, 1).no_bias().init(device);
        Self {
            fc1: Sequential::new([point(channels, hidden).into(), norm(hidden).into(), op(relu)]),
            fc2: point(hidden, 3 * channels),
            out: Sequential::new([point(channels, channels).into(), norm(channels).into()]),
            refined,
        }
    }

    /// Three maps `[N, c, H, W]` to one of that shape.
    fn forward(&self, maps: [Tensor<4>; 3]) -> Tensor<4> {
        let [batch, channels, _, _] = maps[0].dims();
        let means = Tensor::cat(maps.each_ref().map(|x| global_avg(x.clone())).into(), 2); // [N, c, 3, 1]
        let scores = self.fc2.forward(self.fc1.forward(means.sum_dim(2)));
        let weights = softmax(scores.reshape([batch, 3, channels, 1]), 1);
        let weight = |i| weights.clone().narrow(1, i, 1).reshape([batch, channels, 1, 1]);
        let [a, b, c] = maps;
        let x = a * weight(0) + b * weight(1) + c * weight(2);
        if self.refined { relu(self.out.forward(x.clone()) + x) } else { x }
    }
}

/// One map seen at three scales.
#[derive(Module, Debug)]
struct Top {
    conv3: Sequential,
    conv5: Sequential,
    conv7: Sequential,
    fuse: Fuse,
}

impl Top {
    fn new(channels: usize, config: &Plain, device: &Device) -> Self {
        let layer = |kernel| {
            let conv = conv(channels, channels, kernel).same().init(device);
            Sequential::new([conv.into(), norm(channels).into(), op(relu)])
        };
        let fuse = Fuse::new(channels, false, config, device);
        Self { conv3: layer(3), conv5: layer(5), conv7: layer(7), fuse }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.fuse.forward([&self.conv3, &self.conv5, &self.conv7].map(|layer| layer.forward(x.clone())))
    }
}

/// Two sizes down, four up and two down again, added to where it began.
#[derive(Module, Debug)]
struct Wave {
    down1: Down,
    down2: Down,
    up1: Joined,
    up2: Joined,
    up3: Joined,
    up4: Joined,
    topblock: Top,
    down3: Joined,
    down4: Joined,
}

impl Wave {
    fn new(config: &Plain, device: &Device) -> Self {
        let [a, b, c, d, e] = [64, 128, 256, 512, 1024].map(|n| config.width(n));
        let join = |widths| Joined::new(widths, true, device);
        Self {
            down1: Down::new([c, d], device),
            down2: Down::new([d, e], device),
            up1: join([d + e, d]),
            up2: join([c + d, c]),
            up3: join([c, b]),
            up4: join([b, a]),
            topblock: Top::new(a, config, device),
            down3: join([b + a, b]),
            down4: Joined::new([c + b, c], false, device),
        }
    }

    /// `[N, c, H/4, W/4]` to the same shape.
    fn forward(&self, y: Tensor<4>) -> Tensor<4> {
        let up = |x| bilinear_up(x, 2);
        let x1 = self.down1.forward(y.clone()); // 1/8
        let x2 = self.down2.forward(x1.clone()); // 1/16
        let x3 = self.up1.forward(vec![x1, up(x2)]);
        let x4 = self.up2.forward(vec![y.clone(), up(x3)]); // 1/4
        let x5 = self.up3.forward(vec![up(x4)]); // 1/2
        let x6 = self.up4.forward(vec![up(x5.clone())]); // whole
        let x6 = halve(self.topblock.forward(x6));
        let x7 = self.down3.forward(vec![x5, x6]); // 1/2
        let x8 = self.down4.forward(vec![y.clone(), halve(x7)]); // 1/4
        relu(x8 + y)
    }
}

/// A convolution under the name `conv`.
#[derive(Module, Debug)]
struct Last {
    conv: Conv,
}

#[derive(Module, Debug)]
struct Mepdnet {
    inc: DoubleConv,
    down1: Down,
    down2: Down,
    fuse: Fuse,
    compression: Sequential,
    wave: Wave,
    up3: Joined,
    up4: Joined,
    outc: Last,
}

impl SegmentationModule for Mepdnet {
    type Config = MepdnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(MepdnetConfig(config): &MepdnetConfig, device: &Device) -> Self {
        let [a, b, c] = [64, 128, 256].map(|n| config.width(n));
        let compression = conv(2 * c, c, 1).groups(groups(c)).no_bias().init(device);
        Self {
            inc: DoubleConv::new([config.in_channels, a], 1, true, device),
            down1: Down::new([a, b], device),
            down2: Down::new([b, c], device),
            fuse: Fuse::new(c, true, config, device),
            compression: Sequential::new([compression.into(), norm(c).into(), op(relu)]),
            wave: Wave::new(config, device),
            up3: Joined::new([c, b], true, device),
            up4: Joined::new([b, a], true, device),
            outc: Last { conv: conv(a, config.n_classes, 1).init(device) },
        }
    }

    /// Three slices `[N, 3 in, H, W]` to logits of the middle one, `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let encode = |slice| self.down2.forward(self.down1.forward(self.inc.forward(slice)));
        let channels = input.dims()[1] / SLICES;
        let maps = [0, 1, 2].map(|i| encode(input.clone().narrow(1, i * channels, channels))); // [N, 256, H/4, W/4]
        let middle = maps[1].clone();
        let fused = self.fuse.forward(maps);
        let x = self.compression.forward(Tensor::cat(vec![middle, fused], 1));
        let x = self.wave.forward(x);
        let x = self.up3.forward(vec![bilinear_up(x, 2)]); // [N, 128, H/2, W/2]
        let x = self.up4.forward(vec![bilinear_up(x, 2)]); // [N, 64, H, W]
        Outputs::of(self.outc.conv.forward(x))
    }

    fn bytes_per_pixel(MepdnetConfig(config): &MepdnetConfig) -> usize {
        // The top of the wave: its input, three maps and their weighted sum at full resolution, and what the convolution
        // 7×7 lays out.
        4 * 12 * config.width(64)
    }
}
