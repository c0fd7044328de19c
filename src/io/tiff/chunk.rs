//! The strips and tiles of a page: unpacked, in this machine's byte order, and put together to planes.

use super::{
    directory::File,
    page::{Kind, Meaning, Page},
};
use crate::io::{OpenError, Progress, raster::check_jpeg_end, source};
use std::{io::Read, path::Path};

pub const COMPRESSION_NONE: u16 = 1;
pub const COMPRESSION_JPEG: u16 = 7;

mod compression {
    pub const NONE: u16 = super::COMPRESSION_NONE;
    pub const FAX_3: u16 = 3;
    pub const FAX_4: u16 = 4;
    pub const LZW: u16 = 5;
    pub const JPEG: u16 = super::COMPRESSION_JPEG;
    pub const DEFLATE: u16 = 8;
    pub const PACK_BITS: u16 = 32_773;
    pub const OLD_DEFLATE: u16 = 32_946;
    pub const LZMA: u16 = 34_925;
    pub const ZSTD: u16 = 50_000;
}
use compression::*;

/// Memory that an LZMA or Zstandard stream may ask for its window: what `xz -9` and `zstd --ultra` ask for.
const WINDOW_KIB: u32 = 128 << 10;

/// Reads a page's samples: for each plane (one where samples lie pixel by pixel) rows from the top, each beginning at a
/// byte; samples of whole bytes are little-endian. `skip` bytes are between the page's own pixels and these.
pub fn planes(
    path: &Path,
    file: &File,
    page: &Page,
    skip: u64,
    progress: &dyn Progress,
) -> Result<Vec<Vec<u8>>, OpenError> {
    let stride = page.row_bytes(page.width);
    let [across, down] = page.chunks_of_plane();
    let bits_to_the_right = page.chunk[0] * page.together() * page.bits;
    if across > 1 && !bits_to_the_right.is_multiple_of(8) {
        return Err(OpenError::unsupported(
            path,
            format!("A TIFF with tiles of {} pixels of {} bits", page.chunk[0], page.bits),
            "Save it untiled",
        ));
    }
    let mut planes = Vec::with_capacity(page.planes());
    for plane in 0..page.planes() {
        let mut rows = source::zeroed(path, (stride * page.height) as u128)?;
        for i in 0..across * down {
            if progress.cancelled() {
                return Err(OpenError::Cancelled);
            }
            let (left, top) = (i % across * page.chunk[0], i / across * page.chunk[1]);
            let height = page.chunk[1].min(page.height - top);
            // The last strip ends with the page; tiles are whole.
            let stored = if page.tiled { page.chunk[1] } else { height };
            let chunk = unpacked(path, file, page, plane * across * down + i, stored, skip)?;
            let from = page.row_bytes(page.chunk[0]);
            let taken = page.row_bytes(page.chunk[0].min(page.width - left));
            let start = left * page.together() * page.bits / 8;
            let target = rows.chunks_exact_mut(stride).skip(top).take(height);
            for (row, chunk_row) in target.zip(chunk.chunks_exact(from)) {
                row[start..start + taken].copy_from_slice(&chunk_row[..taken]);
            }
        }
        planes.push(rows);
    }
    Ok(planes)
}

/// One strip or tile of `height` rows.
fn unpacked(
    path: &Path,
    file: &File,
    page: &Page,
    index: usize,
    height: usize,
    skip: u64,
) -> Result<Vec<u8>, OpenError> {
    let width = page.chunk[0];
    let [h, v] = page.subsampling;
    // JPEG gives whole pixels; elsewhere a block has its luma and one of both chromas.
    let blocks = page.meaning == Meaning::YCbCr && [h, v] != [1, 1] && page.compression != JPEG;
    if blocks && (page.bits != 8 || page.planar || page.samples != 3) {
        return Err(OpenError::unsupported(path, "This kind of subsampled YCbCr TIFF", "Save it as RGB"));
    }
    let expected = if blocks {
        width.div_ceil(h) * height.div_ceil(v) * (h * v + 2)
    } else {
        page.row_bytes(width) * height
    };
    let [at, bytes] = page.chunks[index];
    let start = usize::try_from(at.saturating_add(skip)).unwrap_or(usize::MAX);
    let rest = file.bytes.get(start..).unwrap_or_default();
    let stored = usize::try_from(bytes).unwrap_or(usize::MAX);
    // What follows an uncompressed strip may be counted with it; not at all, or in too few bits above 4 GiB.
    let by_size =
        stored >= expected || page.chunks.len() == 1 && (bytes == 0 || expected > u32::MAX as usize);
    let length = if page.compression == NONE && by_size { expected } else { stored };
    let Some(data) = rest.get(..length) else {
        let (expected, found) = (length as u64, rest.len() as u64);
        return Err(OpenError::Truncated { path: path.to_owned(), expected, found });
    };
    let turned: Vec<u8>;
    let data = match page.low_bit_first && page.compression != JPEG {
        true => {
            turned = data.iter().map(|b| b.reverse_bits()).collect();
            &turned
        }
        false => data,
    };
    let mut out = decompress(path, page, data, [width, height], expected)?;
    if out.len() < expected {
        let what = format!("its pixels are fewer than its header says ({} of {expected} bytes)", out.len());
        return Err(OpenError::corrupt(path, what));
    }
    out.truncate(expected);
    if page.compression == JPEG {
        return Ok(out);
    }
    let predicted = matches!(page.compression, LZW | DEFLATE | OLD_DEFLATE | ZSTD | LZMA);
    let row_bytes = page.row_bytes(width).max(1);
    if predicted && page.predictor == 3 && page.kind == Kind::Real && page.bits.is_multiple_of(8) {
        for row in out.chunks_exact_mut(row_bytes) {
            undo_real_prediction(row, page.together(), page.bits / 8);
        }
        return Ok(out);
    }
    if file.big_endian && page.bits.is_multiple_of(8) && page.bits > 8 {
        out.chunks_exact_mut(page.bits / 8).for_each(<[u8]>::reverse);
    }
    if predicted && page.predictor != 1 {
        if page.predictor != 2 || ![8, 16, 32, 64].contains(&page.bits) || blocks {
            let what = format!("A TIFF with predictor {} of {}-bit samples", page.predictor, page.bits);
            return Err(OpenError::unsupported(path, what, "Save it uncompressed"));
        }
        out.chunks_exact_mut(row_bytes).for_each(|row| undo_differences(row, page.together(), page.bits / 8));
    }
    Ok(if blocks { pixels_of_blocks(&out, [width, height], [h, v]) } else { out })
}

