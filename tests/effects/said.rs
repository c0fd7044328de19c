//! What `fovea edit` and `fovea measure` say of what they have done, and of what they cannot do.

use super::program::{done, fovea, mask, refused, text};
use fovea::{
    geom::Grid,
    io::{self, Mask, write_volume_nifti},
    label::{Label, LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use std::path::{Path, PathBuf};

/// A mask of these labels.
fn written(folder: &Path, name: &str, dims: [usize; 3], labels: &[u16]) -> PathBuf {
    let map = LabelMap::from_values(dims, labels).unwrap();
    let grid = Grid::spaced(dims, [0.5, 0.7, 3.0]).unwrap();
    let path = folder.join(name);
    let writer = io::writer_of(&path).unwrap().0;
    (writer.mask)(&path, Mask { map: &map, labels: &LabelTable::default(), grid: &grid }).unwrap();
    path
}

/// An image of these values on the grid of [`mask`].
fn image(folder: &Path, values: Vec<f32>) -> PathBuf {
    let grid = Grid::spaced([5, 4, 2], [0.5, 0.7, 3.0]).unwrap();
    let volume = Volume::new(grid, Samples::F32(values.into()), [1.0, 0.0], Modality::Other).unwrap();
    let path = folder.join("image.nii.gz");
    write_volume_nifti(&path, &volume).unwrap();
    path
}

fn counts(path: &Path) -> Vec<(u16, usize)> {
    io::open_labels(path).unwrap().0.counts().into_iter().collect()
}

#[test]
fn a_label_that_goes_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (mask(folder.path()), folder.path().join("out.nii.gz"));
    let said = |arguments: &[&str]| done(&[arguments, &[text(&input), text(&output)]].concat())[1].clone();
    let errors = said(&["--effect", "margin", "--set", "margin_mm=-9", "--label", "all"]);
    assert!(errors.contains("warning: liver: all of its 5 voxels go"), "{errors}");
    assert!(errors.contains("warning: left kidney: its only voxel goes"), "{errors}");
    assert_eq!(counts(&output), []);
    // Where that is what was asked for, or where something is left, there is nothing to warn of.
    for arguments in [
        &["--effect", "logic", "--set", "operation=clear", "--label", "liver"][..],
        &["--effect", "relabel", "--set", "to=9", "--label", "liver"],
        &["--effect", "islands", "--label", "liver"],
    ] {
        let errors = said(arguments);
        assert!(!errors.contains("go"), "{arguments:?}: {errors}");
    }
    // A shell of a label that is everywhere has no surface to lie at.
    let full = written(folder.path(), "full.nii.gz", [5, 4, 2], &[1; 40]);
    let told = refused(&["--effect", "hollow", text(&full), text(&output), "--overwrite"]);
    assert!(told.contains("label 1 fills all that is looked at"), "{told}");
}

#[test]
fn labels_are_those_of_the_mask_that_is_meant() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (mask(folder.path()), folder.path().join("out.nii.gz"));
    let mut labels = [0; 40];
    labels[..3].fill(4);
    let other = written(folder.path(), "other.nii.gz", [5, 4, 2], &labels);
    let mut table = LabelTable::default();
    table.insert(Label::new(4, "vessel"));
    io::write_table(&io::table_beside(&other), &table).unwrap();
    let files = [text(&input), text(&output), "--other", text(&other)];
    let logic = |more: &[&'static str]| {
        [&["--effect", "logic", "--set", "from=other", "--label", "liver"][..], more, &files].concat()
    };
    // By the name that it has there, which this mask does not know.
    done(&logic(&["--set", "operation=subtract", "--set", "with=vessel"]));
    assert_eq!(counts(&output), [(1, 3), (7, 1)]);
    let told = refused(&logic(&["--set", "operation=intersect", "--set", "with=7"]));
    assert!(told.contains("there is no label 7 in the other mask: there are vessel (4)"), "{told}");
    let told = refused(&logic(&["--set", "operation=copy", "--set", "with=liver"]));
    assert!(told.contains("there is no label liver: there are vessel (4)"), "{told}");
    // What makes a label may make a new one; each label that is named is done once.
    let copy = ["--effect", "logic", "--set", "operation=copy", "--set", "with=7"];
    let [_, errors] =
        done(&[&copy[..], &["--over", "all", "--label", "12", "--label", "12"], &files[..2]].concat());
    assert_eq!(errors.matches("Logic, label 12").count(), 1, "{errors}");
    assert_eq!(counts(&output), [(1, 5), (12, 1)]);
}

