//! What the samples are: colours, numbers of frames, types, and what the decoders make of compressed ones.

use super::{
    make::{PIXELS, Slice, Value, text},
    open, says, streams, try_open, values,
};
use fovea::volume::{Modality, Samples, Volume, presets};
use std::path::Path;

const RLE: &str = "1.2.840.10008.1.2.5";
const LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const NEARLY_LOSSLESS: &str = "1.2.840.10008.1.2.4.81";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const BASELINE: &str = "1.2.840.10008.1.2.4.50";
const EXTENDED: &str = "1.2.840.10008.1.2.4.51";

const CARD: [[u8; 3]; 4] = [[200, 30, 30], [30, 180, 40], [30, 40, 190], [90, 90, 90]];

/// Quarters of an 8 × 8 picture.
fn card() -> Vec<[u8; 3]> {
    (0..64).map(|i| CARD[i / 32 * 2 + i % 8 / 4]).collect()
}

/// PS3.3, C.7.6.3.1.2.
fn ybr([r, g, b]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(f64::from);
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    [y, (b - y) / 1.772 + 128.0, (r - y) / 1.402 + 128.0].map(|v| v.round() as u8)
}

fn opened(slice: Slice) -> fovea::io::Opened {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dcm");
    slice.write(&path);
    open(&path)
}

fn pixels(volume: &Volume) -> Vec<[u8; 3]> {
    match volume.samples() {
        Samples::Rgb8(pixels) => pixels.to_vec(),
        other => panic!("{:?}", other.kind()),
    }
}

/// Within a rounding of each channel.
fn is_card(slice: Slice, words: &str) {
    let found = pixels(&opened(slice).volume);
    let worst = found.iter().zip(card()).flat_map(|(a, b)| (0..3).map(move |c| a[c].abs_diff(b[c]))).max();
    assert!(worst <= Some(2), "{words}: {:?} … {:?}", found[0], found[63]);
}

fn colours(photometric: &str) -> Slice {
    Slice::picture(8, 8, Value::Bytes(Vec::new())).colour(photometric)
}

#[test]
fn stored_brightness_and_differences_become_colours_in_every_lossless_coding() {
    let stored: Vec<[u8; 3]> = card().into_iter().map(ybr).collect();
    let planes = |p: &[[u8; 3]]| -> Vec<Vec<u32>> {
        (0..3).map(|c| p.iter().map(|p| p[c].into()).collect()).collect()
    };
    let flat = |p: &[[u8; 3]]| Value::Bytes(p.as_flattened().to_vec());
    is_card(colours("YBR_FULL").with(PIXELS, b"OB", flat(&stored)), "plain");
    is_card(colours("RGB").with(PIXELS, b"OB", flat(&card())), "plain RGB");
    let planar = planes(&stored).concat().into_iter().map(|v| v as u8).collect();
    let planar = colours("YBR_FULL").with(PIXELS, b"OB", Value::Bytes(planar));
    is_card(planar.with((0x28, 6), b"US", Value::U16(vec![1])), "plane by plane");
    let shared: Vec<u8> = stored.chunks(2).flat_map(|p| [p[0][0], p[1][0], p[0][1], p[0][2]]).collect();
    is_card(colours("YBR_FULL_422").with(PIXELS, b"OB", Value::Bytes(shared)), "shared colours");
    is_card(colours("YBR_FULL_422").with(PIXELS, b"OB", flat(&stored)), "said to be shared");
    is_card(colours("YBR_FULL").compressed(RLE, vec![streams::run_length(&planes(&stored), 1)]), "RLE");
    let lossless = |p: &[[u8; 3]]| vec![streams::lossless_jpeg(p, 8)];
    is_card(colours("YBR_FULL").compressed(LOSSLESS, lossless(&stored)), "lossless JPEG");
    is_card(colours("RGB").compressed(LOSSLESS, lossless(&card())), "lossless JPEG of RGB");
    let plain = vec![streams::bytes(streams::YBR_J2K)];
    is_card(colours("YBR_FULL").compressed(JPEG_2000, plain), "JPEG 2000 without its transform");
    for photometric in ["YBR_RCT", "YBR_ICT", "RGB", "YBR_FULL"] {
        let transformed = vec![streams::bytes(streams::RGB_MCT)];
        is_card(colours(photometric).compressed(JPEG_2000, transformed), photometric);
    }
}

