//! How files begin and how their elements are coded.

use super::{
    make::{Coding, EXPLICIT, PIXELS, Slice, Value, text},
    open, says, try_open, values, volumes,
};
use fovea::io::{self, OpenError, OpenOptions};
use glam::DVec3;
use std::{fs, path::Path};

const BARE: Coding = Coding { header: false, ..EXPLICIT };
const CODINGS: [Coding; 5] = [
    EXPLICIT,
    BARE,
    Coding { explicit: false, ..BARE },
    Coding { big_endian: true, ..BARE },
    Coding { big_endian: true, ..EXPLICIT },
];

#[test]
fn files_with_and_without_preamble_make_one_volume_and_other_files_no_slices() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..10u32 {
        let path = folder.path().join(format!("IM{}", 9 - i));
        Slice::at(f64::from(i), 10 * i as i16, i + 1).write_as(&path, CODINGS[i as usize % 5]);
    }
    for (name, bytes) in [
        ("README.txt", &b"8 slices"[..]),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0"),
        ("patient.json", b"{\"0008\": 8}"),
        ("empty", b""),
        ("eights", &[8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0, 8, 0]),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let index = Slice::empty().with((8, 0x16), b"UI", text("1.2.840.10008.1.3.10"));
    index.write(&folder.path().join("DICOMDIR"));
    let opened = open(folder.path());
    assert_eq!(values(&opened.volume), (0..10).map(|i| 10.0 * i as f32).collect::<Vec<_>>());
    assert!(opened.series.is_empty(), "{:?}", opened.series);
    assert!(says(&opened, "guessed (6 files)"), "{:?}", opened.warnings);
    // Each by itself, also without the name of a DICOM file.
    for i in 0..10 {
        let file = open(&folder.path().join(format!("IM{}", 9 - i)));
        assert_eq!(values(&file.volume), [10.0 * i as f32]);
    }
}

#[test]
fn a_folder_of_bare_files_is_opened_and_one_that_is_cut_off_is_said() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..4u32 {
        let path = folder.path().join(format!("{i}"));
        Slice::at(f64::from(i), 7, i).write_as(&path, Coding { explicit: false, ..BARE });
    }
    let cut = folder.path().join("3");
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 4]).unwrap();
    let opened = open(folder.path());
    assert_eq!(opened.volume.dims()[2], 3);
    assert!(
        says(&opened, "1 file could not be read and is left out") && says(&opened, "cut off"),
        "{:?}",
        opened.warnings
    );
}

#[test]
fn a_file_that_is_coded_in_another_way_than_it_says_is_read_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let [implicit, wrong] = ["implicit", "wrong"].map(|n| folder.path().join(n));
    Slice::at(0.0, 33, 1).write_as(&implicit, Coding { explicit: false, ..EXPLICIT });
    Slice::at(0.0, 33, 1).write_as(&wrong, BARE);
    let header = fs::read(&implicit).unwrap();
    let end = header.windows(4).position(|w| w == [8, 0, 8, 0]).unwrap();
    fs::write(&wrong, [&header[..end], &fs::read(&wrong).unwrap()].concat()).unwrap();
    let opened = open(&wrong);
    assert_eq!(values(&opened.volume), [33.0]);
    assert!(says(&opened, "another way than it says"), "{:?}", opened.warnings);
}

/// Three planes of a dose, 32-bit, the positions of the planes in one vector.
fn dose(offsets: &str) -> Slice {
    let values: Vec<u32> = (0..18).map(|i| 70_000 * (i / 6 + 1) + i).collect();
    Slice::at(-40.0, 0, 1)
        .grey(32, false)
        .with((8, 0x60), b"CS", text("RTDOSE"))
        .with((0x28, 8), b"IS", text("3"))
        .with((0x28, 9), b"AT", Value::U16(vec![0x3004, 0xc]))
        .with((0x3004, 0xc), b"DS", text(offsets))
        .with((0x3004, 0xe), b"DS", text("0.001"))
        .with(PIXELS, b"OW", Value::U32(values))
}

