//! Residual networks as torchvision builds and names them, without their classifier.
//! K. He et al.: "Deep Residual Learning for Image Recognition", CVPR 2016.

use super::{Encoder, EncoderShape, EncoderSpec};
use crate::nn::{
    Init, InitSite,
    blocks::{BatchNorm, Conv, Norm, NormKind, batch_norm, conv, max_pool},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};

macro_rules! entry {
    ($entry:ident, $depth:ident, $name:literal) => {
        pub static $entry: EncoderSpec = EncoderSpec {
            name: $name,
            paper: "He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
            channels: |width| Depth::$depth.channels(width),
            build: |shape, device| Encoder::ResNet(ResNet::new(Depth::$depth, shape, device)),
        };
    };
}
entry!(RESNET18, ResNet18, "resnet18");
entry!(RESNET34, ResNet34, "resnet34");
entry!(RESNET50, ResNet50, "resnet50");
entry!(RESNET101, ResNet101, "resnet101");
entry!(RESNET152, ResNet152, "resnet152");

/// Which of the published networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    ResNet18,
    ResNet34,
    ResNet50,
    ResNet101,
    ResNet152,
}

impl Depth {
    /// Blocks of each stage.
    fn blocks(self) -> [usize; 4] {
        match self {
            Depth::ResNet18 => [2, 2, 2, 2],
            Depth::ResNet34 | Depth::ResNet50 => [3, 4, 6, 3],
            Depth::ResNet101 => [3, 4, 23, 3],
            Depth::ResNet152 => [3, 8, 36, 3],
        }
    }

    fn is_bottleneck(self) -> bool {
        !matches!(self, Depth::ResNet18 | Depth::ResNet34)
    }

    /// Channels that each stage returns over a stem of `width` channels; the published width is 64.
    pub fn channels(self, width: usize) -> [usize; 4] {
        let expansion = if self.is_bottleneck() { 4 } else { 1 };
        [1, 2, 4, 8].map(|n| n * width * expansion)
    }

    /// The four stages over a stem of `width` channels. At `output_stride` 16 or 8 (the published one is 32) the last or
    /// the last two stages keep the size and dilate by 2, or by 2 and 4, all of their 3×3 convolutions, as smp has it
    /// (torchvision leaves the first block of such a stage at the dilation before).
    pub fn stages(self, width: usize, output_stride: usize, device: &Device) -> [Vec<Block>; 4] {
        let (blocks, channels) = (self.blocks(), self.channels(width));
        let (mut input, mut reached, mut dilation) = (width, 4, 1);
        std::array::from_fn(|i| {
            let mut stride = 1;
            if i > 0 && reached < output_stride {
                (stride, reached) = (2, 2 * reached);
            } else if i > 0 {
                dilation *= 2;
            }
            let planes = width << i;
            let block = |n| {
                let (input, stride) = if n == 0 { (input, stride) } else { (channels[i], 1) };
                let block =
                    BlockConfig { bottleneck: self.is_bottleneck(), stride, dilation, norm: NormKind::Batch };
                block.init([input, planes, channels[i]], device)
            };
            let stage = (0..blocks[i]).map(block).collect();
            input = channels[i];
            stage
        })
    }
}

/// A residual block: two convolutions 3×3, or 1×1, 3×3 and 1×1 (a bottleneck), and the shortcut around them.
#[derive(Module, Debug)]
pub struct Block {
    conv1: Conv,
    bn1: Norm,
    conv2: Conv,
    bn2: Norm,
    conv3: Option<Conv>,
    bn3: Option<Norm>,
    downsample: Option<(Conv, Norm)>,
}

/// What a [`Block`] is made from.
#[derive(Clone, Copy)]
pub struct BlockConfig {
    pub bottleneck: bool,
    pub stride: usize,
    pub dilation: usize,
    pub norm: NormKind,
}

