//! Compressed frames to samples. What the codestream says of itself is asked before it is decoded: it must agree with
//! the attributes, and it decides whether its colours are already RGB.

use super::layout::Layout;
use crate::io::OpenError;
use jpeg_decoder::ColorTransform;
use std::{fmt::Display, path::Path};

const RLE: &str = "1.2.840.10008.1.2.5";
const CONVERT: &str = "Convert it to an uncompressed transfer syntax first, for example with gdcmconv --raw";

/// Samples of one frame, pixel by pixel, little-endian.
pub struct Decoded {
    pub bytes: Vec<u8>,
    /// Bytes of a sample: 1, 2 or 4.
    pub width: usize,
    /// The colours are brightness and two differences, as the attributes say.
    pub ybr: bool,
    /// Bits of a sample, where they are not those that the attributes say: samples compressed with loss may leave that range by a
    /// little, and are what they are.
    pub bits: Option<usize>,
}

/// Refuses what this program's decoders do not read.
pub fn check_syntax(path: &Path, uid: &str) -> Result<(), OpenError> {
    let what = match uid.strip_prefix("1.2.840.10008.1.2") {
        Some("" | ".1" | ".1.99" | ".2" | ".5") => return Ok(()),
        Some(
            ".4.50" | ".4.51" | ".4.53" | ".4.55" | ".4.57" | ".4.70" | ".4.80" | ".4.81" | ".4.90" | ".4.91"
            | ".4.92" | ".4.93" | ".4.201" | ".4.202" | ".4.203",
        ) => return Ok(()),
        Some(other) if other.starts_with(".4.1") => "MPEG or JPEG XL compression".to_owned(),
        _ => format!("the transfer syntax {uid}"),
    };
    Err(OpenError::unsupported(path, format!("DICOM with {what}"), CONVERT))
}

pub fn decode(path: &Path, bytes: &[u8], layout: &Layout, uid: &str) -> Result<Decoded, OpenError> {
    if uid == RLE {
        return rle(path, bytes, layout);
    }
    let (mut decoded, bits) = if let Some(stream) = Jpeg2000::of(bytes) {
        (stream.decode(path, bytes, layout)?, stream.bits_of_sample(layout))
    } else if let Some(stream) = Jpeg::of(bytes) {
        let decoded = match stream.process {
            JPEG_LS => jpeg_ls(path, bytes, layout, &stream)?,
            _ => stream.decode(path, bytes, layout)?,
        };
        (decoded, stream.sizes[3])
    } else {
        return Err(OpenError::corrupt(path, "its compressed pixels do not begin like any known format"));
    };
    decoded.bits = is_lossy(uid).then_some(bits);
    Ok(decoded)
}

/// Whether samples differ from what was put in, so that nothing but their value can stand in their bits.
fn is_lossy(uid: &str) -> bool {
    let lossy = [".50", ".51", ".53", ".55", ".81", ".91", ".93", ".203"];
    uid.rsplit_once(".4").is_some_and(|(_, process)| lossy.contains(&process))
}

fn unsupported(path: &Path, what: impl Display) -> OpenError {
    OpenError::unsupported(path, format!("DICOM with {what}"), CONVERT)
}

/// The sizes that a codestream and the attributes state must be the same, before memory is taken for either.
fn agree(
    path: &Path,
    name: &str,
    [rows, columns, samples, bits]: [usize; 4],
    layout: &Layout,
) -> Result<(), OpenError> {
    let l = layout;
    if (rows, columns, samples) == (l.rows, l.columns, l.samples) && bits <= l.bits_allocated {
        return Ok(());
    }
    let what = format!(
        "its {name} is {columns} x {rows} with {samples} samples of {bits} bits, its attributes say {} x {} with {} of {}",
        l.columns, l.rows, l.samples, l.bits_allocated
    );
    Err(OpenError::corrupt(path, what))
}

const JPEG_LS: u8 = 0xf7;
const LOSSLESS: u8 = 0xc3;

