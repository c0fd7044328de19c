//! The program as a shell sees it: subcommands on files, what they print, and how they fail.

use fovea::{geom::Grid, io, phantom};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
};

fn fovea(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fovea"))
        .args(arguments)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .expect("the program starts")
}

/// Standard output of a run that must succeed.
fn said(arguments: &[&str]) -> String {
    let output = fovea(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "fovea {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a run that must fail in an orderly way.
fn refused(arguments: &[&str]) -> String {
    let output = fovea(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    // 101 is a panic; a signal has no code.
    assert!(matches!(output.status.code(), Some(1 | 2)), "fovea {arguments:?}: {:?} {errors}", output.status);
    errors
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn info(path: &str) -> Value {
    serde_json::from_str(&said(&["info", path, "--json"])).unwrap()
}

#[test]
fn a_volume_is_converted_with_its_geometry_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.nii.gz");
    said(&["convert", "sample:ct", text(&copy)]);
    let (original, copy) = (info("sample:ct"), info(text(&copy)));
    for fact in ["shape", "spacing", "affine_ras", "axis_codes", "min", "max", "mean"] {
        assert!(!original[fact].is_null(), "info tells no {fact}: {original}");
        assert_eq!(original[fact], copy[fact], "{fact}");
    }
}

#[test]
fn a_sample_is_segmented_and_scored() {
    let folder = tempfile::tempdir().unwrap();
    let (masks, truths) = (folder.path().join("masks"), folder.path().join("truth"));
    said(&["segment", "sample:oct", "--model", "oct-phantom", "--out", text(&masks), "--device", "cpu"]);
    let mask = std::fs::read_dir(&masks)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| text(p).ends_with(".nii.gz"))
        .expect("a mask was written");
    let phantom = phantom::find("oct").unwrap().open();
    std::fs::create_dir(&truths).unwrap();
    io::write_label_nifti(&truths.join(mask.file_name().unwrap()), &phantom.truth, phantom.volume.grid())
        .unwrap();
    let (_, grid, _): (_, Grid, _) = io::open_labels(&mask).unwrap();
    assert_eq!(grid.dims(), phantom.volume.dims());
    let scores = folder.path().join("scores.json");
    said(&["eval", "--pred", text(&masks), "--truth", text(&truths), "--json", text(&scores)]);
    let scores: Value = serde_json::from_slice(&std::fs::read(&scores).unwrap()).unwrap();
    let dice = scores["mean_dice"].as_f64().unwrap_or_else(|| panic!("no mean Dice in {scores}"));
    assert!(dice > 0.5, "the bundled demonstration has Dice {dice} on the picture that it is for");
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.png");
    std::fs::write(&broken, b"\x89PNG\r\n\x1a\nno").unwrap();
    let missing = refused(&["info", "no/such/file.nii"]);
    assert!(missing.contains("no/such/file.nii"), "{missing}");
    let damaged = refused(&["info", text(&broken)]);
    assert!(damaged.contains("broken.png"), "{damaged}");
    let model = refused(&["segment", "sample:oct", "--model", "nobody", "--out", text(folder.path())]);
    assert!(model.contains("nobody"), "{model}");
    let fixture = refused(&["models", "verify", text(&broken)]);
    assert!(!fixture.is_empty());
    let model = folder.path().join("model.safetensors");
    let network = refused(&["train", "--data", "phantom:oct", "--network", "no/net", "--out", text(&model)]);
    assert!(network.contains("no/net"), "{network}");
    assert!(!model.exists());
    assert_eq!(std::fs::read(&broken).unwrap(), b"\x89PNG\r\n\x1a\nno", "a refused command writes nothing");
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_display_a_named_image_is_not_opened_and_the_reason_is_told() {
    let told = refused(&["sample:oct"]);
    assert!(told.contains("display"), "{told}");
    assert!(told.contains("fovea segment"), "{told}");
}