impl BlockConfig {
    /// From `input` over `planes` to `output` channels.
    pub fn init(self, [input, planes, output]: [usize; 3], device: &Device) -> Block {
        let Self { bottleneck, stride, dilation, .. } = self;
        let norm = |channels| self.norm.init(channels, device);
        let one = |input, output| conv(input, output, 1).no_bias();
        let three = |input| conv(input, planes, 3).dilation(dilation).same().no_bias();
        let (conv1, conv2) = if bottleneck {
            (one(input, planes), three(planes).stride(stride))
        } else {
            (three(input).stride(stride), three(planes))
        };
        let changes = stride != 1 || input != output;
        Block {
            conv1: conv1.init(device),
            bn1: norm(planes),
            conv2: conv2.init(device),
            bn2: norm(planes),
            conv3: bottleneck.then(|| one(planes, output).init(device)),
            bn3: bottleneck.then(|| norm(output)),
            downsample: changes.then(|| (one(input, output).stride(stride).init(device), norm(output))),
        }
    }
}

impl Block {
    /// `[N, input, H, W]` to `[N, output, H/stride, W/stride]`.
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = relu(self.bn1.forward(self.conv1.forward(input.clone())));
        let mut x = self.bn2.forward(self.conv2.forward(x));
        if let (Some(conv), Some(norm)) = (&self.conv3, &self.bn3) {
            x = norm.forward(conv.forward(relu(x)));
        }
        let shortcut = match &self.downsample {
            Some((conv, norm)) => norm.forward(conv.forward(input)),
            None => input,
        };
        relu(x + shortcut)
    }
}

/// The stem: convolution 7×7 at stride 2 and its norm.
pub fn stem(in_channels: usize, width: usize, device: &Device) -> (Conv, BatchNorm) {
    let conv = conv(in_channels, width, 7).stride(2).same().no_bias();
    (conv.init(device), batch_norm(width, device))
}

/// `[N, in, H, W]` through the stem's layers to `[N, width, H/2, W/2]`.
pub fn run_stem(conv: &Conv, norm: &BatchNorm, input: Tensor<4>) -> Tensor<4> {
    relu(norm.forward(conv.forward(input)))
}

/// The pool between stem and first stage, halving the size.
pub fn stem_pool(input: Tensor<4>) -> Tensor<4> {
    max_pool(input, 3, 2, 1)
}

/// Through the blocks of a stage.
pub fn run_stage(stage: &[Block], input: Tensor<4>) -> Tensor<4> {
    stage.iter().fold(input, |x, block| block.forward(x))
}

/// torchvision's initialisation: convolutions He normal over fan-out, norms 1 and 0.
pub fn initial(site: &InitSite<'_>) -> Init {
    match site.shape {
        [output, _, rows, columns] => {
            Init::Normal { mean: 0.0, std: (2.0 / (output * rows * columns) as f64).sqrt() }
        }
        _ => site.standard(),
    }
}

/// Stem and stages under torchvision's names.
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv,
    bn1: BatchNorm,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
}

impl ResNet {
    pub fn new(depth: Depth, shape: EncoderShape, device: &Device) -> Self {
        let EncoderShape { in_channels, width, output_stride } = shape;
        let (conv1, bn1) = stem(in_channels, width, device);
        let [layer1, layer2, layer3, layer4] = depth.stages(width, output_stride, device);
        Self { conv1, bn1, layer1, layer2, layer3, layer4 }
    }

    /// The first `N` (at most 5) maps of `[N, in, H, W]`: after the stem at H/2, then after each stage at H/4, H/8, H/16
    /// and H/32, or as far as the output stride goes. Stages beyond are not run.
    pub fn features<const N: usize>(&self, input: Tensor<4>) -> [Tensor<4>; N] {
        const { assert!(N <= 5) };
        let mut x = input;
        std::array::from_fn(|i| {
            let last = x.clone();
            x = match i {
                0 => run_stem(&self.conv1, &self.bn1, last),
                1 => run_stage(&self.layer1, stem_pool(last)),
                2 => run_stage(&self.layer2, last),
                3 => run_stage(&self.layer3, last),
                _ => run_stage(&self.layer4, last),
            };
            x.clone()
        })
    }
}
