//! The suite of a network of volumes, and what is tested of them beside it.

use super::{cpu, deviation, gpu, values, verify_fixtures, worst};
use burn::tensor::{Tensor, TensorData, activation::sigmoid};
use fovea::{
    nn::{
        self, ComputeDevice, ModelSpec, NamedTensor, Network, Outputs,
        blocks::cost::multiply_accumulates,
        loss::{Loss, Targets},
        parity,
        train::{Optimizer, Precision, Sgd},
    },
    testing::vectors,
};
use serde_json::{Value, json};

fn small(spec: &'static ModelSpec, device: &ComputeDevice) -> Box<dyn Network<5>> {
    spec.build::<5>(&(spec.probe_config)(), 7, device).unwrap()
}

fn input(name: &str, shape: [usize; 5], device: &ComputeDevice) -> Tensor<5> {
    let values = parity::fill_input(name, shape.iter().product());
    Tensor::from_data(TensorData::new(values, shape), device.burn())
}

/// A batch of the size that a network resizes volumes to.
fn batch(name: &str, network: &dyn Network<5>, count: usize) -> Tensor<5> {
    let [depth, height, width] = network.grid().unwrap();
    input(name, [count, network.channels(), depth, height, width], network.device())
}

/// A loss that every output takes part in: mean squares of logits shifted off zero.
fn loss(outputs: &Outputs<5>) -> Tensor<1> {
    let flat = |t: &Tensor<5>| t.clone().flatten::<4>(2, 3);
    super::loss(&Outputs {
        auxiliary: outputs.auxiliary.iter().map(flat).collect(),
        ..Outputs::of(flat(&outputs.logits))
    })
}

pub fn the_published_outputs_are_reproduced(spec: &'static ModelSpec) {
    verify_fixtures(spec);
}

/// A configuration as the reference writes it, in ours: small letters, and the background counts.
fn ours(reference: &Value, spec: &ModelSpec) -> Value {
    let mut config = spec.default_config();
    for (key, value) in config.as_object_mut().unwrap() {
        if let Some(given) = reference.get(key.to_uppercase()) {
            *value = given.clone();
        }
    }
    config["n_classes"] = (reference["NUM_CLASSES"].as_u64().unwrap() + 1).into();
    config["dropout"] = 0.0.into();
    config
}

/// Multiply-accumulates of a network for volumes of 192³ and 160³ from those for small ones: `a` for a voxel, and `b` for
/// a voxel of an edge, which the strips of the context block cost.
fn products(spec: &ModelSpec, config: &Value, side: u64) -> u64 {
    let count = |size: [usize; 3]| {
        let mut config = config.clone();
        config["input_size"] = json!(size);
        let network = spec.build::<5>(&config, 1, &cpu()).unwrap();
        let x = batch("input", network.as_ref(), 1);
        multiply_accumulates(|| network.infer(x)).1
    };
    // a·64³ + 3·64·b and twice that with 4·64·b.
    let (cube, long) = (count([64; 3]), count([64, 64, 128]));
    let voxels = |n: u64| n * n * n;
    let edge = (2 * cube - long) / 2;
    let volume = cube - 3 * edge;
    // The strips of another side.
    volume * voxels(side) / voxels(64) + 3 * edge * side / 64
}

/// The published table: parameters and multiply-accumulates.
#[test]
fn networks_of_volumes_have_the_published_size() {
    let fine = json!({});
    let deep =
        json!({ "num_channels": [16, 32, 64, 128, 256], "decoder_conv_block": "ResFourLayerConvBlock" });
    let table = [
        ("flare/efficientsegnet", fine, 192, 9_366_016, 357_658_841_088),
        ("flare/unet", deep, 192, 11_880_448, 872_335_540_224),
        ("flare/unet", json!({}), 160, 2_676_480, 100_188_160_000),
        ("flare/contextunet", json!({}), 192, 9_757_696, 424_757_219_328),
    ];
    for (id, config, side, parameters, macs) in table {
        let spec = nn::find(id).unwrap();
        let mut full = spec.default_config();
        for (key, value) in config.as_object().unwrap() {
            full[key] = value.clone();
        }
        assert_eq!(spec.param_count(&full).unwrap(), parameters, "{id} {config}");
        assert_eq!(products(spec, &full, side), macs, "{id} {config}");
    }
}

