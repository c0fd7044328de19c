//! Predictions: shown only on what they were made from, accepted as undoable edits, and never over a verified slice.

use super::{Bench, SIZE, write_model};
use fovea::workspace::{
    AcceptScope, Command, CommandError, EditCommand, LabelCommand, ModelCommand, PredictionStatus, SaveState,
    Take,
};

/// A bench with a model of random weights in use; its version.
pub fn with_model() -> (Bench, String) {
    let mut bench = Bench::opened();
    let path = bench.folder.path().join("model.safetensors");
    let version = write_model(&path, &["label 1", "second"], 5);
    bench.workspace.apply(Command::Model(ModelCommand::Import { path })).unwrap();
    bench.wait("the model", |w| w.active().is_some_and(|d| d.model().is_some()));
    assert_eq!(bench.document().model().map(|v| &**v), Some(version.as_str()));
    (bench, version)
}

/// Looks at a slice until it is predicted; the predicted labels.
fn look(bench: &mut Bench, z: usize) -> Vec<u16> {
    let id = bench.document().id();
    bench.workspace.look_at(id, z);
    bench.wait("the prediction", |w| w.prediction(id, z).is_some());
    let labels = bench.workspace.prediction(id, z).unwrap().labels.to_vec();
    assert!(labels.contains(&1) && labels.contains(&2), "the model says nothing on slice {z}");
    labels
}

fn take(voxel: [usize; 3], other: &str, take: Take) -> Command {
    Command::Edit(EditCommand::TakePart { voxel, other: other.to_owned(), take })
}

#[test]
fn a_part_is_taken_where_both_have_predicted_and_nobody_has_verified() {
    let (mut bench, first) = with_model();
    let id = bench.document().id();
    look(&mut bench, 2);
    let path = bench.folder.path().join("other.safetensors");
    let second = write_model(&path, &["label 1", "second"], 1000);
    bench.workspace.apply(Command::Model(ModelCommand::Import { path })).unwrap();
    bench.wait("the other model", |w| w.active().is_some_and(|d| d.model().is_some_and(|v| **v == *second)));
    let refused = bench.workspace.apply(take([0, 0, 2], &first, Take::InUse));
    assert!(matches!(refused, Err(CommandError::NotPredicted { z: 2 })), "{refused:?}");
    let own = look(&mut bench, 2);
    let others = bench.workspace.prediction_by(id, &first, 2).unwrap().labels.to_vec();
    // Where only the other model has a label.
    let at = (0..own.len()).find(|&i| own[i] == 0 && others[i] != 0).expect("they differ");
    let voxel = [at % SIZE[0], at / SIZE[0], 2];
    let refused = bench.workspace.apply(take(voxel, "nobody", Take::Other));
    assert!(matches!(refused, Err(CommandError::NotPredicted { z: 2 })), "{refused:?}");
    let refused = bench.workspace.apply(take([SIZE[0], 0, 2], &first, Take::Other));
    assert!(matches!(refused, Err(CommandError::OutsideImage { .. })), "{refused:?}");
    let refused = bench.workspace.apply(take(voxel, &first, Take::InUse));
    assert!(
        matches!(refused, Err(CommandError::ThereAlready(_))),
        "background is there already: {refused:?}"
    );
    bench.workspace.apply(take(voxel, &first, Take::Other)).unwrap();
    assert_eq!(bench.document().mask().get(voxel), others[at]);
    bench.workspace.apply(take(voxel, &first, Take::InUse)).unwrap();
    assert_eq!(bench.document().mask().get(voxel), 0, "the model in use says background");
    bench.workspace.apply(Command::Edit(EditCommand::Undo)).unwrap();
    bench.workspace.apply(Command::Edit(EditCommand::SetVerified { z: 2, on: true })).unwrap();
    let refused = bench.workspace.apply(take(voxel, &first, Take::Neither));
    assert!(matches!(refused, Err(CommandError::SliceVerified { z: 2 })), "{refused:?}");
    assert_eq!(bench.document().mask().get(voxel), others[at]);
}

fn accept(scope: AcceptScope) -> Command {
    Command::Edit(EditCommand::Accept { scope })
}

