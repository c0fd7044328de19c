//! Colours: of a palette, of brightness and differences, and of more than eight bits.

use super::{attributes::Attributes, layout::Layout, tags};
use crate::io::{OpenError, samples::Raw};
use std::path::Path;

/// A palette's colours, 8 bits.
pub struct Palette {
    first: i64,
    colors: Vec<[u8; 3]>,
}

impl Palette {
    /// `None` where the image has no palette.
    pub fn of(path: &Path, object: &Attributes, layout: &Layout) -> Result<Option<Self>, OpenError> {
        if layout.photometric != "PALETTE COLOR" {
            return Ok(None);
        }
        let broken = |what: &str| OpenError::corrupt(path, format!("its colour palette {what}"));
        let descriptor = object.floats(tags::PALETTE_DESCRIPTOR).unwrap_or_default();
        let Some(&[entries, first, bits]) = descriptor.first_chunk::<3>() else {
            return Err(broken("is not described"));
        };
        // 0 stands for 65536; the type may be signed by mistake.
        let entries = if entries == 0.0 { 65_536 } else { entries as i64 & 0xffff } as usize;
        let first = if layout.signed { i64::from(first as i64 as i16) } else { first as i64 };
        let channel = |tag| -> Result<Vec<u8>, OpenError> {
            let data =
                object.value(tag).ok_or_else(|| match object.has(tags::SEGMENTED_RED_PALETTE_DATA) {
                    true => OpenError::unsupported(
                        path,
                        "A colour palette in segments",
                        "Save it with RGB colours first",
                    ),
                    false => broken("is missing"),
                })?;
            // 8-bit entries are stored one to a byte, or one to a word.
            if bits == 8.0 && data.bytes.len() < 2 * entries {
                return data.bytes.get(..entries).map(<[u8]>::to_vec).ok_or_else(|| broken("is cut off"));
            }
            let mut wide = data.words();
            if wide.len() < entries {
                return Err(broken("is cut off"));
            }
            wide.truncate(entries);
            // Some files say 16 bits and use only the low eight.
            let high = bits != 8.0 && wide.iter().any(|&v| v > 255);
            Ok(wide.into_iter().map(|v| if high { (v >> 8) as u8 } else { v as u8 }).collect())
        };
        let [r, g, b] = tags::PALETTE_DATA.map(channel);
        let (r, g, b) = (r?, g?, b?);
        let colors = (0..entries).map(|i| [r[i], g[i], b[i]]).collect();
        Ok(Some(Self { first, colors }))
    }

    pub fn colours<T: Into<i64>>(&self, indices: Vec<T>) -> Raw {
        Raw::Rgb8(indices.into_iter().map(|i| self.color(i.into())).collect())
    }

    /// Values outside take the first or the last colour (PS3.3, C.7.6.3.1.5).
    fn color(&self, value: i64) -> [u8; 3] {
        let last = self.colors.len() as i64 - 1;
        self.colors[(value - self.first).clamp(0, last) as usize]
    }
}

/// To red, green, blue by the formula of the photometric interpretation (PS3.3, C.7.6.3.1.2).
pub fn from_ybr(photometric: &str) -> fn([u8; 3]) -> [u8; 3] {
    if photometric.starts_with("YBR_PARTIAL") { from_partial } else { from_full }
}

fn from_full([y, b, r]: [u8; 3]) -> [u8; 3] {
    let (y, b, r) = (f32::from(y), f32::from(b) - 128.0, f32::from(r) - 128.0);
    rounded([y + 1.402 * r, y - 0.344_136 * b - 0.714_136 * r, y + 1.772 * b])
}

/// With the range of television: black is 16, white 235.
fn from_partial([y, b, r]: [u8; 3]) -> [u8; 3] {
    let (y, b, r) = ((f32::from(y) - 16.0) * 1.164_384, f32::from(b) - 128.0, f32::from(r) - 128.0);
    rounded([y + 1.596_027 * r, y - 0.391_762 * b - 0.812_968 * r, y + 2.017_232 * b])
}

fn rounded(rgb: [f32; 3]) -> [u8; 3] {
    rgb.map(|v| v.round().clamp(0.0, 255.0) as u8)
}

/// Two luma, then the two chroma that they share.
pub fn from_422(bytes: &[u8], convert: fn([u8; 3]) -> [u8; 3]) -> Vec<[u8; 3]> {
    let (groups, _) = bytes.as_chunks::<4>();
    groups.iter().flat_map(|&[y1, y2, b, r]| [convert([y1, b, r]), convert([y2, b, r])]).collect()
}

/// The highest of `bits` becomes 255, as a display would show it.
pub fn to_8_bits(value: u32, bits: usize) -> u8 {
    let most = (1u64 << bits.min(32)) - 1;
    let value = u64::from(value).min(most);
    ((value * 255 + most / 2) / most) as u8
}