#[test]
fn thirty_two_bit_doses_are_scaled_and_placed_in_every_coding() {
    let folder = tempfile::tempdir().unwrap();
    for (i, offsets) in ["0\\3\\6", "-40\\-37\\-34"].into_iter().enumerate() {
        for (j, coding) in CODINGS.into_iter().enumerate() {
            let path = folder.path().join(format!("{i}{j}"));
            dose(offsets).write_as(&path, coding);
            let volume = open(&path).volume;
            assert_eq!(volume.dims(), [3, 2, 3]);
            for (z, meant) in [70.0, 140.006, 210.012].into_iter().enumerate() {
                let dose = volume.value([0, 0, z])[0];
                assert!((dose - meant).abs() < 1e-4, "{offsets}: {dose} should be {meant}");
                let at = volume.grid().patient_of(DVec3::new(0.0, 0.0, z as f64));
                assert!((at - DVec3::new(-10.0, -20.0, -40.0 + 3.0 * z as f64)).length() < 1e-9, "{at}");
            }
        }
    }
}

#[test]
fn attributes_of_unknown_type_are_read_by_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dcm");
    let known = Slice::at(5.0, 20, 1).text((0x28, 0x1052), "-7").text((0x28, 0x1053), "2");
    let tags: Vec<(u16, u16)> = known.elements.keys().copied().filter(|t| *t != PIXELS).collect();
    let unknown = tags.iter().fold(known.clone(), |slice, &tag| slice.unknown(tag));
    for (slice, coding) in [(&known, EXPLICIT), (&unknown, EXPLICIT)] {
        slice.write_as(&path, coding);
        let volume = open(&path).volume;
        assert_eq!((volume.dims(), values(&volume)), ([3, 2, 1], vec![33.0]));
        assert_eq!(volume.grid().patient_of(DVec3::ZERO), DVec3::new(-10.0, -20.0, 5.0));
        assert_eq!(volume.grid().spacing()[..2], [0.5, 0.5]);
    }
}

/// Frames with their places, times and scales in sequences; two times at every place.
fn enhanced() -> Slice {
    let frame = |time: u32, plane: u32| {
        let position = Slice::empty().with((0x20, 0x32), b"DS", text(&format!("-10\\-20\\{}", 3 * plane)));
        let content = Slice::empty().with((0x20, 0x9128), b"UL", Value::U32(vec![time]));
        let scale = Slice::empty().with((0x28, 0x1052), b"DS", text("0")).with(
            (0x28, 0x1053),
            b"DS",
            text(if time == 1 { "1" } else { "0.5" }),
        );
        Slice::empty()
            .with((0x20, 0x9113), b"SQ", Value::Items(vec![position]))
            .with((0x20, 0x9111), b"SQ", Value::Items(vec![content]))
            .with((0x28, 0x9145), b"SQ", Value::Items(vec![scale]))
    };
    let orientation = Slice::empty().with((0x20, 0x37), b"DS", text("1\\0\\0\\0\\1\\0"));
    let measures = Slice::empty().with((0x28, 0x30), b"DS", text("0.5\\0.25"));
    let shared = Slice::empty().with((0x20, 0x9116), b"SQ", Value::Items(vec![orientation])).with(
        (0x28, 0x9110),
        b"SQ",
        Value::Items(vec![measures]),
    );
    // Shuffled: place 2 before place 0, the times in turn.
    let order: Vec<(u32, u32)> = [2, 0, 1].into_iter().flat_map(|plane| [(1, plane), (2, plane)]).collect();
    let frames = order.iter().map(|&(time, plane)| frame(time, plane)).collect();
    let pixels = order.iter().flat_map(|&(time, plane)| [(100 * time + plane) as u16; 6]).collect();
    Slice::at(0.0, 0, 1)
        .without((0x20, 0x32))
        .without((0x20, 0x37))
        .without((0x28, 0x30))
        .with((0x28, 8), b"IS", text("6"))
        .with((0x5200, 0x9229), b"SQ", Value::Items(vec![shared]))
        .with((0x5200, 0x9230), b"SQ", Value::Items(frames))
        .with(PIXELS, b"OW", Value::U16(pixels))
}

