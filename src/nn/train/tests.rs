use super::{loss_scale::LossScale, *};
use crate::{
    label::LabelTable,
    nn::{Channels, ComputeDevice, InputSpec, Model, ModelCard, NamedTensors},
    phantom::{self, Look},
    volume::Modality,
};
use std::{collections::BTreeMap, path::Path, sync::Arc};

pub(super) fn model() -> Model {
    let card = ModelCard {
        volume: None,
        version: String::new(),
        title: "test".into(),
        network: "vessel/sa_unet".into(),
        config: serde_json::json!({"in_channels": 1, "start_neurons": 4, "keep_prob": 1.0}),
        input: InputSpec { mean: vec![0.5], std: vec![0.25], ..InputSpec::unit(Channels::Grey) },
        labels: LabelTable::named(&["Vessel"]),
        modality: Modality::Fundus,
        trained_on: String::new(),
        licence: String::new(),
        parent: None,
        teacher: None,
        metrics: BTreeMap::new(),
        notice: String::new(),
        command: String::new(),
        created: String::new(),
    };
    Model::build(card, 7, &ComputeDevice::cpu("test")).unwrap()
}

pub(super) fn sample(seed: u64) -> TrainSample {
    let p = phantom::fundus_sized(seed, Look::Standard, 64);
    TrainSample::from_mask(format!("phantom {seed}"), p.volume, 0, &p.truth, None, &model().card).unwrap()
}

pub(super) fn config() -> TrainConfig {
    TrainConfig {
        steps: 12,
        batch: 2,
        patch: 32,
        lr: 5e-3,
        validate_every: 4,
        ..TrainConfig::for_modality(Modality::Fundus)
    }
}

/// Runs to the end; the losses, and the validation Dice by step.
pub(super) fn run(session: &mut TrainSession) -> (Vec<f32>, Vec<(u64, Option<f64>)>) {
    let (mut losses, mut dice) = (vec![], vec![]);
    loop {
        match session.step().unwrap() {
            TrainEvent::Step { loss, .. } => losses.push(loss),
            TrainEvent::Validated { step, dice: d, .. } => dice.push((step, d)),
            TrainEvent::Diverged { reason, .. } => panic!("{reason}"),
            TrainEvent::Finished => return (losses, dice),
            TrainEvent::Validating { .. } | TrainEvent::SinglePrecision { .. } => {}
        }
    }
}

fn weights(model: &Model) -> NamedTensors {
    model.network().tensors().unwrap()
}

/// Without DropBlock: the CPU backend has one generator for the whole process, and other tests draw from it meanwhile.
/// `tests/learn.rs` has the same test with it.
#[test]
fn a_resumed_run_is_the_run_that_never_stopped() {
    resumed_and_whole(&config());
}

#[test]
fn a_resumed_run_keeps_its_average_and_its_clipping() {
    for average in [Average::Ramp, Average::Constant { decay: 0.75 }] {
        resumed_and_whole(&TrainConfig { average: Some(average), clip_norm: Some(0.05), ..config() });
    }
}

/// On the CPU no run is in half precision, so the checkpoint is written as if one were.
#[test]
fn a_checkpoint_has_the_scale_of_the_loss_unless_the_run_has_left_half_precision() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let half = TrainConfig { precision: Precision::Half, ..config() };
    for scale in [LossScale::default().shrunk(), None] {
        let mut session = TrainSession::new(model(), half.clone(), vec![sample(1)], vec![]).unwrap();
        assert!(!session.optimizer.in_half());
        session.optimizer.loss_scale = scale;
        session.checkpoint(&path).unwrap();
        let saved = checkpoint::read(&path).unwrap();
        assert_eq!(saved.header.config.precision, Precision::Half);
        let mut on_a_card = half.optimizer_step();
        on_a_card.enter_half();
        let restored = saved.restore_optimizer(&path, on_a_card).unwrap();
        assert_eq!(restored.loss_scale, scale);
        // On a device that cannot multiply halves it stays so.
        let single = saved.restore_optimizer(&path, config().optimizer_step()).unwrap();
        assert_eq!(single.loss_scale, None);
    }
}

