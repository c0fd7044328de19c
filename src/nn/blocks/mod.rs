//! Layers that several networks share.

mod attention;
mod conv;
mod drop_block;
mod norm;
pub(super) mod parity;
pub(super) mod random;

pub use attention::SpatialAttention;
pub use conv::{halve, keras_up, same_conv, same_conv_without_bias, up_conv};
pub use drop_block::DropBlock;
pub use norm::BatchNorm;
pub use random::Dropout;