/// The frame header of a JPEG or JPEG-LS, and what its markers say of its colours (ITU-T T.81, B.2).
struct Jpeg {
    /// The second byte of its SOF marker.
    process: u8,
    /// Rows, columns, components, bits.
    sizes: [usize; 4],
    /// Name and sampling of each component.
    components: Vec<[u8; 2]>,
    jfif: bool,
    /// What the Adobe marker says: 0 as stored, 1 YCbCr.
    adobe: Option<u8>,
    /// Where the scan header begins.
    scan: Option<usize>,
}

impl Jpeg {
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut at = 2;
        bytes.strip_prefix(&[0xff, 0xd8])?;
        let (mut jfif, mut adobe, mut found) = (false, None, None::<Self>);
        loop {
            let &[0xff, marker, ref rest @ ..] = bytes.get(at..)? else { return found };
            if matches!(marker, 0xff | 0x01 | 0xd0..=0xd8) {
                at += if marker == 0xff { 1 } else { 2 };
                continue;
            }
            let Some(&[hi, lo]) = rest.first_chunk::<2>() else { return found };
            let length = usize::from(u16::from_be_bytes([hi, lo]));
            let segment = rest.get(2..length).unwrap_or_default();
            match marker {
                0xe0 if segment.starts_with(b"JFIF\0") => jfif = true,
                0xee if segment.starts_with(b"Adobe") => adobe = segment.get(11).copied(),
                0xc4 | 0xc8 | 0xcc => {}
                0xc0..=0xcf | JPEG_LS => {
                    let &[bits, r1, r0, c1, c0, n, ref components @ ..] = segment else { return None };
                    let word = |hi, lo| usize::from(u16::from_be_bytes([hi, lo]));
                    let components = components.as_chunks::<3>().0.iter().map(|c| [c[0], c[1]]).collect();
                    found = Some(Self {
                        process: marker,
                        sizes: [word(r1, r0), word(c1, c0), n.into(), bits.into()],
                        components,
                        jfif: false,
                        adobe: None,
                        scan: None,
                    });
                }
                0xda | 0xd9 => {
                    let scan = (marker == 0xda).then_some(at);
                    return found.map(|f| Self { jfif, adobe, scan, ..f });
                }
                _ => {}
            }
            at += 2 + length.max(2);
        }
    }

    fn decode(&self, path: &Path, bytes: &[u8], layout: &Layout) -> Result<Decoded, OpenError> {
        let bits = self.sizes[3];
        agree(path, "JPEG", self.sizes, layout)?;
        match self.process {
            LOSSLESS if self.components.iter().any(|&[_, sampling]| sampling != 0x11) => {
                return Err(unsupported(path, "lossless JPEG whose components differ in size"));
            }
            LOSSLESS | 0xc0 | 0xc1 | 0xc2 if self.process == LOSSLESS || bits == 8 => {}
            0xc1 if bits == 12 => return self.decode_12_bits(path, bytes),
            0xc0..=0xc2 => return Err(unsupported(path, format!("{bits}-bit lossy JPEG"))),
            process => {
                return Err(unsupported(path, format!("JPEG of the rare process SOF{}", process & 15)));
            }
        }
        let mut decoder = jpeg_decoder::Decoder::new(bytes);
        if self.process != LOSSLESS && layout.samples == 3 {
            let transform = if self.is_rgb(layout) { ColorTransform::RGB } else { ColorTransform::YCbCr };
            decoder.set_color_transform(transform);
        }
        let decoded = decoder.decode().map_err(|e| OpenError::corrupt(path, format!("its JPEG: {e}")))?;
        let width = bits.div_ceil(8);
        // The decoder hands out words in the machine's order.
        let bytes = match width {
            2 => {
                decoded.as_chunks::<2>().0.iter().flat_map(|b| u16::from_ne_bytes(*b).to_le_bytes()).collect()
            }
            _ => decoded,
        };
        // A lossless JPEG (process 14) gives back what was put in.
        let ybr = self.process == LOSSLESS && layout.photometric.starts_with("YBR");
        Ok(Decoded { bytes, width, ybr, bits: None })
    }

    /// Whether a lossy colour JPEG holds red, green and blue. Its own markers come before the attributes, which are often
    /// left from before it was compressed.
    fn is_rgb(&self, layout: &Layout) -> bool {
        let names: Vec<u8> = self.components.iter().map(|c| c[0].to_ascii_uppercase()).collect();
        let is_shared = self.components.iter().any(|c| c[1] != self.components[0][1]);
        match (self.jfif, self.adobe) {
            (true, _) => false,
            (_, Some(transform)) => transform == 0,
            _ if names == b"RGB" => true,
            _ => layout.photometric == "RGB" && !is_shared,
        }
    }

    fn decode_12_bits(&self, path: &Path, bytes: &[u8]) -> Result<Decoded, OpenError> {
        let mut mended = bytes.to_vec();
        // A sequential scan holds all coefficients; some encoders forgot to say so (T.81, table B.3).
        let ends = self.scan.and_then(|at| Some(at + 5 + 2 * usize::from(*bytes.get(at + 4)?)));
        if let Some([start, end, _]) = ends.and_then(|at| mended.get_mut(at..)?.first_chunk_mut::<3>()) {
            (*start, *end) = (0, 63);
        }
        let most = self.sizes[..3].iter().product::<usize>() * 2;
        let raster = openreadout_codecs::jpeg_decode_limited(&mended, most).map_err(|e| match e {
            openreadout_codecs::CodecError::Unsupported { detail, .. } => {
                unsupported(path, format!("12-bit lossy JPEG ({detail})"))
            }
            other => OpenError::corrupt(path, format!("its JPEG: {other}")),
        })?;
        Ok(Decoded { bytes: raster.data, width: 2, ybr: false, bits: None })
    }
}

