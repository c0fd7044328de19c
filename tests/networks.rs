//! One suite over every network of the registry. Listing a network there tests it.

use burn::tensor::{Tensor, TensorData};
use fovea::{
    geom::Grid,
    label::LabelTable,
    nn::{
        self, Channels, ComputeDevice, Head, InputSpec, MODELS, Model, ModelCard, ModelSpec, Network,
        Outputs, Published, SliceInference, SlicePrediction, Step, parity,
        train::{Optimizer, Precision, Sgd},
    },
    testing::{self, shared},
    volume::{Modality, Samples, Volume},
};

#[path = "networks/blocks.rs"]
mod blocks;
#[path = "networks/losses.rs"]
mod losses;
#[path = "networks/precision.rs"]
mod precision;
#[path = "networks/volumes.rs"]
mod volumes;

fn cpu() -> ComputeDevice {
    ComputeDevice::cpu("test")
}

fn build(spec: &'static ModelSpec, device: &ComputeDevice) -> Box<dyn Network> {
    spec.build(&serde_json::Value::Null, 7, device).unwrap()
}

/// For work on some networks: how the ids of those that are to be tested begin. Empty are all.
fn only() -> String {
    std::env::var("FOVEA_NETWORKS").unwrap_or_default()
}

/// The networks that are tested.
fn networks() -> impl Iterator<Item = &'static ModelSpec> {
    let only = only();
    if !only.is_empty() {
        fovea::testing::skipped(format_args!("networks whose id does not begin with {only}"));
    }
    MODELS.iter().copied().filter(move |spec| spec.id.starts_with(&only))
}

/// A smaller network, for tests that train or tile.
fn small(spec: &'static ModelSpec) -> serde_json::Value {
    (spec.probe_config)()
}

/// The side of the square pictures that networks are trained on: training normalises by the batch, so the deepest level
/// needs a few pixels.
fn training_side(spec: &ModelSpec) -> usize {
    spec.input.side(4 * spec.input.multiple_of)
}

fn input(name: &str, shape: [usize; 4], device: &ComputeDevice) -> Tensor<4> {
    let values = parity::fill_input(name, shape.iter().product());
    Tensor::from_data(TensorData::new(values, shape), device.burn())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.without_autodiff().try_into_vec_as().unwrap()
}

fn worst(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    // NaN is the worst of all.
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |w, d| if d > w || d.is_nan() { d } else { w })
}

fn deviation(v: &[f32]) -> f32 {
    let mean = v.iter().sum::<f32>() / v.len() as f32;
    (v.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / v.len() as f32).sqrt()
}

/// A loss that every output takes part in: mean squares of logits shifted off zero.
fn loss(outputs: &Outputs) -> Tensor<1> {
    let mean = |t: Tensor<2>| (t.clone() * t).mean_dim(1).mean_dim(0).reshape([1]);
    // Reduced a dimension at a time, as software drivers need it.
    let squares = |t: &Tensor<4>| {
        let t = t.clone() - 0.5;
        (t.clone() * t).mean_dim(3).mean_dim(2).mean_dim(1).mean_dim(0).reshape([1])
    };
    let heads = std::iter::once(&outputs.logits).chain(&outputs.auxiliary);
    let segmentation = heads.map(squares).reduce(|a, b| a + b).unwrap();
    match &outputs.detection {
        Some(found) => segmentation + mean(found.clone() - 0.5),
        None => segmentation,
    }
}

#[test]
fn parameter_counts_are_the_published_ones() {
    for (id, count) in [("edema/unet", 2_466_151), ("vessel/sa_unet", 537_299)] {
        let spec = nn::find(id).unwrap();
        assert_eq!(build(spec, &cpu()).param_count(), count, "{id}");
    }
}

