//! Convolutions on wgpu whose maps are large. burn (0.22.1) takes the gradient of a weight for a convolution whose kernel is
//! the whole map, so each of its numbers is one invocation's loop over all pixels. Mesa's software driver ends the loops of an
//! invocation, all of them together, after 65535 rounds (`LP_MAX_TGSI_LOOP_ITERATIONS`) and says nothing: from maps of 148×148
//! on, the gradient is that of the upper part. Here it is the sum of those of strips of rows.

use burn::{
    backend::{
        Autodiff, Slice, TensorMetadata, Wgpu,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        ops::{FloatTensorOps, ModuleOps, conv::calculate_conv_output_size_asymmetric},
        tensor::FloatTensor,
    },
    tensor::{
        Tensor, module,
        ops::{ConvOptions, ConvTransposeOptions},
    },
};
use std::ops::Range;

/// Rounds that a strip may take: somewhat fewer than the driver allows.
const ROUNDS: usize = 60_000;

/// [`module::conv2d`].
pub fn conv2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions<2>,
) -> Tensor<4> {
    let in_strips = Operation::Forward(options.clone()).run(&input, &weight, bias.as_ref());
    in_strips.unwrap_or_else(|| module::conv2d(input, weight, bias, options))
}

/// [`module::conv_transpose2d`].
pub fn conv_transpose2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvTransposeOptions<2>,
) -> Tensor<4> {
    let in_strips = Operation::Transposed(options.clone()).run(&input, &weight, bias.as_ref());
    in_strips.unwrap_or_else(|| module::conv_transpose2d(input, weight, bias, options))
}

/// Rows of a strip of the map that burn takes for a kernel: each has a loop over its columns, each of those one over the
/// batch, and every loop has a round in which it ends.
fn strip([batch, _, _, columns]: [usize; 4]) -> usize {
    (ROUNDS / (2 + columns * (2 + batch))).max(1)
}

type Values = FloatTensor<Wgpu>;
type Tracked = FloatTensor<Autodiff<Wgpu>>;

#[derive(Clone, Debug)]
enum Operation {
    Forward(ConvOptions<2>),
    Transposed(ConvTransposeOptions<2>),
}

impl Operation {
    /// Nothing where one strip is enough, nothing learns, or the values do not lie on wgpu: that is burn's.
    fn run(&self, input: &Tensor<4>, weight: &Tensor<4>, bias: Option<&Tensor<1>>) -> Option<Tensor<4>> {
        let kernel = self.kernel(input.dims(), weight.dims());
        if !input.is_autodiff() || strip(kernel) >= kernel[2] {
            return None;
        }
        let (x, weight) = (track(input)?, track(weight)?);
        let nodes = [x.node(), weight.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let operands = (x.clone(), weight.clone());
        let output = match self {
            Self::Forward(options) => Wgpu::conv2d(x, weight, None, options.clone()),
            Self::Transposed(options) => Wgpu::conv_transpose2d(x, weight, None, options.clone()),
        };
        let output = match self.clone().prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(ops) => ops.finish(operands, output),
            OpsKind::UnTracked(ops) => ops.finish(output),
        };
        let output = Tensor::from_primitive::<Autodiff<Wgpu>>(output);
        // Added here, so that its gradient is summed an axis at a time.
        Some(match bias {
            Some(bias) => output + bias.clone().reshape([1, -1, 1, 1]),
            None => output,
        })
    }

    /// Sizes of the map that burn takes for a kernel: the gradient of the output, or what a transposed convolution spreads.
    fn kernel(&self, input: [usize; 4], weight: [usize; 4]) -> [usize; 4] {
        match self {
            Self::Forward(ConvOptions { stride, padding, dilation, .. }) => {
                let size = |a: usize| {
                    let (kernel, input) = (weight[2 + a], input[2 + a]);
                    calculate_conv_output_size_asymmetric(kernel, stride[a], padding[a], dilation[a], input)
                };
                [input[0], weight[0], size(0), size(1)]
            }
            Self::Transposed(_) => input,
        }
    }
}

fn track(tensor: &Tensor<4>) -> Option<Tracked> {
    tensor.clone().autodiff().try_into_primitive::<Autodiff<Wgpu>>().ok()
}

/// Its parents are the input and the weight.
impl Backward<Wgpu, 2> for Operation {
    type State = (Values, Values);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Wgpu>(&ops.node);
        let ([of_x, of_weight], (x, weight)) = (ops.parents, ops.state);
        if let Some(node) = of_x {
            let (x, weight, gradient) = (x.clone(), weight.clone(), gradient.clone());
            let found = match self.clone() {
                Self::Forward(options) => Wgpu::conv2d_x_backward(x, weight, gradient, options),
                Self::Transposed(options) => Wgpu::conv_transpose2d_x_backward(weight, gradient, options),
            };
            grads.register::<Wgpu>(node.id, found);
        }
        if let Some(node) = of_weight {
            let found = match self {
                Self::Forward(options) => weight_gradient(&x, &weight, &gradient, &options),
                // The other way round it is the convolution from the output to the input.
                Self::Transposed(ConvTransposeOptions { stride, padding, dilation, groups, .. }) => {
                    let options = ConvOptions::new(stride, padding, dilation, groups);
                    weight_gradient(&gradient, &weight, &x, &options)
                }
            };
            grads.register::<Wgpu>(node.id, found);
        }
    }
}

/// The gradient of a convolution's weight, from its input and the gradient of its output.
fn weight_gradient(x: &Values, weight: &Values, gradient: &Values, options: &ConvOptions<2>) -> Values {
    let ([_, _, height, _], sizes @ [_, _, rows, _]) = (x.shape().dims(), gradient.shape().dims());
    let [_, _, taps, _] = weight.shape().dims();
    let (above, step) = (options.padding[0].0, strip(sizes));
    let strips = (0..rows).step_by(step).filter_map(|start| {
        let end = (start + step).min(rows);
        // The rows of the padded input that these rows of the output have seen, and those of them that are no padding.
        let seen =
            start * options.stride[0]..(end - 1) * options.stride[0] + (taps - 1) * options.dilation[0] + 1;
        let inside = seen.start.saturating_sub(above)..seen.end.saturating_sub(above).min(height);
        let padding = (above.saturating_sub(seen.start), seen.end.saturating_sub(above + height));
        let options = ConvOptions { padding: [padding, options.padding[1]], ..options.clone() };
        (!inside.is_empty()).then(|| {
            Wgpu::conv2d_weight_backward(cut(x, inside), weight.clone(), cut(gradient, start..end), options)
        })
    });
    let zeros = Wgpu::float_zeros(weight.shape(), &weight.device(), weight.dtype().into());
    strips.fold(zeros, Wgpu::float_add)
}

/// Some rows.
fn cut(maps: &Values, rows: Range<usize>) -> Values {
    let [batch, channels, _, columns] = maps.shape().dims();
    Wgpu::float_slice(maps.clone(), &[0..batch, 0..channels, rows, 0..columns].map(Slice::from))
}
