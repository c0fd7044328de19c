use super::*;
use crate::{
    io::{self, Quiet, open_labels},
    volume::Volume,
};
use std::path::PathBuf;

/// A palette PNG of 3 x 2 pixels with the indices 0 1 2 3 0 1; optionally with an orientation.
fn palette_png(depth: png::BitDepth, grey: bool, orientation: Option<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 3, 2);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(depth);
    let colours = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [0, 0, 128]];
    let palette = (0..4).flat_map(|i| if grey { [i * 60; 3] } else { colours[usize::from(i)] });
    encoder.set_palette(palette.collect::<Vec<u8>>());
    encoder.set_trns(vec![0, 255, 255, 255]);
    let mut writer = encoder.write_header().unwrap();
    if let Some(orientation) = orientation {
        writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), &exif(orientation)).unwrap();
    }
    let rows: &[u8] = match depth {
        png::BitDepth::Two => &[0b0001_1011 & 0b1111_1100, 0b1100_0100],
        png::BitDepth::Four => &[0x01, 0x20, 0x30, 0x10],
        _ => &[0, 1, 2, 3, 0, 1],
    };
    writer.write_image_data(rows).unwrap();
    writer.finish().unwrap();
    out
}

/// A note with one field (EXIF 2.3, tag 274).
fn exif(orientation: u8) -> Vec<u8> {
    [&b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[orientation, 0, 0, 0, 0, 0, 0]].concat()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn opened(path: &Path) -> Opened {
    io::open(path, &OpenOptions::default(), &mut Quiet).unwrap()
}

fn values(volume: &Volume) -> Vec<f32> {
    volume.slice_values(0).to_vec()
}

#[test]
fn the_index_of_a_palette_is_the_label() {
    let folder = tempfile::tempdir().unwrap();
    for depth in [png::BitDepth::Two, png::BitDepth::Four, png::BitDepth::Eight] {
        for grey in [false, true] {
            let path = write(folder.path(), "a.png", &palette_png(depth, grey, None));
            let (map, _, warnings) = open_labels(&path).unwrap();
            assert_eq!(map.to_values(), [0, 1, 2, 3, 0, 1], "{depth:?}");
            assert!(warnings[0].contains("palette"), "{warnings:?}");
            let shade = if grey { [120.0; 3] } else { [0.0, 128.0, 0.0] };
            assert_eq!(opened(&path).volume.value([2, 0, 0]), shade, "as a picture, {depth:?}");
        }
    }
    // An index that is also its shade needs no word; a mask that may be turned over does.
    let indexed = |palette: &[u8]| {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, 2, 1);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(palette.to_vec());
        encoder.write_header().unwrap().write_image_data(&[0, 1]).unwrap();
        open_labels(&write(folder.path(), "b.png", &out)).unwrap().2.join("; ")
    };
    assert_eq!(indexed(&[0, 0, 0, 1, 1, 1]), "");
    assert!(indexed(&[255, 255, 255, 0, 0, 0]).contains("Index 0 is shown brighter than index 1"));
    let mut gif = Vec::new();
    let mut encoder = gif::Encoder::new(&mut gif, 3, 2, &[0, 0, 0, 90, 90, 90, 200, 0, 0, 1, 1, 1]).unwrap();
    // One column in, so that the rest is the background's index 0.
    let frame =
        gif::Frame { left: 1, width: 2, height: 2, buffer: vec![1, 2, 3, 1].into(), ..Default::default() };
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    let (map, ..) = open_labels(&write(folder.path(), "a.gif", &gif)).unwrap();
    assert_eq!(map.to_values(), [0, 1, 2, 0, 3, 1]);
    // A bitmap of 4 bits, from the bottom row.
    let header = |n: u32| n.to_le_bytes();
    let mut bmp = b"BM".to_vec();
    for n in [14 + 40 + 16 + 8, 0, 14 + 40 + 16, 40, 3, 2, 1 | 4 << 16, 0, 8, 0, 0, 4, 0] {
        bmp.extend(header(n));
    }
    bmp.extend([0, 0, 0, 0, 50, 50, 50, 0, 99, 99, 99, 0, 255, 255, 255, 0]);
    bmp.extend([0x30, 0x10, 0, 0, 0x01, 0x20, 0, 0]);
    let path = write(folder.path(), "a.bmp", &bmp);
    assert_eq!(open_labels(&path).unwrap().0.to_values(), [0, 1, 2, 3, 0, 1]);
    assert_eq!(opened(&path).volume.value([2, 0, 0])[0], 99.0);
    // The same of 8 bits with run lengths: 3 0 1, then 0 1 2 as they are.
    let runs = [1, 3, 1, 0, 1, 1, 0, 0, 0, 3, 0, 1, 2, 0, 0, 1];
    let mut bmp = b"BM".to_vec();
    for n in [14 + 40 + 16 + 16, 0, 14 + 40 + 16, 40, 3, 2, 1 | 8 << 16, 1, 16, 0, 0, 4, 0] {
        bmp.extend(header(n));
    }
    bmp.extend([0, 0, 0, 0, 50, 50, 50, 0, 99, 99, 99, 0, 255, 255, 255, 0]);
    bmp.extend(runs);
    let path = write(folder.path(), "a.bmp", &bmp);
    assert_eq!(open_labels(&path).unwrap().0.to_values(), [0, 1, 2, 3, 0, 1]);
}

