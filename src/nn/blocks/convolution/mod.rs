//! Convolutions that burn computes slowly or not rightly, as operations of its graph with gradients of our own: on the CPU
//! ([`host`]), and of large maps on wgpu ([`strips`]).

mod host;
mod strips;
#[cfg(test)]
mod tests;

pub use host::convolve;
pub use strips::{conv_transpose2d, conv2d};

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
