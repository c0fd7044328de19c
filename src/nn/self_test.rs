//! Whether a graphics device computes what the CPU does: the operations that networks are made of when the device is
//! chosen, and each network as a whole, forward and backward, before it first runs there. The answers are remembered for
//! each adapter, driver and program version.

use super::{
    Builds, ComputeDevice, ModelSpec, NamedTensors, Outputs, Rank,
    blocks::{BatchNorm, DropBlock, keras_up, precision::in_half, same_conv, up_conv},
    parity::fill_input,
    resample::resize_tensor,
    train::Precision,
};
use crate::{file, replace::write_bytes};
use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor, TensorData,
        activation::{log_softmax, relu, sigmoid, softmax},
        module::max_pool2d,
        ops::MaxPoolOptions,
    },
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs::File, panic, path::PathBuf};

/// One operation on a device.
struct Probe {
    name: &'static str,
    run: fn(&Device) -> Vec<Tensor<4>>,
}

/// What counts as the same, by the precision in which a device multiplies.
#[derive(Clone, Copy)]
struct Exactness {
    /// Differences are taken as a share of the largest value.
    forward: f32,
    /// Gradients as a whole: a ReLU whose input is zero but for rounding may pass its gradient on one device only.
    gradient: f32,
    /// A change of every value of the input by rounding, as a share of it, up or down for itself.
    nudge: f32,
}

/// Both devices compute in f32.
const SINGLE: Exactness = Exactness { forward: 1e-4, gradient: 2e-2, nudge: 1e-6 };
/// The CPU computes in f32; halves have eleven bits.
const HALF: Exactness = Exactness { forward: 1e-2, gradient: 5e-2, nudge: 5e-4 };
/// How many times what nudges change may be rounding too: every layer rounds anew.
const NUDGES: f32 = 4.0;
/// Factors of the loss that are tried in half precision until no gradient is too large, as training does: they take the
/// gradients away from the smallest halves. Powers of two change no single.
const LOSS_SCALES: [f32; 3] = [1024.0, 32.0, 1.0];
/// How many nudges are tried. What lies within rounding of a kink (of a ReLU, of a maximum) falls to either side of it.
const TRIES: usize = 16;

const PROBES: &[Probe] = &[
    Probe {
        name: "convolution 3×3",
        run: |d| vec![filled(same_conv([8, 12], 3, d)).forward(x(d, [2, 8, 33, 47]))],
    },
    Probe {
        name: "convolution 1×1",
        run: |d| vec![filled(same_conv([8, 3], 1, d)).forward(x(d, [2, 8, 33, 47]))],
    },
    Probe {
        name: "convolution 7×7",
        run: |d| vec![filled(same_conv([2, 1], 7, d)).forward(x(d, [2, 2, 33, 47]))],
    },
    Probe {
        name: "transposed convolution 4×4",
        run: |d| vec![filled(up_conv([8, 4], 4, 1, d)).forward(x(d, [2, 8, 9, 13]))],
    },
    Probe {
        name: "transposed convolution 3×3",
        run: |d| vec![keras_up(&filled(up_conv([8, 4], 3, 0, d)), x(d, [2, 8, 9, 13]))],
    },
    Probe {
        name: "maximum 2×2 and 7×7",
        run: |d| {
            let seven = MaxPoolOptions::new([7, 7]).with_stride([1, 1]).with_padding([3, 3]);
            let two = MaxPoolOptions::new([2, 2]);
            vec![max_pool2d(x(d, [2, 3, 30, 20]), seven), max_pool2d(x(d, [2, 3, 30, 20]), two)]
        },
    },
    Probe {
        name: "batch normalisation",
        run: |d| {
            let plain = BatchNorm::new(6, 1e-5, 0.1, d);
            let training = BatchNorm::new(6, 1e-5, 0.1, d).train();
            let batch = training.forward(x(d, [3, 6, 20, 24]).autodiff()).without_autodiff();
            vec![plain.forward(x(d, [3, 6, 20, 24])), batch, training.valid().forward(x(d, [3, 6, 20, 24]))]
        },
    },
    Probe {
        name: "activations",
        run: |d| {
            let v = || x(d, [2, 4, 17, 19]) * 5.0;
            vec![relu(v()), sigmoid(v()), softmax(v(), 1), log_softmax(v(), 1), v().exp(), (v() + 6.0).log()]
        },
    },
    Probe {
        name: "reductions",
        run: |d| {
            let v = || x(d, [2, 4, 170, 190]);
            let all = v().sum_dim(3).sum_dim(2).sum_dim(1).sum_dim(0);
            vec![v().mean_dim(1), v().max_dim(1), v().max_dim(3).max_dim(2), all]
        },
    },
    Probe {
        name: "cutting and joining",
        run: |d| {
            let (a, b) = (x(d, [2, 3, 16, 24]), x(d, [2, 2, 16, 24]));
            let joined = Tensor::cat(vec![a, b], 1);
            let cut = joined.clone().narrow(2, 3, 9).narrow(3, 5, 11);
            vec![joined.slice_assign([0..2, 0..5, 1..10, 2..13], cut.clone()), cut]
        },
    },
    Probe {
        name: "resizing",
        run: |d| vec![resize_tensor(x(d, [1, 3, 37, 53]).squeeze_dim::<3>(0), [31, 64], d).unsqueeze_dim(0)],
    },
    Probe {
        name: "DropBlock",
        run: |d| {
            let seeds = x(d, [2, 3, 40, 40]).greater_elem(0.98).float();
            vec![DropBlock { block_size: 7, keep_prob: 0.8 }.drop_around(x(d, [2, 3, 40, 40]), seeds)]
        },
    },
];

