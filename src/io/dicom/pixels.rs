//! Frames to samples. Uncompressed pixels are read here, to the bit; compressed ones by `dicom-pixeldata`.

use super::{
    header::{Frame, Header, Layout, explain},
    tags,
};
use crate::io::{OpenError, picture, samples::Raw};
use dicom_object::{DefaultDicomObject, InMemDicomObject};
use dicom_pixeldata::PixelDecoder;
use std::path::Path;

/// A file's pixels, not yet decoded.
pub struct Pixels {
    object: DefaultDicomObject,
    layout: Layout,
    frames: usize,
    palette: Option<Palette>,
    source: Source,
}

enum Source {
    /// All frames, one after another, in native byte order.
    Plain(Vec<u8>),
    Float(Vec<u8>),
    Double(Vec<u8>),
    Encapsulated,
}

/// Refuses what this program's decoders do not read.
pub fn check_syntax(path: &Path, uid: &str) -> Result<(), OpenError> {
    let what = match uid {
        "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => "JPEG-LS compression",
        "1.2.840.10008.1.2.4.53" | "1.2.840.10008.1.2.4.55" => "the retired JPEG process 6/8 or 10/12",
        uid if uid.starts_with("1.2.840.10008.1.2.4.1") && uid.len() == 25 => "MPEG or JPEG XL compression",
        _ => return Ok(()),
    };
    Err(OpenError::unsupported(
        path,
        format!("DICOM with {what}"),
        "Convert it to an uncompressed transfer syntax first, for example with gdcmconv --raw",
    ))
}

impl Pixels {
    pub fn new(path: &Path, mut object: DefaultDicomObject, header: &Header) -> Result<Self, OpenError> {
        let no_pixels = || OpenError::NoImage {
            path: path.to_owned(),
            what: "it describes an image, but its pixels are missing".into(),
        };
        let palette =
            (header.layout.photometric == "PALETTE COLOR").then(|| Palette::of(path, &object)).transpose()?;
        let bytes = |object: &mut DefaultDicomObject, tag| -> Result<Vec<u8>, OpenError> {
            let element = object.take(tag).ok_or_else(no_pixels)?;
            Ok(element.to_bytes().map_err(|e| explain(path, &e))?.into_owned())
        };
        if header.frames.len() == 1 {
            join_fragments(&mut object);
        }
        let source = if object.get(tags::FLOAT_PIXEL_DATA).is_some() {
            Source::Float(bytes(&mut object, tags::FLOAT_PIXEL_DATA)?)
        } else if object.get(tags::DOUBLE_FLOAT_PIXEL_DATA).is_some() {
            Source::Double(bytes(&mut object, tags::DOUBLE_FLOAT_PIXEL_DATA)?)
        } else if object.get(tags::PIXEL_DATA).ok_or_else(no_pixels)?.fragments().is_some() {
            Source::Encapsulated
        } else {
            Source::Plain(bytes(&mut object, tags::PIXEL_DATA)?)
        };
        let pixels =
            Self { object, layout: header.layout.clone(), frames: header.frames.len(), palette, source };
        pixels.check_size(path)?;
        Ok(pixels)
    }

    fn frame_samples(&self) -> usize {
        self.layout.rows * self.layout.columns * self.layout.samples
    }

    /// Whether the file can hold its frames, before memory is taken for them.
    fn check_size(&self, path: &Path) -> Result<(), OpenError> {
        let samples = self.frame_samples();
        let truncated = |needed: usize, found: usize| {
            if found >= needed {
                return Ok(());
            }
            Err(OpenError::Truncated { path: path.to_owned(), expected: needed as u64, found: found as u64 })
        };
        match &self.source {
            Source::Plain(bytes) => {
                let needed = match self.layout.photometric.as_str() {
                    "YBR_FULL_422" if self.layout.bits_allocated == 8 => samples / 3 * 2 * self.frames,
                    _ => (samples * self.frames * self.layout.bits_allocated).div_ceil(8),
                };
                truncated(needed, bytes.len())
            }
            Source::Float(bytes) => truncated(samples * self.frames * 4, bytes.len()),
            Source::Double(bytes) => truncated(samples * self.frames * 8, bytes.len()),
            Source::Encapsulated => {
                let fragments =
                    self.object.get(tags::PIXEL_DATA).and_then(|e| e.fragments()).unwrap_or_default();
                let stored = fragments.iter().map(Vec::len).sum();
                if stored == 0 {
                    return Err(OpenError::NoImage {
                        path: path.to_owned(),
                        what: "its pixel data is empty".into(),
                    });
                }
                let bytes = self.layout.bits_allocated.div_ceil(8) as u128;
                picture::check_size(path, samples as u128 * self.frames as u128, bytes, stored)
            }
        }
    }

