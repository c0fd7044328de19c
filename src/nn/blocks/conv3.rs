use super::{
    ConvConfig,
    convolution::{Direction, convolve},
    cost,
    resize::subsample,
    zeros,
};
use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, module::conv3d, ops::ConvOptions},
};

/// A convolution of volumes from `input` to `output` channels with a cubic kernel.
pub fn conv3(input: usize, output: usize, kernel: usize) -> ConvConfig<3> {
    ConvConfig::new(input, output, kernel)
}

impl ConvConfig<3> {
    pub fn init(self, device: &Device) -> Conv3 {
        let Self { channels: [input, output], kernel: [planes, rows, columns], groups, .. } = self;
        Conv3 {
            weight: zeros([output, input / groups, planes, rows, columns], device),
            bias: self.bias.then(|| zeros([output], device)),
            config: self,
        }
    }
}

/// A convolution; `weight` is `[output, input / groups, planes, rows, columns]`.
#[derive(Module, Debug)]
pub struct Conv3 {
    pub weight: Param<Tensor<5>>,
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    config: ConvConfig<3>,
}

impl Conv3 {
    /// `[batch, input, depth, height, width]` to `[batch, output, …]`.
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let (weight, bias) = (self.weight.val(), self.bias.as_ref().map(Param::val));
        let output = convolve(&self.config, Direction::Forward, &input, &weight, bias.as_ref());
        let output = output.unwrap_or_else(|| {
            let ConvConfig { kernel, stride, padding, dilation, groups, .. } = self.config;
            // The gradient of a strided kernel of one voxel is wrong on wgpu (burn 0.22.1).
            let pointwise = kernel == [1; 3] && padding == [0; 3];
            let (input, stride) =
                if pointwise { (subsample(input, stride), [1; 3]) } else { (input, stride) };
            conv3d(input, weight, bias, ConvOptions::new(stride, padding, dilation, groups))
        });
        cost::add(output.dims(), self.weight.dims()[1..].iter().product());
        output
    }
}
