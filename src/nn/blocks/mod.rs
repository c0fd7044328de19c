//! Layers that several networks share.

mod attention;
mod conv;
pub mod cost;
mod drop_block;
mod linear;
mod named;
mod norm;
pub(super) mod parity;
mod pool;
pub(super) mod random;
mod resize;
mod sequential;
#[cfg(test)]
mod tests;

pub use attention::{SpatialAttention, attend};
pub use conv::{Conv, ConvConfig, UpConv, conv, keras_up, same_conv, up_conv};
pub use drop_block::DropBlock;
pub use linear::Linear;
pub use named::Named;
pub use norm::{BatchNorm, GroupNorm, LayerNorm, Norm, NormKind};
pub use pool::{
    Bins, adaptive_avg_pool, avg_pool, global_avg, global_max, halve, halve_ceil, halve_with_places,
    max_pool, max_unpool,
};
pub use random::Dropout;
pub use resize::{Align, bilinear, bilinear_up, nearest, nearest_up};
pub use sequential::{Function, Layer, Sequential, batch_norm, op};
