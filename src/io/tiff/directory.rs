//! What the `tiff` crate must not be shown as it is.
//!
//! It takes memory for as many values as a field claims to have: every claim is checked against the file first. And it
//! refuses palette pages: it is shown a grey page whose values are the indices, and the colours are put in afterwards.

use crate::io::{OpenError, samples::Raw};
use std::{collections::HashSet, path::Path};

const PHOTOMETRIC_INTERPRETATION: u64 = 262;
const PALETTE: u16 = 3;
const BLACK_IS_ZERO: u16 = 1;
/// More pages than any file has.
const MAX_PAGES: usize = 1 << 16;

/// Checks the fields of every page (TIFF 6.0, section 2, "Image File Directory"; BigTIFF's are wider), marks palette
/// pages as grey, cuts a list of pages that runs in a circle, and says whether there were palettes. Where else the file is broken, the decoder will say so.
pub fn prepare(path: &Path, mut bytes: Vec<u8>) -> Result<(Vec<u8>, bool), OpenError> {
    let mut found = false;
    let Some(layout) = Layout::of(&bytes) else { return Ok((bytes, false)) };
    let mut next = layout.first(&bytes);
    let mut seen = HashSet::new();
    for _ in 0..MAX_PAGES {
        let Some(at) = next.filter(|&at| at != 0) else { break };
        seen.insert(at);
        let Some(count) = layout.number(&bytes, at, layout.count) else { break };
        let entries = at + layout.count as u64;
        // A page's directory is in the file, so its entries are too.
        let count = count.min(bytes.len() as u64 / layout.entry);
        for i in 0..count {
            let entry = entries + i * layout.entry;
            let Some(tag) = layout.number(&bytes, entry, 2) else { break };
            let size = layout.number(&bytes, entry + 2, 2).map_or(1, size_of_type);
            let values = layout.number(&bytes, entry + 4, layout.offset).unwrap_or(0);
            if u128::from(values) * u128::from(size) > bytes.len() as u128 {
                let what =
                    format!("the field {tag} of a page claims {values} values, more than the file holds");
                return Err(OpenError::corrupt(path, what));
            }
            if tag != PHOTOMETRIC_INTERPRETATION {
                continue;
            }
            let value = entry + layout.entry - layout.offset as u64;
            if layout.number(&bytes, value, 2) == Some(PALETTE.into()) {
                let grey =
                    if layout.big_endian { BLACK_IS_ZERO.to_be_bytes() } else { BLACK_IS_ZERO.to_le_bytes() };
                // The number was read from there.
                bytes[value as usize..value as usize + 2].copy_from_slice(&grey);
                found = true;
            }
        }
        let link = entries + count * layout.entry;
        next = layout.number(&bytes, link, layout.offset);
        if next.is_some_and(|at| seen.contains(&at)) {
            // A circle ends here; the number was read from there.
            bytes[link as usize..link as usize + layout.offset].fill(0);
            break;
        }
    }
    Ok((bytes, found))
}

/// Bytes of one value by the field's type (TIFF 6.0, section 2; BigTIFF adds 16 to 18).
fn size_of_type(code: u64) -> u64 {
    match code {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    }
}

struct Layout {
    big_endian: bool,
    /// Bytes of an entry count, of an offset, and of an entry.
    count: usize,
    offset: usize,
    entry: u64,
}

impl Layout {
    fn of(bytes: &[u8]) -> Option<Self> {
        let big_endian = bytes.starts_with(b"MM");
        let classic = Self { big_endian, count: 2, offset: 4, entry: 12 };
        match classic.number(bytes, 2, 2)? {
            42 => Some(classic),
            43 => Some(Self { big_endian, count: 8, offset: 8, entry: 20 }),
            _ => None,
        }
    }

    fn first(&self, bytes: &[u8]) -> Option<u64> {
        self.number(bytes, if self.offset == 4 { 4 } else { 8 }, self.offset)
    }

    fn number(&self, bytes: &[u8], at: u64, size: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let field = bytes.get(at..at.checked_add(size)?)?;
        let add = |n: u64, &b: &u8| n << 8 | u64::from(b);
        Some(if self.big_endian { field.iter().fold(0, add) } else { field.iter().rev().fold(0, add) })
    }
}

/// Indices to colours; grey where every colour that occurs is grey. `map` holds all reds, then greens, then blues.
pub fn colours(path: &Path, indices: Raw, map: &[u16]) -> Result<Raw, OpenError> {
    let n = map.len() / 3;
    // Some writers filled only the low eight bits of the sixteen.
    let narrow = map.iter().all(|&v| v < 256);
    let colour = |i: usize| -> Option<[u8; 3]> {
        let byte = |v: u16| if narrow { v as u8 } else { (v >> 8) as u8 };
        Some([byte(*map.get(i)?), byte(*map.get(n + i)?), byte(*map.get(2 * n + i)?)])
    };
    let table: Vec<[u8; 3]> = (0..n).map_while(colour).collect();
    let look_up = |i: usize| table.get(i).copied();
    let pixels: Option<Vec<[u8; 3]>> = match indices {
        Raw::U8(v) => v.into_iter().map(|i| look_up(i.into())).collect(),
        Raw::U16(v) => v.into_iter().map(|i| look_up(i.into())).collect(),
        other => return Ok(other),
    };
    let pixels =
        pixels.ok_or_else(|| OpenError::corrupt(path, "a pixel has a colour that its palette lacks"))?;
    if pixels.iter().all(|[r, g, b]| r == g && g == b) {
        return Ok(Raw::U8(pixels.into_iter().map(|[r, _, _]| r).collect()));
    }
    Ok(Raw::Rgb8(pixels))
}
