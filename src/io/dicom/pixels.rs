//! Frames to samples. Uncompressed pixels are read here, to the bit; compressed ones come from [`codec`].

use super::{
    codec,
    colour::{self, Palette},
    file::DataSet,
    header::{Frame, Header},
    layout::Layout,
    stored,
    tags::{DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA},
    walk::{PixelElement, Stored},
};
use crate::io::{OpenError, picture, samples::Raw};
use std::{borrow::Cow, ops::Range, path::Path};

/// A file's pixels, not yet decoded.
pub struct Pixels {
    /// What they lie in.
    bytes: Vec<u8>,
    layout: Layout,
    palette: Option<Palette>,
    source: Source,
}

enum Source {
    /// All frames, one after another, little-endian; `bits` of each.
    Plain {
        at: Range<usize>,
        bits: usize,
    },
    Float {
        at: Range<usize>,
    },
    Double {
        at: Range<usize>,
    },
    /// For each frame the pieces of its codestream.
    Encapsulated {
        frames: Vec<Vec<Range<usize>>>,
        syntax: String,
    },
}

impl Pixels {
    pub fn new(header: &Header, bytes: Vec<u8>) -> Result<Self, OpenError> {
        let path = &header.path;
        let (set, mut bytes) = DataSet::of(path, bytes)?;
        let changed = || OpenError::corrupt(path, "it changed while it was read");
        let element = set.pixels.ok_or_else(changed)?;
        let layout = header.layout.clone();
        let palette = Palette::of(path, &set.attributes, &layout)?;
        let count = header.frames.len();
        let source = match &element.stored {
            Stored::Plain(range) => {
                let at = range.start as usize..range.end as usize;
                let bits = stored::frame_bits(&element, &layout, range.end - range.start, count);
                let bits = usize::try_from(bits).map_err(|_| changed())?;
                let needed = bits.checked_mul(count).ok_or_else(changed)?.div_ceil(8);
                if at.len() < needed {
                    return Err(changed());
                }
                to_little_endian(bytes.get_mut(at.clone()).ok_or_else(changed)?, &element, &layout);
                match element.tag {
                    FLOAT_PIXEL_DATA => Source::Float { at },
                    DOUBLE_FLOAT_PIXEL_DATA => Source::Double { at },
                    _ => Source::Plain { at, bits },
                }
            }
            Stored::Fragments { table, fragments } => {
                let offsets = set.attributes.extended_offsets();
                let table = if table.is_empty() { &offsets } else { table };
                let syntax = header.transfer_syntax.clone();
                let frames = stored::frames_of(fragments, table, &layout, &syntax, header.stated_frames);
                let range = |r: &Range<u64>| r.start as usize..r.end as usize;
                let pieces = |r: Range<usize>| fragments[r].iter().map(|f| range(&f.bytes)).collect();
                let frames: Vec<Vec<_>> = frames.into_iter().map(pieces).collect();
                if frames.len() < count {
                    return Err(changed());
                }
                let stored = fragments.iter().map(|f| range(&f.bytes).len()).sum();
                let sides = [layout.columns, layout.rows, layout.samples, count];
                picture::check_size(path, &sides, layout.bits_allocated.div_ceil(8) * 8, stored)?;
                Source::Encapsulated { frames, syntax }
            }
        };
        Ok(Self { bytes, layout, palette, source })
    }

    /// The samples of one frame, rows from the top.
    pub fn frame(&self, path: &Path, frame: &Frame) -> Result<Raw, OpenError> {
        let n = self.layout.frame_samples();
        let i = frame.index;
        let whole =
            |at: &Range<usize>, size: usize| &self.bytes[at.clone()][i * n * size..(i + 1) * n * size];
        match &self.source {
            Source::Float { at } => Ok(Raw::F32(words(whole(at, 4), f32::from_le_bytes).collect())),
            Source::Double { at } => Ok(Raw::F64(words(whole(at, 8), f64::from_le_bytes).collect())),
            Source::Plain { at, bits } => self.plain(path, &self.bytes[at.clone()], *bits, i),
            Source::Encapsulated { frames, syntax } => {
                let bytes = match frames[i].as_slice() {
                    [one] => Cow::Borrowed(&self.bytes[one.clone()]),
                    pieces => {
                        Cow::Owned(pieces.iter().flat_map(|p| &self.bytes[p.clone()]).copied().collect())
                    }
                };
                let decoded = codec::decode(path, &bytes, &self.layout, syntax)?;
                let (found, needed) = (decoded.bytes.len() as u64, (n * decoded.width) as u64);
                if found < needed {
                    return Err(OpenError::Truncated { path: path.to_owned(), expected: needed, found });
                }
                let bytes = &decoded.bytes[..n * decoded.width];
                match self.layout.samples {
                    1 => self.grey(path, bytes, decoded.width * 8, decoded.bits),
                    _ => self.colour(path, bytes, decoded.width * 8, false, decoded.ybr),
                }
            }
        }
    }