    /// The samples of one frame, rows from the top.
    pub fn frame(&self, path: &Path, frame: &Frame) -> Result<Raw, OpenError> {
        let n = self.frame_samples();
        let i = frame.index;
        match &self.source {
            Source::Float(bytes) => {
                Ok(Raw::F32(words(&bytes[i * n * 4..(i + 1) * n * 4], f32::from_ne_bytes).collect()))
            }
            Source::Double(bytes) => {
                Ok(Raw::F64(words(&bytes[i * n * 8..(i + 1) * n * 8], f64::from_ne_bytes).collect()))
            }
            Source::Plain(bytes) => self.plain(path, bytes, i),
            Source::Encapsulated => self.encapsulated(path, i),
        }
    }

    fn plain(&self, path: &Path, bytes: &[u8], frame: usize) -> Result<Raw, OpenError> {
        let l = &self.layout;
        let n = self.frame_samples();
        if l.bits_allocated == 1 {
            // Bits run on from one frame to the next, from the low bit of each byte (PS3.5, 8.2).
            let bit = |i: usize| bytes[i / 8] >> (i % 8) & 1;
            return Ok(Raw::U8((frame * n..(frame + 1) * n).map(bit).collect()));
        }
        if l.photometric == "YBR_FULL_422" && l.bits_allocated == 8 {
            let size = n / 3 * 2;
            return Ok(Raw::Rgb8(from_422(&bytes[frame * size..(frame + 1) * size])));
        }
        let size = n * l.bits_allocated / 8;
        let Some(bytes) = bytes.get(frame * size..(frame + 1) * size) else {
            return Err(OpenError::corrupt(path, format!("it has no frame {}", frame + 1)));
        };
        if l.samples == 1 {
            self.grey(path, bytes)
        } else {
            self.colour(path, bytes, l.planar, l.photometric.starts_with("YBR_FULL"))
        }
    }

    fn encapsulated(&self, path: &Path, frame: usize) -> Result<Raw, OpenError> {
        self.check_codestream(path, frame)?;
        let index = u32::try_from(frame).map_err(|_| OpenError::corrupt(path, "it has too many frames"))?;
        let decoded = self.object.decode_pixel_data_frame(index).map_err(|e| explain(path, &e))?;
        let l = &self.layout;
        let bytes = decoded.data();
        let needed = self.frame_samples() * l.bits_allocated.div_ceil(8);
        if bytes.len() < needed {
            return Err(OpenError::Truncated {
                path: path.to_owned(),
                expected: needed as u64,
                found: bytes.len() as u64,
            });
        }
        if l.samples == 1 {
            return self.grey(path, &bytes[..needed]);
        }
        // JPEG and JPEG 2000 decoders hand out RGB; run-length coding keeps what was stored.
        let still_ybr = decoded_by_rle(&self.object) && l.photometric.starts_with("YBR_FULL");
        self.colour(path, &bytes[..needed], false, still_ybr)
    }

