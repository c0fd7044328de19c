//! What is in the places of outputs, or comes there meanwhile: it is never lost, and neither is what was made.

use super::{Value, fovea, program, refused, said, text, train, write_list};
use fovea::{
    io,
    label::LabelMap,
    phantom::{self, Look},
};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::Stdio,
};

/// Runs, and calls `meanwhile` once a line of standard output or error has `sign` in it. The status, and all that was said.
fn interfered(arguments: &[&str], sign: &str, meanwhile: impl FnOnce()) -> (Option<i32>, String) {
    let mut child =
        program(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut said, mut meanwhile) = (String::new(), Some(meanwhile));
    while out.read_line(&mut said).unwrap() > 0 {
        if said.contains(sign)
            && let Some(meanwhile) = meanwhile.take()
        {
            meanwhile();
        }
    }
    assert!(meanwhile.is_none(), "{said}");
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn a_mask_that_appears_meanwhile_is_kept_and_the_others_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut arguments = vec!["segment".to_owned()];
    for i in 1..=6 {
        let photo = at(&format!("eye{i}.png"));
        io::write_image_png(&photo, &phantom::fundus_sized(i, Look::Standard, 128).volume).unwrap();
        arguments.push(text(&photo).to_owned());
    }
    let out = at("out");
    arguments.extend(["--model", "vessel", "--device", "cpu", "--out", text(&out)].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (code, told) = interfered(&arguments, "1 of 6", || fs::write(out.join("eye6.png"), "mine").unwrap());
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(fs::read(out.join("eye6.png")).unwrap(), b"mine");
    let dims = io::open_labels(&out.join("eye6-new.png")).unwrap().0.dims();
    assert_eq!(dims, [128, 128, 1], "what was made is not lost");
    for i in 1..=5 {
        assert!(out.join(format!("eye{i}.png")).exists());
    }
    for part in ["1 of 6 cases failed: eye6", "eye6-new.png: keep the one that you want"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

const SMALL: &str = r#"--network vessel/sa_unet --config {"start_neurons":4} --longer-side 0 --patch 32 --batch 2
    --steps 4 --validate-every 2"#;

fn run(list: &Path, options: &str) -> Vec<String> {
    train(list, &format!("{SMALL} {options}"))
}

fn words(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

#[test]
fn files_that_appear_while_a_network_learns_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (list, out, here) =
        (write_list(folder.path()), folder.path().join("m.safetensors"), folder.path().join("run"));
    let theirs =
        [out.clone(), here.join("best.safetensors"), here.join("last.safetensors"), here.join("card.json")];
    let owned = run(&list, &format!("--out {} --run {}", text(&out), text(&here)));
    let (code, told) = interfered(&words(&owned), "to learn from, 1 to validate on;", || {
        theirs.iter().for_each(|file| fs::write(file, "mine").unwrap());
    });
    assert_eq!(code, Some(1), "{told}");
    for file in &theirs {
        assert_eq!(fs::read(file).unwrap(), b"mine", "{}", file.display());
    }
    let kept = folder.path().join("m-new.safetensors");
    for part in ["best-new.safetensors", "last-new.safetensors", "m-new.safetensors"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let card: Value = serde_json::from_str(&said(&["models", "show", text(&kept)])).unwrap();
    assert_eq!(card["network"], "vessel/sa_unet");
}

#[test]
fn a_run_goes_on_only_over_its_own_files() {
    let folder = tempfile::tempdir().unwrap();
    let (list, here) = (write_list(folder.path()), folder.path().join("run"));
    let options = format!("--run {}", text(&here));
    said(&words(&run(&list, &options)));
    let on = run(&list, &format!("{options} --resume"));
    let version = || {
        let card: Value =
            serde_json::from_str(&said(&["models", "show", text(&here.join("best.safetensors"))])).unwrap();
        card["version"].clone()
    };
    let before = version();
    // It has come to its end: there is nothing to learn, and nothing of it is missing afterwards.
    fs::remove_file(here.join("best.safetensors")).unwrap();
    said(&words(&on));
    assert_eq!(version(), before, "it is as the run had it");
    let theirs = [
        "best.safetensors",
        "last.safetensors",
        "card.json",
        "result.json",
        "data.json",
        "steps.csv",
        "validation.csv",
    ];
    let added = |name: &str| {
        let mut bytes = fs::read(here.join(name)).unwrap();
        bytes.extend(b"my own text\n");
        fs::write(here.join(name), bytes).unwrap();
    };
    theirs.iter().for_each(|name| added(name));
    let all = || theirs.map(|name| fs::read(here.join(name)).unwrap());
    let changed = all();
    let told = refused(&words(&on));
    for name in theirs {
        assert!(told.contains(text(&here.join(name))), "{name}: {told}");
    }
    assert!(told.contains("not as the run left them") && told.contains("--overwrite"), "{told}");
    assert!(changed == all(), "nothing was written");
    said(&words(&run(&list, &format!("{options} --resume --overwrite"))));
    said(&words(&on));
}

fn mask(depth: usize) -> LabelMap {
    LabelMap::from_values([4, 4, depth], &vec![1; 16 * depth]).unwrap()
}

#[test]
fn a_series_of_slices_takes_none_of_another_away() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for depth in [2, 3] {
        let grid = fovea::geom::Grid::pixels([4, 4, depth]).unwrap();
        io::write_label_nifti(&at(&format!("{depth}.nii.gz")), &mask(depth), &grid).unwrap();
    }
    let convert = |depth: usize, more: &'static str| {
        let mut owned = vec!["convert".to_owned(), text(&at(&format!("{depth}.nii.gz"))).to_owned()];
        owned.extend(
            [text(&at("m.png")), "--labels", more].iter().filter(|w| !w.is_empty()).map(|w| (*w).to_owned()),
        );
        owned
    };
    said(&words(&convert(3, "")));
    fs::write(at("m.png/0009.png"), "mine").unwrap();
    let told = refused(&words(&convert(2, "--overwrite")));
    assert!(told.contains("0009.png would be a slice of it"), "{told}");
    assert_eq!(fs::read(at("m.png/0009.png")).unwrap(), b"mine");
    assert_eq!(fs::read_dir(at("m.png")).unwrap().count(), 4, "nothing was taken away");
    fs::remove_file(at("m.png/0009.png")).unwrap();
    let output = fovea(&words(&convert(2, "")));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("0003.png was removed"), "{told}");
    assert_eq!(io::open_labels(&at("m.png")).unwrap().0.dims(), [4, 4, 2]);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_an_output_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (link, to) in [("ct.nii.gz", "private.nii.gz"), ("lost.nii.gz", "nowhere.nii.gz")] {
        std::os::unix::fs::symlink(at(to), at(link)).unwrap();
        for more in [&[][..], &["--overwrite"]] {
            let link = at(link);
            fs::write(at("private.nii.gz"), "mine").unwrap();
            let arguments = [&["convert", "sample:ct", text(&link)][..], more].concat();
            let output = fovea(&arguments);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(told.contains(to), "the file that it leads to is named: {told}");
            let written = to == "private.nii.gz" && !more.is_empty();
            assert_eq!(output.status.success(), written, "{told}");
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read(at("private.nii.gz")).unwrap() == b"mine", !written);
        }
    }
    assert!(!at("nowhere.nii.gz").exists());
}

