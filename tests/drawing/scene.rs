//! Small images with masks and predictions, and the ways to look at them.

use fovea::{
    geom::{Frame, Grid, Plane, Unit},
    gpu::*,
    label::{LabelId, LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use glam::{DAffine2, DAffine3, DMat2, DMat3, DVec2, DVec3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

pub const DIMS: [usize; 3] = [45, 37, 11];
pub const TARGET: [u32; 2] = [120, 100];

pub fn random(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Flipped along x and z, so that no plane shows the voxels as they are stored.
pub fn grid() -> Grid {
    let matrix3 = DMat3::from_diagonal(DVec3::new(-0.5, 0.5, -2.0));
    let affine = DAffine3 { matrix3, translation: DVec3::ZERO };
    Grid::new(DIMS, affine, Unit::Millimetre, Frame::Patient).unwrap()
}

pub fn volume(samples: Samples) -> Volume {
    Volume::new(grid(), samples, [1.5, -100.0], Modality::Other).unwrap()
}

fn count() -> usize {
    DIMS.iter().product()
}

/// One volume of each sample type, noise over the whole range that the default window shows and beyond.
pub fn volumes() -> Vec<(&'static str, Volume)> {
    let mut r = random(1);
    let mut many =
        |low: f64, high: f64| -> Vec<f64> { (0..count()).map(|_| r.random_range(low..high)).collect() };
    let u8s: Vec<u8> = many(0.0, 256.0).into_iter().map(|v| v as u8).collect();
    let i16s: Vec<i16> = many(-1024.0, 3000.0).into_iter().map(|v| v as i16).collect();
    let u16s: Vec<u16> = many(0.0, 65535.9).into_iter().map(|v| v as u16).collect();
    let mut f32s: Vec<f32> = many(-1.0, 1.0).into_iter().map(|v| v as f32).collect();
    for (i, value) in
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN, 1e30, 1e-40].into_iter().enumerate()
    {
        for k in 0..40 {
            f32s[(i * 997 + k * 431) % count()] = value;
        }
    }
    let rgb: Vec<[u8; 3]> =
        many(0.0, 256.0).into_iter().map(|v| [v as u8, (v * 7.0) as u8, (v * 31.0) as u8]).collect();
    vec![
        ("u8", volume(Samples::U8(u8s.into()))),
        ("i16", volume(Samples::I16(i16s.into()))),
        ("u16", volume(Samples::U16(u16s.into()))),
        ("f32", volume(Samples::F32(f32s.into()))),
        ("rgb", volume(Samples::Rgb8(rgb.into()))),
    ]
}

/// A view given by its inverse. With such short binary fractions every coordinate is exact, fused or not, so that device
/// and twin must choose the same pixel everywhere, edges included.
pub fn exact_view(matrix: [[f64; 2]; 2], offset: [f64; 2]) -> ViewTransform {
    let inverse = DAffine2 {
        matrix2: DMat2::from_cols_array_2d(&matrix).transpose(),
        translation: DVec2::from(offset),
    };
    ViewTransform::new(inverse.inverse()).unwrap()
}

pub fn views() -> Vec<(&'static str, ViewTransform)> {
    vec![
        ("magnified", exact_view([[0.3125, 0.0], [0.0, 0.3125]], [-2.40625, 3.15625])),
        ("one to one", exact_view([[1.0, 0.0], [0.0, 1.0]], [-20.0, -30.0])),
        ("anisotropic", exact_view([[0.4375, 0.0], [0.0, 0.1875]], [-3.5, -1.0625])),
        ("reduced", exact_view([[2.5, 0.0], [0.0, 1.75]], [-60.0, -40.0])),
        ("turned", exact_view([[0.25, 0.125], [-0.125, 0.25]], [4.0, 10.0])),
        ("mirrored", exact_view([[-0.5, 0.0], [0.0, 0.5]], [46.0, -2.0])),
    ]
}

pub fn image(volume: &Volume, plane: Plane, slice: usize) -> SliceImage {
    SliceImage { volume: volume.clone(), axes: volume.grid().plane_axes(plane), slice }
}

pub fn table() -> LabelTable {
    let mut table = LabelTable::named(&["one", "two", "three", "hidden"]);
    table.get_mut(4).unwrap().visible = false;
    table
}

/// Blobs of labels 1 to 5; 4 is hidden and 5 not in the table.
pub fn labels(seed: u64) -> Vec<LabelId> {
    let mut r = random(seed);
    let mut values = vec![0; count()];
    for label in (1..=5).cycle().take(25) {
        let center: [f64; 3] = std::array::from_fn(|a| r.random_range(0.0..DIMS[a] as f64));
        let radius = r.random_range(2.0..7.0);
        for (i, value) in values.iter_mut().enumerate() {
            let at = [i % DIMS[0], i / DIMS[0] % DIMS[1], i / (DIMS[0] * DIMS[1])];
            let distance: f64 = (0..3).map(|a| (at[a] as f64 - center[a]).powi(2)).sum();
            if distance < radius * radius {
                *value = label;
            }
        }
    }
    values
}

pub fn mask(seed: u64) -> MaskDraw {
    MaskDraw { document: seed, map: LabelMap::from_values(DIMS, &labels(seed)).unwrap() }
}

pub const CLASSES: usize = 6;

/// Probabilities of one slice, `[classes][height][width]`, in 256ths, with ties. Class c is label c.
pub fn probabilities(seed: u64) -> Arc<[f32]> {
    let plane = DIMS[0] * DIMS[1];
    let labels = labels(seed);
    let mut r = random(seed + 100);
    let mut values = vec![0.0; CLASSES * plane];
    for i in 0..plane {
        let most = r.random_range(0..=256);
        let label = usize::from(labels[5 * plane + i]);
        values[label * plane + i] += most as f32 / 256.0;
        values[r.random_range(0..CLASSES) * plane + i] += (256 - most) as f32 / 256.0;
    }
    values.into()
}

pub fn prediction(source: PredictionSource) -> PredictionDraw {
    PredictionDraw { source, class_labels: (0..CLASSES as LabelId).collect() }
}

/// An axial slice with everything over it.
pub fn full(volume: &Volume, view: ViewTransform) -> SliceDraw {
    SliceDraw {
        mask: Some(mask(3)),
        prediction: Some(prediction(PredictionSource::Host(probabilities(4)))),
        colors: LabelColors::of(&table()),
        ..SliceDraw::of_image(image(volume, Plane::Axial, 5), view)
    }
}
