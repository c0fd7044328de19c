//! PNG, JPEG, BMP and GIF through `image`.

use super::{
    Format, OpenError, OpenOptions, Opened, Progress, Writer,
    picture::{
        self, Picture, WARN_16_BIT_COLOUR, WARN_ALPHA, Watched, check_size, palette_note, to_8_bits, unpack,
        without_alpha,
    },
    samples::{self, Raw},
    source,
    write::{write_image_png, write_label_png, write_probability_png},
};
use crate::{geom::Grid, volume::Modality};
use image::{
    AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader,
    codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder},
};
use std::{io::Cursor, path::Path};

pub static FORMAT: Format = Format {
    id: "raster",
    title: "PNG, JPEG, BMP, GIF",
    extensions: &["png", "jpg", "jpeg", "bmp", "gif"],
    reads: "colour or grey, turned upright as their EXIF note says",
    sniff: |_, head| kind(head).is_some(),
    open,
    writer: Some(&WRITER),
};

pub static WRITER: Writer = Writer {
    id: "png",
    title: "PNG",
    extensions: &["png"],
    one_slice: true,
    keeps_geometry: false,
    mask: |path, mask| write_label_png(path, mask.map),
    image: Some(|path, volume| write_image_png(path, volume).map(|()| vec![])),
    probability: Some(|path, slices, grid| write_probability_png(path, slices, grid).map(|()| vec![])),
};

fn kind(head: &[u8]) -> Option<ImageFormat> {
    // "BM" alone begins many a text; a bitmap's header size follows.
    let bitmap = head.starts_with(b"BM")
        && matches!(head.get(14..18), Some([12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]));
    match head {
        _ if head.starts_with(b"\x89PNG\r\n\x1a\n") => Some(ImageFormat::Png),
        _ if head.starts_with(&[0xff, 0xd8, 0xff]) => Some(ImageFormat::Jpeg),
        _ if head.starts_with(b"GIF8") => Some(ImageFormat::Gif),
        _ if bitmap => Some(ImageFormat::Bmp),
        _ => None,
    }
}

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    super::only_image(path, options)?;
    let bytes = source::read_all(path, progress)?;
    let picture = decode(path, &bytes, options.as_mask, progress)?;
    let grid = Grid::pixels([picture.width, picture.height, 1]).map_err(|e| OpenError::grid(path, e))?;
    let file_type = picture.pixels.name();
    let (native, inexact) = picture.pixels.narrow(path)?;
    let turned = picture::turned(&[picture.turn]);
    let mut warnings = picture.warnings;
    warnings.extend(inexact);
    let volume = samples::build(path, grid, native, [1.0, 0.0], Modality::Other)?;
    let format = kind(&bytes).map(|f| f.extensions_str()[0]);
    Ok(Opened {
        volume,
        source: path.to_owned(),
        warnings,
        series: Vec::new(),
        content_hash: source::hash(&bytes),
        turned,
        by_look: false,
        facts: serde_json::json!({ "format": format, "file_type": file_type }),
    })
}

/// Decodes a file's bytes, upright; also of one slice of a folder.
pub fn decode(
    path: &Path,
    bytes: &[u8],
    as_mask: bool,
    progress: &dyn Progress,
) -> Result<Picture, OpenError> {
    let decoded = decode_format(path, bytes, as_mask, progress);
    // A decoder gives its own words for a reader that stopped.
    if progress.cancelled() { Err(OpenError::Cancelled) } else { decoded }
}

