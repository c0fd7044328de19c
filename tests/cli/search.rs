//! `fovea search`: trials, what is kept of them, and going on after a cut.

use super::*;

fn search(study: &Path, list: &Path, options: &str, training: &str) -> Vec<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut all = vec!["search".to_owned(), "--device".to_owned(), "cpu".to_owned()];
    all.extend(["--study".to_owned(), text(study).to_owned()]);
    all.extend(words(options));
    all.extend(["--".to_owned(), "--data".to_owned(), text(list).to_owned()]);
    all.extend(words(training));
    all
}

fn done(arguments: &[String]) -> String {
    said(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn not_done(arguments: &[String]) -> String {
    refused(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

const RANGES: &str =
    "--vary train.lr=log(1e-4,1e-1) --vary train.loss=one(ce|ce+dice) --random 2 --patience 2";
const RUN: &str = r#"--network vessel/sa_unet --config {"start_neurons":4,"block_size":3} --longer-side 0 --patch 32 --batch 2
    --steps 4 --validate-every 2"#;

#[test]
fn trials_are_made_kept_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let list = write_list(folder.path());
    let study = |name: &str| folder.path().join(name);
    let whole = study("whole");
    let told = done(&search(&whole, &list, &format!("{RANGES} --trials 5"), RUN));
    assert!(told.contains("5 trials:") && told.contains("the best is trial"), "{told}");
    let trials = |study: &Path| json(&study.join("study.json"))["trials"].clone();
    let all = trials(&whole);
    assert_eq!(all.as_array().unwrap().len(), 5);
    for (i, trial) in all.as_array().unwrap().iter().enumerate() {
        let config = json(&whole.join(format!("trial_{i:04}/config.json")));
        assert_eq!(config["train"]["lr"], trial["values"]["train.lr"], "what was chosen is what was trained");
        if trial["state"] == "finished" {
            let result = json(&whole.join(format!("trial_{i:04}/result.json")));
            assert_eq!(result["dice"], trial["dice"]);
        }
    }
    assert!(std::fs::read_to_string(whole.join("study.html")).unwrap().contains("<svg"));

    // In two parts, the same trials come out.
    let parts = study("parts");
    done(&search(&parts, &list, &format!("{RANGES} --trials 2"), RUN));
    assert!(not_done(&search(&parts, &list, &format!("{RANGES} --trials 5"), RUN)).contains("--resume"));
    done(&search(&parts, &list, &format!("{RANGES} --trials 5 --resume"), RUN));
    assert_eq!(trials(&parts), all);

    let other = "--vary train.lr=log(1e-3,1e-1) --resume";
    assert!(not_done(&search(&parts, &list, other, RUN)).contains("another search"));
    let refused = |options: &str, run: &str| not_done(&search(&study("none"), &list, options, run));
    assert!(refused("--vary train.lr=lots", RUN).contains("uniform(LOW,HIGH)"));
    assert!(refused(RANGES, "--network vessel/sa_unet --out m.safetensors").contains("--out"));
    assert!(refused(RANGES, "--network vessel/sa_unet --speed 3").contains("--speed"));
    assert!(refused("--vary train.speed=uniform(0,1)", RUN).contains("validate_every"));
}

/// Killed in the middle of a trial, then told to stop in another: what comes out is what would have.
#[cfg(target_os = "linux")]
#[test]
fn a_search_that_is_killed_goes_on_as_it_would_have() {
    let folder = tempfile::tempdir().unwrap();
    let list = write_list(folder.path());
    let run = RUN.replace("--steps 4 --validate-every 2", "--steps 120 --validate-every 60");
    let options = "--vary train.lr=log(1e-4,1e-1) --trials 2 --patience 0";
    let [whole, cut] = ["whole", "cut"].map(|name| folder.path().join(name));
    done(&search(&whole, &list, options, &run));
    let arguments = search(&cut, &list, options, &run);
    let mut child = program(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !cut.join("trial_0000/run").exists() && std::time::Instant::now() < end {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    done(&search(&cut, &list, &format!("{options} --resume"), &run));
    let trials = |study: &Path| json(&study.join("study.json"))["trials"].clone();
    assert_eq!(trials(&cut), trials(&whole));
}
