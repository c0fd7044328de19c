//! The ResNet-101 of JMedSeg: a stem of three convolutions, and a last stage that dilates instead of shrinking.
//! L.-C. Chen et al.: "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017.

use super::resnet::{Block, BlockConfig, run_stage};
use crate::nn::blocks::{Layer, Norm, NormKind, Sequential, conv, halve, max_pool, op};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde::{Deserialize, Serialize};

/// The three versions that JMedSeg's networks have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// No norm after the stem's third convolution; pool 3×3.
    Deep,
    /// The stem is one convolution 7×7; pool 2×2.
    Wide,
    /// As `Deep` with group norms, one also after the third convolution; pool 2×2. The first block of the last stage is
    /// not dilated.
    GroupNormed,
}

/// Blocks of the first three stages; the last has the multi-grid's three.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "[usize; 3]")]
pub struct Layers([usize; 3]);

impl Default for Layers {
    /// Those of the ResNet-101.
    fn default() -> Self {
        Self([3, 4, 23])
    }
}

impl TryFrom<[usize; 3]> for Layers {
    type Error = &'static str;

    fn try_from(blocks: [usize; 3]) -> Result<Self, Self::Error> {
        if blocks.contains(&0) { Err("layers must be at least 1 each") } else { Ok(Self(blocks)) }
    }
}

/// What the encoder is made from.
#[derive(Clone, Copy, Debug)]
pub struct DeepStemConfig {
    pub in_channels: usize,
    /// Divides all widths; the published one is 1.
    pub feature_scale: usize,
    pub layers: Layers,
    pub variant: Variant,
}

/// The encoder; `N` pictures of `H`×`W` give maps of ⌈H/4⌉ to ⌈H/16⌉ rows (rounded down in a 2×2 pool).
#[derive(Module, Debug)]
pub struct DeepStem {
    conv1: Layer,
    bn1: Option<Norm>,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
}

impl DeepStemConfig {
    pub fn init(self, device: &Device) -> DeepStem {
        let Self { in_channels, layers: Layers(layers), variant, .. } = self;
        let [w64, w128] = [64, 128].map(|n| n / self.feature_scale);
        let norm = if variant == Variant::GroupNormed { NormKind::Group } else { NormKind::Batch };
        let stage = |input: usize, planes: usize, stride: usize, dilations: &[usize]| -> Vec<Block> {
            let [planes, output] = [planes / self.feature_scale, 4 * planes / self.feature_scale];
            let block = |(i, &dilation): (usize, &usize)| {
                let (input, stride) = if i == 0 { (input, stride) } else { (output, 1) };
                BlockConfig { bottleneck: true, stride, dilation, norm }.init([input, planes, output], device)
            };
            dilations.iter().enumerate().map(block).collect()
        };
        let three = |input, output| conv(input, output, 3).same().no_bias();
        let (conv1, stem) = if variant == Variant::Wide {
            (conv(in_channels, w64, 7).stride(2).same().no_bias().init(device).into(), w64)
        } else {
            let deep = Sequential::new([
                three(in_channels, w64).stride(2).init(device).into(),
                norm.init(w64, device).into(),
                op(relu),
                three(w64, w64).init(device).into(),
                norm.init(w64, device).into(),
                op(relu),
                three(w64, w128).init(device).into(),
            ]);
            (deep.into(), w128)
        };
        let multi_grid = if variant == Variant::GroupNormed { [1, 4, 8] } else { [2, 4, 8] };
        DeepStem {
            conv1,
            bn1: (variant != Variant::Deep).then(|| norm.init(stem, device)),
            layer1: stage(stem, 64, 1, &vec![1; layers[0]]),
            layer2: stage(4 * w64, 128, 2, &vec![1; layers[1]]),
            layer3: stage(8 * w64, 256, 2, &vec![1; layers[2]]),
            layer4: stage(16 * w64, 512, 1, &multi_grid),
        }
    }
}

impl DeepStem {
    /// Leaves the last stage out.
    pub fn without_layer4(self) -> Self {
        Self { layer4: vec![], ..self }
    }

    /// `[N, in, H, W]` to `[N, 128, H/2, W/2]` (64 channels in [`Variant::Wide`]).
    pub fn stem(&self, input: Tensor<4>) -> Tensor<4> {
        let x = self.conv1.forward(input);
        match &self.bn1 {
            Some(norm) => relu(norm.forward(x)),
            None => x,
        }
    }

    /// [`Self::stem`]'s map, pooled, to `[N, 256, H/4, W/4]`.
    pub fn layer1(&self, stem: Tensor<4>) -> Tensor<4> {
        // The two versions with a norm here are those that pool 2×2.
        let x = if self.bn1.is_some() { halve(stem) } else { max_pool(stem, 3, 2, 1) };
        run_stage(&self.layer1, x)
    }

    /// To `[N, 512, H/8, W/8]`.
    pub fn layer2(&self, x: Tensor<4>) -> Tensor<4> {
        run_stage(&self.layer2, x)
    }

    /// To `[N, 1024, H/16, W/16]`.
    pub fn layer3(&self, x: Tensor<4>) -> Tensor<4> {
        run_stage(&self.layer3, x)
    }

    /// To `[N, 2048, H/16, W/16]`.
    pub fn layer4(&self, x: Tensor<4>) -> Tensor<4> {
        run_stage(&self.layer4, x)
    }

    /// `[N, in, H, W]` through everything to `[N, 2048, H/16, W/16]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.layer4(self.layer3(self.layer2(self.layer1(self.stem(input)))))
    }
}
