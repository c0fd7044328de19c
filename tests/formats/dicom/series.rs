//! Which slices make a volume.

use super::{
    make::{Slice, Value, text},
    open, says, values, volumes,
};
use std::{fs, path::Path};

const ACQUISITION: (u16, u16) = (0x20, 0x12);

/// Files whose names run against every order that counts.
fn folder(slices: impl IntoIterator<Item = Slice>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let slices: Vec<Slice> = slices.into_iter().collect();
    let n = slices.len();
    for (i, slice) in slices.into_iter().enumerate() {
        slice.write(&folder.path().join(format!("{:03}", (n - i) * 7 % (n * 7 + 1))));
    }
    folder
}

/// Eight slices 2 mm apart; each with its own instance number.
fn scan(start: f64, value: i16, first: u32, change: impl Fn(Slice) -> Slice) -> Vec<Slice> {
    (0..8).map(|i| change(Slice::at(start + 2.0 * f64::from(i), value, first + i))).collect()
}

fn steps(n: usize) -> Vec<f64> {
    (0..n).map(|i| 2.0 * i as f64).collect()
}

/// Two volumes of eight slices each, 100 in one and 900 in the other; their titles.
fn two(path: &Path) -> Vec<String> {
    let found = volumes(path);
    assert_eq!(found.len(), 2, "{found:?}");
    for (i, value) in [100.0, 900.0].into_iter().enumerate() {
        assert_eq!((&found[i].1, &found[i].2), (&vec![value; 8], &steps(8)), "{found:?}");
    }
    let shown = open(path);
    assert!(says(&shown, "There are 2 series") && says(&shown, "Not shown"), "{:?}", shown.warnings);
    found.into_iter().map(|(title, ..)| title).collect()
}

#[test]
fn passes_that_lie_among_each_other_are_two_volumes_and_stacked_ones_are_one() {
    let pass = |n: &'static str| move |s: Slice| s.text(ACQUISITION, n);
    let among = folder([scan(0.0, 100, 1, pass("1")), scan(1.0, 900, 9, pass("2"))].concat());
    let titles = two(among.path());
    assert!(titles[0].contains("acquisition 1") && titles[1].contains("acquisition 2"), "{titles:?}");
    let stacked = folder([scan(0.0, 100, 1, pass("1")), scan(16.0, 100, 9, pass("2"))].concat());
    let found = volumes(stacked.path());
    assert_eq!((found.len(), &found[0].2), (1, &steps(16)), "{found:?}");
    // A slice that was scanned again fills the gap that it had left.
    let mut slices = scan(0.0, 100, 1, pass("1"));
    slices[4] = pass("2")(Slice::at(8.0, 100, 20));
    let found = volumes(folder(slices).path());
    assert_eq!((found.len(), &found[0].2), (1, &steps(8)), "{found:?}");
}

#[test]
fn patients_studies_and_frames_of_reference_are_never_mixed() {
    for (tag, words) in
        [((0x10, 0x20), "patient"), ((0x20, 0xd), "study"), ((0x20, 0x52), "frame of reference")]
    {
        let other = |s: Slice| s.text(tag, "2.25.77");
        // Among each other, and behind each other.
        for start in [1.0, 16.0] {
            let found = folder([scan(0.0, 100, 1, |s| s), scan(start, 900, 9, other)].concat());
            let titles = two(found.path());
            assert!(titles.iter().all(|t| t.contains(words)) && titles[0] != titles[1], "{titles:?}");
        }
    }
}

#[test]
fn scans_of_one_place_are_volumes_whose_titles_say_which() {
    let cases: [(&str, (u16, u16), [&str; 2]); 6] = [
        ("time", (0x20, 0x100), ["1", "2"]),
        ("echo", (0x18, 0x86), ["1", "2"]),
        ("b", (0x18, 0x9087), ["0", "1000"]),
        ("trigger time", (0x18, 0x1060), ["0", "350.5"]),
        ("", (8, 8), ["ORIGINAL\\PRIMARY\\M", "ORIGINAL\\PRIMARY\\P"]),
        ("acquisition", ACQUISITION, ["3", "11"]),
    ];
    for (words, tag, [a, b]) in cases {
        let own = |value: &'static str| {
            move |s: Slice| match tag {
                (0x18, 0x9087) => s.with(tag, b"FD", Value::F64(vec![value.parse().unwrap()])),
                _ => s.with(tag, b"CS", text(value)),
            }
        };
        let found = folder([scan(0.0, 100, 1, own(a)), scan(0.0, 900, 9, own(b))].concat());
        let titles = two(found.path());
        let said = |value: &str| format!("{words} {}", value.replace('\\', " ")).trim().to_owned();
        assert!(titles[0].contains(&said(a)) && titles[1].contains(&said(b)), "{titles:?}");
    }
}

