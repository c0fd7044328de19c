//! Cases of what looks at the values of an image, and of what a pointer points at.

use super::case::{Case, Told};
use fovea::{
    edit::effects::{EdgeCosts, automatic_threshold, random_walker},
    volume::Modality,
};
use serde_json::Value;

fn set(key: &'static str, text: impl ToString) -> (&'static str, String) {
    (key, text.to_string())
}

/// The mask after an effect on the label of the case.
fn after(case: &Case, id: &str, said: &[(&str, String)]) -> Vec<u16> {
    case.after(id, said, &Told { label: case.label(), ..Told::default() })
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

pub fn fill_between(case: &Case) {
    let found = after(case, "fill-between", &[]);
    case.compare(&found);
    let Ok(drawn) = serde_json::from_value::<Vec<usize>>(case.params()["annotated_slices"].clone()) else {
        return;
    };
    // Drawn slices are as they were, and nothing is drawn outside of them.
    let (before, [width, height, depth]) = (case.labels().to_values(), case.dims());
    for z in 0..depth {
        let slice = z * width * height..(z + 1) * width * height;
        if drawn.contains(&z) {
            assert_eq!(found[slice.clone()], before[slice], "{}, slice {z}", case.name());
        } else if z < drawn[0] || z > drawn[drawn.len() - 1] {
            assert!(found[slice].iter().all(|id| *id == 0), "{}, slice {z}", case.name());
        }
    }
}

pub fn threshold(case: &Case) {
    let params = case.params();
    if params["low"].is_number() {
        let said = [set("low", &params["low"]), set("high", &params["high"])];
        return case.compare(&after(case, "threshold", &said));
    }
    let values: Vec<f32> = case.array("image").unwrap().values.iter().map(|v| *v as f32).collect();
    if params["method"] == "otsu" {
        let told = automatic_threshold("otsu", Modality::Other, &values).unwrap_err().to_string();
        assert!(told.contains("all values are 7"), "{told}");
        return;
    }
    let expect = &case.facts["expect"];
    for (method, expected) in expect["values"].as_object().unwrap() {
        let id = match method.as_str() {
            "multi_otsu_3" => "multi-otsu".to_owned(),
            other => other.replace('_', "-"),
        };
        let found = automatic_threshold(&id, Modality::Other, &values).unwrap();
        let expected = expected.as_f64().map_or_else(|| numbers(expected), |one| vec![one]);
        let is_loose = ["kittler", "intermodes", "renyi", "huang"].contains(&method.as_str());
        let key = if is_loose { "tolerance_kittler_intermodes_renyi_huang" } else { "tolerance" };
        let tolerance = expect[key].as_f64().unwrap();
        case.print(&format!("{method}: {found:?}, expected {expected:?}"));
        assert_eq!(found.len(), expected.len(), "{method}");
        for (found, expected) in found.iter().zip(expected) {
            let away = (f64::from(*found) - expected).abs();
            assert!(away <= tolerance, "{}, {method}: {found} instead of {expected}", case.name());
        }
    }
}

pub fn wand(case: &Case) {
    let params = case.params();
    let mut said = vec![set("at", case.text("seed_xyz"))];
    let within = if params["plane"] == "axial" { "slice" } else { "volume" };
    let neighbours = if params["connectivity"] == 26 { "26" } else { "6" };
    said.extend([set("within", within), set("neighbours", neighbours), set("leash_mm", 10_000)]);
    match params["tolerance"].as_f64() {
        Some(tolerance) => said.push(set("tolerance", tolerance)),
        None => said.push(set("adaptive", "yes")),
    }
    case.compare(&after(case, "wand", &said));
}

pub fn smart_brush(case: &Case) {
    let said = [
        set("at", case.text("center_xyz")),
        set("radius_mm", case.text("radius_mm")),
        set("k", case.text("k")),
        set("floor", case.text("floor")),
    ];
    case.compare(&after(case, "smart-brush", &said));
}

pub fn level_tracing(case: &Case) {
    assert_eq!(case.text("side"), "at or above");
    case.compare(&after(case, "level-tracing", &[set("at", case.text("seed_xyz")), set("side", "above")]));
}

pub fn nudge(case: &Case) {
    let (center, step) = (numbers(&case.params()["center_yx"]), numbers(&case.params()["move_yx"]));
    let expected = case.array("expected").unwrap().labels();
    let area = case.dims()[0] * case.dims()[1];
    // The case moves each slice that it moves in the same way; a slice is one step of the pointer.
    let before = case.labels().to_values();
    let changed = (0..case.dims()[2]).filter(|z| before[z * area..][..area] != expected[z * area..][..area]);
    let changed: Vec<usize> = changed.collect();
    assert!(!changed.is_empty());
    let mut found = before.clone();
    for z in changed {
        let said = [
            set("at", format!("{},{},{z}", center[1], center[0])),
            set("move", format!("{},{}", step[1], step[0])),
            set("radius_px", case.text("radius_px")),
        ];
        let moved = after(case, "nudge", &said);
        found[z * area..(z + 1) * area].copy_from_slice(&moved[z * area..(z + 1) * area]);
    }
    case.compare(&found);
}

pub fn scissors(case: &Case) {
    let mut said = vec![set("operation", case.text("operation").replace('_', "-"))];
    if let Ok(corners) = serde_json::from_value::<Vec<[f64; 2]>>(case.params()["polygon_xy"].clone()) {
        let corners: Vec<String> = corners.iter().map(|[x, y]| format!("{x},{y}")).collect();
        said.push(set("outline", corners.join(" ")));
    } else {
        said.extend([set("center", case.text("center_xyz")), set("radius_mm", case.text("radius_mm"))]);
    }
    case.compare(&after(case, "scissors", &said));
}

pub fn grow_from_seeds(case: &Case) {
    if case.params()["beta"].is_number() {
        return walker(case);
    }
    let found = after(case, "grow-from-seeds", &[set("locality", case.text("locality"))]);
    case.compare(&found);
    let itk = case.array("itk_fast_growcut").unwrap().labels();
    for label in 1..=3 {
        case.holds("against ITK", label, &found, &itk, 0.95);
    }
}

fn walker(case: &Case) {
    let seeds = case.labels().to_values();
    let image: Vec<f32> = case.array("image").unwrap().values.iter().map(|v| *v as f32).collect();
    let expected = case.array("probability").unwrap().values;
    let spacing = numbers(&case.facts["spacing_mm_xyz"]);
    let largest = case.facts["expect"]["max"].as_f64().unwrap();
    let mut argmax = [vec![0; seeds.len()], vec![0; seeds.len()]];
    let mut best = [vec![0.0; seeds.len()], vec![0.0; seeds.len()]];
    let mut worst: f64 = 0.0;
    for label in 1..=3_u16 {
        let step = [spacing[0], spacing[1]];
        let found = random_walker(&image, case.dims()[0], step, &seeds, label, |_| true).unwrap();
        let expected = &expected[usize::from(label - 1) * seeds.len()..][..seeds.len()];
        for at in 0..seeds.len() {
            worst = worst.max((f64::from(found[at]) - expected[at]).abs());
            for (of, p) in [f64::from(found[at]), expected[at]].into_iter().enumerate() {
                if p > best[of][at] {
                    (best[of][at], argmax[of][at]) = (p, label);
                }
            }
        }
    }
    case.print(&format!("largest difference {worst:.6}, at most {largest}"));
    assert!(worst <= largest, "{}: {worst}", case.name());
    for label in 1..=3 {
        case.holds("labels", label, &argmax[0], &argmax[1], 0.999);
    }
}

pub fn livewire(case: &Case) {
    let image: Vec<f32> = case.array("image").unwrap().values.iter().map(|v| *v as f32).collect();
    let (width, expected) = (case.dims()[0], case.array("cost").unwrap().values);
    let costs = EdgeCosts::of_slice(&image, width);
    let away =
        costs.costs().iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    case.print(&format!("largest difference of a cost: {away:.6}"));
    let point = |key: &str| {
        let numbers = numbers(&case.params()[key]);
        [numbers[0] as usize, numbers[1] as usize]
    };
    let path = costs.paths(point("from_xy"), 256).to(point("to_xy"));
    assert_eq!((path[0], path[path.len() - 1]), (point("from_xy"), point("to_xy")));
    let cost = |[x, y]: [usize; 2]| expected[y * width + x];
    let step = |pair: &[[usize; 2]]| {
        let [[ax, ay], [bx, by]] = [pair[0], pair[1]];
        assert!(ax.abs_diff(bx) <= 1 && ay.abs_diff(by) <= 1, "the path is connected");
        let length = if ax == bx || ay == by { 1.0 } else { std::f64::consts::SQRT_2 };
        (cost(pair[0]) + cost(pair[1])) / 2.0 * length
    };
    let total: f64 = path.windows(2).map(step).sum();
    let (best, share) = (&case.facts["expect"]["total"], &case.facts["expect"]["rel"]);
    let most = best.as_f64().unwrap() * (1.0 + share.as_f64().unwrap());
    case.print(&format!("cost {total:.5}, at most {most:.5}"));
    assert!(total <= most, "{}: {total} instead of {most}", case.name());
}
