//! What is written where: never over what is read, under the case's name, and said in words that no name can forge.

use super::{fovea, info, program, refused, said, text, write_list};
use fovea::{
    geom::Grid,
    io,
    label::LabelMap,
    phantom::{self, Look},
    volume::{Modality, Samples, Volume},
};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
};

const CPU: [&str; 2] = ["--device", "cpu"];

fn segment(inputs: &[&Path], model: &str, out: &Path, more: &[&str]) -> Vec<String> {
    let mut arguments = vec!["segment"];
    arguments.extend(inputs.iter().map(|input| text(input)));
    arguments.extend(["--model", model, "--out", text(out)]);
    arguments.extend(CPU.iter().chain(more));
    arguments.into_iter().map(str::to_owned).collect()
}

fn done(arguments: &[String]) -> String {
    said(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn not_done(arguments: &[String]) -> String {
    refused(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A photograph of phantoms' vessels, small.
fn write_photo(path: &Path) {
    io::write_image_png(path, &phantom::fundus_sized(1, Look::Standard, 64).volume).unwrap();
}

/// A slice of a CT with its place, of `depth` slices.
fn write_ct(path: &Path, depth: usize) {
    let grid = Grid::spaced([32, 32, depth], [0.4, 0.7, 3.0]).unwrap();
    let values = (0..32 * 32 * depth).map(|i| (i % 400) as i16 - 200).collect::<Vec<_>>();
    let volume = Volume::new(grid, Samples::I16(values.into()), [1.0, 0.0], Modality::Ct).unwrap();
    io::write_volume_nifti(path, &volume).unwrap();
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn no_output_is_an_input() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let [eye, scan] = [at("eye.png"), at("scan.nii.gz")];
    write_photo(&eye);
    write_ct(&scan, 2);
    let before = [&eye, &scan].map(|path| fs::read(path).unwrap());
    let list = at("list.csv");
    fs::write(&list, "id,image,label\nother,eye.png,truth.png\ntruth,eye.png,\n").unwrap();
    write_photo(&at("truth.png"));
    fs::create_dir(at("masks")).unwrap();
    fs::hard_link(&eye, at("masks/eye.png")).unwrap();
    let same = folder.path().join("masks/../new/..");
    for (arguments, told) in [
        (segment(&[&eye], "vessel", folder.path(), &["--overwrite"]), "eye.png"),
        (segment(&[&eye], "vessel", &same, &["--overwrite"]), "eye.png"),
        (segment(&[&eye], "vessel", &at("masks"), &["--overwrite"]), "masks/eye.png"),
        (segment(&[&eye], "vessel", &at("EYE.PNG"), &["--overwrite"]), "eye.png"),
        (segment(&[&scan], "ct-phantom", &scan, &["--overwrite"]), "scan.nii.gz"),
        (segment(&[&list], "vessel", folder.path(), &["--overwrite"]), "truth.png"),
        (["convert", text(&scan), text(&scan), "--overwrite"].map(str::to_owned).to_vec(), "scan.nii.gz"),
    ] {
        let error = not_done(&arguments);
        assert!(error.contains(told) && error.contains("nothing was written"), "{arguments:?}: {error}");
    }
    assert_eq!([&eye, &scan].map(|path| fs::read(path).unwrap()), before);
    assert!(!at("labels.txt").exists(), "nothing is written before everything is compared");
}

#[test]
fn files_of_a_folder_models_and_data_are_inputs_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("slices")).unwrap();
    for z in 1..=2 {
        write_photo(&at(&format!("slices/slice_{z}.png")));
    }
    let list = write_list(folder.path());
    let pairs = at("pairs.csv");
    fs::write(&pairs, "id,image,label\nslice_1,slices/slice_1.png,slices/slice_1.png\n").unwrap();
    let model = at("m.safetensors");
    said(&["models", "export", "vessel", "--out", text(&model)]);
    let before = fs::read(&model).unwrap();
    for arguments in [
        &["convert", text(&at("slices")), text(&at("slices/slice_2.png")), "--overwrite"][..],
        &["models", "export", text(&model), "--out", text(&model), "--overwrite"],
        &["models", "import", text(&model), "--out", text(&model), "--overwrite"],
        &["models", "fuse", text(&model), "--out", text(&model), "--overwrite"],
        &["train", "--data", text(&list), "--init", text(&model), "--out", text(&model), "--overwrite"],
        &[
            "eval",
            "--pred",
            text(&at("slices")),
            "--truth",
            text(&pairs),
            "--csv",
            text(&pairs),
            "--overwrite",
        ],
    ] {
        let error = refused(arguments);
        assert!(error.contains("nothing was written"), "{arguments:?}: {error}");
    }
    assert_eq!(fs::read(&model).unwrap(), before);
}

#[test]
fn what_is_there_is_replaced_only_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_photo(&at("eye.png"));
    let masks = at("masks");
    fs::create_dir(&masks).unwrap();
    fs::write(masks.join("labels.txt"), "my own notes\n").unwrap();
    let error = not_done(&segment(&[&at("eye.png")], "vessel", &masks, &[]));
    assert!(error.contains("labels.txt") && error.contains("--overwrite"), "{error}");
    assert_eq!(fs::read_to_string(masks.join("labels.txt")).unwrap(), "my own notes\n");
    assert_eq!(names_in(&masks), ["labels.txt"]);
    done(&segment(&[&at("eye.png")], "vessel", &masks, &["--overwrite"]));
    assert_eq!(names_in(&masks), ["eye.png", "labels.txt"]);
    // What the program wrote, it may write again, as long as nobody has changed it.
    done(&segment(&[&at("eye.png")], "vessel", &masks, &[]));
    let mask = fs::read(masks.join("eye.png")).unwrap();
    for (name, changed) in [("eye.png", &mask[..mask.len() - 1]), ("labels.txt", b"my own notes\n")] {
        let kept = fs::read(masks.join(name)).unwrap();
        fs::write(masks.join(name), changed).unwrap();
        let error = not_done(&segment(&[&at("eye.png")], "vessel", &masks, &[]));
        assert!(error.contains(name) && error.contains("--overwrite"), "{error}");
        assert_eq!(fs::read(masks.join(name)).unwrap(), changed);
        fs::write(masks.join(name), kept).unwrap();
    }
    write_photo(&at("other.png"));
    done(&segment(&[&at("other.png")], "vessel", &masks, &[]));
    assert!(refused(&["convert", text(&at("eye.png")), text(&at("other.png"))]).contains("--overwrite"));
}

#[test]
fn no_two_outputs_are_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["Eye.png", "eye.jpg.png"] {
        write_photo(&at(name));
    }
    fs::rename(at("eye.jpg.png"), at("eye.bmp")).unwrap();
    let error = not_done(&segment(&[&at("Eye.png"), &at("eye.bmp")], "vessel", &at("masks"), &[]));
    assert!(error.contains("would be the same file"), "{error}");
    // A case that is called as another's probability map.
    let label = "vessel";
    write_photo(&at(&format!("Eye_{label}.png")));
    let error = not_done(&segment(
        &[&at("Eye.png"), &at(&format!("Eye_{label}.png"))],
        "vessel",
        &at("masks"),
        &["--probability"],
    ));
    assert!(error.contains("would be the same file"), "{error}");
    assert!(!at("masks").exists());
}