#[test]
fn two_keys_at_once_make_four_volumes() {
    let mut slices = Vec::new();
    for (i, (time, echo)) in [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")].into_iter().enumerate() {
        let change = |s: Slice| s.text((0x20, 0x100), time).text((0x18, 0x86), echo);
        slices.extend(scan(0.0, 10 * i as i16, 1 + 8 * i as u32, change));
    }
    let found = volumes(folder(slices).path());
    let firsts: Vec<f32> = found.iter().map(|(_, values, _)| values[0]).collect();
    assert_eq!(firsts, [0.0, 10.0, 20.0, 30.0]);
    assert!(found.iter().all(|(_, values, at)| values.len() == 8 && *at == steps(8)), "{found:?}");
    assert!(found[2].0.contains("time 2") && found[2].0.contains("echo 1"), "{}", found[2].0);
}

#[test]
fn times_that_differ_from_slice_to_slice_split_by_their_order() {
    // Cardiac: 20 ms later in each slice, 400 ms later in the second round.
    let timed = |round: u32| {
        (0..8).map(move |i| {
            let at = f64::from(400 * round + 20 * i);
            Slice::at(2.0 * f64::from(i), [100, 900][round as usize], 20 * i + 5 - round)
                .text((0x18, 0x1060), &at.to_string())
        })
    };
    two(folder(timed(0).chain(timed(1))).path());
}

#[test]
fn localizers_and_other_shapes_stand_apart() {
    let localizer = |i: u32| {
        Slice::at(100.0 + f64::from(i), 5, 50 + i).with((8, 8), b"CS", text("ORIGINAL\\PRIMARY\\LOCALIZER"))
    };
    let sagittal = |i: u32| {
        let place = format!("{i}\\0\\0");
        Slice::at(0.0, 6, 60 + i).text((0x20, 0x32), &place).text((0x20, 0x37), "0\\1\\0\\0\\0\\-1")
    };
    let coarse = |i: u32| Slice::at(3.0 + 2.0 * f64::from(i), 7, 70 + i).text((0x28, 0x30), "0.75\\0.75");
    let unplaced = |i: u32| Slice::at(0.0, 8, 80 + i).without((0x20, 0x32));
    let slices = scan(0.0, 100, 1, |s| s).into_iter();
    let others = (0..2).flat_map(|i| [localizer(i), sagittal(i), coarse(i), unplaced(i)]);
    let found = volumes(folder(slices.chain(others)).path());
    let mut sizes: Vec<(f32, usize)> = found.iter().map(|(_, v, _)| (v[0], v.len())).collect();
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(sizes, [(5.0, 2), (6.0, 2), (7.0, 2), (8.0, 2), (100.0, 8)], "{found:?}");
}

#[test]
fn projections_are_not_opened_before_what_they_were_made_of() {
    let kind = |kind: &'static str| {
        move |s: Slice| {
            let uid = if kind.starts_with("ORIGINAL") { "2.25.2" } else { "2.25.9" };
            s.with((8, 8), b"CS", text(kind)).with((0x20, 0xe), b"UI", text(uid))
        }
    };
    let original = scan(0.0, 100, 1, kind("ORIGINAL\\PRIMARY\\AXIAL"));
    let larger = (0..20).map(|i| {
        kind("DERIVED\\SECONDARY\\MIP")(Slice::at(f64::from(i), 900, 30 + i)).with(
            (0x20, 0x11),
            b"IS",
            text("1"),
        )
    });
    let opened = open(folder(original.iter().cloned().chain(larger)).path());
    assert_eq!(values(&opened.volume), [100.0; 8]);
    // Of two of one size the one that was not computed.
    let derived = scan(0.0, 900, 30, kind("DERIVED\\SECONDARY\\OTHER"));
    let derived = derived.into_iter().map(|s| s.with((0x20, 0x11), b"IS", text("1")));
    let opened = open(folder(derived.chain(original)).path());
    assert_eq!(values(&opened.volume), [100.0; 8]);
}