    /// A JPEG inside that is smaller, or of fewer bytes per sample, than the attributes say would leave the rest of
    /// the frame unwritten without an error.
    fn check_codestream(&self, path: &Path, frame: usize) -> Result<(), OpenError> {
        let fragments = self.object.get(tags::PIXEL_DATA).and_then(|e| e.fragments()).unwrap_or_default();
        let fragment = if fragments.len() == self.frames { fragments.get(frame) } else { fragments.first() };
        let Some((process, [bits, rows, columns, samples])) = fragment.and_then(|f| jpeg_frame(f)) else {
            return Ok(());
        };
        let l = &self.layout;
        // SOF3 is lossless (T.81, table B.1); the decoder reads the others with 8 bits.
        if process != 0xc3 && bits != 8 {
            return Err(OpenError::unsupported(
                path,
                format!("DICOM with {bits}-bit lossy JPEG"),
                "Convert it to an uncompressed transfer syntax first, for example with gdcmconv --raw",
            ));
        }
        let same = (rows, columns, samples) == (l.rows, l.columns, l.samples)
            && bits.div_ceil(8) == l.bits_allocated.div_ceil(8);
        if same {
            return Ok(());
        }
        Err(OpenError::corrupt(
            path,
            format!(
                "its JPEG is {columns} x {rows} with {samples} samples of {bits} bits, its attributes say {} x {} with {} of {}",
                l.columns, l.rows, l.samples, l.bits_allocated
            ),
        ))
    }

    fn grey(&self, path: &Path, bytes: &[u8]) -> Result<Raw, OpenError> {
        let l = &self.layout;
        if let Some(palette) = &self.palette {
            return match l.bits_allocated {
                8 => Ok(Raw::Rgb8(bytes.iter().map(|&v| palette.color(v.into())).collect())),
                16 => {
                    Ok(Raw::Rgb8(words(bytes, u16::from_ne_bytes).map(|v| palette.color(v.into())).collect()))
                }
                bits => Err(self.unsupported(path, bits)),
            };
        }
        // Bits above the high bit are not pixel data (overlays of old).
        let shift = l.high_bit + 1 - l.bits_stored;
        let above = l.bits_allocated - l.bits_stored;
        let whole = above == 0;
        Ok(match (l.bits_allocated, l.signed) {
            (8, false) => Raw::U8(bytes.iter().map(|&v| (v >> shift) << above >> above).collect()),
            (8, true) => Raw::I8(bytes.iter().map(|&v| ((v >> shift) << above) as i8 >> above).collect()),
            (16, false) if whole => Raw::U16(words(bytes, u16::from_ne_bytes).collect()),
            (16, true) if whole => Raw::I16(words(bytes, i16::from_ne_bytes).collect()),
            (16, false) => {
                Raw::U16(words(bytes, u16::from_ne_bytes).map(|v| (v >> shift) << above >> above).collect())
            }
            (16, true) => {
                let value = |v: u16| ((v >> shift) << above) as i16 >> above;
                Raw::I16(words(bytes, u16::from_ne_bytes).map(value).collect())
            }
            (32, false) => {
                Raw::U32(words(bytes, u32::from_ne_bytes).map(|v| (v >> shift) << above >> above).collect())
            }
            (32, true) => {
                let value = |v: u32| ((v >> shift) << above) as i32 >> above;
                Raw::I32(words(bytes, u32::from_ne_bytes).map(value).collect())
            }
            (bits, _) => return Err(self.unsupported(path, bits)),
        })
    }