pub fn logits_have_the_size_of_the_volume_for_every_allowed_size(spec: &'static ModelSpec) {
    let network = small(spec, &cpu());
    let m = network.input().multiple_of;
    let [depth, height, width] = network.grid().unwrap();
    for size in [[depth, height, width], [depth + m, height, width], [depth, height + 2 * m, width]] {
        let x = input("input", [1, network.channels(), size[0], size[1], size[2]], &cpu());
        let outputs = network.infer(x);
        assert_eq!(outputs.logits.dims(), [1, network.head().channels(), size[0], size[1], size[2]]);
        assert!(values(outputs.logits).iter().all(|v| v.is_finite()), "{}", spec.id);
    }
}

pub fn a_volume_is_inferred_alike_alone_and_in_a_batch(spec: &'static ModelSpec) {
    let network = small(spec, &cpu());
    let (a, b) = (batch("a", network.as_ref(), 1), batch("b", network.as_ref(), 1));
    let both = network.infer(Tensor::cat(vec![a.clone(), b], 0)).logits;
    let alone = values(network.infer(a).logits);
    assert!(worst(&alone, &values(both.narrow(0, 0, 1))) < 1e-5 * deviation(&alone).max(1.0), "{}", spec.id);
}

pub fn every_parameter_gets_a_gradient(spec: &'static ModelSpec) {
    let mut network = small(spec, &cpu());
    let x = batch("input", network.as_ref(), 1);
    let (value, gradients) = network.gradients(x, &mut loss, 3).unwrap();
    assert!(value.is_finite());
    for p in network.parameters() {
        assert!(p.trainable, "{}: {} is a buffer", spec.id, p.name);
        let gradient = gradients.get(&p.name).unwrap_or_else(|| panic!("{}: {} has none", spec.id, p.name));
        assert_eq!(gradient.shape, p.shape, "{}: {}", spec.id, p.name);
        assert!(gradient.values.iter().all(|v| v.is_finite()), "{}: {}", spec.id, p.name);
        assert!(gradient.values.iter().any(|v| *v != 0.0), "{}: {} is all zero", spec.id, p.name);
    }
}

/// The reference's Dice loss over sigmoids, with its odd focal term where `focal` says so.
fn reference_loss(outputs: &Outputs<5>, target: Tensor<5>, focal: bool) -> Tensor<1> {
    let sum = |t: Tensor<5>| t.sum_dim(4).sum_dim(3).sum_dim(2);
    let p = sigmoid(outputs.logits.clone());
    let t = target.autodiff();
    let both = sum(p.clone() * t.clone()) * 2.0 + 1e-8;
    let sizes = sum(p.clone() * p.clone()) + sum(t.clone()) + 1e-8;
    let dice = ((both / sizes).neg() + 1.0).mean_dim(1).mean_dim(0).reshape([1]);
    if !focal {
        return dice;
    }
    let clamped = p.clone().clamp(1e-4, 1.0 - 1e-4);
    let entropy = t.clone() * clamped.clone().log() + (t.clone().neg() + 1.0) * (clamped.neg() + 1.0).log();
    let one_minus = p.clone().neg() + 1.0;
    let weight = (t.clone() * one_minus.clone() * one_minus + (t.clone().neg() + 1.0) * p.clone() * p) * 0.5;
    let total = |x: Tensor<5>| sum(x).sum_dim(1).sum_dim(0).reshape([1]);
    let count = t.dims().iter().product::<usize>() as f64;
    dice + total(weight) * total(entropy).neg() / count / total(t).clamp_min(1.0)
}