fn jpeg_ls(path: &Path, bytes: &[u8], layout: &Layout, stream: &Jpeg) -> Result<Decoded, OpenError> {
    let [rows, columns, samples, bits] = stream.sizes;
    if samples != 1 {
        return Err(unsupported(path, "JPEG-LS compression of colours"));
    }
    agree(path, "JPEG-LS", [rows, columns, samples, bits], layout)?;
    let (values, ..) = jpegls::decode(bytes, columns as u32, rows as u32)
        .map_err(|e| OpenError::corrupt(path, format!("its JPEG-LS: {e}")))?;
    let width = bits.div_ceil(8);
    let bytes = match width {
        1 => values.into_iter().map(|v| v as u8).collect(),
        _ => values.into_iter().flat_map(u16::to_le_bytes).collect(),
    };
    Ok(Decoded { bytes, width, ybr: false, bits: None })
}

/// The main header of a JPEG 2000 codestream (ITU-T T.800, A.5 and A.6).
struct Jpeg2000 {
    sizes: [usize; 4],
    signed: bool,
    /// Its own colour transform is taken back in decoding.
    transformed: bool,
}

impl Jpeg2000 {
    const START: &[u8] = &[0xff, 0x4f, 0xff, 0x51];
    const COD: u8 = 0x52;

    fn of(bytes: &[u8]) -> Option<Self> {
        // Bare, or in the boxes of a JP2 file.
        let boxed = bytes.starts_with(b"\0\0\0\x0cjP");
        let start = match bytes.starts_with(Self::START) {
            true => 0,
            false if boxed => bytes.windows(4).position(|w| w == Self::START)?,
            false => return None,
        };
        let stream = &bytes[start..];
        let number = |at: usize| Some(u32::from_be_bytes(*stream.get(at..)?.first_chunk::<4>()?) as usize);
        let side = |end: usize, from: usize| Some(number(end)?.saturating_sub(number(from)?));
        let samples = usize::from(u16::from_be_bytes([*stream.get(40)?, *stream.get(41)?]));
        let precision = *stream.get(42)?;
        let (bits, signed) = (usize::from(precision & 0x7f) + 1, precision & 0x80 != 0);
        let sizes = [side(12, 20)?, side(8, 16)?, samples, bits];
        let mut at = 2;
        while let Some(&[0xff, marker, hi, lo, ref rest @ ..]) = stream.get(at..) {
            if marker == Self::COD {
                return Some(Self { sizes, signed, transformed: rest.get(4) == Some(&1) });
            }
            at += 2 + usize::from(u16::from_be_bytes([hi, lo])).max(2);
        }
        Some(Self { sizes, signed, transformed: false })
    }

    /// Signed samples are written as wide as the attributes allocate.
    fn bits_of_sample(&self, layout: &Layout) -> usize {
        if self.signed { layout.bits_allocated } else { self.sizes[3] }
    }

