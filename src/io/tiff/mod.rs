//! TIFF: one picture, or pages of equal size as a volume.

use super::{
    Format, OpenError, OpenOptions, Opened, Progress, SeriesInfo,
    picture::{Picture, WARN_16_BIT_COLOUR, WARN_ALPHA, check_size, to_8_bits, without_alpha},
    samples::{self, Raw},
    source,
};
use crate::{
    geom::Grid,
    volume::{Modality, Volume},
};
use std::{io::Cursor, path::Path};
use tiff::{
    ColorType, TiffError,
    decoder::{ChunkType, Decoder, DecodingResult, Limits},
    tags::Tag,
};

mod directory;

pub static FORMAT: Format = Format {
    id: "tiff",
    title: "TIFF (several pages are a volume)",
    extensions: &["tif", "tiff"],
    sniff: |_, head| [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| head.starts_with(*magic)),
    open,
};

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let bytes = source::read_all(path, progress)?;
    let content_hash = source::hash(&bytes);
    let (bytes, has_palette) = directory::prepare(path, bytes)?;
    let mut pages = Pages::new(path, &bytes, has_palette)?;
    let series = pages.choose(options.series.as_deref())?;
    let depth = pages.indices.len();
    let middle = depth / 2;
    // The middle page first; it is kept, so that no page is decoded twice.
    let mut kept = None;
    if depth > 1 {
        let picture = pages.decode(middle)?;
        if let Some(slice) = preview(&picture, middle, depth) {
            progress.preview(slice, middle, depth);
        }
        kept = Some(picture);
    }
    let mut volume: Option<Picture> = None;
    for page in 0..depth {
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        let picture = match kept.take_if(|_| page == middle) {
            Some(picture) => picture,
            None => pages.decode(page)?,
        };
        match &mut volume {
            None => {
                let mut first = picture;
                first.pixels.reserve(path, first.pixels.len() as u128 * (depth - 1) as u128)?;
                volume = Some(first);
            }
            Some(all) => append(path, all, picture, page)?,
        }
        progress.report(page as u64 + 1, depth as u64);
    }
    let Some(all) = volume else {
        return Err(OpenError::NoImage { path: path.to_owned(), what: "it has no pages".into() });
    };
    let mut warnings = pages.warnings;
    warnings.extend(all.warnings);
    let file_type = all.pixels.name();
    let (native, inexact) = all.pixels.narrow(path)?;
    warnings.extend(inexact);
    let grid = Grid::pixels([all.width, all.height, depth]).map_err(|e| OpenError::grid(path, e))?;
    let volume = samples::build(path, grid, native, [1.0, 0.0], Modality::Other)?;
    Ok(Opened {
        volume,
        source: path.to_owned(),
        warnings,
        series,
        content_hash,
        by_look: false,
        facts: serde_json::json!({ "format": "tiff", "pages": depth, "file_type": file_type }),
    })
}

fn append(path: &Path, all: &mut Picture, page: Picture, index: usize) -> Result<(), OpenError> {
    all.pixels.append(page.pixels).map_err(|[first, this]| OpenError::Mixed {
        path: path.to_owned(),
        what: format!("page {} has {this} pixels, the first has {first}", index + 1),
    })?;
    for warning in page.warnings {
        if !all.warnings.contains(&warning) {
            all.warnings.push(warning);
        }
    }
    Ok(())
}

fn preview(picture: &Picture, z: usize, depth: usize) -> Option<Volume> {
    let grid = Grid::pixels([picture.width, picture.height, depth]).ok()?;
    samples::slice(&grid, z, picture.pixels.clone(), [1.0, 0.0], Modality::Other)
}

/// The only page of a TIFF that is one slice of a folder.
pub fn decode_single(path: &Path, bytes: Vec<u8>) -> Result<Picture, OpenError> {
    let (bytes, has_palette) = directory::prepare(path, bytes)?;
    let mut pages = Pages::new(path, &bytes, has_palette)?;
    match pages.indices.len() {
        1 => pages.decode(0),
        n => Err(OpenError::Mixed {
            path: path.to_owned(),
            what: format!("it has {n} pages; open it by itself"),
        }),
    }
}

struct Pages<'a> {
    path: &'a Path,
    decoder: Decoder<Cursor<&'a [u8]>>,
    file_bytes: usize,
    /// Some pages' values are indices into their palette.
    has_palette: bool,
    /// The pages that are pictures; small copies of others are left out, and after [`Pages::choose`] other sizes.
    indices: Vec<usize>,
    /// Width and height of each of them.
    sizes: Vec<(u32, u32)>,
    warnings: Vec<String>,
}

