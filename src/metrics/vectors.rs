//! The metrics against the numbers of the systems that Fovea reproduces (`../shared/parity/vectors`).

use super::*;
use crate::label::LabelId;
use crate::testing::vectors;
use serde_json::Value;
use std::collections::BTreeSet;

/// Numbers of an array of any depth, in order.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Object(tensor) => numbers(&tensor["data"]),
        value => vec![value.as_f64().unwrap_or(f64::NAN)],
    }
}

fn labels(value: &Value) -> Vec<LabelId> {
    numbers(value).into_iter().map(|v| v as LabelId).collect()
}

#[track_caller]
fn near(what: &str, found: Option<f64>, expected: &Value) {
    match (found, expected.as_f64()) {
        (Some(found), Some(expected)) => {
            assert!((found - expected).abs() < 1e-6, "{what}: {found}, not {expected}");
        }
        (None, None) => {}
        _ => panic!("{what}: {found:?}, not {expected}"),
    }
}

#[test]
fn flares_masks_have_its_scores() {
    let Some(all) = vectors("flare/metrics.json") else { return };
    let cases = all["segmentation_metrics"]["cases"].as_array().unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let [shape, spacing] = ["shape", "spacing"].map(|key| numbers(&case[key]));
        let dims = [2, 1, 0].map(|a| shape[a] as usize);
        let spacing = [2, 1, 0].map(|a| spacing[a]);
        let [truth, predicted] = ["gt", "pred"].map(|key| -> Vec<LabelId> {
            case[key].as_str().unwrap().bytes().map(|b| LabelId::from(b == b'1')).collect()
        });
        let compared = Comparison::new(dims, spacing, &predicted, &truth, None);
        let counts = compared.confusion(&BTreeSet::from([0, 1])).overlap(1);
        assert_eq!(counts.in_truth(), case["gt_voxels"].as_u64().unwrap(), "{name}");
        let surfaces = compared.surfaces(1);
        let raw = &case["raw"];
        near(&format!("{name}: dice"), counts.dice(), &raw["dice"]);
        for (tolerance, expected) in raw["nsd"].as_object().unwrap() {
            let found = surfaces.surface_dice(tolerance.parse().unwrap());
            near(&format!("{name}: surface Dice at {tolerance}"), found, expected);
        }
        for (key, share) in [("hd95", 0.95), ("hd50", 0.5), ("hd100", 1.0)] {
            near(&format!("{name}: {key}"), surfaces.hausdorff(share), &raw[key]);
        }
        near(&format!("{name}: hd"), surfaces.scores(1.0).hausdorff, &raw["hd100"]);
        for (side, area, count, mean, max) in [
            (&surfaces.from_truth, "surface_area_gt", "n_surfels_gt", "asd_gt_to_pred", "max_gt_to_pred"),
            (
                &surfaces.from_predicted,
                "surface_area_pred",
                "n_surfels_pred",
                "asd_pred_to_gt",
                "max_pred_to_gt",
            ),
        ] {
            if !raw[area].is_null() {
                near(&format!("{name}: {area}"), Some(side.area()), &raw[area]);
                assert_eq!(side.len() as u64, raw[count].as_u64().unwrap(), "{name}: {count}");
                near(&format!("{name}: {mean}"), side.mean(), &raw[mean]);
                near(&format!("{name}: {max}"), side.max(), &raw[max]);
            }
        }
        let flare21 = &case["flare21"];
        near(&format!("{name}: DSC of 2021"), Convention::Flare21.dice(&counts), &flare21["dsc"]);
        let found = Convention::Flare21.surface_dice(&counts, surfaces.surface_dice(1.0));
        near(&format!("{name}: NSD of 2021"), found, &flare21["nsd_1mm"]);
        for (tolerance, expected) in case["flare22_24_by_tolerance"].as_object().unwrap() {
            near(&format!("{name}: DSC of 2022"), Convention::Flare22.dice(&counts), &expected["dsc"]);
            let measured = surfaces.surface_dice(tolerance.parse().unwrap());
            let found = Convention::Flare22.surface_dice(&counts, measured);
            near(&format!("{name}: NSD of 2022 at {tolerance}"), found, &expected["nsd"]);
        }
    }
}

#[test]
fn surface_elements_have_the_areas_of_the_reference() {
    let Some(all) = vectors("flare/metrics.json") else { return };
    let check = &all["segmentation_metrics"]["surfel_area_check"];
    for (key, spacing) in [("unit_spacing", [1.0; 3]), ("spacing_5_0p7_0p7", [0.7, 0.7, 5.0])] {
        agree(key, spacing, &numbers(&check[key]));
    }
    let Some(table) = vectors("flare/surfel_normals.json") else { return };
    let [x, y, z] = [0.7, 1.1, 2.3];
    let area = |normals: &Value| -> f64 {
        let length = |n: &Value| {
            let n = numbers(n);
            (n[0] * x * y).hypot((n[1] * x * z).hypot(n[2] * y * z))
        };
        normals.as_array().unwrap().iter().map(length).sum()
    };
    let rows = table["neighbour_code_to_normals"].as_array().unwrap();
    agree("surfel_normals.json", [x, y, z], &rows.iter().map(area).collect::<Vec<_>>());
}

/// The reference counts the voxels around a corner from the other end; no area depends on it.
fn agree(what: &str, spacing: [f64; 3], expected: &[f64]) {
    assert_eq!(expected.len(), 256, "{what}");
    let areas = super::surfel::areas(&spacing.into(), false);
    for (code, (found, expected)) in (0u8..=255).zip(areas.iter().zip(expected)) {
        assert!((found - expected).abs() < 1e-12, "{what}, code {code}: {found}, not {expected}");
        assert_eq!(*found, areas[usize::from(code.reverse_bits())], "code {code}");
    }
}

