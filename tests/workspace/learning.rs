//! Training from the verified slices: what is learned from, what is kept, and that only the person decides.

use super::{Bench, open, start, write_image, write_model};
use fovea::nn::ModelCard;
use fovea::nn::train::IGNORE;
use fovea::volume::Modality;
use fovea::workspace::{
    AcceptScope, Asks, Command, CommandError, DocumentId, EditCommand, LabelCommand, ModelCommand,
    NoticeLevel, Place, PredictionStatus, RunState, TrainCommand, TrainOptions, TrainingState, Unlabelled,
    WorkspaceOptions,
};

/// A bench with a model in use and the first `n` slices verified; the model's version.
pub fn corrected(n: usize) -> (Bench, String) {
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

pub fn few_steps(steps: u64) -> Command {
    Command::Train(TrainCommand::Start(TrainOptions { steps: Some(steps), ..TrainOptions::default() }))
}

pub fn train(command: TrainCommand) -> Command {
    Command::Train(command)
}

pub fn model_of(bench: &Bench) -> String {
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
    let [before, after] = comparison.means().expect("both know the label").map(Some);
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
fn a_discarded_candidate_stays_in_the_model_library_and_unused() {
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

#[test]
fn a_checkpoint_goes_when_what_it_holds_is_in_the_project_file() {
    for closes in [false, true] {
        let (mut bench, _) = corrected(3);
        bench.workspace.apply(few_steps(4)).unwrap();
        wait_for_the_end(&mut bench);
        let checkpoint = bench.folder.path().join("image.tif.fovea.checkpoint");
        std::fs::write(&checkpoint, "of the run").unwrap();
        match closes {
            true => bench.workspace.apply(Command::Close(bench.document().id())).unwrap(),
            // As the window does before it closes.
            false => bench.workspace.look_after(),
        }
        assert!(!checkpoint.exists(), "closes: {closes}");
    }
}

/// Another image, which uses the bench's model and has its first `n` slices verified.
pub fn second_image(bench: &mut Bench, name: &str, version: &str, n: usize) -> DocumentId {
    let path = bench.folder.path().join(name);
    write_image(&path);
    open(&mut bench.workspace, &path);
    bench.workspace.apply(Command::Model(ModelCommand::Use { version: Some(version.to_owned()) })).unwrap();
    for z in 0..n {
        bench.stroke(z, 1, [5.0, 8.0], [40.0, 20.0]);
        bench.edit(EditCommand::SetVerified { z, on: true });
    }
    bench.document().id()
}

pub fn wait_for_the_end(bench: &mut Bench) {
    bench.wait("the end of training", |w| w.training().is_some_and(|t| !t.is_under_way()));
}

#[test]
fn nothing_of_an_image_that_is_not_listed_is_learned_from() {
    let (mut bench, version) = corrected(3);
    let first = bench.document().id();
    let second = second_image(&mut bench, "other.tif", &version, 2);
    second_image(&mut bench, "third.tif", "vessel", 1);
    // Offered are the images that use the model.
    bench.workspace.apply(Command::Activate(second)).unwrap();
    let offered = bench.workspace.training_images();
    let facts: Vec<_> =
        offered.iter().map(|(id, i)| (*id, i.slices, i.labels.get("label 1").copied())).collect();
    assert_eq!(facts, [(first, 3, Some(3)), (second, 2, Some(2))]);

    let names = |bench: &Bench| -> Vec<String> {
        let training = bench.workspace.training().unwrap();
        let slices = training.learned_from().iter().chain(training.held_out());
        let mut names: Vec<String> =
            slices.map(|s| s.path.file_name().unwrap().to_string_lossy().into_owned()).collect();
        names.dedup();
        names.sort();
        names.dedup();
        names
    };
    let started = |images: Vec<DocumentId>| {
        Command::Train(TrainCommand::Start(TrainOptions {
            images,
            steps: Some(2),
            ..TrainOptions::default()
        }))
    };
    // Without a list it is the active image alone.
    bench.workspace.apply(started(vec![])).unwrap();
    assert_eq!(names(&bench), ["other.tif"]);
    assert!(!bench.workspace.training().unwrap().uses(first));
    wait_for_the_end(&mut bench);
    bench.workspace.apply(started(vec![first, second])).unwrap();
    assert_eq!(names(&bench), ["image.tif", "other.tif"]);
    wait_for_the_end(&mut bench);
    // The same facts are with the run and in what it has made.
    let training = bench.workspace.training().unwrap();
    let images: Vec<_> = training.images().iter().map(|i| (i.name.as_str(), i.slices)).collect();
    assert_eq!(images, [("image.tif", 3), ("other.tif", 2)]);
    let card = &training.candidate().unwrap().card;
    assert!(
        card.trained_on.contains("image.tif (3 slices: label 1 in 3); other.tif (2"),
        "{}",
        card.trained_on
    );
    let run = bench.document().runs().last().unwrap();
    assert_eq!(run.images.iter().map(|i| i.slices).collect::<Vec<_>>(), [3, 2]);

    let third = DocumentId(3);
    let refused = bench.workspace.apply(started(vec![third])).unwrap_err().to_string();
    assert!(refused.contains("third.tif does not use the model"), "{refused}");
}

/// The bench's image with a network that has learned nothing.
fn fresh() -> Bench {
    let mut bench = Bench::opened();
    use_fresh(&mut bench);
    bench
}

fn use_fresh(bench: &mut Bench) {
    let network = "vessel/sa_unet".to_owned();
    bench.workspace.apply(Command::Model(ModelCommand::Fresh { network })).unwrap();
    bench.wait("the network", |w| w.is_idle());
}

fn card(bench: &Bench) -> ModelCard {
    (*bench.workspace.model(&model_of(bench)).unwrap().card).clone()
}

#[test]
fn an_untrained_network_predicts_nothing_and_nothing_of_it_is_accepted() {
    let mut bench = fresh();
    let id = bench.document().id();
    let version = model_of(&bench);
    bench.workspace.look_at(id, 2);
    bench.wait("the weights", |w| w.model(&version).is_some_and(|m| m.is_loaded()));
    let scopes = [
        AcceptScope::Slice(2),
        AcceptScope::Volume,
        AcceptScope::Label(1),
        AcceptScope::Component { voxel: [20, 20, 2], volume: false },
        AcceptScope::Component { voxel: [20, 20, 2], volume: true },
    ];
    for command in scopes
        .map(|scope| Command::Edit(EditCommand::Accept { scope }))
        .into_iter()
        .chain([Command::Model(ModelCommand::PredictAll)])
    {
        let refused = bench.workspace.apply(command.clone()).unwrap_err();
        assert!(matches!(refused, CommandError::Untrained(_)), "{command:?}: {refused}");
    }
    // It is asked for nothing, however often the slice is looked at.
    for _ in 0..20 {
        bench.workspace.look_at(id, 2);
        bench.workspace.poll();
    }
    bench.wait("all that was asked for", |w| w.is_idle());
    assert!(matches!(bench.workspace.prediction_status(id, 2), PredictionStatus::Untrained));
    assert!(bench.workspace.predicted_slices(id).is_none() && bench.workspace.prediction(id, 2).is_none());
    assert!(bench.document().mask().is_empty());
}

#[test]
fn untrained_networks_are_told_apart_by_what_they_are_to_learn() {
    let mut bench = fresh();
    let first = model_of(&bench);
    let another = |bench: &mut Bench, name: &str, change: Option<Command>| {
        let path = bench.folder.path().join(name);
        write_image(&path);
        open(&mut bench.workspace, &path);
        change.into_iter().for_each(|change| bench.workspace.apply(change).unwrap());
        use_fresh(bench);
        model_of(bench)
    };
    let rename = LabelCommand::Rename { id: 1, name: "vessel".into() };
    let renamed = another(&mut bench, "renamed.tif", Some(Command::Labels(rename)));
    let other_kind = another(&mut bench, "other.tif", Some(Command::Modality(Modality::Ct)));
    let same = another(&mut bench, "same.tif", None);
    assert_eq!(first, same, "the same task is one network");
    assert!(renamed != first && other_kind != first && renamed != other_kind);
    let title = &bench.workspace.model(&renamed).unwrap().card.title;
    assert!(title.contains("for vessel (untrained)"), "{title}");
}

#[test]
fn an_untrained_network_follows_the_labels_of_its_image() {
    let mut bench = fresh();
    let names =
        |bench: &Bench| -> Vec<String> { card(bench).labels.iter().map(|l| l.name.clone()).collect() };
    assert_eq!(names(&bench), ["label 1"]);
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "disc".into() })).unwrap();
    bench.workspace.apply(Command::Labels(LabelCommand::Rename { id: 1, name: "cup".into() })).unwrap();
    bench.workspace.poll();
    bench.wait("the network", |w| w.is_idle());
    bench.workspace.poll();
    assert_eq!(names(&bench), ["cup", "disc"]);
    // A label that says where nothing is is no class.
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "background".into() })).unwrap();
    bench.workspace.poll();
    bench.wait("all that was asked for", |w| w.is_idle());
    assert_eq!(names(&bench), ["cup", "disc"]);
    // Both labels are learned.
    for z in 0..2 {
        bench.stroke(z, 1, [5.0, 8.0], [40.0, 8.0]);
        bench.stroke(z, 2, [5.0, 30.0], [40.0, 30.0]);
        bench.edit(EditCommand::SetVerified { z, on: true });
    }
    let id = bench.document().id();
    let version = model_of(&bench);
    bench.workspace.look_at(id, 0);
    bench.wait("the weights", |w| w.model(&version).is_some_and(|m| m.is_loaded()));
    bench.workspace.apply(few_steps(2)).unwrap();
    let sample = &bench.workspace.training().unwrap().held_out_samples()[0];
    assert!((0..=2).all(|class| sample.labels.contains(&class)));
    wait_for_the_end(&mut bench);
    bench.workspace.apply(train(TrainCommand::Adopt)).unwrap();
    let learned = card(&bench);
    assert!(!learned.is_untrained() && !learned.title.contains("untrained"), "{}", learned.title);
    assert!(learned.trained_on.starts_with("2 verified slices in Fovea"), "{}", learned.trained_on);
    bench.workspace.look_at(id, 4);
    bench.wait("a prediction", |w| w.prediction(id, 4).is_some());
    // What is trained stays as it is.
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "rim".into() })).unwrap();
    bench.workspace.poll();
    bench.wait("all that was asked for", |w| w.is_idle());
    assert_eq!(model_of(&bench), learned.version);
}

