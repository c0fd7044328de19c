//! A real network, small enough for a test, on the engine's thread: predicting, training, comparing, resuming.

use fovea::engine::{
    About, Checkpoints, DocumentId, Engine, EngineOptions, Event, JobError, LoadedModel, ModelSource,
    SegmentVolume, TrainData, TrainRequest, Trained, WantSlice,
};
use fovea::nn::train::{TrainConfig, TrainSample};
use fovea::nn::{Channels, DeviceChoice, DeviceKind, InputSpec, ModelCard, Probabilities};
use fovea::phantom::{Look, Phantom, oct_sized};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const SIDE: usize = 48;
const DEPTH: usize = 6;

/// Held by tests that train: burn's random numbers on the CPU (dropout) come from one generator in the whole process,
/// so that two engines that train at once disturb each other's.
static TRAINING: Mutex<()> = Mutex::new(());

/// See [`TRAINING`].
pub fn alone() -> MutexGuard<'static, ()> {
    TRAINING.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn engine() -> Engine {
    Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap()
}

pub fn phantom() -> Phantom {
    oct_sized(3, Look::Standard, [SIDE, SIDE, DEPTH])
}

pub fn load(engine: &Engine, phantom: &Phantom, seed: u64) -> LoadedModel {
    let card = ModelCard {
        volume: None,
        version: String::new(),
        title: "Test".to_owned(),
        network: "edema/unet".to_owned(),
        config: serde_json::json!({ "feature_scale": 32, "n_classes": phantom.labels.len() + 1 }),
        input: InputSpec::unit(Channels::Stack3),
        labels: phantom.labels.clone(),
        modality: phantom.volume.modality(),
        trained_on: "another phantom".into(),
        licence: String::new(),
        parent: None,
        teacher: None,
        metrics: Default::default(),
        notice: String::new(),
        command: String::new(),
        created: String::new(),
    };
    let job = engine.load_model(ModelSource::Fresh { card: Box::new(card), seed });
    match engine.block_on(job, |_| ()) {
        Ok(Event::ModelLoaded { model, .. }) => model,
        other => panic!("{other:?}"),
    }
}

fn samples(phantom: &Phantom, model: &LoadedModel, slices: &[usize]) -> Vec<TrainSample> {
    let sample = |&z: &usize| {
        let name = format!("slice {z}");
        TrainSample::from_mask(name, phantom.volume.clone(), z, &phantom.truth, None, &model.card).unwrap()
    };
    slices.iter().map(sample).collect()
}

pub fn request(phantom: &Phantom, model: &LoadedModel, steps: u64) -> TrainRequest {
    TrainRequest {
        base: model.version(),
        teacher: None,
        earlier: None,
        config: TrainConfig {
            steps,
            batch: 2,
            patch: 32,
            validate_every: 4,
            lr: 1e-2,
            ..TrainConfig::default()
        },
        data: TrainData::Slices {
            samples: samples(phantom, model, &[0, 1, 3]),
            held_out: samples(phantom, model, &[2, 4]),
        },
        checkpoints: None,
        about: About { title: Some("Learned".to_owned()), ..About::default() },
    }
}

pub fn want(phantom: &Phantom, model: &LoadedModel, slices: &[usize]) -> WantSlice {
    WantSlice {
        document: DocumentId(7),
        volume: phantom.volume.clone(),
        version: model.version(),
        slices: slices.to_vec(),
    }
}

/// Waits until `found` has said yes to an event; returns it.
pub fn until(engine: &Engine, mut found: impl FnMut(&Event) -> bool) -> Event {
    for _ in 0..600 {
        if let Some(event) = engine.wait(Duration::from_secs(1)).into_iter().find(&mut found) {
            return event;
        }
    }
    panic!("ten minutes and no such event");
}

#[test]
fn the_device_is_named_before_anything_is_asked_of_it() {
    let engine = engine();
    let ready = until(&engine, |event| matches!(event, Event::DeviceReady { .. }));
    let Event::DeviceReady { kind, reason, .. } = ready else { unreachable!() };
    assert_eq!(kind, DeviceKind::Cpu);
    assert!(!reason.is_empty());
}

