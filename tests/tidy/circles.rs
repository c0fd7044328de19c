//! Files beside each other are read from below: none imports one that comes back to it.

use super::{first_of_paths, source::program};
use std::collections::{BTreeMap, BTreeSet};

/// Modules, and folders of modules, that may import each other in a circle, and why.
const IN_CIRCLES: [&str; 11] = [
    "nn/models/jmedseg", // variants of a network: the file of each names the network, which names the entry of its variant
    "nn/train/checkpoint", // a session as a file: what it keeps are the session's own fields
    "nn/train/session",
    "workspace/jobs", // it lists what the jobs of all parts make (`JobResult`), and every part starts its own there
    "workspace/parts",
    "workspace/background_edit",
    "workspace/comparison",
    "workspace/effects",
    "workspace/export",
    "workspace/predictions",
    "workspace/surfaces",
];

/// What every file takes from those beside it by `super::`. The file of a folder is its `mod.rs`, or lies beside the folder.
fn beside() -> BTreeMap<&'static str, BTreeSet<String>> {
    let module = |file: &'static str| file.trim_end_matches(".rs").trim_end_matches("/mod");
    let all: BTreeSet<&str> = program().iter().map(|source| module(&source.file)).collect();
    let of = |source: &'static super::source::Source| {
        let module = module(&source.file);
        let folder = module.rsplit_once('/').map_or("", |(folder, _)| folder);
        let named =
            first_of_paths("super::", &source.bare).into_iter().map(|name| format!("{folder}/{name}"));
        (module, named.filter(|other| other != module && all.contains(&**other)).collect())
    };
    program().iter().map(of).collect()
}

/// Those of the files that lie on a circle, or on a way from one circle to another.
fn circles(mut files: BTreeMap<&str, BTreeSet<String>>) -> Vec<&str> {
    loop {
        let count = files.len();
        let used: BTreeSet<String> = files.values().flatten().cloned().collect();
        files.retain(|file, _| used.contains(*file));
        let left: BTreeSet<String> = files.keys().map(|file| (*file).to_owned()).collect();
        files.values_mut().for_each(|named| named.retain(|other| left.contains(other)));
        files.retain(|_, named| !named.is_empty());
        if files.len() == count {
            return files.into_keys().collect();
        }
    }
}

#[test]
fn files_beside_each_other_import_in_one_direction() {
    let found = circles(beside());
    let is_in = |file: &str, of: &str| file == of || file.starts_with(&format!("{of}/"));
    let broken: Vec<_> = found.iter().filter(|file| !IN_CIRCLES.iter().any(|of| is_in(file, of))).collect();
    assert!(broken.is_empty(), "these import each other in a circle: {broken:?}");
    for of in IN_CIRCLES {
        assert!(found.iter().any(|file| is_in(file, of)), "{of} is in no circle any more: mend the list");
    }
}

#[test]
fn a_circle_of_three_is_found() {
    let arrows = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("a", "e"), ("e", "f")];
    let mut files: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in arrows {
        files.entry(from).or_default().insert(to.to_owned());
    }
    files.insert("f", BTreeSet::new());
    assert_eq!(circles(files), ["a", "b", "c"]);
}