#[test]
fn a_lossy_jpeg_says_itself_what_its_colours_are() {
    let encoded = |pixels: &[[u8; 3]]| {
        let mut out = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 100);
        image::ImageEncoder::write_image(
            encoder,
            pixels.as_flattened(),
            8,
            8,
            image::ExtendedColorType::Rgb8,
        )
        .unwrap();
        out
    };
    let jfif = encoded(&card());
    // Its own marker away, and another one in its place.
    let length = usize::from(u16::from_be_bytes([jfif[4], jfif[5]]));
    let bare = [&[0xff, 0xd8][..], &jfif[4 + length..]].concat();
    let adobe = |transform: u8| {
        let marker = [b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0", &[transform][..]].concat();
        [&[0xff, 0xd8][..], &marker, &bare[2..]].concat()
    };
    let shown = |photometric: &str, stream: Vec<u8>| {
        pixels(&opened(colours(photometric).compressed(BASELINE, vec![stream])).volume)[0]
    };
    let near = |a: [u8; 3], b: [u8; 3]| (0..3).all(|c| a[c].abs_diff(b[c]) <= 3);
    // The encoder turned the colours into brightness and differences.
    for (photometric, stream) in
        [("YBR_FULL_422", jfif.clone()), ("RGB", jfif.clone()), ("YBR_FULL", bare.clone()), ("RGB", adobe(1))]
    {
        let found = shown(photometric, stream);
        assert!(near(found, CARD[0]), "{photometric}: {found:?}");
    }
    // As if it had not.
    for (photometric, stream) in [("RGB", bare.clone()), ("YBR_FULL", adobe(0))] {
        let found = shown(photometric, stream);
        assert!(near(found, ybr(CARD[0])), "{photometric}: {found:?}");
    }
}

#[test]
fn frames_are_counted_and_a_wrong_number_is_said() {
    let frames = |stated: Option<&str>, values: &[u8], extra: usize| {
        let mut bytes: Vec<u8> = values.iter().flat_map(|&v| [v; 20]).collect();
        bytes.resize(bytes.len() + extra, 7);
        let slice = Slice::picture(5, 4, Value::Bytes(bytes));
        match stated {
            Some(n) => slice.with((0x28, 8), b"IS", text(n)),
            None => slice,
        }
    };
    type Case = (Option<&'static str>, &'static [u8], usize, &'static [f32], &'static str);
    let cases: [Case; 5] = [
        (Some("3"), &[50, 100, 150], 0, &[50.0, 100.0, 150.0], ""),
        (None, &[50, 100, 150], 0, &[50.0, 100.0, 150.0], "states 1 frame and its pixel data holds 3"),
        (Some("2"), &[50, 100, 150], 0, &[50.0, 100.0, 150.0], "states 2 frames and its pixel data holds 3"),
        (Some("5"), &[50, 100, 150], 0, &[50.0, 100.0, 150.0], "states 5 frames and its pixel data holds 3"),
        (Some("2"), &[50, 100], 6, &[50.0, 100.0], "6 bytes of pixel data after 2 frames are not shown"),
    ];
    for (stated, stored, extra, shown, words) in cases {
        let opened = opened(frames(stated, stored, extra));
        assert_eq!(values(&opened.volume), shown, "{stated:?}");
        let said = opened.warnings.iter().any(|w| w.contains("pixel data"));
        assert_eq!(said, !words.is_empty(), "{:?}", opened.warnings);
        assert!(words.is_empty() || says(&opened, words), "{:?}", opened.warnings);
    }
    // Half a frame is damage.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.dcm");
    frames(Some("3"), &[50, 100], 10).write(&path);
    assert!(try_open(&path).unwrap_err().to_string().contains("cut off"));
    // The same of compressed ones.
    let page = |v: u32| streams::run_length(&[vec![v; 20]], 1);
    for stated in [None, Some("2"), Some("4")] {
        let slice = frames(stated, &[], 0).compressed(RLE, [50, 100, 150].map(page).to_vec());
        let opened = opened(slice);
        assert_eq!(values(&opened.volume), [50.0, 100.0, 150.0], "{stated:?}");
        assert!(says(&opened, "its pixel data holds 3"), "{:?}", opened.warnings);
    }
}

