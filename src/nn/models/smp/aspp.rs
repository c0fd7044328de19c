//! Atrous spatial pyramid pooling: one map seen at several rates of dilation and as a whole.
//! L.-C. Chen et al.: "Rethinking Atrous Convolution for Semantic Image Segmentation", 2017.

use super::blocks::{conv_relu, normed};
use crate::nn::blocks::{Align, Dropout, Sequential, batch_norm, bilinear, conv, global_avg, op};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};

/// Rates of dilation of the three convolutions 3×3.
const RATES: [usize; 3] = [12, 24, 36];

#[derive(Module, Debug)]
pub struct Aspp {
    /// 1×1, three dilated 3×3, and the mean of the picture.
    convs: Vec<Sequential>,
    project: Sequential,
}

impl Aspp {
    /// `is_separable` splits the convolutions 3×3 as [`separable`] does.
    pub fn new(input: usize, output: usize, is_separable: bool, dropout: f64, device: &Device) -> Self {
        let dilated = |rate| {
            if is_separable {
                let norm = batch_norm(output, device);
                Sequential::new([separable(input, output, rate, device).into(), norm.into(), op(relu)])
            } else {
                normed(conv(input, output, 3).dilation(rate).same(), output, device)
            }
        };
        let mut convs = vec![conv_relu(input, output, 1, device)];
        convs.extend(RATES.map(dilated));
        convs.push(Sequential::new([
            op(global_avg),
            conv(input, output, 1).no_bias().init(device).into(),
            batch_norm(output, device).into(),
            op(relu),
        ]));
        let project = conv(convs.len() * output, output, 1).no_bias().init(device).into();
        let norm = batch_norm(output, device).into();
        let project = Sequential::new([project, norm, op(relu), Dropout::new(dropout).into()]);
        Self { convs, project }
    }

    /// `[N, input, H, W]` to `[N, output, H, W]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = input.dims();
        // Only the mean, one pixel, changes its size.
        let branch =
            |conv: &Sequential| bilinear(conv.forward(input.clone()), [height, width], Align::Centres);
        self.project.forward(Tensor::cat(self.convs.iter().map(branch).collect(), 1))
    }
}

/// A convolution 3×3 of each channel for itself, then 1×1 over the channels, both without bias.
pub fn separable(input: usize, output: usize, dilation: usize, device: &Device) -> Sequential {
    let each = conv(input, input, 3).groups(input).dilation(dilation).same().no_bias();
    Sequential::new([each.init(device).into(), conv(input, output, 1).no_bias().init(device).into()])
}
