//! What one page of a TIFF says of its pixels.

use super::directory::{Directory, File};
use crate::io::{OpenError, picture::check_size};
use std::path::Path;

pub mod tag {
    pub const SUBFILE: u16 = 254;
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const DESCRIPTION: u16 = 270;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const ORIENTATION: u16 = 274;
    pub const SAMPLES: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTES: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const Y_RESOLUTION: u16 = 283;
    pub const PLANAR: u16 = 284;
    pub const FAX_OPTIONS: u16 = 292;
    pub const PREDICTOR: u16 = 317;
    pub const COLOR_MAP: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_HEIGHT: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTES: u16 = 325;
    pub const INK_SET: u16 = 332;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const JPEG_TABLES: u16 = 347;
    pub const YCBCR_COEFFICIENTS: u16 = 529;
    pub const YCBCR_SUBSAMPLING: u16 = 530;
    pub const REFERENCE_BLACK_WHITE: u16 = 532;
    /// MetaMorph's list of planes: one directory for a whole stack.
    pub const METAMORPH_PLANES: u16 = 33629;
    pub const DEPTH: u16 = 32997;
}

/// PhotometricInterpretation: what the samples mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Meaning {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    Palette,
    Cmyk,
    YCbCr,
}

/// SampleFormat: how a sample is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Whole,
    Signed,
    Real,
}

/// What a sample beside the colours is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extra {
    /// Nothing that the file names: a channel of its own.
    Unnamed,
    /// How opaque the pixel is, its colours already weakened by it.
    Premultiplied,
    /// How opaque the pixel is.
    Alpha,
}

#[derive(Debug)]
pub struct Page<'a> {
    pub width: usize,
    pub height: usize,
    pub bits: usize,
    pub samples: usize,
    pub kind: Kind,
    pub meaning: Meaning,
    pub extra: Vec<Extra>,
    pub compression: u16,
    pub predictor: u16,
    /// One plane of samples after the other, not pixel by pixel.
    pub planar: bool,
    pub low_bit_first: bool,
    pub fax_options: u64,
    pub orientation: u16,
    /// Width and height of a strip or tile.
    pub chunk: [usize; 2],
    pub tiled: bool,
    /// Offset and bytes of each.
    pub chunks: Vec<[u64; 2]>,
    /// All reds, then all greens, then all blues.
    pub color_map: Vec<u16>,
    pub jpeg_tables: Option<&'a [u8]>,
    /// Of each chroma sample, the luma samples across and down.
    pub subsampling: [usize; 2],
    /// Red, green and blue in the luma.
    pub luma: [f64; 3],
    /// Black and white of luma, zero and most of both chromas.
    pub reference: [f64; 6],
    /// It does not say what its samples mean.
    pub unsaid_meaning: bool,
}

/// The largest side: what the four bytes of a field hold.
fn side(path: &Path, file: &File, directory: &Directory, tag: u16) -> Result<usize, OpenError> {
    match file.first(directory, tag) {
        Some(n) if n > 0 && n <= u32::MAX.into() => Ok(n as usize),
        Some(0) => Err(OpenError::corrupt(path, "its header says that it has no pixels")),
        Some(n) => Err(OpenError::corrupt(path, format!("a page has a side of {n} pixels"))),
        None => Err(OpenError::corrupt(path, format!("a page lacks the field {tag} (its size)"))),
    }
}

/// Width and height as stored.
pub fn size(path: &Path, file: &File, directory: &Directory) -> Result<[usize; 2], OpenError> {
    Ok([side(path, file, directory, tag::WIDTH)?, side(path, file, directory, tag::HEIGHT)?])
}

