use super::{Conv, conv};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::sigmoid},
};

/// Spatial attention (Woo et al.: "CBAM", 2018, equation 5): each pixel is weighed by what the mean and the maximum over
/// its channels say.
#[derive(Module, Debug)]
pub struct SpatialAttention {
    conv: Conv,
}

impl SpatialAttention {
    pub fn new(kernel: usize, device: &Device) -> Self {
        Self { conv: conv(2, 1, kernel).same().no_bias().init(device) }
    }

    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let mean = input.clone().mean_dim(1);
        let max = input.clone().max_dim(1);
        let weight = sigmoid(self.conv.forward(Tensor::cat(vec![mean, max], 1)));
        input * weight
    }
}
