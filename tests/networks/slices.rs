//! The suite of a network of slices.

use super::*;

pub fn the_published_outputs_are_reproduced(spec: &'static ModelSpec) {
    verify_fixtures(spec);
}

pub fn logits_have_the_size_of_the_input_for_every_allowed_size(spec: &'static ModelSpec) {
    let device = cpu();
    let network = spec.build::<4>(&small(spec), 1, &device).unwrap();
    let m = spec.input.multiple_of;
    let least = spec.input.side(m);
    for [h, w] in [[least, least], [least, least + 2 * m], [least + 4 * m, least + m]] {
        let outputs = network.infer(input("input", [1, network.channels(), h, w], &device));
        assert_eq!(outputs.logits.dims(), [1, network.head().channels(), h, w], "{}", spec.id);
        assert!(values(outputs.logits).iter().all(|v| v.is_finite()), "{}", spec.id);
    }
}

pub fn a_picture_is_inferred_alike_alone_and_in_a_batch(spec: &'static ModelSpec) {
    let device = cpu();
    let network = spec.build::<4>(&small(spec), 1, &device).unwrap();
    let side = spec.input.side(2 * spec.input.multiple_of);
    let shape = [1, network.channels(), side, side];
    let (a, b) = (input("a", shape, &device), input("b", shape, &device));
    let both = network.infer(Tensor::cat(vec![a.clone(), b], 0));
    let alone = network.infer(a);
    let first = values(both.logits.narrow(0, 0, 1));
    assert!(worst(&values(alone.logits), &first) < 1e-5, "{}", spec.id);
    if let (Some(alone), Some(both)) = (alone.detection, both.detection) {
        assert!(worst(&values(alone), &values(both.narrow(0, 0, 1))) < 1e-5, "{}", spec.id);
    }
}

/// Parameters that the published network has and does not use, by the beginning of their names.
const UNUSED: &[(&str, &str)] = &[
    ("smp/pspnet", "encoder.layer3."),
    ("smp/pspnet", "encoder.layer4."),
    ("jmedseg/mepdnet", "wave.topblock.fuse.out."),
];

pub fn every_trainable_parameter_gets_a_gradient(spec: &'static ModelSpec) {
    let device = cpu();
    let side = training_side(spec);
    let unused = |name: &str| UNUSED.iter().any(|(id, start)| *id == spec.id && name.starts_with(start));
    let mut silent: Vec<String> = vec![];
    // A ReLU of few channels may be shut under the weights of one seed, and is not under those of every seed.
    for seed in 1..=8 {
        let mut network = spec.build::<4>(&small(spec), seed, &device).unwrap();
        let x = input("input", [2, network.channels(), side, side], &device);
        // Attention whose gate starts at zero passes no gradient.
        let mut tensors = network.tensors().unwrap();
        for (name, gate) in &mut tensors {
            if name.ends_with("gamma") {
                gate.values.fill(0.5);
            } else if name.ends_with("weight") && gate.values.iter().all(|v| *v == 0.0) {
                gate.values = parity::fill_input(name, gate.values.len());
            }
        }
        network.load(&tensors).unwrap();
        let (value, gradients) = network.gradients(x, &mut loss, 3).unwrap();
        assert!(value.is_finite());
        let parameters = network.parameters();
        for p in parameters.iter().filter(|p| p.trainable) {
            if unused(&p.name) {
                assert!(!gradients.contains_key(&p.name), "{}: {} is used", spec.id, p.name);
                continue;
            }
            let gradient =
                gradients.get(&p.name).unwrap_or_else(|| panic!("{}: {} has none", spec.id, p.name));
            assert_eq!(gradient.shape, p.shape, "{}: {}", spec.id, p.name);
            assert!(gradient.values.iter().all(|v| v.is_finite()), "{}: {}", spec.id, p.name);
        }
        // A bias before batch norm has a gradient of zero but for rounding.
        let zero = |name: &str| gradients[name].values.iter().all(|v| *v == 0.0);
        let weights = parameters.into_iter().filter(|p| p.trainable && p.name.ends_with("weight"));
        let names = weights.map(|p| p.name).filter(|name| !unused(name) && zero(name));
        silent = names.filter(|name| seed == 1 || silent.contains(name)).collect();
        if silent.is_empty() {
            break;
        }
    }
    assert!(silent.is_empty(), "{}: all zero: {}", spec.id, silent.join(", "));
}

