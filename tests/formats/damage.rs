//! For every format: files that the program wrote or that are made here, whole, cut, and with bytes changed.

use fovea::{
    geom::{Frame, Grid, Unit},
    io::{self, FORMATS, OpenError, OpenOptions, Opened, Progress, Quiet},
    label::LabelMap,
    volume::{Modality, Samples, Volume},
};
use glam::{DAffine3, DMat3, DVec3};
use std::{
    fs,
    path::{Path, PathBuf},
};

fn open(path: &Path) -> Result<Opened, OpenError> {
    io::open(path, &OpenOptions::default(), &mut Quiet)
}

fn grid(dims: [usize; 3]) -> Grid {
    let matrix3 = DMat3::from_diagonal(DVec3::new(0.5, 0.75, 3.0));
    let affine = DAffine3 { matrix3, translation: DVec3::new(-20.0, 31.0, 5.5) };
    Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap()
}

/// Values without pattern, so that no cut part can be filled in by chance.
fn noise(n: usize) -> impl Iterator<Item = u32> {
    (0..n).scan(2_463_534_242u32, |x, _| {
        *x ^= *x << 13;
        *x ^= *x >> 17;
        *x ^= *x << 5;
        Some(*x)
    })
}

fn volume(dims: [usize; 3]) -> Volume {
    let n = dims.iter().product();
    let samples: Vec<i16> = noise(n).map(|v| (v % 4000) as i16 - 1000).collect();
    Volume::new(grid(dims), Samples::I16(samples.into()), [1.0, 0.0], Modality::Other).unwrap()
}

fn picture(dims: [usize; 3], colour: bool) -> Volume {
    let n: usize = dims.iter().product();
    let samples = match colour {
        true => Samples::Rgb8(noise(n).map(|v| [v as u8, (v >> 8) as u8, (v >> 16) as u8]).collect()),
        false => Samples::U8(noise(n).map(|v| v as u8).collect()),
    };
    Volume::new(Grid::pixels(dims).unwrap(), samples, [1.0, 0.0], Modality::Other).unwrap()
}

/// An uncompressed CT slice, element by element (PS3.5, explicit VR little-endian).
pub fn dicom(z: f64, instance: u32, rows: u16, columns: u16) -> Vec<u8> {
    fn element(out: &mut Vec<u8>, tag: (u16, u16), vr: &[u8; 2], value: &[u8]) {
        out.extend(tag.0.to_le_bytes());
        out.extend(tag.1.to_le_bytes());
        out.extend(vr);
        let mut value = value.to_vec();
        if !value.len().is_multiple_of(2) {
            value.push(if vr == b"UI" { 0 } else { b' ' });
        }
        if vr == b"OW" || vr == b"OB" {
            out.extend([0, 0]);
            out.extend((value.len() as u32).to_le_bytes());
        } else {
            out.extend((value.len() as u16).to_le_bytes());
        }
        out.extend(value);
    }
    let mut meta = Vec::new();
    element(&mut meta, (2, 1), b"OB", &[0, 1]);
    element(&mut meta, (2, 2), b"UI", b"1.2.840.10008.5.1.4.1.1.2");
    element(&mut meta, (2, 3), b"UI", b"2.25.7");
    element(&mut meta, (2, 0x10), b"UI", b"1.2.840.10008.1.2.1");
    element(&mut meta, (2, 0x12), b"UI", b"2.25.1");
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    element(&mut out, (2, 0), b"UL", &(meta.len() as u32).to_le_bytes());
    out.extend(meta);
    element(&mut out, (8, 0x60), b"CS", b"CT");
    element(&mut out, (0x20, 0xe), b"UI", b"2.25.99");
    element(&mut out, (0x20, 0x13), b"IS", instance.to_string().as_bytes());
    element(&mut out, (0x20, 0x32), b"DS", format!("-10\\-20\\{z}").as_bytes());
    element(&mut out, (0x20, 0x37), b"DS", b"1\\0\\0\\0\\1\\0");
    element(&mut out, (0x28, 2), b"US", &1u16.to_le_bytes());
    element(&mut out, (0x28, 4), b"CS", b"MONOCHROME2");
    element(&mut out, (0x28, 0x10), b"US", &rows.to_le_bytes());
    element(&mut out, (0x28, 0x11), b"US", &columns.to_le_bytes());
    element(&mut out, (0x28, 0x30), b"DS", b"0.75\\0.5");
    element(&mut out, (0x28, 0x100), b"US", &16u16.to_le_bytes());
    element(&mut out, (0x28, 0x101), b"US", &16u16.to_le_bytes());
    element(&mut out, (0x28, 0x102), b"US", &15u16.to_le_bytes());
    element(&mut out, (0x28, 0x103), b"US", &1u16.to_le_bytes());
    element(&mut out, (0x28, 0x1052), b"DS", b"-1024");
    element(&mut out, (0x28, 0x1053), b"DS", b"1");
    let pixels: Vec<u8> = noise(usize::from(rows) * usize::from(columns))
        .flat_map(|v| ((v % 2000) as i16 + instance as i16).to_le_bytes())
        .collect();
    element(&mut out, (0x7fe0, 0x10), b"OW", &pixels);
    out
}

