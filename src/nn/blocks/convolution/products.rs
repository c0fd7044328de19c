//! The convolution on wgpu as products of matrices, a strip of rows at a time, with gradients.

use super::{super::ConvConfig, Direction, recorded};
use burn::{
    backend::{
        Autodiff, Slice, Wgpu,
        autodiff::{
            checkpoint::base::Checkpointer,
            grads::Gradients,
            ops::{Backward, Ops},
        },
        tensor::FloatTensor,
    },
    tensor::{FloatDType, Tensor},
};
use std::{array, ops::Range};

/// Numbers of the unfolded input that are there at once.
const UNFOLDED: usize = 1 << 25;
/// Pixels that a product sums over. Mesa's software driver ends the loops of an invocation after 65535 rounds and says nothing.
const SUMMED: usize = 1 << 15;

type Values = FloatTensor<Wgpu>;
type Tracked = FloatTensor<Autodiff<Wgpu>>;

/// A convolution of slices (`D` is 4) or volumes (5), `[batch, input, …]` to `[batch, output, …]`, without a bias, multiplied
/// in `precision` and given in single. `None` where the values are not on wgpu, or the kernel is larger than the padded
/// map.
pub fn convolve<const D: usize, const N: usize>(
    config: &ConvConfig<N>,
    direction: Direction,
    input: &Tensor<D>,
    weight: &Tensor<D>,
    precision: FloatDType,
) -> Option<Tensor<D>> {
    let sizes = input.dims();
    let (from, to) = config.sizes(direction, array::from_fn(|a| sizes[2 + a]))?;
    let operation = Operation::<D, N> { config: *config, direction, input: from, output: to, precision };
    if !input.is_autodiff() && !weight.is_autodiff() {
        let plain = |t: &Tensor<D>| Some(on_wgpu(t.clone().try_into_primitive::<Wgpu>().ok()?));
        return Some(operation.run(plain(input)?, plain(weight)?));
    }
    let (x, weight) = (track(input)?, track(weight)?);
    let nodes = [x.node(), weight.node()];
    let narrow = |t: Tracked| on_wgpu::<D>(t.into_primitive()).cast(precision);
    let (x, weight) = (narrow(x), narrow(weight));
    let operands = (values(x.clone())?, values(weight.clone())?);
    let output = values(operation.run(x, weight))?;
    Some(Tensor::from_primitive::<Autodiff<Wgpu>>(recorded(operation, nodes, operands, output)))
}

fn track<const D: usize>(tensor: &Tensor<D>) -> Option<Tracked> {
    tensor.clone().autodiff().try_into_primitive::<Autodiff<Wgpu>>().ok()
}

