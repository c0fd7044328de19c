//! Orientation: every order and direction of axes, straight and oblique, said by sform, qform, both, or both and
//! differently; read, written and read again.

use fovea::{
    geom::{Frame, Grid, Unit},
    io::{self, OpenOptions, Quiet},
    label::LabelMap,
};
use glam::{DAffine3, DMat3, DQuat, DVec3};
use std::path::Path;

const DIMS: [usize; 3] = [5, 7, 4];
const SPACING: [f64; 3] = [0.7, 1.3, 2.5];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Said {
    SformOnly,
    QformOnly,
    BothEqual,
    BothDiffer,
}

/// All 48 ways in which three voxel axes can lie along the axes of the world.
fn axis_orders() -> Vec<DMat3> {
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut all = Vec::new();
    for order in ORDERS {
        for signs in 0..8 {
            let column = |axis: usize| {
                let sign = if signs >> axis & 1 == 1 { -1.0 } else { 1.0 };
                DVec3::AXES[order[axis]] * sign
            };
            all.push(DMat3::from_cols(column(0), column(1), column(2)));
        }
    }
    all
}

/// The bytes of a NIfTI-1 file, written from the standard's table of fields and not with the program's writer.
fn file(ras: DAffine3, said: Said, values: &[u8]) -> Vec<u8> {
    let mut h = vec![0u8; 352];
    let mut put = |at: usize, bytes: &[u8]| h[at..at + bytes.len()].copy_from_slice(bytes);
    let f32s = |values: &[f64]| values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect::<Vec<u8>>();
    put(0, &348i32.to_le_bytes());
    let dim = [3, DIMS[0] as i16, DIMS[1] as i16, DIMS[2] as i16, 1, 1, 1, 1];
    put(40, &dim.iter().flat_map(|d| d.to_le_bytes()).collect::<Vec<u8>>());
    put(70, &2i16.to_le_bytes());
    put(72, &8i16.to_le_bytes());
    put(108, &352f32.to_le_bytes());
    put(123, &[2]);
    put(344, b"n+1\0");
    let m = ras.matrix3;
    let handed = m.determinant().signum();
    put(76, &f32s(&[handed, SPACING[0], SPACING[1], SPACING[2], 1.0, 1.0, 1.0, 1.0]));
    let (sform, qform) = match said {
        Said::SformOnly => (1i16, 0i16),
        Said::QformOnly => (0, 1),
        Said::BothEqual | Said::BothDiffer => (1, 1),
    };
    put(252, &qform.to_le_bytes());
    put(254, &sform.to_le_bytes());
    let rotation =
        DMat3::from_cols(m.x_axis / SPACING[0], m.y_axis / SPACING[1], m.z_axis / SPACING[2] * handed);
    let q = DQuat::from_mat3(&rotation);
    let q = if q.w < 0.0 { -q } else { q };
    let mut t = ras.translation;
    if said == Said::BothDiffer {
        t.y += 5.0;
    }
    put(256, &f32s(&[q.x, q.y, q.z, t.x, t.y, t.z]));
    for row in 0..3 {
        let r = [m.x_axis[row], m.y_axis[row], m.z_axis[row], ras.translation[row]];
        put(280 + 16 * row, &f32s(&r));
    }
    h.extend(values);
    h
}

/// A label at each corner, different in all, so that a flip or a swap cannot hide.
fn values() -> Vec<u8> {
    (0..DIMS.iter().product::<usize>()).map(|i| (i * 37 % 251) as u8).collect()
}

fn corners(grid: &Grid) -> Vec<DVec3> {
    let [x, y, z] = DIMS.map(|d| d as f64 - 1.0);
    let corner = |i: usize| {
        let at = |bit: usize, far: f64| if i >> bit & 1 == 1 { far } else { 0.0 };
        grid.patient_of(DVec3::new(at(0, x), at(1, y), at(2, z)))
    };
    (0..8).map(corner).collect()
}

fn furthest(a: &Grid, b: &Grid) -> f64 {
    corners(a).iter().zip(corners(b)).map(|(a, b)| (*a - b).length()).fold(0.0, f64::max)
}

fn letters(ras: DMat3) -> String {
    let letter = |axis: DVec3| {
        let world = (0..3).max_by(|&a, &b| axis[a].abs().total_cmp(&axis[b].abs())).unwrap();
        [["L", "R"], ["P", "A"], ["I", "S"]][world][usize::from(axis[world] > 0.0)]
    };
    [ras.x_axis, ras.y_axis, ras.z_axis].map(letter).concat()
}

fn open(path: &Path) -> io::Opened {
    io::open(path, &OpenOptions::default(), &mut Quiet).unwrap()
}

