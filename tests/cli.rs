//! The program as a shell sees it: subcommands on files, what they print, and how they fail.

#[path = "cli/data.rs"]
mod data;
#[path = "cli/eval.rs"]
mod eval;
#[path = "cli/outputs.rs"]
mod outputs;
#[path = "cli/places.rs"]
mod places;
#[path = "cli/runs.rs"]
mod runs;
#[path = "cli/search.rs"]
mod search;
#[path = "cli/teaching.rs"]
mod teaching;

use fovea::{
    geom::Grid,
    io,
    phantom::{self, Look},
    testing::forgets,
};
use serde_json::Value;
use std::{
    path::Path,
    process::{Command, Output},
};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fovea"));
    command.args(arguments);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    forgets(&mut command);
    command
}

fn fovea(arguments: &[&str]) -> Output {
    program(arguments).output().expect("the program starts")
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

/// Small phantoms of the fundus, and a list of them.
fn write_list(folder: &Path) -> std::path::PathBuf {
    let mut list = String::from("id,image,label,valid,split\n");
    for (i, split) in ["train", "train", "train", "val"].iter().enumerate() {
        let p = phantom::fundus_sized(i as u64, Look::Standard, 64);
        io::write_image_png(&folder.join(format!("i{i}.png")), &p.volume).unwrap();
        io::write_label_png(&folder.join(format!("l{i}.png")), &p.truth).unwrap();
        list += &format!("case{i},i{i}.png,l{i}.png,,{split}\n");
    }
    let path = folder.join("list.csv");
    std::fs::write(&path, list).unwrap();
    path
}

fn train(data: &Path, options: &str) -> Vec<String> {
    let mut arguments = vec!["train", "--data", text(data), "--device", "cpu"];
    arguments.extend(options.split_whitespace());
    arguments.into_iter().map(str::to_owned).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// SA-UNet's recipe, as small as it can be.
const SMALL: &str =
    "--recipe vessel --set config.start_neurons=4 --set config.block_size=3 --set train.crop=window
    --set train.best=pooled_dice --patch 32 --batch 2";

#[test]
fn folds_are_trained_by_patient_and_summed_up() {
    let folder = tempfile::tempdir().unwrap();
    let list = write_list(folder.path());
    let run = folder.path().join("run");
    let options = format!("{SMALL} --steps 3 --validate-every 3 --run {} --folds 2", text(&run));
    let owned = train(&list, &format!("{options} --fold 1"));
    said(&owned.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!run.join("fold0").exists());
    assert_eq!(json(&run.join("folds.json"))["ended"][0]["fold"], 1);
    // The fold that has ended is not trained again.
    let last = run.join("fold1/last.safetensors");
    let before = std::fs::metadata(&last).unwrap().modified().unwrap();
    let owned = train(&list, &format!("{options} --fold all --resume"));
    let told = said(&owned.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(told.contains("2 of 2 folds: Dice"), "{told}");
    assert_eq!(std::fs::metadata(&last).unwrap().modified().unwrap(), before);
    let held_out = |fold: &str| {
        let list = json(&run.join(fold).join("result.json"));
        list["dice"].as_f64().expect("every fold is validated")
    };
    let mean = (held_out("fold0") + held_out("fold1")) / 2.0;
    let summed = json(&run.join("folds.json"))["dice"]["mean"].as_f64().unwrap();
    assert!((summed - mean).abs() < 1e-12, "{summed} for {mean}");
}

#[test]
fn a_run_that_cannot_multiply_in_half_precision_says_so_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (list, run) = (write_list(folder.path()), folder.path().join("run"));
    let options = format!(
        r#"--network vessel/sa_unet --config {{"start_neurons":4}} --longer-side 0 --patch 32 --batch 2 --steps 2 --half --run {}"#,
        text(&run)
    );
    let owned = train(&list, &options);
    let told = said(&owned.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(told.contains("it learns in single precision: the CPU"), "{told}");
    assert_eq!(json(&run.join("config.json"))["train"]["precision"], "half");
    assert!(run.join("last.safetensors").exists());
}

#[test]
fn every_broken_pair_is_told_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let list = write_list(folder.path());
    let larger = phantom::fundus_sized(1, Look::Standard, 80);
    io::write_label_png(&folder.path().join("l1.png"), &larger.truth).unwrap();
    std::fs::remove_file(folder.path().join("i3.png")).unwrap();
    let run = folder.path().join("run");
    let owned = train(&list, &format!("{SMALL} --run {}", text(&run)));
    let told = refused(&owned.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(told.contains("2 cases") && told.contains("i3.png") && told.contains("80 × 80 × 1"), "{told}");
    assert!(!run.exists());
}

/// What a process that is told to stop does.
#[cfg(target_os = "linux")]
mod stopped {
    use super::*;
    use fovea::volume::{Modality, Samples, Volume};
    use rand::RngExt;
    use std::{
        collections::BTreeSet,
        process::{Child, Stdio},
        thread::sleep,
        time::{Duration, Instant},
    };

    const PATIENCE: Duration = Duration::from_secs(60);
    const INTERRUPTED: Option<i32> = Some(130);

    /// Beside its progress it says one thing.
    fn says_how_to_go_on(told: &str) {
        let said: Vec<&str> = told.lines().filter(|line| line.starts_with("fovea:")).collect();
        assert!(said.len() == 1 && said[0].contains("--resume"), "{told}");
    }

    fn start(arguments: &[&str]) -> Child {
        program(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn signal(child: &Child, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits while the child runs until something is so.
    fn wait_for(child: &mut Child, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before {what}");
            assert!(Instant::now() < end, "{what} was waited for in vain");
            sleep(Duration::from_millis(1));
        }
    }

    /// Standard output and error of a process that must end with the status of an interrupted one.
    fn interrupted(child: Child) -> (String, String) {
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(status.code(), INTERRUPTED, "{err}");
        (out, err)
    }

    fn files_in(folder: &Path) -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// "step 40: loss 0.71, validation Dice 0.1234 (…)" as (40, "0.1234").
    fn dice_by_step(said: &str) -> BTreeSet<(u64, String)> {
        let line = |l: &str| {
            let (step, rest) = l.strip_prefix("step ")?.split_once(':')?;
            let dice = rest.split_once("validation Dice ")?.1.split(' ').next()?;
            Some((step.parse().ok()?, dice.to_owned()))
        };
        said.lines().filter_map(line).collect()
    }

    #[test]
    fn a_run_that_is_killed_and_interrupted_ends_as_one_that_never_stopped() {
        if !fovea::testing::signals_arrive() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let list = write_list(folder.path());
        let train = |out: &Path, resume: bool| {
            let options = r#"--network vessel/sa_unet --config {"start_neurons":4} --longer-side 0 --steps 400 --batch 2
                --patch 32 --validate-every 40 --device cpu"#;
            let mut arguments = vec!["train", "--data", text(&list), "--out", text(out)];
            arguments.extend(options.split_whitespace());
            arguments.extend(resume.then_some("--resume"));
            arguments.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let run = |out: &Path, resume| {
            let owned = train(out, resume);
            start(&owned.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let [whole, out] =
            ["whole", "out"].map(|name| folder.path().join(name).with_extension("safetensors"));
        let saved = out.with_extension("safetensors.run");
        let version = |model: &Path| {
            let card: Value = serde_json::from_str(&said(&["models", "show", text(model)])).unwrap();
            (card["version"].clone(), card["metrics"].clone())
        };

        let Output { stdout, stderr, .. } = run(&whole, false).wait_with_output().unwrap();
        assert!(whole.exists(), "{}", String::from_utf8_lossy(&stderr));
        let expected = dice_by_step(&String::from_utf8_lossy(&stdout));
        assert_eq!(
            expected.iter().map(|d| d.0).collect::<Vec<_>>(),
            (1..=10).map(|i| 40 * i).collect::<Vec<_>>()
        );

        // Killed at a random moment after the first checkpoint.
        let mut child = run(&out, false);
        wait_for(&mut child, "the first checkpoint", || saved.exists());
        sleep(Duration::from_millis(rand::rng().random_range(0..250)));
        child.kill().unwrap();
        let killed = child.wait_with_output().unwrap();
        let mut dice = dice_by_step(&String::from_utf8_lossy(&killed.stdout));
        assert!(!out.exists(), "it ended before it was killed");

        // Started anew by mistake: nothing of the saved run is lost.
        let owned = train(&out, false);
        let refusal = refused(&owned.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(refusal.contains("--resume") && saved.exists(), "{refusal}");

        // Goes on, and is told to stop.
        let modified = || std::fs::metadata(&saved).unwrap().modified().unwrap();
        let before = modified();
        let mut child = run(&out, true);
        wait_for(&mut child, "the next checkpoint", || modified() != before);
        signal(&child, "INT");
        let (said, told) = interrupted(child);
        says_how_to_go_on(&told);
        assert!(saved.exists() && !out.exists());
        dice.extend(dice_by_step(&said));

        let Output { stdout, stderr, .. } = run(&out, true).wait_with_output().unwrap();
        assert!(out.exists() && !saved.exists(), "{}", String::from_utf8_lossy(&stderr));
        dice.extend(dice_by_step(&String::from_utf8_lossy(&stdout)));
        assert_eq!(dice, expected);
        assert_eq!(version(&out), version(&whole));
    }

    #[test]
    fn a_run_in_a_folder_that_is_killed_has_the_curves_of_one_that_never_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let list = write_list(folder.path());
        let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
        let arguments = |run: &Path, more: &str| {
            train(&list, &format!("{SMALL} --steps 160 --validate-every 40 --run {} {more}", text(run)))
        };
        let begin = |run: &Path, more: &str| {
            let owned = arguments(run, more);
            start(&owned.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let Output { status, stderr, .. } = begin(&whole, "").wait_with_output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));

        let mut child = begin(&killed, "");
        wait_for(&mut child, "the first checkpoint", || killed.join("run").exists());
        sleep(Duration::from_millis(rand::rng().random_range(0..150)));
        child.kill().unwrap();
        child.wait().unwrap();
        let owned = arguments(&killed, "");
        let refusal = refused(&owned.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(refusal.contains("--resume"), "{refusal}");
        let Output { status, stderr, .. } = begin(&killed, "--resume").wait_with_output().unwrap();
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));

        let bytes = |run: &Path, name: &str| std::fs::read_to_string(run.join(name)).unwrap();
        for curve in ["steps.csv", "validation.csv", "config.json"] {
            assert_eq!(bytes(&killed, curve), bytes(&whole, curve), "{curve}");
        }
        assert_eq!(bytes(&whole, "steps.csv").lines().count(), 161);
        assert_eq!(bytes(&whole, "validation.csv").lines().count(), 5);
        for name in ["best.safetensors", "last.safetensors"] {
            let version = |run: &Path| {
                let card = said(&["models", "show", text(&run.join(name))]);
                serde_json::from_str::<Value>(&card).unwrap()["version"].clone()
            };
            assert_eq!(version(&killed), version(&whole), "{name}");
        }
        assert_eq!(json(&whole.join("result.json")), json(&killed.join("result.json")));
        let run = json(&whole.join("run.json"));
        assert_eq!(run["data"].as_object().unwrap().len(), 8, "an image and a mask of four cases");
        assert_eq!(run["seed"], 1);
        assert!(run["program"].as_str().unwrap().starts_with("fovea "));
    }

    #[test]
    fn a_run_of_two_networks_of_volumes_that_is_killed_and_interrupted_ends_as_one_that_never_stopped() {
        if !fovea::testing::signals_arrive() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let train = |name: &str, resume: bool| {
            let options = r#"--recipe flare --data phantom:abdomen --cases 2 --steps 14 --batch 1 --validate-every 7
                --config {"num_channels":[4,8,8,8,8],"input_size":[32,32,32],"context_block":"None","num_blocks":[1,1,1,1]}
                --set train.average={"average":"constant","decay":0.5} --device cpu"#;
            let (run, out) = (at(name), at(name).with_extension("safetensors"));
            let mut arguments = vec!["train", "--out", text(&out), "--run", text(&run)];
            arguments.extend(options.split_whitespace());
            arguments.extend(resume.then_some("--resume"));
            arguments.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let run = |name: &str, resume| {
            let owned = train(name, resume);
            start(&owned.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let whole = run("whole", false).wait_with_output().unwrap();
        assert!(at("whole.safetensors").exists(), "{}", String::from_utf8_lossy(&whole.stderr));

        // Killed in the first stage, told to stop in the second.
        let mut child = run("other", false);
        wait_for(&mut child, "the first checkpoint", || at("other/coarse/run").exists());
        sleep(Duration::from_millis(rand::rng().random_range(0..250)));
        child.kill().unwrap();
        child.wait().unwrap();
        let owned = train("other", false);
        let refusal = refused(&owned.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(refusal.contains("--resume") && at("other/coarse/run").exists(), "{refusal}");
        let mut child = run("other", true);
        wait_for(&mut child, "the second checkpoint", || at("other/fine/run").exists());
        signal(&child, "INT");
        let (_, told) = interrupted(child);
        says_how_to_go_on(&told);
        assert!(!at("other.safetensors").exists());

        let last = run("other", true).wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&last.stdout);
        assert!(!said.contains("coarse: flare/unet"), "what has ended is not trained again: {said}");
        for file in ["other.safetensors", "other/coarse.safetensors", "other/coarse/last.safetensors"] {
            // But for the command and the time, which the cards keep.
            let weights =
                |name: &str| fovea::nn::weights::from_bytes(&std::fs::read(at(name)).unwrap()).unwrap().1;
            assert!(weights(file) == weights(&file.replace("other", "whole")), "{file}");
        }
        for curve in ["coarse/steps.csv", "coarse/validation.csv", "fine/steps.csv", "fine/validation.csv"] {
            let of = |name: &str| std::fs::read_to_string(at(name).join(curve)).unwrap();
            assert_eq!(of("other"), of("whole"), "{curve}");
        }
    }

    /// A volume that takes a while to compress.
    fn write_large(path: &Path) {
        let dims = [256, 256, 256];
        let mut rng = rand::rng();
        let samples: Vec<u8> = (0..dims.iter().product()).map(|_| rng.random_range(0..64)).collect();
        let volume =
            Volume::new(Grid::pixels(dims).unwrap(), Samples::U8(samples.into()), [1.0, 0.0], Modality::Ct);
        io::write_image_tiff(path, &volume.unwrap()).unwrap();
    }

    #[test]
    fn a_conversion_that_is_stopped_leaves_the_old_file_and_nothing_beside_it() {
        if !fovea::testing::signals_arrive() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (image, out) = (folder.path().join("image.tif"), folder.path().join("out"));
        std::fs::create_dir(&out).unwrap();
        write_large(&image);
        let copy = out.join("copy.nii.gz");
        std::fs::write(&copy, "old").unwrap();
        // The second signal comes before the first has done its work; where it finds the program differs each time.
        for signals in [&["TERM"][..]].into_iter().chain([&["TERM", "INT"][..]; 8]) {
            let mut child = start(&["convert", text(&image), text(&copy), "--overwrite"]);
            wait_for(&mut child, "writing", || files_in(&out).len() > 1);
            signals.iter().for_each(|name| signal(&child, name));
            let (said, told) = interrupted(child);
            assert_eq!(said, "");
            if signals.len() == 1 {
                assert_eq!(told.lines().last(), Some("fovea: interrupted"));
            }
            assert_eq!(files_in(&out), BTreeSet::from(["copy.nii.gz".to_owned()]));
            assert_eq!(std::fs::read(&copy).unwrap(), b"old");
        }
    }

    #[test]
    fn a_segmentation_leaves_no_mask_half_written() {
        if !fovea::testing::signals_arrive() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("masks");
        let model = ["--model", "ct-phantom", "--out", text(&out), "--device", "cpu"];
        let mut child = start(&[&["segment", "sample:ct"], &model[..]].concat());
        wait_for(&mut child, "the beginning", || out.join("labels.txt").exists());
        signal(&child, "INT");
        let (_, told) = interrupted(child);
        // How far it went is not said where a slow machine has it ended first.
        assert!(told.lines().last().is_some_and(|line| line.starts_with("fovea: interrupted")), "{told}");
        assert_eq!(files_in(&out), BTreeSet::from(["labels.txt".to_owned()]));
    }
}
