//! The invariants of ARCHITECTURE.md, as far as words in the code show them.

use super::source::{Source, program};
use std::collections::BTreeSet;

/// Where one of these words stands in a file that `allowed` does not accept.
fn elsewhere(words: &[&str], allowed: impl Fn(&Source) -> bool) -> Vec<String> {
    let others = program().iter().filter(|source| !allowed(source));
    others.flat_map(|source| words.iter().flat_map(|word| source.places(word))).collect()
}

fn is_in_any(source: &Source, folders: &[&str]) -> bool {
    folders.iter().any(|folder| source.is_in(folder))
}

#[track_caller]
fn none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

const CORE: [&str; 6] = ["geom", "volume", "label", "edit", "metrics", "phantom"];

#[test]
fn the_core_does_no_io() {
    let io = ["std::fs", "std::net", "std::process", "std::env", "File::", "std::io::stdin"];
    none(&elsewhere(&io, |source| !is_in_any(source, &CORE)), "geom to phantom read and write nothing");
}

#[test]
fn the_program_opens_no_connection() {
    none(&elsewhere(&["std::net", "TcpStream", "UdpSocket"], |_| false), "it works without a network");
}

#[test]
fn only_edit_changes_voxels_of_a_mask() {
    let writes = elsewhere(&["write_runs("], |source| is_in_any(source, &["edit", "label/map.rs"]));
    none(&writes, "a mask is changed by a patch of edit");
    let map = program().iter().find(|source| source.file == "label/map.rs").unwrap();
    let changes: Vec<String> = map.places("&mut self").into_iter().filter(|p| p.contains("pub")).collect();
    assert_eq!(changes.len(), 1, "the one way to change a mask is write_runs: {changes:?}");
}

#[test]
fn only_the_engine_starts_threads() {
    let starts = ["thread::spawn", "thread::Builder", "thread::scope", "rayon::spawn"];
    none(&elsewhere(&starts, |source| source.is_in("engine")), "only the engine starts threads");
}

#[test]
fn a_volume_never_changes_after_loading() {
    let changes = elsewhere(&["&mut self"], |source| !source.is_in("volume"));
    let public: Vec<String> = changes.into_iter().filter(|place| place.contains("pub")).collect();
    none(&public, "what changes a volume makes another");
}

/// What the window may ask of the workspace beside its commands: nothing of this changes what is kept.
const ASKED_BY_THE_WINDOW: [&str; 7] =
    ["poll", "dismiss", "look_after", "look_at", "look_beside", "want_effect", "want_surface"];

#[test]
fn the_window_changes_the_workspace_by_commands_only() {
    let mut changing = BTreeSet::new();
    for source in program().iter().filter(|source| source.is_in("workspace")) {
        let mut inside = false;
        for line in source.bare.lines() {
            inside = if line.starts_with('}') { false } else { inside || line == "impl Workspace {" };
            let method = line.strip_prefix("    pub fn ").filter(|rest| rest.contains("(&mut self"));
            if let Some(method) = method.filter(|_| inside) {
                let name = method.split(|c: char| !c.is_alphanumeric() && c != '_').next();
                changing.insert(name.unwrap_or_default().to_owned());
            }
        }
    }
    for asked in ASKED_BY_THE_WINDOW.iter().chain(&["apply"]) {
        assert!(changing.remove(*asked), "Workspace has no {asked}: mend this list");
    }
    let calls: Vec<String> = changing.iter().map(|name| format!("workspace.{name}(")).collect();
    let calls: Vec<&str> = calls.iter().map(String::as_str).collect();
    none(&elsewhere(&calls, |source| !source.is_in("ui")), "the window says it as a Command");

    let holders = ["ui/app.rs", "ui/closing.rs", "ui/shell.rs"];
    let held = elsewhere(&["&mut Workspace"], |source| {
        !is_in_any(source, &["ui", "tools"]) || is_in_any(source, &holders)
    });
    none(&held, "panels, views and tools read the workspace, and put commands into their outbox");
}

#[test]
fn a_network_is_known_by_its_spec_and_one_trait() {
    let named = elsewhere(&["nn::models"], |source| source.is_in("nn"));
    none(&named, "outside nn nobody names a network's module");
}

/// Files that open others by themselves, and why they may.
const OPEN_BY_THEMSELVES: [&str; 5] = [
    "gpu/system.rs",   // the linker's list of libraries, for words about a missing driver
    "memory.rs",       // what the system says of memory; `file` asks it
    "replace.rs",      // a folder, to bring a rename to the disk
    "testing.rs",      // reference data
    "workspace/store", // project files, which it looks at before anything else
];

