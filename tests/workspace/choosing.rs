//! Choosing what learns: what is recommended, a new network that learns from all images that are listed, who judges, and what
//! is in use afterwards.

use super::learning::{corrected, few_steps, model_of, second_image, train, wait_for_the_end};
use super::{Bench, open, write_image, write_model};
use fovea::volume::Modality;
use fovea::workspace::{
    Command, DocumentId, EditCommand, LabelCommand, ModelCommand, StartFrom, TrainCommand, TrainOptions,
    Training, TrainingState, Verdict,
};
use std::collections::BTreeSet;

const NETWORK: &str = "edema/unet";

fn new_network(images: Vec<DocumentId>, judges: Vec<DocumentId>) -> Command {
    let network = Some(NETWORK.to_owned());
    train(TrainCommand::Start(TrainOptions { network, images, judges, steps: Some(2), ..Default::default() }))
}

fn training(bench: &Bench) -> &Training {
    bench.workspace.training().expect("there is a run")
}

fn wait_for_the_beginning(bench: &mut Bench) {
    bench.wait("the beginning of the run", |w| w.training().is_some());
}

/// Files of the slices that are learned from, and of those that judge.
fn files(training: &Training) -> [BTreeSet<String>; 2] {
    [training.learned_from(), training.held_out()].map(|slices| {
        slices.iter().map(|s| s.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    })
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn images_that_judge_are_held_out_whole_and_no_slice_of_another_is() {
    let (mut bench, version) = corrected(3);
    let first = bench.document().id();
    let second = second_image(&mut bench, "other.tif", &version, 2);
    let start = |judges| {
        let options =
            TrainOptions { images: vec![first, second], judges, steps: Some(2), ..Default::default() };
        train(TrainCommand::Start(options))
    };
    bench.workspace.apply(start(vec![second])).unwrap();
    assert_eq!(files(training(&bench)), [set(&["image.tif"]), set(&["other.tif"])]);
    assert_eq!((training(&bench).learned_from().len(), training(&bench).held_out().len()), (3, 2));
    assert!(training(&bench).is_judged_apart());
    wait_for_the_end(&mut bench);
    let candidate = training(&bench).candidate().unwrap();
    let judged: BTreeSet<_> =
        candidate.result.comparison.as_ref().unwrap().slices.iter().map(|s| s.sample.name.clone()).collect();
    assert_eq!(judged, set(&["other.tif, slice 1", "other.tif, slice 2"]));
    // The other way round, and then nobody as a whole.
    bench.workspace.apply(start(vec![first])).unwrap();
    assert_eq!(files(training(&bench)), [set(&["other.tif"]), set(&["image.tif"])]);
    wait_for_the_end(&mut bench);
    bench.workspace.apply(start(vec![])).unwrap();
    assert_eq!((training(&bench).learned_from().len(), training(&bench).held_out().len()), (4, 1));
    assert!(!training(&bench).is_judged_apart());
    wait_for_the_end(&mut bench);
}

#[test]
fn a_new_network_learns_from_every_image_that_is_listed_and_nothing_else_is_changed() {
    let (mut bench, version) = corrected(3);
    let first = bench.document().id();
    let second = second_image(&mut bench, "other.tif", &version, 2);
    let offered: Vec<DocumentId> = bench.workspace.training_images().into_iter().map(|(id, _)| id).collect();
    assert_eq!(offered, [first, second]);
    bench.workspace.apply(new_network(offered, vec![])).unwrap();
    assert!(bench.workspace.training_is_beginning());
    assert!(bench.workspace.apply(few_steps(2)).is_err(), "there is one run at a time");
    wait_for_the_beginning(&mut bench);
    let [learned, held_out] = files(training(&bench));
    assert_eq!(learned.union(&held_out).cloned().collect::<BTreeSet<_>>(), set(&["image.tif", "other.tif"]));
    let base = bench.workspace.model(training(&bench).base()).expect("it is there while it learns");
    assert!(base.is_untrained() && base.card.network == NETWORK);
    // The model in use is in use meanwhile, and is what the new one is compared with.
    let models = |bench: &Bench| -> Vec<Option<String>> {
        bench.workspace.documents().iter().map(|d| d.model().map(|v| v.to_string())).collect()
    };
    assert_eq!(models(&bench), [Some(version.clone()), Some(version.clone())]);
    assert_eq!(training(&bench).earlier().map(|v| v.to_string()), Some(version.clone()));
    wait_for_the_end(&mut bench);
    let candidate = training(&bench).candidate().unwrap();
    let comparison = candidate.result.comparison.as_ref().unwrap();
    assert!(comparison.before.is_some() && comparison.slices.iter().all(|slice| slice.before.is_some()));
    bench.workspace.apply(train(TrainCommand::Discard)).unwrap();
    assert_eq!(models(&bench), [Some(version.clone()), Some(version)]);
    // Adopted it is in use wherever it has learned.
    bench.workspace.apply(new_network(vec![first, second], vec![])).unwrap();
    bench.wait("the second run", |w| w.training().is_some_and(Training::is_under_way));
    wait_for_the_end(&mut bench);
    let made = training(&bench).candidate().unwrap().card.version.clone();
    bench.workspace.apply(train(TrainCommand::Adopt)).unwrap();
    assert_eq!(models(&bench), [Some(made.clone()), Some(made)]);
}

#[test]
fn labels_that_the_earlier_model_does_not_know_are_new_and_in_no_gain() {
    let (mut bench, version) = corrected(0);
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "vessel".into() })).unwrap();
    let second = bench.document().selected_label();
    for z in 0..3 {
        bench.stroke(z, 1, [5.0, 8.0 + z as f64], [40.0, 20.0]);
        bench.stroke(z, second, [5.0, 30.0], [40.0, 32.0]);
        bench.edit(EditCommand::SetVerified { z, on: true });
    }
    bench.workspace.apply(new_network(vec![], vec![])).unwrap();
    wait_for_the_beginning(&mut bench);
    assert_eq!(training(&bench).earlier().map(|v| v.to_string()), Some(version));
    wait_for_the_end(&mut bench);
    let candidate = training(&bench).candidate().unwrap();
    let mut new: Vec<(String, bool)> = candidate.by_label().into_iter().map(|c| (c.name, c.is_new)).collect();
    new.sort();
    assert_eq!(new, [("label 1".to_owned(), false), ("vessel".to_owned(), true)]);
    let comparison = candidate.result.comparison.as_ref().unwrap();
    let of_common = |report: &fovea::metrics::Report| report.classes[&1].mean.dice.unwrap();
    let [before, after] = [comparison.before.as_ref().unwrap(), &comparison.after].map(of_common);
    assert_eq!(comparison.means(), Some([before, after]), "vessel is in neither mean");
    assert_eq!(comparison.gain(), Some(after - before));
    let judged = training(&bench).judged(true, Some("random")).unwrap();
    assert!(judged.text.contains("New: vessel."), "{judged:?}");
    let run = bench.document().runs().last().unwrap();
    assert_eq!((run.before, run.after), (Some(before), Some(after)));
}