/// One whole file of each kind, by the id of its format; made here, so that every format of the list has one.
fn whole_files(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let at = |name: &str| folder.join(name);
    io::write_volume_nifti(&at("a.nii"), &volume([9, 8, 7])).unwrap();
    io::write_volume_nifti(&at("a.nii.gz"), &volume([9, 8, 7])).unwrap();
    io::write_image_png(&at("grey.png"), &picture([31, 17, 1], false)).unwrap();
    io::write_image_png(&at("colour.png"), &picture([31, 17, 1], true)).unwrap();
    io::write_image_tiff(&at("pages.tif"), &picture([13, 11, 5], false)).unwrap();
    let Samples::Rgb8(pixels) = picture([40, 24, 1], true).samples().clone() else { unreachable!() };
    for name in ["photo.jpg", "photo.bmp", "photo.gif"] {
        image::save_buffer(at(name), pixels.as_flattened(), 40, 24, image::ExtendedColorType::Rgb8).unwrap();
    }
    let nrrd = io::writer_of(&at("a.nrrd")).and_then(|(writer, _)| writer.image).unwrap();
    nrrd(&at("a.nrrd"), &volume([9, 8, 7])).unwrap();
    fs::write(at("slice.dcm"), dicom(3.0, 1, 12, 10)).unwrap();
    let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (5, 9, 7), }\n";
    let mut npy = [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    npy.extend(noise(5 * 9 * 7).flat_map(|v| (v as i16).to_le_bytes()));
    fs::write(at("array.npy"), npy).unwrap();
    let files = [
        "a.nii",
        "a.nii.gz",
        "grey.png",
        "colour.png",
        "pages.tif",
        "photo.jpg",
        "photo.bmp",
        "photo.gif",
        "slice.dcm",
        "array.npy",
        "a.nrrd",
    ];
    files.iter().map(|name| (io::find_format(&at(name)).unwrap().id, at(name))).collect()
}

fn same(a: &Volume, b: &Volume) -> bool {
    a.dims() == b.dims() && (0..a.dims()[2]).all(|z| a.slice_values(z) == b.slice_values(z))
}

#[test]
fn every_format_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let tried: Vec<&str> = whole_files(folder.path()).iter().map(|(id, _)| *id).collect();
    // Folders are tried below; samples are no files.
    for format in FORMATS.iter().filter(|f| !f.extensions.is_empty()) {
        assert!(tried.contains(&format.id), "{} has no file in this test", format.id);
    }
}

