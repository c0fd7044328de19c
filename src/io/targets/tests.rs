use super::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Scan.png");
    fs::write(&path, b"image").unwrap();
    (folder, path)
}

fn is_input(input: &Path, output: &Path) -> bool {
    let mut targets = Targets::new(true);
    targets.read(input).write(output);
    matches!(targets.check(), Err(TargetError::Input { .. }))
}

#[test]
fn an_output_is_no_input_by_whatever_path() {
    let (folder, image) = folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("sub")).unwrap();
    for name in ["Scan.png", "./Scan.png", "sub/../Scan.png", "new/../Scan.png", "scan.PNG"] {
        assert!(is_input(&image, &at(name)), "{name}");
    }
    for name in ["other.png", "sub/Scan.png", "Scan.nii.gz"] {
        assert!(!is_input(&image, &at(name)), "{name}");
    }
    assert!(!is_input(Path::new("sample:oct"), &at("sample:oct")));
}

#[cfg(unix)]
#[test]
fn links_are_followed_from_both_sides() {
    let (folder, image) = folder();
    let [soft, hard, linked] = ["soft.png", "hard.png", "folder"].map(|name| folder.path().join(name));
    std::os::unix::fs::symlink(&image, &soft).unwrap();
    fs::hard_link(&image, &hard).unwrap();
    std::os::unix::fs::symlink(folder.path(), &linked).unwrap();
    for path in [&soft, &hard, &linked.join("Scan.png"), &linked.join("hard.png")] {
        assert!(is_input(&image, path) && is_input(path, &image), "{}", path.display());
    }
}

#[test]
fn files_of_a_folder_and_the_other_half_of_a_pair_are_inputs() {
    let (folder, image) = folder();
    assert!(is_input(folder.path(), &image));
    assert!(!is_input(folder.path(), &folder.path().join("mask.nii.gz")));
    let inner = folder.path().join("series");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("IM0"), b"").unwrap();
    assert!(is_input(folder.path(), &inner.join("IM0")));
    let [header, data] = ["a.hdr", "a.img"].map(|name| folder.path().join(name));
    fs::write(&header, b"").unwrap();
    fs::write(&data, b"").unwrap();
    assert!(is_input(&header, &data) && is_input(&data, &header));
}

#[test]
fn two_outputs_of_one_name_are_told_and_so_is_what_would_be_lost() {
    let (folder, image) = folder();
    let at = |name: &str| folder.path().join(name);
    let check = |overwrite, paths: &[PathBuf]| {
        let mut targets = Targets::new(overwrite);
        paths.iter().for_each(|path| {
            targets.write(path);
        });
        targets.check()
    };
    for (first, second) in
        [("a.png", "a.png"), ("a.png", "A.PNG"), ("new/a.png", "New/a.png"), ("\u{e9}", "e\u{301}")]
    {
        let told = check(true, &[at(first), at(second)]);
        assert_eq!(told, Err(TargetError::Twice { first: at(first), second: at(second) }));
    }
    assert_eq!(check(false, &[at("a.png"), at("b.png")]), Ok(()));
    assert_eq!(check(false, std::slice::from_ref(&image)), Err(TargetError::Exists(vec![image.clone()])));
    assert_eq!(check(true, std::slice::from_ref(&image)), Ok(()));
    let mut same = Targets::new(false);
    assert_eq!(same.write_bytes(&image, b"image".to_vec()).check(), Ok(()));
    let mut other = Targets::new(false);
    assert_eq!(
        other.write_bytes(&image, b"else".to_vec()).check(),
        Err(TargetError::Exists(vec![image.clone()]))
    );
    replace::write_bytes(&at("own.png"), b"mask").unwrap();
    assert_eq!(check(false, &[at("own.png")]), Ok(()));
    fs::write(at("own.png"), b"mash").unwrap();
    assert_eq!(check(false, &[at("own.png")]), Err(TargetError::Exists(vec![at("own.png")])));
    fs::remove_file(at("own.png")).unwrap();
    // A table that the program wrote for other labels: the masks beside it would mean something else.
    replace::write_bytes(&at("labels.txt"), b"1 Vein").unwrap();
    let mut table = Targets::new(false);
    let told = table.write_bytes(at("labels.txt"), b"1 Oedema".to_vec()).check();
    assert_eq!(told, Err(TargetError::Exists(vec![at("labels.txt")])));
    fs::remove_file(at("labels.txt")).unwrap();
    let mut either = Targets::new(false);
    assert_eq!(either.write_one_of([at("c.png"), at("c.nii.gz")]).check(), Ok(()));
    let mut onto_folder = Targets::new(true);
    let told = onto_folder.write(folder.path()).check();
    assert_eq!(told, Err(TargetError::NotAFile(folder.path().to_owned())));
    let mut into_file = Targets::new(true);
    assert_eq!(into_file.write_folder(&image).check(), Err(TargetError::NotAFile(image.clone())));
    let mut slices = Targets::new(false);
    assert_eq!(slices.write_folder(folder.path()).check(), Err(TargetError::Exists(vec![image])));
}