/// Values in ±1 that depend on the shape only.
fn x<const D: usize>(device: &Device, shape: [usize; D]) -> Tensor<D> {
    named(&format!("probe {shape:?}"), device, shape)
}

/// Values in ±1 that depend on the name and their number.
fn named<const D: usize>(name: &str, device: &Device, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(fill_input(name, shape.iter().product()), shape), device)
}

/// A layer with weights that are not all zero.
fn filled<M: Module>(module: M) -> M {
    struct Fill;
    impl burn::module::ModuleMapper for Fill {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|t| {
                let shape = t.dims();
                let values = fill_input(&format!("probe {shape:?}"), shape.iter().product());
                Tensor::from_data(TensorData::new(values, shape), &t.device())
            })
        }
    }
    module.map(&mut Fill)
}

/// Runs every probe on `device` and on the CPU; the error names what differs.
pub fn run(device: &ComputeDevice) -> Result<(), String> {
    let cpu = ComputeDevice::cpu("self-test");
    for probe in PROBES {
        let (expected, found) = ((probe.run)(cpu.burn()), (probe.run)(device.burn()));
        for (expected, found) in expected.into_iter().zip(found) {
            let read = |t: Tensor<4>| t.try_into_vec_as::<f32>().map_err(|e| format!("{}: {e}", probe.name));
            agree(probe.name, &read(expected)?, &read(found)?)?;
        }
    }
    Ok(())
}

fn agree(what: &str, expected: &[f32], found: &[f32]) -> Result<(), String> {
    let off = share(expected, found);
    // Written so that NaN differs.
    if off <= SINGLE.forward {
        return Ok(());
    }
    Err(format!("{what} differs from the CPU by {off:e} of its largest value"))
}

/// The largest difference, as a share of the largest value; NaN where one is, or where there are more values in one.
fn share(expected: &[f32], found: &[f32]) -> f32 {
    if expected.len() != found.len() {
        return f32::NAN;
    }
    let scale = expected.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    let largest = |m: f32, d: f32| if d.is_nan() || m.is_nan() { f32::NAN } else { m.max(d) };
    expected.iter().zip(found).map(|(e, f)| (e - f).abs() / scale).fold(0.0, largest)
}

/// What a network gives in [`run_network`].
struct Results {
    outputs: Vec<Vec<f32>>,
    gradients: NamedTensors,
}

impl Results {
    /// Of a small configuration, the input changed by one of the nudges.
    fn of(
        spec: &ModelSpec,
        device: &ComputeDevice,
        precision: Precision,
        nudge: Option<(usize, f32)>,
    ) -> Result<Self, String> {
        match spec.rank() {
            Rank::Slices => Self::of_rank::<4>(spec, device, precision, nudge),
            Rank::Volumes => Self::of_rank::<5>(spec, device, precision, nudge),
        }
    }