#[test]
fn one_slice_with_a_place_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let (scan, out) = (folder.path().join("slice.nii.gz"), folder.path().join("out"));
    write_ct(&scan, 1);
    done(&segment(&[&scan], "ct-phantom", &out, &[]));
    let mask = info(text(&out.join("slice.nii.gz")));
    let image = info(text(&scan));
    for fact in ["shape", "spacing", "affine_lps"] {
        assert_eq!(mask[fact], image[fact], "{fact}");
    }
}

#[test]
fn a_folder_of_photographs_gives_a_mask_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("photos")).unwrap();
    for name in ["21_training.png", "22_training.png", "eye_0000.png"] {
        write_photo(&at("photos").join(name));
    }
    fs::write(at("photos/._21_training.png"), "companion").unwrap();
    done(&segment(&[&at("photos")], "vessel", &at("out"), &[]));
    assert_eq!(names_in(&at("out")), ["21.png", "22.png", "eye.png", "labels.txt"]);
    assert!(
        refused(&["convert", text(&at("photos")), text(&at("v.nii.gz"))]).contains("3 separate pictures")
    );
    said(&["convert", text(&at("photos")), text(&at("v.tif")), "--series", "#_training.png"]);
    assert_eq!(info(text(&at("v.tif")))["shape"][2], 2);
}

#[test]
fn the_only_photograph_of_a_folder_gives_its_name_to_its_mask() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("photos")).unwrap();
    write_photo(&at("photos/21_training.png"));
    done(&segment(&[&at("photos")], "vessel", &at("out"), &[]));
    assert_eq!(names_in(&at("out")), ["21.png", "labels.txt"]);
}

fn masks(folder: PathBuf, names: &[&str]) -> PathBuf {
    fs::create_dir_all(&folder).unwrap();
    let map = LabelMap::from_values([2, 2, 1], &[1, 0, 0, 1]).unwrap();
    for name in names {
        match name.ends_with(".nii.gz") {
            true => io::write_label_nifti(&folder.join(name), &map, &Grid::pixels([2, 2, 1]).unwrap()),
            false => io::write_label_png(&folder.join(name), &map),
        }
        .unwrap();
    }
    folder
}

