//! Blocks that the U-Nets of JMedSeg share.

#![expect(non_snake_case, reason = "fields have the reference's names")]

use crate::nn::{
    blocks::{
        Conv, GroupNorm, Layer, Sequential, UpConv, batch_norm, bilinear_up, conv, nearest_up, op, same_conv,
    },
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{
        Device, Tensor,
        activation::{relu, sigmoid},
    },
};

/// Channels of the five levels, 64 to 1024 in the published networks.
pub fn filters(config: &Plain) -> [usize; 5] {
    [64, 128, 256, 512, 1024].map(|n| config.width(n))
}

/// What normalises the channels of a convolution.
pub type Norm = fn(usize, &Device) -> Layer;

pub fn batch(channels: usize, device: &Device) -> Layer {
    batch_norm(channels, device).into()
}

/// Instance normalisation without scale and shift.
pub fn instance(channels: usize, _device: &Device) -> Layer {
    GroupNorm::plain(channels).into()
}

/// Convolution 3×3, batch norm, ReLU, twice; channels are `[input, middle, output]`.
pub fn double_conv([input, middle, output]: [usize; 3], device: &Device) -> Sequential {
    Sequential::new([
        same_conv([input, middle], 3, device).into(),
        batch(middle, device),
        op(relu),
        same_conv([middle, output], 3, device).into(),
        batch(output, device),
        op(relu),
    ])
}

/// [`double_conv`] under the name `double_conv`.
#[derive(Module, Debug)]
pub struct DoubleConv {
    double_conv: Sequential,
}

impl DoubleConv {
    pub fn new(channels: [usize; 3], device: &Device) -> Self {
        Self { double_conv: double_conv(channels, device) }
    }

    /// `[N, input, H, W]` to `[N, output, H, W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.double_conv.forward(x)
    }
}

/// [`double_conv`] under the name `conv`.
#[derive(Module, Debug)]
pub struct ConvBlock {
    conv: Sequential,
}

impl ConvBlock {
    pub fn new([input, output]: [usize; 2], device: &Device) -> Self {
        Self { conv: double_conv([input, output, output], device) }
    }

    /// `[N, input, H, W]` to `[N, output, H, W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(x)
    }
}

/// Doubles the size, concatenates `[skip, up]`, double convolution.
#[derive(Module, Debug)]
pub struct Up {
    up: Option<UpConv>,
    conv: DoubleConv,
}

impl Up {
    /// Doubles bilinearly; the first of `[input, middle, output]` counts the skip's channels too.
    pub fn bilinear(channels: [usize; 3], device: &Device) -> Self {
        Self { up: None, conv: DoubleConv::new(channels, device) }
    }

    /// Doubles by a transposed convolution from `input` channels to half of them, as many as the skip has.
    pub fn transposed([input, output]: [usize; 2], device: &Device) -> Self {
        Self {
            up: Some(conv(input, input / 2, 2).stride(2).init_transposed(device)),
            conv: DoubleConv::new([input, output, output], device),
        }
    }

    /// `low` is half the size of `skip`.
    pub fn forward(&self, low: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        let up = match &self.up {
            Some(up) => up.forward(low),
            None => bilinear_up(low, 2),
        };
        self.conv.forward(Tensor::cat(vec![skip, up], 1))
    }
}

/// Doubles the size by repetition; convolution 3×3, norm, ReLU.
#[derive(Module, Debug)]
pub struct UpConvUnit {
    up: Sequential,
}

impl UpConvUnit {
    pub fn new([input, output]: [usize; 2], norm: Norm, device: &Device) -> Self {
        let conv = same_conv([input, output], 3, device).into();
        Self { up: Sequential::new([op(|x| nearest_up(x, 2)), conv, norm(output, device), op(relu)]) }
    }

    /// `[N, input, H, W]` to `[N, output, 2H, 2W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.up.forward(x)
    }
}

/// Attention gate (Oktay et al.: "Attention U-Net", 2018, equations 1 and 2): what the decoder looks for weighs the skip.
#[derive(Module, Debug)]
pub struct AttentionGate {
    W_g: Sequential,
    W_x: Sequential,
    psi: Sequential,
}

impl AttentionGate {
    /// For a decoder and a skip of `channels` each.
    pub fn new(channels: usize, norm: Norm, device: &Device) -> Self {
        let inner = (channels / 2).max(1);
        let unit = |[input, output]: [usize; 2]| {
            [same_conv([input, output], 1, device).into(), norm(output, device)]
        };
        let [conv, norm] = unit([inner, 1]);
        Self {
            W_g: Sequential::new(unit([channels, inner])),
            W_x: Sequential::new(unit([channels, inner])),
            psi: Sequential::new([conv, norm, op(sigmoid)]),
        }
    }

    /// `decoder` and `skip`, `[N, channels, H, W]`, to the skip weighed.
    pub fn forward(&self, decoder: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        let sum = self.W_g.forward(decoder) + self.W_x.forward(skip.clone());
        skip * self.psi.forward(relu(sum))
    }
}

/// The last convolution, 1×1, under the name `conv`.
#[derive(Module, Debug)]
pub struct OutConv {
    conv: Conv,
}

impl OutConv {
    pub fn new(channels: [usize; 2], device: &Device) -> Self {
        Self { conv: same_conv(channels, 1, device) }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(x)
    }
}