#[test]
fn networks_reproduce_the_published_outputs() {
    let Some(fixtures) = shared("parity/networks") else { return };
    let mut verified = std::collections::BTreeSet::new();
    let mut families: Vec<&str> = networks().map(|spec| spec.family).collect();
    families.dedup();
    for family in families {
        let folder = fixtures.join(family);
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{family}/{}", path.file_name().unwrap().display());
            if !name.ends_with(".json") || !name.starts_with(&only()) {
                continue;
            }
            let report = parity::verify(&path, &cpu()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            eprintln!("{}: {:.3} of the tolerance", path.display(), report.worst);
            verified.insert(parity::spec_of(&report.network, MODELS).map(|spec| spec.id));
        }
    }
    // The fixtures of a fusion are those of its members, and the vectors of its own test.
    for spec in networks().filter(|spec| spec.id != "edema/fusion") {
        assert!(verified.contains(&Some(spec.id)), "{} has no fixture", spec.id);
    }
    for family in ["edema", "polyp", "vessel"] {
        for entry in std::fs::read_dir(fixtures.join(family).join("blocks")).unwrap() {
            let path = entry.unwrap().path();
            parity::verify(&path, &cpu()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
    let text = std::fs::read_to_string(fixtures.join("edema/unet.json")).unwrap();
    let unknown = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(unknown.path(), text.replace("edema/unet", "edema/nothing")).unwrap();
    let error = parity::verify(unknown.path(), &cpu()).unwrap_err().to_string();
    assert!(error.contains("no network here is named edema/nothing"), "{error}");
}

#[test]
fn logits_have_the_size_of_the_input_for_every_allowed_size() {
    for spec in networks() {
        let device = cpu();
        let network = spec.build(&small(spec), 1, &device).unwrap();
        let m = spec.input.multiple_of;
        let least = spec.input.side(m);
        for [h, w] in [[least, least], [least, least + 2 * m], [least + 4 * m, least + m]] {
            let outputs = network.infer(input("input", [1, network.channels(), h, w], &device));
            assert_eq!(outputs.logits.dims(), [1, network.head().channels(), h, w], "{}", spec.id);
            assert!(values(outputs.logits).iter().all(|v| v.is_finite()), "{}", spec.id);
        }
    }
}

#[test]
fn a_picture_is_inferred_alike_alone_and_in_a_batch() {
    for spec in networks() {
        let device = cpu();
        let network = spec.build(&small(spec), 1, &device).unwrap();
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
}

/// Parameters that the published network has and does not use, by the beginning of their names.
const UNUSED: &[(&str, &str)] = &[
    ("smp/pspnet", "encoder.layer3."),
    ("smp/pspnet", "encoder.layer4."),
    ("jmedseg/mepdnet", "wave.topblock.fuse.out."),
];

#[test]
fn every_trainable_parameter_gets_a_gradient() {
    for spec in networks() {
        let device = cpu();
        let side = training_side(spec);
        let unused = |name: &str| UNUSED.iter().any(|(id, start)| *id == spec.id && name.starts_with(start));
        let mut silent: Vec<String> = vec![];
        // A ReLU of few channels may be shut under the weights of one seed, and is not under those of every seed.
        for seed in 1..=8 {
            let mut network = spec.build(&small(spec), seed, &device).unwrap();
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
}

fn card(spec: &'static ModelSpec, config: serde_json::Value) -> ModelCard {
    let network = spec.build(&config, 0, &cpu()).unwrap();
    let names: Vec<String> = (1..network.head().classes()).map(|i| format!("class {i}")).collect();
    ModelCard {
        volume: None,
        version: String::new(),
        title: spec.title.to_owned(),
        network: spec.id.to_owned(),
        config,
        input: InputSpec::unit(if network.channels() == 1 { Channels::Grey } else { Channels::Rgb }),
        labels: LabelTable::named(&names),
        modality: Modality::Other,
        trained_on: String::new(),
        licence: String::new(),
        parent: None,
        teacher: None,
        metrics: Default::default(),
        notice: String::new(),
        command: String::new(),
        created: String::new(),
    }
}

#[test]
fn a_saved_model_gives_the_same_outputs_and_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for spec in networks() {
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
        let bare = safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView<'_>)>::new(), None)
            .unwrap();
        let error = Model::from_bytes(&bare, &device).err().unwrap().to_string();
        assert!(error.contains("no model card"), "{error}");
        let first = tensors.keys().next().unwrap().clone();
        let moved = tensors.remove(&first).unwrap();
        tensors.insert("stray".to_owned(), moved);
        let error = model.network_mut().load(&tensors).err().unwrap().to_string();
        assert!(error.contains(&format!("{first} ")) && error.contains("stray"), "{error}");
    }
}

#[test]
fn a_loss_that_is_not_finite_changes_nothing() {
    for spec in networks() {
        let device = cpu();
        let mut network = spec.build(&small(spec), 1, &device).unwrap();
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
}

#[test]
fn a_duplicate_is_not_changed_by_training() {
    for spec in networks() {
        let device = cpu();
        let mut network = spec.build(&small(spec), 1, &device).unwrap();
        let copy = network.duplicate();
        let before = copy.tensors().unwrap();
        let side = training_side(spec);
        let mut adam = Optimizer::default().init();
        let x = input("input", [1, network.channels(), side, side], &device);
        network.train_step(x, &mut loss, &mut adam, 1e-2, 1).unwrap();
        assert_eq!(copy.tensors().unwrap(), before, "{}", spec.id);
        assert_ne!(network.tensors().unwrap(), before, "{}", spec.id);
    }
}

/// The same training step from the same state gives the same weights, also with the optimiser's state from a file.
#[test]
fn training_goes_on_as_before_from_saved_weights_and_optimiser() {
    for spec in networks() {
        let device = cpu();
        let mut network = spec.build(&small(spec), 1, &device).unwrap();
        let side = training_side(spec);
        let x = input("input", [1, network.channels(), side, side], &device);
        let mut adam = Optimizer::default().init();
        network.train_step(x.clone(), &mut loss, &mut adam, 1e-3, 1).unwrap();
        let weights = network.tensors().unwrap();
        let state = adam.to_bytes().unwrap();

        let mut resumed = spec.build(&small(spec), 99, &device).unwrap();
        resumed.load(&weights).unwrap();
        let mut resumed_adam = Optimizer::default().init().from_bytes(state).unwrap();
        network.train_step(x.clone(), &mut loss, &mut adam, 1e-3, 2).unwrap();
        resumed.train_step(x, &mut loss, &mut resumed_adam, 1e-3, 2).unwrap();
        let (a, b) = (network.tensors().unwrap(), resumed.tensors().unwrap());
        for (name, tensor) in &a {
            assert!(worst(&tensor.values, &b[name].values) < 1e-6, "{}: {name}", spec.id);
        }
    }
}

fn picture(width: usize, height: usize, seed: &str) -> Volume {
    let noise = parity::fill_input(seed, width * height * 3);
    let rgb: Vec<[u8; 3]> =
        noise.chunks_exact(3).map(|p| [p[0], p[1], p[2]].map(|v| (127.5 + 100.0 * v) as u8)).collect();
    Volume::new(
        Grid::pixels([width, height, 1]).unwrap(),
        Samples::Rgb8(rgb.into()),
        [1.0, 0.0],
        Modality::Fundus,
    )
    .unwrap()
}

fn finish(mut inference: SliceInference, model: &Model) -> SlicePrediction {
    loop {
        if let Step::Done(prediction) = inference.step(model).unwrap() {
            return prediction;
        }
    }
}

#[test]
fn slices_of_awkward_size_are_predicted_whole_and_probabilities_sum_to_one() {
    for spec in networks() {
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
}

#[test]
fn tiles_agree_with_the_whole_slice_away_from_their_edges() {
    // Networks whose field of view is local and small enough to leave pixels that see no seam.
    for spec in ["edema/unet", "vessel/sa_unet"].map(|id| nn::find(id).unwrap()) {
        let model = Model::build(card(spec, small(spec)), 5, &cpu()).unwrap();
        let (w, h) = (400, 80);
        let volume = picture(w, h, "picture");
        let whole = finish(SliceInference::with_tile_side(&model, &volume, 0, 512).unwrap(), &model);
        let inference = SliceInference::with_tile_side(&model, &volume, 0, 256).unwrap();
        assert!(inference.total() > 1, "{}", spec.id);
        let tiled = finish(inference, &model);
        let (a, b) = (whole.probabilities.to_host().unwrap(), tiled.probabilities.to_host().unwrap());
        // 256 + 256 - 400 = 112 pixels overlap, from 144 to 256. The U-Net looks 70 pixels far, SA-UNet less.
        let away = |x: usize| !(70..330).contains(&x);
        let (mut inside, mut anywhere) = (0.0f32, 0.0f32);
        for (i, (a, b)) in a.iter().zip(b.iter()).enumerate() {
            anywhere = anywhere.max((a - b).abs());
            if away(i % w) {
                inside = inside.max((a - b).abs());
            }
        }
        assert!(inside < 1e-5, "{}: {inside} away from the seams", spec.id);
        assert!(anywhere < 0.5 * deviation(&a), "{}: {anywhere} at the seams", spec.id);
    }
}

#[test]
fn a_sigmoid_network_gives_two_classes() {
    for spec in networks() {
        let network = spec.build(&small(spec), 1, &cpu()).unwrap();
        if network.head() == Head::Sigmoid {
            assert_eq!((network.head().channels(), network.head().classes()), (1, 2));
        }
    }
}

/// The networks that are held against the CPU on wgpu here: a software driver compiles for each of them for a while. The
/// others by `fovea devices --test --networks`.
fn on_wgpu() -> impl Iterator<Item = &'static ModelSpec> {
    ["edema/unet", "vessel/sa_unet", "jmedseg/simple"].into_iter().filter_map(nn::find)
}

/// The graphics adapter of this machine, if there is one.
fn gpu() -> Option<ComputeDevice> {
    Some(testing::gpu()?.compute("test"))
}

#[test]
fn the_self_test_passes_on_this_machine() {
    let Some(gpu) = gpu() else { return };
    nn::self_test::run(&gpu).unwrap();
    // The others by `fovea devices --test --networks`: each compiles its shaders anew.
    for id in ["edema/unet", "vessel/sa_unet"] {
        nn::self_test::run_network(nn::find(id).unwrap(), &gpu, Precision::Single).unwrap();
    }
}

/// Tiles, blending and resizing happen on the device; the result is whole and reads back as the CPU's.
#[test]
fn slices_are_predicted_on_wgpu_as_on_the_cpu() {
    let Some(gpu) = gpu() else { return };
    for spec in on_wgpu() {
        for longer_side in [None, Some(150)] {
            let mut card = card(spec, small(spec));
            card.input.longer_side = longer_side;
            let volume = picture(181, 90, "picture");
            let run = |device: &ComputeDevice| {
                let model = Model::build(card.clone(), 5, device).unwrap();
                let p = finish(SliceInference::with_tile_side(&model, &volume, 0, 128).unwrap(), &model);
                assert_eq!((p.width, p.height), (181, 90));
                let on_device = matches!(p.probabilities, nn::Probabilities::Device(_));
                assert_eq!(on_device, device.is_gpu());
                (p.probabilities.to_host().unwrap(), p.detection)
            };
            let (expected, found) = (run(&cpu()), run(&gpu));
            assert!(
                worst(&expected.0, &found.0) < 1e-3 * deviation(&expected.0),
                "{} {longer_side:?}",
                spec.id
            );
            if let (Some(expected), Some(found)) = (expected.1, found.1) {
                assert!(worst(&expected, &found) < 1e-4, "{}", spec.id);
            }
        }
    }
}

/// Forward and one training step on wgpu against flex, within a thousandth of the outputs' deviation.
#[test]
fn wgpu_computes_what_the_cpu_does() {
    let Some(gpu) = gpu() else { return };
    for spec in on_wgpu() {
        let config = small(spec);
        let side = training_side(spec);
        let run = |device: &ComputeDevice| {
            let mut network = spec.build(&config, 5, device).unwrap();
            // A ReLU whose input is zero but for rounding passes its gradient on one device and not on the other; in
            // this picture there is none.
            let x = input("picture", [2, network.channels(), side, side], device);
            let marks = spec.published != Published::Findings;
            // Of a network that marks pixels the segmentation part only: its detection head is behind dropout.
            let answer = |o: Outputs| if marks { values(o.logits) } else { values(o.detection.unwrap()) };
            let before = answer(network.infer(x.clone()));
            let mut loss = |o: &Outputs| if marks { loss(&Outputs::of(o.logits.clone())) } else { loss(o) };
            // Adam's first step is the gradient's sign, which is noise where a bias stands before batch norm.
            let mut sgd = Optimizer::Sgd(Sgd { momentum: 0.0, weight_decay: 0.0, ..Sgd::default() }).init();
            let value = network.train_step(x.clone(), &mut loss, &mut sgd, 0.1, 1).unwrap();
            (before, value, answer(network.infer(x)))
        };
        let (cpu, gpu) = (run(&cpu()), run(&gpu));
        let forward = worst(&cpu.0, &gpu.0) / deviation(&cpu.0);
        let loss = (cpu.1 - gpu.1).abs() / cpu.1;
        let trained = worst(&cpu.2, &gpu.2) / deviation(&cpu.2);
        assert!(worst(&cpu.0, &cpu.2) > 0.05 * deviation(&cpu.0), "{}: the step changed nothing", spec.id);
        eprintln!("{}: forward {forward:e}, loss {loss:e}, after a step {trained:e}", spec.id);
        assert!(forward < 1e-3 && loss < 1e-3 && trained < 1e-3, "{}: {forward} {loss} {trained}", spec.id);
    }
}
