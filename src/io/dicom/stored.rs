//! How many frames a file's pixel data holds, and where each of them lies. The number that the attributes state is
//! sometimes missing or wrong.

use super::{
    layout::Layout,
    tags::{DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA},
    walk::{Fragment, PixelElement, Stored},
};
use crate::io::OpenError;
use std::{ops::Range, path::Path};

const RLE: &str = "1.2.840.10008.1.2.5";

/// What the attributes say of the frames.
#[derive(Clone, Copy, Debug)]
pub struct Stated {
    pub frames: usize,
    /// Every frame is described by itself, so that no other number can be right.
    pub each: bool,
}

/// Bits of one frame of uncompressed pixel data.
pub fn frame_bits(element: &PixelElement, layout: &Layout, bytes: u64, frames: usize) -> u128 {
    let samples = layout.frame_samples() as u128;
    let whole = samples
        * match element.tag {
            FLOAT_PIXEL_DATA => 32,
            DOUBLE_FLOAT_PIXEL_DATA => 64,
            _ => layout.bits_allocated as u128,
        };
    // Two pixels share their colour; but some files that say so store it for every pixel.
    let shared = layout.is_422() && u128::from(bytes) * 8 < whole * frames as u128;
    if shared { whole / 3 * 2 } else { whole }
}

/// The number of frames to show, and what is odd about it.
pub fn count(
    path: &Path,
    element: &PixelElement,
    layout: &Layout,
    transfer_syntax: &str,
    offsets: &[u64],
    stated: Stated,
) -> Result<(usize, Option<String>), OpenError> {
    let n = stated.frames;
    let found = match &element.stored {
        Stored::Plain(range) => {
            let bytes = range.end - range.start;
            let bits = frame_bits(element, layout, bytes, n);
            let (there, needed) = (u128::from(bytes) * 8, bits * n as u128);
            let found = there / bits;
            // Frames that are cut off anywhere but between two are damaged.
            let is_whole = there - found * bits < 16;
            if there < needed && !(is_whole && found > 0) {
                let expected = u64::try_from(needed.div_ceil(8)).unwrap_or(u64::MAX);
                return Err(OpenError::Truncated { path: path.to_owned(), expected, found: bytes });
            }
            if there >= needed && (there - needed < 16 || !is_whole) {
                let extra = (there - needed) / 8;
                let warning = format!("{extra} bytes of pixel data after {} are not shown", frames(n));
                return Ok((n, (extra > 1).then_some(warning)));
            }
            found as usize
        }
        Stored::Fragments { table, fragments } => {
            if fragments.iter().all(|f| f.bytes.is_empty()) {
                let what = "its pixel data is empty".to_owned();
                return Err(OpenError::NoImage { path: path.to_owned(), what });
            }
            let table = if table.is_empty() { offsets } else { table };
            frames_of(fragments, table, layout, transfer_syntax, n).len()
        }
    };
    let states = format!("{} and its pixel data holds {found}", frames(n));
    match found.cmp(&n) {
        std::cmp::Ordering::Equal => Ok((n, None)),
        _ if !stated.each => Ok((found, Some(format!("The file states {states}; {found} are shown")))),
        std::cmp::Ordering::Less => Err(OpenError::corrupt(path, format!("it describes {states}"))),
        std::cmp::Ordering::Greater => Ok((n, Some(format!("The file describes {states}; {n} are shown")))),
    }
}

fn frames(n: usize) -> String {
    if n == 1 { "1 frame".to_owned() } else { format!("{n} frames") }
}

/// The fragments that make each frame.
pub fn frames_of(
    fragments: &[Fragment],
    table: &[u64],
    layout: &Layout,
    transfer_syntax: &str,
    stated: usize,
) -> Vec<Range<usize>> {
    if fragments.len() == stated {
        return (0..stated).map(|i| i..i + 1).collect();
    }
    let starts = by_table(fragments, table).unwrap_or_else(|| {
        let begins = |f: &Fragment| begins_frame(&f.head, layout, transfer_syntax);
        (0..fragments.len()).filter(|&i| i == 0 || begins(&fragments[i])).collect()
    });
    let ends = starts.iter().skip(1).copied().chain([fragments.len()]);
    starts.iter().copied().zip(ends).map(|(from, to)| from..to).collect()
}

/// The fragments at which frames begin, where the table is whole.
fn by_table(fragments: &[Fragment], table: &[u64]) -> Option<Vec<usize>> {
    let first = fragments.first()?.bytes.start;
    let find = |offset: &u64| fragments.binary_search_by_key(offset, |f| f.bytes.start - first).ok();
    let starts: Vec<usize> = table.iter().map(find).collect::<Option<_>>()?;
    let valid = starts.first() == Some(&0) && starts.windows(2).all(|w| w[0] < w[1]);
    valid.then_some(starts)
}

fn begins_frame(head: &[u8], layout: &Layout, transfer_syntax: &str) -> bool {
    if transfer_syntax == RLE {
        // As many segments as bytes of a pixel, the first of them behind the header (PS3.5, G.5).
        let segments = (layout.samples * layout.bits_allocated.div_ceil(8)) as u32;
        return head.starts_with(&[segments.to_le_bytes(), 64u32.to_le_bytes()].concat());
    }
    let codestreams: [&[u8]; 3] = [b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP"];
    codestreams.iter().any(|c| head.starts_with(c))
}