#[test]
fn a_run_that_is_ended_early_keeps_the_best_so_far_and_says_so() {
    let (mut bench, base) = corrected(3);
    bench.workspace.apply(few_steps(100_000)).unwrap();
    bench.wait("a step", |w| w.training().is_some_and(|t| t.steps()[0] > 1));
    // Also of a run that rests.
    bench.workspace.apply(train(TrainCommand::Pause)).unwrap();
    bench.workspace.apply(train(TrainCommand::Keep)).unwrap();
    assert!(bench.workspace.training().unwrap().is_being_kept());
    assert!(bench.workspace.apply(train(TrainCommand::Pause)).is_err());
    wait_for_the_end(&mut bench);
    let training = bench.workspace.training().unwrap();
    assert_eq!(training.state(), &TrainingState::Finished, "{:?}", bench.texts());
    let candidate = training.candidate().unwrap();
    let version = candidate.card.version.clone();
    assert!(candidate.result.stopped_at.is_some_and(|step| step > 1 && step < 100_000));
    assert!(candidate.result.comparison.is_some() && version != base);
    let notice =
        bench.workspace.notices().iter().find(|n| n.asks == Some(Asks::Adopt)).expect("it is announced");
    assert!(notice.text.contains("image.tif") && notice.text.contains("stopped after"), "{}", notice.text);
    bench.workspace.apply(train(TrainCommand::Adopt)).unwrap();
    assert_eq!(model_of(&bench), version);
    assert!(bench.workspace.notices().iter().all(|n| n.asks.is_none()), "it is decided");
    assert!(bench.workspace.apply(train(TrainCommand::Keep)).is_err());
}

