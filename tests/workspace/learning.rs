//! Training from the verified slices: what is learned from, what is kept, and that only the person decides.

use super::{Bench, start, write_model};
use fovea::workspace::{
    Command, CommandError, EditCommand, ModelCommand, Place, RunState, TrainCommand, TrainOptions,
    TrainingState, WorkspaceOptions,
};

/// A bench with a model in use and the first `n` slices verified; the model's version.
fn corrected(n: usize) -> (Bench, String) {
    let mut bench = Bench::opened();
    let path = bench.folder.path().join("model.safetensors");
    let version = write_model(&path, &["label 1"], 3);
    bench.workspace.apply(Command::Model(ModelCommand::Import { path })).unwrap();
    bench.wait("the model", |w| w.active().is_some_and(|d| d.model().is_some()));
    for z in 0..n {
        bench.stroke(z, 1, [5.0, 8.0 + z as f64], [40.0, 20.0]);
        bench.edit(EditCommand::SetVerified { z, on: true });
    }
    (bench, version)
}

fn few_steps(steps: u64) -> Command {
    Command::Train(TrainCommand::Start(TrainOptions { steps: Some(steps), ..TrainOptions::default() }))
}

fn train(command: TrainCommand) -> Command {
    Command::Train(command)
}

fn model_of(bench: &Bench) -> String {
    bench.document().model().unwrap().to_string()
}

#[test]
fn without_a_verified_slice_nothing_is_trained() {
    let (mut bench, _) = corrected(0);
    let refused = bench.workspace.apply(few_steps(2)).unwrap_err();
    assert!(matches!(refused, CommandError::NothingToTrain(_)) && refused.to_string().contains("verified"));
    assert!(bench.workspace.training().is_none());
}

#[test]
fn a_candidate_is_used_when_adopted_and_rolled_back_and_kept_for_good() {
    let (mut bench, base) = corrected(3);
    bench.workspace.apply(few_steps(4)).unwrap();
    let training = bench.workspace.training().unwrap();
    assert_eq!((training.learned_from().len(), training.held_out().len()), (2, 1));
    assert!(!training.learned_from().contains(&training.held_out()[0]));
    assert!(matches!(bench.workspace.apply(few_steps(4)), Err(CommandError::TrainingRunning)));
    bench.wait("the end of training", |w| w.training().is_some_and(|t| !t.is_under_way()));
    let training = bench.workspace.training().unwrap();
    assert_eq!(training.state(), &TrainingState::Finished, "{:?}", bench.texts());
    assert_eq!(training.curves().loss.len(), 4);
    assert!(!training.curves().valid_dice.is_empty());
    // What it made of the slice kept out, each time that it was validated.
    let sample = &training.held_out_samples()[0];
    assert_eq!(training.validations().len(), training.curves().valid_dice.len());
    for validation in training.validations() {
        assert!(validation.dice.is_some() && validation.predicted.len() == 1);
        assert_eq!(validation.predicted[0].len(), sample.labels.len());
    }
    let candidate = training.candidate().unwrap();
    let version = candidate.card.version.clone();
    assert_eq!(candidate.card.parent.as_deref(), Some(base.as_str()));
    let comparison = candidate.result.comparison.as_ref().expect("a slice was kept out");
    let [before, after] = [comparison.before.mean_dice, comparison.after.mean_dice];
    assert_eq!(model_of(&bench), base, "nothing is adopted by itself");

    bench.workspace.apply(train(TrainCommand::Adopt)).unwrap();
    assert_eq!(model_of(&bench), version);
    bench.workspace.apply(Command::Model(ModelCommand::RollBack)).unwrap();
    assert_eq!(model_of(&bench), base);
    assert!(matches!(bench.workspace.apply(train(TrainCommand::Adopt)), Err(CommandError::NoTraining(_))));

    // A program started anew finds every version in the project file, and the one in use.
    bench.close();
    bench.workspace = start(WorkspaceOptions {
        place: Place::BesideImage { data: bench.folder.path().join("data") },
        ..WorkspaceOptions::default()
    });
    bench.open();
    assert_eq!(model_of(&bench), base);
    // And the run, with its curves and what came of it.
    let [run] = bench.document().runs() else { panic!("{:?}", bench.document().runs()) };
    assert_eq!((run.state, run.curves.loss.len(), run.made.as_ref()), (RunState::Adopted, 4, Some(&version)));
    assert_eq!((&run.from, run.before, run.after), (&base, before, after));
    bench.workspace.apply(Command::Model(ModelCommand::Use { version: Some(version.clone()) })).unwrap();
    let id = bench.document().id();
    bench.workspace.look_at(id, 4);
    bench.wait("a prediction by the stored weights", |w| w.prediction(id, 4).is_some());
    assert!(bench.workspace.prediction_by(id, &version, 4).is_some());
}

