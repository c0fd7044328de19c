//! The numbers of a slice, as it is on its way to a network.

/// Planes `[channels][height][width]`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub values: Vec<f32>,
}