    fn of_rank<const D: usize>(
        spec: &ModelSpec,
        device: &ComputeDevice,
        precision: Precision,
        nudge: Option<(usize, f32)>,
    ) -> Result<Self, String>
    where
        ModelSpec: Builds<D>,
    {
        let mut network = spec.build(&(spec.probe_config)(), 1, device).map_err(|e| e.to_string())?;
        let mut shape = [spec.input.side(4 * spec.input.multiple_of); D];
        if let Some(grid) = network.grid() {
            shape[D - 3..].copy_from_slice(&grid);
        }
        [shape[0], shape[1]] = [1, network.channels()];
        let mut input = x(device.burn(), shape);
        if let Some((which, by)) = nudge {
            // Not all the same way: a norm would undo that.
            let ways = named(&format!("nudge {which}"), device.burn(), shape).sign();
            input = input.clone() + input * ways * by;
        }
        let half = precision == Precision::Half;
        let Outputs { logits, detection, .. } = in_half(half, || network.infer(input.clone()));
        let outputs = [Some(logits.try_into_vec_as::<f32>()), detection.map(Tensor::try_into_vec_as::<f32>)];
        let outputs = outputs.into_iter().flatten().collect::<Result<_, _>>();
        let outputs = outputs.map_err(|e| format!("{}: {e}", spec.id))?;
        let loss = |outputs: &Outputs<D>| {
            let v = outputs.logits.clone() - 0.5;
            // An axis at a time: some drivers end long loops without a word.
            let squares = (1..D).rev().fold(v.clone() * v, Tensor::mean_dim);
            let segmentation = squares.reshape([1]);
            match outputs.detection.clone() {
                Some(v) => segmentation + (v.clone() * v).mean_dim(1).reshape([1]),
                None => segmentation,
            }
        };
        let mut gradients = NamedTensors::new();
        for scale in if half { &LOSS_SCALES[..] } else { &[1.0] } {
            let mut scaled = |outputs: &Outputs<D>| loss(outputs) * *scale;
            let found = in_half(half, || network.gradients(input.clone(), &mut scaled, 1));
            gradients = found.map_err(|e| format!("{}: {e}", spec.id))?.1;
            let finite = gradients.values().flat_map(|t| &t.values).all(|v| v.is_finite());
            gradients.values_mut().flat_map(|t| &mut t.values).for_each(|v| *v /= scale);
            if finite {
                break;
            }
        }
        Ok(Self { outputs, gradients })
    }

    /// How far the second results are from these.
    fn differences(&self, other: &Self, exactness: Exactness) -> Vec<Difference> {
        let outputs = self.outputs.iter().zip(&other.outputs).enumerate().map(|(i, (a, b))| Difference {
            what: format!("output {i}"),
            share: share(a, b),
            tolerance: exactness.forward,
        });
        let norm = |t: &mut dyn Iterator<Item = f32>| t.map(|v| v * v).sum::<f32>().sqrt();
        let size = |values: &[f32]| norm(&mut values.iter().copied());
        let largest = self.gradients.values().map(|t| size(&t.values)).fold(0.0, f32::max);
        let gradients = self.gradients.iter().map(|(name, gradient)| {
            let off = other.gradients.get(name).map_or(f32::NAN, |other| {
                norm(&mut gradient.values.iter().zip(&other.values).map(|(a, b)| a - b))
            });
            Difference {
                what: format!("the gradient of {name}"),
                // Gradients that are rounding noise on both (biases before batch norm) are measured by the largest one.
                share: off / size(&gradient.values).max(1e-3 * largest),
                tolerance: exactness.gradient,
            }
        });
        outputs.chain(gradients).collect()
    }
}

/// How far two results are apart: the largest difference of an output's values, as a share of the largest value, or the norm
/// of the difference of a gradient, as a share of the gradient's.
struct Difference {
    what: String,
    share: f32,
    tolerance: f32,
}

/// Runs a small configuration of a network on `device`, in that precision, and on the CPU in single, forward and backward.
///
/// Some networks magnify rounding: a norm over few values, a block that feeds itself, a kink. So where a difference is beyond
/// the tolerance, it is compared with what the CPU's own result changes by when the input changes by rounding.
pub fn run_network(spec: &ModelSpec, device: &ComputeDevice, precision: Precision) -> Result<(), String> {
    let exactness = match precision {
        Precision::Single => SINGLE,
        Precision::Half => HALF,
    };
    let cpu = &ComputeDevice::cpu("self-test");
    let on_cpu = |nudge: Option<usize>| {
        Results::of(spec, cpu, Precision::Single, nudge.map(|which| (which, exactness.nudge)))
    };
    let exact = on_cpu(None)?;
    let found = exact.differences(&Results::of(spec, device, precision, None)?, exactness);
    // What nudges change, the largest.
    let mut own = vec![0.0f32; found.len()];
    for nudge in 0..=TRIES {
        // NaN is not within.
        let within = |found: &Difference, own: f32| found.share <= found.tolerance.max(NUDGES * own);
        let mut pairs = found.iter().zip(&own);
        let Some((Difference { what, share, .. }, own_share)) =
            pairs.find(|(found, own)| !within(found, **own))
        else {
            return Ok(());
        };
        if nudge == TRIES {
            let id = spec.id;
            return Err(format!(
                "{what} of {id} differs from the CPU's by {share:e}; changes of the input by {:e} make {own_share:e}",
                exactness.nudge
            ));
        }
        let nudged = exact.differences(&on_cpu(Some(nudge))?, exactness);
        own.iter_mut().zip(nudged).for_each(|(own, nudged)| *own = own.max(nudged.share));
    }
    Ok(())
}

