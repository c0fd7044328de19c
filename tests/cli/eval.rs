//! `fovea eval`: what it writes, and what it refuses.

use super::*;
use fovea::{
    geom::{Frame, Unit},
    label::{LabelId, LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use glam::{DAffine3, DMat3, DVec3};
use std::path::PathBuf;

const DIMS: [usize; 3] = [12, 10, 4];

fn grid(origin: f64) -> Grid {
    let place = DAffine3::from_mat3_translation(
        DMat3::from_diagonal(DVec3::new(1.0, 1.0, 2.0)),
        DVec3::new(origin, 0.0, 0.0),
    );
    Grid::new(DIMS, place, Unit::Millimetre, Frame::Patient).unwrap()
}

/// A box of voxels from `from` to past `to`.
fn cuboid(from: [usize; 3], to: [usize; 3]) -> LabelMap {
    let inside = |i: usize| {
        let voxel = [i % DIMS[0], i / DIMS[0] % DIMS[1], i / (DIMS[0] * DIMS[1])];
        (0..3).all(|a| (from[a]..to[a]).contains(&voxel[a]))
    };
    let values: Vec<LabelId> = (0..DIMS.iter().product()).map(|i| LabelId::from(inside(i))).collect();
    LabelMap::from_values(DIMS, &values).unwrap()
}

/// Three cases of a box of 4 x 4 x 2 voxels: right, shifted by one column, and not found.
fn data_set(folder: &Path) -> [PathBuf; 3] {
    let [pred, truth, images] = ["pred", "truth", "images"].map(|name| folder.join(name));
    [&pred, &truth, &images].iter().for_each(|f| std::fs::create_dir(f).unwrap());
    let box_at = |x: usize| cuboid([x, 3, 1], [x + 4, 7, 3]);
    let cases = [("right", box_at(3)), ("shifted", box_at(4)), ("<missed>", LabelMap::empty(DIMS))];
    for (name, predicted) in cases {
        let file = format!("{name}.nii.gz");
        io::write_label_nifti(&truth.join(&file), &box_at(3), &grid(0.0)).unwrap();
        io::write_label_nifti(&pred.join(&file), &predicted, &grid(0.0)).unwrap();
        let samples: Vec<u8> = (0..480).map(|i| (i % 256) as u8).collect();
        let volume = Volume::new(grid(0.0), Samples::U8(samples.into()), [1.0, 0.0], Modality::Ct).unwrap();
        io::write_volume_nifti(&images.join(&file), &volume).unwrap();
    }
    io::write_table(&pred.join("labels.txt"), &LabelTable::named(&["lesion & oedema"])).unwrap();
    [pred, truth, images]
}

fn case<'a>(scores: &'a Value, id: &str) -> &'a Value {
    let cases = scores["cases"].as_array().unwrap();
    &cases.iter().find(|c| c["id"] == id).unwrap_or_else(|| panic!("no case {id}"))["classes"]["1"]
}

#[test]
fn scores_are_written_as_json_csv_and_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let [pred, truth, images] = data_set(folder.path());
    let [json, csv, html] = ["s.json", "s.csv", "s.html"].map(|name| folder.path().join(name));
    let mut arguments =
        vec!["eval", "--pred", text(&pred), "--truth", text(&truth), "--images", text(&images)];
    arguments.extend(["--json", text(&json), "--csv", text(&csv), "--html", text(&html)]);
    let table = said(&arguments);
    assert!(table.contains("lesion & oedema") && table.contains("means over 3 cases"), "{table}");

    let scores: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let (right, shifted, missed) =
        (case(&scores, "right"), case(&scores, "shifted"), case(&scores, "<missed>"));
    assert_eq!(
        (&right["dice"], &right["hd95"], &right["surface_dice"]),
        (&1.0.into(), &0.0.into(), &1.0.into())
    );
    assert_eq!((&shifted["dice"], &shifted["hausdorff"]), (&0.75.into(), &1.0.into()));
    assert_eq!(shifted["surface_dice"], 1.0, "one voxel of 1 mm is within the tolerance of 1 mm");
    assert_eq!(
        (&missed["dice"], &missed["surface_dice"], &missed["hd95"]),
        (&0.0.into(), &0.0.into(), &Value::Null)
    );
    assert_eq!((&missed["true_volume"], &missed["volume_difference"]), (&64.0.into(), &(-64.0).into()));
    let dice = &scores["summaries"]["1"]["dice"];
    assert_eq!((&dice["cases"], dice["mean"].as_f64()), (&3.into(), Some(1.75 / 3.0)));
    let [low, high] = [0, 1].map(|i| dice["interval"][i].as_f64().unwrap());
    assert!((0.0..0.5).contains(&low) && (0.75..=1.0).contains(&high), "{dice}");
    assert_eq!(scores["summaries"]["1"]["hd95"]["cases"], 2, "what was missed has no distance");
    assert_eq!(scores["units"], serde_json::json!({"length": "mm", "volume": "mm³"}));

    let rows = std::fs::read_to_string(&csv).unwrap();
    let rows: Vec<Vec<&str>> = rows.lines().map(|line| line.split(',').collect()).collect();
    let column =
        |name: &str| rows[0].iter().position(|c| *c == name).unwrap_or_else(|| panic!("{:?}", rows[0]));
    let cell = |id: &str, name: &str| rows.iter().find(|r| r[0] == id).unwrap()[column(name)];
    assert_eq!(
        (rows.len(), cell("shifted", "dice"), cell("shifted", "label")),
        (4, "0.75", "lesion & oedema")
    );
    assert_eq!((cell("<missed>", "hd95_mm"), cell("right", "volume_mm3")), ("", "64"));

    report_is_whole(&std::fs::read_to_string(&html).unwrap(), 3 * 4);
}