#[test]
fn a_prediction_is_shown_by_the_model_in_use_only() {
    let (mut bench, first) = with_model();
    let id = bench.document().id();
    let before = look(&mut bench, 2);
    // Neighbours come without being asked for.
    bench.wait("the neighbours", |w| [1, 3].iter().all(|&z| w.prediction(id, z).is_some()));

    let path = bench.folder.path().join("other.safetensors");
    let second = write_model(&path, &["label 1", "second"], 1000);
    assert_ne!(first, second);
    bench.workspace.apply(Command::Model(ModelCommand::Import { path })).unwrap();
    bench.wait("the other model", |w| w.active().is_some_and(|d| d.model().is_some_and(|v| **v == *second)));
    assert!(bench.workspace.prediction_by(id, &first, 2).is_some(), "it is kept");
    assert_ne!(look(&mut bench, 2), before);

    bench.workspace.apply(Command::Model(ModelCommand::Use { version: None })).unwrap();
    assert!(bench.workspace.prediction(id, 2).is_none());
    assert!(matches!(bench.workspace.prediction_status(id, 2), PredictionStatus::NoModel));
    bench.workspace.apply(Command::Model(ModelCommand::Use { version: Some(first) })).unwrap();
    assert_eq!(look(&mut bench, 2), before);
}

#[test]
fn a_slice_is_accepted_as_one_undo_step_and_survives_reopening() {
    let (mut bench, version) = with_model();
    let refused = bench.workspace.apply(accept(AcceptScope::Slice(3)));
    assert!(matches!(refused, Err(CommandError::NotPredicted { z: 3 })), "{refused:?}");
    let labels = look(&mut bench, 3);
    bench.workspace.apply(accept(AcceptScope::Slice(3))).unwrap();
    assert_eq!(bench.document().mask().slice(3), labels);
    assert!(bench.document().undo_title().unwrap().contains(&version));
    let second = bench.document().labels().get(2).expect("the label that the model brought");
    assert_eq!(second.name, "second");
    assert!(matches!(
        bench.workspace.apply(accept(AcceptScope::Slice(3))),
        Err(CommandError::NothingToAccept)
    ));

    bench.edit(EditCommand::Undo);
    assert!(bench.document().mask().is_empty() && bench.document().labels().get(2).is_none());
    bench.edit(EditCommand::Redo);
    bench.reopen();
    assert_eq!(bench.document().mask().slice(3), labels);
    bench.edit(EditCommand::Undo);
    assert!(bench.document().mask().is_empty());
}

#[test]
fn a_model_never_changes_a_verified_slice() {
    let (mut bench, _) = with_model();
    bench.stroke(1, 1, [5.0, 5.0], [30.0, 20.0]);
    let corrected = bench.document().mask().slice(1);
    bench.edit(EditCommand::SetVerified { z: 1, on: true });
    look(&mut bench, 1);
    let refused = bench.workspace.apply(accept(AcceptScope::Slice(1)));
    assert!(matches!(refused, Err(CommandError::SliceVerified { z: 1 })), "{refused:?}");

    bench.workspace.apply(accept(AcceptScope::Volume)).unwrap();
    bench.wait("the volume", |w| w.active().is_some_and(|d| !d.mask().slice(4).iter().all(|&l| l == 0)));
    assert_eq!(bench.document().mask().slice(1), corrected);
    for z in [0, 2, 3, 4] {
        assert!(bench.document().mask().slice(z).contains(&1), "slice {z} was not accepted");
    }
    // All of it is one step.
    bench.edit(EditCommand::Undo);
    assert_eq!(bench.document().mask().slice(1), corrected);
    assert!(
        (0..SIZE[2]).filter(|&z| z != 1).all(|z| bench.document().mask().slice(z).iter().all(|&l| l == 0))
    );
    // A person may change what they have verified.
    bench.stroke(1, 0, [5.0, 5.0], [30.0, 20.0]);
    assert!(bench.document().mask().is_empty());
}

