//! MONOCHROME1 of DICOM: low values are shown white, and stay the values that they are.

use super::damage::dicom;
use fovea::{
    geom::Plane,
    gpu::{SliceDraw, SliceImage, ViewTransform, cpu_twin},
    io::{self, OpenOptions, Quiet},
    volume::Volume,
};
use glam::DVec2;
use std::path::Path;

fn open(path: &Path) -> Volume {
    io::open(path, &OpenOptions::default(), &mut Quiet).unwrap_or_else(|e| panic!("{e}")).volume
}

/// The shades that a person sees first, a pixel of the screen for each of the image.
fn shades(volume: &Volume) -> Vec<u8> {
    let axes = volume.grid().plane_axes(Plane::Axial);
    let [width, height] = axes.size(volume.dims());
    let size = [width as f64, height as f64];
    let view = ViewTransform::centered(size, [1.0, 1.0], 1.0, DVec2::from(size) / 2.0);
    let draw = SliceDraw::of_image(SliceImage { volume: volume.clone(), axes, slice: 0 }, view);
    cpu_twin::draw(&draw, [width as u32, height as u32]).unwrap().pixels().map(|p| p.0[0]).collect()
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|w| w == from).expect("it is there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[test]
fn low_values_are_shown_white_and_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    // A radiograph, so that its values have no unit.
    let plain = replaced(&dicom(0.0, 1, 12, 10), b"CS\x02\0CT", b"CS\x02\0CR");
    let turned = replaced(&plain, b"MONOCHROME2", b"MONOCHROME1");
    let [plain, turned] = [("2.dcm", plain), ("1.dcm", turned)].map(|(name, bytes)| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        open(&path)
    });
    assert!(turned.low_is_white() && !plain.low_is_white());
    assert_eq!(turned.stats(), plain.stats());
    assert_eq!(turned.value([3, 4, 0]), plain.value([3, 4, 0]), "under the cursor");

    let (dark, bright) = (shades(&plain), shades(&turned));
    assert!(dark.iter().any(|&v| v < 10) && dark.iter().any(|&v| v > 245), "{dark:?}");
    for (a, b) in dark.iter().zip(&bright) {
        assert!((i32::from(*a) + i32::from(*b) - 255).abs() <= 1, "{a} became {b}");
    }
}

#[test]
fn radiographs_of_the_shared_data_look_right() {
    let Some(data) = fovea::testing::shared("data") else {
        return;
    };
    for name in ["rse-panimg__cxr.dcm", "pydicom-data__RG3_J2KI.dcm"] {
        let volume = open(&data.join("torture/dicom").join(name));
        assert!(volume.low_is_white(), "{name}");
        let shades = shades(&volume);
        let lowest =
            (0..shades.len()).min_by(|&a, &b| volume.scalar_value(a).total_cmp(&volume.scalar_value(b)));
        let highest =
            (0..shades.len()).max_by(|&a, &b| volume.scalar_value(a).total_cmp(&volume.scalar_value(b)));
        assert_eq!(lowest.map(|i| shades[i]), Some(255), "{name}");
        assert_eq!(highest.map(|i| shades[i]), Some(0), "{name}");
    }
}