    fn colour(&self, path: &Path, bytes: &[u8], planar: bool, ybr: bool) -> Result<Raw, OpenError> {
        let l = &self.layout;
        if l.samples != 3 || !matches!(l.bits_allocated, 8 | 16) {
            return Err(self.unsupported(path, l.bits_allocated));
        }
        let reduced: Vec<u8>;
        let bytes = if l.bits_allocated == 16 {
            let samples: Vec<u16> = words(bytes, u16::from_ne_bytes).collect();
            reduced = picture::to_8_bits(&samples, 3).into_flattened();
            &reduced
        } else {
            bytes
        };
        let n = bytes.len() / 3;
        let pixel = |i: usize| {
            let p = if planar {
                [bytes[i], bytes[n + i], bytes[2 * n + i]]
            } else {
                [bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2]]
            };
            if ybr { from_ybr(p) } else { p }
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

/// One frame in several fragments, which the run-length decoder does not put together.
fn join_fragments(object: &mut DefaultDicomObject) {
    // An element that is missing is reported where it is needed.
    let _ = object.update_value(tags::PIXEL_DATA, |value| {
        if let Some(fragments) = value.fragments_mut().filter(|f| f.len() > 1) {
            let all = fragments.concat();
            fragments.clear();
            fragments.push(all);
        }
    });
}

fn words<const N: usize, T>(bytes: &[u8], from: fn([u8; N]) -> T) -> impl Iterator<Item = T> {
    bytes.as_chunks::<N>().0.iter().map(move |b| from(*b))
}

fn decoded_by_rle(object: &DefaultDicomObject) -> bool {
    object.meta().transfer_syntax() == "1.2.840.10008.1.2.5"
}

/// PS3.3, C.7.6.3.1.2, inverted.
fn from_ybr([y, b, r]: [u8; 3]) -> [u8; 3] {
    let (y, b, r) = (f32::from(y), f32::from(b) - 128.0, f32::from(r) - 128.0);
    [y + 1.402 * r, y - 0.344_136 * b - 0.714_136 * r, y + 1.772 * b]
        .map(|v| v.round().clamp(0.0, 255.0) as u8)
}

/// Two luma, then the two chroma that they share.
fn from_422(bytes: &[u8]) -> Vec<[u8; 3]> {
    let (groups, _) = bytes.as_chunks::<4>();
    groups.iter().flat_map(|&[y1, y2, b, r]| [from_ybr([y1, b, r]), from_ybr([y2, b, r])]).collect()
}

/// Process, and bits, rows, columns, components of a JPEG (not JPEG 2000) from its frame header (ITU-T T.81, B.2.2).
fn jpeg_frame(bytes: &[u8]) -> Option<(u8, [usize; 4])> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let &[0xff, marker, ..] = rest else { return None };
        if matches!(marker, 0xff | 0x01 | 0xd0..=0xd8) {
            rest = &rest[if marker == 0xff { 1 } else { 2 }..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]));
        let frame_header = matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if frame_header {
            let &[bits, r1, r0, c1, c0, components, ..] = rest.get(4..)? else { return None };
            let word = |hi, lo| usize::from(u16::from_be_bytes([hi, lo]));
            return Some((marker, [bits.into(), word(r1, r0), word(c1, c0), components.into()]));
        }
        if marker == 0xda {
            return None;
        }
        rest = rest.get(2 + length..)?;
    }
}

/// A palette's colours, 8 bits.
struct Palette {
    first: i64,
    colors: Vec<[u8; 3]>,
}

impl Palette {
    fn of(path: &Path, object: &InMemDicomObject) -> Result<Self, OpenError> {
        let broken = |what: &str| OpenError::corrupt(path, format!("its colour palette {what}"));
        let descriptor = object.get(tags::PALETTE_DESCRIPTOR).and_then(|e| e.to_multi_int::<i64>().ok());
        let Some([entries, first, bits]) = descriptor.as_deref().and_then(|d| d.first_chunk::<3>().copied())
        else {
            return Err(broken("is not described"));
        };
        let entries = if entries == 0 { 65_536 } else { entries & 0xffff };
        let channel = |tag| -> Result<Vec<u8>, OpenError> {
            let data = object.get(tag).and_then(|e| e.to_bytes().ok()).ok_or_else(|| broken("is missing"))?;
            let n = entries as usize;
            // 8-bit entries are stored one to a byte, or one to a word.
            if bits == 8 && data.len() < 2 * n {
                return data.get(..n).map(<[u8]>::to_vec).ok_or_else(|| broken("is cut off"));
            }
            let wide: Vec<u16> = words(&data, u16::from_ne_bytes).take(n).collect();
            if wide.len() < n {
                return Err(broken("is cut off"));
            }
            // Some files say 16 bits and use only the low eight.
            let high = bits != 8 && wide.iter().any(|&v| v > 255);
            Ok(wide.into_iter().map(|v| if high { (v >> 8) as u8 } else { v as u8 }).collect())
        };
        let [r, g, b] = tags::PALETTE_DATA.map(channel);
        let (r, g, b) = (r?, g?, b?);
        let colors = (0..entries as usize).map(|i| [r[i], g[i], b[i]]).collect();
        Ok(Self { first, colors })
    }

    /// Values outside take the first or the last colour (PS3.3, C.7.6.3.1.5).
    fn color(&self, value: i64) -> [u8; 3] {
        let last = self.colors.len() as i64 - 1;
        self.colors[(value - self.first).clamp(0, last) as usize]
    }
}