fn resumed_and_whole(config: &TrainConfig) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let start = || {
        let train = vec![sample(1), sample(2), sample(3)];
        TrainSession::new(model(), config.clone(), train, vec![sample(4)]).unwrap()
    };
    let mut whole = start();
    let expected = run(&mut whole);
    assert_eq!(expected.0.len(), 12);
    assert_eq!(expected.1.iter().map(|(s, _)| *s).collect::<Vec<_>>(), [4, 8, 12]);

    // Stopped between a step and the validation that it calls for, and in the middle of nothing.
    for stop in [4, 6] {
        let mut first = start();
        let mut losses = vec![];
        while losses.len() < stop {
            if let TrainEvent::Step { loss, .. } = first.step().unwrap() {
                losses.push(loss);
            }
        }
        first.checkpoint(&path).unwrap();
        drop(first);
        let samples = vec![sample(1), sample(2), sample(3)];
        let mut second = TrainSession::resume(model(), &path, samples, vec![sample(4)]).unwrap();
        assert_eq!(second.steps(), (stop as u64, 12));
        losses.extend(run(&mut second).0);
        assert_eq!(losses, expected.0, "stopped after {stop}");
        assert_eq!(second.curve(), whole.curve());
        assert_eq!(second.best(), whole.best());
        assert!(weights(second.current()) == weights(whole.current()), "stopped after {stop}");
        assert!(weights(&second.last_model()) == weights(&whole.last_model()), "stopped after {stop}");
    }
    assert!(weights(&start().into_model().unwrap()) == weights(&model()), "no step, no change");
}

#[test]
fn a_checkpoint_of_another_run_or_a_broken_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let mut session = TrainSession::new(model(), config(), vec![sample(1)], vec![]).unwrap();
    while session.steps().0 < 1 {
        session.step().unwrap();
    }
    session.checkpoint(&path).unwrap();
    let resume = |path: &Path, s| {
        TrainSession::resume(model(), path, vec![s], vec![]).map(|_| ()).unwrap_err().to_string()
    };
    let other = resume(&path, sample(2));
    assert!(other.contains("labels have changed"), "{other}");
    let mut scaled = model();
    scaled.card.input.longer_side = Some(32);
    let scaled = TrainSession::resume(scaled, &path, vec![sample(1)], vec![]).map(|_| ()).unwrap_err();
    assert!(scaled.to_string().contains("scales"), "{scaled}");
    let bytes = std::fs::read(&path).unwrap();
    for cut in [0, 5, bytes.len() / 2, bytes.len() - 1] {
        let broken = folder.path().join("broken");
        std::fs::write(&broken, &bytes[..cut]).unwrap();
        let error = resume(&broken, sample(1));
        assert!(error.contains("not a checkpoint"), "{cut}: {error}");
    }
    assert!(resume(&folder.path().join("none"), sample(1)).contains("cannot be read"));
}

/// After two steps of constant decay 0.5: `a = w0/4 + w1/4 + w2/2`.
#[test]
fn the_average_is_what_is_validated_on_and_kept() {
    let average = Some(Average::Constant { decay: 0.5 });
    let config = TrainConfig { steps: 2, validate_every: 2, average, ..config() };
    let mut session = TrainSession::new(model(), config, vec![sample(1)], vec![sample(4)]).unwrap();
    let mut seen = vec![weights(session.current())];
    while seen.len() < 3 {
        if let TrainEvent::Step { .. } = session.step().unwrap() {
            seen.push(weights(session.current()));
        }
    }
    run(&mut session);
    let kept = weights(&session.into_model().unwrap());
    assert!(kept != seen[2], "the last weights are not the average");
    for (name, tensor) in &kept {
        for (i, value) in tensor.values.iter().enumerate() {
            let [a, b, c] = [0, 1, 2].map(|step| seen[step][name].values[i]);
            let want = 0.25 * a + 0.25 * b + 0.5 * c;
            assert!((value - want).abs() <= 1e-6 * (1.0 + want.abs()), "{name} {i}: {value} for {want}");
        }
    }
}

