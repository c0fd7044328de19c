//! Learning end to end on phantoms: a model meets another device's images, learns from five corrected slices, and is
//! better on the rest.

use fovea::{
    label::LabelTable,
    metrics::Report,
    nn::{
        Channels, ComputeDevice, InputSpec, Model, ModelCard,
        train::{TrainConfig, TrainEvent, TrainSample, TrainSession, score},
    },
    phantom::{self, Look, Phantom},
    volume::Modality,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// The CPU backend has one random generator for the process: runs with dropout take turns.
static GENERATOR: Mutex<()> = Mutex::new(());

const DIMS: [usize; 3] = [64, 64, 16];

fn card(network: &str, config: serde_json::Value, labels: LabelTable, modality: Modality) -> ModelCard {
    ModelCard {
        volume: None,
        version: String::new(),
        title: "test".into(),
        network: network.into(),
        config,
        input: TrainConfig::input_for(modality),
        labels,
        modality,
        trained_on: String::new(),
        licence: String::new(),
        parent: None,
        teacher: None,
        metrics: BTreeMap::new(),
        notice: String::new(),
        command: String::new(),
        created: String::new(),
    }
}

fn samples(p: &Phantom, slices: impl Iterator<Item = usize>, card: &ModelCard) -> Vec<TrainSample> {
    slices
        .map(|z| {
            TrainSample::from_mask(format!("slice {z}"), p.volume.clone(), z, &p.truth, None, card).unwrap()
        })
        .collect()
}

fn run(mut session: TrainSession) -> Model {
    loop {
        match session.step().unwrap() {
            TrainEvent::Diverged { reason, .. } => panic!("{reason}"),
            TrainEvent::Finished => return session.into_model().unwrap(),
            _ => {}
        }
    }
}

fn dice(model: &Model, samples: &[TrainSample]) -> f64 {
    let cases = samples.iter().map(|s| {
        let prediction = model.predict_slice(&s.volume, s.z).unwrap();
        let labels = prediction.labels(&model.card).unwrap();
        (s.name.clone(), score(&model.card, s, &labels))
    });
    Report::new(cases.collect()).mean_dice.unwrap()
}

#[test]
fn five_corrected_slices_of_another_device_raise_dice_on_the_others() {
    let _turn = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    for seed in [11, 12, 13] {
        let before = std::time::Instant::now();
        let volumes: Vec<Phantom> =
            (0..4).map(|i| phantom::oct_sized(100 * seed + i, Look::Standard, DIMS)).collect();
        let config = serde_json::json!({"feature_scale": 16});
        let card = card("edema/unet", config, volumes[0].labels.clone(), Modality::Oct);
        let learn = TrainConfig {
            steps: 300,
            batch: 4,
            patch: 64,
            lr: 1e-2,
            seed,
            ..TrainConfig::for_modality(Modality::Oct)
        };
        let known: Vec<TrainSample> = volumes.iter().flat_map(|p| samples(p, 0..DIMS[2], &card)).collect();
        let model = Model::build(card.clone(), seed, &ComputeDevice::cpu("test")).unwrap();
        let model = run(TrainSession::new(model, learn, known, vec![]).unwrap());

        let same = phantom::oct_sized(seed, Look::Standard, DIMS);
        let other = phantom::oct_sized(seed, Look::Shifted, DIMS);
        let corrected = [2, 5, 8, 11, 14];
        let rest = samples(&other, (0..DIMS[2]).filter(|z| !corrected.contains(z)), &card);
        let five = samples(&other, corrected.into_iter(), &card);
        let at_home = dice(&model, &samples(&same, 0..DIMS[2], &card));
        let fine = TrainConfig { patch: 64, seed, steps: 120, ..TrainConfig::fine_tune(&card) };
        let old = dice(&model, &rest);
        let adapted = run(TrainSession::new(model.duplicate(), fine, five, vec![]).unwrap());
        let new = dice(&adapted, &rest);
        eprintln!(
            "seed {seed}: same device {at_home:.3}, other device {old:.3}, after five slices {new:.3} ({:?})",
            before.elapsed()
        );
        assert_eq!(dice(&model, &rest), old, "the old version stays as it was");
        assert!(new >= old + 0.05, "seed {seed}: {old:.3} became {new:.3}");
    }
}

/// As the unit test, with DropBlock.
#[test]
fn a_resumed_run_with_dropout_is_the_run_that_never_stopped() {
    let _turn = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let p = phantom::fundus_sized(1, Look::Standard, 64);
    let network =
        serde_json::json!({"in_channels": 1, "start_neurons": 4, "block_size": 3, "keep_prob": 0.8});
    let card = ModelCard {
        input: InputSpec::unit(Channels::Grey),
        ..card("vessel/sa_unet", network, p.labels.clone(), Modality::Fundus)
    };
    let config = TrainConfig { steps: 6, batch: 2, patch: 32, ..TrainConfig::for_modality(Modality::Fundus) };
    let model = || Model::build(card.clone(), 3, &ComputeDevice::cpu("test")).unwrap();
    let start = || TrainSession::new(model(), config.clone(), samples(&p, 0..1, &card), vec![]).unwrap();
    let losses = |session: &mut TrainSession, until: u64| {
        let mut losses = vec![];
        while session.steps().0 < until {
            if let TrainEvent::Step { loss, .. } = session.step().unwrap() {
                losses.push(loss);
            }
        }
        losses
    };
    let expected = losses(&mut start(), 6);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let mut first = start();
    let mut got = losses(&mut first, 3);
    first.checkpoint(&path).unwrap();
    let mut second = TrainSession::resume(model(), &path, samples(&p, 0..1, &card), vec![]).unwrap();
    got.extend(losses(&mut second, 6));
    assert_eq!(got, expected);
}
