//! Pools of boxes. burn has none with strides, but a box is a rectangle times a line: planes are pooled first, then the
//! lines across them, so that gradients are those of the pools of slices.

use burn::tensor::{
    Tensor,
    module::{avg_pool2d, max_pool2d},
    ops::{AvgPoolOptions, MaxPoolOptions},
};

/// Maximum over boxes of `kernel`; padding never wins. All sizes are `[depth, height, width]`.
pub fn max_pool3(input: Tensor<5>, kernel: [usize; 3], stride: [usize; 3], padding: [usize; 3]) -> Tensor<5> {
    let pool = |x, kernel, stride, padding| {
        max_pool2d(x, MaxPoolOptions::new(kernel).with_stride(stride).with_padding(padding))
    };
    planes_then_lines(input, pool, kernel, stride, padding)
}

/// Mean over boxes of `kernel` without padding; sizes are `[depth, height, width]`.
pub fn avg_pool3(input: Tensor<5>, kernel: [usize; 3], stride: [usize; 3]) -> Tensor<5> {
    let pool = |x, kernel, stride, _| avg_pool2d(x, AvgPoolOptions::new(kernel).with_stride(stride));
    planes_then_lines(input, pool, kernel, stride, [0; 3])
}

/// `pool` of slices, by its kernel, stride and padding, once along height and width and once along depth.
fn planes_then_lines(
    input: Tensor<5>,
    pool: impl Fn(Tensor<4>, [usize; 2], [usize; 2], [usize; 2]) -> Tensor<4>,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
) -> Tensor<5> {
    let [batch, channels, depth, height, width] = input.dims();
    let pool = |x: Tensor<4>, kernel: [usize; 2], stride: [usize; 2], padding| {
        if kernel == [1, 1] && stride == [1, 1] { x } else { pool(x, kernel, stride, padding) }
    };
    let last = |of: [usize; 3]| [of[1], of[2]];
    let planes = input.reshape([batch, channels * depth, height, width]);
    let planes = pool(planes, last(kernel), last(stride), last(padding));
    let [_, _, height, width] = planes.dims();
    let lines = planes.reshape([batch, channels, depth, height * width]);
    let lines = pool(lines, [kernel[0], 1], [stride[0], 1], [padding[0], 0]);
    let depth = lines.dims()[2];
    lines.reshape([batch, channels, depth, height, width])
}
