//! External attention. M.-H. Guo et al.: "Beyond Self-attention: External Attention using Two Linear Layers for Visual
//! Tasks", 2021.

use crate::nn::blocks::{Conv, Norm, NormKind, conv, same_conv, zeros};
use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor,
        activation::{relu, softmax},
    },
};

/// A convolution of one dimension with a kernel of 1 and no bias; `weight` is `[output, input, 1]`.
#[derive(Module, Debug)]
struct Memory {
    weight: Param<Tensor<3>>,
}

impl Memory {
    fn new(input: usize, output: usize, device: &Device) -> Self {
        Self { weight: zeros([output, input, 1], device) }
    }

    /// `[N, input, pixels]` to `[N, output, pixels]`.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [output, input, _] = self.weight.dims();
        self.weight.val().reshape([1, output, input]).matmul(x)
    }
}

/// Every pixel looks at a memory of a few slots that is learnt, and not at the other pixels.
#[derive(Module, Debug)]
pub struct ExternalAttention {
    conv1: Conv,
    linear_0: Memory,
    linear_1: Memory,
    conv2: (Conv, Norm),
}

impl ExternalAttention {
    pub fn new(channels: usize, slots: usize, device: &Device) -> Self {
        Self {
            conv1: same_conv([channels; 2], 1, device),
            linear_0: Memory::new(channels, slots, device),
            linear_1: Memory::new(slots, channels, device),
            conv2: (
                conv(channels, channels, 1).no_bias().init(device),
                NormKind::Group.init(channels, device),
            ),
        }
    }

    /// `[N, channels, H, W]` to the same shape.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let query = self.conv1.forward(x.clone()).flatten::<3>(2, 3); // [N, channels, pixels]
        // The paper's double normalisation: softmax over the pixels, then shares over the slots.
        let weights = softmax(self.linear_0.forward(query), 2); // [N, slots, pixels]
        let weights = weights.clone() / (weights.sum_dim(1) + 1e-9);
        let (conv, norm) = &self.conv2;
        let read = self.linear_1.forward(weights).reshape(x.dims());
        relu(norm.forward(conv.forward(read)) + x)
    }
}