#[test]
fn what_an_interrupted_run_had_learned_can_be_kept() {
    let (mut bench, _) = corrected(2);
    bench.workspace.apply(few_steps(100_000)).unwrap();
    bench.wait("some steps", |w| w.training().is_some_and(|t| t.steps()[0] >= 2));
    bench.workspace = start(WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() });
    let place = Place::BesideImage { data: bench.folder.path().join("data") };
    bench.workspace = start(WorkspaceOptions { place, ..WorkspaceOptions::default() });
    bench.open();
    let base = model_of(&bench);
    let id = bench.document().id();
    bench.workspace.look_at(id, 0);
    bench.wait("the model", |w| w.model(&base).is_some_and(|m| m.is_loaded()));
    bench.workspace.apply(train(TrainCommand::Keep)).unwrap();
    wait_for_the_end(&mut bench);
    let training = bench.workspace.training().unwrap();
    assert_eq!(training.state(), &TrainingState::Finished, "{:?}", bench.texts());
    assert!(training.candidate().unwrap().result.stopped_at.is_some_and(|step| step >= 2));
    assert_eq!(training.images()[0].slices, 2, "the plan is read back whole");
}

#[test]
fn the_end_of_a_run_is_told_however_it_ends() {
    let (mut bench, _) = corrected(2);
    bench.workspace.apply(few_steps(100_000)).unwrap();
    bench.wait("a step", |w| w.training().is_some_and(|t| t.steps()[0] > 0));
    bench.workspace.apply(train(TrainCommand::Cancel)).unwrap();
    wait_for_the_end(&mut bench);
    assert!(
        bench.texts().iter().any(|t| t.starts_with("Learning from image.tif was stopped")),
        "{:?}",
        bench.texts()
    );
    let wild = TrainOptions { steps: Some(50), learning_rate: Some(1e30), ..TrainOptions::default() };
    bench.workspace.apply(Command::Train(TrainCommand::Start(wild))).unwrap();
    wait_for_the_end(&mut bench);
    let told: Vec<_> = bench.workspace.notices().iter().filter(|n| n.text.contains("diverged")).collect();
    let [notice] = told[..] else { panic!("once: {:?}", bench.texts()) };
    assert_eq!(notice.level, NoticeLevel::Error);
    assert!(notice.text.starts_with("Learning from image.tif failed:"), "{}", notice.text);
}