#[test]
fn a_run_that_goes_on_names_all_that_it_did_not_leave_so() {
    let (folder, image) = folder();
    let at = |name: &str| folder.path().join(name);
    replace::write_bytes(&at("best"), b"best").unwrap();
    fs::write(at("steps"), b"rows").unwrap();
    let check = |steps: bool, overwrite: bool| {
        let mut targets = Targets::new(overwrite);
        targets
            .write_again(at("best"))
            .write_on(at("steps"), steps)
            .write_again(&image)
            .write_again(at("none"));
        targets.check()
    };
    assert_eq!(check(true, false), Err(TargetError::Changed(vec![image.clone()])));
    fs::write(at("best"), b"mine").unwrap();
    let told = check(false, false).unwrap_err();
    assert_eq!(told.replaceable(), [at("best"), at("steps"), image.clone()]);
    let text = told.to_string();
    assert!(text.starts_with(&format!("{}, {} and", at("best").display(), at("steps").display())), "{text}");
    assert_eq!(check(false, true), Ok(()));
}

#[cfg(unix)]
#[test]
fn a_link_is_no_output_unless_told_and_never_where_it_leads_nowhere() {
    let (folder, image) = folder();
    let at = |name: &str| folder.path().join(name);
    for (link, to) in [("mask.png", "Scan.png"), ("lost.png", "nowhere/mask.png")] {
        std::os::unix::fs::symlink(to, at(link)).unwrap();
    }
    let check = |overwrite, name: &str| Targets::new(overwrite).write(at(name)).check();
    let to = fs::canonicalize(&image).unwrap();
    assert_eq!(check(false, "mask.png"), Err(TargetError::Link { link: at("mask.png"), to: to.clone() }));
    assert_eq!(check(true, "mask.png"), Ok(()));
    assert_eq!(Targets::new(true).write(at("mask.png")).links(), [(at("mask.png"), to)]);
    for overwrite in [false, true] {
        let told = check(overwrite, "lost.png");
        assert_eq!(told, Err(TargetError::Dangling { link: at("lost.png"), to: at("nowhere/mask.png") }));
    }
}

#[test]
fn what_comes_after_the_check_is_not_replaced() {
    let (folder, image) = folder();
    let other = folder.path().join("other.png");
    let mut targets = Targets::new(true);
    targets.write(&image).write(&other).check().unwrap();
    for path in [&image, &other] {
        fs::write(path, b"mine").unwrap();
        let told = replace::write_bytes(path, b"mask").unwrap_err();
        let replace::WriteError::Taken { kept, .. } = told else { panic!("{told}") };
        assert_eq!((fs::read(path).unwrap(), fs::read(kept).unwrap()), (b"mine".to_vec(), b"mask".to_vec()));
    }
    targets.check().unwrap();
    replace::write_bytes(&image, b"mask").unwrap();
    assert_eq!(fs::read(&image).unwrap(), b"mask", "now it was there before");
}

#[test]
fn folders_are_made_for_outputs_and_what_is_in_their_way_is_named() {
    let (folder, image) = folder();
    let inner = folder.path().join("a/b/mask.png");
    Targets::default().write(&inner).write("mask.png").make_folders().unwrap();
    assert!(folder.path().join("a/b").is_dir());
    let told = Targets::default().write(image.join("mask.png")).make_folders().unwrap_err().to_string();
    assert!(told.contains(&format!("{} exists and is not a folder", image.display())), "{told}");
}

#[test]
fn words_of_labels_are_told_apart() {
    let words = label_words(&LabelTable::named(&["Soft Drusen", "soft-drusen", "Vein", ""]));
    let words: Vec<&str> = words.values().map(String::as_str).collect();
    assert_eq!(words, ["soft-drusen-1", "soft-drusen-2", "vein", "4"]);
}