#[test]
fn accepting_keeps_locked_labels_and_labels_that_the_model_does_not_know() {
    let (mut bench, _) = with_model();
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "second".into() })).unwrap();
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "scar".into() })).unwrap();
    let labels = look(&mut bench, 0);
    let [w, ..] = SIZE;
    bench.stroke(0, 2, [4.0, 4.0], [40.0, 4.0]);
    bench.stroke(0, 3, [4.0, 30.0], [40.0, 30.0]);
    bench.workspace.apply(Command::Labels(LabelCommand::Lock { id: 2, on: true })).unwrap();
    let before = bench.document().mask().slice(0);
    bench.workspace.apply(accept(AcceptScope::Slice(0))).unwrap();
    let after = bench.document().mask().slice(0);
    for i in 0..before.len() {
        let (x, y) = (i % w, i / w);
        match (before[i], labels[i]) {
            (2, _) => assert_eq!(after[i], 2, "locked, at {x} {y}"),
            (b, 2) => assert_eq!(after[i], b, "nothing is painted with a locked label, at {x} {y}"),
            (3, 0) => {
                assert_eq!(after[i], 3, "background does not erase what the model does not know, at {x} {y}")
            }
            (_, predicted) => assert_eq!(after[i], predicted, "at {x} {y}"),
        }
    }
}

#[test]
fn a_component_is_accepted_alone() {
    let (mut bench, _) = with_model();
    let labels = look(&mut bench, 2);
    let [w, h, _] = SIZE;
    let background = labels.iter().position(|&l| l == 0);
    if let Some(at) = background {
        let voxel = [at % w, at / w, 2];
        let refused = bench.workspace.apply(accept(AcceptScope::Component { voxel, volume: false }));
        assert!(matches!(refused, Err(CommandError::NoComponent)), "{refused:?}");
    }
    let at = labels.iter().position(|&l| l == 1).unwrap();
    bench
        .workspace
        .apply(accept(AcceptScope::Component { voxel: [at % w, at / w, 2], volume: false }))
        .unwrap();
    // The same by spreading from pixel to pixel.
    let mut expected = vec![0u16; w * h];
    let mut open = vec![at];
    while let Some(i) = open.pop() {
        if labels[i] != 1 || expected[i] == 1 {
            continue;
        }
        expected[i] = 1;
        let (x, y) = (i % w, i / w);
        open.extend([(x > 0).then(|| i - 1), (x + 1 < w).then(|| i + 1)].into_iter().flatten());
        open.extend([(y > 0).then(|| i - w), (y + 1 < h).then(|| i + w)].into_iter().flatten());
    }
    assert_eq!(bench.document().mask().slice(2), expected);
    assert!(
        (0..SIZE[2]).filter(|&z| z != 2).all(|z| bench.document().mask().slice(z).iter().all(|&l| l == 0))
    );
}

#[test]
fn a_label_is_accepted_alone_in_all_slices() {
    let (mut bench, _) = with_model();
    bench.stroke(1, 1, [5.0, 5.0], [30.0, 20.0]);
    let verified = bench.document().mask().slice(1);
    bench.edit(EditCommand::SetVerified { z: 1, on: true });
    // Of label 1 here, which goes where it is not predicted, and of another that stays where label 1 is not predicted.
    bench.stroke(2, 1, [4.0, 4.0], [40.0, 4.0]);
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "second".into() })).unwrap();
    bench.stroke(2, 2, [4.0, 30.0], [40.0, 30.0]);
    let before = bench.document().mask().slice(2);
    let predicted: Vec<Vec<u16>> = [0, 2, 3, 4].iter().map(|&z| look(&mut bench, z)).collect();
    let refused = bench.workspace.apply(accept(AcceptScope::Label(9)));
    assert!(matches!(refused, Err(CommandError::NotOfTheModel(9))), "{refused:?}");
    bench.workspace.apply(accept(AcceptScope::Label(1))).unwrap();
    bench.wait("the label", |w| w.active().is_some_and(|d| d.mask().slice(4).contains(&1)));
    for (z, predicted) in [0, 2, 3, 4].into_iter().zip(&predicted) {
        let after = bench.document().mask().slice(z);
        for (i, (after, predicted)) in after.iter().zip(predicted).enumerate() {
            let expected = match (predicted, if z == 2 { before[i] } else { 0 }) {
                (1, _) => 1,
                (_, 1) => 0,
                (_, other) => other,
            };
            assert_eq!(*after, expected, "slice {z}, pixel {i}");
        }
    }
    assert_eq!(bench.document().mask().slice(1), verified);
    bench.edit(EditCommand::Undo);
    assert_eq!(bench.document().mask().slice(2), before);
}

