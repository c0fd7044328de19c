//! PNG, JPEG, BMP and GIF through `image`.

use super::{
    Format, OpenError, OpenOptions, Opened, Progress,
    picture::{Picture, WARN_16_BIT_COLOUR, WARN_ALPHA, check_size, to_8_bits, without_alpha},
    samples::{self, Raw},
    source,
};
use crate::{geom::Grid, volume::Modality};
use image::{
    AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader, codecs::gif::GifDecoder,
    metadata::Orientation,
};
use std::{io::Cursor, path::Path};

pub static FORMAT: Format = Format {
    id: "raster",
    title: "PNG, JPEG, BMP, GIF",
    extensions: &["png", "jpg", "jpeg", "bmp", "gif"],
    sniff: |_, head| kind(head).is_some(),
    open,
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

fn open(path: &Path, _: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let bytes = source::read_all(path, progress)?;
    let picture = decode(path, &bytes)?;
    let grid = Grid::pixels([picture.width, picture.height, 1]).map_err(|e| OpenError::grid(path, e))?;
    let file_type = picture.pixels.name();
    let (native, inexact) = picture.pixels.narrow(path)?;
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
        by_look: false,
        facts: serde_json::json!({ "format": format, "file_type": file_type }),
    })
}

/// Decodes a file's bytes; also of one slice of a folder.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Picture, OpenError> {
    let Some(format) = kind(bytes) else {
        return Err(OpenError::corrupt(path, "it does not begin like a PNG, JPEG, BMP or GIF"));
    };
    let corrupt = |e: image::ImageError| OpenError::corrupt(path, e);
    if format == ImageFormat::Jpeg {
        check_jpeg_end(path, bytes)?;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.no_limits();
    let mut decoder = reader.into_decoder().map_err(corrupt)?;
    let (width, height) = decoder.dimensions();
    let bits = usize::from(decoder.color_type().bits_per_pixel());
    check_size(path, &[width as usize, height as usize], bits, bytes.len())?;
    let mut warnings = Vec::new();
    if decoder.orientation().is_ok_and(|o| o != Orientation::NoTransforms) {
        warnings.push(
            "The camera noted that the picture is turned; it is shown as stored, so that masks fit".into(),
        );
    }
    let image = DynamicImage::from_decoder(decoder).map_err(corrupt)?;
    if format == ImageFormat::Gif && is_animated(bytes) {
        warnings.push("The GIF is animated; its first picture is shown".into());
    }
    let pixels = pixels(path, image, &mut warnings)?;
    Ok(Picture { width: width as usize, height: height as usize, pixels, warnings })
}

fn pixels(path: &Path, image: DynamicImage, warnings: &mut Vec<String>) -> Result<Raw, OpenError> {
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
        DynamicImage::ImageRgb16(i) => {
            warnings.push(WARN_16_BIT_COLOUR.to_owned());
            Raw::Rgb8(to_8_bits(&i.into_raw(), 3))
        }
        DynamicImage::ImageRgba16(i) => {
            let samples = i.into_raw();
            alpha(samples.chunks_exact(4).any(|p| p[3] != u16::MAX));
            warnings.push(WARN_16_BIT_COLOUR.to_owned());
            Raw::Rgb8(to_8_bits(&samples, 4))
        }
        other => {
            let what = format!("A picture of type {:?}", other.color());
            return Err(OpenError::unsupported(path, what, "Save it as 8- or 16-bit grey or 8-bit colour"));
        }
    })
}

fn is_animated(bytes: &[u8]) -> bool {
    GifDecoder::new(Cursor::new(bytes)).is_ok_and(|d| d.into_frames().nth(1).is_some())
}

/// A JPEG that was cut off decodes to grey where its data ends, without an error. Its end marker tells: entropy-coded
/// data never holds one (ITU-T T.81, B.1.1.5).
fn check_jpeg_end(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
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