fn decode_format(
    path: &Path,
    bytes: &[u8],
    as_mask: bool,
    progress: &dyn Progress,
) -> Result<Picture, OpenError> {
    let Some(format) = kind(bytes) else {
        return Err(OpenError::corrupt(path, "it does not begin like a PNG, JPEG, BMP or GIF"));
    };
    let corrupt = |e: image::ImageError| OpenError::corrupt(path, e);
    if format == ImageFormat::Jpeg {
        check_jpeg_end(path, bytes)?;
        check_jpeg_process(path, bytes)?;
    }
    if let Some((size, bits)) = stated_size(bytes, format) {
        check_size(path, &size, bits, bytes.len())?;
    }
    let mut reader = ImageReader::with_format(Watched::new(bytes, progress), format);
    reader.limits(limits(bytes, format));
    let mut decoder = reader.into_decoder().map_err(corrupt)?;
    let (width, height) = decoder.dimensions();
    let bits = usize::from(decoder.color_type().bits_per_pixel());
    check_size(path, &[width as usize, height as usize], bits, bytes.len())?;
    // What a note that cannot be read says is not known; the picture is.
    let orientation = decoder.orientation().map_or(1, |o| o.to_exif().into());
    let mut warnings = Vec::new();
    if is_animated(bytes, format) {
        warnings.push("The picture is animated; its first frame is read".into());
    }
    let size = [width as usize, height as usize];
    let indices = if as_mask { indices(path, bytes, format, size, progress)? } else { None };
    let pixels = match indices {
        Some((indices, palette)) => {
            warnings.extend(palette_note(&indices, |i| palette.get(i).copied()));
            indices
        }
        None => pixels(path, DynamicImage::from_decoder(decoder).map_err(corrupt)?, as_mask, &mut warnings)?,
    };
    Ok(Picture { warnings, ..Picture::of_values(size, pixels) }.upright(orientation))
}

/// What a decoder may take for itself beside the pixels, which [`check_size`] has seen: a colour profile is packed, and one of
/// a few kilobytes can be made to unpack to gigabytes. What is beyond this is passed over; the pixels do not depend on it.
fn limits(bytes: &[u8], format: ImageFormat) -> image::Limits {
    let mut limits = image::Limits::no_limits();
    if format == ImageFormat::Png {
        limits.max_alloc = Some(png_limit(bytes) as u64);
    }
    limits
}

/// The chunks as they are stored, some rows of the picture, and a colour profile of the usual size.
fn png_limit(bytes: &[u8]) -> usize {
    const PROFILE: usize = 16 << 20;
    let row = stated_size(bytes, ImageFormat::Png).map_or(0, |([width, _], bits)| (width * bits).div_ceil(8));
    PROFILE + bytes.len() + 4 * row
}

/// Width, height and bits of a pixel as the header states them, where a decoder refuses a large size without saying how large.
fn stated_size(bytes: &[u8], format: ImageFormat) -> Option<([usize; 2], usize)> {
    let four = |at: usize| bytes.get(at..)?.first_chunk::<4>().copied();
    match format {
        // IHDR follows the signature: width, height, depth, colour type.
        ImageFormat::Png => {
            let side = |at| Some(u32::from_be_bytes(four(at)?) as usize);
            let channels = match bytes.get(25)? {
                2 => 3,
                4 => 2,
                6 => 4,
                _ => 1,
            };
            Some(([side(16)?, side(20)?], usize::from(*bytes.get(24)?) * channels))
        }
        // OS/2's header of 12 bytes has no larger sides than decoders take.
        ImageFormat::Bmp if u32::from_le_bytes(four(14)?) >= 40 => {
            let side = |at| Some(i32::from_le_bytes(four(at)?).unsigned_abs() as usize);
            Some(([side(18)?, side(22)?], usize::from(*bytes.get(28)?)))
        }
        _ => None,
    }
}

/// A picture's indices row by row, and the colour of each index.
type Indexed = (Raw, Vec<[u8; 3]>);

/// `None` of a picture without a palette.
fn indices(
    path: &Path,
    bytes: &[u8],
    format: ImageFormat,
    size: [usize; 2],
    progress: &dyn Progress,
) -> Result<Option<Indexed>, OpenError> {
    let watched = Watched::new(bytes, progress);
    let indices = match format {
        ImageFormat::Png => {
            png_indices(watched, png_limit(bytes), size).map_err(|e| OpenError::corrupt(path, e))?
        }
        ImageFormat::Gif => Some(gif_indices(watched, size).map_err(|e| OpenError::corrupt(path, e))?),
        ImageFormat::Bmp => bmp_indices(bytes, progress).map_err(|e| OpenError::corrupt(path, e))?,
        _ => None,
    };
    let fits = |raw: &Raw| raw.len() == size[0] * size[1];
    if indices.as_ref().is_some_and(|(raw, _)| !fits(raw)) {
        return Err(OpenError::corrupt(path, "its pixels are fewer than its header says"));
    }
    Ok(indices)
}