impl<'a> Page<'a> {
    pub fn new(path: &Path, file: &File<'a>, directory: &Directory) -> Result<Self, OpenError> {
        let number = |tag, otherwise: u64| file.first(directory, tag).unwrap_or(otherwise);
        let unsupported = |what: String, hint: &str| Err(OpenError::unsupported(path, what, hint));
        let [width, height] = size(path, file, directory)?;
        let samples = number(tag::SAMPLES, 1);
        let samples_in_range = (1..=u16::MAX.into()).contains(&samples);
        let bits = file.all(directory, tag::BITS);
        let bits_each = bits.first().copied().unwrap_or(1);
        if bits.iter().any(|&b| b != bits_each) {
            return unsupported(
                format!("A TIFF whose samples have different numbers of bits ({bits:?})"),
                "Save it with the same number of bits for all",
            );
        }
        if !samples_in_range || !(1..=64).contains(&bits_each) {
            let what = format!("a page has {samples} samples of {bits_each} bits for each pixel");
            return Err(OpenError::corrupt(path, what));
        }
        if number(tag::DEPTH, 1) > 1 {
            return unsupported(
                "A TIFF with tiles of three dimensions".into(),
                "Save it with one page a slice",
            );
        }
        let kinds = file.all(directory, tag::SAMPLE_FORMAT);
        let kind = match kinds.first() {
            _ if kinds.iter().any(|k| Some(k) != kinds.first()) => {
                return unsupported(
                    format!("A TIFF whose samples are of different types ({kinds:?})"),
                    "Save it with one type for all",
                );
            }
            None | Some(1 | 4) => Kind::Whole,
            Some(2) => Kind::Signed,
            Some(3) => Kind::Real,
            Some(5 | 6) => return unsupported("A TIFF of complex numbers".into(), "Save their magnitude"),
            Some(other) => {
                return Err(OpenError::corrupt(path, format!("its samples are of the unknown type {other}")));
            }
        };
        let (samples, bits) = (samples as usize, bits_each as usize);
        let stated = file.first(directory, tag::PHOTOMETRIC);
        let meaning = match stated.unwrap_or(if samples > 2 { 2 } else { 1 }) {
            0 => Meaning::WhiteIsZero,
            // A mask of transparency that is the only page is a picture of two values.
            1 | 4 => Meaning::BlackIsZero,
            2 => Meaning::Rgb,
            3 => Meaning::Palette,
            5 if number(tag::INK_SET, 1) == 1 => Meaning::Cmyk,
            6 => Meaning::YCbCr,
            other => {
                return unsupported(
                    format!("A TIFF with {}", photometric_title(other)),
                    "Save it as grey or RGB",
                );
            }
        };
        let colours = match meaning {
            Meaning::WhiteIsZero | Meaning::BlackIsZero | Meaning::Palette => 1,
            Meaning::Rgb | Meaning::YCbCr => 3,
            Meaning::Cmyk => 4,
        };
        let Some(more) = samples.checked_sub(colours) else {
            return Err(OpenError::corrupt(
                path,
                format!("its pixels have {samples} samples, and their colours are made of {colours}"),
            ));
        };
        let mut extra: Vec<Extra> = file
            .all(directory, tag::EXTRA_SAMPLES)
            .iter()
            .map(|code| match code {
                1 => Extra::Premultiplied,
                2 => Extra::Alpha,
                _ => Extra::Unnamed,
            })
            .collect();
        // Where nothing is said, the fourth sample beside a colour is what it nearly always is.
        let unsaid = if extra.is_empty() && colours > 1 { Extra::Alpha } else { Extra::Unnamed };
        extra.resize(more, unsaid);
        let planar = match number(tag::PLANAR, 1) {
            1 => false,
            2 => samples > 1,
            other => {
                return Err(OpenError::corrupt(
                    path,
                    format!("its planes are arranged in the unknown way {other}"),
                ));
            }
        };
        let subsampling = file.all(directory, tag::YCBCR_SUBSAMPLING);
        let subsampling = match (meaning, &subsampling[..]) {
            (Meaning::YCbCr, []) => [2, 2],
            (Meaning::YCbCr, [h @ (1 | 2 | 4), v @ (1 | 2 | 4)]) => [*h as usize, *v as usize],
            (Meaning::YCbCr, _) => {
                return Err(OpenError::corrupt(path, "its chroma is subsampled in an unknown way"));
            }
            _ => [1, 1],
        };
        let reals = |tag| file.real(directory, tag);
        let mut page = Self {
            width,
            height,
            bits,
            samples,
            kind,
            meaning,
            extra,
            compression: number(tag::COMPRESSION, 1) as u16,
            predictor: number(tag::PREDICTOR, 1) as u16,
            planar,
            low_bit_first: number(tag::FILL_ORDER, 1) == 2,
            fax_options: number(tag::FAX_OPTIONS, 0),
            orientation: number(tag::ORIENTATION, 1) as u16,
            chunk: [width, height],
            tiled: false,
            chunks: Vec::new(),
            color_map: file.all(directory, tag::COLOR_MAP).into_iter().map(|v| v as u16).collect(),
            jpeg_tables: file.raw(directory, tag::JPEG_TABLES),
            subsampling,
            luma: reals(tag::YCBCR_COEFFICIENTS).try_into().unwrap_or([0.299, 0.587, 0.114]),
            reference: reals(tag::REFERENCE_BLACK_WHITE)
                .try_into()
                .unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]),
            unsaid_meaning: stated.is_none(),
        };
        page.find_chunks(path, file, directory)?;
        Ok(page)
    }

    /// Where the strips or tiles are, and whether there are as many as the size asks for.
    fn find_chunks(&mut self, path: &Path, file: &File, directory: &Directory) -> Result<(), OpenError> {
        self.tiled = directory.contains_key(&tag::TILE_OFFSETS);
        let [offsets, bytes] = if self.tiled {
            let side = |tag| side(path, file, directory, tag);
            self.chunk = [side(tag::TILE_WIDTH)?, side(tag::TILE_HEIGHT)?];
            [tag::TILE_OFFSETS, tag::TILE_BYTES]
        } else {
            let rows = file.first(directory, tag::ROWS_PER_STRIP).unwrap_or(u64::MAX);
            self.chunk[1] = usize::try_from(rows).unwrap_or(usize::MAX).clamp(1, self.height);
            [tag::STRIP_OFFSETS, tag::STRIP_BYTES]
        };
        // The pixels of a page, and of a tile, which is stored whole.
        for sides in [[self.width, self.height], self.chunk] {
            check_size(path, &sides, self.bits * self.samples, file.bytes.len())?;
        }
        let offsets = file.all(directory, offsets);
        let mut bytes = file.all(directory, bytes);
        // Old writers leave out how long their only strip is.
        if bytes.is_empty() && offsets.len() == 1 && self.compression == 1 {
            bytes.push(self.chunk_bytes() as u64);
        }
        let [across, down] = self.chunks_of_plane();
        let needed = across * down * self.planes();
        if offsets.len() < needed || bytes.len() < needed {
            let there = offsets.len().min(bytes.len());
            let what = format!("its pixels are in {there} pieces, and {needed} are needed for its size");
            return Err(OpenError::corrupt(path, what));
        }
        self.chunks = offsets.into_iter().zip(bytes).take(needed).map(|(at, n)| [at, n]).collect();
        Ok(())
    }

    pub fn planes(&self) -> usize {
        if self.planar { self.samples } else { 1 }
    }

    /// Samples that lie side by side for each pixel.
    pub fn together(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    pub fn chunks_of_plane(&self) -> [usize; 2] {
        [self.width.div_ceil(self.chunk[0]), self.height.div_ceil(self.chunk[1])]
    }

    /// Bytes of a row of so many pixels.
    pub fn row_bytes(&self, width: usize) -> usize {
        (width * self.together() * self.bits).div_ceil(8)
    }

    /// Bytes of a whole strip or tile, unpacked.
    pub fn chunk_bytes(&self) -> usize {
        self.row_bytes(self.chunk[0]) * self.chunk[1]
    }

    /// Each sample is a channel of its own: grey pages of several samples that are not opacity.
    pub fn channels(&self) -> usize {
        let grey = matches!(self.meaning, Meaning::BlackIsZero | Meaning::WhiteIsZero);
        let unnamed = self.extra.iter().filter(|e| **e == Extra::Unnamed).count();
        if grey { 1 + unnamed } else { 1 }
    }
}

fn photometric_title(code: u64) -> String {
    match code {
        5 => "inks other than cyan, magenta, yellow and black".into(),
        8..=10 => "CIE L*a*b* colours".into(),
        32_803 => "a camera's raw pixels (colour filter array)".into(),
        32_844 | 32_845 => "logarithmic luminance (LogLuv)".into(),
        34_892 => "a camera's raw pixels".into(),
        other => format!("pixels of the unknown meaning {other} (its PhotometricInterpretation)"),
    }
}