#[test]
fn masks_of_16_bits_and_transparent_ones_keep_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    image::ImageBuffer::<image::Rgb<u16>, _>::from_raw(2, 1, vec![300u16, 300, 300, 1, 1, 1])
        .unwrap()
        .save(&path)
        .unwrap();
    assert_eq!(open_labels(&path).unwrap().0.to_values(), [300, 1]);
    image::ImageBuffer::<image::LumaA<u8>, _>::from_raw(2, 1, vec![7u8, 0, 9, 255])
        .unwrap()
        .save(&path)
        .unwrap();
    let (map, _, warnings) = open_labels(&path).unwrap();
    assert_eq!(map.to_values(), [7, 9]);
    assert!(warnings[0].contains("transparent"), "{warnings:?}");
}

#[test]
fn a_photograph_is_upright_however_it_was_held() {
    let folder = tempfile::tempdir().unwrap();
    // 0 1 2
    // 3 0 1
    let upright: [&[u16]; 8] = [
        &[0, 1, 2, 3, 0, 1],
        &[2, 1, 0, 1, 0, 3],
        &[1, 0, 3, 2, 1, 0],
        &[3, 0, 1, 0, 1, 2],
        &[0, 3, 1, 0, 2, 1],
        &[3, 0, 0, 1, 1, 2],
        &[1, 2, 0, 1, 3, 0],
        &[2, 1, 1, 0, 0, 3],
    ];
    for (orientation, expected) in (1u8..).zip(upright) {
        let bytes = palette_png(png::BitDepth::Eight, true, Some(orientation));
        let path = write(folder.path(), "a.png", &bytes);
        let (map, _, warnings) = open_labels(&path).unwrap();
        assert_eq!(map.to_values(), expected, "orientation {orientation}");
        assert_eq!(warnings.iter().any(|w| w.contains("EXIF")), orientation > 1, "{warnings:?}");
        let picture = opened(&path);
        let shades: Vec<f32> = expected.iter().map(|&i| f32::from(i) * 60.0).collect();
        assert_eq!(values(&picture.volume)[..6], shades, "orientation {orientation}");
        assert_eq!(picture.content_hash, source::hash(&bytes));
        assert_eq!(picture.turned, (orientation > 1).then(|| orientation.to_string()));
    }
    // The same note of a JPEG, whose halves are dark and bright.
    let path = folder.path().join("a.jpg");
    let halves = image::GrayImage::from_fn(32, 16, |x, _| image::Luma([if x < 16 { 20 } else { 220 }]));
    halves.save(&path).unwrap();
    let jpeg = std::fs::read(&path).unwrap();
    let note = [b"Exif\0\0".to_vec(), exif(6)].concat();
    let length = (note.len() as u16 + 2).to_be_bytes();
    let turned = [&jpeg[..2], &[0xff, 0xe1], &length, &note, &jpeg[2..]].concat();
    let picture = opened(&write(folder.path(), "a.jpg", &turned));
    assert_eq!(picture.volume.dims(), [16, 32, 1]);
    assert!(picture.volume.value([8, 4, 0])[0] < 40.0 && picture.volume.value([8, 28, 0])[0] > 200.0);
    assert!(picture.warnings[0].contains("turned by 90° clockwise"), "{:?}", picture.warnings);
}

