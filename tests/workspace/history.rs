//! Undo and redo: of everything, across slices, beyond memory, and after the image has been opened again.

use super::Bench;
use fovea::workspace::{Command, CommandError, EditCommand, LabelCommand, WorkspaceOptions};

fn undo(bench: &mut Bench) {
    bench.edit(EditCommand::Undo);
}

#[test]
fn undo_goes_across_slices_and_brings_the_crosshair_along() {
    let mut bench = Bench::opened();
    let empty = bench.document().mask_hash();
    bench.stroke(0, 1, [5.0, 5.0], [20.0, 5.0]);
    let first = bench.document().mask_hash();
    bench.stroke(4, 1, [5.0, 5.0], [20.0, 5.0]);
    let both = bench.document().mask_hash();
    bench.workspace.apply(Command::Cursor([9, 9, 2])).unwrap();
    undo(&mut bench);
    assert_eq!(bench.document().mask_hash(), first);
    assert_eq!(bench.document().cursor(), [9, 9, 4], "undo is shown where it happens");
    undo(&mut bench);
    assert_eq!(bench.document().mask_hash(), empty);
    assert_eq!(bench.document().cursor()[2], 0);
    bench.edit(EditCommand::Redo);
    bench.edit(EditCommand::Redo);
    assert_eq!(bench.document().mask_hash(), both);
    assert!(!bench.document().can_redo());
}

#[test]
fn labels_and_verified_slices_are_undone_in_the_same_order() {
    let mut bench = Bench::opened();
    let labels = bench.document().labels().clone();
    bench.workspace.apply(Command::Labels(LabelCommand::Rename { id: 1, name: "drusen".into() })).unwrap();
    bench.stroke(1, 1, [5.0, 5.0], [20.0, 5.0]);
    bench.edit(EditCommand::SetVerified { z: 1, on: true });
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "scar".into() })).unwrap();
    assert_eq!(bench.document().selected_label(), 2);
    let titles: Vec<&str> = bench.document().history().collect();
    assert_eq!(titles, ["change label “drusen”", "brush", "verify slice 2", "add label “scar”"]);

    undo(&mut bench);
    assert!(bench.document().labels().get(2).is_none());
    assert_eq!(bench.document().selected_label(), 1, "a label that is gone is not painted with");
    undo(&mut bench);
    assert!(bench.document().verified().is_empty());
    undo(&mut bench);
    assert!(bench.document().mask().is_empty());
    undo(&mut bench);
    assert_eq!(bench.document().labels(), &labels);
    assert!(!bench.document().can_undo());
    for _ in 0..4 {
        bench.edit(EditCommand::Redo);
    }
    assert!(bench.document().is_verified(1));
    assert_eq!(bench.document().labels().get(2).map(|l| l.name.as_str()), Some("scar"));
}

#[test]
fn an_aborted_stroke_leaves_nothing_and_an_open_one_blocks_undo() {
    let mut bench = Bench::opened();
    bench.stroke(0, 1, [5.0, 5.0], [20.0, 5.0]);
    let before = bench.document().mask_hash();
    bench.edit(EditCommand::Begin { tool: "brush".into() });
    bench.edit(super::brush(0, 1, [5.0, 20.0], [20.0, 20.0]));
    assert_ne!(bench.document().mask_hash(), before, "a stroke shows while it is drawn");
    let blocked = bench.workspace.apply(Command::Edit(EditCommand::Undo));
    assert!(matches!(blocked, Err(CommandError::StrokeOpen)));
    bench.edit(EditCommand::Abort);
    assert_eq!(bench.document().mask_hash(), before);
    assert_eq!(bench.document().history().count(), 1);
}

#[test]
fn undo_reaches_what_has_left_memory() {
    // One stroke is larger than this: memory holds the newest only.
    let mut bench = Bench::with(WorkspaceOptions { undo_bytes: 1, ..WorkspaceOptions::default() });
    bench.open();
    let mut hashes = vec![bench.document().mask_hash()];
    for i in 0..12 {
        bench.stroke(i % 5, 1, [5.0, 3.0 * i as f64], [30.0, 3.0 * i as f64]);
        hashes.push(bench.document().mask_hash());
    }
    for expected in hashes.iter().rev().skip(1) {
        undo(&mut bench);
        assert_eq!(&bench.document().mask_hash(), expected);
    }
    assert!(!bench.document().can_undo());
    for expected in &hashes[1..] {
        bench.edit(EditCommand::Redo);
        assert_eq!(&bench.document().mask_hash(), expected);
    }
}

#[test]
fn history_is_there_again_after_reopening() {
    let mut bench = Bench::opened();
    let mut hashes = vec![bench.document().mask_hash()];
    for i in 0..6 {
        bench.stroke(i % 3, 1, [5.0, 4.0 * i as f64], [30.0, 4.0 * i as f64]);
        hashes.push(bench.document().mask_hash());
    }
    bench.edit(EditCommand::SetVerified { z: 0, on: true });
    for _ in 0..3 {
        undo(&mut bench);
    }
    bench.reopen();
    assert_eq!(bench.document().mask_hash(), hashes[4]);
    assert!(!bench.document().is_verified(0));
    assert_eq!(bench.document().history().count(), 4);

    // What was undone before the image was closed can be redone, and the rest undone.
    bench.edit(EditCommand::Redo);
    assert_eq!(bench.document().mask_hash(), hashes[5]);
    for i in (0..5).rev() {
        undo(&mut bench);
        assert_eq!(bench.document().mask_hash(), hashes[i]);
    }
    for expected in &hashes[1..] {
        bench.edit(EditCommand::Redo);
        assert_eq!(&bench.document().mask_hash(), expected);
    }
    bench.edit(EditCommand::Redo);
    assert!(bench.document().is_verified(0));
    bench.reopen();
    assert!(bench.document().is_verified(0));
    assert_eq!(bench.document().mask_hash(), hashes[6]);
    assert_eq!(bench.document().history().count(), 7);
}
