//! Layers that several networks share.

mod attention;
mod conv;
mod conv3;
mod convolution;
pub mod cost;
mod drop_block;
mod instance_norm;
mod linear;
mod named;
mod norm;
pub(super) mod parity;
mod pool;
mod pool3;
pub(super) mod precision;
pub(super) mod random;
mod resize;
mod sequential;
pub(super) mod tap;
#[cfg(test)]
mod tests;

pub use attention::{SpatialAttention, attend};
pub use conv::{Conv, ConvConfig, UpConv, conv, keras_up, same_conv, up_conv};
pub use conv3::{Conv3, conv3};
pub use drop_block::DropBlock;
pub use instance_norm::instance_norm;
pub use linear::Linear;
pub use named::Named;
pub use norm::{BatchNorm, GroupNorm, LayerNorm, Norm, NormKind};
pub use pool::{
    Bins, adaptive_avg_pool, avg_pool, global_avg, global_max, halve, halve_ceil, halve_with_places,
    max_pool, max_unpool,
};
pub use pool3::{avg_pool3, max_pool3};
pub use random::Dropout;
pub use resize::{Align, bilinear, bilinear_up, nearest, nearest_up, trilinear};
pub use sequential::{Function, Layer, Sequential, batch_norm, op};

pub(super) use convolution::expect_loops_to_end;

use burn::{
    module::{Param, ParamId},
    tensor::{DType, Device, Tensor},
};

/// A parameter that takes memory only once it is used, so that names and shapes of a network of any size cost nothing.
pub(super) fn parameter<const D: usize>(
    shape: [usize; D],
    device: &Device,
    fill: fn([usize; D], &Device) -> Tensor<D>,
) -> Param<Tensor<D>> {
    let make = move |device: &Device, learned| fill(shape, device).set_require_grad(learned);
    Param::uninitialized(ParamId::new(), make, device.clone(), true, shape.into())
}

/// [`parameter`] of zeros.
pub(super) fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    parameter(shape, device, |shape, device| Tensor::zeros(shape, device))
}

/// [`parameter`] of ones.
pub(super) fn ones<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    parameter(shape, device, |shape, device| Tensor::ones(shape, device))
}

/// A tensor of the sizes of a larger one that it is combined with, or 1, made as large where something is learned on a graphics
/// device: an axis at a time, so that its gradient is summed an axis at a time. Where it is left to burn (0.22.1), that is one
/// loop over everything, which Mesa's software driver breaks off after 65535 rounds.
fn spread<const D: usize>(small: Tensor<D>, dims: [usize; D]) -> Tensor<D> {
    if !small.is_autodiff() || on_cpu(&small) {
        return small;
    }
    let mut shape = small.dims();
    let axes = (0..D).filter(|&axis| small.dims()[axis] != dims[axis]);
    axes.fold(small.clone(), |tensor, axis| {
        shape[axis] = dims[axis];
        tensor.expand(shape)
    })
}

/// A value for each channel over a map of these sizes, as [`spread`] has it.
fn by_channel<const D: usize>(values: Tensor<1>, dims: [usize; D]) -> Tensor<D> {
    let mut row = [1; D];
    row[1] = dims[1];
    spread(values.reshape(row), dims)
}

fn on_cpu<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.device().without_autodiff() == Device::flex()
}

/// Whether a tensor's values lie in this program's memory, as f32, and nothing is recorded of what becomes of them.
fn on_host<const D: usize>(tensor: &Tensor<D>) -> bool {
    !tensor.is_autodiff() && on_cpu(tensor) && tensor.dtype() == DType::F32
}
