use super::*;
use crate::{
    geom::{Grid, Oriented},
    nn::{
        ComputeDevice, VolumeModel,
        train::{Average, Loss, TrainEvent, recipes::flare::stages},
        watch::{Stopped, Watch, watched},
    },
    phantom::{self, Look},
    testing::vectors,
    volume::{Samples, Volume},
};
use rand::SeedableRng;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

fn case(seed: u64) -> LabelledVolume {
    let phantom = phantom::ct_sized(seed, Look::Standard, [40, 36, 24]);
    let card = stages(5)[0].card(phantom.labels.clone());
    LabelledVolume::new(phantom.volume, &phantom.truth, &card).unwrap()
}

#[test]
fn the_box_of_the_labels_is_the_published_one() {
    let Some(vectors) = vectors("flare/metrics.json") else { return };
    let expected = &vectors["postprocess"]["train_crop"];
    // Voxels whose margins of 20 mm are 4, 7 and 3 of them; the axes of the vectors are z, y, x.
    let grid = Grid::spaced([50, 40, 30], [6.0, 2.8, 4.9]).unwrap();
    let inside = |i: usize| {
        let at = [i % 50, i / 50 % 40, i / 2000];
        (22..49).contains(&at[0]) && (5..35).contains(&at[1]) && (10..20).contains(&at[2])
    };
    let classes: Arc<[u8]> = (0..60_000).map(|i| u8::from(inside(i))).collect();
    // Along the patient's axes the first two run the other way; so does this picture.
    let matrix3 = glam::DMat3::from_diagonal(glam::DVec3::new(-6.0, -2.8, 4.9));
    let affine = glam::DAffine3 { matrix3, translation: glam::DVec3::ZERO };
    let grid =
        Grid::new(grid.dims(), affine, crate::geom::Unit::Millimetre, crate::geom::Frame::Patient).unwrap();
    let values: Vec<f32> = (0..60_000).map(|i| i as f32).collect();
    let volume = Volume::new(grid.clone(), Samples::F32(values.into()), [1.0, 0.0], Modality::Ct).unwrap();
    let case = LabelledVolume { volume, classes };
    let shape: Vec<usize> =
        expected["crop_shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let size = [shape[2], shape[1], shape[0]];
    let framing = Framing::Organs { margin_mm: 20.0 };
    // On a grid of the box's own size every voxel meets itself: the first value is the first voxel's index.
    let example = case.example(size, [0.0, 60_000.0], framing, &VolumeAugment::default(), 0).unwrap();
    assert_eq!(example.classes.iter().filter(|c| **c == 1).count(), 27 * 30 * 10);
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let region = case.region(&Oriented::new(&grid), framing, &VolumeAugment::default(), &mut rng);
    assert_eq!(region.dims(), size);
    let first = expected["first_flat_index"].as_u64().unwrap() as usize;
    assert_eq!(Oriented::new(&grid).index(region.start), first);
}

#[test]
fn an_example_follows_from_its_seed_and_a_kept_grid_is_the_case_itself() {
    let case = case(3);
    let [coarse, fine] = stages(5).map(|stage| stage.view);
    let example = |seed| case.example([24; 3], [-325.0, 325.0], fine.framing, &fine.augment, seed).unwrap();
    assert_eq!(example(1), example(1));
    assert!((2..6).any(|seed| example(seed) != example(1)));
    for seed in 0..6 {
        let found: std::collections::BTreeSet<u8> = example(seed).classes.into_iter().collect();
        assert!(found.contains(&1) && found.len() > 2, "{found:?}");
    }
    let whole = |case: &LabelledVolume| {
        case.example([20; 3], [-325.0, 325.0], coarse.framing, &coarse.augment, 0).unwrap()
    };
    let kept = case.resized([20; 3]).unwrap();
    let kept = LabelledVolume::from_bytes(&kept.to_bytes().unwrap()).unwrap();
    assert_eq!(whole(&kept).classes, whole(&case).classes);
    let off =
        whole(&kept).values.iter().zip(&whole(&case).values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 5e-3, "half a HU of some hundred: {off}");
}

/// The coarse stage, small enough for a test.
fn small() -> (Stage, impl Fn() -> VolumeModel) {
    let [mut stage, _] = stages(5);
    let options = json!({ "num_channels": [4, 8, 8, 8, 8], "input_size": [32, 32, 32], "dropout": 0.1 });
    for (key, value) in options.as_object().unwrap() {
        stage.config[key] = value.clone();
    }
    stage.train =
        TrainConfig { epochs: None, steps: 12, batch: 2, lr: 1e-2, validate_every: 6, ..stage.train.clone() };
    let card = stage.card(LabelTable::named(&["liver", "kidneys", "spleen", "pancreas"]));
    (stage, move || VolumeModel::build(card.clone(), 3, &ComputeDevice::cpu("test")).unwrap())
}

fn samples(seeds: std::ops::Range<u64>) -> Vec<VolumeSample> {
    let sample = |seed: u64| {
        let case = case(seed);
        VolumeSample { name: seed.to_string(), read: Arc::new(move || Ok(case.clone())) }
    };
    seeds.map(sample).collect()
}

/// Goes on to the end: losses, and Dice of the validations.
fn run(session: &mut VolumeSession) -> (Vec<f32>, Vec<f64>) {
    let (mut losses, mut dice) = (vec![], vec![]);
    loop {
        match session.step().unwrap() {
            TrainEvent::Step { loss, .. } => losses.push(loss),
            TrainEvent::Validated { dice: found, per_class, .. } => {
                assert_eq!(per_class.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
                dice.push(found.unwrap());
            }
            TrainEvent::Finished => return (losses, dice),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_run_learns_validates_and_keeps_its_best_weights() {
    let (stage, model) = small();
    let mut session =
        VolumeSession::new(model(), stage.train, stage.view, samples(1..4), samples(4..5)).unwrap();
    let (losses, dice) = run(&mut session);
    assert_eq!((losses.len(), dice.len()), (12, 2));
    assert!(losses[11] < 0.9 * losses[0], "{losses:?}");
    assert_eq!(session.into_model().unwrap().card.metrics["dice/valid"], dice[0].max(dice[1]));
}

/// Gives up when it is asked once more than so often.
struct Patience(AtomicUsize);

impl Watch for Patience {
    fn stop(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

/// Dropout is off in the run that is left: the CPU backend has one generator for the whole process, and other tests draw
/// from it meanwhile.
#[test]
fn a_resumed_run_is_the_run_that_never_stopped_even_where_a_step_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let (mut stage, _) = small();
    stage.config["dropout"] = json!(0.0);
    let card = stage.card(LabelTable::named(&["liver", "kidneys", "spleen", "pancreas"]));
    let model = || VolumeModel::build(card.clone(), 3, &ComputeDevice::cpu("test")).unwrap();
    let average = Some(Average::Constant { decay: 0.75 });
    let config = TrainConfig { average, clip_norm: Some(1.0), ..stage.train };
    let start =
        || VolumeSession::new(model(), config.clone(), stage.view, samples(1..4), samples(4..5)).unwrap();
    let mut whole = start();
    let expected = run(&mut whole).0;

    // Between the steps 6 and 7: after a step and before the validation that it calls for, and within the next step.
    for patience in [0, 5, 20] {
        let mut first = start();
        let mut losses = vec![];
        while losses.len() < 6 {
            if let TrainEvent::Step { loss, .. } = first.step().unwrap() {
                losses.push(loss);
            }
        }
        if patience > 0 {
            while !matches!(first.step().unwrap(), TrainEvent::Validated { .. }) {}
            let watch: Arc<dyn Watch> = Arc::new(Patience(AtomicUsize::new(patience)));
            assert_eq!(watched(&watch, ("test", 0, 0), || first.step().map(|_| ()).ok()), Err(Stopped));
        }
        first.checkpoint(&path).unwrap();
        drop(first);
        let resume =
            |view, last| VolumeSession::resume(model(), &path, view, samples(1..last), samples(4..5));
        let mut second = resume(stage.view, 4).unwrap();
        assert_eq!(second.steps(), (6, 12));
        losses.extend(run(&mut second).0);
        assert_eq!(losses, expected, "left after {patience}");
        assert_eq!((second.curve(), second.best()), (whole.curve(), whole.best()));
        let weights = |model: &VolumeModel| model.network().tensors().unwrap();
        assert!(weights(&second.last_model()) == weights(&whole.last_model()), "left after {patience}");
        let refused = |view, last| resume(view, last).map(|_| ()).unwrap_err().to_string();
        assert!(refused(stage.view, 3).contains("have changed"));
        assert!(refused(stages(5)[1].view, 4).contains("have changed"));
    }
}

#[test]
fn a_loss_that_needs_a_teacher_is_refused() {
    let (stage, model) = small();
    let config = TrainConfig { loss: Loss::parse("dice + kl").unwrap(), ..stage.train };
    let refused = VolumeSession::new(model(), config, stage.view, samples(1..2), vec![]).map(|_| ());
    assert!(matches!(refused, Err(crate::nn::train::TrainError::NoTeacher)), "{refused:?}");
}