#[test]
fn a_network_without_an_earlier_one_is_compared_with_nothing() {
    let mut bench = Bench::opened();
    for z in 0..3 {
        bench.stroke(z, 1, [5.0, 8.0 + z as f64], [40.0, 20.0]);
        bench.edit(EditCommand::SetVerified { z, on: true });
    }
    assert!(bench.document().model().is_none());
    bench.workspace.apply(new_network(vec![], vec![])).unwrap();
    wait_for_the_beginning(&mut bench);
    wait_for_the_end(&mut bench);
    let candidate = training(&bench).candidate().unwrap();
    assert_eq!((training(&bench).earlier(), candidate.verdict()), (None, Verdict::New));
    assert!(candidate.by_label().iter().all(|change| change.is_new && change.before.is_none()));
    let run = bench.document().runs().last().unwrap();
    assert_eq!((run.before, run.after), (None, candidate.dice()));
    let made = candidate.card.version.clone();
    bench.workspace.apply(train(TrainCommand::Adopt)).unwrap();
    assert_eq!(model_of(&bench), made);
}

#[test]
fn discarding_gives_the_earlier_model_back_where_an_untrained_network_was_chosen() {
    for last in [TrainCommand::Discard, TrainCommand::Cancel] {
        let (mut bench, version) = corrected(3);
        bench.workspace.apply(Command::Model(ModelCommand::Fresh { network: NETWORK.into() })).unwrap();
        bench.wait("the network", |w| w.is_idle());
        assert_ne!(model_of(&bench), version);
        assert_eq!(bench.document().predictor().map(|v| v.to_string()), Some(version.clone()));
        let cancelled = last == TrainCommand::Cancel;
        bench.workspace.apply(few_steps(if cancelled { 100_000 } else { 2 })).unwrap();
        if cancelled {
            bench.wait("a step", |w| w.training().is_some_and(|t| t.steps()[0] > 0));
            bench.workspace.apply(train(last)).unwrap();
            wait_for_the_end(&mut bench);
            assert_eq!(training(&bench).state(), &TrainingState::Cancelled);
        } else {
            wait_for_the_end(&mut bench);
            assert_ne!(model_of(&bench), version, "nobody has decided");
            bench.workspace.apply(train(last)).unwrap();
        }
        assert_eq!(model_of(&bench), version);
        let id = bench.document().id();
        bench.workspace.look_at(id, 4);
        bench.wait("its prediction", |w| w.prediction_by(id, &version, 4).is_some());
    }
}

