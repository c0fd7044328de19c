use burn::tensor::{Device, Int, Tensor, TensorData};

/// How the pixels of two sizes lie over each other in bilinear resizing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Half-pixel centres, clamped at the edge: PyTorch's `align_corners=False`.
    Centres,
    /// The corner pixels' centres coincide: `align_corners=True`.
    Corners,
}

/// For each of `to` pixels of an axis: the two pixels of `from` around it, and the second one's weight.
fn neighbours(from: usize, to: usize, align: Align) -> (Vec<i32>, Vec<i32>, Vec<f32>) {
    let (mut low, mut high, mut weight) = (vec![], vec![], vec![]);
    for i in 0..to {
        let at = match align {
            Align::Centres => ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0),
            Align::Corners if to > 1 => i as f64 * (from - 1) as f64 / (to - 1) as f64,
            Align::Corners => 0.0,
        };
        let first = (at as usize).min(from - 1);
        low.push(first as i32);
        high.push((first + 1).min(from - 1) as i32);
        weight.push((at - first as f64) as f32);
    }
    (low, high, weight)
}

fn ints(values: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}

/// Bilinear resizing of `[batch, channels, height, width]` to a size of `[height, width]`. Built from selections, so that
/// every backend has its gradient.
pub fn bilinear(input: Tensor<4>, size: [usize; 2], align: Align) -> Tensor<4> {
    linear(input, size, align)
}

/// Trilinear resizing of `[batch, channels, depth, height, width]` to a size of `[depth, height, width]`, like
/// [`bilinear`].
pub fn trilinear(input: Tensor<5>, size: [usize; 3], align: Align) -> Tensor<5> {
    linear(input, size, align)
}

/// Linear resizing of the axes after batch and channels.
fn linear<const D: usize, const N: usize>(input: Tensor<D>, size: [usize; N], align: Align) -> Tensor<D> {
    let mut output = input;
    // The axis that shrinks the work most comes first.
    let mut axes: [usize; N] = std::array::from_fn(|axis| N - 1 - axis);
    let dims = output.dims();
    axes.sort_by(|&a, &b| (size[a] * dims[b + 2]).cmp(&(size[b] * dims[a + 2])));
    for axis in axes {
        let dim = axis + 2;
        let from = output.dims()[dim];
        if from == size[axis] {
            continue;
        }
        let device = output.device();
        let (low, high, weight) = neighbours(from, size[axis], align);
        let mut shape = [1; D];
        shape[dim] = size[axis];
        let weight = Tensor::<1>::from_data(TensorData::new(weight, [size[axis]]), &device).reshape(shape);
        let near = output.clone().select(dim, ints(low, &device));
        let far = output.select(dim, ints(high, &device));
        output = near.clone() + (far - near) * weight;
    }
    output
}

/// [`bilinear`] to `factor` times the size, half-pixel centres.
pub fn bilinear_up(input: Tensor<4>, factor: usize) -> Tensor<4> {
    let [_, _, h, w] = input.dims();
    bilinear(input, [factor * h, factor * w], Align::Centres)
}

/// Nearest-neighbour resizing to `[height, width]`: pixel `floor(i from / to)`.
pub fn nearest(input: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
    let mut output = input;
    for axis in [0, 1] {
        let dim = axis + 2;
        let (from, to) = (output.dims()[dim], size[axis]);
        if from != to {
            let places = (0..to).map(|i| (i * from / to) as i32).collect();
            let device = output.device();
            output = output.select(dim, ints(places, &device));
        }
    }
    output
}

/// [`nearest`] to `factor` times the size.
pub fn nearest_up(input: Tensor<4>, factor: usize) -> Tensor<4> {
    let [_, _, h, w] = input.dims();
    nearest(input, [factor * h, factor * w])
}

/// Every `step`-th voxel along depth, height and width, from the first on.
pub(super) fn subsample(input: Tensor<5>, step: [usize; 3]) -> Tensor<5> {
    let mut output = input;
    for (axis, step) in step.into_iter().enumerate().filter(|(_, step)| *step > 1) {
        let (dim, device) = (axis + 2, output.device());
        let places = (0..output.dims()[dim]).step_by(step).map(|i| i as i32).collect();
        output = output.select(dim, ints(places, &device));
    }
    output
}
