//! A suite for every network of the list, each test of each network by itself: listing a network tests it, and
//! `cargo test --test networks vessel_sa_unet` tests that one.

use burn::tensor::{Tensor, TensorData};
use fovea::{
    geom::Grid,
    label::LabelTable,
    nn::{
        self, Channels, ComputeDevice, Head, InferenceStep, InputSpec, MODELS, Model, ModelCard, ModelSpec,
        Network, Outputs, Published, SliceInference, SlicePrediction, parity,
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
#[path = "networks/slices.rs"]
mod slices;
#[path = "networks/volumes.rs"]
mod volumes;

/// A module of tests for a network, which run the functions of one of the suites.
macro_rules! tests {
    ($name:ident: $suite:ident, $($test:ident)*) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$suite::$test(super::spec(stringify!($name)));
                }
            )*
        }
    };
}

macro_rules! slices {
    ($name:ident) => {
        tests! {
            $name: slices,
            the_published_outputs_are_reproduced
            logits_have_the_size_of_the_input_for_every_allowed_size
            a_picture_is_inferred_alike_alone_and_in_a_batch
            every_trainable_parameter_gets_a_gradient
            a_saved_model_gives_the_same_outputs_and_a_damaged_one_is_refused
            a_loss_that_is_not_finite_changes_nothing
            a_duplicate_is_not_changed_by_training
            training_goes_on_as_before_from_saved_weights_and_optimiser
            slices_of_awkward_size_are_predicted_whole_and_probabilities_sum_to_one
            a_sigmoid_network_gives_two_classes
        }
    };
}

macro_rules! volumes {
    ($name:ident) => {
        tests! {
            $name: volumes,
            the_published_outputs_are_reproduced
            logits_have_the_size_of_the_volume_for_every_allowed_size
            a_volume_is_inferred_alike_alone_and_in_a_batch
            every_parameter_gets_a_gradient
            the_loss_on_a_phantom_falls_within_ten_steps
            dropout_of_channels_is_drawn_from_the_seed_and_absent_from_inference
            a_duplicate_is_not_changed_by_training
        }
    };
}

macro_rules! suites {
    ($($rank:ident $name:ident: $entry:path;)*) => { $($rank!($name);)* };
}
fovea::for_each_network!(suites);

/// The network that the list calls so.
fn spec(name: &str) -> &'static ModelSpec {
    MODELS.iter().find(|spec| spec.id.replace('/', "_") == name).unwrap()
}

fn cpu() -> ComputeDevice {
    ComputeDevice::cpu("test")
}

fn build(spec: &'static ModelSpec, device: &ComputeDevice) -> Box<dyn Network> {
    spec.build::<4>(&serde_json::Value::Null, 7, device).unwrap()
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

/// Every fixture of a network. Those of a fusion are those of its members, and the vectors of its own test.
fn verify_fixtures(spec: &ModelSpec) {
    let Some(fixtures) = shared("parity/networks") else { return };
    let mut verified = 0;
    for entry in std::fs::read_dir(fixtures.join(spec.family)).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{}/{}", spec.family, path.file_name().unwrap().display());
        if !name.ends_with(".json") || parity::spec_of(&name).is_none_or(|of| of.id != spec.id) {
            continue;
        }
        let report = parity::verify(&path, &cpu()).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert_eq!(parity::spec_of(&report.network).unwrap().id, spec.id, "{}", path.display());
        eprintln!("{}: {:.3} of the tolerance", path.display(), report.worst);
        verified += 1;
    }
    assert!(verified > 0 || spec.id == "edema/fusion", "{} has no fixture", spec.id);
}

#[test]
fn parameter_counts_are_the_published_ones() {
    for (id, count) in [("edema/unet", 2_466_151), ("vessel/sa_unet", 537_299)] {
        let spec = nn::find(id).unwrap();
        assert_eq!(build(spec, &cpu()).param_count(), count, "{id}");
    }
}

#[test]
fn blocks_reproduce_the_published_outputs() {
    let Some(fixtures) = shared("parity/networks") else { return };
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

fn card(spec: &'static ModelSpec, config: serde_json::Value) -> ModelCard {
    let network = spec.build::<4>(&config, 0, &cpu()).unwrap();
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
        if let InferenceStep::Done(prediction) = inference.step(model).unwrap() {
            return prediction;
        }
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
            let mut network = spec.build::<4>(&config, 5, device).unwrap();
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