#[test]
fn pieces_of_one_compressed_frame_are_put_together() {
    let whole = streams::run_length(&[(0..20).collect()], 1);
    let pieces = vec![whole[..70].to_vec(), whole[70..].to_vec()];
    let opened = opened(Slice::picture(5, 4, Value::Bytes(Vec::new())).compressed(RLE, pieces));
    assert_eq!(opened.volume.slice_values(0), (0..20).map(|v| v as f32).collect::<Vec<_>>());
    assert!(opened.warnings.is_empty(), "{:?}", opened.warnings);
}

#[test]
fn slices_of_several_types_and_of_one_scale_make_one_volume() {
    let folder = tempfile::tempdir().unwrap();
    let stored = [
        (16, false, Value::U16(vec![40_000; 6])),
        (16, true, Value::U16(vec![(-1000i16) as u16; 6])),
        (8, false, Value::Bytes(vec![200; 6])),
        (8, true, Value::Bytes(vec![(-5i8) as u8; 6])),
    ];
    for (i, (bits, signed, pixels)) in stored.into_iter().enumerate() {
        let slice = Slice::at(2.0 * i as f64, 0, i as u32).grey(bits, signed).with(PIXELS, b"OW", pixels);
        slice.text((0x28, 0x1052), "-24").text((0x28, 0x1053), "1").write(&folder.path().join(i.to_string()));
    }
    let opened = open(folder.path());
    assert_eq!(values(&opened.volume), [39_976.0, -1024.0, 176.0, -29.0]);
    assert!(says(&opened, "several types"), "{:?}", opened.warnings);
    // Each with a scale of its own.
    let own = Slice::at(8.0, 50, 9).text((0x28, 0x1052), "0").text((0x28, 0x1053), "0.5");
    own.write(&folder.path().join("own"));
    let opened = open(folder.path());
    assert_eq!(values(&opened.volume), [39_976.0, -1024.0, 176.0, -29.0, 25.0]);
    assert!(says(&opened, "different scales"), "{:?}", opened.warnings);
}

#[test]
fn jpeg_ls_and_twelve_bit_jpeg_give_their_values() {
    let ramp: Vec<u16> = (0..64).map(|i| (i % 8 + i / 8) * 280).collect();
    let grey = |bits: u16, signed: bool| {
        let slice = Slice::picture(8, 8, Value::Bytes(Vec::new())).grey(16, signed);
        slice
            .with((0x28, 0x10), b"US", Value::U16(vec![8]))
            .with((0x28, 0x11), b"US", Value::U16(vec![8]))
            .with((0x28, 0x101), b"US", Value::U16(vec![bits]))
            .with((0x28, 0x102), b"US", Value::U16(vec![bits - 1]))
    };
    let mut stream = Vec::new();
    jpegls::encode(&ramp, 8, 8, &mut stream).unwrap();
    let found = opened(grey(12, false).compressed(JPEG_LS, vec![stream.clone()])).volume;
    assert_eq!(found.slice_values(0), ramp.iter().map(|&v| f32::from(v)).collect::<Vec<_>>());
    // The stream knows no sign; the attributes do.
    let found = opened(grey(12, true).compressed(JPEG_LS, vec![stream])).volume;
    let signed = |v: u16| if v < 2048 { f32::from(v) } else { f32::from(v) - 4096.0 };
    assert_eq!(found.slice_values(0), ramp.iter().map(|&v| signed(v)).collect::<Vec<_>>());

    // What loss moved above the bits that are used is what it is; without loss nothing of the picture stands there.
    let over: Vec<u16> = ramp.iter().map(|v| v + 400).collect();
    let mut stream = Vec::new();
    jpegls::encode(&over, 8, 8, &mut stream).unwrap();
    let found = opened(grey(12, false).compressed(NEARLY_LOSSLESS, vec![stream.clone()])).volume;
    assert_eq!(found.slice_values(0), over.iter().map(|&v| f32::from(v)).collect::<Vec<_>>());
    let found = opened(grey(12, false).compressed(JPEG_LS, vec![stream])).volume;
    assert_eq!(found.slice_values(0), over.iter().map(|&v| f32::from(v & 0xfff)).collect::<Vec<_>>());

    let mut twelve = streams::bytes(streams::TWELVE);
    let scan = twelve.windows(2).position(|w| w == [0xff, 0xda]).unwrap();
    // The scan header of some encoders forgets all coefficients but the first.
    for last in [63, 0] {
        twelve[scan + 8] = last;
        let found = opened(grey(12, false).compressed(EXTENDED, vec![twelve.clone()])).volume;
        for (ours, &meant) in found.slice_values(0).iter().zip(&ramp) {
            assert!((ours - f32::from(meant)).abs() <= 4.0, "{ours} should be {meant}");
        }
    }
}