impl<'a> Pages<'a> {
    fn new(path: &'a Path, bytes: &'a [u8], has_palette: bool) -> Result<Self, OpenError> {
        // What a page asks for is checked against the file; the crate's own limit is a fixed 256 MiB.
        let mut limits = Limits::unlimited();
        limits.ifd_value_size = bytes.len();
        let decoder = Decoder::new(Cursor::new(bytes)).map_err(|e| explain(path, e))?;
        let mut decoder = decoder.with_limits(limits);
        let (mut indices, mut sizes, mut reduced, mut warnings) = (Vec::new(), Vec::new(), 0, Vec::new());
        for index in 0.. {
            // TIFF 6.0, NewSubfileType: bit 0 marks a copy of another page at reduced size.
            let subfile =
                decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType).map_err(|e| explain(path, e))?;
            if subfile.unwrap_or(0) & 1 == 0 {
                indices.push(index);
                sizes.push(decoder.dimensions().map_err(|e| explain(path, e))?);
            } else {
                reduced += 1;
            }
            if !decoder.more_images() {
                break;
            }
            decoder.next_image().map_err(|e| explain(path, e))?;
        }
        if indices.is_empty() {
            let what = "all its pages are small copies of pages that it does not have".to_owned();
            return Err(OpenError::NoImage { path: path.to_owned(), what });
        }
        if reduced > 0 {
            warnings.push(format!("{reduced} small copies of pages were left out"));
        }
        Ok(Self { path, decoder, file_bytes: bytes.len(), has_palette, indices, sizes, warnings })
    }

    /// Keeps the pages of one size: the one asked for (`10x20`), else that of most pages. All sizes, where there are
    /// several.
    fn choose(&mut self, asked: Option<&str>) -> Result<Vec<SeriesInfo>, OpenError> {
        let id = |(w, h): (u32, u32)| format!("{w}x{h}");
        let mut groups: Vec<((u32, u32), usize)> = Vec::new();
        for &size in &self.sizes {
            match groups.iter_mut().find(|(s, _)| *s == size) {
                Some((_, pages)) => *pages += 1,
                None => groups.push((size, 1)),
            }
        }
        let found = match asked {
            Some(asked) => groups.iter().find(|(size, _)| id(*size) == asked),
            // The first of the largest.
            None => groups.iter().rev().max_by_key(|(_, pages)| *pages),
        };
        let Some(&(shown, _)) = found else {
            return Err(OpenError::NoSuchSeries {
                path: self.path.to_owned(),
                asked: asked.unwrap_or_default().to_owned(),
                available: groups.iter().map(|(size, _)| id(*size)).collect::<Vec<_>>().join(", "),
            });
        };
        if groups.len() == 1 {
            return Ok(Vec::new());
        }
        let others = self.sizes.iter().filter(|s| **s != shown).count();
        self.warnings.push(format!("{others} pages have another size than {} and are not shown", id(shown)));
        let keep: Vec<bool> = self.sizes.iter().map(|s| *s == shown).collect();
        let mut kept = keep.iter();
        self.indices.retain(|_| kept.next().copied().unwrap_or(false));
        self.sizes.retain(|s| *s == shown);
        let info = |&(size, pages): &((u32, u32), usize)| SeriesInfo {
            id: id(size),
            title: format!("{} ({pages} pages)", id(size)),
            dims: [size.0 as usize, size.1 as usize, pages],
            shown: size == shown,
        };
        Ok(groups.iter().map(info).collect())
    }

    fn decode(&mut self, page: usize) -> Result<Picture, OpenError> {
        let path = self.path;
        let explain = |e| explain(path, e);
        self.decoder.seek_to_image(self.indices[page]).map_err(explain)?;
        let (width, height) = self.decoder.dimensions().map_err(explain)?;
        let color = self.decoder.colortype().map_err(explain)?;
        let bits = usize::from(color.bit_depth()) * usize::from(color.num_samples());
        check_size(path, &[width as usize, height as usize], bits, self.file_bytes)?;
        let separate =
            self.decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).map_err(explain)? == Some(2);
        if separate && self.decoder.get_chunk_type() == ChunkType::Tile && color.num_samples() > 1 {
            // The decoder fails on these by an assertion.
            return Err(OpenError::unsupported(
                path,
                "TIFF with separate colour planes in tiles",
                "Save it untiled",
            ));
        }
        let mut samples = DecodingResult::U8(Vec::new());
        let layout = self.decoder.read_image_to_buffer(&mut samples).map_err(explain)?;
        if samples.as_buffer(0).byte_len() < layout.complete_len {
            return Err(OpenError::corrupt(path, "its pixels are fewer than its header says"));
        }
        let mut warnings = Vec::new();
        let size = [width as usize, height as usize];
        let packed = Packed {
            row_bytes: layout.row_stride.map_or(0, std::num::NonZero::get),
            planes: layout.planes,
            size,
        };
        let mut pixels = packed.convert(path, color, samples, &mut warnings)?;
        if self.has_palette
            && let Some(map) = self.decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap).map_err(explain)?
        {
            pixels = directory::colours(path, pixels, &map)?;
        }
        if pixels.len() != size[0] * size[1] {
            return Err(OpenError::corrupt(path, "its pixels are fewer than its header says"));
        }
        Ok(Picture { width: size[0], height: size[1], pixels, warnings })
    }
}