#[test]
fn clipped_gradients_move_the_weights_less() {
    let moved = |clip_norm| {
        let optimizer = Optimizer::Sgd(Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 });
        let schedule = Schedule::Constant;
        let config = TrainConfig { steps: 1, lr: 1.0, optimizer, schedule, clip_norm, ..config() };
        let mut session = TrainSession::new(model(), config, vec![sample(1)], vec![]).unwrap();
        run(&mut session);
        let (before, after) = (weights(&model()), weights(session.current()));
        let trained = |name: &&String| !name.contains("running");
        let squares = before.keys().filter(trained).flat_map(|name| {
            let pairs = before[name].values.iter().zip(&after[name].values);
            pairs.map(|(b, a)| f64::from(a - b).powi(2)).collect::<Vec<_>>()
        });
        squares.sum::<f64>().sqrt()
    };
    let free = moved(None);
    assert!(free > 0.02, "{free}");
    assert!((moved(Some(0.01)) - 0.01).abs() < 1e-4);
    assert!((moved(Some(1e6)) - free).abs() < 1e-6 * free);
}

#[test]
fn the_loss_falls_within_ten_steps() {
    let config = TrainConfig {
        steps: 10,
        lr: 1e-2,
        schedule: Schedule::Constant,
        augment: Augment::default(),
        ..config()
    };
    let mut session = TrainSession::new(model(), config, vec![sample(1)], vec![]).unwrap();
    let (losses, _) = run(&mut session);
    let mean = |l: &[f32]| l.iter().sum::<f32>() / l.len() as f32;
    assert!(mean(&losses[7..]) < 0.9 * mean(&losses[..3]), "{losses:?}");
    assert_eq!(session.curve().last().map(|p| p.step), Some(10), "a run without validation has a curve too");
}

#[test]
fn what_is_not_known_changes_nothing() {
    // The same image; where nothing is known one truth says vessel, the other says nothing of it.
    let known = sample(1);
    let side = 64;
    let cut = |fill: u16| {
        let labels: Arc<[u16]> =
            known.labels.iter().enumerate().map(|(i, &c)| if i % side < 40 { c } else { fill }).collect();
        TrainSample::new("cut", known.volume.clone(), 0, labels).unwrap()
    };
    let weights_after = |s: TrainSample| {
        let config = TrainConfig { steps: 3, foreground: 0.0, ..config() };
        let mut session = TrainSession::new(model(), config, vec![s], vec![]).unwrap();
        run(&mut session);
        weights(session.current())
    };
    // 200 is no class of the network, so it is as unknown as IGNORE
    assert!(weights_after(cut(IGNORE)) == weights_after(cut(200)));
    assert!(weights_after(cut(IGNORE)) != weights_after(cut(1)));
}

#[test]
fn a_run_that_diverges_says_so_and_loses_nothing() {
    let until_the_end = |lr: f64, valid: Vec<TrainSample>| {
        let schedule = Schedule::Cosine { warmup: 0.0 };
        let config = TrainConfig { lr, schedule, steps: 20, validate_every: 1, ..config() };
        let mut session = TrainSession::new(model(), config, vec![sample(1)], valid).unwrap();
        while session.step().unwrap() != TrainEvent::Finished {}
        session
    };
    for valid in [vec![], vec![sample(2)]] {
        let session = until_the_end(1e30, valid);
        assert!(session.progress.diverged.is_some() && session.steps().0 < 20);
        let reason = session.into_model().map(|_| ()).unwrap_err();
        assert!(matches!(reason, TrainError::Diverged(_)), "{reason}");
    }

    // Well for a while, and then not: what was reached is kept.
    let mut session = until_the_end(1e-3, vec![sample(2)]);
    let good = session.best.clone().unwrap();
    session.progress.step = 10;
    session.config.lr = 1e30;
    while session.step().unwrap() != TrainEvent::Finished {}
    assert!(session.progress.diverged.is_some());
    assert_eq!(session.best(), Some((good.step, good.value)));
    assert!(weights(&session.into_model().unwrap()) == good.tensors);
}