#[test]
fn thirty_two_bits_and_one_bit_are_read_from_compressed_frames() {
    let values: Vec<u32> = (0..20).map(|i| i * 40_000_007).collect();
    let wide = Slice::picture(5, 4, Value::Bytes(Vec::new())).grey(32, false);
    let wide =
        wide.with((0x28, 0x10), b"US", Value::U16(vec![4])).with((0x28, 0x11), b"US", Value::U16(vec![5]));
    let found =
        opened(wide.clone().compressed(RLE, vec![streams::run_length(std::slice::from_ref(&values), 4)]))
            .volume;
    assert_eq!(found.slice_values(0), values.iter().map(|&v| v as f32).collect::<Vec<_>>());
    let bits = Slice::picture(8, 8, Value::Bytes(Vec::new())).grey(1, false);
    let bits =
        bits.with((0x28, 0x10), b"US", Value::U16(vec![8])).with((0x28, 0x11), b"US", Value::U16(vec![8]));
    let found = opened(bits.compressed(JPEG_2000, vec![streams::bytes(streams::ONE_BIT)])).volume;
    let meant = |i: usize| if (i % 8 + i / 8).is_multiple_of(3) { 1.0 } else { 0.0 };
    assert_eq!(found.slice_values(0), (0..64).map(meant).collect::<Vec<f32>>());
}

#[test]
fn sizes_that_no_file_can_hold_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dcm");
    let refused = |slice: Slice, words: &str| {
        slice.write(&path);
        let error = try_open(&path).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("a.dcm"), "{error}");
    };
    let huge = |slice: Slice| {
        let sides = slice.with((0x28, 0x10), b"US", Value::U16(vec![65_535]));
        sides.with((0x28, 0x11), b"US", Value::U16(vec![65_535]))
    };
    let small = || Slice::picture(5, 4, Value::Bytes(vec![0; 20]));
    refused(huge(small()), "cut off");
    refused(huge(small()).with((0x28, 2), b"US", Value::U16(vec![65_535])), "cut off");
    let page = streams::run_length(&[vec![1; 20]], 1);
    refused(huge(small()).compressed(RLE, vec![page.clone()]), "its header asks for 65535 x 65535");
    refused(small().compressed(RLE, vec![page[..60].to_vec()]), "run-length");
    let mut wild = page;
    wild[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    refused(small().compressed(RLE, vec![wild]), "points out of the frame");
    small().with((0x28, 8), b"IS", text("2000000000")).write(&path);
    let opened = open(&path);
    assert!(opened.volume.dims()[2] == 1 && says(&opened, "holds 1"), "{:?}", opened.warnings);
}

/// The shared files that the standard's colour rules are about stay as the reference readers have them.
#[test]
fn lossy_ybr_of_the_shared_data_stays_right() {
    let Some(data) = fovea::testing::shared("data/torture/dicom") else { return };
    let path: &Path = &data.join("cornerstone3D__TestPattern_JPEG-Baseline_YBRFull.dcm");
    let mean = open(path).volume.stats().mean;
    assert!((mean - 118.416).abs() < 1.0, "{mean}");
}