    fn decode(&self, path: &Path, bytes: &[u8], layout: &Layout) -> Result<Decoded, OpenError> {
        agree(path, "JPEG 2000", self.sizes, layout)?;
        let image = jpeg2k::Image::from_bytes(bytes)
            .map_err(|e| OpenError::corrupt(path, format!("its JPEG 2000: {e}")))?;
        let (n, samples) = (layout.rows * layout.columns, layout.samples);
        let components = image.components();
        if components.len() != samples || components.iter().any(|c| c.data().len() != n) {
            return Err(unsupported(path, "JPEG 2000 whose components differ in size"));
        }
        let width = layout.bits_allocated.div_ceil(8);
        let mut out = vec![0; n * samples * width];
        for (i, component) in components.iter().enumerate() {
            let pixels = out.chunks_exact_mut(samples * width);
            for (pixel, value) in pixels.zip(component.data()) {
                pixel[i * width..][..width].copy_from_slice(&value.to_le_bytes()[..width]);
            }
        }
        let is_full = ["YBR_FULL", "YBR_PARTIAL"].iter().any(|p| layout.photometric.starts_with(p));
        let is_stated = is_full || matches!(image.color_space(), jpeg2k::ColorSpace::SYCC);
        Ok(Decoded { bytes: out, width, ybr: samples == 3 && is_stated && !self.transformed, bits: None })
    }
}

/// Run-length coding (PS3.5, annex G): for each byte of a pixel one segment, the high bytes first.
fn rle(path: &Path, bytes: &[u8], layout: &Layout) -> Result<Decoded, OpenError> {
    let broken = |what: &str| OpenError::corrupt(path, format!("its run-length coding {what}"));
    let width = layout.bits_allocated / 8;
    if !matches!(layout.bits_allocated, 8 | 16 | 32) {
        return Err(unsupported(path, format!("run-length coding of {} bits", layout.bits_allocated)));
    }
    let numbers = bytes.get(..64).ok_or_else(|| broken("lacks its header"))?.as_chunks::<4>().0;
    let number = |i: usize| u32::from_le_bytes(numbers[i]) as usize;
    let segments = layout.samples * width;
    if number(0) != segments || segments > 15 {
        return Err(broken(&format!("has {} segments, where {segments} are needed", number(0))));
    }
    let (n, stride) = (layout.rows * layout.columns, segments);
    let mut out = vec![0; n * stride];
    for segment in 0..segments {
        let end = if segment + 1 < segments { number(segment + 2) } else { bytes.len() };
        let coded = bytes.get(number(segment + 1)..end).ok_or_else(|| broken("points out of the frame"))?;
        let (sample, from_high) = (segment / width, segment % width);
        let first = sample * width + (width - 1 - from_high);
        let filled = unpack(coded, out.iter_mut().skip(first).step_by(stride));
        if filled < n {
            return Err(broken(&format!("is cut off: a segment has {filled} of {n} bytes")));
        }
    }
    Ok(Decoded { bytes: out, width, ybr: layout.photometric.starts_with("YBR"), bits: None })
}

/// PackBits; how many bytes were put.
fn unpack<'a>(mut coded: &[u8], mut out: impl Iterator<Item = &'a mut u8>) -> usize {
    let mut filled = 0;
    while let Some((&control, rest)) = coded.split_first() {
        let literal = control < 128;
        let count = if literal { usize::from(control) + 1 } else { 257 - usize::from(control) };
        coded = rest;
        if control == 128 {
            continue;
        }
        for i in 0..count {
            let Some(&value) = coded.get(if literal { i } else { 0 }) else { return filled };
            let Some(place) = out.next() else { return filled };
            *place = value;
            filled += 1;
        }
        coded = coded.get(if literal { count } else { 1 }..).unwrap_or_default();
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_compressions_lose_something() {
        let lossy = |process: &str| is_lossy(&format!("1.2.840.10008.1.2.4.{process}"));
        for process in ["50", "51", "53", "55", "81", "91", "93", "203"] {
            assert!(lossy(process), "{process}");
        }
        for process in ["57", "70", "80", "90", "92", "201", "202"] {
            assert!(!lossy(process), "{process}");
        }
        assert!(!is_lossy(RLE));
    }
}
