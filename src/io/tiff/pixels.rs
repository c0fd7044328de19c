//! A page's samples to a picture: grey, colours, or the numbers of a mask.

use super::{
    chunk::COMPRESSION_JPEG,
    page::{Extra, Kind, Meaning, Page},
};
use crate::io::{
    OpenError,
    picture::{WARN_16_BIT_COLOUR, WARN_ALPHA, palette_note, unpack},
    samples::Raw,
};
use crate::words::counted;
use std::path::Path;

const NOTE_WHITE_IS_ZERO: &str =
    "It says that 0 is white (as an inverting look-up table does); in a mask the stored numbers are read";
const NOTE_LOW_IS_WHITE: &str =
    "It says that low values are white: it is shown so, and the values are those that are stored";
const NOTE_TURNED_OVER: &str =
    "It says that 0 is white: its values were inverted, so that white parts are bright here too";
const NOTE_CMYK: &str = "Its inks (CMYK) were turned into RGB without their colour profile";
const NOTE_PREMULTIPLIED: &str =
    "Its transparent pixels are stored darkened (premultiplied alpha); they are shown as if they were opaque";
const WARN_UNSAID: &str = "It does not say what its numbers mean (its PhotometricInterpretation is missing)";

/// The pixels of a page, and whether low values are to be shown white.
pub struct Shown {
    pub pixels: Raw,
    pub low_is_white: bool,
    pub notes: Vec<String>,
}

/// `channel` counts the samples of a grey page that are channels.
pub fn shown(
    path: &Path,
    page: &Page,
    planes: Vec<Vec<u8>>,
    channel: usize,
    as_mask: bool,
) -> Result<Shown, OpenError> {
    let samples = Samples { path, page, planes };
    let mut notes = Vec::new();
    if page.unsaid_meaning {
        notes.push(WARN_UNSAID.to_owned());
    }
    let mut low_is_white = false;
    let pixels = match page.meaning {
        Meaning::BlackIsZero => samples.grey(channel, &mut notes)?,
        Meaning::WhiteIsZero => {
            let grey = samples.grey(channel, &mut notes)?;
            low_is_white = !as_mask && page.kind != Kind::Whole;
            if as_mask {
                notes.push(NOTE_WHITE_IS_ZERO.to_owned());
            } else {
                notes.push(if low_is_white { NOTE_LOW_IS_WHITE } else { NOTE_TURNED_OVER }.to_owned());
            }
            if as_mask || low_is_white { grey } else { turned_over(grey, page.bits) }
        }
        Meaning::Palette => {
            let indices = samples.grey(0, &mut notes)?;
            if as_mask {
                let palette = palette(&page.color_map);
                notes.extend(palette_note(&indices, |i| palette.get(i).copied()));
                indices
            } else {
                colours(path, indices, &palette(&page.color_map))?
            }
        }
        Meaning::Rgb | Meaning::YCbCr | Meaning::Cmyk => samples.colour(as_mask, &mut notes)?,
    };
    if pixels.len() != page.width * page.height {
        return Err(OpenError::corrupt(path, "its pixels are fewer than its header says"));
    }
    Ok(Shown { pixels, low_is_white, notes })
}

struct Samples<'a> {
    path: &'a Path,
    page: &'a Page<'a>,
    planes: Vec<Vec<u8>>,
}