#[test]
fn forty_eight_axis_orders_read_and_write_back() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("in.nii"), folder.path().join("out.nii.gz"));
    let values = values();
    let tilt = DMat3::from_quat(DQuat::from_euler(glam::EulerRot::XYZ, 0.21, -0.13, 0.34));
    let origin = DVec3::new(-83.7, 41.2, 12.9);
    let mut cases = 0;
    for order in axis_orders() {
        for oblique in [false, true] {
            let turned = if oblique { tilt * order } else { order };
            let ras = DAffine3 {
                matrix3: turned * DMat3::from_diagonal(DVec3::from_array(SPACING)),
                translation: origin,
            };
            let lps = DAffine3::from_scale(DVec3::new(-1.0, -1.0, 1.0)) * ras;
            let meant = Grid::new(DIMS, lps, Unit::Millimetre, Frame::Patient).unwrap();
            for said in [Said::SformOnly, Said::QformOnly, Said::BothEqual, Said::BothDiffer] {
                let case = format!("{said:?}, oblique {oblique}, {}", letters(order));
                std::fs::write(&first, file(ras, said, &values)).unwrap();
                let read = open(&first);
                let grid = read.volume.grid().clone();
                assert!(furthest(&grid, &meant) < 1e-4, "{case}: {} mm apart", furthest(&grid, &meant));
                let codes: String = grid.axis_codes().iter().collect();
                assert_eq!(codes, letters(order), "{case}");
                let warned = read.warnings.iter().any(|w| w.contains("differ by up to 5.000 mm"));
                assert_eq!(warned, said == Said::BothDiffer, "{case}: {:?}", read.warnings);

                io::write_volume_nifti(&second, &read.volume).unwrap();
                let again = open(&second);
                assert!(furthest(&grid, again.volume.grid()) < 1e-4, "{case}");
                assert_eq!(again.facts["sform_code"], 1, "{case}");
                assert_eq!(again.facts["qform_code"], 1, "{case}");
                assert!(again.warnings.is_empty(), "{case}: {:?}", again.warnings);
                assert_eq!(again.volume.slice_values(3), read.volume.slice_values(3), "{case}");

                // What the qform alone says is the same place.
                let mut qform_only = decompressed(&second);
                qform_only[254..256].copy_from_slice(&[0, 0]);
                std::fs::write(&first, &qform_only).unwrap();
                assert!(furthest(&grid, open(&first).volume.grid()) < 2e-4, "{case}: qform written");
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 48 * 2 * 4);
}

fn decompressed(path: &Path) -> Vec<u8> {
    use std::io::Read;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_qform_that_had_to_be_made_good_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.nii");
    let ras = DAffine3::from_scale(DVec3::from_array(SPACING));
    let whole = file(ras, Said::QformOnly, &values());
    let with = |at: usize, numbers: &[f32]| {
        let mut bytes = whole.clone();
        for (i, number) in numbers.iter().enumerate() {
            bytes[at + 4 * i..at + 4 * i + 4].copy_from_slice(&number.to_le_bytes());
        }
        std::fs::write(&path, bytes).unwrap();
        open(&path)
    };
    assert_eq!(with(256, &[0.0; 3]).warnings, [""; 0]);
    // A half turn, too long by rounding.
    assert_eq!(with(256, &[1.000_001, 0.0, 0.0]).warnings, [""; 0]);
    assert!(with(256, &[5.0, 5.0, 5.0]).warnings[0].contains("qform is not a rotation"));
    for length in [0.0, f32::NAN] {
        let opened = with(80, &[length]);
        assert_eq!(opened.volume.grid().spacing(), [1.0; 3]);
        assert!(opened.warnings[0].contains("x 1.3 x 2.5 is not valid"), "{:?}", opened.warnings);
    }
}

#[test]
fn sheared_volume_keeps_its_shear_in_the_sform_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.nii");
    let mut matrix3 = DMat3::from_diagonal(DVec3::from_array(SPACING));
    matrix3.z_axis.y = 0.8;
    let affine = DAffine3 { matrix3, translation: DVec3::new(1.0, 2.0, 3.0) };
    let grid = Grid::new(DIMS, affine, Unit::Millimetre, Frame::Patient).unwrap();
    let ids: Vec<u16> = values().into_iter().map(u16::from).collect();
    let map = LabelMap::from_values(DIMS, &ids).unwrap();
    io::write_label_nifti(&path, &map, &grid).unwrap();
    let back = open(&path);
    assert_eq!((&back.facts["sform_code"], &back.facts["qform_code"]), (&1.into(), &0.into()));
    assert!(back.warnings[0].contains("sheared"), "{:?}", back.warnings);
    let (labels, on, _) = io::open_labels(&path).unwrap();
    assert!(furthest(&on, &grid) < 1e-4);
    assert_eq!(labels.to_values(), ids);
}

#[test]
fn picture_without_anatomy_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    for (grid, unit) in [(Grid::pixels(DIMS), Unit::Pixel), (Grid::spaced(DIMS, SPACING), Unit::Millimetre)] {
        let grid = grid.unwrap();
        let path = folder.path().join("mask.nii.gz");
        let map = LabelMap::from_values(DIMS, &[7; 5 * 7 * 4]).unwrap();
        io::write_label_nifti(&path, &map, &grid).unwrap();
        let back = io::open_labels(&path).unwrap().1;
        assert_eq!((back.frame(), back.unit()), (Frame::Image, unit));
        assert!(furthest(&back, &grid) < 1e-4);
    }
}

#[test]
fn large_ids_and_unequal_slices_are_written_as_far_as_the_format_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.nii.gz");
    let grid = Grid::spaced(DIMS, SPACING).unwrap().with_slice_positions_mm(&[0.0, 1.0, 4.0, 6.0]).unwrap();
    let ids: Vec<u16> = (0..140).map(|i| i * 400).collect();
    let map = LabelMap::from_values(DIMS, &ids).unwrap();
    let warnings = io::write_label_nifti(&path, &map, &grid).unwrap();
    assert!(warnings[0].contains("unequally spaced"), "{warnings:?}");
    assert_eq!(io::open_labels(&path).unwrap().0.to_values(), ids);
}