fn scored(pred: &Path, truth: &Path) -> Vec<String> {
    let table = said(&["eval", "--pred", text(pred), "--truth", text(truth)]);
    let rows = table.lines().skip(1).take_while(|line| !line.is_empty());
    rows.map(|row| row.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn masks_are_paired_by_their_cases() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (i, (pred, truth, case)) in [
        ("liver_7.png", "liver_7.nii.gz", "liver_7"),
        ("21.png", "21_manual1.png", "21"),
        ("Image_01L.png", "Image_01L_1stHO.png", "Image_01L"),
        ("scan_labels.png", "scan.png", "scan"),
        ("x_0000.png", "x.png", "x"),
    ]
    .into_iter()
    .enumerate()
    {
        let pred = masks(at(&format!("p{i}")), &[pred, "._hidden.png", ".fovea-Ab12Cd.png"]);
        let truth = masks(at(&format!("t{i}")), &[truth]);
        fs::write(truth.join("._companion.nii.gz"), "no image").unwrap();
        assert_eq!(scored(&pred, &truth), [case]);
    }
    // Masks that are named after the images of a list, whose ids are others; and after its ids.
    masks(at("list"), &["21_training.png", "21_manual1.png"]);
    let list = at("list/list.csv");
    fs::write(&list, "id,image,label\ndrive_1,21_training.png,21_manual1.png\n").unwrap();
    for name in ["21.png", "drive_1.png", "21_training.png"] {
        let pred = masks(at(&format!("of_{name}")), &[name]);
        assert_eq!(scored(&pred, &list), ["drive_1"], "{name}");
    }
    let two = masks(at("two"), &["21.png", "21_test.png"]);
    let error = refused(&["eval", "--pred", text(&two), "--truth", text(&at("t1"))]);
    assert!(error.contains("21_test") || error.contains("both of the case"), "{error}");
}

#[test]
fn cells_of_a_table_are_no_formulas() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let pred = masks(at("pred"), &["=1+1.png", "-a.png", "b.png"]);
    let truth = masks(at("truth"), &["=1+1.png", "-a.png", "b.png"]);
    said(&["eval", "--pred", text(&pred), "--truth", text(&truth), "--csv", text(&at("s.csv"))]);
    let mut table = csv::Reader::from_path(at("s.csv")).unwrap();
    let cases: Vec<String> = table.records().map(|r| r.unwrap()[0].to_owned()).collect();
    assert_eq!(cases, ["'-a", "'=1+1", "b"]);
}

#[cfg(unix)]
#[test]
fn names_cannot_act_on_the_terminal_nor_forge_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\u{1b}[31m\u{9b}2J\u{202e}gnp\nfovea: all is well.png";
    let path = folder.path().join(name);
    write_photo(&path);
    let is_plain = |text: &str| !text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}');
    let told = said(&["info", text(&path)]);
    assert!(is_plain(&told) && told.contains("\\u{1b}[31m\\u{9b}2J\\u{202e}gnp\\nfovea"), "{told}");
    let json = said(&["info", text(&path), "--json"]);
    assert!(is_plain(&json), "{json}");
    let facts: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(facts["path"].as_str().unwrap().ends_with(name));
    fs::write(&path, "no picture").unwrap();
    let error = refused(&["info", text(&path)]);
    assert!(is_plain(&error) && error.lines().all(|line| !line.starts_with("fovea: all")), "{error}");
    let typed = refused(&["segment", "--out", "x", "--model", "y", "--\u{1b}[31mred"]);
    assert!(is_plain(&typed), "{typed}");
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let folder = tempfile::tempdir().unwrap();
    write_photo(&folder.path().join("eye.png"));
    let (eye, out) = (folder.path().join("eye.png"), folder.path().join("out"));
    let segment = segment(&[&eye], "vessel", &out, &[]);
    let segment: Vec<&str> = segment.iter().map(String::as_str).collect();
    for arguments in
        [&["models", "list"][..], &["info", "sample:oct"], &["info", "sample:oct", "--json"], &segment]
    {
        let mut child =
            program(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        drop(child.stdout.take());
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        let code = child.wait().unwrap().code();
        assert!(matches!(code, Some(0 | 141)), "{arguments:?}: {code:?} {errors}");
        assert!(!errors.contains("panicked") && !errors.contains("roken pipe"), "{arguments:?}: {errors}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = program(&["models", "list"]).stdout(full).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("not written") && !errors.contains("panicked"), "{errors}");
}

#[test]
fn a_cause_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than a file system has room for.
    let long = folder.path().join(format!("{}x.nii.gz", "long".repeat(80)));
    let errors = refused(&["convert", "sample:ct", text(&long)]);
    assert!(errors.contains("x.nii.gz") && !errors.contains(".fovea-"), "{errors}");
    assert_eq!(errors.matches("os error").count(), 1, "{errors}");
    let missing = refused(&["segment", "no/list.csv", "--model", "vessel", "--out", text(folder.path())]);
    assert_eq!(missing.matches("os error").count(), 1, "{missing}");
    assert_eq!(fovea(&["models", "show", "vessel"]).status.code(), Some(0));
}