/// At most `expected` bytes, or what is there.
fn decompress(
    path: &Path,
    page: &Page,
    data: &[u8],
    size: [usize; 2],
    expected: usize,
) -> Result<Vec<u8>, OpenError> {
    let stream = |mut reader: Box<dyn Read + '_>| {
        let mut out = source::reserve(path, expected as u128)?;
        let read = reader.by_ref().take(expected as u64).read_to_end(&mut out);
        read.map_err(|e| OpenError::corrupt(path, format!("its compressed pixels cannot be read: {e}")))?;
        Ok(out)
    };
    match page.compression {
        NONE => Ok(data.to_vec()),
        LZW => lzw(path, data, expected),
        DEFLATE | OLD_DEFLATE => stream(Box::new(flate2::read::ZlibDecoder::new(data))),
        PACK_BITS => Ok(pack_bits(data, expected)),
        JPEG => jpeg(path, page, data, size),
        FAX_3 | FAX_4 => fax(path, page, data, size),
        LZMA => stream(Box::new(lzma_rust2::XzReader::new_mem_limit(data, false, WINDOW_KIB))),
        ZSTD => {
            let window = u64::from(WINDOW_KIB) << 10;
            let decoder = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(data, window)
                .map_err(|e| {
                    OpenError::corrupt(path, format!("its compressed pixels cannot be read: {e}"))
                })?;
            stream(Box::new(decoder))
        }
        other => Err(OpenError::unsupported(
            path,
            format!("A TIFF with {} compression", title(other)),
            "Save it uncompressed, or with LZW, Deflate or Zstandard",
        )),
    }
}

fn title(code: u16) -> String {
    let known = match code {
        2 => "CCITT run-length",
        6 => "old-style JPEG",
        32_771 | 32_809 => "ThunderScan or word-aligned",
        33_003 | 33_005 | 34_712 => "JPEG 2000",
        34_661 => "JBIG",
        34_676 | 34_677 => "SGI log",
        34_887 => "LERC",
        34_927 | 50_001 => "WebP",
        50_002 | 52_546 => "JPEG XL",
        _ => return format!("the unknown ({code})"),
    };
    known.to_owned()
}