#[test]
fn slices_that_are_left_out_are_named() {
    let (mut bench, _) = corrected(2);
    bench.edit(EditCommand::SetVerified { z: 4, on: true });
    let options = TrainOptions { steps: Some(2), unlabelled: Unlabelled::Ignored, ..TrainOptions::default() };
    bench.workspace.apply(Command::Train(TrainCommand::Start(options))).unwrap();
    let warnings = bench.workspace.training().unwrap().warnings().join("\n");
    assert!(warnings.contains("Left out") && warnings.contains("image.tif, slice 5"), "{warnings}");
    assert!(warnings.contains("3 verified slices are few"), "{warnings}");
    assert!(bench.texts().iter().any(|t| t.starts_with("Left out")), "{:?}", bench.texts());
    wait_for_the_end(&mut bench);
}

#[test]
fn classes_without_a_label_of_their_name_are_listed_and_added() {
    let mut bench = Bench::opened();
    bench.stroke(0, 1, [5.0, 8.0], [40.0, 20.0]);
    let path = bench.folder.path().join("model.safetensors");
    write_model(&path, &["vessel", "second"], 3);
    bench.workspace.apply(Command::Model(ModelCommand::Import { path })).unwrap();
    bench.wait("the model", |w| w.active().is_some_and(|d| d.model().is_some()));
    let id = bench.document().id();
    assert_eq!(bench.workspace.new_labels(id), ["vessel", "second"]);
    bench.workspace.look_at(id, 3);
    bench.wait("a prediction", |w| w.prediction(id, 3).is_some());
    bench.edit(EditCommand::Accept { scope: AcceptScope::Slice(3) });
    let names: Vec<_> = bench.document().labels().iter().map(|l| l.name.clone()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names.contains(&"label 1".to_owned()),
        "a painted label is no class of the same number: {names:?}"
    );
    assert!(bench.workspace.new_labels(id).is_empty());
    let told = bench.texts().into_iter().find(|t| t.contains("had no label of that name"));
    assert!(told.is_some_and(|t| t.contains("“vessel”") && t.contains("“second”")), "{:?}", bench.texts());
}