#[test]
fn folders_of_outputs_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    said(&["convert", "sample:ct", text(&at("a/b/ct.nii.gz"))]);
    said(&["models", "export", "vessel", "--out", text(&at("c/m.safetensors"))]);
    assert!(at("a/b/ct.nii.gz").exists() && at("c/m.safetensors").exists());
    fs::write(at("file"), "mine").unwrap();
    let told = refused(&["convert", "sample:ct", text(&at("file/ct.nii.gz"))]);
    assert!(told.contains(&format!("{} exists and is not a folder", text(&at("file")))), "{told}");
}

#[test]
fn a_report_is_called_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("masks")).unwrap();
    io::write_label_png(&at("masks/a.png"), &mask(1)).unwrap();
    let masks = at("masks");
    for (option, name, told) in [
        ("--html", "labels.txt", "must end in .html or .htm"),
        ("--html", "html", "must end in .html or .htm"),
        ("--csv", "scores.html", "must end in .csv"),
        ("--json", "scores.csv", "must end in .json"),
        ("--json", "labels.json", "another kind of file"),
        ("--csv", "steps.csv", "another kind of file"),
    ] {
        let to = at(name);
        let errors = refused(&["eval", "--pred", text(&masks), "--truth", text(&masks), option, text(&to)]);
        assert!(errors.contains(told) && !to.exists(), "{name}: {errors}");
    }
    let to = at("m.txt");
    assert!(
        refused(&["models", "export", "vessel", "--out", text(&to)]).contains("must end in .safetensors")
    );
    said(&["eval", "--pred", text(&masks), "--truth", text(&masks), "--html", text(&at("Report.HTML"))]);
    assert!(at("Report.HTML").exists());
}