/// The first training step of three small networks against the reference: the loss, and for every parameter the norm of
/// its gradient and its first elements.
#[test]
fn gradients_of_volumes_are_those_of_the_reference() {
    let Some(cases) = vectors("flare/trainstep.json") else { return };
    for case in cases.as_array().unwrap() {
        let (name, text) = (&case["name"], |key: &str| case[key].as_str().unwrap());
        let spec = nn::find(&format!("flare/{}", text("model").to_lowercase())).unwrap();
        let mut network = spec.build::<5>(&ours(&case["config"], spec), 0, &cpu()).unwrap();
        let filled = network.parameters().into_iter().map(|p| {
            let values = parity::fill(&p.name, &p.shape, 1.0);
            (p.name, NamedTensor { shape: p.shape, values })
        });
        network.load(&filled.collect()).unwrap();
        let shape: Vec<usize> = serde_json::from_value(case["input_shape"].clone()).unwrap();
        let shape: [usize; 5] = shape.try_into().unwrap();
        let target =
            input("target", [shape[0], 4, shape[2], shape[3], shape[4]], &cpu()).greater_elem(0.5).float();
        let focal = text("loss") == "diceAndFocal";
        let mut loss = |outputs: &Outputs<5>| reference_loss(outputs, target.clone(), focal);
        let (value, gradients) = network.gradients(input("input", shape, &cpu()), &mut loss, 1).unwrap();
        let first = case["losses_before_each_step"][0].as_f64().unwrap();
        assert!((f64::from(value) - first).abs() < 1e-5 * first, "{name}: loss {value} and not {first}");
        let expected = case["grads_step0"].as_array().unwrap();
        assert_eq!(expected.len(), gradients.len());
        let norm_of = |g: &Value| g["norm"].as_f64().unwrap();
        // Of a weight before a norm whose channel has one input, only rounding is left.
        let largest = expected.iter().map(norm_of).fold(0.0, f64::max);
        for gradient in expected {
            let (parameter, norm) = (gradient["name"].as_str().unwrap(), norm_of(gradient));
            let found = &gradients[parameter].values;
            let found_norm = found.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
            let tolerance = 2e-3 * norm + 1e-4 * largest;
            assert!((found_norm - norm).abs() < tolerance, "{name}: {parameter} {found_norm} and not {norm}");
            for (v, want) in found.iter().zip(gradient["first4"].as_array().unwrap()) {
                let want = want.as_f64().unwrap();
                assert!((f64::from(*v) - want).abs() < tolerance, "{name}: {parameter} {v} and not {want}");
            }
        }
    }
}

/// A ball of class 1 and a box of class 2, which shine through noise.
fn phantom([depth, height, width]: [usize; 3]) -> (Vec<f32>, Vec<u16>) {
    let noise = parity::fill_input("phantom", depth * height * width);
    let class = |i: usize| {
        let at = [i / (height * width), i / width % height, i % width];
        let share = |axis: usize, side: usize| at[axis] as f32 / side as f32;
        let [z, y, x] = [share(0, depth), share(1, height), share(2, width)];
        let radius = (z - 0.5).powi(2) + (y - 0.3).powi(2) + (x - 0.3).powi(2);
        if radius < 0.04 { 1 } else { 2 * u16::from((y - 0.7).abs() < 0.2 && (x - 0.7).abs() < 0.15) }
    };
    let classes: Vec<u16> = (0..noise.len()).map(class).collect();
    let shines = |(noise, class): (&f32, &u16)| 0.3 * noise + [-0.5, 1.0, 0.4][usize::from(*class)];
    (noise.iter().zip(&classes).map(shines).collect(), classes)
}

pub fn the_loss_on_a_phantom_falls_within_ten_steps(spec: &'static ModelSpec) {
    let mut config = (spec.probe_config)();
    config["n_classes"] = 3.into();
    config["dropout"] = 0.1.into();
    let mut network = spec.build::<5>(&config, 7, &cpu()).unwrap();
    let size @ [depth, height, width] = network.grid().unwrap();
    let (voxels, classes) = phantom(size);
    let x = Tensor::from_data(TensorData::new(voxels, [1, 1, depth, height, width]), cpu().burn());
    let targets = Targets::new(&classes, [1, depth, height, width], network.head(), cpu().burn());
    let standard = Loss::standard();
    let mut loss = |outputs: &Outputs<5>| standard.compute(outputs, &targets);
    let mut adam = Optimizer::default().init();
    let mut step = |seed| network.train_step(x.clone(), &mut loss, &mut adam, 1e-2, seed).unwrap();
    let losses: Vec<f32> = (0..10).map(&mut step).collect();
    eprintln!("{}: {losses:?}", spec.id);
    assert!(losses[9] < 0.95 * losses[0], "{}: {losses:?}", spec.id);
}