#[test]
fn files_are_opened_for_reading_in_one_place() {
    let opens = ["File::open", "fs::read(", "fs::read_to_string"];
    let broken =
        elsewhere(&opens, |source| source.is_in("file.rs") || is_in_any(source, &OPEN_BY_THEMSELVES));
    none(
        &broken,
        "a file is opened by crate::file, which waits for no pipe and reads no more than there is memory for",
    );
}

/// Files that write others by themselves, and why they may.
const WRITE_BY_THEMSELVES: [&str; 3] = [
    "nn/self_test.rs", // an empty file to lock
    "ui/shell.rs",     // an empty file that says that the hint was read
    "workspace/store", // the journal of a project, and its copies
];

#[test]
fn files_are_written_in_one_place() {
    let writes = ["File::create", "fs::write(", "fs::rename(", "fs::copy("];
    let own = ["replace.rs", "replace"];
    let broken =
        elsewhere(&writes, |source| is_in_any(source, &own) || is_in_any(source, &WRITE_BY_THEMSELVES));
    none(&broken, "a file is written by crate::replace, which never leaves half a file");
}

/// Files in which a panic says that the program itself is wrong, not what it was given.
const PANIC: [&str; 5] = [
    "gpu/shader.rs",               // its files are compiled in, and a test resolves each
    "nn/queue.rs",                 // burn's way to tell the networks' thread of an error
    "phantom",                     // pictures of fixed sizes
    "testing.rs",                  // fails a test
    "workspace/store/snapshot.rs", // a row of 2^32 voxels
];

#[test]
fn wrong_input_is_no_panic() {
    let testing = |source: &Source| source.is_in("testing.rs");
    none(&elsewhere(&[".unwrap()", "todo!(", "unimplemented!("], testing), "an error says what is wrong");
    let panics = elsewhere(&[".expect(", "panic!("], |source| is_in_any(source, &PANIC));
    none(&panics, "an error says what is wrong");
}

/// A folder or a file `tests` is known by the attribute of its `mod`, wherever it lies.
#[test]
fn tests_in_files_of_their_own_are_left_out() {
    let is_read = |file: &str| program().iter().any(|source| source.file == file);
    assert!(is_read("io/raster.rs") && !is_read("io/raster/tests.rs"));
    assert!(is_read("nn/blocks/mod.rs") && !is_read("nn/blocks/tests/volumes.rs"));
    assert!(program().len() > 300, "only {} files were read", program().len());
}

/// Every exception above is one still.
#[test]
fn exceptions_are_of_files_that_exist() {
    for file in OPEN_BY_THEMSELVES.iter().chain(&WRITE_BY_THEMSELVES).chain(&PANIC) {
        assert!(program().iter().any(|source| source.is_in(file)), "{file} is gone: mend the list");
    }
}

/// The fields of a structure in a file, and whether any is visible outside it.
fn fields(file: &str, name: &str) -> (usize, bool) {
    let source = program().iter().find(|source| source.file == file).unwrap();
    let lines = source.bare.lines().skip_while(|line| *line != format!("pub struct {name} {{"));
    let fields: Vec<&str> =
        lines.skip(1).take_while(|line| *line != "}").filter(|l| l.contains(':')).collect();
    (fields.len(), fields.iter().any(|field| field.trim_start().starts_with("pub")))
}

#[test]
fn the_workspace_is_a_few_parts() {
    for (file, name) in [("workspace/wiring.rs", "Workspace"), ("workspace/document.rs", "Document")] {
        let (count, visible) = fields(file, name);
        assert!((1..=10).contains(&count) && !visible, "{name}: {count} fields, visible: {visible}");
    }
    let whole = |source: &&Source| source.bare.lines().any(|line| line == "impl Workspace {");
    let files: Vec<&str> = program().iter().filter(whole).map(|source| &*source.file).collect();
    assert!((1..=3).contains(&files.len()), "Workspace is written in {files:?}");
}

/// What a foreign interface gives without its type, and what a file keeps alive without looking at it.
const WITHOUT_A_TYPE: [&str; 8] = [
    "cli/mod.rs",         // the cause of an error
    "cli/targets.rs",     // the cause of an error
    "cli/train/trial.rs", // the cause of an error
    "gpu/interop.rs",     // a prediction on the graphics device, which the engine passes on
    "io",                 // the cause of an error
    "replace.rs",         // the cause of an error
    "ui/run.rs",          // a panic
    "words.rs",           // the message of a panic
];

#[test]
fn results_have_types() {
    let broken = elsewhere(&[".downcast"], |source| is_in_any(source, &WITHOUT_A_TYPE));
    none(&broken, "a job's result has the type that it was started with");
}
