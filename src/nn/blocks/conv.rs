use burn::{
    nn::{
        Initializer, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig},
        pool::{MaxPool2d, MaxPool2dConfig},
    },
    tensor::{Device, Tensor},
};

// Weights start as zeros everywhere: `nn::adapt` draws them by the network's rule.

/// A convolution with bias, stride 1 and an odd `kernel`, padded so that the size stays.
pub fn same_conv(channels: [usize; 2], kernel: usize, device: &Device) -> Conv2d {
    conv_config(channels, kernel).init(device)
}

/// [`same_conv`] without bias.
pub fn same_conv_without_bias(channels: [usize; 2], kernel: usize, device: &Device) -> Conv2d {
    conv_config(channels, kernel).with_bias(false).init(device)
}

fn conv_config(channels: [usize; 2], kernel: usize) -> Conv2dConfig {
    let pad = kernel / 2;
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
        .with_initializer(Initializer::Zeros)
}

/// A transposed convolution with bias and stride 2.
pub fn up_conv(channels: [usize; 2], kernel: usize, padding: usize, device: &Device) -> ConvTranspose2d {
    ConvTranspose2dConfig::new(channels, [kernel, kernel])
        .with_stride([2, 2])
        .with_padding([padding, padding])
        .with_initializer(Initializer::Zeros)
        .init(device)
}

/// Maximum over 2×2 pixels, halving the size.
pub fn halve() -> MaxPool2d {
    MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init()
}

/// Keras' transposed convolution 3×3, stride 2, padding "same": without padding, the last row and column dropped.
/// (PyTorch's padding 1 with output padding 1 is another one, shifted by a pixel.)
pub fn keras_up(conv: &ConvTranspose2d, input: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = input.dims();
    conv.forward(input).narrow(2, 0, 2 * height).narrow(3, 0, 2 * width)
}
