//! Edits that are too large for a frame: made in the background, taken in as one step, dropped or made anew where the
//! image was edited meanwhile.

use super::{Bench, PATIENCE, brush, open};
use fovea::edit::{Limits, Shape};
use fovea::geom::{Grid, Plane};
use fovea::io;
use fovea::volume::{Modality, Samples, Volume};
use fovea::workspace::{
    Command, CommandError, EditCommand, Export, ExportFormat, LabelCommand, ProjectCommand, Risk,
};
use std::time::Duration;

const LARGE: [usize; 3] = [96, 80, 30];
const VOXELS: usize = 96 * 80 * 30;

/// A bench with an image of more voxels than fit into a frame's edit.
fn bench() -> Bench {
    let mut bench = Bench::new();
    let path = bench.folder.path().join("large.nii");
    let grid = Grid::spaced(LARGE, [0.5, 0.5, 2.0]).unwrap();
    let samples = Samples::U8(vec![7; VOXELS].into());
    io::write_volume_nifti(&path, &Volume::new(grid, samples, [1.0, 0.0], Modality::Other).unwrap()).unwrap();
    open(&mut bench.workspace, &path);
    bench
}

fn fill(bench: &mut Bench) {
    let shape = Shape::Flood { plane: Plane::Axial, seed: [0; 3], range: [0.0, 99.0], volume: true };
    bench.edit(EditCommand::Begin { tool: "fill".into() });
    bench.edit(EditCommand::Draw { shape, label: 1, limits: Limits::default() });
    bench.edit(EditCommand::Commit);
}

fn painted(bench: &Bench) -> usize {
    bench.document().mask().counts().values().sum()
}

fn settle(bench: &mut Bench) {
    bench.wait("the end of all work", |w| w.is_idle());
}

#[test]
fn a_whole_volume_is_filled_undone_and_done_again_in_the_background() {
    let mut bench = bench();
    fill(&mut bench);
    assert_eq!(painted(&bench), 0, "the frame that asks does not wait for it");
    assert_eq!(bench.workspace.activities().count(), 1);
    settle(&mut bench);
    assert_eq!(painted(&bench), VOXELS);
    assert_eq!(bench.document().history().collect::<Vec<_>>(), ["fill"], "one step, called by its tool");

    bench.edit(EditCommand::Undo);
    assert_eq!(painted(&bench), VOXELS);
    let twice = bench.workspace.apply(Command::Edit(EditCommand::Undo));
    assert!(matches!(twice, Err(CommandError::EditRunning)), "{twice:?}");
    settle(&mut bench);
    assert_eq!((painted(&bench), bench.document().can_undo(), bench.document().can_redo()), (0, false, true));

    bench.edit(EditCommand::Redo);
    settle(&mut bench);
    assert_eq!(painted(&bench), VOXELS);
    let (hash, path) = (bench.document().mask_hash(), bench.document().source().to_owned());
    bench.close();
    open(&mut bench.workspace, &path);
    assert_eq!(bench.document().mask_hash(), hash, "the journal holds what was made in the background");
    assert_eq!(bench.document().journal(), [3, 3]);
}

#[test]
fn a_large_edit_is_made_anew_from_what_was_drawn_meanwhile() {
    let mut bench = bench();
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "second".into() })).unwrap();
    fill(&mut bench);
    bench.stroke(3, 2, [40.0, 40.0], [60.0, 40.0]);
    let second = painted(&bench);
    assert!(second > 0);
    settle(&mut bench);
    let counts = bench.document().mask().counts();
    assert_eq!(counts[&2], second, "the stroke is not lost");
    assert_eq!(counts[&1], VOXELS - second);
}

#[test]
fn a_large_undo_is_dropped_where_something_was_drawn_meanwhile() {
    let mut bench = bench();
    fill(&mut bench);
    settle(&mut bench);
    bench.edit(EditCommand::Undo);
    bench.edit(brush(3, 0, [40.0, 40.0], [60.0, 40.0]));
    let left = painted(&bench);
    settle(&mut bench);
    assert_eq!(painted(&bench), left);
    assert_eq!(bench.document().history().count(), 2);
    assert!(bench.texts().iter().any(|t| t.contains("edited while")), "{:?}", bench.texts());
}