    fn plain(&self, path: &Path, bytes: &[u8], bits: usize, frame: usize) -> Result<Raw, OpenError> {
        let l = &self.layout;
        let n = l.frame_samples();
        if l.bits_allocated == 1 {
            // Bits run on from one frame to the next, from the low bit of each byte (PS3.5, 8.2).
            let bit = |i: usize| bytes[i / 8] >> (i % 8) & 1;
            return Ok(Raw::U8((frame * n..(frame + 1) * n).map(bit).collect()));
        }
        let bytes = &bytes[frame * bits / 8..(frame + 1) * bits / 8];
        if l.is_422() && bits < n * 8 {
            return Ok(Raw::Rgb8(colour::from_422(bytes, colour::from_ybr(&l.photometric))));
        }
        match l.samples {
            1 => self.grey(path, bytes, l.bits_allocated, None),
            _ => self.colour(path, bytes, l.bits_allocated, l.planar, l.photometric.starts_with("YBR")),
        }
    }

    /// `bits` of a sample among the bytes, of which those up to `used` are its value; else as many as the attributes say.
    fn grey(&self, path: &Path, bytes: &[u8], bits: usize, used: Option<usize>) -> Result<Raw, OpenError> {
        let stored = self.stored(path, bytes, bits, used)?;
        let Some(palette) = &self.palette else { return Ok(stored) };
        match stored {
            Raw::U8(v) => Ok(palette.colours(v)),
            Raw::I8(v) => Ok(palette.colours(v)),
            Raw::U16(v) => Ok(palette.colours(v)),
            Raw::I16(v) => Ok(palette.colours(v)),
            _ => Err(self.unsupported(path, bits)),
        }
    }

    /// The numbers of a picture of one sample; of a palette its indices.
    fn stored(&self, path: &Path, bytes: &[u8], bits: usize, used: Option<usize>) -> Result<Raw, OpenError> {
        let l = &self.layout;
        // Bits above the high bit are not pixel data (overlays of old).
        let shift = l.high_bit + 1 - l.bits_stored;
        let used = used.and_then(|used| used.checked_sub(shift)).filter(|&used| used > 0);
        let above = bits.saturating_sub(used.unwrap_or(l.bits_stored));
        let whole = above == 0;
        Ok(match (bits, l.signed && l.bits_allocated > 1) {
            (8, false) => Raw::U8(bytes.iter().map(|&v| (v >> shift) << above >> above).collect()),
            (8, true) => Raw::I8(bytes.iter().map(|&v| ((v >> shift) << above) as i8 >> above).collect()),
            (16, false) if whole => Raw::U16(words(bytes, u16::from_le_bytes).collect()),
            (16, true) if whole => Raw::I16(words(bytes, i16::from_le_bytes).collect()),
            (16, false) => {
                Raw::U16(words(bytes, u16::from_le_bytes).map(|v| (v >> shift) << above >> above).collect())
            }
            (16, true) => {
                let value = |v: u16| ((v >> shift) << above) as i16 >> above;
                Raw::I16(words(bytes, u16::from_le_bytes).map(value).collect())
            }
            (32, false) => {
                Raw::U32(words(bytes, u32::from_le_bytes).map(|v| (v >> shift) << above >> above).collect())
            }
            (32, true) => {
                let value = |v: u32| ((v >> shift) << above) as i32 >> above;
                Raw::I32(words(bytes, u32::from_le_bytes).map(value).collect())
            }
            (bits, _) => return Err(self.unsupported(path, bits)),
        })
    }

    fn colour(
        &self,
        path: &Path,
        bytes: &[u8],
        bits: usize,
        planar: bool,
        ybr: bool,
    ) -> Result<Raw, OpenError> {
        let l = &self.layout;
        let reduced = |values: &mut dyn Iterator<Item = u32>| -> Vec<u8> {
            values.map(|v| colour::to_8_bits(v, l.bits_stored)).collect()
        };
        let bytes = match (l.samples, bits) {
            (3, 8) => Cow::Borrowed(bytes),
            (3, 16) => Cow::Owned(reduced(&mut words(bytes, u16::from_le_bytes).map(u32::from))),
            (3, 32) => Cow::Owned(reduced(&mut words(bytes, u32::from_le_bytes))),
            _ => return Err(self.unsupported(path, bits)),
        };
        let n = bytes.len() / 3;
        let convert = colour::from_ybr(&l.photometric);
        let pixel = |i: usize| {
            let p = if planar {
                [bytes[i], bytes[n + i], bytes[2 * n + i]]
            } else {
                [bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2]]
            };
            if ybr { convert(p) } else { p }
        };
        Ok(Raw::Rgb8((0..n).map(pixel).collect()))
    }

    fn unsupported(&self, path: &Path, bits: usize) -> OpenError {
        let l = &self.layout;
        OpenError::unsupported(
            path,
            format!("DICOM with {} pixels of {} x {bits} bits", l.photometric, l.samples),
            "Convert it to MONOCHROME2 or RGB first",
        )
    }
}

/// In place. Words are turned as words where they hold two samples (PS3.5, 7.3 and 8.1.1).
fn to_little_endian(bytes: &mut [u8], element: &PixelElement, layout: &Layout) {
    if !element.big_endian {
        return;
    }
    let width = match element.tag {
        FLOAT_PIXEL_DATA => 4,
        DOUBLE_FLOAT_PIXEL_DATA => 8,
        _ if layout.bits_allocated <= 8 && element.is_words => 2,
        _ => layout.bits_allocated / 8,
    };
    if width > 1 {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
}

fn words<const N: usize, T>(bytes: &[u8], from: fn([u8; N]) -> T) -> impl Iterator<Item = T> {
    bytes.as_chunks::<N>().0.iter().map(move |b| from(*b))
}
