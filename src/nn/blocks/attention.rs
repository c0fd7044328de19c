use super::{Conv, conv};
use burn::{
    module::Module,
    tensor::{
        Device, Tensor,
        activation::{sigmoid, softmax},
    },
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

/// Attention between all pixels, not scaled: each gets the mean of all values, weighed by the softmax of its query's
/// products with all keys (X. Wang et al.: "Non-local Neural Networks", 2018). Queries and keys are `[batch, k, height,
/// width]`, values `[batch, channels, height, width]` like the result. It holds (height · width)² weights.
pub fn attend(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let dims = value.dims();
    let flat = |t: Tensor<4>| t.flatten::<3>(2, 3);
    let weights = softmax(flat(query).swap_dims(1, 2).matmul(flat(key)), 2); // [batch, to, from]
    flat(value).matmul(weights.swap_dims(1, 2)).reshape(dims)
}
