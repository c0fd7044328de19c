//! Predictions in the planes across the native slices, and predicting all of them.

use super::{Bench, SIZE, prediction::with_model};
use fovea::geom::{Grid, Plane};
use fovea::label::{LabelId, NOT_PREDICTED};
use fovea::workspace::{
    AcceptScope, Command, CommandError, EditCommand, LabelCommand, ModelCommand, Reformat, SurfaceOf,
};
use std::collections::BTreeSet;

fn predict_all() -> Command {
    Command::Model(ModelCommand::PredictAll)
}

fn predicted(bench: &Bench) -> Vec<usize> {
    let found = bench.workspace.predicted_slices(bench.document().id());
    found.map(|slices| slices.keys().copied().collect()).unwrap_or_default()
}

/// A plane's reformat, whole.
fn reformat(bench: &Bench, plane: Plane, slice: usize) -> Vec<LabelId> {
    let axes = bench.document().volume().grid().plane_axes(plane);
    let mut reformat = Reformat::default();
    let of = (bench.document(), bench.document().model());
    reformat.refresh(&bench.workspace, of, axes, slice, |_| false).expect("a model is in use");
    assert!(!reformat.is_behind());
    reformat.labels().to_vec()
}

/// The same, pixel by pixel from the labels of the slices.
fn by_hand(bench: &Bench, plane: Plane, slice: usize, label: impl Fn(LabelId) -> LabelId) -> Vec<LabelId> {
    let grid: &Grid = bench.document().volume().grid();
    let axes = grid.plane_axes(plane);
    let [width, height] = axes.size(SIZE);
    let pixel = |i: usize| {
        let at = axes.voxel_of_pixel(SIZE, slice as f64, [(i % width) as f64, (i / width) as f64]);
        let [x, y, z] = at.to_array().map(|c| c as usize);
        let slice = bench.workspace.predicted_labels(bench.document().id(), z);
        slice.map_or(NOT_PREDICTED, |labels| label(labels[y * SIZE[0] + x]))
    };
    (0..width * height).map(pixel).collect()
}

#[test]
fn other_planes_show_the_slices_that_are_predicted_and_no_others() {
    let (mut bench, _) = with_model();
    let id = bench.document().id();
    bench.workspace.look_at(id, 0);
    bench.wait("slices 0 to 2", |w| w.predicted_slices(id).is_some_and(|p| p.len() == 3));
    for (plane, slice) in [(Plane::Coronal, 17), (Plane::Sagittal, 30)] {
        let shown = reformat(&bench, plane, slice);
        assert_eq!(shown, by_hand(&bench, plane, slice, |l| l), "{plane:?}");
        let nothing = shown.iter().filter(|&&l| l == NOT_PREDICTED).count();
        assert_eq!(nothing * SIZE[2], shown.len() * 2, "{plane:?}: slices 3 and 4 are not predicted");
    }
    assert!(reformat(&bench, Plane::Axial, 4).iter().all(|&l| l == NOT_PREDICTED));

    bench.workspace.apply(predict_all()).unwrap();
    bench.wait("all slices", |w| w.predicted_slices(id).is_some_and(|p| p.len() == SIZE[2]));
    for plane in Plane::ALL {
        assert_eq!(reformat(&bench, plane, 3), by_hand(&bench, plane, 3, |l| l), "{plane:?}");
    }
    assert!(reformat(&bench, Plane::Coronal, 17).contains(&2));
    // Without a model there is nothing to show.
    bench.workspace.apply(Command::Model(ModelCommand::Use { version: None })).unwrap();
    assert!(bench.workspace.predicted_slices(id).is_none());
}

#[test]
fn reformats_are_in_the_labels_of_the_document() {
    let (mut bench, _) = with_model();
    let id = bench.document().id();
    // The model calls 1 what the document calls 2, and the other way round.
    for change in
        [LabelCommand::Rename { id: 1, name: "second".into() }, LabelCommand::Add { name: "label 1".into() }]
    {
        bench.workspace.apply(Command::Labels(change)).unwrap();
    }
    bench.workspace.apply(predict_all()).unwrap();
    bench.wait("all slices", |w| w.predicted_slices(id).is_some_and(|p| p.len() == SIZE[2]));
    let swapped = |own| [0, 2, 1][usize::from(own)];
    assert_eq!(reformat(&bench, Plane::Coronal, 9), by_hand(&bench, Plane::Coronal, 9, swapped));
}

