//! The published pipeline with logits that are formulas instead of networks' outputs.

use super::*;
use crate::{
    geom::{Frame, Grid},
    label::LabelTable,
    nn::{Channels, CoarseSpec, InputSpec, VolumeSpec, parity::fill_input},
    testing::vectors,
    volume::{Modality, Samples},
};
use glam::{DAffine3, DMat3, DVec3};
use serde_json::{Value, json};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
}

/// Three numbers in the vectors' order z, y, x, as x, y, z.
fn xyz(value: &Value) -> [f64; 3] {
    let numbers = numbers(value);
    [numbers[2], numbers[1], numbers[0]]
}

fn card() -> ModelCard {
    let input = InputSpec { window: Some([-325.0, 325.0]), ..InputSpec::unit(Channels::Grey) };
    let labels = LabelTable::named(&["liver", "kidneys", "spleen", "pancreas"]);
    let coarse = CoarseSpec::flare("flare/unet", json!({}));
    ModelCard {
        volume: Some(VolumeSpec { coarse: Some(coarse), ..VolumeSpec::flare() }),
        ..ModelCard::new("flare/efficientsegnet", json!({}), input, labels, Modality::Ct)
    }
}

/// The volume of a case in the order in which the scanner has stored it.
fn volume(case: &Value) -> Volume {
    let dims = xyz(&case["raw_shape_zyx"]).map(|n| n as usize);
    let (spacing, direction) = (xyz(&case["spacing_zyx"]), xyz(&case["direction_zyx_diag"]));
    let diagonal: [f64; 3] = std::array::from_fn(|a| spacing[a] * direction[a]);
    let affine = DAffine3 {
        matrix3: DMat3::from_diagonal(DVec3::from_array(diagonal)),
        translation: DVec3::new(10.0, -20.0, 30.0),
    };
    let grid = Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap();
    let name = format!("pipeline.{}", case["name"].as_str().unwrap());
    let values = fill_input(&name, dims.iter().product());
    let samples: Vec<i16> = values.iter().map(|v| (1000.0 * f64::from(*v)).round() as i16).collect();
    Volume::new(grid, Samples::I16(samples.into()), [1.0, 0.0], Modality::Ct).unwrap()
}

/// Of each class the highest of its blobs, -6 where there is none.
fn logits(blobs: &Value, grid: [usize; 3]) -> Logits {
    let mut values = vec![];
    for class in blobs.as_array().unwrap() {
        let blobs: Vec<[[f64; 3]; 2]> =
            class.as_array().unwrap().iter().map(|blob| [xyz(&blob[0]), xyz(&blob[1])]).collect();
        for i in 0..grid.iter().product() {
            let at = [i % grid[0], i / grid[0] % grid[1], i / (grid[0] * grid[1])];
            let logit = blobs.iter().map(|[center, radius]| {
                let square = |a: usize| {
                    let place = (at[a] as f64 + 0.5) / grid[a] as f64;
                    ((place - center[a]) / radius[a]).powi(2)
                };
                6.0 * (1.0 - (0..3).map(square).sum::<f64>())
            });
            values.push(logit.fold(-6.0, f64::max) as f32);
        }
    }
    Logits { grid, values }
}

fn samples_agree(found: &[f32], expected: &Value, tolerance: f64, what: &str) {
    let expected = expected.as_array().unwrap();
    assert!(!expected.is_empty(), "{what}");
    for pair in expected {
        let (at, value) = (pair[0].as_u64().unwrap() as usize, pair[1].as_f64().unwrap());
        let off = (f64::from(found[at]) - value).abs();
        assert!(off <= tolerance, "{what} at {at}: {} for {value}", found[at]);
    }
}

/// Values from runs `[value, length]`.
fn unpacked(runs: &Value) -> Vec<u64> {
    let pair = |run: &Value| (run[0].as_u64().unwrap(), run[1].as_u64().unwrap() as usize);
    runs.as_array().unwrap().iter().map(pair).flat_map(|(v, n)| std::iter::repeat_n(v, n)).collect()
}

#[test]
fn every_step_is_the_published_one_and_so_is_the_final_mask() {
    let Some(vectors) = vectors("flare/pipeline.json") else { return };
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let (card, volume) = (card(), volume(case));
        let oriented = Oriented::new(volume.grid());
        let [width, height, _] = oriented.dims();
        let whole = Region::whole(&oriented);

        let canonical = |i: usize| {
            let voxel = [i % width, i / width % height, i / (width * height)];
            volume.scalar_value(oriented.index(voxel))
        };
        let values: Vec<f32> = (0..volume.grid().voxel_count()).map(canonical).collect();
        assert_eq!(f64::from(values[0]), case["canonical_first"].as_f64().unwrap(), "{name}");
        samples_agree(&values, &case["canonical_samples"], 0.0, name);

        let prepared = |region: &Region, grid| {
            let mut values = onto_grid(&volume, &oriented, region, grid, -325.0);
            standardise(&mut values, [-325.0, 325.0], &[], &[]);
            values
        };
        let grid = xyz(&case["coarse_input_size"]).map(|n| n as usize);
        // The reference's places along an axis are of single precision, and the noise between two voxels is of 2000
        // HU.
        samples_agree(&prepared(&whole, grid), &case["coarse_input_samples"], 1e-4, name);

        let found = logits(&case["coarse_blobs"], grid);
        let parts = coarse_parts(&card, &found, &oriented, 1000.0);
        let mut mask = vec![0u64; grid.iter().product()];
        for (class, parts) in parts.iter().enumerate() {
            for &(at, length) in parts.list.iter().flat_map(|part| &part.runs) {
                mask[at..at + length as usize].fill(class as u64 + 1);
            }
        }
        assert_eq!(mask, unpacked(&case["coarse_mask_rle"]), "{name}");
        let bounds = Parts::bounds(&parts).unwrap();
        let region = Region::around(bounds, grid, &oriented, case["extend_mm"].as_f64().unwrap());
        let flat: Vec<f64> =
            (0..3).rev().flat_map(|a| [region.start[a] as f64, region.end[a] as f64]).collect();
        assert_eq!(flat, numbers(&case["crop_box"]), "{name}");

        let grid = xyz(&case["fine_input_size"]).map(|n| n as usize);
        samples_agree(&prepared(&region, grid), &case["fine_input_samples"], 1e-4, name);
        let fine = logits(&case["fine_blobs"], grid);
        let mut labels = vec![0; volume.grid().voxel_count()];
        for (class, map) in fine.maps().enumerate() {
            let rows = runs_in_region(map, grid, &oriented, &region);
            write_class(&card, &oriented, &region, &rows, class, &mut labels);
        }
        let expected = unpacked(&case["final_mask_rle_in_input_orientation"]);
        let off = labels.iter().zip(&expected).filter(|(a, b)| u64::from(**a) != **b).count();
        assert_eq!((labels.len(), off), (expected.len(), 0), "{name}");
    }
}

#[test]
fn values_are_standardised_as_the_network_was_trained() {
    let Some(vectors) = vectors("flare/metrics.json") else { return };
    let case = &vectors["resampling_scipy"]["normalise"];
    let mut values: Vec<f32> = fill_input("norm.input", 120).iter().map(|v| v * 900.0).collect();
    standardise(&mut values, [-325.0, 325.0], &[], &[]);
    for (found, expected) in values.iter().zip(numbers(&case["test_sample_std"]["data"])) {
        assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} for {expected}");
    }
    let mut flat = vec![7.0; 4];
    standardise(&mut flat, [-325.0, 325.0], &[], &[]);
    assert_eq!(flat, [0.0; 4], "an even picture has no deviation");
}