#[test]
fn whole_files_come_back() {
    let folder = tempfile::tempdir().unwrap();
    whole_files(folder.path());
    let at = |name: &str| open(&folder.path().join(name)).unwrap();
    for name in ["a.nii", "a.nii.gz"] {
        let opened = at(name);
        assert!(same(&opened.volume, &volume([9, 8, 7])));
        assert!(opened.warnings.is_empty(), "{:?}", opened.warnings);
        assert_eq!(opened.volume.grid().patient_from_voxel(), grid([9, 8, 7]).patient_from_voxel());
    }
    assert!(same(&at("grey.png").volume, &picture([31, 17, 1], false)));
    assert!(same(&at("colour.png").volume, &picture([31, 17, 1], true)));
    assert!(same(&at("pages.tif").volume, &picture([13, 11, 5], false)));
    assert!(same(&at("photo.bmp").volume, &picture([40, 24, 1], true)));
    let slice = at("slice.dcm").volume;
    assert_eq!(
        (slice.dims(), slice.modality(), slice.rescale()),
        ([10, 12, 1], Modality::Ct, [1.0, -1024.0])
    );
    assert_eq!(slice.grid().spacing()[..2], [0.5, 0.75]);
}

/// Cut at every length (at a spread of them for the larger): refused in words, or the very same image.
#[test]
fn cut_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut refused, mut harmless) = (0, 0);
    for (_, path) in whole_files(folder.path()) {
        let bytes = fs::read(&path).unwrap();
        let whole = open(&path).unwrap().volume;
        let cut_path = folder.path().join(format!("cut-{}", path.file_name().unwrap().to_str().unwrap()));
        let step = (bytes.len() / 300).max(1);
        for length in (0..bytes.len()).step_by(step).chain(bytes.len().saturating_sub(12)..bytes.len()) {
            fs::write(&cut_path, &bytes[..length]).unwrap();
            match open(&cut_path) {
                Ok(opened) => {
                    assert!(
                        same(&opened.volume, &whole),
                        "{} cut to {length} bytes shows another image",
                        path.display()
                    );
                    harmless += 1;
                }
                Err(OpenError::Decoder { message, .. }) => {
                    panic!("{} cut to {length} bytes made the decoder panic: {message}", path.display())
                }
                Err(error) => {
                    assert!(error.to_string().contains("cut-"), "{error}");
                    refused += 1;
                }
            }
        }
    }
    eprintln!("{refused} cuts refused, {harmless} took nothing of the image");
    assert!(refused > 1500 && harmless < refused / 50, "{refused} refused, {harmless} not");
}

/// Bytes changed at random: an error or an image, never a crash; where there is a checksum, always an error or the
/// very same image.
#[test]
fn changed_files_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    for (_, path) in whole_files(folder.path()) {
        let bytes = fs::read(&path).unwrap();
        let whole = open(&path).unwrap().volume;
        let name = path.file_name().unwrap().to_str().unwrap();
        let changed_path = folder.path().join(format!("changed-{name}"));
        let has_checksum = name.ends_with(".gz");
        let mut random = noise(1_000_000);
        for _ in 0..60 {
            let mut changed = bytes.clone();
            let at = random.next().unwrap() as usize % changed.len();
            changed[at] ^= 1 << (random.next().unwrap() % 8);
            fs::write(&changed_path, &changed).unwrap();
            if let Ok(opened) = open(&changed_path) {
                assert!(!has_checksum || same(&opened.volume, &whole), "{name}: byte {at} changed unseen");
            }
        }
    }
}

#[test]
fn rubbish_behind_a_compressed_volume_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii.gz");
    io::write_volume_nifti(&path, &volume([9, 8, 7])).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend(b"rubbish");
    fs::write(&path, bytes).unwrap();
    let opened = open(&path).unwrap();
    assert!(same(&opened.volume, &volume([9, 8, 7])));
    assert!(opened.warnings[0].contains("7 bytes"), "{:?}", opened.warnings);
}

