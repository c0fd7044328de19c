use super::*;
use crate::{
    geom::{Grid, Oriented},
    nn::{ComputeDevice, VolumeModel, train::TrainEvent},
    phantom::{self, Look},
    testing::vectors,
    volume::{Samples, Volume},
};
use rand::SeedableRng;
use std::sync::Arc;

fn case(seed: u64) -> LabelledVolume {
    let phantom = phantom::ct_sized(seed, Look::Standard, [40, 36, 24]);
    let card = flare()[0].card(json!({}), phantom.labels.clone());
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
    let values: Arc<[f32]> = (0..60_000).map(|i| i as f32).collect();
    let volume = Volume::new(grid.clone(), Samples::F32(values), [1.0, 0.0], Modality::Ct).unwrap();
    let case = LabelledVolume { volume, classes };
    let shape: Vec<usize> =
        expected["crop_shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let size = [shape[2], shape[1], shape[0]];
    let framing = Framing::Organs { margin_mm: 20.0 };
    // On a grid of the box's own size every voxel meets itself: the first value is the first voxel's index.
    let lesson = case.lesson(size, [0.0, 60_000.0], framing, &VolumeAugment::default(), 0).unwrap();
    assert_eq!(lesson.classes.iter().filter(|c| **c == 1).count(), 27 * 30 * 10);
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let region = case.region(&Oriented::new(&grid), framing, &VolumeAugment::default(), &mut rng);
    assert_eq!(region.dims(), size);
    let first = expected["first_flat_index"].as_u64().unwrap() as usize;
    assert_eq!(Oriented::new(&grid).index(region.start), first);
}

#[test]
fn a_lesson_follows_from_its_seed_and_a_kept_grid_is_the_case_itself() {
    let case = case(3);
    let [coarse, fine] = flare();
    let lesson = |seed| case.lesson([24; 3], [-325.0, 325.0], fine.framing, &fine.augment, seed).unwrap();
    assert_eq!(lesson(1), lesson(1));
    assert!((2..6).any(|seed| lesson(seed) != lesson(1)));
    for seed in 0..6 {
        let found: std::collections::BTreeSet<u8> = lesson(seed).classes.into_iter().collect();
        assert!(found.contains(&1) && found.len() > 2, "{found:?}");
    }
    let whole = |case: &LabelledVolume| {
        case.lesson([20; 3], [-325.0, 325.0], coarse.framing, &coarse.augment, 0).unwrap()
    };
    let kept = case.resized([20; 3]).unwrap();
    let kept = LabelledVolume::from_bytes(&kept.to_bytes().unwrap()).unwrap();
    assert_eq!(whole(&kept).classes, whole(&case).classes);
    let off =
        whole(&kept).values.iter().zip(&whole(&case).values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off < 5e-3, "half a HU of some hundred: {off}");
}

#[test]
fn a_run_learns_validates_and_keeps_its_best_weights() {
    let stage = &flare()[0];
    let options = json!({ "num_channels": [4, 8, 8, 8, 8], "input_size": [32, 32, 32], "dropout": 0.0 });
    let labels = LabelTable::named(&["liver", "kidneys", "spleen", "pancreas"]);
    let sample = |seed: u64| {
        let case = case(seed);
        let read = move || Ok(case.clone());
        VolumeSample { name: seed.to_string(), read: Arc::new(read) }
    };
    let config =
        TrainConfig { epochs: None, steps: 12, batch: 2, lr: 1e-2, validate_every: 6, ..stage.train.clone() };
    let run = || {
        let model =
            VolumeModel::build(stage.card(options.clone(), labels.clone()), 3, &ComputeDevice::cpu("test"));
        let (train, valid) = (vec![sample(1), sample(2), sample(3)], vec![sample(4)]);
        let way = (stage.framing, stage.augment);
        let mut session = VolumeSession::new(model.unwrap(), config.clone(), way, train, valid).unwrap();
        let (mut losses, mut dice) = (vec![], vec![]);
        loop {
            match session.step().unwrap() {
                TrainEvent::Step { loss, .. } => losses.push(loss),
                TrainEvent::Validated { dice: found, per_class, .. } => {
                    assert_eq!(per_class.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
                    dice.push(found.unwrap());
                }
                TrainEvent::Finished => break,
                other => panic!("{other:?}"),
            }
        }
        (losses, dice, session.into_model().unwrap())
    };
    let (losses, dice, model) = run();
    assert_eq!((losses.len(), dice.len()), (12, 2));
    assert!(losses[11] < 0.9 * losses[0], "{losses:?}");
    assert_eq!(model.card.metrics["dice/valid"], dice[0].max(dice[1]));
    let (again, _, other) = run();
    assert_eq!(losses, again);
    assert_eq!(model.network().tensors().unwrap(), other.network().tensors().unwrap());
}