impl Samples<'_> {
    /// The samples of a number, as they are stored.
    fn one(&self, sample: usize) -> Result<Raw, OpenError> {
        let page = self.page;
        let (plane, at, step) = if page.planar { (sample, 0, 1) } else { (0, sample, page.samples) };
        let Some(bytes) = self.planes.get(plane) else {
            return Err(OpenError::corrupt(self.path, format!("it has no plane {}", plane + 1)));
        };
        macro_rules! numbers {
            ($variant:ident, $type:ty) => {{
                let (numbers, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                let taken = numbers.iter().skip(at).step_by(step);
                Raw::$variant(taken.map(|b| <$type>::from_le_bytes(*b)).collect())
            }};
        }
        Ok(match (page.kind, page.bits) {
            (Kind::Whole, 8) if step == 1 => Raw::U8(bytes.clone()),
            (Kind::Whole, 8) => numbers!(U8, u8),
            (Kind::Whole, 16) => numbers!(U16, u16),
            (Kind::Whole, 32) => numbers!(U32, u32),
            (Kind::Whole, 64) => numbers!(U64, u64),
            (Kind::Whole, 24) => {
                let taken = bytes.as_chunks::<3>().0.iter().skip(at).step_by(step);
                Raw::U32(taken.map(|&[a, b, c]| u32::from_le_bytes([a, b, c, 0])).collect())
            }
            (Kind::Whole, bits @ 1..=15) => {
                let per_row = page.width * page.together();
                let all = unpack(bytes, page.row_bytes(page.width), [per_row, page.height], bits);
                let count = all.len();
                if step == 1 { all } else { all.taken((at..count).step_by(step)) }
            }
            (Kind::Signed, 8) => numbers!(I8, i8),
            (Kind::Signed, 16) => numbers!(I16, i16),
            (Kind::Signed, 32) => numbers!(I32, i32),
            (Kind::Signed, 64) => numbers!(I64, i64),
            (Kind::Real, 16) => {
                let taken = bytes.as_chunks::<2>().0.iter().skip(at).step_by(step);
                Raw::F32(taken.map(|b| half::f16::from_le_bytes(*b).to_f32()).collect())
            }
            (Kind::Real, 32) => numbers!(F32, f32),
            (Kind::Real, 64) => numbers!(F64, f64),
            (kind, bits) => {
                let kind = match kind {
                    Kind::Whole => "whole",
                    Kind::Signed => "signed",
                    Kind::Real => "real",
                };
                let what = format!("A TIFF with {kind} numbers of {bits} bits");
                return Err(OpenError::unsupported(self.path, what, "Save it with 8, 16 or 32 bits"));
            }
        })
    }

    /// How opaque each pixel is, of 255, and whether the colours are weakened by it; `None` where all are opaque, or
    /// where it is not stored.
    fn opacity(&self) -> Result<Option<(Vec<u8>, bool)>, OpenError> {
        let extra = &self.page.extra;
        let colours = self.page.samples - extra.len();
        let Some(at) = extra.iter().position(|e| *e != Extra::Unnamed) else { return Ok(None) };
        let Some(opacity) = self.shades(self.one(colours + at)?) else { return Ok(None) };
        let transparent = opacity.iter().any(|&a| a != u8::MAX);
        Ok(transparent.then_some((opacity, extra[at] == Extra::Premultiplied)))
    }

    fn grey(&self, channel: usize, notes: &mut Vec<String>) -> Result<Raw, OpenError> {
        let unnamed = |i: &usize| self.page.extra[*i] == Extra::Unnamed;
        let sample = match channel {
            0 => 0,
            n => 1 + (0..self.page.extra.len()).filter(unnamed).nth(n - 1).unwrap_or(0),
        };
        let grey = self.one(sample)?;
        let Some((opacity, premultiplied)) = self.opacity()? else { return Ok(grey) };
        match grey {
            Raw::U8(mut grey) if premultiplied && self.page.bits == 8 => {
                notes.push(NOTE_PREMULTIPLIED.to_owned());
                grey.iter_mut().zip(&opacity).for_each(|(v, &a)| *v = strengthened(*v, a));
                Ok(Raw::U8(grey))
            }
            grey => {
                notes.push(WARN_ALPHA.to_owned());
                Ok(grey)
            }
        }
    }

    fn colour(&self, as_mask: bool, notes: &mut Vec<String>) -> Result<Raw, OpenError> {
        let page = self.page;
        let parts = if page.meaning == Meaning::Cmyk { 4 } else { 3 };
        if as_mask && page.meaning == Meaning::Rgb && page.bits > 8 {
            // A display's 8 bits would change the numbers of a mask that is stored as grey colours.
            let [red, green, blue] = [self.one(0)?, self.one(1)?, self.one(2)?];
            if same(&red, &green) && same(&red, &blue) {
                return Ok(red);
            }
        }
        // One that says how opaque the pixel is has its own note.
        let opacity = page.extra.iter().any(|e| *e != Extra::Unnamed);
        let further = page.extra.len() - usize::from(opacity);
        if further > 0 {
            notes.push(format!("Not shown: {} of each pixel beside its colours", counted(further, "sample")));
        }
        let by_jpeg = page.compression == COMPRESSION_JPEG;
        // What nearly all colour pictures are.
        let plain = page.bits == 8 && page.samples == 3 && !page.planar && page.kind == Kind::Whole;
        if let ([pixels], true) = (&self.planes[..], plain && (page.meaning == Meaning::Rgb || by_jpeg)) {
            return Ok(Raw::Rgb8(pixels.as_chunks::<3>().0.to_vec()));
        }
        let mut shades = Vec::with_capacity(parts);
        for i in 0..parts {
            let raw = self.one(i)?;
            let name = raw.name();
            shades.push(self.shades(raw).ok_or_else(|| {
                let what = format!("A TIFF with colours of {name} samples");
                OpenError::unsupported(self.path, what, "Save it as grey, or as 8-bit RGB")
            })?);
        }
        if page.bits > 8 {
            notes.push(WARN_16_BIT_COLOUR.to_owned());
        }
        let convert: Box<dyn Fn(usize) -> [u8; 3]> = match (page.meaning, &shades[..]) {
            (Meaning::Cmyk, [c, m, y, k]) => {
                notes.push(NOTE_CMYK.to_owned());
                Box::new(move |i| {
                    let part = |ink: u8| ((255 - u32::from(ink)) * (255 - u32::from(k[i])) + 127) / 255;
                    [part(c[i]) as u8, part(m[i]) as u8, part(y[i]) as u8]
                })
            }
            (Meaning::YCbCr, [y, cb, cr]) if !by_jpeg => Box::new(move |i| self.rgb([y[i], cb[i], cr[i]])),
            (_, [r, g, b, ..]) => Box::new(move |i| [r[i], g[i], b[i]]),
            _ => return Err(OpenError::corrupt(self.path, "it has too few colours")),
        };
        let opacity = self.opacity()?;
        if let Some((_, premultiplied)) = opacity {
            notes.push(if premultiplied { NOTE_PREMULTIPLIED } else { WARN_ALPHA }.to_owned());
        }
        let count = shades[0].len();
        Ok(Raw::Rgb8(match opacity {
            Some((opacity, true)) => {
                (0..count).map(|i| convert(i).map(|v| strengthened(v, opacity[i]))).collect()
            }
            _ => (0..count).map(convert).collect(),
        }))
    }

    /// As a display's 8 bits; `None` of numbers that are no shades.
    fn shades(&self, raw: Raw) -> Option<Vec<u8>> {
        let most = (1u32 << self.page.bits.min(16)) - 1;
        let scaled = |v: u32| ((v * 255 + most / 2) / most) as u8;
        match raw {
            Raw::U8(v) if most == 255 => Some(v),
            Raw::U8(v) => Some(v.into_iter().map(|v| scaled(v.into())).collect()),
            Raw::U16(v) => Some(v.into_iter().map(|v| scaled(v.into())).collect()),
            _ => None,
        }
    }

    /// TIFF 6.0, section 21.
    fn rgb(&self, [y, cb, cr]: [u8; 3]) -> [u8; 3] {
        let [black, white, zero_b, most_b, zero_r, most_r] = self.page.reference;
        let [red, green, blue] = self.page.luma;
        let part = |v: u8, low: f64, high: f64, range: f64| (f64::from(v) - low) * range / (high - low);
        let y = part(y, black, white, 255.0);
        let (cb, cr) = (part(cb, zero_b, most_b, 127.0), part(cr, zero_r, most_r, 127.0));
        let r = cr * (2.0 - 2.0 * red) + y;
        let b = cb * (2.0 - 2.0 * blue) + y;
        let g = (y - blue * b - red * r) / green;
        [r, g, b].map(|v| v.round() as u8)
    }
}

