//! `fovea edit` as a shell sees it.

use fovea::{
    geom::Grid,
    io::{self, Mask},
    label::{Label, LabelMap, LabelTable},
    testing::forgets,
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub fn fovea(command: &str, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fovea"));
    program.arg(command).args(arguments);
    forgets(&mut program).output().expect("the program starts")
}

pub fn edit(arguments: &[&str]) -> Output {
    fovea("edit", arguments)
}

/// Standard output and standard error of a run that must succeed.
pub fn done(arguments: &[&str]) -> [String; 2] {
    let output = edit(arguments);
    let [out, errors] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "fovea edit {arguments:?}: {errors}");
    [out, errors]
}

/// Standard error of a run that must fail in an orderly way.
pub fn refused(arguments: &[&str]) -> String {
    let output = edit(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        matches!(output.status.code(), Some(1 | 2)),
        "fovea edit {arguments:?}: {:?} {errors}",
        output.status
    );
    errors
}

/// A mask of two parts of label 1, of 4 and 1 voxels, and of a voxel of label 7, with names beside it.
pub fn mask(folder: &Path) -> PathBuf {
    let dims = [5, 4, 2];
    let mut labels = vec![0; 40];
    for (at, label) in [(0, 1), (1, 1), (5, 1), (6, 1), (18, 1), (39, 7)] {
        labels[at] = label;
    }
    let map = LabelMap::from_values(dims, &labels).unwrap();
    let grid = Grid::spaced(dims, [0.5, 0.7, 3.0]).unwrap();
    let mut table = LabelTable::default();
    table.insert(Label::new(1, "liver"));
    table.insert(Label { color: [1, 2, 3], ..Label::new(7, "left kidney") });
    let path = folder.join("in.nii.gz");
    let writer = io::writer_of(&path).unwrap().0;
    (writer.mask)(&path, Mask { map: &map, labels: &table, grid: &grid }).unwrap();
    io::write_table(&io::table_beside(&path), &table).unwrap();
    path
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_edited_mask_keeps_its_labels_its_place_and_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (mask(folder.path()), folder.path().join("out.nii.gz"));
    let (before, grid, _) = io::open_labels(&input).unwrap();
    let [out, errors] = done(&["--effect", "islands", "--label", "liver", text(&input), text(&output)]);
    assert_eq!(out.trim(), text(&output));
    assert!(errors.contains("Islands, liver: 1 voxel changes"), "{errors}");
    let (after, kept, _) = io::open_labels(&output).unwrap();
    assert_eq!((after.counts(), kept), ([(1, 4), (7, 1)].into(), grid));
    assert_eq!(before.counts(), [(1, 5), (7, 1)].into());
    let tables = [&input, &output].map(|path| io::table_of(path).0.unwrap());
    assert_eq!(tables[0], tables[1]);
    // What the program wrote itself it may write again; what somebody else wrote it may not.
    done(&["--effect", "islands", "--label", "1", text(&input), text(&output)]);
    std::fs::write(&output, "somebody else's").unwrap();
    let told = refused(&["--effect", "islands", "--label", "1", text(&input), text(&output)]);
    assert!(told.contains("--overwrite"), "{told}");
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "somebody else's");
    let told = refused(&["--effect", "islands", "--label", "1", text(&input), text(&input)]);
    assert!(told.contains("which this reads"), "{told}");
}

