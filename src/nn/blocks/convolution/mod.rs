//! Convolutions that burn computes slowly or not rightly, as operations of its graph with gradients of our own: on the CPU
//! ([`host`]), and on wgpu ([`products`]) in half precision and, on software drivers, of large maps that learn.

mod host;
mod products;
#[cfg(test)]
mod tests;

use super::{ConvConfig, by_channel, precision};
use burn::{
    backend::{
        Autodiff, Backend,
        autodiff::{
            checkpoint::strategy::NoCheckpointing,
            ops::{Backward, NodeGuard, OpsKind},
        },
        tensor::FloatTensor,
    },
    tensor::{FloatDType, Tensor},
};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the input becomes the output, or, in a transposed convolution, the output the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Transposed,
}

impl Direction {
    fn reversed(self) -> Self {
        match self {
            Direction::Forward => Direction::Transposed,
            Direction::Transposed => Direction::Forward,
        }
    }
}

/// Rounds that a loop may have where [`LOOPS_END`]: somewhat fewer than Mesa's software driver allows.
const ROUNDS: usize = 60_000;

/// Whether this machine's graphics driver ends long loops and says nothing.
static LOOPS_END: AtomicBool = AtomicBool::new(false);

/// Called once the graphics device is a software driver.
pub fn expect_loops_to_end() {
    LOOPS_END.store(true, Ordering::Relaxed);
}

/// A convolution of slices (`D` is 4) or volumes (5), `[batch, input, …]` to `[batch, output, …]`. `None`: use burn's convolution.
pub fn convolve<const D: usize, const N: usize>(
    config: &ConvConfig<N>,
    direction: Direction,
    input: &Tensor<D>,
    weight: &Tensor<D>,
    bias: Option<&Tensor<1>>,
) -> Option<Tensor<D>> {
    let precision = if precision::is_half() {
        FloatDType::F16
    } else {
        let on_host = host::convolve(config, direction, input, weight, bias);
        if on_host.is_some() || !config.learns_from_many(direction, input) {
            return on_host;
        }
        FloatDType::F32
    };
    let product = products::convolve(config, direction, input, weight, precision)?;
    Some(match bias {
        Some(bias) => {
            let bias = by_channel(bias.clone(), product.dims());
            product + bias
        }
        None => product,
    })
}

/// What an operation gave, in burn's graph where something is learned from it.
fn recorded<B: Backend, const P: usize, O: Backward<B, P>>(
    operation: O,
    nodes: [NodeGuard; P],
    operands: O::State,
    output: FloatTensor<B>,
) -> FloatTensor<Autodiff<B>> {
    match operation.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(ops) => ops.finish(operands, output),
        OpsKind::UnTracked(ops) => ops.finish(output),
    }
}

impl<const N: usize> ConvConfig<N> {
    /// Whether the gradient of the weight sums over more pixels than some drivers count to. burn (0.22.1) takes it for a
    /// convolution whose kernel is the whole map, so that each of its numbers is one invocation's loop over all pixels, and
    /// Mesa's software driver ends the loops of an invocation, all of them together, after 65535 rounds
    /// (`LP_MAX_TGSI_LOOP_ITERATIONS`) and says nothing: the gradient is then that of the upper part.
    fn learns_from_many<const D: usize>(&self, direction: Direction, input: &Tensor<D>) -> bool {
        let sizes = input.dims();
        let Some((_, map)) = self.sizes(direction, std::array::from_fn(|a| sizes[2 + a])) else {
            return false;
        };
        // Every loop has a round in which it begins, and one in which it ends.
        let rounds = map.into_iter().rev().fold(sizes[0], |inner, count| count * (2 + inner));
        input.is_autodiff() && LOOPS_END.load(Ordering::Relaxed) && rounds > ROUNDS
    }

    /// How many pixels of the input a pixel of the output reaches over, along an axis.
    fn reach(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// The sizes of the maps that the convolution takes and gives, `size` being that of what comes in: of a transposed one, of
    /// what the convolution gives. `None` where the kernel is larger than the padded map.
    fn sizes(&self, direction: Direction, size: [usize; N]) -> Option<([usize; N], [usize; N])> {
        let mut other = [0; N];
        for a in 0..N {
            let (stride, padding) = (self.stride[a], 2 * self.padding[a]);
            let reach = self.reach(a);
            other[a] = match direction {
                Direction::Forward => (size[a] + padding).checked_sub(reach)? / stride + 1,
                Direction::Transposed => {
                    ((size[a] - 1) * stride + reach + self.output_padding[a]).checked_sub(padding)?
                }
            };
        }
        Some(if direction == Direction::Forward { (size, other) } else { (other, size) })
    }
}