#[test]
fn learning_on_begins_from_the_new_network_with_the_same_slices() {
    let (mut bench, version) = corrected(4);
    bench.workspace.apply(few_steps(2)).unwrap();
    assert!(
        bench.workspace.apply(train(TrainCommand::LearnOn)).is_err(),
        "there is nothing to go on from yet"
    );
    wait_for_the_end(&mut bench);
    let first = training(&bench);
    let made = first.candidate().unwrap().card.version.clone();
    let slices = (first.learned_from().to_vec(), first.held_out().to_vec());
    bench.workspace.apply(train(TrainCommand::LearnOn)).unwrap();
    let second = training(&bench);
    assert_eq!((second.learned_from().to_vec(), second.held_out().to_vec()), slices);
    assert_eq!((second.base(), second.options().steps), (made.as_str(), Some(2)));
    assert_eq!(second.earlier().map(|v| v.to_string()), Some(version.clone()), "still that in use");
    wait_for_the_end(&mut bench);
    let card = &training(&bench).candidate().unwrap().card;
    assert_eq!(card.parent.as_deref(), Some(made.as_str()));
    assert!(bench.workspace.model(&made).is_some() && model_of(&bench) == version);
    bench.workspace.apply(train(TrainCommand::Discard)).unwrap();
    assert_eq!(model_of(&bench), version);
}

#[test]
fn what_is_recommended_knows_the_labels_that_are_painted_or_is_new() {
    let mut bench = Bench::opened();
    let small = StartFrom::Fresh(bench.workspace.small_network().unwrap());
    let recommended = |bench: &Bench, painted: &[&str]| {
        bench.workspace.recommended_start(painted.iter().copied()).expect("an image is open")
    };
    assert_eq!(recommended(&bench, &["label 1"]), small, "there is no model to go on from");
    let path = bench.folder.path().join("model.safetensors");
    write_model(&path, &["label 1"], 3);
    bench.workspace.apply(Command::Model(ModelCommand::Import { path })).unwrap();
    bench.wait("the model", |w| w.active().is_some_and(|d| d.model().is_some()));
    assert_eq!(recommended(&bench, &["label 1", "background"]), StartFrom::InUse);
    assert_eq!(recommended(&bench, &["label 1", "vessel"]), small, "it does not know all of them");
    // One that has learned nothing was made for whatever is painted.
    bench.workspace.apply(Command::Model(ModelCommand::Fresh { network: NETWORK.into() })).unwrap();
    bench.wait("the network", |w| w.is_idle());
    assert_eq!(recommended(&bench, &["label 1", "vessel"]), StartFrom::InUse);
    // Of another kind of image.
    bench.workspace.apply(Command::Model(ModelCommand::Use { version: Some("vessel".into()) })).unwrap();
    bench.workspace.apply(Command::Modality(Modality::Ct)).unwrap();
    let thin = recommended(&bench, &[]);
    assert!(matches!(thin, StartFrom::Fresh(_)), "{thin:?}");
    bench.workspace.apply(Command::Modality(Modality::Fundus)).unwrap();
    assert_eq!(recommended(&bench, &["nothing that it knows"]), StartFrom::Fresh("vessel/sa_unet"));
}

#[test]
fn images_of_one_kind_without_a_model_teach_a_new_network_together() {
    let mut bench = Bench::opened();
    let first = bench.document().id();
    let verify = |bench: &mut Bench| {
        bench.stroke(0, 1, [5.0, 8.0], [40.0, 20.0]);
        bench.edit(EditCommand::SetVerified { z: 0, on: true });
    };
    verify(&mut bench);
    let path = bench.folder.path().join("other.tif");
    write_image(&path);
    open(&mut bench.workspace, &path);
    verify(&mut bench);
    let second = bench.document().id();
    let offered = |bench: &Bench| -> Vec<DocumentId> {
        bench.workspace.training_images().into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(offered(&bench), [first, second]);
    bench.workspace.apply(Command::Modality(Modality::Ct)).unwrap();
    assert_eq!(offered(&bench), [second], "the other one is of another kind");
}

#[test]
fn a_name_that_was_given_to_a_version_is_there_after_closing_and_opening() {
    let (mut bench, _) = corrected(3);
    bench.workspace.apply(few_steps(2)).unwrap();
    wait_for_the_end(&mut bench);
    bench.workspace.apply(train(TrainCommand::Name("Membranes of March".into()))).unwrap();
    bench.workspace.apply(train(TrainCommand::Adopt)).unwrap();
    let version = model_of(&bench);
    // A program started anew: nothing of this session's library is left.
    bench.close();
    bench.workspace = super::start(fovea::workspace::WorkspaceOptions {
        place: fovea::workspace::Place::BesideImage { data: bench.folder.path().join("data") },
        ..Default::default()
    });
    bench.open();
    assert_eq!(model_of(&bench), version);
    assert_eq!(bench.workspace.model(&version).unwrap().card.title, "Membranes of March");
}