#[test]
fn effects_are_done_in_order_and_chains_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let input = mask(folder.path());
    let [typed, chained, chain] =
        ["typed.nrrd", "chained.nrrd", "chain.json"].map(|name| folder.path().join(name));
    let steps =
        [["--effect", "margin", "--set", "margin_mm=0.7"], ["--effect", "islands", "--set", "keep=large"]];
    let steps: Vec<&str> = steps.concat().into_iter().chain(["--set", "min_voxels=8"]).collect();
    let [printed, _] = done(&[&steps[..], &["--print-chain"]].concat());
    std::fs::write(&chain, &printed).unwrap();
    done(&[&steps[..], &["--label", "all", text(&input), text(&typed)]].concat());
    done(&["--chain", text(&chain), "--label", "all", text(&input), text(&chained)]);
    let [typed, chained] = [typed, chained].map(|path| io::open_labels(&path).unwrap().0);
    assert_eq!(typed, chained);
    // Both labels grow within their slices. The two parts of the liver meet, so that only the kidney is too small.
    assert!(typed.counts()[&1] > 8 && !typed.counts().contains_key(&7), "{:?}", typed.counts());
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (mask(folder.path()), folder.path().join("out.nii.gz"));
    let files = [text(&input), text(&output)];
    for (said, words) in [
        (&["--effect", "island"][..], "no effect island; there are islands, fill-holes"),
        (&["--set", "keep=largest", "--effect", "islands"], "write it after --effect"),
        (&["--effect", "islands", "--set", "keep"], "KEY=VALUE"),
        (&["--effect", "islands", "--set", "keep=most", "--label", "1"], "one of largest, large"),
        (&["--effect", "margin", "--set", "margin_mm=900", "--label", "1"], "from -100 to 100 (mm)"),
        (
            &["--effect", "margin", "--set", "margin=3", "--label", "1"],
            "there is no margin; there are margin_mm",
        ),
        (&["--effect", "margin"], "several labels, liver (1), left kidney (7): say which with --label"),
        (&["--effect", "margin", "--label", "spleen"], "there is no label spleen: there are liver (1)"),
        (&["--effect", "margin", "--label", "0"], "0 is background"),
        (&["--effect", "mask-by", "--label", "1"], "it needs the image (--image FILE)"),
        (
            &["--effect", "islands", "--label", "1", "--slices", "1..5"],
            "the slices are 0 to 1, counted from 0",
        ),
        (
            &["--effect", "islands", "--label", "1", "--values", "5..1"],
            "5 is above 1: write the lower one first",
        ),
        (&["--effect", "islands", "--label", "1", "--values", "1..5"], "add --image"),
        (&["--effect", "islands", "--label", "1", "--values", "1,5..5"], "write 1.5, with a point"),
        (&["--effect", "islands", "--label", "1", "--values", "0..nan"], "nan is no number"),
        (&["--effect", "islands", "--label", "1", "--slices", "1..0"], "1 is above 0"),
        (&["--effect", "islands", "--label", "70000"], "whole ones from 1 to 65534"),
        (&["--effect", "islands", "--label", "12"], "there is no label 12 in this mask: there are liver (1)"),
        (&["--effect", "joint-smooth", "--label", "12"], "there is no label 12 in this mask"),
        (&["--effect", "islands", "--label", "1", "--lock", "12"], "--lock: there is no label 12"),
        (
            &["--effect", "islands", "--set", "keep=chosen", "--set", "at=9,0,0", "--label", "1"],
            "columns 0 to 4, rows 0 to 3 and slices 0 to 1",
        ),
        (
            &["--effect", "copy-slice", "--set", "from=0", "--set", "to=2", "--label", "1"],
            "to=2 lies outside of the image, which has slices 0 to 1",
        ),
        (
            &["--effect", "hollow", "--set", "thickness_mm=0.3", "--label", "1"],
            "the shell would be thinner than a voxel: 0.3 mm is less than the 0.5 mm from column to column",
        ),
        (
            &["--effect", "logic", "--set", "operation=copy", "--set", "with=77", "--label", "1"],
            "no label 77 in",
        ),
        (
            &["--effect", "mask-by", "--set", "where=label", "--set", "with=77", "--label", "1"],
            "no label 77 in",
        ),
        (&[], "no effect was given"),
    ] {
        let told = refused(&[said, &files].concat());
        assert!(told.contains(words), "{said:?}: {told}");
        assert!(!output.exists(), "{said:?}");
    }
    let told = refused(&["--effect", "islands", "--label", "1", files[0], "out.xyz"]);
    assert!(told.contains("should end in"), "{told}");
}

#[test]
fn only_the_slices_and_labels_in_question_change() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (mask(folder.path()), folder.path().join("out.nii.gz"));
    let clear = ["--effect", "logic", "--set", "operation=clear"];
    let counts = |more: &[&str]| {
        done(&[&clear[..], more, &[text(&input), text(&output)]].concat());
        io::open_labels(&output).unwrap().0.counts()
    };
    assert_eq!(counts(&["--label", "all"]), [].into());
    assert_eq!(counts(&["--label", "all", "--slices", "1"]), [(1, 5)].into());
    assert_eq!(counts(&["--label", "all", "--lock", "left kidney"]), [(7, 1)].into());
    assert_eq!(
        counts(&["--label", "all", "--plane", "sagittal", "--slices", "0..1"]),
        [(1, 1), (7, 1)].into()
    );
}

#[test]
fn the_list_has_every_effect_and_parameter() {
    let [list, _] = done(&["--list"]);
    for effect in fovea::edit::effects::EFFECTS {
        assert!(list.contains(effect.summary), "{}", effect.id);
        assert!(effect.parameters.iter().all(|p| list.contains(&p.whole_help())), "{}", effect.id);
    }
    let [one, _] = done(&["--list", "--effect", "margin"]);
    assert!(
        one.contains("margin_mm [3]  a number from -100 to 100 (mm)") && !one.contains("islands"),
        "{one}"
    );
}

#[test]
fn labels_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let (input, csv) = (mask(folder.path()), folder.path().join("measures.csv"));
    let output = fovea("measure", &[text(&input), "--csv", text(&csv)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = std::fs::read_to_string(&csv).unwrap();
    let rows: Vec<Vec<&str>> = written.lines().map(|line| line.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{written}");
    let at = |key: &str| rows[0].iter().position(|name| *name == key).unwrap();
    assert_eq!((rows[1][at("label")], rows[1][at("voxels")]), ("\"liver\"", "5"));
    // Five voxels of 0.5 × 0.7 × 3 mm.
    assert_eq!((rows[1][at("size")], rows[1][at("unit")]), ("0.005250", "ml"));
    assert_eq!((rows[2][at("label")], rows[2][at("id")], rows[2][at("mean")]), ("\"left kidney\"", "7", ""));
    std::fs::write(&csv, "mine").unwrap();
    let output = fovea("measure", &[text(&input), "--csv", text(&csv)]);
    assert!(!output.status.success() && std::fs::read_to_string(&csv).unwrap() == "mine");
}