#[test]
fn parts_become_labels_that_are_free_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out.nii.gz");
    // Five parts of label 1, the largest first; label 12 is somebody else's.
    let labels = [1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 12];
    let input = written(folder.path(), "in.nii.gz", [12, 1, 1], &labels);
    let split = |first: &str| {
        let first = format!("first_id={first}");
        let split = ["--effect", "islands", "--set", "keep=split", "--set", &first, "--label", "1"];
        done(&[&split[..], &[text(&input), text(&output)]].concat())[1].clone()
    };
    let errors = split("11");
    assert!(
        errors.contains("Islands, label 1: 4 parts become labels 11 to 15, without 12, which is taken"),
        "{errors}"
    );
    assert_eq!(counts(&output), [(1, 2), (11, 1), (12, 1), (13, 1), (14, 1), (15, 1)]);
    let last =
        written(folder.path(), "in.nii.gz", [12, 1, 1], &labels.map(|id| if id == 12 { 65_000 } else { id }));
    assert_eq!(last, input);
    let errors = split("64999");
    assert!(errors.contains("4 parts become labels 64999 to 65003, without 65000"), "{errors}");
    // Numbers end at 65534.
    written(folder.path(), "in.nii.gz", [12, 1, 1], &labels.map(|id| if id == 12 { 65_532 } else { id }));
    let split = ["--effect", "islands", "--set", "keep=split", "--label", "1", text(&input), text(&output)];
    let [_, errors] = done(&split);
    assert!(errors.contains("2 parts become labels 65533 to 65534"), "{errors}");
    assert!(
        errors.contains("warning: 2 parts stay what they are: no number above 65534 is free"),
        "{errors}"
    );
    assert_eq!(counts(&output), [(1, 4), (65_532, 1), (65_533, 1), (65_534, 1)]);
}

#[test]
fn what_is_told_in_vain_and_what_does_nothing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (mask(folder.path()), folder.path().join("out.nii.gz"));
    let files = [text(&input), text(&output)];
    let said = |arguments: &[&str]| done(&[arguments, &files].concat())[1].clone();
    let errors = said(&["--effect", "islands", "--set", "min_ml=1", "--label", "liver"]);
    assert!(errors.contains("warning: islands: min_ml does nothing with keep=largest"), "{errors}");
    let errors = said(&["--effect", "margin", "--set", "margin_mm=1", "--label", "liver"]);
    assert!(
        errors.contains("1 mm is less than the 3 mm from slice to slice: it works within slices"),
        "{errors}"
    );
    let copy = "The new file is a copy of the old one";
    for (arguments, why) in [
        (
            &["--effect", "margin", "--set", "margin_mm=0.2", "--label", "liver"][..],
            "Margin, liver: 0.2 mm is less",
        ),
        (&["--effect", "islands", "--label", "liver", "--lock", "liver"], "Islands, liver: liver is locked"),
        (&["--effect", "islands", "--label", "left kidney"], "left kidney: it is as it should be already"),
        (
            &["--effect", "islands", "--label", "left kidney", "--slices", "0"],
            "left kidney has no voxels here",
        ),
        (
            &["--effect", "logic", "--set", "operation=add", "--set", "with=7", "--label", "liver"],
            "Logic, liver: what would be gained belongs to other labels",
        ),
    ] {
        let errors = said(arguments);
        assert!(
            errors.contains("Nothing changed: ") && errors.contains(why) && errors.contains(copy),
            "{errors}"
        );
        assert_eq!(counts(&output), [(1, 5), (7, 1)]);
    }
}

