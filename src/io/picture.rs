//! One picture of a raster file, before it is a volume or a slice of one.

use super::{
    OpenError,
    samples::Raw,
    source::{self, Extent},
};
use std::path::Path;

/// Pixels row by row from the top left.
#[derive(Debug)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Raw,
    pub warnings: Vec<String>,
}

/// LZW, JPEG and JPEG 2000 make at most about this many bytes of one, of a blank picture.
const MOST_INFLATION: u64 = 10_000;

/// Refuses sizes that a file of `file_bytes` cannot hold, or this machine's memory, before memory is taken for them.
pub fn check_size(path: &Path, sides: &[usize], bits: usize, file_bytes: usize) -> Result<(), OpenError> {
    if sides.contains(&0) {
        return Err(OpenError::corrupt(path, "its header says that it has no pixels"));
    }
    let asked = Extent::new(sides, bits.div_ceil(8)).with_bits(bits).packed_in(
        path,
        file_bytes as u64,
        MOST_INFLATION,
    )?;
    // Decoded, and once more as it is turned into samples.
    source::room(path, 2 * asked as u128)
}

/// Colours of 16 bits to 8, as a display would; said in a warning.
pub fn to_8_bits(samples: &[u16], channels: usize) -> Vec<[u8; 3]> {
    let byte = |v: u16| ((u32::from(v) * 255 + 32_767) / 65_535) as u8;
    samples.chunks_exact(channels).map(|p| [byte(p[0]), byte(p[1]), byte(p[2])]).collect()
}

pub const WARN_16_BIT_COLOUR: &str = "The colours were reduced from 16 to 8 bits per channel";
pub const WARN_ALPHA: &str = "The picture has transparent pixels; they are shown as if they were not";

/// Drops the last of `channels + 1` samples, and says whether it was anything but `opaque`.
pub fn without_alpha<T: Copy + PartialEq>(samples: &[T], channels: usize, opaque: T) -> (Vec<T>, bool) {
    let transparent = samples.chunks_exact(channels + 1).any(|p| p[channels] != opaque);
    (samples.chunks_exact(channels + 1).flat_map(|p| p[..channels].iter().copied()).collect(), transparent)
}
