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
    let hd95 = table.lines().find(|line| line.contains("HD95") && line.contains("n = ")).unwrap();
    assert!(
        hd95.ends_with("n = 2; 1 of 3 cases has no distance: one of the masks is empty: <missed>"),
        "{hd95}"
    );

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
    let left_out = &scores["left_out"]["1"];
    assert_eq!(left_out["hd95"][0]["cases"], serde_json::json!(["<missed>"]));
    assert_eq!(left_out["dice"], Value::Null, "a missed structure has a Dice of 0");
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
    assert_eq!((cell("<missed>", "shown_in"), cell("right", "shown_in")), ("truth", "both"));

    let page = std::fs::read_to_string(&html).unwrap();
    assert!(
        page.contains("HD95, HD, ASSD: 1 of 3 cases has no distance: one of the masks is empty"),
        "{page}"
    );
    report_is_whole(&page, 3 * 4);
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

/// PNG masks of 8 x 8 pixels, the structure a square of 4, by name and value.
fn pictures(folder: &Path, masks: &[(&str, LabelId)]) -> PathBuf {
    std::fs::create_dir(folder).unwrap();
    for (name, value) in masks {
        let square =
            |i: usize| if (2..6).contains(&(i % 8)) && (2..6).contains(&(i / 8)) { *value } else { 0 };
        let map = LabelMap::from_values([8, 8, 1], &(0..64).map(square).collect::<Vec<_>>()).unwrap();
        io::write_label_png(&folder.join(name), &map).unwrap();
    }
    folder.to_owned()
}

/// The classes' mean Dice, and what was said on standard error.
fn dice(pred: &Path, truth: &Path) -> (Value, String) {
    let json = truth.with_file_name("scores.json");
    let output =
        fovea(&["eval", "--pred", text(pred), "--truth", text(truth), "--json", text(&json), "--overwrite"]);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    let scores: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let classes = scores["classes"].as_object().unwrap();
    (classes.iter().map(|(id, class)| (id.clone(), class["mean"]["dice"].clone())).collect(), errors)
}

#[test]
fn exact_masks_of_one_structure_score_1_however_it_is_coded() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let truth = pictures(&at("truth"), &[("a.png", 1), ("b.png", 255), ("c.png", 65535)]);
    for (name, [a, b, c]) in [("p255", [255; 3]), ("p1", [1; 3]), ("mixed", [255, 1, 1])] {
        let pred = pictures(&at(name), &[("a.png", a), ("b.png", b), ("c.png", c)]);
        let (classes, errors) = dice(&pred, &truth);
        assert_eq!(classes, serde_json::json!({"1": 1.0}), "{name}");
        assert!(errors.contains("1 in 1 mask (a), 255 in 1 mask (b), 65535 in 1 mask (c)"), "{errors}");
    }
    let other = pictures(&at("other"), &[("a.png", 128), ("b.png", 128)]);
    let ours = pictures(&at("ours"), &[("a.png", 1), ("b.png", 1)]);
    let (classes, errors) = dice(&ours, &other);
    assert_eq!(classes, serde_json::json!({"1": 1.0}));
    assert!(errors.contains("128 in 2 masks"), "{errors}");
    // Of several classes each case shows one: they stay apart.
    let several = pictures(&at("several"), &[("a.png", 1), ("b.png", 3)]);
    let wrong = pictures(&at("wrong"), &[("a.png", 1), ("b.png", 1)]);
    let (classes, errors) = dice(&wrong, &several);
    assert_eq!(classes, serde_json::json!({"1": 0.5, "3": 0.0}));
    assert!(errors.contains("3 in 1 mask (b)"), "{errors}");
    // Names of several labels beside the predictions say that 1 and 3 are two.
    io::write_table(&wrong.join("labels.txt"), &LabelTable::named(&["liver", "fat", "spleen"])).unwrap();
    let threes = pictures(&at("threes"), &[("a.png", 3), ("b.png", 3)]);
    let (classes, _) = dice(&wrong, &threes);
    assert_eq!(classes, serde_json::json!({"1": 0.0, "3": 0.0}));
}

#[test]
fn two_masks_are_scored_as_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let pred = pictures(&folder.path().join("pred"), &[("mine.png", 1)]);
    let truth = pictures(&folder.path().join("truth"), &[("other.png", 255)]);
    let (classes, _) = dice(&pred.join("mine.png"), &truth.join("other.png"));
    assert_eq!(classes, serde_json::json!({"1": 1.0}));
    let told = refused(&["eval", "--pred", text(&pred.join("mine.png")), "--truth", text(&truth)]);
    assert!(told.contains("is one mask") && told.contains("two folders"), "{told}");
    let told = refused(&["eval", "--pred", text(&pred), "--truth", text(&truth.join("other.png"))]);
    assert!(told.contains("is one mask"), "{told}");
}

