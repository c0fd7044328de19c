//! What the networks of the polyp system share.

use crate::nn::blocks::{Conv, ConvConfig, Layer, Sequential, batch_norm, conv, op};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation},
};
use serde::{Deserialize, Serialize};

/// The activations by the reference's names. (Its prelu, glu and softmax are not here.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    #[default]
    Relu,
    Relu6,
    LeakyRelu,
    Celu,
    Elu,
    HardSwish,
    HardTanh,
    Gelu,
    Selu,
    Silu,
    Sigmoid,
    Tanh,
    None,
}

impl Activation {
    /// The step of a [`Sequential`], with PyTorch's default parameters.
    pub fn layer(self) -> Layer {
        op(match self {
            Self::Relu => activation::relu,
            Self::Relu6 => activation::relu6,
            Self::LeakyRelu => |x| activation::leaky_relu(x, 0.01),
            Self::Celu => |x| activation::celu(x, 1.0),
            Self::Elu => |x| activation::elu(x, 1.0),
            Self::HardSwish => activation::hard_swish,
            Self::HardTanh => |x| activation::hardtanh(x, -1.0, 1.0),
            Self::Gelu => activation::gelu,
            Self::Selu => activation::selu,
            Self::Silu => activation::silu,
            Self::Sigmoid => activation::sigmoid,
            Self::Tanh => activation::tanh,
            Self::None => |x| x,
        })
    }
}

/// Defines a network's configuration: the reference's constructor arguments, with its default of `base_channel` and the
/// network's further switches, which are off by default.
macro_rules! configuration {
    ($name:ident, $base:literal $(, $(#[$doc:meta])* $switch:ident)*) => {
        /// The reference's constructor arguments.
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            in_channels: usize,
            /// Background included.
            n_classes: usize,
            /// Channels of the first level; deeper ones have multiples of it.
            base_channel: usize,
            act_type: $crate::nn::models::polyp::layers::Activation,
            $($(#[$doc])* $switch: bool,)*
        }

        impl Default for $name {
            fn default() -> Self {
                let act_type = Default::default();
                Self { in_channels: 3, n_classes: 2, base_channel: $base, act_type, $($switch: false,)* }
            }
        }

        impl $crate::nn::Config for $name {
            fn check(&self) -> Result<(), String> {
                $crate::nn::models::ends(self.in_channels, self.n_classes)?;
                if self.base_channel == 0 {
                    return Err("base_channel must be at least 1".to_owned());
                }
                Ok(())
            }

            fn channels(&self) -> usize {
                self.in_channels
            }

            fn head(&self) -> $crate::nn::Head {
                $crate::nn::Head::Softmax { classes: self.n_classes }
            }
        }
    };
}
pub(super) use configuration;

/// Convolution without bias, batch norm, activation.
pub fn unit(conv: ConvConfig, act: Activation, device: &Device) -> Sequential {
    let conv = conv.no_bias().init(device);
    let norm = batch_norm(conv.output_channels(), device);
    Sequential::new([conv.into(), norm.into(), act.layer()])
}

/// Two units 3×3, the first with a stride.
pub fn double(input: usize, output: usize, stride: usize, act: Activation, device: &Device) -> Sequential {
    let first = unit(conv(input, output, 3).stride(stride).same(), act, device);
    let second = unit(conv(output, output, 3).same(), act, device);
    Sequential::new([first.into(), second.into()])
}

/// A convolution 1×1 without bias.
pub fn pointwise(input: usize, output: usize, device: &Device) -> Conv {
    conv(input, output, 1).no_bias().init(device)
}

/// A double convolution under the name that the reference gives it.
#[derive(Module, Debug)]
pub struct Level {
    conv: Sequential,
}

impl Level {
    pub fn new(input: usize, output: usize, act: Activation, device: &Device) -> Self {
        Self { conv: double(input, output, 1, act, device) }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(x)
    }
}

/// Transposed convolution to exactly `scale` times the size, batch norm, activation.
#[derive(Module, Debug)]
pub struct UpUnit {
    up_conv: Sequential,
}

impl UpUnit {
    pub fn new(input: usize, output: usize, scale: usize, act: Activation, device: &Device) -> Self {
        let conv = conv(input, output, 2 * scale - 1).stride(scale);
        let up = conv.padding(scale - 1).output_padding(scale - 1).init_transposed(device);
        let norm = batch_norm(output, device);
        Self { up_conv: Sequential::new([up.into(), norm.into(), act.layer()]) }
    }

    /// `[batch, input, h, w]` to `[batch, output, scale h, scale w]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.up_conv.forward(x)
    }
}
