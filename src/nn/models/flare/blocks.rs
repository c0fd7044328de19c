//! What the networks are built from. Every convolution is without bias and followed by instance normalisation, which has
//! no parameters either.

use crate::nn::{
    Init, InitSite,
    blocks::{Align, Conv3, ConvConfig, Dropout, conv3, instance_norm, trilinear},
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde::{Deserialize, Serialize};

/// A convolution and a norm, with or without dropout of channels and ReLU.
#[derive(Module, Debug)]
pub(super) struct Unit {
    conv: Conv3,
    dropout: Option<Dropout>,
}

impl Unit {
    /// The reference's `ConvINReLU`; `dropout` is the share of channels that training drops.
    pub(super) fn rectified(conv: ConvConfig<3>, dropout: f64, device: &Device) -> Self {
        Self { conv: conv.no_bias().init(device), dropout: Some(Dropout::of_channels(dropout)) }
    }

    /// The reference's `ConvIN`.
    pub(super) fn plain(conv: ConvConfig<3>, device: &Device) -> Self {
        Self { conv: conv.no_bias().init(device), dropout: None }
    }

    /// `[N, in, D, H, W]` to `[N, out, …]`.
    pub(super) fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let normed = instance_norm(self.conv.forward(input));
        match &self.dropout {
            Some(dropout) => relu(dropout.forward(normed)),
            None => normed,
        }
    }
}

/// The blocks of EfficientSegNet and ContextUNet by the reference's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ConvBlock {
    /// Two convolutions 3×3×3.
    ResBaseConvBlock,
    /// A convolution 3×3×1 and one of 1×1×3, which lies along the columns.
    AnisotropicConvBlock,
}

impl ConvBlock {
    pub(super) const NAMES: &[&str] = &["ResBaseConvBlock", "AnisotropicConvBlock"];
}

/// Two convolutions with a shortcut around them.
#[derive(Module, Debug)]
pub(super) struct Residual {
    residual_unit: (Unit, Unit),
    /// `None`: the input itself is added.
    shortcut_unit: Option<Unit>,
}

impl Residual {
    /// The reference's `ResTwoLayerConvBlock`.
    pub(super) fn two_layers([input, output]: [usize; 2], dropout: f64, device: &Device) -> Self {
        Self::new(ConvBlock::ResBaseConvBlock, [input, output], 1, true, dropout, device)
    }

    fn new(
        block: ConvBlock,
        [input, output]: [usize; 2],
        stride: usize,
        projected: bool,
        dropout: f64,
        device: &Device,
    ) -> Self {
        let [first, second] = match block {
            ConvBlock::ResBaseConvBlock => [[3, 3, 3], [3, 3, 3]],
            ConvBlock::AnisotropicConvBlock => [[3, 3, 1], [1, 1, 3]],
        };
        let first = conv3(input, output, 3).kernel(first).stride(stride).same();
        let second = conv3(output, output, 3).kernel(second).same();
        let shortcut = conv3(input, output, 1).stride(stride);
        Self {
            residual_unit: (Unit::rectified(first, dropout, device), Unit::plain(second, device)),
            shortcut_unit: projected.then(|| Unit::plain(shortcut, device)),
        }
    }

    /// `[N, in, D, H, W]` to `[N, out, …]`, of a size divided by the stride.
    pub(super) fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let (first, second) = &self.residual_unit;
        // The shortcut is computed last, so that one large map less is in memory meanwhile.
        let main = second.forward(first.forward(input.clone()));
        let around = match &self.shortcut_unit {
            Some(unit) => unit.forward(input),
            None => input,
        };
        relu(main + around)
    }
}

/// The blocks of one level, of which the first strides and changes the channels.
pub(super) fn stage(
    block: ConvBlock,
    [input, output]: [usize; 2],
    count: usize,
    stride: usize,
    dropout: f64,
    device: &Device,
) -> Vec<Residual> {
    let first = Residual::new(block, [input, output], stride, true, dropout, device);
    let more = (1..count).map(|_| Residual::new(block, [output; 2], 1, false, dropout, device));
    std::iter::once(first).chain(more).collect()
}

/// `[N, in, D, H, W]` through the blocks of a level.
pub(super) fn run(stage: &[Residual], input: Tensor<5>) -> Tensor<5> {
    stage.iter().fold(input, |x, block| block.forward(x))
}

/// Trilinear resizing with the corners kept, as everywhere in these networks.
pub(super) fn resize(input: Tensor<5>, size: [usize; 3]) -> Tensor<5> {
    trilinear(input, size, Align::Corners)
}

/// Depth, height and width.
pub(super) fn size(input: &Tensor<5>) -> [usize; 3] {
    let [_, _, depth, height, width] = input.dims();
    [depth, height, width]
}

/// Doubles the size.
pub(super) fn double(input: Tensor<5>) -> Tensor<5> {
    let size = size(&input).map(|n| 2 * n);
    resize(input, size)
}

/// A convolution 1×1×1 alone.
pub(super) fn projection(input: usize, output: usize, device: &Device) -> Conv3 {
    conv3(input, output, 1).no_bias().init(device)
}

/// Kaiming's normal rule for ReLU (He et al., 2015); there are convolutions only.
pub(super) fn initial(site: &InitSite<'_>) -> Init {
    Init::Normal { mean: 0.0, std: (2.0 / site.fan_in as f64).sqrt() }
}