#[test]
fn labels_of_both_sides_are_matched_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let pred = pictures(&folder.path().join("pred"), &[("a.png", 1), ("b.png", 2)]);
    let truth = pictures(&folder.path().join("truth"), &[("a.png", 7), ("b.png", 1)]);
    let table = |names: &[(LabelId, &str)]| {
        let mut table = LabelTable::default();
        names.iter().for_each(|(id, name)| table.insert(fovea::label::Label::new(*id, *name)));
        table
    };
    io::write_table(&pred.join("labels.txt"), &table(&[(1, "liver"), (2, "spleen")])).unwrap();
    io::write_table(&truth.join("labels.txt"), &table(&[(7, "liver"), (1, "spleen")])).unwrap();
    assert_eq!(dice(&pred, &truth).0, serde_json::json!({"1": 1.0, "2": 1.0}));
    io::write_table(&truth.join("labels.txt"), &table(&[(7, "tumour"), (1, "spleen")])).unwrap();
    let told = refused(&["eval", "--pred", text(&pred), "--truth", text(&truth)]);
    assert!(told.contains("called \"tumour\"") && told.contains("--labels"), "{told}");
}

#[test]
fn under_a_tilted_gantry_distances_are_those_in_space() {
    let folder = tempfile::tempdir().unwrap();
    let [pred, truth, json] = ["pred.nii", "truth.nii", "scores.json"].map(|name| folder.path().join(name));
    // Each slice lies 1 mm further along y than the one below it.
    let place = DAffine3::from_mat3(DMat3::from_cols(DVec3::X, DVec3::Y, DVec3::new(0.0, 1.0, 1.0)));
    let tilted = Grid::new(DIMS, place, Unit::Millimetre, Frame::Patient).unwrap();
    // One row back and one slice up: right above, at a distance of 1 mm; of unsheared voxels with these edges it is √3.
    io::write_label_nifti(&truth, &cuboid([3, 5, 1], [6, 6, 2]), &tilted).unwrap();
    io::write_label_nifti(&pred, &cuboid([3, 4, 2], [6, 5, 3]), &tilted).unwrap();
    said(&["eval", "--pred", text(&pred), "--truth", text(&truth), "--json", text(&json)]);
    let scores: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let found = &scores["cases"][0]["classes"]["1"];
    for (metric, distance) in [("hausdorff", 1.0), ("hd95", 1.0), ("surface_dice", 1.0), ("dice", 0.0)] {
        let value = found[metric].as_f64().unwrap();
        assert!((value - distance).abs() < 1e-6, "{metric}: {value}");
    }
}

#[test]
fn a_probability_map_lies_where_it_says_and_what_is_odd_about_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let [pred, truth] = ["pred", "truth"].map(|name| folder.path().join(name));
    [&pred, &truth].iter().for_each(|f| std::fs::create_dir(f).unwrap());
    let mask = cuboid([1, 3, 1], [4, 7, 3]);
    for place in [&pred, &truth] {
        io::write_label_nifti(&place.join("a.nii"), &mask, &grid(0.0)).unwrap();
    }
    io::write_table(&pred.join("labels.txt"), &LabelTable::named(&["lesion"])).unwrap();
    // Certain of the lesion, but for one voxel that is no number; stored from the patient's other side.
    let values = mask.to_values();
    let mirrored = |i: usize| values[i - i % DIMS[0] + (DIMS[0] - 1 - i % DIMS[0])];
    let mut samples: Vec<f32> = (0..values.len()).map(|i| f32::from(mirrored(i))).collect();
    samples[0] = f32::NAN;
    let place = DAffine3::from_mat3_translation(
        DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 2.0)),
        DVec3::new(DIMS[0] as f64 - 1.0, 0.0, 0.0),
    );
    let turned = Grid::new(DIMS, place, Unit::Millimetre, Frame::Patient).unwrap();
    let volume = Volume::new(turned, Samples::F32(samples.into()), [1.0, 0.0], Modality::Other).unwrap();
    io::write_volume_nifti(&pred.join("a_lesion.nii"), &volume).unwrap();
    let json = folder.path().join("scores.json");
    let output = fovea(&["eval", "--pred", text(&pred), "--truth", text(&truth), "--json", text(&json)]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    let scores: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(scores["cases"][0]["classes"]["1"]["auc"], 1.0);
    for word in ["a: the probability map of lesion: ", "stored along RPS", "1 of its values are not numbers"]
    {
        assert!(told.contains(word), "{word}: {told}");
    }
    // One of another place is no map of this case.
    let elsewhere = Volume::new(grid(50.0), volume.samples().clone(), [1.0, 0.0], Modality::Other).unwrap();
    io::write_volume_nifti(&pred.join("a_lesion.nii"), &elsewhere).unwrap();
    let told = refused(&["eval", "--pred", text(&pred), "--truth", text(&truth)]);
    assert!(told.contains("a_lesion.nii differs from its truth's: its first voxel lies at"), "{told}");
}

#[test]
fn a_label_whose_value_no_truth_has_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let [pred, truth, _] = data_set(folder.path());
    let told = |labels: &str| {
        let output = fovea(&["eval", "--pred", text(&pred), "--truth", text(&truth), "--labels", labels]);
        String::from_utf8(output.stderr).unwrap()
    };
    std::fs::remove_file(pred.join("labels.txt")).unwrap();
    let absent = "no truth has a voxel with the values that --labels gives for cyst";
    assert!(told("lesion=1,cyst=7").contains(absent));
    assert!(!told("lesion=1").contains("no truth has"));
    assert!(
        refused(&["eval", "--pred", text(&pred), "--truth", text(&truth), "--labels", "=1"])
            .contains("there is no name before \"=\"")
    );
}
