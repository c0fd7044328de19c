//! The project file: what it keeps, and what happens when it is damaged, locked or cannot be written.

use super::{Bench, start};
use fovea::workspace::{Command, EditCommand, NoticeLevel, Place, SaveState, WorkspaceOptions};
use rusqlite::Connection;

/// A bench with `n` strokes that overlap their neighbours, closed again; the mask's hash after each.
fn with_strokes(n: usize) -> (Bench, Vec<String>) {
    let mut bench = Bench::opened();
    let mut hashes = vec![bench.document().mask_hash()];
    for i in 0..n {
        stroke(&mut bench, i);
        hashes.push(bench.document().mask_hash());
    }
    bench.close();
    (bench, hashes)
}

fn stroke(bench: &mut Bench, i: usize) {
    let (label, y) = (if i % 3 == 2 { 0 } else { 1 }, 3.0 + 2.0 * i as f64);
    bench.stroke(1, label, [5.0, y], [30.0, y]);
}

fn drop_snapshots(bench: &Bench) -> Connection {
    let db = Connection::open(bench.project()).unwrap();
    db.execute("DELETE FROM snapshot", []).unwrap();
    db
}

#[test]
fn merely_looking_leaves_no_file_behind() {
    let mut bench = Bench::opened();
    bench.close();
    assert!(!bench.project().exists());
}

#[test]
fn the_journal_alone_and_a_snapshot_give_the_same_mask() {
    let (mut bench, hashes) = with_strokes(7);
    bench.open();
    assert_eq!(&bench.document().mask_hash(), hashes.last().unwrap());
    bench.close();
    drop(drop_snapshots(&bench));
    bench.open();
    assert_eq!(&bench.document().mask_hash(), hashes.last().unwrap());
    assert_eq!(bench.document().save_state(), SaveState::Saved);
}

#[test]
fn a_snapshot_is_made_on_the_way_and_the_journal_keeps_everything() {
    let mut bench = Bench::opened();
    let id = bench.document().id();
    for i in 0..230 {
        bench.edit(EditCommand::SetVerified { z: 0, on: i % 2 == 0 });
    }
    bench.wait("the snapshot", |w| w.is_idle());
    bench.workspace.settle(id);
    bench.reopen();
    bench.close();
    let db = Connection::open(bench.project()).unwrap();
    let count = |sql: &str| db.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM journal"), 230);
    assert_eq!(count("SELECT min(seq) FROM snapshot"), 200);
    assert_eq!(count("SELECT max(seq) FROM snapshot"), 230);
}

#[test]
fn a_damaged_entry_is_named_and_later_ones_are_kept() {
    let (mut bench, hashes) = with_strokes(8);
    let db = drop_snapshots(&bench);
    let mut payload: Vec<u8> =
        db.query_row("SELECT payload FROM journal WHERE seq = 4", [], |r| r.get(0)).unwrap();
    let middle = payload.len() / 2;
    payload[middle] ^= 0x40;
    db.execute("UPDATE journal SET payload = ?1 WHERE seq = 4", [payload]).unwrap();
    drop(db);

    bench.open();
    let said = bench.texts().join("\n");
    assert!(said.contains("entry 4 of the journal (brush") && said.contains("checksum"), "{said}");
    // What differs is only where the lost stroke painted; the strokes after it are there.
    let mut lost = Bench::opened();
    stroke(&mut lost, 3);
    let mut whole = Bench::opened();
    (0..8).for_each(|i| stroke(&mut whole, i));
    assert_eq!(&whole.document().mask_hash(), hashes.last().unwrap());
    let values = |bench: &Bench| bench.document().mask().to_values();
    let (now, whole, lost) = (values(&bench), values(&whole), values(&lost));
    let differ: Vec<usize> = (0..now.len()).filter(|&i| now[i] != whole[i]).collect();
    assert!(!differ.is_empty(), "stroke 4 was lost");
    assert!(differ.iter().all(|&i| lost[i] != 0));
    assert_eq!(bench.document().journal()[0], 9, "that undo ends here is an entry too");
    let error = bench.workspace.notices().iter().find(|n| n.text.contains("entry 4")).unwrap();
    assert_eq!(error.level, NoticeLevel::Error);
    // Nothing before can be undone, and work goes on, also after the next opening.
    let refused = bench.workspace.apply(Command::Edit(EditCommand::Undo)).unwrap_err().to_string();
    assert!(refused.contains("entry 4 of the journal"), "{refused}");
    bench.reopen();
    assert!(!bench.document().can_undo());
    let before = bench.document().mask_hash();
    stroke(&mut bench, 10);
    bench.reopen();
    bench.edit(EditCommand::Undo);
    assert_eq!(bench.document().mask_hash(), before);
    assert!(!bench.document().can_undo());
}