#[test]
fn the_edema_system_has_its_volume_dice_and_detection_auc() {
    let Some(all) = vectors("edema_polyp_vessel/losses.json") else { return };
    let cases = all["seed0"]["volume_dice"].as_array().unwrap();
    assert!(cases.len() > 2);
    for (i, case) in cases.iter().enumerate() {
        let (predicted, truth) = (labels(&case["pred"]), labels(&case["gt"]));
        let confusion = Confusion::of(&predicted, &truth, None, &(0..4).collect());
        for (class, expected) in (0..).zip(case["dice_per_class_0_3"].as_array().unwrap()) {
            let found = Convention::Edema.dice(&confusion.overlap(class));
            near(&format!("case {i}, class {class}"), found, expected);
        }
        // Its monitor of training: the mean, then the classes but background.
        let smoothed = [1, 2, 3].map(|class| confusion.overlap(class).smoothed_dice(1e-3));
        let mean = smoothed.iter().sum::<f64>() / 3.0;
        let monitor = case["train_average_dice"].as_array().unwrap();
        for (found, expected) in [mean].iter().chain(&smoothed).zip(monitor) {
            near(&format!("case {i}, smoothed"), Some(*found), expected);
        }
        let of_classes = (1..4).map(|class| Convention::Edema.dice(&confusion.overlap(class)));
        near(&format!("case {i}"), super::report::mean(of_classes), &case["single_score"]);
    }
    for key in ["auc", "auc_no_positive"] {
        let case = &all["seed0"][key];
        let scores = numbers(&all["seed0"]["auc"]["pred"]);
        let truth = numbers(&all["seed0"]["auc"]["gt"]);
        for (class, expected) in case["auc"].as_array().unwrap().iter().enumerate() {
            let positive = |i: usize| truth[3 * i + class] > 0.5 && !(key == "auc_no_positive" && class == 2);
            let roc = Roc::of((0..truth.len() / 3).map(|i| (scores[3 * i + class] as f32, positive(i))));
            near(&format!("{key}, class {class}"), roc.auc(), expected);
        }
    }
}

/// Argmax over the channels of `[1, C, H, W]`, the first of equals.
fn argmax(logits: &Value) -> Vec<LabelId> {
    let channels = logits["shape"][1].as_u64().unwrap() as usize;
    let values = numbers(logits);
    let area = values.len() / channels;
    let best =
        |i: usize| (0..channels).rev().max_by(|&a, &b| values[a * area + i].total_cmp(&values[b * area + i]));
    (0..area).map(|i| best(i).unwrap() as LabelId).collect()
}

#[test]
fn the_polyp_systems_scores_are_those_of_pooled_counts() {
    let Some(all) = vectors("edema_polyp_vessel/losses.json") else { return };
    let all = &all["seed3"];
    for (key, classes) in [("metrics_nc2", 2), ("metrics_nc3", 3)] {
        let labels_used: BTreeSet<LabelId> = (0..classes).collect();
        let mut pooled = Confusion::empty(&labels_used);
        for update in all[key]["updates"].as_array().unwrap() {
            let (predicted, truth) = (argmax(&update["logits"]), labels(&update["target"]));
            pooled += &Confusion::of(&predicted, &truth, None, &labels_used);
        }
        near(key, pooled.mean_dice(), &all[key]["dice_macro"]);
        near(key, pooled.mean_iou(), &all[key]["miou"]);
        for (class, expected) in (0..).zip(all[key]["iou_per_class"]["data"].as_array().unwrap()) {
            near(key, pooled.overlap(class).iou(), expected);
        }
    }
    let pooled = |key: &str, classes: LabelId| {
        let case = &all[key];
        Confusion::of(&argmax(&case["logits"]), &labels(&case["target"]), None, &(0..classes).collect())
    };
    let ignored = pooled("metrics_iou_with_255", 2);
    for (class, expected) in (0..).zip(all["metrics_iou_with_255"]["iou"]["data"].as_array().unwrap()) {
        near("255 is ignored", ignored.overlap(class).iou(), expected);
    }
    near("absent", pooled("metrics_dice_absent", 3).mean_dice(), &all["metrics_dice_absent"]["dice"]);
}

#[test]
fn jmedsegs_scores_are_those_of_pooled_counts() {
    let Some(all) = vectors("jmedseg/losses.json") else { return };
    let cases = all["metrics"].as_array().unwrap();
    assert!(cases.len() > 3);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let used = BTreeSet::from([0, 1]);
        let mut pooled = Confusion::empty(&used);
        for batch in case["batches"].as_array().unwrap() {
            let (predicted, truth) = (labels(&batch["pred"]), labels(&batch["truth"]));
            pooled += &Confusion::of(&predicted, &truth, None, &used);
        }
        let expected = &case["expected"];
        // It takes background for what is looked for.
        let background = pooled.overlap(0);
        for (key, found) in [
            ("dice", pooled.mean_dice()),
            ("miou", pooled.mean_iou()),
            ("fwiou", pooled.frequency_weighted_iou()),
            ("acc", pooled.accuracy()),
            ("class_acc", pooled.mean_class_accuracy()),
            ("precision", background.precision()),
            ("recall", background.sensitivity()),
        ] {
            near(&format!("{name}: {key}"), found, &expected[key]);
        }
        let counts: Vec<f64> =
            [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(t, p)| pooled.count(t, p) as f64).into();
        assert_eq!(counts, numbers(&expected["confusion"]), "{name}");
    }
}