pub fn dropout_of_channels_is_drawn_from_the_seed_and_absent_from_inference(spec: &'static ModelSpec) {
    let mut config = (spec.probe_config)();
    config["dropout"] = 0.2.into();
    let mut network = spec.build::<5>(&config, 7, &cpu()).unwrap();
    let x = batch("input", network.as_ref(), 1);
    let mut value = |seed| network.gradients(x.clone(), &mut loss, seed).unwrap().0;
    let (one, again, other) = (value(1), value(1), value(2));
    assert_eq!(one, again, "{}", spec.id);
    assert_ne!(one, other, "{}", spec.id);
    let whole = values(small(spec, &cpu()).infer(x.clone()).logits);
    assert_eq!(values(network.infer(x).logits), whole, "{}: inference drops nothing", spec.id);
}

pub fn a_duplicate_is_not_changed_by_training(spec: &'static ModelSpec) {
    let mut network = small(spec, &cpu());
    let copy = network.duplicate();
    let before = copy.tensors().unwrap();
    let mut adam = Optimizer::default().init();
    let x = batch("input", network.as_ref(), 1);
    let bad = x.clone() * f32::NAN;
    assert!(network.train_step(bad, &mut loss, &mut adam, 1e-2, 1).is_err());
    assert_eq!(network.tensors().unwrap(), before, "{}: a loss that is not finite", spec.id);
    network.train_step(x, &mut loss, &mut adam, 1e-2, 1).unwrap();
    assert_eq!(copy.tensors().unwrap(), before, "{}", spec.id);
    assert_ne!(network.tensors().unwrap(), before, "{}", spec.id);
}

/// Forward on wgpu against flex, within a thousandth of the outputs' deviation; for the U-Net also after a training step.
#[test]
fn wgpu_computes_volumes_as_the_cpu_does() {
    let Some(gpu) = gpu() else { return };
    for id in ["flare/unet", "flare/efficientsegnet"] {
        let spec = nn::find(id).unwrap();
        let run = |device: &ComputeDevice| {
            let mut network = small(spec, device);
            let mut answers = vec![values(network.infer(batch("volume", network.as_ref(), 1)).logits)];
            if id == "flare/unet" {
                let x = batch("volume", network.as_ref(), 1);
                let plain = Sgd { momentum: 0.0, weight_decay: 0.0, ..Sgd::default() };
                let mut sgd = Optimizer::Sgd(plain).init();
                let value = network.train_step(x.clone(), &mut loss, &mut sgd, 0.1, 1).unwrap();
                let trained = network.infer(batch("volume", network.as_ref(), 1));
                answers.extend([values(trained.logits), vec![value]]);
            }
            answers
        };
        let (cpu, gpu) = (run(&cpu()), run(&gpu));
        let scale = deviation(&cpu[0]);
        let off: Vec<f32> = cpu.iter().zip(&gpu).map(|(cpu, gpu)| worst(cpu, gpu) / scale).collect();
        eprintln!("{id}: {off:?}");
        assert!(off.iter().all(|off| *off < 1e-3), "{id}: {off:?}");
        if let [before, after, _] = &cpu[..] {
            assert!(worst(before, after) > 0.05 * scale, "{id}: the step changed nothing");
        }
    }
}

/// Their maps have more voxels than Mesa's software driver counts to in a loop.
#[test]
fn networks_of_volumes_learn_on_wgpu_as_on_the_cpu() {
    let Some(gpu) = gpu() else { return };
    for id in ["flare/unet", "flare/efficientsegnet"] {
        nn::self_test::run_network(nn::find(id).unwrap(), &gpu, Precision::Single).unwrap();
    }
}