/// The colour before it was weakened by how opaque the pixel is.
fn strengthened(value: u8, opacity: u8) -> u8 {
    match u32::from(opacity) {
        0 => value,
        a => ((u32::from(value) * 255 + a / 2) / a).min(255) as u8,
    }
}

fn same(a: &Raw, b: &Raw) -> bool {
    match (a, b) {
        (Raw::U16(a), Raw::U16(b)) => a == b,
        (Raw::U32(a), Raw::U32(b)) => a == b,
        _ => false,
    }
}

/// Shades whose 0 is white to shades whose 0 is black.
fn turned_over(grey: Raw, bits: usize) -> Raw {
    match grey {
        Raw::U8(v) => {
            let most = (u8::MAX as usize >> (8 - bits.min(8))) as u8;
            Raw::U8(v.into_iter().map(|v| most - v).collect())
        }
        Raw::U16(v) => {
            let most = u16::MAX >> (16 - bits.min(16));
            Raw::U16(v.into_iter().map(|v| most - v).collect())
        }
        Raw::U32(v) => {
            let most = u32::MAX >> (32 - bits.min(32));
            Raw::U32(v.into_iter().map(|v| most - v).collect())
        }
        Raw::U64(v) => Raw::U64(v.into_iter().map(|v| u64::MAX - v).collect()),
        other => other,
    }
}

/// The colour of each index; `map` holds all reds, then greens, then blues.
fn palette(map: &[u16]) -> Vec<[u8; 3]> {
    let n = map.len() / 3;
    // Some writers filled only the low eight bits of the sixteen.
    let narrow = map.iter().all(|&v| v < 256);
    let byte = |v: u16| if narrow { v as u8 } else { (v >> 8) as u8 };
    (0..n).map(|i| [byte(map[i]), byte(map[n + i]), byte(map[2 * n + i])]).collect()
}

/// Indices to colours; grey where every colour that occurs is grey.
fn colours(path: &Path, indices: Raw, palette: &[[u8; 3]]) -> Result<Raw, OpenError> {
    let look_up = |i: usize| palette.get(i).copied();
    let pixels: Option<Vec<[u8; 3]>> = match indices {
        Raw::U8(v) => v.into_iter().map(|i| look_up(i.into())).collect(),
        Raw::U16(v) => v.into_iter().map(|i| look_up(i.into())).collect(),
        _ => None,
    };
    let pixels =
        pixels.ok_or_else(|| OpenError::corrupt(path, "a pixel has a colour that its palette lacks"))?;
    if pixels.iter().all(|[r, g, b]| r == g && g == b) {
        return Ok(Raw::U8(pixels.into_iter().map(|[r, _, _]| r).collect()));
    }
    Ok(Raw::Rgb8(pixels))
}
