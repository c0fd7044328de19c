//! Training in half precision on a graphics device.

use fovea::{
    nn::{
        self, Channels, ComputeDevice, InputSpec, Model, ModelCard,
        self_test::{half_passed, run_network},
        train::{Augment, Crop, Precision, TrainConfig, TrainEvent, TrainSample, TrainSession},
    },
    phantom::{self, Look},
    testing::gpu_with_halves,
    volume::Modality,
};

#[test]
fn networks_learn_in_halves_as_they_do_in_singles() {
    let Some(gpu) = gpu_with_halves() else { return };
    for id in ["edema/unet", "vessel/sa_unet", "jmedseg/simple"] {
        run_network(nn::find(id).unwrap(), &gpu, Precision::Half).unwrap();
    }
    run_network(nn::find("flare/unet").unwrap(), &gpu, Precision::Half).unwrap();
}

/// A run of a small SA-UNet on phantoms: its losses, and why it left half precision, if it did.
fn run(device: &ComputeDevice, precision: Precision) -> (Vec<f32>, Option<String>) {
    let phantoms = [1, 2].map(|seed| phantom::fundus_sized(seed, Look::Standard, 64));
    let config = serde_json::json!({"in_channels": 1, "start_neurons": 4, "keep_prob": 1.0});
    let input = InputSpec { mean: vec![0.5], std: vec![0.25], ..InputSpec::unit(Channels::Grey) };
    let card = ModelCard::new("vessel/sa_unet", config, input, phantoms[0].labels.clone(), Modality::Fundus);
    let samples =
        phantoms.map(|p| TrainSample::from_mask(String::new(), p.volume, 0, &p.truth, None, &card).unwrap());
    let model = Model::build(card, 7, device).unwrap();
    let config = TrainConfig {
        steps: 16,
        batch: 2,
        crop: Crop::Whole,
        lr: 5e-3,
        augment: Augment::default(),
        precision,
        ..TrainConfig::for_modality(Modality::Fundus)
    };
    let mut session = TrainSession::new(model, config, samples.into(), vec![]).unwrap();
    let (mut losses, mut single) = (vec![], None);
    loop {
        match session.step().unwrap() {
            TrainEvent::Step { loss, .. } => losses.push(loss),
            TrainEvent::SinglePrecision { reason } => single = Some(reason),
            TrainEvent::Finished => return (losses, single),
            event => panic!("{event:?}"),
        }
    }
}

#[test]
fn a_run_in_halves_goes_the_way_of_one_in_singles() {
    let Some(gpu) = gpu_with_halves() else { return };
    let [(single, _), (half, left)] = [Precision::Single, Precision::Half].map(|p| run(&gpu, p));
    assert_eq!(left, None);
    assert_ne!(single, half, "nothing was multiplied in halves");
    assert_eq!(single.len(), half.len());
    for (step, (s, h)) in single.iter().zip(&half).enumerate() {
        assert!((s - h).abs() < 0.02 * s, "step {step}: {s} in singles, {h} in halves");
    }
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    assert!(mean(&half[13..]) < 0.9 * mean(&half[..3]), "it has learned nothing: {half:?}");
}

#[test]
fn on_the_cpu_a_run_stays_in_singles_and_says_so() {
    let cpu = ComputeDevice::cpu("test");
    let (single, silent) = run(&cpu, Precision::Single);
    let (half, left) = run(&cpu, Precision::Half);
    assert_eq!(silent, None);
    assert_eq!(left, half_passed(nn::find("vessel/sa_unet").unwrap(), &cpu).err());
    assert!(left.unwrap().contains("CPU"));
    assert_eq!(single, half);
}