#[test]
fn wishes_volumes_and_a_model_from_its_bytes_agree() {
    let (engine, phantom) = (engine(), phantom());
    let model = load(&engine, &phantom, 1);
    engine.want_slice(want(&phantom, &model, &[4, 5, 3]));
    let mut seen = vec![];
    let mut fourth = None;
    until(&engine, |event| {
        if let Event::Predicted(predicted) = event {
            assert_eq!(predicted.key.document, DocumentId(7));
            assert_eq!(predicted.labels.len(), SIDE * SIDE);
            seen.push(predicted.key.z);
            if predicted.key.z == 4 {
                fourth = Some(predicted.clone());
            }
        }
        seen.len() == 3
    });
    assert_eq!(seen, [4, 5, 3], "the visible slice first, then its neighbours in the order asked for");
    let fourth = fourth.unwrap();
    let Probabilities::Host(probabilities) = &fourth.prediction.probabilities else {
        panic!("not on the CPU")
    };
    let sum: f32 = probabilities.iter().step_by(SIDE * SIDE).sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");

    // The same weights through their bytes, in another engine, over the whole volume.
    let other = self::engine();
    let job = other.load_model(ModelSource::Stored(Arc::clone(&model.bytes)));
    let Ok(Event::ModelLoaded { model: again, .. }) = other.block_on(job, |_| ()) else {
        panic!("not loaded")
    };
    assert_eq!(again.card.version, model.card.version);
    let segment = SegmentVolume {
        document: DocumentId(7),
        volume: phantom.volume.clone(),
        version: again.version(),
        slices: (0..DEPTH).collect(),
        probabilities: true,
        options: Default::default(),
    };
    let job = other.segment_volume(segment);
    let mut progress = vec![];
    let result = other.block_on(job, |event| {
        if let Event::Progress { done, total, .. } = event {
            progress.push((*done, *total));
        }
    });
    let Ok(Event::VolumeSegmented { result, .. }) = result else { panic!("{result:?}") };
    assert!(result.labels.keys().copied().eq(0..DEPTH));
    assert_eq!(result.labels[&4], fourth.labels);
    assert_eq!(&result.probabilities[&4], probabilities);
    assert_eq!(result.classes, phantom.labels.len() + 1);
    assert_eq!(progress.last(), Some(&(DEPTH as u64, DEPTH as u64)));
}

#[test]
fn a_volume_is_cancelled_between_two_slices_and_the_thread_goes_on() {
    let (engine, phantom) = (engine(), phantom());
    let model = load(&engine, &phantom, 1);
    // Far more slices than could be done before the cancel arrives: the same ones again and again.
    let slices = (0..DEPTH).cycle().take(1_000_000).collect();
    let (volume, version) = (phantom.volume.clone(), model.version());
    let segment = SegmentVolume {
        document: DocumentId(7),
        volume,
        version,
        slices,
        probabilities: false,
        options: Default::default(),
    };
    let job = engine.segment_volume(segment);
    until(&engine, |event| matches!(event, Event::Progress { done, .. } if *done >= 1));
    engine.cancel(job);
    assert_eq!(engine.block_on(job, |_| ()).unwrap_err(), JobError::Cancelled);
    engine.want_slice(want(&phantom, &model, &[0]));
    until(&engine, |event| matches!(event, Event::Predicted(_)));
}

#[test]
fn what_cannot_be_predicted_says_why() {
    let (engine, phantom) = (engine(), phantom());
    let model = load(&engine, &phantom, 1);
    engine.want_slice(WantSlice { version: "unheard-of".into(), ..want(&phantom, &model, &[0]) });
    let failed = until(&engine, |event| matches!(event, Event::PredictFailed { .. }));
    let Event::PredictFailed { reason, .. } = failed else { unreachable!() };
    assert!(reason.contains("unheard-of"), "{reason}");
    let (volume, version) = (phantom.volume.clone(), model.version());
    let segment = SegmentVolume {
        document: DocumentId(7),
        volume,
        version,
        slices: vec![DEPTH],
        probabilities: false,
        options: Default::default(),
    };
    let Err(JobError::Failed(reason)) = engine.block_on(engine.segment_volume(segment), |_| ()) else {
        panic!("there is no such slice")
    };
    assert!(reason.contains(&DEPTH.to_string()), "{reason}");
    let Err(JobError::Failed(reason)) =
        engine.block_on(engine.load_model(ModelSource::Bundled("nothing".to_owned())), |_| ())
    else {
        panic!("there is no such model")
    };
    assert!(reason.contains("nothing"), "{reason}");
    engine.unload_model(model.version());
    engine.want_slice(want(&phantom, &model, &[1]));
    until(&engine, |event| matches!(event, Event::PredictFailed { .. }));
}