#[test]
fn the_indices_of_a_palette_may_be_negative() {
    // Entry i of 256 is the colour (i, 255 - i, 7); the first is that of -128.
    let table = |colour: fn(u16) -> u16| Value::U16((0..256).map(|i| colour(i) << 8 | 1).collect());
    let stored = [-128i8, -1, 0, 1, 127, -2];
    let described = |slice: Slice| {
        let first = (-128i16) as u16;
        let slice = (0x1101..=0x1103)
            .fold(slice, |s, tag| s.with((0x28, tag), b"SS", Value::U16(vec![256, first, 16])));
        slice
            .with((0x28, 4), b"CS", text("PALETTE COLOR"))
            .with((0x28, 0x1201), b"OW", table(|i| i))
            .with((0x28, 0x1202), b"OW", table(|i| 255 - i))
            .with((0x28, 0x1203), b"OW", table(|_| 7))
    };
    let bytes = Value::Bytes(stored.map(|v| v as u8).to_vec());
    let words = Value::U16(stored.map(|v| i16::from(v) as u16).to_vec());
    // The high bits of a word are not the pixel's, where it says so.
    let twelve = Value::U16(stored.map(|v| i16::from(v) as u16 & 0xfff | 0x5000).to_vec());
    let narrow = |s: Slice| {
        s.with((0x28, 0x101), b"US", Value::U16(vec![12])).with((0x28, 0x102), b"US", Value::U16(vec![11]))
    };
    let meant: Vec<[u8; 3]> = stored.map(|v| (i16::from(v) + 128) as u8).map(|i| [i, 255 - i, 7]).to_vec();
    let slice = |bits| Slice::at(0.0, 0, 1).grey(bits, true);
    for (slice, what) in [
        (slice(8).with(PIXELS, b"OB", bytes), "8 bits"),
        (slice(16).with(PIXELS, b"OW", words), "16 bits"),
        (narrow(slice(16)).with(PIXELS, b"OW", twelve), "12 of 16 bits"),
    ] {
        let opened = opened(described(slice));
        assert_eq!(pixels(&opened.volume), meant, "{what}");
        assert_eq!(opened.volume.value_unit(), None, "colours have no unit");
    }
}

#[test]
fn values_in_another_unit_are_not_called_hounsfield_units() {
    let typed = |kind: &str| opened(Slice::at(0.0, 100, 1).text((0x28, 0x1054), kind));
    let plain = opened(Slice::at(0.0, 100, 1)).volume;
    for volume in [typed("HU").volume, plain] {
        assert_eq!((volume.value_unit(), presets(&volume).len()), (Some("HU"), 5));
    }
    for kind in ["US", "HU_MOD"] {
        let opened = typed(kind);
        let volume = &opened.volume;
        assert_eq!((volume.modality(), volume.value_unit(), presets(volume).len()), (Modality::Ct, None, 0));
        assert!(says(&opened, "not in HU") && says(&opened, kind), "{:?}", opened.warnings);
    }
}

#[test]
fn more_bits_than_there_are_is_said() {
    let wide = opened(Slice::at(0.0, 100, 1).with((0x28, 0x101), b"US", Value::U16(vec![20])));
    assert!(says(&wide, "20 of 16 bits"), "{:?}", wide.warnings);
    assert_eq!(values(&wide.volume), [100.0]);
}

#[test]
fn a_scale_that_is_no_number_is_refused_and_one_that_some_slices_lack_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dcm");
    let scaled = |z: usize, slope: &str, intercept: &str| {
        Slice::at(z as f64, 100, z as u32 + 1).text((0x28, 0x1052), intercept).text((0x28, 0x1053), slope)
    };
    for (slope, intercept, named) in [
        ("2", "n/a", "n/a"),
        ("2", "-1024HU", "-1024HU"),
        ("abc", "0", "abc"),
        ("nan", "0", "nan"),
        ("0", "0", "slope is 0"),
    ] {
        scaled(0, slope, intercept).write(&path);
        let told = try_open(&path).unwrap_err().to_string();
        assert!(told.contains(named), "{told}");
    }
    scaled(0, "2", "-1024").write(&path);
    assert_eq!(values(&open(&path).volume), [-824.0]);
    // Without a value it is as good as not there.
    scaled(0, "2", "").write(&path);
    assert_eq!(values(&open(&path).volume), [200.0]);
    let series = folder.path().join("series");
    std::fs::create_dir(&series).unwrap();
    for z in 0..5 {
        let slice = if z == 2 { Slice::at(2.0, 100, 3) } else { scaled(z, "2", "-1024") };
        slice.write(&series.join(format!("{z}.dcm")));
    }
    let opened = open(&series);
    assert!(says(&opened, "1 of 5 have none"), "{:?}", opened.warnings);
    assert_eq!(values(&opened.volume), [-824.0, -824.0, 100.0, -824.0, -824.0]);
}