/// How the decoder left the samples.
struct Packed {
    row_bytes: usize,
    planes: usize,
    size: [usize; 2],
}

impl Packed {
    fn convert(
        &self,
        path: &Path,
        color: ColorType,
        mut samples: DecodingResult,
        warnings: &mut Vec<String>,
    ) -> Result<Raw, OpenError> {
        if let ColorType::Gray(bits @ (1..=7 | 9..=15)) = color {
            return Ok(self.unpack(samples.as_buffer(0).as_bytes(), bits));
        }
        let channels = usize::from(color.num_samples());
        if self.planes > 1 {
            samples = match samples {
                DecodingResult::U8(v) => DecodingResult::U8(interleave(&v, channels)),
                DecodingResult::U16(v) => DecodingResult::U16(interleave(&v, channels)),
                _ => return Err(unsupported(path, color)),
            };
        }
        let mut alpha = |transparent: bool| {
            if transparent {
                warnings.push(WARN_ALPHA.to_owned());
            }
        };
        Ok(match (color, samples) {
            (ColorType::Gray(_), samples) => grey(samples),
            (
                ColorType::GrayA(8) | ColorType::Multiband { bit_depth: 8, num_samples: 2 },
                DecodingResult::U8(v),
            ) => {
                let (grey, transparent) = without_alpha(&v, 1, u8::MAX);
                alpha(transparent);
                Raw::U8(grey)
            }
            (ColorType::RGB(8), DecodingResult::U8(v)) => Raw::Rgb8(v.as_chunks::<3>().0.to_vec()),
            (ColorType::RGBA(8), DecodingResult::U8(v)) => {
                let (colour, transparent) = without_alpha(&v, 3, u8::MAX);
                alpha(transparent);
                Raw::Rgb8(colour.as_chunks::<3>().0.to_vec())
            }
            (ColorType::RGB(16) | ColorType::RGBA(16), DecodingResult::U16(v)) => {
                warnings.push(WARN_16_BIT_COLOUR.to_owned());
                Raw::Rgb8(to_8_bits(&v, channels))
            }
            _ => return Err(unsupported(path, color)),
        })
    }

    /// Samples of 1 to 15 bits, packed from the high bit, each row beginning at a byte.
    fn unpack(&self, bytes: &[u8], bits: u8) -> Raw {
        let [width, height] = self.size;
        let bits = usize::from(bits);
        let sample = |row: &[u8], x: usize| -> u16 {
            (x * bits..(x + 1) * bits).fold(0, |value, bit| {
                let byte = row.get(bit / 8).copied().unwrap_or(0);
                value << 1 | u16::from(byte >> (7 - bit % 8) & 1)
            })
        };
        let rows = bytes.chunks(self.row_bytes.max(1)).take(height);
        let values = rows.flat_map(|row| (0..width).map(move |x| sample(row, x)));
        if bits < 8 { Raw::U8(values.map(|v| v as u8).collect()) } else { Raw::U16(values.collect()) }
    }
}

fn grey(samples: DecodingResult) -> Raw {
    match samples {
        DecodingResult::U8(v) => Raw::U8(v),
        DecodingResult::U16(v) => Raw::U16(v),
        DecodingResult::U32(v) => Raw::U32(v),
        DecodingResult::U64(v) => Raw::U64(v),
        DecodingResult::I8(v) => Raw::I8(v),
        DecodingResult::I16(v) => Raw::I16(v),
        DecodingResult::I32(v) => Raw::I32(v),
        DecodingResult::I64(v) => Raw::I64(v),
        DecodingResult::F16(v) => Raw::F32(v.into_iter().map(|x| x.to_f32()).collect()),
        DecodingResult::F32(v) => Raw::F32(v),
        DecodingResult::F64(v) => Raw::F64(v),
    }
}

/// Planes one after another to pixels.
fn interleave<T: Copy>(planes: &[T], channels: usize) -> Vec<T> {
    let n = planes.len() / channels;
    (0..n).flat_map(|i| (0..channels).map(move |c| planes[c * n + i])).collect()
}

fn unsupported(path: &Path, color: ColorType) -> OpenError {
    OpenError::unsupported(path, format!("TIFF with {color:?} pixels"), "Save it as grey or 8-bit RGB")
}

fn explain(path: &Path, error: TiffError) -> OpenError {
    match error {
        TiffError::UnsupportedError(what) => OpenError::unsupported(
            path,
            format!("This kind of TIFF ({what})"),
            "Save it uncompressed, as grey or RGB",
        ),
        TiffError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => OpenError::corrupt(
            path,
            "it is cut off: its header points behind its end. Copy it again from its source",
        ),
        other => OpenError::corrupt(path, other),
    }
}