#[test]
fn a_chain_is_checked_before_a_mask_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (mask(folder.path()), folder.path().join("out.nii.gz"));
    for (steps, words) in [
        (&["--effect", "margin", "--set", "margin=3"][..], "there is no margin; there are margin_mm"),
        (&["--effect", "margin", "--set", "margin_mm=2,5"], "write 2.5, with a point"),
        (&["--effect", "margin", "--set", "low=3", "--set", "high=1"], "low=3 is above high=1"),
        (&["--effect", "logic", "--set", "with=70000"], "whole ones from 1 to 65534"),
    ] {
        let told = refused(&[steps, &["--print-chain"]].concat());
        assert!(told.contains(words), "{told}");
    }
    // A name of a label may be one of any mask.
    let [out, _] = done(&["--effect", "logic", "--set", "with=vessel", "--print-chain"]);
    assert!(out.contains("vessel"), "{out}");
    let chain = folder.path().join("chain.json");
    let files = ["--chain", text(&chain), text(&input), text(&output)];
    std::fs::write(&chain, r#"[{"effect": "logic", "set": {"operation": "clear"}, "labels": [7, "liver"]}]"#)
        .unwrap();
    done(&files);
    assert_eq!(counts(&output), []);
    for (text, words) in [
        (r#"[{"effect": "islands", "label": "liver"}]"#, "unknown field `label`"),
        (r#"[{"effect": "islands", "labels": [1.5]}]"#, "a label is a name or a whole number"),
        (r#"[{"effect": "islands", "labels": [70000]}]"#, "whole ones from 1 to 65534"),
    ] {
        std::fs::write(&chain, text).unwrap();
        let told = refused(&files);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn a_preset_is_for_its_kind_of_image() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (mask(folder.path()), folder.path().join("out.nii.gz"));
    let values = (0..40).map(|at| if at < 10 { 500.0 } else { -5.0 }).collect();
    let image = image(folder.path(), values);
    let preset = |id: &str| format!("preset={id}");
    let bone = preset("ct-bone");
    let threshold = ["--effect", "threshold", "--set", "method=preset", "--set", &bone, "--label", "12"];
    let files = ["--image", text(&image), text(&input), text(&output)];
    let [_, errors] = done(&[&threshold[..], &files].concat());
    assert!(errors.contains("warning: ct-bone is for CT, and the image does not say"), "{errors}");
    assert_eq!(counts(&output), [(1, 5), (7, 1), (12, 6)]);
}

#[test]
fn values_that_are_not_finite_do_not_count_in_measures() {
    let folder = tempfile::tempdir().unwrap();
    let input = mask(folder.path());
    // Of the voxels 0, 1, 5, 6 and 18 of the liver, two have no finite value.
    let value = |at: usize| match at {
        0 => f32::INFINITY,
        18 => f32::NAN,
        at => at as f32,
    };
    let image = image(folder.path(), (0..40).map(value).collect());
    let output = fovea("measure", &[text(&input), "--image", text(&image)]);
    let [out, errors] =
        [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{errors}");
    let liver: Vec<&str> = out.lines().nth(1).unwrap().split(',').collect();
    assert_eq!((liver[0], liver[2], liver[5]), ("\"liver\"", "5", "4.000000"), "{out}");
    assert_eq!((liver[7], liver[11]), ("1.000000", "6.000000"), "{out}");
    assert!(errors.contains("liver: of 5 voxels, 2 without a finite value"), "{errors}");
}

#[test]
fn what_cannot_be_a_mask_and_what_cannot_hold_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (input, photograph) = (mask(folder.path()), folder.path().join("photograph.png"));
    let encoder = image::codecs::jpeg::JpegEncoder::new(std::fs::File::create(&photograph).unwrap());
    image::GrayImage::from_fn(16, 16, |x, y| image::Luma([(x * y) as u8]))
        .write_with_encoder(encoder)
        .unwrap();
    let told = refused(&["--effect", "islands", "--label", "1", text(&photograph), "out.png"]);
    assert!(told.contains("A JPEG changes values near edges, and those of a mask must be exact"), "{told}");
    let measured = fovea("measure", &[text(&photograph)]);
    let told = String::from_utf8_lossy(&measured.stderr).into_owned();
    assert!(!measured.status.success() && told.contains("must be exact"), "{told}");
    // A folder of pictures: of JPEGs it is refused, of others there is a doubt.
    for (ending, succeeds, words) in [("jpg", false, "must be exact"), ("png", true, "is it a picture?")] {
        let pictures = folder.path().join(ending);
        std::fs::create_dir(&pictures).unwrap();
        for z in 1..=3 {
            let picture = image::GrayImage::from_fn(16, 16, |x, y| image::Luma([(16 * y + x) as u8]));
            picture.save(pictures.join(format!("slice{z}.{ending}"))).unwrap();
        }
        let measured = fovea("measure", &[text(&pictures)]);
        let told = String::from_utf8_lossy(&measured.stderr).into_owned();
        assert!(measured.status.success() == succeeds && told.contains(words), "{ending}: {told}");
    }
    // A picture has no room for two slices.
    let output = folder.path().join("o2.png");
    let told = refused(&["--effect", "islands", "--label", "1", text(&input), text(&output)]);
    assert!(told.contains("a .png has no room for 2 slices; name the mask .nii.gz"), "{told}");
    assert!(!output.exists());
    // What writes a folder says so, unless the folder was there.
    let converted = || {
        let converted = fovea("convert", &[text(&input), text(&output), "--labels"]);
        let told = String::from_utf8_lossy(&converted.stderr).into_owned();
        assert!(converted.status.success() && output.join("0002.png").exists(), "{told}");
        told
    };
    assert!(converted().contains("o2.png is a folder with a file for each slice"));
    assert!(!converted().contains("is a folder"));
}