/// Every picture of a report is there and decodes, and it names nothing outside of itself.
fn report_is_whole(page: &str, pictures: usize) {
    const MARK: &str = "src=\"data:image/png;base64,";
    let coded: Vec<&str> =
        page.split(MARK).skip(1).map(|rest| rest.split_once('"').expect("the attribute ends").0).collect();
    assert_eq!(coded.len(), pictures);
    for coded in coded {
        let picture = image::load_from_memory(&decoded(coded)).expect("a PNG").into_rgb8();
        let colors: std::collections::BTreeSet<_> = picture.pixels().map(|p| p.0).collect();
        assert!(picture.width() >= 100 && picture.height() >= 100 && colors.len() > 1, "an empty picture");
    }
    assert!(page.matches("src=").count() == pictures && !page.contains("<script"), "it loads something");
    assert!(
        ["http:", "https:", "url(", "@import"].iter().all(|s| !page.contains(s)),
        "it names something outside"
    );
    assert!(page.contains("&lt;missed&gt;") && !page.contains("<missed>"), "names are text");
    assert!(page.contains("lesion &amp; oedema") && page.contains("prefers-color-scheme: dark"));
    assert_eq!(page.matches("class=\"dot\"").count(), 3 + 3 + 2 + 3, "a dot for each case with a value");
    for tag in ["div", "table", "tr", "figure", "svg", "details", "dl", "ul"] {
        let opened = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "<{tag}>");
    }
}

fn decoded(coded: &str) -> Vec<u8> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = vec![];
    let (mut bits, mut held) = (0u32, 0);
    for c in coded.chars().take_while(|c| *c != '=') {
        bits = bits << 6 | digits.find(c).expect("a digit of base64") as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

#[test]
fn of_a_mask_of_many_classes_those_that_are_named_are_scored() {
    let folder = tempfile::tempdir().unwrap();
    let [pred, truth] = ["pred", "truth"].map(|name| folder.path().join(name));
    [&pred, &truth].iter().for_each(|f| std::fs::create_dir(f).unwrap());
    // Liver 5 and 6, something else 9, and two columns that are not known, where the prediction says liver.
    let column = |values: [LabelId; 12]| {
        let values: Vec<LabelId> = (0..DIMS.iter().product()).map(|i| values[i % DIMS[0]]).collect();
        LabelMap::from_values(DIMS, &values).unwrap()
    };
    let of_truth = column([5, 5, 6, 6, 9, 9, 254, 254, 0, 0, 0, 0]);
    let predicted = column([2, 2, 2, 2, 0, 0, 2, 2, 0, 0, 0, 2]);
    io::write_label_nifti(&truth.join("case.nii.gz"), &of_truth, &grid(0.0)).unwrap();
    io::write_label_nifti(&pred.join("case.nii.gz"), &predicted, &grid(0.0)).unwrap();
    io::write_table(&pred.join("labels.txt"), &LabelTable::named(&["spleen", "liver"])).unwrap();
    let json = folder.path().join("s.json");
    let chosen = |labels| {
        ["eval", "--pred", text(&pred), "--truth", text(&truth), "--json", text(&json), "--labels", labels]
    };
    said(&chosen("liver=5..6,ignore=254"));
    let scores: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let classes = &scores["cases"][0]["classes"];
    assert_eq!(classes.as_object().unwrap().len(), 1, "{classes}");
    assert_eq!(classes["2"]["dice"], 8.0 / 9.0, "four columns of four, and one of what is known too many");
    let refused = refused(&chosen("lung=5"));
    assert!(refused.contains("lung") && refused.contains("spleen, liver"), "{refused}");
}

#[test]
fn a_mask_that_lies_elsewhere_is_refused_with_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let [pred, truth, _] = data_set(folder.path());
    io::write_label_nifti(&pred.join("right.nii.gz"), &LabelMap::empty(DIMS), &grid(7.5)).unwrap();
    let json = folder.path().join("s.json");
    let said = refused(&["eval", "--pred", text(&pred), "--truth", text(&truth), "--json", text(&json)]);
    assert!(["right", "(7.50, 0.00, 0.00)", "(0.00, 0.00, 0.00)"].iter().all(|w| said.contains(w)), "{said}");
    assert!(!said.contains("shifted") && !json.exists(), "{said}");
}

#[test]
fn one_case_has_no_interval_and_the_tolerance_counts() {
    let folder = tempfile::tempdir().unwrap();
    let [pred, truth, _] = data_set(folder.path());
    for name in ["right.nii.gz", "<missed>.nii.gz"] {
        [&pred, &truth].iter().for_each(|f| std::fs::remove_file(f.join(name)).unwrap());
    }
    let json = folder.path().join("s.json");
    let mut arguments = vec!["eval", "--pred", text(&pred), "--truth", text(&truth), "--json", text(&json)];
    arguments.extend(["--surface-tolerance", "0.5"]);
    said(&arguments);
    let scores: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let summary = &scores["summaries"]["1"]["surface_dice"];
    assert_eq!((&summary["cases"], &summary["interval"]), (&1.into(), &Value::Null));
    let share = summary["mean"].as_f64().unwrap();
    assert!(share > 0.3 && share < 0.9, "at half a voxel the ends disagree: {share}");
    assert_eq!(scores["surface_tolerance"], 0.5);
}
