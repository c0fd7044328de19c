//! What lies in the place of a project file: looked at before anything is changed, and whose image it was made on.

use super::{Bench, SIZE, start};
use fovea::workspace::{
    Command, Differs, NoticeLevel, OtherImageAnswer, Place, SaveState, Workspace, WorkspaceOptions,
};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A bench with strokes, closed again; the mask's hash.
fn with_strokes(n: usize) -> (Bench, String) {
    let mut bench = Bench::opened();
    for i in 0..n {
        bench.stroke(1, 1, [5.0, 3.0 + 2.0 * i as f64], [30.0, 3.0]);
    }
    let hash = bench.document().mask_hash();
    bench.close();
    (bench, hash)
}

fn refused(bench: &mut Bench) -> String {
    bench.workspace.apply(Command::Open(bench.image())).unwrap();
    bench.wait("the refusal", |w| w.openings().is_empty());
    assert!(bench.workspace.active().is_none());
    bench.texts().join("\n")
}

/// Every file with its bytes; of a link where it leads to.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let bytes = |path: &PathBuf| match path.read_link() {
        Ok(to) => to.to_string_lossy().into_owned().into_bytes(),
        Err(_) if path.is_file() => std::fs::read(path).unwrap(),
        Err(_) => Vec::new(),
    };
    entries.map(|path| (path.clone(), bytes(&path))).collect()
}

/// What is refused is not changed, and nothing comes to lie beside it.
fn is_left_alone(bench: &mut Bench, says: &str) {
    let before = files(bench.folder.path());
    let said = refused(bench);
    assert!(said.contains(says), "{said}");
    assert_eq!(files(bench.folder.path()), before, "{says}");
}

#[test]
fn what_is_no_project_is_left_alone() {
    let mut bench = Bench::new();
    std::fs::write(bench.project(), "my notes, by chance of this name, and long enough to be read".repeat(9))
        .unwrap();
    is_left_alone(&mut bench, "not a Fovea project file");
    std::fs::write(bench.project(), "short").unwrap();
    is_left_alone(&mut bench, "not a Fovea project file");
    std::fs::remove_file(bench.project()).unwrap();
    let other = Connection::open(bench.project()).unwrap();
    other.execute_batch("CREATE TABLE journal (seq INTEGER); INSERT INTO journal VALUES (1)").unwrap();
    drop(other);
    is_left_alone(&mut bench, "not a Fovea project file");
    std::fs::remove_file(bench.project()).unwrap();
    std::fs::create_dir(bench.project()).unwrap();
    is_left_alone(&mut bench, "not a regular file");
}

#[test]
fn a_project_of_a_newer_program_is_left_alone() {
    let (mut bench, _) = with_strokes(1);
    let db = Connection::open(bench.project()).unwrap();
    db.pragma_update(None, "journal_mode", "DELETE").unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    is_left_alone(&mut bench, "newer Fovea");
}

#[test]
fn an_empty_file_is_no_project_yet() {
    let mut bench = Bench::new();
    std::fs::write(bench.project(), "").unwrap();
    bench.open();
    bench.stroke(0, 1, [5.0, 5.0], [30.0, 5.0]);
    bench.reopen();
    assert_eq!(bench.document().journal(), [1, 1]);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_link_to_nowhere_is_no_project() {
    let mut bench = Bench::new();
    let made = std::process::Command::new("mkfifo").arg(bench.project()).status().unwrap();
    assert!(made.success());
    is_left_alone(&mut bench, "not a regular file");
    std::fs::remove_file(bench.project()).unwrap();
    std::os::unix::fs::symlink(bench.folder.path().join("nowhere"), bench.project()).unwrap();
    is_left_alone(&mut bench, "not a regular file");
}

/// SQLite writes over what a link in the place of its log leads to.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_log_is_not_followed() {
    let (mut bench, _) = with_strokes(1);
    let private = bench.folder.path().join("thesis.odt");
    std::fs::write(&private, "three years of work").unwrap();
    for name in ["image.tif.fovea-wal", "image.tif.fovea-open", "image.tif.fovea-shm"] {
        let link = bench.folder.path().join(name);
        std::os::unix::fs::symlink(&private, &link).unwrap();
        is_left_alone(&mut bench, "not a regular file");
        std::fs::remove_file(link).unwrap();
    }
}

/// A rollback journal names another journal, which SQLite removes when it has rolled back.
#[test]
fn a_rollback_journal_beside_a_project_is_not_played_back() {
    let (mut bench, _) = with_strokes(1);
    let private = bench.folder.path().join("thesis.odt");
    std::fs::write(&private, "three years of work").unwrap();
    let name = private.to_string_lossy().into_owned().into_bytes();
    let sum: u32 = name.iter().map(|&b| u32::from(b)).sum();
    let magic = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let mut journal = magic.to_vec();
    journal.extend([0u32, 0, 1, 512, 4096].iter().flat_map(|n| n.to_be_bytes()));
    journal.resize(512, 0);
    journal.extend((0x4000_0000u32 / 4096 + 1).to_be_bytes());
    journal.extend(&name);
    journal.extend((name.len() as u32).to_be_bytes());
    journal.extend(sum.to_be_bytes());
    journal.extend(magic);
    std::fs::write(bench.folder.path().join("image.tif.fovea-journal"), journal).unwrap();
    is_left_alone(&mut bench, "Fovea never writes such a file");
}