pub fn a_saved_model_gives_the_same_outputs_and_a_damaged_one_is_refused(spec: &'static ModelSpec) {
    let folder = tempfile::tempdir().unwrap();
    let device = cpu();
    let mut model = Model::build(card(spec, small(spec)), 5, &device).unwrap();
    let side = training_side(spec);
    let shape = [2, model.network().channels(), side, side];
    let x = || input("input", shape, &cpu());
    // A step of training, so that running statistics are not those of a fresh network.
    let mut adam = Optimizer::default().init();
    model.network_mut().train_step(x(), &mut loss, &mut adam, 1e-3, 1).unwrap();
    let before = values(model.network().infer(x()).logits);
    let path = folder.path().join(format!("{}.safetensors", spec.title));
    model.save(&path).unwrap();
    let loaded = Model::load(&path, &device).unwrap();
    assert_eq!(loaded.card, model.card);
    assert_eq!(loaded.card.version.len(), 12);
    assert_eq!(values(loaded.network().infer(x()).logits), before, "{}", spec.id);

    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let error = Model::from_bytes(&bytes, &device).err().unwrap().to_string();
    assert!(error.contains("damaged"), "{error}");
    bytes.truncate(bytes.len() - 10);
    assert!(Model::from_bytes(&bytes, &device).is_err());

    let mut tensors = model.network().tensors().unwrap();
    let bare =
        safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView<'_>)>::new(), None).unwrap();
    let error = Model::from_bytes(&bare, &device).err().unwrap().to_string();
    assert!(error.contains("no model card"), "{error}");
    let first = tensors.keys().next().unwrap().clone();
    let moved = tensors.remove(&first).unwrap();
    tensors.insert("stray".to_owned(), moved);
    let error = model.network_mut().load(&tensors).err().unwrap().to_string();
    assert!(error.contains(&format!("{first} ")) && error.contains("stray"), "{error}");
}

pub fn a_loss_that_is_not_finite_changes_nothing(spec: &'static ModelSpec) {
    let device = cpu();
    let mut network = spec.build::<4>(&small(spec), 1, &device).unwrap();
    let side = training_side(spec);
    let mut adam = Optimizer::default().init();
    let good = input("input", [1, network.channels(), side, side], &device);
    network.train_step(good.clone(), &mut loss, &mut adam, 1e-3, 1).unwrap();
    let before = network.tensors().unwrap();
    let bad = good.clone() * f32::NAN;
    assert!(network.train_step(bad, &mut loss, &mut adam, 1e-3, 2).is_err());
    assert_eq!(network.tensors().unwrap(), before, "{}", spec.id);
    network.train_step(good, &mut loss, &mut adam, 1e-3, 3).unwrap();
    assert_ne!(network.tensors().unwrap(), before, "{}", spec.id);
}

pub fn a_duplicate_is_not_changed_by_training(spec: &'static ModelSpec) {
    let device = cpu();
    let mut network = spec.build::<4>(&small(spec), 1, &device).unwrap();
    let copy = network.duplicate();
    let before = copy.tensors().unwrap();
    let side = training_side(spec);
    let mut adam = Optimizer::default().init();
    let x = input("input", [1, network.channels(), side, side], &device);
    network.train_step(x, &mut loss, &mut adam, 1e-2, 1).unwrap();
    assert_eq!(copy.tensors().unwrap(), before, "{}", spec.id);
    assert_ne!(network.tensors().unwrap(), before, "{}", spec.id);
}

/// The same training step from the same state gives the same weights, also with the optimiser's state from a file.
pub fn training_goes_on_as_before_from_saved_weights_and_optimiser(spec: &'static ModelSpec) {
    let device = cpu();
    let mut network = spec.build::<4>(&small(spec), 1, &device).unwrap();
    let side = training_side(spec);
    let x = input("input", [1, network.channels(), side, side], &device);
    let mut adam = Optimizer::default().init();
    network.train_step(x.clone(), &mut loss, &mut adam, 1e-3, 1).unwrap();
    let weights = network.tensors().unwrap();
    let state = adam.to_bytes().unwrap();

    let mut resumed = spec.build::<4>(&small(spec), 99, &device).unwrap();
    resumed.load(&weights).unwrap();
    let mut resumed_adam = Optimizer::default().init().from_bytes(state).unwrap();
    network.train_step(x.clone(), &mut loss, &mut adam, 1e-3, 2).unwrap();
    resumed.train_step(x, &mut loss, &mut resumed_adam, 1e-3, 2).unwrap();
    let (a, b) = (network.tensors().unwrap(), resumed.tensors().unwrap());
    for (name, tensor) in &a {
        assert!(worst(&tensor.values, &b[name].values) < 1e-6, "{}: {name}", spec.id);
    }
}

pub fn slices_of_awkward_size_are_predicted_whole_and_probabilities_sum_to_one(spec: &'static ModelSpec) {
    let model = Model::build(card(spec, small(spec)), 5, &cpu()).unwrap();
    for (w, h) in [(1, 1), (7, 53), (65, 33)] {
        let volume = picture(w, h, "picture");
        let p = model.predict_slice(&volume, 0).unwrap();
        assert_eq!((p.width, p.height), (w, h));
        let values = p.probabilities.to_host().unwrap();
        assert_eq!(values.len(), p.classes * w * h);
        for i in 0..w * h {
            let sum: f32 = (0..p.classes).map(|c| values[c * w * h + i]).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{}: {sum}", spec.id);
        }
        assert_eq!(p.detection.is_some(), spec.family == "edema", "{}", spec.id);
        assert_eq!(p.labels(&model.card).unwrap().len(), w * h);
    }
    let error = model.predict_slice(&picture(8, 8, "picture"), 1).err().unwrap().to_string();
    assert!(error.contains("slice 1"), "{error}");
}

pub fn a_sigmoid_network_gives_two_classes(spec: &'static ModelSpec) {
    let network = spec.build::<4>(&small(spec), 1, &cpu()).unwrap();
    if network.head() == Head::Sigmoid {
        assert_eq!((network.head().channels(), network.head().classes()), (1, 2));
    }
}
