//! Runs that learn nothing or go wrong: what they say, and what they leave.

use super::{Value, fovea, refused, said, text, train, write_list};
use fovea::{
    label::LabelTable,
    nn::{Channels, ComputeDevice, InputSpec, Model, ModelCard},
    phantom::{self, Look},
    volume::Modality,
};
use std::fs;

fn refused_run(list: &std::path::Path, options: &str) -> String {
    let owned = train(list, options);
    refused(&owned.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_run_that_diverged_after_a_validation_says_each_time_that_it_cannot_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (list, run) = (write_list(folder.path()), folder.path().join("run"));
    let options = format!(
        r#"--network vessel/sa_unet --config {{"start_neurons":4}} --longer-side 0 --patch 32 --batch 2 --steps 6
        --validate-every 2 --run {}"#,
        text(&run)
    );
    let owned = train(&list, &options);
    said(&owned.iter().map(String::as_str).collect::<Vec<_>>());
    // Well for six steps, and validated; three more are to follow, with a learning rate that no weights survive.
    let checkpoint = run.join("run");
    let mut bytes = fs::read(&checkpoint).unwrap();
    for (old, new) in [(r#"\"steps\":6,"#, r#"\"steps\":9,"#), (r#"\"lr\":0.001,"#, r#"\"lr\":1e+30,"#)] {
        let at = bytes.windows(old.len()).position(|window| window == old.as_bytes()).unwrap();
        bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
    }
    fs::write(&checkpoint, bytes).unwrap();
    let first = refused_run(&list, &format!("{options} --resume --overwrite"));
    for part in [
        "the run diverged: ",
        "No model was written",
        &format!("{} is its best model", text(&run.join("best.safetensors"))),
        "It cannot be continued: start a new one with a lower --lr and another --out or --run",
        &format!("is in {}", text(&run)),
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    assert!(run.join("best.safetensors").exists());
    // What is saved of it now is no run that has ended well.
    let again = refused_run(&list, &format!("{options} --resume --overwrite"));
    assert_eq!(again.lines().last(), first.lines().last());
}

#[test]
fn a_network_that_has_learned_nothing_draws_no_masks() {
    let folder = tempfile::tempdir().unwrap();
    let (model, image, out) =
        (folder.path().join("fresh.safetensors"), folder.path().join("eye.png"), folder.path().join("masks"));
    let input = InputSpec { mean: vec![0.5], std: vec![0.25], ..InputSpec::unit(Channels::Grey) };
    let config = serde_json::json!({"in_channels": 1, "start_neurons": 4});
    let labels = LabelTable::named(&["vessel"]);
    let card = ModelCard::new("vessel/sa_unet", config, input, labels, Modality::Fundus);
    Model::build(card, 1, &ComputeDevice::cpu("test")).unwrap().save(&model).unwrap();
    fovea::io::write_image_png(&image, &phantom::fundus_sized(1, Look::Standard, 64).volume).unwrap();
    let told =
        refused(&["segment", text(&image), "--model", text(&model), "--out", text(&out), "--device", "cpu"]);
    assert!(
        told.contains("fresh.safetensors has learned nothing yet") && told.contains("fovea train --init"),
        "{told}"
    );
    assert!(!out.exists());
}

#[test]
fn a_model_that_has_learned_says_so_whatever_it_was_told_to_say() {
    let folder = tempfile::tempdir().unwrap();
    let (list, out) = (write_list(folder.path()), folder.path().join("m.safetensors"));
    let mut owned = train(
        &list,
        &format!(
            r#"--network vessel/sa_unet --config {{"start_neurons":4}} --longer-side 0 --patch 32 --steps 1 --out {}"#,
            text(&out)
        ),
    );
    owned.extend(["--trained-on".to_owned(), String::new()]);
    let told = said(&owned.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!told.contains('%'), "progress is not among what a run says: {told}");
    let card: Value = serde_json::from_str(&said(&["models", "show", text(&out)])).unwrap();
    assert!(card["trained_on"].as_str().unwrap().contains("3 cases to learn from"), "{card}");
}

#[test]
fn what_a_command_writes_is_all_that_it_says_on_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, masks) = (folder.path().join("copy.nii.gz"), folder.path().join("masks"));
    assert_eq!(said(&["convert", "sample:ct", text(&copy)]), format!("{}\n", text(&copy)));
    let told =
        said(&["segment", text(&copy), "--model", "ct-phantom", "--out", text(&masks), "--device", "cpu"]);
    assert_eq!(
        told.lines().skip(1).collect::<Vec<_>>(),
        [format!("1 of 1: {} -> {}", text(&copy), text(&masks.join("copy.nii.gz")))]
    );
}

#[test]
fn a_file_in_the_place_of_a_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("masks");
    fs::write(&file, "mine").unwrap();
    for out in [file.clone(), file.join("x"), file.join("x.nii.gz")] {
        let told = refused(&[
            "segment",
            "sample:oct",
            "--model",
            "oct-phantom",
            "--out",
            text(&out),
            "--device",
            "cpu",
        ]);
        assert!(told.contains(&format!("{} exists and is not a folder", text(&file))), "{told}");
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    let list = write_list(folder.path());
    let told = refused_run(&list, &format!("--recipe vessel --steps 1 --patch 32 --run {}", text(&file)));
    assert!(told.contains("exists and is not a folder"), "{told}");
    assert!(!fovea(&["info", text(&file)]).status.success());
}