#[test]
fn training_reports_each_step_lets_wishes_pass_and_ends_with_a_comparison() {
    let _alone = alone();
    const STEPS: u64 = 12;
    let (engine, phantom) = (engine(), phantom());
    let model = load(&engine, &phantom, 1);
    let job = engine.train(request(&phantom, &model, STEPS));
    let (mut steps, mut validated, mut answered_at, mut earlier) = (vec![], vec![], None, None);
    let last = engine.block_on(job, |event| match event {
        Event::TrainSteps { points, .. } => {
            if steps.is_empty() {
                engine.want_slice(want(&phantom, &model, &[5]));
            }
            steps.extend(points.iter().map(|p| p.step));
            assert!(points.iter().all(|p| p.loss.is_finite() && p.lr >= 0.0));
        }
        Event::TrainEarlier { per_label, .. } => {
            assert!(steps.is_empty(), "what it has to be better than is known before it learns");
            earlier = Some(per_label.clone());
        }
        Event::TrainValidated { step, .. } => validated.push(*step),
        Event::Predicted(_) => answered_at = steps.last().copied(),
        _ => {}
    });
    let Ok(Event::Trained { result, .. }) = last else { panic!("{last:?}") };
    assert!(steps.iter().copied().eq(1..=STEPS), "{steps:?}");
    assert_eq!(validated, [4, 8, 12]);
    assert!(
        answered_at.is_some_and(|step| step < STEPS),
        "the wish waited for the end of training: {answered_at:?}"
    );
    let Trained { base, model: new, comparison, diverged, stopped_at } = result.as_ref();
    assert_eq!((*base == model.version(), diverged.as_ref(), *stopped_at), (true, None, None));
    assert_ne!(new.card.version, model.card.version);
    assert_eq!(new.card.parent.as_deref(), Some(model.card.version.as_str()));
    assert_eq!(new.card.title, "Learned");
    let comparison = comparison.as_ref().unwrap();
    assert_eq!(comparison.slices.len(), 2);
    let before = comparison.before.as_ref().expect("the model that it began with has learned something");
    let of_labels = before.classes.iter().map(|(&id, scores)| (id, scores.mean.dice)).collect();
    assert_eq!(earlier, Some(of_labels));
    assert_eq!(comparison.slices[1].sample.z, 4);
    assert_eq!(new.card.metrics.get("dice/held_out").copied(), comparison.after.mean_dice);
    // The new version can be looked at before anybody adopts it, and shows what the comparison saw.
    engine.want_slice(want(&phantom, new, &[4]));
    let Event::Predicted(predicted) = until(&engine, |event| matches!(event, Event::Predicted(_))) else {
        unreachable!()
    };
    assert_eq!(predicted.labels, comparison.slices[1].after);
}

#[test]
fn a_run_that_was_ended_goes_on_from_its_checkpoint_to_the_same_weights() {
    let _alone = alone();
    const STEPS: u64 = 12;
    let phantom = phantom();
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = |resume| {
        Some(Checkpoints { path: folder.path().join("run.ckpt"), every: 1000, resume, folder: None })
    };
    let straight = {
        let engine = engine();
        let model = load(&engine, &phantom, 1);
        let Ok(Event::Trained { result, .. }) =
            engine.block_on(engine.train(request(&phantom, &model, STEPS)), |_| ())
        else {
            panic!("not trained")
        };
        result.model.card.version.clone()
    };
    {
        let engine = engine();
        let model = load(&engine, &phantom, 1);
        let request = TrainRequest { checkpoints: checkpoints(false), ..request(&phantom, &model, STEPS) };
        let job = engine.train(request);
        until(
            &engine,
            |event| matches!(event, Event::TrainSteps { points, .. } if points.iter().any(|p| p.step >= 5)),
        );
        engine.pause(job, true);
        let saved = until(&engine, |event| matches!(event, Event::TrainSaved { .. }));
        let Event::TrainSaved { step, .. } = saved else { unreachable!() };
        assert!((5..STEPS).contains(&step), "{step}");
        // Its end, with the run still resting.
    }
    let engine = engine();
    let model = load(&engine, &phantom, 1);
    let request = TrainRequest { checkpoints: checkpoints(true), ..request(&phantom, &model, STEPS) };
    let mut first = None;
    let last = engine.block_on(engine.train(request), |event| {
        if let Event::TrainSteps { points, .. } = event {
            first.get_or_insert(points[0].step);
        }
    });
    let Ok(Event::Trained { result, .. }) = last else { panic!("{last:?}") };
    assert!(first.is_some_and(|step| step >= 6), "it began again at {first:?}");
    assert_eq!(result.model.card.version, straight, "a resumed run is the same run");
}

#[test]
fn a_run_that_is_cancelled_stops_and_one_that_diverges_loses_nothing() {
    let _alone = alone();
    let (engine, phantom) = (engine(), phantom());
    let model = load(&engine, &phantom, 1);
    let job = engine.train(request(&phantom, &model, 1_000_000));
    until(&engine, |event| matches!(event, Event::TrainSteps { .. }));
    engine.cancel(job);
    assert_eq!(engine.block_on(job, |_| ()).unwrap_err(), JobError::Cancelled);

    let mut wild = request(&phantom, &model, 50);
    wild.config.lr = 1e30;
    wild.config.validate_every = 1000;
    let Err(JobError::Failed(reason)) = engine.block_on(engine.train(wild), |_| ()) else {
        panic!("it cannot have learned at that rate")
    };
    assert!(reason.contains("diverged"), "{reason}");
    engine.want_slice(want(&phantom, &model, &[0]));
    until(&engine, |event| matches!(event, Event::Predicted(_)));
}