#[test]
fn a_colour_profile_that_unpacks_to_gigabytes_is_passed_over() {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 2, 1);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette([[0; 3], [90; 3]].concat());
    let mut writer = encoder.write_header().unwrap();
    let mut packed = flate2::write::ZlibEncoder::new(b"p\0\0".to_vec(), flate2::Compression::best());
    for _ in 0..64 {
        std::io::Write::write_all(&mut packed, &[0; 1 << 20]).unwrap();
    }
    writer.write_chunk(png::chunk::ChunkType(*b"iCCP"), &packed.finish().unwrap()).unwrap();
    writer.write_image_data(&[1, 0]).unwrap();
    writer.finish().unwrap();
    let mut decoder =
        png::Decoder::new_with_limits(Cursor::new(&out), png::Limits { bytes: png_limit(&out) });
    assert_eq!(decoder.read_header_info().unwrap().icc_profile, None);
    assert!(decoder.read_info().unwrap().info().icc_profile.is_none(), "64 MB in {} bytes", out.len());
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.png", &out);
    assert_eq!(values(&opened(&path).volume)[..2], [90.0, 0.0]);
    assert_eq!(open_labels(&path).unwrap().0.to_values(), [1, 0]);
}

#[test]
fn a_jpeg_of_another_process_is_not_called_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    image::GrayImage::from_pixel(16, 16, image::Luma([90])).save(&path).unwrap();
    let jpeg = std::fs::read(&path).unwrap();
    let frame = jpeg.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    for (marker, bits, words) in
        [(0xc1, 12, "JPEG of 12 bits"), (0xc3, 8, "lossless JPEG"), (0xc9, 8, "rare process SOF9")]
    {
        let mut other = jpeg.clone();
        (other[frame + 1], other[frame + 4]) = (marker, bits);
        let told = io::open(&write(folder.path(), "b.jpg", &other), &OpenOptions::default(), &mut Quiet);
        let told = told.unwrap_err().to_string();
        assert!(told.contains(words) && told.contains("not supported"), "{told}");
    }
}

#[test]
fn a_wish_for_one_of_several_images_is_refused_where_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a.png", &palette_png(png::BitDepth::Eight, true, None));
    let asked = |series: &str| {
        let options = OpenOptions { series: Some(series.to_owned()), ..OpenOptions::default() };
        io::open(&path, &options, &mut Quiet).map(|opened| opened.volume.dims())
    };
    let told = asked("volume-2").unwrap_err().to_string();
    assert!(told.contains("no series \"volume-2\"") && told.contains("holds one image"), "{told}");
    assert_eq!(asked("a.png").unwrap(), [3, 2, 1]);
}

#[test]
fn decoding_stops_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    // Noise does not shrink, so that it comes in many parts.
    let mut n = 1u32;
    let noise = image::GrayImage::from_fn(1024, 1024, |_, _| {
        n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        image::Luma([(n >> 24) as u8])
    });
    noise.save(&path).unwrap();
    for questions in [2, 6, 10] {
        let mut stop = crate::testing::CancelsAfter::new(questions);
        let stopped = io::open(&path, &OpenOptions::default(), &mut stop);
        assert!(matches!(stopped, Err(OpenError::Cancelled)), "{questions}");
    }
}
