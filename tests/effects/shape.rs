//! Cases of effects that look at shapes alone.

use super::case::{Case, Told};
use fovea::edit::Limits;

fn of_label(case: &Case) -> Told {
    Told { label: case.label(), ..Told::default() }
}

fn effect(case: &Case, id: &str, said: &[(&str, String)]) {
    case.compare(&case.after(id, said, &of_label(case)));
}

pub fn islands(case: &Case) {
    let neighbours = case.params()["connectivity"].as_u64().unwrap_or(26).to_string();
    let (mut said, set) =
        (vec![("neighbours", neighbours)], |key: &'static str, text: &str| (key, text.to_owned()));
    match case.params()["operation"].as_str() {
        Some("keep_largest") | None => {}
        Some("remove_small") => {
            said.extend([set("keep", "large"), set("min_voxels", &case.text("min_voxels"))]);
        }
        Some("keep_selected") => said.extend([set("keep", "chosen"), set("at", &case.text("voxel_xyz"))]),
        Some("split") => {
            assert_eq!(case.text("new_ids"), "largest keeps 1; next are 11,12,... by size");
            said.extend([set("keep", "split"), set("first_id", "11")]);
        }
        Some(other) => panic!("{other}"),
    }
    effect(case, "islands", &said);
}

pub fn holes(case: &Case) {
    let within = if case.params()["mode"] == "2d" { "slice" } else { "volume" };
    effect(case, "fill-holes", &[("within", within.to_owned())]);
}

pub fn margin(case: &Case) {
    let margin = case.params().get("margin_mm").map_or_else(|| "3".to_owned(), ToString::to_string);
    effect(case, "margin", &[("margin_mm", margin)]);
}

pub fn hollow(case: &Case) {
    // The case names where the shell lies; the effect, what the label's surface becomes of it.
    let surface = match case.params()["mode"].as_str().unwrap() {
        "inside" => "outside",
        "outside" => "inside",
        _ => "middle",
    };
    effect(case, "hollow", &[("surface", surface.to_owned()), ("thickness_mm", case.text("thickness_mm"))]);
}

pub fn smooth(case: &Case) {
    let params = case.params();
    let sigma = params.get("sigma_mm").map_or_else(|| "1".to_owned(), ToString::to_string);
    let radius = params.get("radius_mm").map_or_else(|| "1.5".to_owned(), ToString::to_string);
    match params["method"].as_str() {
        Some("joint") => effect(case, "joint-smooth", &[("sigma_mm", sigma)]),
        None => {
            for method in ["median", "open", "close", "gaussian"] {
                effect(case, "smooth", &[("method", method.to_owned())]);
            }
        }
        Some(method) => {
            let method = if method == "gauss" { "gaussian" } else { method };
            let said = [("method", method.to_owned()), ("sigma_mm", sigma), ("radius_mm", radius)];
            effect(case, "smooth", &said);
        }
    }
}

pub fn logic(case: &Case) {
    let Some(operation) = case.params()["operation"].as_str() else {
        for operation in ["subtract", "intersect", "clear", "invert"] {
            effect(case, "logic", &[("operation", operation.to_owned()), ("with", "2".to_owned())]);
        }
        return;
    };
    assert_eq!(
        (case.text("b_from"), case.text("overwrite")),
        ("other".to_owned(), "background only".to_owned())
    );
    let said = [("operation", operation.to_owned()), ("with", case.text("b")), ("from", "other".to_owned())];
    let told = Told { label: case.text("a").parse().unwrap(), locked: vec![3], ..Told::default() };
    assert_eq!(case.text("locked"), "3");
    case.compare(&case.after("logic", &said, &told));
}

pub fn mask_by(case: &Case) {
    let range: [f64; 2] = serde_json::from_value(case.params()["keep_where"].clone()).unwrap();
    let said =
        [("where", "values".to_owned()), ("low", range[0].to_string()), ("high", range[1].to_string())];
    effect(case, "mask-by", &said);
}

pub fn rules(case: &Case) {
    assert_eq!(case.text("operation"), "dilate by ball");
    let verified = serde_json::from_value(case.params()["protected_slices_z"].clone()).unwrap();
    let value_range = serde_json::from_value(case.params()["only_values"].clone()).unwrap();
    let limits = Limits { value_range: Some(value_range), only_over: None };
    let told = Told { verified, limits, ..of_label(case) };
    case.compare(&case.after("margin", &[("margin_mm", case.text("radius_mm"))], &told));
}