/// The remembered answer for one adapter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "reason")]
enum Answer {
    /// Written before the test; found later, the program died in it.
    Running,
    Passed,
    Failed(String),
}

/// What a remembered answer applies to: with another driver or program version the test runs again.
fn key(device: &ComputeDevice, what: &str) -> String {
    let program = env!("CARGO_PKG_VERSION");
    format!("{} | {} | fovea {program} | {what}", device.name(), device.driver())
}

fn store() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "fovea").map(|dirs| dirs.data_local_dir().join("self-test.json"))
}

/// One test at a time. Without a place for the file there is nothing that two programs could confuse.
fn lock() -> Option<File> {
    let path = store()?.with_extension("lock");
    std::fs::create_dir_all(path.parent()?).ok()?;
    let file = File::create(path).ok()?;
    file.lock().ok()?;
    Some(file)
}

fn remembered() -> BTreeMap<String, Answer> {
    // A file that is missing or damaged only means that the test runs again.
    let text = store().and_then(|path| file::read(&path).ok());
    text.and_then(|t| serde_json::from_slice(&t).ok()).unwrap_or_default()
}

fn remember(key: &str, answer: Answer) {
    let Some(path) = store() else { return };
    let mut all = remembered();
    all.insert(key.to_owned(), answer);
    let written = serde_json::to_vec_pretty(&all).map(|bytes| write_bytes(&path, &bytes));
    if let Ok(Err(e)) = written {
        log::warn!("the self-test's result is not remembered: {e}");
    }
}

/// The remembered answer for the operations, or a test now.
pub fn passed(device: &ComputeDevice) -> Result<(), String> {
    answer(&key(device, "operations"), || run(device))
}

/// The remembered answer for a network, or a test now. The CPU needs none.
pub fn network_passed(spec: &ModelSpec, device: &ComputeDevice) -> Result<(), String> {
    if !device.is_gpu() {
        return Ok(());
    }
    answer(&key(device, spec.id), || run_network(spec, device, Precision::Single))
}

/// Whether a network learns in half precision on a device as it does in single; the error says why it does not. Remembered,
/// or tested now.
pub fn half_passed(spec: &ModelSpec, device: &ComputeDevice) -> Result<(), String> {
    if !device.is_gpu() {
        return Err("the CPU is no faster with halves".to_owned());
    }
    if !device.has_halves() {
        return Err(format!("{} has no arithmetic in half precision", device.name()));
    }
    let what = format!("{} in half precision", spec.id);
    answer(&key(device, &what), || run_network(spec, device, Precision::Half))
}

/// What is remembered, or what `test` says now. A test that ends the whole program (a driver may crash) counts as failed
/// the next time. Another thread or program that is testing at the moment is waited for.
fn answer(key: &str, test: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    if remembered().get(key) == Some(&Answer::Passed) {
        return Ok(());
    }
    // Held until the end of this function; the system takes it from a program that dies.
    let _lock = lock();
    match remembered().remove(key) {
        Some(Answer::Passed) => return Ok(()),
        Some(Answer::Failed(reason)) => return Err(reason),
        Some(Answer::Running) => {
            return Err("the program ended during the test (`fovea devices --test` tries again)".to_owned());
        }
        None => {}
    }
    remember(key, Answer::Running);
    let result = panic::catch_unwind(panic::AssertUnwindSafe(test));
    let result = result.unwrap_or_else(|_| Err("a computation on it panicked".to_owned()));
    remember(key, result.clone().map_or_else(Answer::Failed, |()| Answer::Passed));
    result
}

/// Forgets all answers for a device, so that it is tested again.
pub fn forget(device: &ComputeDevice) {
    let Some(path) = store() else { return };
    let mut all = remembered();
    let of_device = key(device, "");
    let before = all.len();
    all.retain(|key, _| !key.starts_with(&of_device));
    if all.len() < before
        && let Ok(bytes) = serde_json::to_vec_pretty(&all)
        && let Err(e) = write_bytes(&path, &bytes)
    {
        log::warn!("the self-test's result is not forgotten: {e}");
    }
}