#[test]
fn settings_of_which_no_run_can_be_made_are_refused_before_it_begins() {
    let told = |config: TrainConfig| {
        let session = TrainSession::new(model(), config, vec![sample(1)], vec![]);
        session.map(|_| ()).unwrap_err().to_string()
    };
    for (config, what) in [
        (TrainConfig { steps: 0, ..config() }, "steps is 0 and must be at least 1"),
        (TrainConfig { epochs: Some(0), ..config() }, "epochs is 0"),
        (TrainConfig { batch: 0, ..config() }, "batch is 0"),
        (TrainConfig { lr: f64::NAN, ..config() }, "the learning rate is NaN"),
        (TrainConfig { lr: f64::INFINITY, ..config() }, "the learning rate is inf"),
        (TrainConfig { lr: -1.0, ..config() }, "the learning rate is -1"),
        (TrainConfig { patch: usize::MAX, ..config() }, "and must be at most 65536"),
        (TrainConfig { foreground: 1.5, ..config() }, "foreground is 1.5"),
        (TrainConfig { foreground: f32::NAN, ..config() }, "foreground is NaN"),
        // Of these there is no memory for the first batch.
        (TrainConfig { batch: 1 << 40, ..config() }, "a batch of 1099511627776 takes too much: 4.5 PB"),
        (
            TrainConfig { patch: 1 << 16, batch: 1 << 20, ..config() },
            "a batch of 1048576 takes too much: 18.0 PB",
        ),
    ] {
        let told = told(config);
        assert!(told.contains(what), "{told}");
    }
    // Where a run is counted in epochs, its steps follow.
    assert_eq!(TrainConfig { steps: 0, epochs: Some(1), ..config() }.fault(), None);
}

#[test]
fn samples_must_fit_their_image() {
    let s = sample(1);
    let short = TrainSample::new("short", s.volume.clone(), 0, vec![0; 5].into());
    assert!(matches!(short, Err(SampleError::Size { labels: 5, .. })));
    assert!(matches!(
        TrainSample::new("z", s.volume.clone(), 1, s.labels.clone()),
        Err(SampleError::NoSlice { .. })
    ));
    let nothing = TrainSample::new("nothing", s.volume.clone(), 0, vec![IGNORE; 64 * 64].into());
    assert!(matches!(nothing, Err(SampleError::Unlabelled { .. })));
}

#[test]
fn schedules_are_those_of_the_edema_system() {
    let Some(vectors) = crate::testing::vectors("edema_polyp_vessel/losses.json") else { return };
    for (name, v) in vectors["seed0"]["lr"].as_object().unwrap() {
        let (base, epochs) = (v["lr"].as_f64().unwrap(), v["epochs"].as_u64().unwrap());
        let schedule = match v["mode"].as_str().unwrap() {
            "poly" => Schedule::Poly { power: 0.9 },
            "step" => Schedule::Step { every: v["step"].as_f64().unwrap() / epochs as f64, factor: 0.1 },
            other => panic!("{other}"),
        };
        for (epoch, want) in v["values"].as_array().unwrap().iter().enumerate() {
            let got = base * schedule.factor(epoch as u64, epochs);
            let want = want.as_f64().unwrap();
            assert!((got - want).abs() < 1e-9 * base, "{name} epoch {epoch}: {got} for {want}");
        }
    }
}