/// Six frames of 3 × 2 pixels, the first 1 and the last 6.
fn frames() -> Slice {
    let pixels: Vec<u16> = (1..=6).flat_map(|v| [v; 6]).collect();
    Slice::at(0.0, 0, 1).without((0x20, 0x32)).without((0x20, 0x37)).text((0x28, 8), "6").with(
        (0x7fe0, 0x10),
        b"OW",
        Value::U16(pixels),
    )
}

#[test]
fn energy_windows_and_times_of_nuclear_medicine_are_volumes_of_their_own() {
    let vector = |slice: Slice, element, numbers: [u16; 6]| {
        slice.with((0x54, element), b"US", Value::U16(numbers.to_vec()))
    };
    let slices = |slice| vector(slice, 0x80, [1, 2, 3, 1, 2, 3]);
    let nuclear = frames().with((8, 0x60), b"CS", text("NM"));
    let turns = [1, 1, 1, 2, 2, 2];
    for (element, words) in [(0x10, "energy window"), (0x70, "time slot"), (0x100, "time")] {
        let made = folder([vector(slices(nuclear.clone()), element, turns)]);
        let found: Vec<(String, Vec<f32>)> =
            volumes(made.path()).into_iter().map(|(t, v, _)| (t, v)).collect();
        let [(first, a), (second, b)] = &found[..] else { panic!("{found:?}") };
        assert_eq!((a, b), (&vec![1.0, 2.0, 3.0], &vec![4.0, 5.0, 6.0]));
        assert!(first.contains(&format!("{words} 1")) && second.contains(&format!("{words} 2")), "{found:?}");
    }
    // Without slices the times are what the frames follow.
    let planar = folder([vector(nuclear, 0x100, [1, 2, 3, 4, 5, 6])]);
    assert_eq!(volumes(planar.path())[0].1, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn frames_that_are_no_slices_are_refused_or_said() {
    let made = tempfile::tempdir().unwrap();
    let path = made.path().join("a.dcm");
    let tiles =
        frames().with((0x48, 6), b"UL", Value::U32(vec![9])).with((0x48, 7), b"UL", Value::U32(vec![4]));
    let mosaic = Slice::at(0.0, 1, 1).with((8, 8), b"CS", text("ORIGINAL\\PRIMARY\\M\\MOSAIC"));
    for (slice, words) in [(tiles, "whole-slide image"), (mosaic, "Siemens mosaic")] {
        slice.write(&path);
        let told = super::try_open(&path).unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
    let movie = frames().with((8, 0x60), b"CS", text("US"));
    movie.with((0x28, 9), b"AT", Value::U16(vec![0x18, 0x1063])).write(&path);
    assert!(says(&open(&path), "follow each other in time"), "{:?}", open(&path).warnings);
    Slice::at(0.0, 1, 1).text((0x28, 0x34), "1\\2").write(&path);
    assert!(says(&open(&path), "not square (height to width 1 : 2)"), "{:?}", open(&path).warnings);
}

#[test]
fn a_segmentation_is_no_mask_of_pixels() {
    let made = tempfile::tempdir().unwrap();
    let path = made.path().join("a.dcm");
    frames().with((8, 0x60), b"CS", text("SEG")).write(&path);
    let told = fovea::io::open_labels(&path).unwrap_err().to_string();
    assert!(told.contains("DICOM segmentation") && told.contains("NIfTI"), "{told}");
}

#[test]
fn spacing_of_functional_groups_is_that_of_the_object() {
    let measures = Slice::empty().with((0x28, 0x30), b"DS", text("0.5\\0.25"));
    let shared = Slice::empty().with((0x28, 0x9110), b"SQ", Value::Items(vec![measures]));
    let made = tempfile::tempdir().unwrap();
    let path = made.path().join("a.dcm");
    let bare = frames().without((0x28, 0x30)).with((8, 0x60), b"CS", text("OPT"));
    bare.clone().with((0x5200, 0x9229), b"SQ", Value::Items(vec![shared])).write(&path);
    let opened = open(&path);
    assert_eq!(opened.volume.grid().spacing()[..2], [0.25, 0.5]);
    assert!(!says(&opened, "detector"), "{:?}", opened.warnings);
    bare.text((0x18, 0x1164), "0.5\\0.25").write(&path);
    assert!(says(&open(&path), "at the detector"));
}

#[test]
fn a_detectors_spacing_is_said_of_slices_with_places_too() {
    let slices =
        scan(0.0, 100, 1, |s| s.without((0x28, 0x30)).with((0x18, 0x1164), b"DS", text("0.5\\0.25")));
    let opened = open(folder(slices).path());
    assert_eq!(opened.volume.grid().spacing(), [0.25, 0.5, 2.0]);
    assert!(says(&opened, "at the detector"), "{:?}", opened.warnings);
}

#[test]
fn ultrasound_has_the_spacing_of_its_regions_where_they_agree() {
    let region = |[down, across]: [f64; 2], unit: u16| {
        Slice::empty()
            .with((0x18, 0x6012), b"US", Value::U16(vec![1]))
            .with((0x18, 0x6024), b"US", Value::U16(vec![unit]))
            .with((0x18, 0x6026), b"US", Value::U16(vec![unit]))
            .with((0x18, 0x602c), b"FD", Value::F64(vec![across]))
            .with((0x18, 0x602e), b"FD", Value::F64(vec![-down]))
    };
    let made = tempfile::tempdir().unwrap();
    let path = made.path().join("a.dcm");
    let of = |regions: Vec<Slice>| {
        let bare = frames().without((0x28, 0x30)).with((8, 0x60), b"CS", text("US"));
        bare.with((0x18, 0x6011), b"SQ", Value::Items(regions)).write(&path);
        open(&path)
    };
    let opened = of(vec![region([0.05, 0.025], 3), region([0.05, 0.025], 3)]);
    assert_eq!(opened.volume.grid().spacing()[..2], [0.25, 0.5]);
    assert!(says(&opened, "ultrasound region"), "{:?}", opened.warnings);
    // Regions of two scales, and one whose axis is a time.
    for regions in [vec![region([0.05, 0.025], 3), region([0.1, 0.025], 3)], vec![region([0.05, 0.025], 4)]] {
        assert_eq!(of(regions).volume.grid().unit(), fovea::geom::Unit::Pixel);
    }
}

#[test]
fn what_some_slices_do_not_state_does_not_part_them() {
    for (tag, value) in [((0x18, 0x60), "120"), ((0x20, 0x52), "2.25.3"), ((0x18, 0x1210), "B30f")] {
        let mut slices = scan(0.0, 100, 1, |s| s.text(tag, value));
        for slice in slices.iter_mut().step_by(2) {
            *slice = slice.clone().without(tag);
        }
        let found = volumes(folder(slices).path());
        assert_eq!((found.len(), &found[0].2), (1, &steps(8)), "{tag:?}: {found:?}");
    }
}

#[test]
fn a_place_that_is_none_is_said_and_not_used() {
    let folder_of = |tag, value: &str| {
        let mut slices = scan(0.0, 100, 1, |s| s);
        slices[7] = slices[7].clone().text(tag, value);
        folder(slices)
    };
    for (tag, value, words) in [
        ((0x20, 0x32), "0\\0\\1e30", "not a position in a patient"),
        ((0x20, 0x32), "0\\0\\1e6", "not a position in a patient"),
        ((0x20, 0x37), "0\\0\\0\\0\\0\\0", "right angles"),
        ((0x20, 0x37), "1\\0\\0\\1\\0\\0", "right angles"),
    ] {
        let made = folder_of(tag, value);
        let opened = open(made.path());
        assert_eq!((values(&opened.volume), opened.series.len()), (vec![100.0; 7], 2), "{value}");
        assert!(says(&opened, words) && says(&opened, value), "{:?}", opened.warnings);
        assert_eq!(opened.volume.grid().spacing()[2], 2.0, "{value}");
        let single = tempfile::tempdir().unwrap();
        let path = single.path().join("a.dcm");
        Slice::at(0.0, 100, 1).text(tag, value).write(&path);
        assert!(says(&open(&path), words), "{value}");
    }
}

#[test]
fn stacks_beside_each_other_are_two_volumes() {
    let knee = |x: &'static str| {
        move |s: Slice| {
            let place = match &s.elements[&(0x20, 0x32)].1 {
                Value::Text(place) => place.replace("-10", x),
                _ => unreachable!(),
            };
            s.text((0x20, 0x32), &place)
        }
    };
    two(folder([scan(0.0, 100, 1, knee("-90")), scan(30.0, 900, 9, knee("60"))].concat()).path());
}

#[test]
fn the_scale_of_a_volume_does_not_matter() {
    // Half a micrometre between slices, and half a metre.
    for step in [0.0005, 0.005, 500.0] {
        let found = volumes(folder((0..8).map(|i| Slice::at(step * f64::from(i), 100, i))).path());
        assert_eq!((found.len(), found[0].1.len()), (1, 8), "{step}: {found:?}");
    }
    // A gap of half a metre between blocks of slices is no reason to take the slices for copies.
    let blocks = (0..16).map(|i| Slice::at(f64::from(i % 8) + f64::from(i / 8) * 500.0, 100, i as u32 + 1));
    let found = volumes(folder(blocks).path());
    assert_eq!((found.len(), found[0].1.len()), (1, 16), "{found:?}");
    // Positions that shake by half a micrometre are one place.
    let shaken = |value, first, by: f64| {
        (0..8u32).map(move |i| {
            let z = 2.0 * f64::from(i) + by * f64::from(i % 3);
            Slice::at(z, value, first + i).text(ACQUISITION, if value == 100 { "1" } else { "2" })
        })
    };
    let found = volumes(folder(shaken(100, 1, 0.0).chain(shaken(900, 9, 0.0005))).path());
    assert_eq!(found.iter().map(|(_, v, _)| v.len()).collect::<Vec<_>>(), [8, 8], "{found:?}");
    assert!(found.iter().all(|(_, v, _)| v.iter().all(|x| *x == v[0])), "{found:?}");
}

#[test]
fn copies_are_shown_once_and_unlike_slices_at_one_place_are_kept() {
    let folder = folder(scan(0.0, 100, 1, |s| s));
    fs::copy(folder.path().join("007"), folder.path().join("copy")).unwrap();
    let opened = open(folder.path());
    assert_eq!((opened.volume.dims()[2], opened.series.len()), (8, 0));
    assert!(says(&opened, "1 files are copies"), "{:?}", opened.warnings);
    // Another image of the same place, which nothing tells from the first.
    Slice::at(4.0, 700, 30).write(&folder.path().join("other"));
    let found = volumes(folder.path());
    assert_eq!(found.iter().map(|(_, v, _)| v.len()).collect::<Vec<_>>(), [8, 1], "{found:?}");
    assert_eq!((found[0].1[2], found[1].1[0]), (100.0, 700.0), "by their numbers");
    assert!(says(&open(folder.path()), "nothing in the files says which belong together"));
}

#[test]
fn without_positions_locations_and_numbers_give_the_order() {
    let bare = |z: f64, value, instance| Slice::at(z, value, instance).without((0x20, 0x32));
    let located = |(i, z): (u32, f64)| bare(0.0, z as i16, 9 - i).text((0x20, 0x1041), &z.to_string());
    let by_location =
        folder([0.0, 3.0, 6.0, 12.0].into_iter().enumerate().map(|(i, z)| located((i as u32, z))));
    let found = volumes(by_location.path());
    assert_eq!((&found[0].1, &found[0].2), (&vec![0.0, 3.0, 6.0, 12.0], &vec![0.0, 3.0, 6.0, 12.0]));
    let opened = open(by_location.path());
    assert!(says(&opened, "slice locations") && says(&opened, "1 slice seems to be missing"));

    let by_number = folder([5, 1, 3, 2, 10].map(|n| bare(0.0, n, n as u32)));
    let opened = open(by_number.path());
    assert_eq!(values(&opened.volume), [1.0, 2.0, 3.0, 5.0, 10.0]);
    assert!(says(&opened, "in the order of their numbers"), "{:?}", opened.warnings);

    let by_nothing = folder([2, 10, 1].map(|n| bare(0.0, n, n as u32).without((0x20, 0x13))));
    let opened = open(by_nothing.path());
    assert_eq!(values(&opened.volume), [1.0, 2.0, 10.0]);
    assert!(says(&opened, "may be wrong"), "{:?}", opened.warnings);
}

#[test]
fn radiographs_of_one_series_are_pictures_and_no_volume() {
    let view = |n: u32| {
        Slice::at(0.0, n as i16, n).without((0x20, 0x32)).without((0x20, 0x37)).with(
            (8, 0x60),
            b"CS",
            text("CR"),
        )
    };
    let found = volumes(folder([view(1), view(2)]).path());
    assert_eq!(found.iter().map(|(_, v, _)| v.clone()).collect::<Vec<_>>(), [[1.0], [2.0]], "{found:?}");
}
