//! Cases of measures.

use super::case::Case;
use fovea::metrics::measures::{LabelMeasures, SliceMeasures, angle, distance};
use serde_json::Value;

pub fn measure(case: &Case) {
    let (volume, map, label) = (case.volume(), case.labels(), case.label());
    let grid = volume.grid();
    let of = LabelMeasures::of(&volume, &map, label).unwrap();
    let slice = case.params()["slice_z"].as_u64().unwrap() as usize;
    let slice = SliceMeasures::of(grid, &map, label, slice).unwrap();
    let values = of.values.unwrap();
    let places = |key: &str| -> Vec<_> {
        let voxels: Vec<[f64; 3]> = serde_json::from_value(case.params()[key].clone()).unwrap();
        voxels.into_iter().map(|voxel| grid.patient_of(voxel.into())).collect()
    };
    let (ruler, corner) = (places("ruler_xyz"), places("angle_xyz"));
    assert_eq!(case.text("vertex"), "second");
    let centroid = of.centroid.to_array().to_vec();
    let found = |key: &str| match key {
        "voxels" => vec![of.voxels as f64],
        "volume_ml" => vec![of.size],
        "area_mm2_slice" => vec![slice.area],
        "mean" => vec![values.mean],
        "sd_population" => vec![values.sd],
        "min" => vec![values.min],
        "max" => vec![values.max],
        "median" => vec![values.median],
        "p5" => vec![values.p5],
        "p95" => vec![values.p95],
        "feret_max_mm" => vec![slice.feret[0]],
        "feret_min_mm" => vec![slice.feret[1]],
        "centroid_mm_xyz" => centroid.clone(),
        "ruler_mm" => vec![distance(ruler[0], ruler[1])],
        "angle_deg" => vec![angle(corner[1], [corner[0], corner[2]]).unwrap()],
        other => panic!("nothing here knows {other}"),
    };
    let expect = &case.facts["expect"];
    for (key, value) in expect["values"].as_object().unwrap() {
        let rel = if key == "feret_min_mm" { &expect["feret_min_rel"] } else { &expect["rel"] };
        let expected = match value {
            Value::Array(list) => list.iter().map(|v| v.as_f64().unwrap()).collect(),
            one => vec![one.as_f64().unwrap()],
        };
        let found = found(key);
        assert_eq!(found.len(), expected.len(), "{key}");
        for (found, expected) in found.into_iter().zip(expected) {
            let away = (found - expected).abs();
            let most = rel.as_f64().unwrap() * f64::abs(expected);
            assert!(away <= most, "{}, {key}: {found} instead of {expected}", case.name());
        }
    }
}