#[test]
fn edits_made_while_a_volume_is_accepted_are_not_lost() {
    let (mut bench, _) = with_model();
    bench.workspace.apply(accept(AcceptScope::Volume)).unwrap();
    assert!(matches!(bench.workspace.apply(accept(AcceptScope::Volume)), Err(CommandError::AcceptRunning)));
    // Before it is there, the person verifies a slice and is in the middle of a stroke on another.
    bench.edit(EditCommand::SetVerified { z: 4, on: true });
    bench.edit(EditCommand::Begin { tool: "brush".into() });
    bench.edit(super::brush(0, 1, [5.0, 5.0], [30.0, 20.0]));
    let quiet = bench.workspace.wait_until(std::time::Duration::from_millis(1500), |w| {
        w.active().is_some_and(|d| d.mask().slice(3).iter().any(|&l| l != 0))
    });
    assert!(!quiet, "nothing is accepted into an open stroke");
    bench.edit(EditCommand::Commit);
    bench.wait("the volume", |w| w.active().is_some_and(|d| d.mask().slice(3).iter().any(|&l| l != 0)));
    assert!(bench.document().mask().slice(4).iter().all(|&l| l == 0), "verified meanwhile");
    assert_eq!(bench.document().history().count(), 3);
    let id = bench.document().id();
    bench.wait("the disk", |w| w.document(id).is_some_and(|d| d.save_state() == SaveState::Saved));
}

#[test]
fn a_volume_can_be_cancelled() {
    let (mut bench, _) = with_model();
    bench.workspace.apply(accept(AcceptScope::Volume)).unwrap();
    let job = bench.workspace.activities().find(|a| a.title.contains("accept")).expect("it is listed").job;
    bench.workspace.apply(Command::Cancel(job)).unwrap();
    bench.wait("the end", |w| w.activities().count() == 0);
    assert!(bench.document().mask().is_empty() && !bench.document().can_undo());
    // And may be asked for again.
    bench.workspace.apply(accept(AcceptScope::Volume)).unwrap();
    bench.wait("the volume", |w| w.active().is_some_and(|d| !d.mask().is_empty()));
}

#[test]
fn what_is_left_out_is_not_accepted_until_another_model_is_used() {
    let (mut bench, version) = with_model();
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "second".into() })).unwrap();
    bench.stroke(2, 2, [4.0, 30.0], [40.0, 30.0]);
    let before = bench.document().mask().slice(2);
    let predicted = look(&mut bench, 2);
    let leave_out = |names: &[&str]| {
        let structures = names.iter().map(|name| (*name).to_owned()).collect();
        Command::Model(ModelCommand::LeaveOut { structures })
    };
    bench.workspace.apply(leave_out(&["second"])).unwrap();
    let refused = bench.workspace.apply(accept(AcceptScope::Label(2)));
    assert!(matches!(refused, Err(CommandError::NotOfTheModel(2))), "{refused:?}");
    bench.workspace.apply(accept(AcceptScope::Slice(2))).unwrap();
    let after = bench.document().mask().slice(2);
    for (i, &predicted) in predicted.iter().enumerate() {
        // Of what is left out the mask stays as it was, but where something else is predicted.
        let expected = if predicted == 1 { 1 } else { before[i] };
        assert_eq!(after[i], expected, "pixel {i}");
    }
    bench.edit(EditCommand::Undo);
    assert_eq!(bench.document().mask().slice(2), before);
    bench.workspace.apply(Command::Model(ModelCommand::Use { version: None })).unwrap();
    bench.workspace.apply(Command::Model(ModelCommand::Use { version: Some(version) })).unwrap();
    assert!(bench.document().left_out().is_empty());
}