#[test]
fn a_path_in_a_project_file_names_nothing_that_is_removed_or_learned_from() {
    let (mut bench, _) = corrected(2);
    bench.workspace.apply(few_steps(40)).unwrap();
    bench.wait("some steps", |w| w.training().is_some_and(|t| t.steps()[0] >= 2));
    bench.workspace = start(WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() });
    let private = bench.folder.path().join("thesis.odt");
    std::fs::write(&private, "three years of work").unwrap();
    // As somebody else may have sent it.
    let sent = |bench: &Bench| {
        let db = rusqlite::Connection::open(bench.project()).unwrap();
        let changed = db.execute(
            "UPDATE training_run SET state = 'running', checkpoint = ?1",
            [private.to_string_lossy()],
        );
        assert_eq!(changed.unwrap(), 1);
    };
    for last in [train(TrainCommand::Cancel), few_steps(2)] {
        sent(&bench);
        let place = Place::BesideImage { data: bench.folder.path().join("data") };
        bench.workspace = start(WorkspaceOptions { place, ..WorkspaceOptions::default() });
        bench.open();
        let id = bench.document().id();
        assert_eq!(bench.workspace.interrupted_training(), Some(id));
        let base = model_of(&bench);
        bench.workspace.look_at(id, 0);
        bench.wait("the model", |w| w.model(&base).is_some_and(|m| m.is_loaded()));
        bench.workspace.apply(last).unwrap();
        bench.wait("the end", |w| w.training().is_none_or(|t| !t.is_under_way()));
        assert_eq!(std::fs::read_to_string(&private).unwrap(), "three years of work");
        bench.close();
        bench.workspace = start(WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() });
    }
}

/// What a sent folder may hold: a link in the place of the checkpoint.
#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_checkpoint_is_not_followed() {
    let (mut bench, _) = corrected(2);
    bench.workspace.apply(few_steps(40)).unwrap();
    bench.wait("some steps", |w| w.training().is_some_and(|t| t.steps()[0] >= 2));
    bench.workspace = start(WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() });
    let checkpoint = bench.folder.path().join("image.tif.fovea.checkpoint");
    let private = bench.folder.path().join("elsewhere");
    std::fs::rename(&checkpoint, &private).unwrap();
    let before = std::fs::read(&private).unwrap();
    std::os::unix::fs::symlink(&private, &checkpoint).unwrap();
    let place = Place::BesideImage { data: bench.folder.path().join("data") };
    bench.workspace = start(WorkspaceOptions { place, ..WorkspaceOptions::default() });
    bench.open();
    let refused = bench.workspace.apply(train(TrainCommand::Resume)).unwrap_err().to_string();
    assert!(refused.contains("no checkpoint beside the project file"), "{refused}");
    bench.workspace.apply(train(TrainCommand::Cancel)).unwrap();
    assert_eq!(std::fs::read(&private).unwrap(), before);
}

#[test]
fn two_fresh_labels_are_two_classes_and_both_are_learned() {
    let mut bench = Bench::opened();
    let first = bench.document().selected_label();
    let add = |name: &str| Command::Labels(LabelCommand::Add { name: name.into() });
    let taken = bench.workspace.apply(add("LABEL 1"));
    assert!(matches!(taken, Err(CommandError::BadLabelName(_))), "{taken:?}");
    bench.workspace.apply(add("Label 2")).unwrap();
    let second = bench.document().selected_label();
    for z in 0..4 {
        bench.stroke(z, first, [5.0, 8.0], [40.0, 8.0]);
        bench.stroke(z, second, [5.0, 30.0], [40.0, 30.0]);
        bench.edit(EditCommand::SetVerified { z, on: true });
    }
    bench.workspace.apply(Command::Model(ModelCommand::Fresh { network: "edema/unet".into() })).unwrap();
    bench.wait("the network", |w| w.is_idle() && w.active().is_some_and(|d| d.model().is_some()));
    bench.workspace.apply(few_steps(4)).unwrap();
    bench.wait("the run", |w| w.training().is_some_and(|t| !t.is_under_way()));
    let training = bench.workspace.training().expect("there is a run");
    let held_out = training.held_out_samples();
    assert!(!held_out.is_empty());
    for sample in held_out {
        for class in [0, 1, 2] {
            assert!(sample.labels.contains(&class), "{}: class {class} is not taught", sample.name);
        }
        assert!(!sample.labels.contains(&IGNORE), "{}: something is left out", sample.name);
    }
    let model = bench.workspace.model(training.base()).expect("it is known");
    let names: Vec<&str> = model.card.labels.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["label 1", "Label 2"]);
}