#[test]
fn a_large_edit_can_be_cancelled_and_waits_for_an_open_stroke() {
    let mut bench = bench();
    fill(&mut bench);
    let job = bench.workspace.activities().next().unwrap().job;
    bench.workspace.apply(Command::Cancel(job)).unwrap();
    settle(&mut bench);
    assert_eq!((painted(&bench), bench.document().can_undo()), (0, false));

    fill(&mut bench);
    bench.edit(EditCommand::Begin { tool: "brush".into() });
    let came = bench.workspace.wait_until(Duration::from_millis(600), |w| w.is_idle());
    assert!(!came && painted(&bench) == 0, "nothing is taken in while a stroke is open");
    assert!(bench.workspace.risks().iter().any(|r| matches!(r, Risk::Unfinished { .. })));
    bench.edit(EditCommand::Abort);
    settle(&mut bench);
    assert_eq!(painted(&bench), VOXELS);
}

#[test]
fn a_label_is_cleared_in_a_slice_and_in_all_that_are_not_verified() {
    let mut bench = bench();
    fill(&mut bench);
    settle(&mut bench);
    let slice = LARGE[0] * LARGE[1];
    bench.edit(EditCommand::Clear { label: 1, slice: Some(4) });
    assert_eq!(painted(&bench), VOXELS - slice);
    bench.edit(EditCommand::SetVerified { z: 9, on: true });
    bench.edit(EditCommand::Clear { label: 1, slice: None });
    settle(&mut bench);
    assert_eq!(painted(&bench), slice, "the verified slice stays");
    assert!(bench.document().mask().slice(9).iter().all(|&l| l == 1));
    bench.edit(EditCommand::Undo);
    settle(&mut bench);
    assert_eq!(painted(&bench), VOXELS - slice);

    bench.workspace.apply(Command::Labels(LabelCommand::Lock { id: 1, on: true })).unwrap();
    let locked = bench.workspace.apply(Command::Edit(EditCommand::Clear { label: 1, slice: None }));
    assert!(matches!(locked, Err(CommandError::LabelLocked(_))), "{locked:?}");
    bench.workspace.apply(Command::Labels(LabelCommand::Lock { id: 1, on: false })).unwrap();
    let empty = bench.workspace.apply(Command::Edit(EditCommand::Clear { label: 1, slice: Some(4) }));
    assert!(matches!(empty, Err(CommandError::NothingToClear(_))), "{empty:?}");
}

#[test]
fn labels_are_measured_where_the_image_is_looked_at() {
    let mut bench = bench();
    let id = bench.document().id();
    assert_eq!(bench.document().label_volume(1), None, "nobody looks yet");
    bench.workspace.look_at(id, 0);
    bench.wait("the first measure", |w| w.active().is_some_and(|d| d.label_volume(1) == Some(0.0)));
    fill(&mut bench);
    // 0.5 mm by 0.5 mm by 2 mm each.
    let all = VOXELS as f64 * 0.5;
    let near = |v: Option<f64>, to: f64| v.is_some_and(|v| (v - to).abs() < 1e-6 * to);
    bench.wait("the volume", |w| w.active().is_some_and(|d| near(d.label_volume(1), all)));
    let slice = (LARGE[0] * LARGE[1]) as f64 * 0.5;
    bench.edit(EditCommand::Clear { label: 1, slice: Some(0) });
    bench.wait("a smaller volume", |w| w.active().is_some_and(|d| near(d.label_volume(1), all - slice)));
}

#[test]
fn what_would_be_lost_is_known_until_it_is_safe() {
    let mut bench = bench();
    assert_eq!(bench.workspace.risks(), []);
    // A folder in the way of the project file, and none to go to instead.
    let project = bench.document().project().unwrap().to_owned();
    std::fs::create_dir(&project).unwrap();
    bench.stroke(3, 1, [40.0, 40.0], [60.0, 40.0]);
    let unwritten = |w: &fovea::workspace::Workspace, is: bool| matches!(w.risks()[..], [Risk::NotWritten { changes: 1, exported, .. }] if exported == is);
    bench.wait("the trouble", |w| unwritten(w, false));
    let path = bench.folder.path().join("elsewhere.nii.gz");
    let export = Export { path, format: ExportFormat::from_id("nifti").unwrap(), replace: false };
    bench.workspace.apply(Command::Project(ProjectCommand::Export(export))).unwrap();
    bench.wait("the export", |w| unwritten(w, true));
    std::fs::remove_dir(&project).unwrap();
    bench.workspace.apply(Command::Project(ProjectCommand::Retry)).unwrap();
    assert!(bench.workspace.wait_until(PATIENCE, |w| w.risks().is_empty()), "{:?}", bench.workspace.risks());
}