#[test]
fn frames_of_two_times_are_two_volumes_in_every_coding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let unknown = enhanced().unknown((0x5200, 0x9229)).unknown((0x5200, 0x9230));
    let written = CODINGS.map(|coding| (enhanced(), coding)).into_iter().chain([(unknown, EXPLICIT)]);
    for (slice, coding) in written {
        slice.write_as(&path, coding);
        let found = volumes(&path);
        let meant = [vec![100.0, 101.0, 102.0], vec![100.0, 100.5, 101.0]];
        for (i, (title, values, at)) in found.iter().enumerate() {
            assert!(title.contains(&format!("time {}", i + 1)), "{title}");
            assert_eq!((values, at), (&meant[i], &vec![0.0, 3.0, 6.0]));
        }
        assert_eq!((found.len(), open(&path).volume.grid().spacing()), (2, [0.25, 0.5, 3.0]));
    }
    // Without places the times are still told apart, and the slice distance is said to be a guess.
    let mut bare = enhanced();
    if let Some((_, Value::Items(frames))) = bare.elements.get_mut(&(0x5200, 0x9230)) {
        for frame in frames {
            frame.elements.remove(&(0x20, 0x9113));
        }
    }
    bare.write(&path);
    assert_eq!(volumes(&path).iter().map(|(_, v, _)| v.len()).collect::<Vec<_>>(), [3, 3]);
    for words in ["was taken as 1 mm", "The frames state no position"] {
        assert!(says(&open(&path), words), "{:?}", open(&path).warnings);
    }
    enhanced().with((0x28, 8), b"IS", text("5")).write(&path);
    assert!(matches!(try_open(&path), Err(OpenError::Corrupt { .. })), "frames and descriptions differ");
}

#[test]
fn floats_and_single_bits_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let mut double = Slice::at(0.0, 0, 1).grey(64, false).without(PIXELS);
    double = double.with((0x7fe0, 9), b"OD", Value::F64(vec![0.25, -1.5, 3.0, 4.0, 5.0, 6.0]));
    for big_endian in [false, true] {
        double.write_as(&path, Coding { big_endian, ..EXPLICIT });
        assert_eq!(open(&path).volume.slice_values(0), [0.25, -1.5, 3.0, 4.0, 5.0, 6.0]);
    }
    // Frames run on without a gap: 6 bits, then 6 bits.
    let bits = Slice::at(0.0, 0, 1).grey(1, false).without((0x20, 0x32)).with((0x28, 8), b"IS", text("2"));
    bits.with(PIXELS, b"OB", Value::Bytes(vec![0b0100_1101, 0b0000_1110])).write(&path);
    let volume = open(&path).volume;
    assert_eq!(volume.slice_values(0), [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(volume.slice_values(1), [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
}

#[test]
fn descriptions_are_read_in_their_character_set() {
    let title = |set: &str, name: &[u8]| {
        let slice = |z| {
            Slice::at(0.0, 1, 1)
                .with((8, 5), b"CS", text(set))
                .with((8, 0x103e), b"LO", Value::Bytes(name.to_vec()))
                .text((0x20, 0x12), z)
        };
        let folder = tempfile::tempdir().unwrap();
        slice("1").write(&folder.path().join("1"));
        slice("2").text((8, 0x18), "2.25.9").write(&folder.path().join("2"));
        open(folder.path()).series[0].title.clone()
    };
    assert!(title("ISO_IR 192", "Schädel 頭部".as_bytes()).contains("Schädel 頭部"));
    assert!(title("ISO_IR 100", b"Sch\xe4del").contains("Schädel"));
    assert!(title("\\ISO 2022 IR 87", b"\x1b$BF,It\x1b(B").contains("頭部"));
}

#[test]
fn reading_is_cancelled_at_every_stage() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..20u32 {
        Slice::at(f64::from(i), 1, i).write(&folder.path().join(i.to_string()));
    }
    let file = folder.path().join("dose");
    dose("0\\3\\6").write(&file);
    let stopped = |path: &Path, looks: usize| {
        let mut stop = fovea::testing::CancelsAfter::new(looks);
        matches!(io::open(path, &OpenOptions::default(), &mut stop), Err(OpenError::Cancelled))
    };
    assert!((1..24).all(|looks| stopped(folder.path(), looks)), "looked at once a file and more");
    assert!(stopped(&file, 1) && stopped(&file, 2));
}

#[cfg(unix)]
#[test]
fn pipes_in_a_folder_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    Slice::at(0.0, 1, 1).write(&folder.path().join("a"));
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero")).unwrap();
    assert_eq!(open(folder.path()).volume.dims(), [3, 2, 1]);
}