#[test]
fn names_are_paired_however_their_accents_are_written_and_inner_masks_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, depth) in [("pred/caf\u{e9}.png", 1), ("truth/cafe\u{301}.png", 1), ("pred/inner/b.png", 1)] {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        io::write_label_png(&at(name), &mask(depth)).unwrap();
    }
    let output = fovea(&["eval", "--pred", text(&at("pred")), "--truth", text(&at("truth"))]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("means over 1 case,"),
        "{told}"
    );
    let inner = format!("1 file in {}", text(&at("pred/inner")));
    assert!(told.contains("were not looked at") && told.contains(&inner), "{told}");
    fs::remove_file(at("pred/caf\u{e9}.png")).unwrap();
    let told = refused(&["eval", "--pred", text(&at("pred")), "--truth", text(&at("truth"))]);
    assert!(told.contains(&inner), "{told}");
}

fn write_photo(path: &Path) {
    io::write_image_png(path, &phantom::fundus_sized(1, Look::Standard, 64).volume).unwrap();
}

#[test]
fn a_mask_is_asked_for_in_a_format_that_masks_have() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_photo(&at("eye.png"));
    for name in ["one.jpg", "one.BMP", "one.dcm"] {
        let told = refused(&["segment", text(&at("eye.png")), "--model", "vessel", "--out", text(&at(name))]);
        assert!(told.contains("a mask is written as .nii.gz, .nii, .png"), "{told}");
        assert!(!at(name).exists());
    }
    let on_cpu = ["--device", "cpu", "--model", "vessel"];
    said(&[&["segment", text(&at("eye.png")), "--out", text(&at("v1.2"))], &on_cpu[..]].concat());
    assert!(at("v1.2/eye.png").exists());
    // In another format the mask is the same.
    said(&[&["segment", text(&at("eye.png")), "--out", text(&at("one.TIF"))], &on_cpu[..]].concat());
    let mask = |name: &str| io::open_labels(&at(name)).unwrap().0.to_values();
    assert_eq!(mask("one.TIF"), mask("v1.2/eye.png"));
}

#[test]
fn a_label_that_somebody_renamed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_photo(&at("eye.png"));
    let (eye, out) = (at("eye.png"), at("masks"));
    let segment = ["segment", text(&eye), "--model", "vessel", "--out", text(&out), "--device", "cpu"];
    said(&segment);
    let table = out.join("labels.txt");
    let renamed = fs::read_to_string(&table).unwrap().replace("\"Vessel\"", "\"Arteries\"");
    fs::write(&table, &renamed).unwrap();
    let told = refused(&segment);
    let difference = format!("{}: label 1 is \"Arteries\" there and \"Vessel\" in the model", text(&table));
    assert!(told.contains(&difference) && told.contains("--overwrite"), "{told}");
    assert_eq!(fs::read_to_string(&table).unwrap(), renamed);
    let output = fovea(&[&segment[..], &["--overwrite"]].concat());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && told.contains(&difference) && told.contains("were replaced"),
        "{told}"
    );
    assert!(fs::read_to_string(&table).unwrap().contains("\"Vessel\""));
}

#[test]
fn a_model_for_other_images_is_used_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write_photo(&at("eye.png"));
    let (eye, out) = (at("eye.png"), at("masks"));
    let segment = ["segment", text(&eye), "--model", "vessel", "--out", text(&out), "--device", "cpu"];
    for (more, warned) in [(&[][..], false), (&["--modality", "ct"], true)] {
        let output = fovea(&[&segment[..], more].concat());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        let warning = "eye: warning: Retinal vessels in fundus photographs is made for Fundus, and the image is of another kind (CT)";
        assert_eq!(told.contains(warning), warned, "{told}");
    }
}