fn png_indices(
    bytes: Watched,
    limit: usize,
    size: [usize; 2],
) -> Result<Option<Indexed>, png::DecodingError> {
    let mut decoder = png::Decoder::new_with_limits(bytes, png::Limits { bytes: limit });
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info()?;
    if reader.info().color_type != png::ColorType::Indexed {
        return Ok(None);
    }
    let Some(length) = reader.output_buffer_size() else { return Ok(None) };
    let palette = reader.info().palette.as_deref().unwrap_or_default().as_chunks::<3>().0.to_vec();
    let mut rows = vec![0; length];
    let frame = reader.next_frame(&mut rows)?;
    Ok(Some((unpack(&rows, frame.line_size, size, frame.bit_depth as usize), palette)))
}

/// The first frame on the whole canvas; where it does not reach, the background's index.
fn gif_indices(bytes: Watched, [width, height]: [usize; 2]) -> Result<Indexed, gif::DecodingError> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::Indexed);
    options.set_memory_limit(gif::MemoryLimit::Unlimited);
    let mut decoder = options.read_info(bytes)?;
    let ground = decoder.bg_color().and_then(|index| u8::try_from(index).ok()).unwrap_or(0);
    let mut canvas = vec![ground; width * height];
    if let Some(frame) = decoder.read_next_frame()? {
        let [left, top, across] = [frame.left, frame.top, frame.width].map(usize::from);
        let shown = across.min(width.saturating_sub(left));
        let below = canvas.chunks_exact_mut(width.max(1)).skip(top);
        for (row, from) in below.zip(frame.buffer.chunks_exact(across.max(1))) {
            if shown > 0 {
                row[left..left + shown].copy_from_slice(&from[..shown]);
            }
        }
    }
    let palette = decoder.palette().unwrap_or_default().as_chunks::<3>().0.to_vec();
    Ok((Raw::U8(canvas), palette))
}

/// Decoders give a bitmap's colours only: here those of a palette whose shades are their indices.
fn bmp_indices(bytes: &[u8], progress: &dyn Progress) -> image::ImageResult<Option<Indexed>> {
    let decoder = BmpDecoder::new(Watched::new(bytes, progress))?;
    let (Some(palette), Some(shades)) = (decoder.get_palette().map(<[_]>::to_vec), with_shades(bytes)) else {
        return Ok(None);
    };
    let decoder = BmpDecoder::new(Watched::new(&shades, progress))?;
    let indices = DynamicImage::from_decoder(decoder)?.into_rgb8();
    Ok(Some((Raw::U8(indices.pixels().map(|p| p.0[0]).collect()), palette)))
}

/// A bitmap with a palette of all its indices as shades; `None` of one without a palette.
fn with_shades(bytes: &[u8]) -> Option<Vec<u8>> {
    let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?) as usize);
    let (pixels, header) = (number(10)?, number(14)?);
    // OS/2's header of 12 bytes has shorter fields, and no number of colours.
    let short = header == 12;
    let bits = number(if short { 24 } else { 28 })? & 0xffff;
    if bits > 8 {
        return None;
    }
    let mut head = bytes.get(..14 + header)?.to_vec();
    if !short {
        head.get_mut(46..50)?.fill(0);
    }
    let colours = (0..1u16 << bits).flat_map(|i| [i as u8; 4].into_iter().take(if short { 3 } else { 4 }));
    let palette: Vec<u8> = colours.collect();
    let pixels_at = (head.len() + palette.len()) as u32;
    head[10..14].copy_from_slice(&pixels_at.to_le_bytes());
    Some([&head, &palette, bytes.get(pixels..)?].concat())
}