#[test]
fn headers_that_ask_for_absurd_sizes_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.nii");
    io::write_volume_nifti(&path, &volume([9, 8, 7])).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    for axis in 0..3 {
        bytes[42 + 2 * axis..44 + 2 * axis].copy_from_slice(&32_767i16.to_le_bytes());
    }
    fs::write(&path, &bytes).unwrap();
    let start = std::time::Instant::now();
    assert!(matches!(open(&path), Err(OpenError::Truncated { expected, .. }) if expected > 1 << 40));
    // A DICOM element that claims 4 GB.
    let mut slice = dicom(3.0, 1, 12, 10);
    let pixels = slice.len() - 240 - 4;
    slice[pixels..pixels + 4].copy_from_slice(&0xf000_0000u32.to_le_bytes());
    let path = folder.path().join("bomb.dcm");
    fs::write(&path, slice).unwrap();
    assert!(matches!(open(&path), Err(OpenError::Truncated { .. })));
    assert!(start.elapsed().as_secs() < 2);
}

#[test]
fn series_is_sorted_by_position_and_its_gap_is_said() {
    let folder = tempfile::tempdir().unwrap();
    // Names and instance numbers run against the positions; the slice at 9 mm is missing.
    for (i, z) in [12.0, 6.0, 3.0, 0.0].into_iter().enumerate() {
        fs::write(folder.path().join(format!("{i}")), dicom(z, i as u32, 12, 10)).unwrap();
    }
    fs::write(folder.path().join("other"), dicom(0.0, 9, 6, 6)).unwrap();
    fs::write(folder.path().join("notes.txt"), "not an image").unwrap();
    let opened = open(folder.path()).unwrap();
    let volume = &opened.volume;
    assert_eq!(volume.dims(), [10, 12, 4]);
    assert_eq!(volume.value([0, 0, 0])[0] - volume.value([0, 0, 3])[0], 3.0, "slices are in the wrong order");
    for (z, mm) in [0.0, 3.0, 6.0, 12.0].into_iter().enumerate() {
        let at = volume.grid().patient_of(DVec3::new(0.0, 0.0, z as f64));
        assert!((at - DVec3::new(-10.0, -20.0, mm)).length() < 1e-9, "slice {z} lies at {at}");
    }
    assert!(
        opened.warnings.iter().any(|w| w.contains("1 slice seems to be missing")),
        "{:?}",
        opened.warnings
    );
    assert_eq!(opened.series.len(), 2);
    let other = opened.series.iter().find(|s| !s.shown).unwrap();
    let options = OpenOptions { series: Some(other.id.clone()), ..OpenOptions::default() };
    assert_eq!(io::open(folder.path(), &options, &mut Quiet).unwrap().volume.dims(), [6, 6, 1]);
    let options = OpenOptions { series: Some("nothing".into()), ..OpenOptions::default() };
    let error = io::open(folder.path(), &options, &mut Quiet).unwrap_err().to_string();
    assert!(error.contains(&other.id), "{error}");
}

#[test]
fn folder_of_pictures_is_a_volume_and_mixed_sizes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for i in [1, 2, 10] {
        let slice = Volume::new(
            Grid::pixels([6, 5, 1]).unwrap(),
            Samples::U8([i; 30].into()),
            [1.0, 0.0],
            Modality::Other,
        );
        io::write_image_png(&folder.path().join(format!("b{i}.png")), &slice.unwrap()).unwrap();
    }
    let opened = open(folder.path()).unwrap();
    let along: Vec<f32> = (0..3).map(|z| opened.volume.value([0, 0, z])[0]).collect();
    assert_eq!(along, [1.0, 2.0, 10.0]);
    assert!(opened.warnings[0].contains("gap after b2.png"), "{:?}", opened.warnings);
    io::write_image_png(&folder.path().join("b11.png"), &picture([7, 5, 1], false)).unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("b11.png differs from b1.png: it is 7 x 5, the first is 6 x 5"), "{error}");
}

/// Remembers what it is told; cancels after a number of reports.
#[derive(Default)]
struct Watch {
    reports: Vec<(u64, u64)>,
    preview: Option<(Volume, usize, usize)>,
    reports_before_preview: usize,
    cancel_after: Option<usize>,
}