fn lzw(path: &Path, data: &[u8], expected: usize) -> Result<Vec<u8>, OpenError> {
    // Before 1988 the codes were written from the low bit.
    if matches!(data, [0, second, ..] if second & 1 == 1) {
        return Err(OpenError::unsupported(
            path,
            "A TIFF with old-style LZW compression",
            "Save it uncompressed",
        ));
    }
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let mut out = source::zeroed(path, expected as u128)?;
    let (mut read, mut written) = (0, 0);
    while written < expected {
        let step = decoder.decode_bytes(&data[read..], &mut out[written..]);
        read += step.consumed_in;
        written += step.consumed_out;
        match step.status {
            Ok(weezl::LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(e) => {
                return Err(OpenError::corrupt(path, format!("its compressed pixels cannot be read: {e}")));
            }
        }
    }
    out.truncate(written);
    Ok(out)
}

/// TIFF 6.0, section 9.
fn pack_bits(mut data: &[u8], expected: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while let [n, rest @ ..] = data {
        if out.len() >= expected {
            break;
        }
        let length = usize::from(*n);
        data = match length {
            0..=127 => {
                let (run, rest) = rest.split_at(rest.len().min(length + 1));
                out.extend_from_slice(run);
                rest
            }
            128 => rest,
            _ => {
                let Some((&value, rest)) = rest.split_first() else { break };
                out.resize(out.len() + 257 - length, value);
                rest
            }
        };
    }
    out
}

/// Whole pixels, 8 bits a sample: RGB of a YCbCr page, else the samples as they are.
fn jpeg(path: &Path, page: &Page, data: &[u8], [width, height]: [usize; 2]) -> Result<Vec<u8>, OpenError> {
    use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};
    let joined: Vec<u8>;
    // The tables stand once in the directory: a JPEG without pixels, before one without tables.
    let data = match page.jpeg_tables {
        Some([tables @ .., 0xff, 0xd9]) if data.len() > 2 => {
            joined = [tables, &data[2..]].concat();
            &joined
        }
        _ => data,
    };
    check_jpeg_end(path, data)?;
    let corrupt =
        |e: zune_jpeg::errors::DecodeErrors| OpenError::corrupt(path, format!("its JPEG pixels: {e}"));
    let options = DecoderOptions::default().set_max_width(width).set_max_height(height);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(data), options);
    decoder.decode_headers().map_err(corrupt)?;
    let to_rgb = page.meaning == Meaning::YCbCr && !page.planar;
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::Luma);
    let wanted = if to_rgb { ColorSpace::RGB } else { stored };
    let fits = decoder.dimensions() == Some((width, height)) && wanted.num_components() == page.together();
    if !fits || page.bits != 8 || (page.planar && page.meaning == Meaning::YCbCr) {
        return Err(OpenError::corrupt(path, "its JPEG pixels are not of the size that its header says"));
    }
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    decoder.decode().map_err(corrupt)
}

/// One bit a pixel, 1 is black.
fn fax(path: &Path, page: &Page, data: &[u8], [width, height]: [usize; 2]) -> Result<Vec<u8>, OpenError> {
    const TWO_DIMENSIONAL: u64 = 1;
    let narrow = |n: usize| u16::try_from(n).ok();
    let (Some(across), Some(down), 1, 1) = (narrow(width), narrow(height), page.bits, page.samples) else {
        return Err(OpenError::unsupported(path, "This kind of CCITT fax TIFF", "Save it uncompressed"));
    };
    let row_bytes = page.row_bytes(width);
    let mut out = Vec::new();
    let mut line = |changes: &[u16]| {
        let start = out.len();
        out.resize(start + row_bytes, 0);
        for (x, color) in fax::decoder::pels(changes, across).enumerate() {
            if color == fax::Color::Black {
                out[start + x / 8] |= 0x80 >> (x % 8);
            }
        }
    };
    // The rows that are there are counted by the caller.
    if page.compression == FAX_4 {
        fax::decoder::decode_g4(data.iter().copied(), across, Some(down), &mut line);
        return Ok(out);
    }
    if page.fax_options & TWO_DIMENSIONAL != 0 {
        let what = "A TIFF with two-dimensional Group 3 fax compression";
        return Err(OpenError::unsupported(path, what, "Save it uncompressed"));
    }
    let bytes = data.iter().map(|&byte| Ok::<u8, std::convert::Infallible>(byte));
    let Ok(mut decoder) = fax::decoder::Group3Decoder::new(bytes) else { return Ok(out) };
    for _ in 0..height {
        let went_on = decoder.advance().is_ok();
        // Behind the last row there may be no mark: it is whole where it reaches the right side.
        if went_on || decoder.transitions().last() == Some(&across) {
            line(decoder.transitions());
        }
        if !went_on {
            break;
        }
    }
    Ok(out)
}

/// Predictor 2: each sample is the difference to the one of the pixel before.
fn undo_differences(row: &mut [u8], together: usize, bytes: usize) {
    macro_rules! add {
        ($type:ty) => {{
            let (row, _) = row.as_chunks_mut::<{ size_of::<$type>() }>();
            for i in together..row.len() {
                let before = <$type>::from_le_bytes(row[i - together]);
                row[i] = <$type>::from_le_bytes(row[i]).wrapping_add(before).to_le_bytes();
            }
        }};
    }
    match bytes {
        1 => add!(u8),
        2 => add!(u16),
        4 => add!(u32),
        _ => add!(u64),
    }
}

/// Predictor 3 (Adobe's technical note 3): a row has the highest bytes of all its numbers, then the next, as differences.
fn undo_real_prediction(row: &mut [u8], together: usize, bytes: usize) {
    undo_differences(row, together, 1);
    let parts = row.to_vec();
    let count = row.len() / bytes;
    for (i, number) in row.chunks_exact_mut(bytes).enumerate() {
        for (k, byte) in number.iter_mut().rev().enumerate() {
            *byte = parts[k * count + i];
        }
    }
}

/// TIFF 6.0, section 21: blocks of `across` by `down` luma samples with one of each chroma, to pixels.
fn pixels_of_blocks(blocks: &[u8], [width, height]: [usize; 2], [across, down]: [usize; 2]) -> Vec<u8> {
    let per_row = width.div_ceil(across);
    let size = across * down + 2;
    let mut out = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let block = &blocks[(y / down * per_row + x / across) * size..][..size];
            out.extend([block[y % down * across + x % across], block[size - 2], block[size - 1]]);
        }
    }
    out
}