#[test]
fn a_missing_entry_is_named() {
    let (mut bench, _) = with_strokes(6);
    drop_snapshots(&bench).execute("DELETE FROM journal WHERE seq IN (2, 3)", []).unwrap();
    bench.open();
    let said = bench.texts().join("\n");
    assert!(said.contains("entries 2 to 3 of the journal are missing"), "{said}");
    assert_eq!(bench.document().journal()[0], 7);
}

#[test]
fn a_damaged_snapshot_falls_back_to_the_journal() {
    let (mut bench, hashes) = with_strokes(5);
    let db = Connection::open(bench.project()).unwrap();
    let damaged = db.execute("UPDATE snapshot SET payload = substr(payload, 1, 20)", []).unwrap();
    assert!(damaged > 0, "there was no snapshot");
    drop(db);
    bench.open();
    assert_eq!(&bench.document().mask_hash(), hashes.last().unwrap());
    assert!(bench.texts().join("\n").contains("snapshot after entry 5 is damaged"), "{:?}", bench.texts());
}

#[test]
fn a_project_that_another_process_holds_is_not_opened() {
    let (mut bench, _) = with_strokes(2);
    let other = Connection::open(bench.project()).unwrap();
    other.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    other.execute_batch("BEGIN IMMEDIATE; COMMIT").unwrap();
    bench.workspace.apply(Command::Open(bench.image())).unwrap();
    bench.wait("the refusal", |w| w.openings().is_empty());
    assert!(bench.workspace.active().is_none());
    let said = bench.texts().join("\n");
    assert!(said.contains("in use by another running Fovea"), "{said}");
    drop(other);
    bench.open();
    assert_eq!(bench.document().journal(), [2, 2]);
    // And the other way round.
    let other = Connection::open(bench.project()).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    assert!(other.execute("DELETE FROM journal", []).is_err(), "an open project is held");
}

#[test]
fn what_cannot_be_written_is_said_kept_and_written_later() {
    let mut bench = Bench::new();
    // A file stands where the folder of project files should be.
    let folder = bench.folder.path().join("projects");
    std::fs::write(&folder, "in the way").unwrap();
    bench.workspace =
        start(WorkspaceOptions { place: Place::Directory(folder.clone()), ..WorkspaceOptions::default() });
    bench.open();
    let id = bench.document().id();
    bench.stroke(0, 1, [5.0, 5.0], [30.0, 5.0]);
    bench.stroke(2, 1, [5.0, 5.0], [30.0, 5.0]);
    bench.wait("the warning", |w| matches!(w.active().map(|d| d.save_state()), Some(SaveState::Failing(_))));
    let notice = bench.workspace.last_notice().unwrap().clone();
    assert!(notice.stays && notice.level == NoticeLevel::Error, "{notice:?}");
    bench.workspace.dismiss(notice.id);
    assert!(bench.workspace.notices().iter().any(|n| n.id == notice.id), "it stays while its cause does");
    assert!(bench.workspace.apply(Command::Close(id)).is_err(), "closing would lose the strokes");
    let hash = bench.document().mask_hash();
    bench.edit(EditCommand::Undo);
    bench.edit(EditCommand::Redo);

    std::fs::remove_file(&folder).unwrap();
    bench.wait("recovery", |w| w.active().is_some_and(|d| d.save_state() == SaveState::Saved));
    assert!(bench.workspace.notices().iter().all(|n| !n.stays), "{:?}", bench.texts());
    bench.reopen();
    assert_eq!(bench.document().mask_hash(), hash);
    assert_eq!(bench.document().journal(), [4, 4]);
}