#[test]
fn a_project_that_would_do_something_by_itself_is_refused() {
    let (mut bench, _) = with_strokes(2);
    let db = Connection::open(bench.project()).unwrap();
    db.execute_batch("CREATE TRIGGER quiet AFTER INSERT ON journal BEGIN DELETE FROM journal; END").unwrap();
    drop(db);
    let said = refused(&mut bench);
    assert!(said.contains("“quiet”"), "{said}");
}

#[test]
fn a_second_window_on_one_image_is_told_so() {
    let mut bench = Bench::opened();
    bench.stroke(0, 1, [5.0, 5.0], [30.0, 5.0]);
    let id = bench.document().id();
    bench.workspace.settle(id);
    let place = Place::BesideImage { data: bench.folder.path().join("data") };
    let mut second = start(WorkspaceOptions { place, ..WorkspaceOptions::default() });
    second.apply(Command::Open(bench.image())).unwrap();
    assert!(second.wait_until(super::PATIENCE, |w| w.openings().is_empty()));
    assert!(second.active().is_none());
    let said = second.notices()[0].text.clone();
    assert!(said.contains("in use by another running Fovea"), "{said}");
    bench.close();
    super::open(&mut second, &bench.image());
    assert_eq!(second.active().unwrap().journal(), [1, 1]);
}

fn replace_image(bench: &Bench) {
    fovea::io::write_image_tiff(&bench.image(), &super::volume(77)).unwrap();
}

/// Opens the image up to the question.
fn asked(bench: &mut Bench) -> fovea::engine::JobId {
    bench.workspace.apply(Command::Open(bench.image())).unwrap();
    bench.wait("the question", |w| w.openings().iter().any(|o| o.question().is_some()));
    assert!(bench.workspace.active().is_none(), "nothing is shown before the answer");
    bench.workspace.openings()[0].job()
}

fn answer(bench: &mut Bench, answer: OtherImageAnswer) {
    let opening = bench.workspace.openings()[0].job();
    bench.workspace.apply(Command::OtherImage { opening, answer }).unwrap();
    bench.wait("the image", |w| w.openings().is_empty());
}

fn has_error(workspace: &Workspace) -> bool {
    workspace.notices().iter().any(|n| n.level == NoticeLevel::Error)
}

#[test]
fn annotations_of_another_image_are_kept_only_when_a_person_says_so() {
    let (mut bench, hash) = with_strokes(3);
    replace_image(&bench);
    let opening = asked(&mut bench);
    let question = bench.workspace.openings()[0].question().unwrap();
    assert_eq!((question.changes, question.can_keep, question.differs), (3, true, Differs::Content));
    // Cancelled, nothing is opened and nothing has changed: it is asked again.
    bench.workspace.apply(Command::Cancel(opening)).unwrap();
    assert!(bench.workspace.openings().is_empty() && bench.workspace.active().is_none());
    asked(&mut bench);
    answer(&mut bench, OtherImageAnswer::Keep);
    assert_eq!(bench.document().mask_hash(), hash);
    // Once it has been answered, it is no question any more.
    bench.reopen();
    assert_eq!((bench.document().mask_hash(), bench.document().journal()), (hash, [3, 3]));
}

#[test]
fn a_project_of_another_image_is_set_aside_and_can_be_put_back() {
    let (mut bench, hash) = with_strokes(3);
    let image = std::fs::read(bench.image()).unwrap();
    replace_image(&bench);
    asked(&mut bench);
    answer(&mut bench, OtherImageAnswer::SetAside);
    assert_eq!(bench.document().journal(), [0, 0]);
    assert!(bench.document().mask().to_values().iter().all(|&label| label == 0));
    let aside = bench.folder.path().join("image.tif.fovea.of-another-image-1");
    assert!(bench.texts().join("\n").contains(&aside.display().to_string()), "{:?}", bench.texts());
    bench.stroke(0, 1, [5.0, 5.0], [30.0, 5.0]);
    bench.close();
    // The image before, and what was made of it.
    std::fs::write(bench.image(), image).unwrap();
    std::fs::rename(aside, bench.project()).unwrap();
    bench.open();
    assert_eq!((bench.document().mask_hash(), bench.document().journal()), (hash, [3, 3]));
    assert!(!has_error(&bench.workspace));
}

#[test]
fn annotations_of_an_image_of_another_size_can_only_be_set_aside() {
    let (mut bench, _) = with_strokes(2);
    let db = Connection::open(bench.project()).unwrap();
    db.execute("UPDATE cases SET width = 999", []).unwrap();
    db.execute("DELETE FROM setting WHERE key = 'case checksum'", []).unwrap();
    drop(db);
    let opening = asked(&mut bench);
    let question = bench.workspace.openings()[0].question().unwrap();
    let size = Differs::Size([999, SIZE[1] as i64, SIZE[2] as i64]);
    assert_eq!((question.can_keep, question.differs), (false, size));
    let keep = Command::OtherImage { opening, answer: OtherImageAnswer::Keep };
    assert!(bench.workspace.apply(keep).is_err());
    answer(&mut bench, OtherImageAnswer::SetAside);
    bench.stroke(0, 1, [5.0, 5.0], [30.0, 5.0]);
    bench.wait("the stroke on the disk", |w| w.active().is_some_and(|d| d.save_state() == SaveState::Saved));
    bench.reopen();
    assert_eq!(bench.document().journal(), [1, 1]);
}