#[test]
fn a_whole_prediction_is_measured_and_tells_what_is_found_in_each_slice() {
    let (mut bench, _) = with_model();
    let id = bench.document().id();
    bench.workspace.look_at(id, 0);
    bench.wait("slices 0 to 2", |w| w.predicted_slices(id).is_some_and(|p| p.len() == 3));
    bench.wait("rest", |w| w.is_idle());
    assert_eq!(bench.workspace.predicted_volumes(id), None, "two slices are not predicted");
    bench.workspace.apply(predict_all()).unwrap();
    bench.wait("the volumes", |w| w.predicted_volumes(id).is_some());
    let slices = bench.workspace.predicted_slices(id).unwrap();
    let voxel = bench.document().volume().grid().spacing().iter().product::<f64>();
    let volumes = bench.workspace.predicted_volumes(id).unwrap();
    for label in [1, 2] {
        let voxels = slices.values().flat_map(|s| s.labels.iter()).filter(|&&l| l == label).count();
        let expected = voxels as f64 * voxel;
        assert!(expected > 0.0 && (volumes[&label] - expected).abs() < 1e-9 * expected, "{volumes:?}");
    }
    // The network's second head has a probability for each label, also where a slice was predicted for the whole's sake.
    for (z, slice) in slices {
        let found = slice.detection.as_deref().unwrap_or_else(|| panic!("slice {z} tells of nothing"));
        assert!(found.len() == 2 && found.iter().all(|p| (0.0..=1.0).contains(p)), "slice {z}: {found:?}");
    }
    bench.workspace.apply(Command::Model(ModelCommand::Use { version: None })).unwrap();
    assert_eq!(bench.workspace.predicted_volumes(id), None);
}

#[test]
fn the_surface_on_screen_follows_the_prediction_and_the_mask() {
    let (mut bench, _) = with_model();
    let id = bench.document().id();
    bench.workspace.want_surface(Some((id, SurfaceOf::Mask)));
    bench.wait("the mask's surface", |w| w.surface().is_some_and(|s| s.is_empty()));
    bench.workspace.want_surface(Some((id, SurfaceOf::Prediction { hidden: BTreeSet::new() })));
    assert!(bench.workspace.surface().is_none(), "nothing is predicted yet");
    bench.workspace.apply(predict_all()).unwrap();
    bench.wait("all slices", |w| w.predicted_slices(id).is_some_and(|p| p.len() == SIZE[2]));
    bench.wait("the newest surface", |w| !w.surface_is_behind());
    let labels: Vec<LabelId> = bench.workspace.surface().unwrap().parts.iter().map(|p| p.label).collect();
    assert_eq!(labels, [1, 2]);
    // Rejected slices are not in it.
    let all = (0..SIZE[2]).collect();
    bench.workspace.want_surface(Some((id, SurfaceOf::Prediction { hidden: all })));
    bench.wait("the newest surface", |w| !w.surface_is_behind());
    assert!(bench.workspace.surface().unwrap().is_empty());

    bench.workspace.want_surface(Some((id, SurfaceOf::Mask)));
    bench.workspace.apply(Command::Edit(EditCommand::Accept { scope: AcceptScope::Slice(2) })).unwrap();
    bench.wait("the accepted slice", |w| w.surface().is_some_and(|s| s.parts.len() == 2));
    bench.workspace.apply(Command::Edit(EditCommand::Undo)).unwrap();
    bench.wait("its undoing", |w| w.surface().is_some_and(|s| s.is_empty()));
    bench.workspace.want_surface(None);
    assert!(bench.workspace.surface().is_none() && !bench.workspace.surface_is_behind());
}

#[test]
fn a_closed_image_is_not_predicted_any_more() {
    let (mut bench, _) = with_model();
    let id = bench.document().id();
    bench.workspace.apply(predict_all()).unwrap();
    bench.workspace.apply(Command::Close(id)).unwrap();
    bench.wait("the end", |w| w.is_idle());
    assert!(bench.workspace.predicted_slices(id).is_none());
    assert!(bench.texts().iter().all(|t| !t.contains("predicting all")), "{:?}", bench.texts());
}

#[test]
fn predicting_all_can_be_cancelled_and_what_is_there_stays() {
    let (mut bench, _) = with_model();
    let id = bench.document().id();
    bench.workspace.apply(predict_all()).unwrap();
    assert!(matches!(bench.workspace.apply(predict_all()), Err(CommandError::PredictRunning)));
    let job = bench.workspace.predicting_all(id).expect("it is under way").job;
    bench.wait("a slice", |w| w.predicted_slices(id).is_some_and(|p| !p.is_empty()));
    bench.workspace.apply(Command::Cancel(job)).unwrap();
    bench.wait("the end", |w| w.predicting_all(id).is_none());
    assert!(!predicted(&bench).is_empty());
    assert!(bench.document().mask().is_empty(), "nothing is accepted by it");
    // The rest may be asked for again; nothing is left to do then.
    for _ in 0..2 {
        bench.workspace.apply(predict_all()).unwrap();
        bench.wait("the rest", |w| w.predicting_all(id).is_none());
        assert_eq!(predicted(&bench), [0, 1, 2, 3, 4]);
    }
    // And it is what is accepted.
    let expected = bench.workspace.predicted_labels(id, 4).unwrap().to_vec();
    bench.workspace.apply(Command::Edit(EditCommand::Accept { scope: AcceptScope::Slice(4) })).unwrap();
    assert_eq!(bench.document().mask().slice(4), expected);
}
