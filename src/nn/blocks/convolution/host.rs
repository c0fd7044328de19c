//! The convolution on the CPU.

use super::{
    super::{super::watch, ConvConfig},
    Direction, recorded,
};
use burn::{
    backend::{
        Autodiff, Flex,
        autodiff::{
            checkpoint::base::Checkpointer,
            grads::Gradients,
            ops::{Backward, Ops},
        },
        tensor::FloatTensor,
    },
    tensor::{DType, Shape, Tensor, TensorData},
};
use fovea_kernels::{Convolution, GoOn, sum};
use rayon::prelude::*;

/// The inner loops compute four or eight channels of a group at once, and those that it lacks for nothing.
const LEAST_OF_A_GROUP: usize = 4;

type Values = FloatTensor<Flex>;
type Tracked = FloatTensor<Autodiff<Flex>>;

/// A convolution of slices (`D` is 4) or volumes (5), `[batch, input, …]` to `[batch, output, …]`. `None` where the values
/// do not lie in this program's memory as f32, or groups are of few channels: that is burn's.
pub fn convolve<const D: usize, const N: usize>(
    config: &ConvConfig<N>,
    direction: Direction,
    input: &Tensor<D>,
    weight: &Tensor<D>,
    bias: Option<&Tensor<1>>,
) -> Option<Tensor<D>> {
    if input.dtype() != DType::F32 || weight.dtype() != DType::F32 {
        return None;
    }
    let (sizes, weights) = (input.dims(), weight.dims());
    let channels = [weights[1], weights[0] / config.groups];
    if config.groups > 1 && channels.into_iter().any(|count| count < LEAST_OF_A_GROUP) {
        return None;
    }
    let convolution =
        config.convolution(direction, sizes[0], channels, std::array::from_fn(|a| sizes[2 + a]))?;
    let operation = Operation { convolution, direction };
    let tracked = input.is_autodiff() || weight.is_autodiff() || bias.is_some_and(Tensor::is_autodiff);
    if !tracked {
        let (x, weight) = (plain(input)?, plain(weight)?);
        let bias = bias.map(plain);
        let bias = if let Some(bias) = bias { Some(bias?) } else { None };
        return Some(Tensor::from_primitive::<Flex>(operation.run(&x, &weight, bias.as_ref())));
    }
    let (x, weight) = (track(input)?, track(weight)?);
    let nodes = [x.node(), weight.node()];
    let (x, weight) = (contiguous(x), contiguous(weight));
    let output = if let Some(bias) = bias {
        let bias = track(bias)?;
        let [of_x, of_weight] = nodes;
        let nodes = [of_x, of_weight, bias.node()];
        let output = operation.run(&x, &weight, Some(&contiguous(bias)));
        recorded(operation, nodes, (x, weight), output)
    } else {
        let output = operation.run(&x, &weight, None);
        recorded(operation, nodes, (x, weight), output)
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

fn plain<const D: usize>(tensor: &Tensor<D>) -> Option<Values> {
    Some(tensor.clone().try_into_primitive::<Flex>().ok()?.to_contiguous())
}

fn track<const D: usize>(tensor: &Tensor<D>) -> Option<Tracked> {
    tensor.clone().autodiff().try_into_primitive::<Autodiff<Flex>>().ok()
}

fn contiguous(tensor: Tracked) -> Values {
    tensor.into_primitive().to_contiguous()
}

fn numbers(values: &Values) -> &[f32] {
    // Checked before: f32, and made contiguous.
    values.as_slice().unwrap_or_default()
}

fn values(numbers: Vec<f32>, shape: Shape) -> Values {
    Values::from_data(TensorData::new(numbers, shape))
}

impl<const N: usize> ConvConfig<N> {
    /// Of an input of `size`, or of an output of this size whose input the transposed convolution gives; `channels` are the
    /// weight's second and first, the latter of one group. `None` where the kernel is larger than the padded map.
    fn convolution(
        &self,
        direction: Direction,
        batch: usize,
        channels: [usize; 2],
        size: [usize; N],
    ) -> Option<Convolution> {
        // Slices have a depth of 1.
        fn three<const N: usize>(values: [usize; N], missing: usize) -> [usize; 3] {
            std::array::from_fn(|a| (a + N).checked_sub(3).map_or(missing, |a| values[a]))
        }
        let (input, output) = self.sizes(direction, size)?;
        Some(Convolution {
            batch,
            groups: self.groups,
            channels,
            kernel: three(self.kernel, 1),
            stride: three(self.stride, 1),
            padding: three(self.padding, 0),
            dilation: three(self.dilation, 1),
            input: three(input, 1),
            output: three(output, 1),
        })
    }
}

#[derive(Clone, Copy, Debug)]
struct Operation {
    convolution: Convolution,
    direction: Direction,
}

impl Operation {
    fn run(&self, x: &Values, weight: &Values, bias: Option<&Values>) -> Values {
        let (convolution, bias) = (&self.convolution, bias.map(numbers));
        let (channels, size) = match self.direction {
            Direction::Forward => (convolution.channels[1], convolution.output),
            Direction::Transposed => (convolution.channels[0], convolution.input),
        };
        let mut shape = x.layout().shape().clone();
        let axes = shape.num_dims() - 2;
        shape[1] = channels * convolution.groups;
        shape[2..].copy_from_slice(&size[3 - axes..]);
        // The largest layers last for seconds. Meanwhile they ask whether to go on, and do not come back where not.
        let watch = watch::current();
        let go_on = || !watch.as_ref().is_some_and(|watch| watch.stop());
        let output = self.apply(self.direction, numbers(x), numbers(weight), bias, &go_on);
        values(output.unwrap_or_else(|| watch::stop()), shape)
    }

    fn apply(
        &self,
        direction: Direction,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        go_on: GoOn<'_>,
    ) -> Option<Vec<f32>> {
        match direction {
            Direction::Forward => self.convolution.forward(x, weight, bias, go_on),
            Direction::Transposed => self.convolution.input_gradient(x, weight, bias, go_on),
        }
    }
}

enum Operand {
    Input,
    Weight,
    Bias,
}

/// Its parents are the input, the weight and, if there is one, the bias.
impl<const P: usize> Backward<Flex, P> for Operation {
    type State = (Values, Values);

    fn backward(self, ops: Ops<Self::State, P>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let (x, weight) = ops.state;
        let g = numbers(&gradient);
        for (node, operand) in ops.parents.into_iter().zip([Operand::Input, Operand::Weight, Operand::Bias]) {
            let Some(node) = node else { continue };
            let (found, shape) = match operand {
                // burn's graph must not be left half-way: a backward pass is never stopped.
                Operand::Input => {
                    let found = self.apply(self.direction.reversed(), g, numbers(&weight), None, &|| true);
                    (found.unwrap_or_default(), x.layout().shape().clone())
                }
                Operand::Weight => {
                    let (input, output) = match self.direction {
                        Direction::Forward => (numbers(&x), g),
                        Direction::Transposed => (g, numbers(&x)),
                    };
                    (self.convolution.weight_gradient(input, output), weight.layout().shape().clone())
                }
                Operand::Bias => {
                    let channels = gradient.layout().shape()[1];
                    (sums(g, self.convolution.batch, channels), Shape::new([channels]))
                }
            };
            grads.register::<Flex>(node.id, values(found, shape));
        }
    }
}

/// The gradient of the bias: the sum of every channel's maps.
fn sums(maps: &[f32], batch: usize, channels: usize) -> Vec<f32> {
    let size = maps.len() / (batch * channels).max(1);
    let map = |sample: usize, channel: usize| &maps[(sample * channels + channel) * size..][..size];
    (0..channels).into_par_iter().map(|c| (0..batch).map(|sample| sum(map(sample, c))).sum()).collect()
}