fn pixels(
    path: &Path,
    image: DynamicImage,
    as_mask: bool,
    warnings: &mut Vec<String>,
) -> Result<Raw, OpenError> {
    let mut alpha = |transparent: bool| {
        if transparent {
            warnings.push(WARN_ALPHA.to_owned());
        }
    };
    Ok(match image {
        DynamicImage::ImageLuma8(i) => Raw::U8(i.into_raw()),
        DynamicImage::ImageLuma16(i) => Raw::U16(i.into_raw()),
        DynamicImage::ImageLumaA8(i) => {
            let (grey, transparent) = without_alpha(&i.into_raw(), 1, u8::MAX);
            alpha(transparent);
            Raw::U8(grey)
        }
        DynamicImage::ImageLumaA16(i) => {
            let (grey, transparent) = without_alpha(&i.into_raw(), 1, u16::MAX);
            alpha(transparent);
            Raw::U16(grey)
        }
        DynamicImage::ImageRgb8(i) => Raw::Rgb8(i.into_raw().as_chunks::<3>().0.to_vec()),
        DynamicImage::ImageRgba8(i) => {
            let (colour, transparent) = without_alpha(&i.into_raw(), 3, u8::MAX);
            alpha(transparent);
            Raw::Rgb8(colour.as_chunks::<3>().0.to_vec())
        }
        DynamicImage::ImageRgb16(i) => colour_of_16_bits(&i.into_raw(), as_mask, warnings),
        DynamicImage::ImageRgba16(i) => {
            let (colour, transparent) = without_alpha(&i.into_raw(), 3, u16::MAX);
            alpha(transparent);
            colour_of_16_bits(&colour, as_mask, warnings)
        }
        other => {
            let what = format!("A picture of type {:?}", other.color());
            return Err(OpenError::unsupported(path, what, "Save it as 8- or 16-bit grey or 8-bit colour"));
        }
    })
}

/// A display's 8 bits; of a mask whose three channels agree, their numbers.
fn colour_of_16_bits(samples: &[u16], as_mask: bool, warnings: &mut Vec<String>) -> Raw {
    let (pixels, _) = samples.as_chunks::<3>();
    if as_mask && pixels.iter().all(|[r, g, b]| r == g && g == b) {
        return Raw::U16(pixels.iter().map(|&[r, ..]| r).collect());
    }
    warnings.push(WARN_16_BIT_COLOUR.to_owned());
    Raw::Rgb8(to_8_bits(samples, 3))
}

fn is_animated(bytes: &[u8], format: ImageFormat) -> bool {
    match format {
        ImageFormat::Gif => {
            GifDecoder::new(Cursor::new(bytes)).is_ok_and(|d| d.into_frames().nth(1).is_some())
        }
        ImageFormat::Png => PngDecoder::with_limits(Cursor::new(bytes), limits(bytes, format))
            .is_ok_and(|d| d.is_apng().unwrap_or(false)),
        _ => false,
    }
}

/// A JPEG that was cut off decodes to grey where its data ends, without an error. Its end marker tells: entropy-coded
/// data never holds one (ITU-T T.81, B.1.1.5).
pub fn check_jpeg_end(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let mut at = 2;
    loop {
        let Some([0xff, marker, rest @ ..]) = bytes.get(at..) else {
            return Err(OpenError::corrupt(path, "its header is cut off or broken"));
        };
        match *marker {
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xda => break,
            _ => {
                let Some(&[hi, lo]) = rest.first_chunk::<2>() else {
                    return Err(OpenError::corrupt(path, "its header is cut off"));
                };
                at += 2 + usize::from(u16::from_be_bytes([hi, lo])).max(2);
            }
        }
    }
    if bytes[at..].windows(2).any(|w| w == [0xff, 0xd9]) {
        return Ok(());
    }
    Err(OpenError::corrupt(
        path,
        "it is cut off: the end of its picture data is missing. Copy it again from its source",
    ))
}

/// Refuses by name what is no damage: the frame header says how a JPEG is coded (T.81, B.2.2).
fn check_jpeg_process(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let mut at = 2;
    while let Some(&[0xff, marker, ref rest @ ..]) = bytes.get(at..) {
        let what = match (marker, rest.get(2)) {
            (0xff, _) => {
                at += 1;
                continue;
            }
            (0xc0..=0xc2, Some(8)) => return Ok(()),
            (0xc0..=0xc2, Some(bits)) => format!("A JPEG of {bits} bits"),
            (0xc3, _) => "A lossless JPEG".to_owned(),
            (0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf, _) => {
                format!("A JPEG of the rare process SOF{}", marker & 15)
            }
            (0xda, _) => return Ok(()),
            _ => {
                let Some(&[hi, lo]) = rest.first_chunk::<2>() else { return Ok(()) };
                at += 2 + usize::from(u16::from_be_bytes([hi, lo])).max(2);
                continue;
            }
        };
        return Err(OpenError::unsupported(path, what, "Save it as PNG or TIFF, which keep its values"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