impl Progress for Watch {
    fn report(&mut self, done: u64, total: u64) {
        self.reports.push((done, total));
    }
    fn preview(&mut self, slice: Volume, z: usize, depth: usize) {
        self.reports_before_preview = self.reports.len();
        self.preview = Some((slice, z, depth));
    }
    fn cancelled(&self) -> bool {
        self.cancel_after.is_some_and(|n| self.reports.len() >= n)
    }
}

#[test]
fn middle_slice_comes_first_and_loading_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // Larger than what is read between two looks.
    let large = volume([256, 256, 24]);
    io::write_volume_nifti(&at("a.nii"), &large).unwrap();
    io::write_volume_nifti(&at("a.nii.gz"), &large).unwrap();
    io::write_image_tiff(&at("a.tif"), &picture([9, 8, 5], false)).unwrap();
    fs::create_dir(at("series")).unwrap();
    for i in 0..12 {
        fs::write(at("series").join(format!("{i}")), dicom(f64::from(i), i, 12, 10)).unwrap();
    }
    for name in ["a.nii", "a.nii.gz", "a.tif", "series"] {
        let mut watch = Watch::default();
        let opened = io::open(&at(name), &OpenOptions::default(), &mut watch).unwrap();
        let (slice, z, depth) = watch.preview.expect(name);
        assert_eq!((z, depth), (opened.volume.dims()[2] / 2, opened.volume.dims()[2]), "{name}");
        assert_eq!(slice.slice_values(0), opened.volume.slice_values(z), "{name}");
        let centre = |v: &Volume, z: f64| v.grid().patient_of(DVec3::new(1.0, 2.0, z));
        assert!((centre(&slice, 0.0) - centre(&opened.volume, z as f64)).length() < 1e-9, "{name}");
        assert!(
            watch.reports.last().is_some_and(|(done, total)| done == total),
            "{name}: {:?}",
            watch.reports.last()
        );
        assert!(watch.reports_before_preview < watch.reports.len(), "{name}: the preview came last");

        let mut stop = Watch { cancel_after: Some(1), ..Watch::default() };
        let stopped = io::open(&at(name), &OpenOptions::default(), &mut stop);
        assert!(matches!(stopped, Err(OpenError::Cancelled)), "{name}");
    }
}

#[test]
fn samples_open_by_name() {
    let opened = open(Path::new("sample:oct")).unwrap();
    assert!(opened.volume.dims()[2] > 1);
    let error = open(Path::new("sample:nothing")).unwrap_err().to_string();
    assert!(error.contains("fundus") && error.contains("ct"), "{error}");
}

#[test]
fn what_is_not_there_or_not_an_image_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    assert!(matches!(open(&at("none.nii")), Err(OpenError::NotFound { .. })));
    fs::write(at("empty.png"), b"").unwrap();
    assert!(open(&at("empty.png")).unwrap_err().to_string().contains("0 bytes"));
    fs::write(at("text.png"), b"hello").unwrap();
    assert!(matches!(open(&at("text.png")), Err(OpenError::Corrupt { .. })));
    fs::write(at("text.xyz"), b"hello").unwrap();
    assert!(matches!(open(&at("text.xyz")), Err(OpenError::Unknown { .. })));
    fs::write(at("a.mha"), b"ObjectType = Image\n").unwrap();
    assert!(open(&at("a.mha")).unwrap_err().to_string().contains("MetaImage is not supported"));
    fs::write(at("a.nrrd"), b"NRRD0004\n").unwrap();
    assert!(open(&at("a.nrrd")).unwrap_err().to_string().contains("has no line"));
    fs::create_dir(at("nothing")).unwrap();
    assert!(matches!(open(&at("nothing")), Err(OpenError::NoImage { .. })));
}

#[test]
fn colour_masks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.png");
    io::write_image_png(&path, &picture([5, 4, 1], true)).unwrap();
    assert!(matches!(io::open_labels(&path), Err(OpenError::NotLabels { .. })));
    let map = LabelMap::from_values([2, 2, 1], &[0, 255, 255, 0]).unwrap();
    io::write_label_png(&path, &map).unwrap();
    assert_eq!(io::open_labels(&path).unwrap().0.to_values(), [0, 255, 255, 0]);
}
