//! The house rules that a compiler does not know: who may import whom, file lengths, names.

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/invariants.rs"]
mod invariants;
#[path = "tidy/source.rs"]
mod source;

use source::{files, program, root};
use std::{collections::BTreeMap, fs};

/// For each top-level module, the others that it may use. The table of ARCHITECTURE.md, as data.
const MAY_USE: &[(&str, &[&str])] = &[
    ("memory", &[]),
    ("file", &["memory"]),
    ("watch", &[]),
    ("words", &[]),
    ("time", &[]),
    ("replace", &["file", "watch"]),
    ("kernels", &[]),
    ("geom", &[]),
    ("label", &["geom"]),
    ("volume", &["geom"]),
    ("metrics", &["words", "geom", "label", "volume"]),
    ("edit", &["words", "memory", "watch", "geom", "label", "volume", "metrics"]),
    ("phantom", &["geom", "label", "volume"]),
    (
        "io",
        &[
            "words", "file", "memory", "watch", "replace", "geom", "label", "volume", "edit", "metrics",
            "phantom",
        ],
    ),
    (
        "nn",
        &[
            "words", "file", "memory", "watch", "replace", "geom", "label", "volume", "edit", "metrics",
            "phantom",
        ],
    ),
    ("gpu", &["words", "geom", "label", "volume", "nn"]),
    (
        "engine",
        &[
            "words", "file", "memory", "watch", "replace", "geom", "label", "volume", "edit", "metrics",
            "phantom", "io", "nn",
        ],
    ),
    (
        "workspace",
        &[
            "words", "time", "file", "memory", "watch", "replace", "geom", "label", "volume", "edit",
            "metrics", "phantom", "io", "nn", "engine",
        ],
    ),
    ("tools", &["words", "geom", "label", "volume", "metrics", "edit", "workspace"]),
    (
        "cli",
        &[
            "words",
            "time",
            "file",
            "memory",
            "watch",
            "replace",
            "geom",
            "label",
            "volume",
            "edit",
            "metrics",
            "phantom",
            "io",
            "nn",
            "engine",
            "workspace",
            "gpu",
        ],
    ),
    (
        "ui",
        &[
            "file",
            "replace",
            "time",
            "words",
            "geom",
            "label",
            "volume",
            "edit",
            "metrics",
            "phantom",
            "io",
            "nn",
            "engine",
            "workspace",
            "gpu",
            "tools",
        ],
    ),
];

/// Crates that only some modules may name.
const CRATES: &[(&str, &[&str])] = &[
    ("pulp", &["kernels"]),
    ("fovea_kernels", &["nn/blocks"]),
    ("burn", &["nn", "engine/nn_world.rs", "gpu/interop.rs"]),
    ("wgpu", &["gpu", "ui", "nn/device.rs", "nn/queue.rs"]),
    ("egui", &["ui", "tools", "gpu"]),
    ("eframe", &["ui", "gpu/device.rs"]),
    ("fontdb", &["ui/fonts.rs"]),
    ("rusqlite", &["workspace"]),
    ("optimizer", &["nn/train/search.rs"]),
    ("nifti", &["io"]),
    ("dicom_encoding", &["io"]),
    ("clap", &["cli"]),
];

const FORBIDDEN_NAMES: &[&str] = &["utils", "util", "helpers", "common", "base", "manager", "misc"];

/// The first path segments after `crate::` or `super::` in the code, with braces opened: `crate::{a::b, c}` gives a and c.
fn first_of_paths(root: &str, code: &str) -> Vec<String> {
    let word =
        |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut found = Vec::new();
    for (at, _) in code.match_indices(root) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + root.len()..];
        let Some(inner) = rest.strip_prefix('{') else {
            found.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for c in inner.chars() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => found.push(word(std::mem::take(&mut item).trim())),
                _ => {}
            }
            if depth == 0 && c != ',' {
                item.push(c);
            }
        }
        found.push(word(item.trim()));
    }
    found.retain(|w| !w.is_empty());
    found
}

#[test]
fn paths_are_found_in_braces() {
    let code = "use crate::{a::{b, c}, d};\n crate::e::f(); super::super::g; super::h::i";
    assert_eq!(first_of_paths("crate::", code), ["a", "d", "e"]);
    assert_eq!(first_of_paths("super::", code), ["super", "h"]);
}

#[test]
fn modules_import_only_what_the_layer_table_allows() {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut broken = Vec::new();
    for source in program() {
        let (file, module) = (&source.file, source.module());
        let Some(allowed) = table.get(module) else {
            assert!(matches!(module, "lib" | "main" | "testing"), "{file}: add {module} to the layer table");
            continue;
        };
        for used in first_of_paths("crate::", &source.bare) {
            if used != module && table.contains_key(used.as_str()) && !allowed.contains(&used.as_str()) {
                broken.push(format!("{file}: {module} must not import {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn crates_stay_in_the_modules_that_own_them() {
    let mut broken = Vec::new();
    for source in program() {
        for (name, owners) in CRATES {
            let code = &source.bare;
            let uses = code.match_indices(&format!("{name}::")).any(|(at, _)| {
                let before = code[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            });
            if uses && !owners.iter().any(|owner| source.is_in(owner)) {
                broken.push(format!("{} must not import the crate {name}", source.file));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn names_say_what_is_inside() {
    for path in files(&root().join("src")) {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(!FORBIDDEN_NAMES.contains(&stem.as_str()), "{}: name it by what it holds", path.display());
    }
}

#[test]
fn files_stay_readable() {
    let mut long = Vec::new();
    for path in files(&root().join("src")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        if lines > 600 {
            long.push(format!("{} has {lines} lines; split it", path.display()));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
    let main = fs::read_to_string(root().join("src/main.rs")).unwrap();
    assert!(main.lines().count() < 60, "main.rs parses arguments and starts; the rest belongs elsewhere");
}

/// Whoever prints an error prints the chain of its causes too (`{:#}`), which would say the same twice.
#[test]
fn an_error_does_not_say_its_cause_and_have_it_as_its_source() {
    for source in program() {
        let file = &source.file;
        let (mut text, mut inside) = (String::new(), false);
        for line in source.code.lines() {
            if line.trim_start().starts_with("#[error(") {
                (text, inside) = (String::new(), true);
            }
            if inside {
                text += line;
                inside = !line.trim_end().ends_with(")]");
            }
            assert!(!text.contains("{source"), "{file}: call the field cause, not source: {text}");
            if line.contains("#[from]") || line.contains("#[source]") {
                let repeats = text.contains("{0}") || text.contains("{0:");
                assert!(!repeats, "{file}: the text repeats what {} takes as its source", line.trim());
            }
        }
    }
}