fn on_wgpu<const D: usize>(values: Values) -> Tensor<D> {
    Tensor::from_primitive::<Wgpu>(values)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Option<Values> {
    tensor.try_into_primitive::<Wgpu>().ok()
}

#[derive(Clone, Copy, Debug)]
struct Operation<const D: usize, const N: usize> {
    config: ConvConfig<N>,
    direction: Direction,
    /// Sizes of the maps that the convolution takes and gives; a transposed one takes the latter and gives the former.
    input: [usize; N],
    output: [usize; N],
    precision: FloatDType,
}

impl<const D: usize, const N: usize> Operation<D, N> {
    fn run(&self, x: Tensor<D>, weight: Tensor<D>) -> Tensor<D> {
        match self.direction {
            Direction::Forward => self.forward(x, weight),
            Direction::Transposed => self.input_gradient(x, weight),
        }
    }

    fn taps(&self) -> usize {
        self.config.kernel.iter().product()
    }

    /// The input with the zeros around it that every kernel sees.
    fn padded(&self, x: Tensor<D>) -> Tensor<D> {
        let size = array::from_fn(|a| (self.output[a] - 1) * self.config.stride[a] + self.config.reach(a));
        placed(x.cast(self.precision), self.config.padding.map(|p| p as isize), [1; N], size)
    }

    fn forward(&self, x: Tensor<D>, weight: Tensor<D>) -> Tensor<D> {
        let [output, per_group] = [weight.dims()[0], weight.dims()[1]];
        let groups = self.config.groups;
        let weight = weight.reshape([1, groups, output / groups, per_group * self.taps()]);
        self.product(&self.padded(x), self.config.stride, self.output, weight)
    }

    /// From the gradient of the output, the kernel turned round.
    fn input_gradient(&self, gradient: Tensor<D>, weight: Tensor<D>) -> Tensor<D> {
        let [output, per_group] = [weight.dims()[0], weight.dims()[1]];
        let (groups, taps) = (self.config.groups, self.taps());
        let before =
            array::from_fn(|a| (self.config.reach(a) - 1) as isize - self.config.padding[a] as isize);
        let size = array::from_fn(|a| self.input[a] + self.config.reach(a) - 1);
        let gradient = placed(gradient.cast(self.precision), before, self.config.stride, size);
        let turned = weight.flip(array::from_fn::<_, N, _>(|a| a + 2));
        let turned = turned.reshape([groups, output / groups, per_group, taps]).swap_dims(1, 2);
        let turned = turned.reshape([1, groups, per_group, output / groups * taps]);
        self.product(&gradient, [1; N], self.input, turned)
    }

    fn weight_gradient(&self, x: Tensor<D>, gradient: Tensor<D>) -> Tensor<D> {
        let (x, gradient) = (self.padded(x), gradient.cast(self.precision));
        let ([batch, input], output) = ([x.dims()[0], x.dims()[1]], gradient.dims()[1]);
        let groups = self.config.groups;
        let sums = self.strips(&x, self.output, SUMMED).map(|rows| {
            let columns = self.columns(&x, self.config.stride, &rows, self.output);
            let gradient = gradient.clone().slice_dim(2, rows);
            let pixels = columns.dims()[3];
            let gradient = gradient.reshape([batch, groups, output / groups, pixels]);
            gradient.matmul(columns.swap_dims(2, 3)).cast(FloatDType::F32).sum_dim(0)
        });
        let mut shape = [output; D];
        shape[1] = input / groups;
        shape[2..].copy_from_slice(&self.config.kernel);
        let zeros = || Tensor::zeros([1, groups, output / groups, input / groups * self.taps()], &x.device());
        sums.reduce(|sum, of| sum + of).unwrap_or_else(zeros).reshape(shape)
    }

    /// A matrix `[1, groups, channels, unfolded]` by the unfolded input, for an output of that size.
    fn product(
        &self,
        padded: &Tensor<D>,
        stride: [usize; N],
        size: [usize; N],
        weight: Tensor<4>,
    ) -> Tensor<D> {
        let [_, groups, channels, _] = weight.dims();
        let weight = weight.cast(self.precision);
        let strips = self.strips(padded, size, usize::MAX).map(|rows| {
            let mut shape = [padded.dims()[0]; D];
            shape[1] = groups * channels;
            shape[2..].copy_from_slice(&size);
            shape[2] = rows.len();
            let columns = self.columns(padded, stride, &rows, size);
            weight.clone().matmul(columns).cast(FloatDType::F32).reshape(shape)
        });
        Tensor::cat(strips.collect(), 2)
    }

    /// The rows of an output of that size (the planes of a volume), a strip at a time.
    fn strips(
        &self,
        padded: &Tensor<D>,
        size: [usize; N],
        pixels: usize,
    ) -> impl Iterator<Item = Range<usize>> + use<D, N> {
        let [batch, channels] = [padded.dims()[0], padded.dims()[1]];
        let in_row: usize = size[1..].iter().product();
        let rows = (UNFOLDED / (batch * channels * self.taps() * in_row)).min(pixels / in_row).max(1);
        (0..size[0]).step_by(rows).map(move |start| start..(start + rows).min(size[0]))
    }

    /// What each pixel of some rows of an output sees: `[batch, groups, channels · taps, pixels]`.
    fn columns(
        &self,
        padded: &Tensor<D>,
        stride: [usize; N],
        rows: &Range<usize>,
        size: [usize; N],
    ) -> Tensor<4> {
        let ([batch, channels], groups) = ([padded.dims()[0], padded.dims()[1]], self.config.groups);
        let pixels = rows.len() * size[1..].iter().product::<usize>();
        let seen = |tap: usize| {
            let mut rest = tap;
            let mut slices: [Slice; D] = array::from_fn(|_| Slice::full());
            for axis in (0..N).rev() {
                let (along, kernel) = (rest % self.config.kernel[axis], self.config.kernel[axis]);
                rest /= kernel;
                let (first, count) = if axis == 0 { (rows.start, rows.len()) } else { (0, size[axis]) };
                let start = along * self.config.dilation[axis] + first * stride[axis];
                let end = start + (count - 1) * stride[axis] + 1;
                slices[axis + 2] = Slice::new(start as isize, Some(end as isize), stride[axis] as isize);
            }
            padded.clone().slice(slices).reshape([batch, groups, channels / groups, 1, pixels])
        };
        let taps = self.taps();
        let columns = Tensor::<5>::cat((0..taps).map(seen).collect(), 3);
        columns.reshape([batch, groups, channels / groups * taps, pixels])
    }
}

/// A map in a larger one of zeros, from `before` on along each axis, its pixels `step` apart; what falls outside is cut off.
fn placed<const D: usize, const N: usize>(
    map: Tensor<D>,
    before: [isize; N],
    step: [usize; N],
    size: [usize; N],
) -> Tensor<D> {
    let dims = map.dims();
    let (mut shape, mut from, mut to) = (dims, dims.map(|n| 0..n), dims.map(|n| Slice::from(0..n)));
    for a in 0..N {
        // The first pixel that is inside, and the one after the last.
        let reaching = |place: isize| place.max(0).unsigned_abs().div_ceil(step[a]);
        let first = reaching(-before[a]);
        let after = reaching(size[a] as isize - before[a]).min(dims[a + 2]);
        if first >= after {
            shape[2..].copy_from_slice(&size);
            return Tensor::zeros(shape, (&map.device(), map.dtype()));
        }
        shape[a + 2] = size[a];
        from[a + 2] = first..after;
        let at = |pixel: usize| before[a] + (pixel * step[a]) as isize;
        to[a + 2] = Slice::new(at(first), Some(at(after - 1) + 1), step[a] as isize);
    }
    if shape == dims && from == dims.map(|n| 0..n) && step == [1; N] {
        return map;
    }
    Tensor::zeros(shape, (&map.device(), map.dtype())).slice_assign(to, map.slice(from))
}

/// Its parents are the input and the weight.
impl<const D: usize, const N: usize> Backward<Wgpu, 2> for Operation<D, N> {
    type State = (Values, Values);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = on_wgpu::<D>(grads.consume::<Wgpu>(&ops.node));
        let [of_x, of_weight] = ops.parents;
        let (x, weight) = (on_wgpu::<D>(ops.state.0), on_wgpu::<D>(ops.state.1));
        if let Some(node) = of_x {
            let found = match self.direction {
                Direction::Forward => self.input_gradient(gradient.clone(), weight),
                Direction::Transposed => self.forward(gradient.clone(), weight),
            };
            if let Some(found) = values(found) {
                grads.register::<Wgpu>(node.id, found);
            }
        }
        if let Some(node) = of_weight {
            let found = match self.direction {
                Direction::Forward => self.weight_gradient(x, gradient),
                Direction::Transposed => self.weight_gradient(gradient, x),
            };
            if let Some(found) = values(found) {
                grads.register::<Wgpu>(node.id, found);
            }
        }
    }
}