#[test]
fn a_discarded_candidate_stays_on_the_shelf_and_unused() {
    let (mut bench, base) = corrected(1);
    bench.workspace.apply(few_steps(2)).unwrap();
    bench.wait("the end of training", |w| w.training().is_some_and(|t| !t.is_under_way()));
    let training = bench.workspace.training().unwrap();
    assert!(training.held_out().is_empty() && training.candidate().unwrap().result.comparison.is_none());
    let version = training.candidate().unwrap().card.version.clone();
    bench.workspace.apply(train(TrainCommand::Discard)).unwrap();
    assert_eq!(model_of(&bench), base);
    assert!(bench.workspace.model(&version).is_some());
}

#[test]
fn a_run_pauses_goes_on_and_is_cancelled() {
    let (mut bench, base) = corrected(2);
    bench.workspace.apply(few_steps(100_000)).unwrap();
    bench.wait("a step", |w| w.training().is_some_and(|t| t.steps()[0] > 0));
    bench.workspace.apply(train(TrainCommand::Pause)).unwrap();
    assert_eq!(bench.workspace.training().unwrap().state(), &TrainingState::Paused);
    // Live prediction goes on meanwhile.
    let id = bench.document().id();
    bench.workspace.look_at(id, 4);
    bench.wait("a prediction", |w| w.prediction(id, 4).is_some());
    let paused_at = bench.workspace.training().unwrap().steps()[0];
    bench.workspace.apply(train(TrainCommand::Resume)).unwrap();
    bench.wait("more steps", |w| w.training().is_some_and(|t| t.steps()[0] > paused_at + 1));
    bench.workspace.apply(train(TrainCommand::Cancel)).unwrap();
    bench.wait("the end", |w| w.training().is_some_and(|t| !t.is_under_way()));
    assert_eq!(bench.workspace.training().unwrap().state(), &TrainingState::Cancelled);
    assert_eq!(model_of(&bench), base);
}

#[test]
fn an_interrupted_run_is_resumed_from_its_checkpoint() {
    let (mut bench, _) = corrected(2);
    bench.workspace.apply(few_steps(8)).unwrap();
    bench.wait("some steps", |w| w.training().is_some_and(|t| t.steps()[0] >= 2));
    let options = WorkspaceOptions {
        place: Place::BesideImage { data: bench.folder.path().join("data") },
        ..WorkspaceOptions::default()
    };
    // The program ends in the middle of the run; the engine writes a checkpoint then, as it does every few steps.
    bench.workspace = start(WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() });
    bench.workspace = start(options);
    bench.open();
    assert!(bench.workspace.training().is_none());
    assert!(bench.texts().join("\n").contains("interrupted"), "{:?}", bench.texts());
    let base = model_of(&bench);
    let id = bench.document().id();
    bench.workspace.look_at(id, 0);
    bench.wait("the model", |w| w.model(&base).is_some_and(|m| m.is_loaded()));
    bench.workspace.apply(train(TrainCommand::Resume)).unwrap();
    bench.wait("the end of training", |w| w.training().is_some_and(|t| !t.is_under_way()));
    assert_eq!(bench.workspace.training().unwrap().state(), &TrainingState::Finished, "{:?}", bench.texts());
    assert_eq!(bench.workspace.training().unwrap().steps(), [8, 8]);
    let first = bench.workspace.training().unwrap().curves().loss[0];
    assert!(first[0] > 1.0, "it goes on from where it was, not from the beginning: {first:?}");
    assert!(bench.workspace.notices().iter().all(|n| !n.stays));
}
