//! Undo and redo: of everything, across slices, beyond memory, and after the image has been opened again.

use super::Bench;
use fovea::edit::{Limits, Shape};
use fovea::geom::Plane;
use fovea::workspace::{
    Command, CommandError, EditCommand, Export, ExportFormat, LabelCommand, ProjectCommand, WorkspaceOptions,
};

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

/// Marks slices 1 and 3 after something has been painted on each.
fn verified() -> Bench {
    let mut bench = Bench::opened();
    for z in [1, 3] {
        bench.stroke(z, 1, [5.0, 5.0], [20.0, 5.0]);
        bench.edit(EditCommand::SetVerified { z, on: true });
    }
    bench
}

fn marks(bench: &Bench) -> Vec<usize> {
    bench.document().verified().iter().copied().collect()
}

#[test]
fn a_verified_slice_that_is_painted_on_is_verified_no_more_until_that_is_undone() {
    let mut bench = verified();
    let before = bench.document().mask_hash();
    bench.stroke(2, 1, [5.0, 5.0], [20.0, 5.0]);
    assert_eq!(marks(&bench), [1, 3], "another slice is none of it");
    undo(&mut bench);
    // What changes no voxel takes no mark.
    bench.stroke(1, 1, [5.0, 5.0], [20.0, 5.0]);
    assert_eq!((marks(&bench), bench.texts()), (vec![1, 3], vec![]));

    bench.edit(EditCommand::Begin { tool: "brush".into() });
    bench.edit(super::brush(1, 1, [5.0, 20.0], [20.0, 20.0]));
    bench.edit(super::brush(1, 1, [5.0, 25.0], [20.0, 25.0]));
    bench.edit(EditCommand::Commit);
    assert_eq!(marks(&bench), [3]);
    let told = bench.texts();
    assert!(told.len() == 1 && told[0].starts_with("Slice 2 was verified"), "{told:?}");
    assert_eq!(bench.document().undo_title(), Some("brush"), "one step, called by what was done");
    undo(&mut bench);
    assert_eq!((marks(&bench), bench.document().mask_hash()), (vec![1, 3], before.clone()));
    bench.edit(EditCommand::Redo);
    assert_eq!(marks(&bench), [3]);
    bench.reopen();
    assert_eq!(marks(&bench), [3], "kept like everything else");
    undo(&mut bench);
    assert_eq!((marks(&bench), bench.document().mask_hash()), (vec![1, 3], before.clone()));

    // A stroke that is left has done nothing.
    bench.edit(EditCommand::Begin { tool: "brush".into() });
    bench.edit(super::brush(1, 1, [5.0, 20.0], [20.0, 20.0]));
    assert_eq!(marks(&bench), [3]);
    bench.edit(EditCommand::Abort);
    assert_eq!((marks(&bench), bench.document().mask_hash()), (vec![1, 3], before));
}

#[test]
fn whatever_reaches_a_verified_slice_takes_its_mark() {
    let both: [(&str, Vec<EditCommand>); 4] = [
        ("a ball", {
            let points = [[24.0, 20.0, 0.0], [24.0, 20.0, 4.0]].to_vec();
            let shape = Shape::Brush { plane: Plane::Axial, points, radius: 6.0, sphere: true };
            vec![EditCommand::Draw { shape, label: 1, limits: Limits::default() }]
        }),
        ("a fill", {
            let shape =
                Shape::Flood { plane: Plane::Axial, seed: [30, 30, 2], range: [0.0, 255.0], volume: true };
            vec![EditCommand::Draw { shape, label: 1, limits: Limits::default() }]
        }),
        ("copied slices", [1, 3].map(|to| EditCommand::CopySlice { from: 0, to }).to_vec()),
        ("cleared slices", [1, 3].map(|z| EditCommand::Clear { label: 1, slice: Some(z) }).to_vec()),
    ];
    for (what, commands) in both {
        let mut bench = verified();
        let before = bench.document().mask_hash();
        let count = commands.len();
        for command in commands {
            bench.edit(command);
        }
        bench.wait(what, |w| w.is_idle());
        assert_eq!(marks(&bench), [] as [usize; 0], "{what}");
        let told = bench.texts().join("; ");
        let slices = told.contains("2 verified slices") && told.contains("(slices 2 and 4)");
        assert!(slices || told.contains("Slice 2 ") && told.contains("Slice 4 "), "{what}: {told}");
        for _ in 0..count {
            undo(&mut bench);
        }
        assert_eq!((marks(&bench), bench.document().mask_hash()), (vec![1, 3], before), "{what}");
    }
    let mut bench = verified();
    bench.stroke(0, 1, [5.0, 5.0], [20.0, 5.0]);
    bench.edit(EditCommand::Clear { label: 1, slice: None });
    assert_eq!(marks(&bench), [1, 3], "clearing the volume leaves them out");
}

#[test]
fn an_imported_mask_takes_the_marks_of_the_slices_that_it_changes() {
    let mut bench = verified();
    let same = bench.folder.path().join("same.nii.gz");
    bench
        .workspace
        .apply(Command::Project(ProjectCommand::Export(Export {
            path: same.clone(),
            format: ExportFormat::from_id("nifti").unwrap(),
            replace: true,
        })))
        .unwrap();
    bench.wait("the export", |w| w.is_idle());
    bench.stroke(3, 1, [5.0, 20.0], [20.0, 20.0]);
    bench.edit(EditCommand::SetVerified { z: 3, on: true });
    bench.edit(EditCommand::Import { path: same });
    bench.wait("the import", |w| w.is_idle());
    assert_eq!(marks(&bench), [1], "slice 2 is the same in both");
    undo(&mut bench);
    assert_eq!(marks(&bench), [1, 3]);
}
