//! How the samples of a frame lie in the pixel data.

/// How the samples of one frame are stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub rows: usize,
    pub columns: usize,
    pub samples: usize,
    pub photometric: String,
    pub planar: bool,
    pub bits_allocated: usize,
    pub bits_stored: usize,
    pub high_bit: usize,
    pub signed: bool,
}

impl Layout {
    pub fn frame_samples(&self) -> usize {
        self.rows * self.columns * self.samples
    }

    /// Two pixels beside each other share their colour, where it is not compressed.
    pub fn is_422(&self) -> bool {
        self.photometric.ends_with("_422") && self.bits_allocated == 8 && self.samples == 3
    }
}
