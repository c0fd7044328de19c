use super::{
    convolution::{Direction, convolve},
    cost, tap, zeros,
};
use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor,
        module::{conv_transpose2d, conv2d},
        ops::{ConvOptions, ConvTransposeOptions},
    },
};

// Weights start as zeros everywhere: `nn::adapt` draws them by the network's rule.

/// What a convolution of `N` axes is made from, in PyTorch's terms and with its defaults: stride 1, no padding, with bias.
/// `conv(3, 64, 7).stride(2).padding(3).no_bias().init(device)`.
#[derive(Clone, Copy, Debug)]
pub struct ConvConfig<const N: usize = 2> {
    pub(super) channels: [usize; 2],
    /// Rows, columns, and planes before them; as all arrays here.
    pub(super) kernel: [usize; N],
    pub(super) stride: [usize; N],
    pub(super) padding: [usize; N],
    pub(super) output_padding: [usize; N],
    pub(super) dilation: [usize; N],
    pub(super) groups: usize,
    pub(super) bias: bool,
}

/// A convolution of slices from `input` to `output` channels with a square kernel.
pub fn conv(input: usize, output: usize, kernel: usize) -> ConvConfig {
    ConvConfig::new(input, output, kernel)
}

impl<const N: usize> ConvConfig<N> {
    pub(super) fn new(input: usize, output: usize, kernel: usize) -> Self {
        Self {
            channels: [input, output],
            kernel: [kernel; N],
            stride: [1; N],
            padding: [0; N],
            output_padding: [0; N],
            dilation: [1; N],
            groups: 1,
            bias: true,
        }
    }

    /// A kernel of `[rows, columns]` or `[planes, rows, columns]`.
    pub fn kernel(self, kernel: [usize; N]) -> Self {
        Self { kernel, ..self }
    }

    pub fn stride(self, stride: usize) -> Self {
        Self { stride: [stride; N], ..self }
    }

    pub fn padding(self, padding: usize) -> Self {
        self.paddings([padding; N])
    }

    /// A padding for each axis.
    pub fn paddings(self, padding: [usize; N]) -> Self {
        Self { padding, ..self }
    }

    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation: [dilation; N], ..self }
    }

    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    pub fn no_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    /// Rows and columns that a transposed convolution adds at the end.
    pub fn output_padding(self, output_padding: usize) -> Self {
        Self { output_padding: [output_padding; N], ..self }
    }

    /// Padding by which an odd kernel keeps the size (at stride 1): `dilation * (kernel / 2)`. Call it last.
    pub fn same(self) -> Self {
        Self { padding: std::array::from_fn(|a| self.dilation[a] * (self.kernel[a] / 2)), ..self }
    }
}

impl ConvConfig {
    pub fn init(self, device: &Device) -> Conv {
        let Self { channels: [input, output], kernel: [rows, columns], groups, .. } = self;
        Conv {
            weight: zeros([output, input / groups, rows, columns], device),
            bias: self.bias.then(|| zeros([output], device)),
            config: self,
        }
    }

    /// The transposed convolution.
    pub fn init_transposed(self, device: &Device) -> UpConv {
        let Self { channels: [input, output], kernel: [rows, columns], groups, .. } = self;
        UpConv {
            weight: zeros([input, output / groups, rows, columns], device),
            bias: self.bias.then(|| zeros([output], device)),
            config: self,
        }
    }
}

/// A convolution; `weight` is `[output, input / groups, rows, columns]`.
#[derive(Module, Debug)]
pub struct Conv {
    pub weight: Param<Tensor<4>>,
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    config: ConvConfig,
}

impl Conv {
    /// `[batch, input, height, width]` to `[batch, output, …]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let output = self.of(input, self.weight.val(), self.bias.as_ref().map(Param::val));
        let [_, per_output, rows, columns] = self.weight.dims();
        cost::add(output.dims(), per_output * rows * columns);
        tap::pass(self.weight.id, &output);
        output
    }

    /// [`Conv::forward`] of `prepare(input)`, a few input channels at a time and summed, for a `prepare` (of each channel
    /// for itself) that makes many channels large. Without groups.
    pub fn forward_in_parts(
        &self,
        input: Tensor<4>,
        channels: usize,
        prepare: impl Fn(Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        let all = input.dims()[1];
        let part = |start: usize| {
            let count = channels.min(all - start);
            let (weight, bias) = (self.weight.val().narrow(1, start, count), self.bias.as_ref());
            // The bias once.
            let bias = bias.filter(|_| start == 0).map(Param::val);
            let part = prepare(input.clone().narrow(1, start, count));
            self.of(part, weight, bias)
        };
        let sum = |sum, start| sum + part(start);
        let output = (channels..all).step_by(channels).fold(part(0), sum);
        let [_, per_output, rows, columns] = self.weight.dims();
        cost::add(output.dims(), per_output * rows * columns);
        output
    }

    fn of(&self, input: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
        convolve(&self.config, Direction::Forward, &input, &weight, bias.as_ref()).unwrap_or_else(|| {
            let ConvConfig { stride, padding, dilation, groups, .. } = self.config;
            conv2d(input, weight, bias, ConvOptions::new(stride, padding, dilation, groups))
        })
    }

    pub fn input_channels(&self) -> usize {
        self.weight.dims()[1] * self.config.groups
    }

    pub fn output_channels(&self) -> usize {
        self.weight.dims()[0]
    }
}

/// A transposed convolution; `weight` is `[input, output / groups, rows, columns]`.
#[derive(Module, Debug)]
pub struct UpConv {
    pub weight: Param<Tensor<4>>,
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    config: ConvConfig,
}

impl UpConv {
    /// `[batch, input, height, width]` to `[batch, output, …]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, per_input, rows, columns] = self.weight.dims();
        cost::add(input.dims(), per_input * rows * columns);
        let (weight, bias) = (self.weight.val(), self.bias.as_ref().map(Param::val));
        convolve(&self.config, Direction::Transposed, &input, &weight, bias.as_ref()).unwrap_or_else(|| {
            let ConvConfig { stride, padding, output_padding, dilation, groups, .. } = self.config;
            let options = ConvTransposeOptions::new(stride, padding, output_padding, dilation, groups);
            conv_transpose2d(input, weight, bias, options)
        })
    }
}

/// A convolution with bias, stride 1 and an odd `kernel`, padded so that the size stays.
pub fn same_conv([input, output]: [usize; 2], kernel: usize, device: &Device) -> Conv {
    conv(input, output, kernel).same().init(device)
}

/// A transposed convolution with bias and stride 2.
pub fn up_conv([input, output]: [usize; 2], kernel: usize, padding: usize, device: &Device) -> UpConv {
    conv(input, output, kernel).stride(2).padding(padding).init_transposed(device)
}

/// Keras' transposed convolution 3×3, stride 2, padding "same": without padding, the last row and column dropped.
/// (PyTorch's padding 1 with output padding 1 is another one, shifted by a pixel.)
pub fn keras_up(conv: &UpConv, input: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = input.dims();
    conv.forward(input).narrow(2, 0, 2 * height).narrow(3, 0, 2 * width)
}
