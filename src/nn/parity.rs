//! Held against the published networks: a fixture names a network and its configuration, every tensor is filled by a rule
//! from its name, and the outputs must be those of the reference.

use super::{
    Builds, ComputeDevice, MODELS, ModelSpec, NamedTensor, NamedTensors, Outputs, Published, Rank,
    blocks::parity::Case, parameters::name_hash, weights::is_counter,
};
use burn::tensor::{
    Tensor, TensorData,
    activation::{log_softmax, sigmoid},
};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// A fixture file.
#[derive(Deserialize)]
struct Fixture {
    network: String,
    #[serde(default)]
    config: Value,
    param_count: Option<usize>,
    params: Vec<Shaped>,
    #[serde(default)]
    buffers: Vec<Shaped>,
    #[serde(default = "one")]
    weight_gain_squared: f64,
    inputs: Vec<Shaped>,
    outputs: Vec<Expected>,
    tolerance: Vec<f64>,
}

fn one() -> f64 {
    1.0
}

#[derive(Deserialize)]
struct Shaped {
    name: String,
    shape: Vec<usize>,
}

/// Summary of an output and some of its elements by flat row-major index.
#[derive(Deserialize)]
struct Expected {
    shape: Vec<usize>,
    mean: f64,
    std: f64,
    min: f64,
    max: f64,
    samples: Vec<(usize, f64)>,
}

#[derive(Debug, thiserror::Error)]
pub enum ParityError {
    #[error("{0}")]
    Read(String),
    #[error("no network here is named {0}")]
    Unknown(String),
    #[error("{0}")]
    Differs(String),
}

/// What a verified fixture showed.
#[derive(Debug)]
pub struct ParityReport {
    pub network: String,
    pub param_count: usize,
    /// The largest difference as a share of its tolerance.
    pub worst: f64,
}

/// Builds the network that a fixture names, fills it by the rule and compares its outputs.
pub fn verify(path: &Path, device: &ComputeDevice) -> Result<ParityReport, ParityError> {
    let fixture = read_fixture(path)?;
    let inputs =
        fixture.inputs.iter().map(|i| (i.shape.clone(), fill_input(&i.name, count(&i.shape)))).collect();
    let (outputs, param_count) = match super::blocks::parity::find(&fixture.network) {
        Some(block) => {
            let tensors = filled(&fixture);
            let case = Case::new(&fixture.config, &tensors, inputs, device);
            case.and_then(block).map_err(ParityError::Differs)?
        }
        None => run_network(&fixture, inputs, device)?,
    };
    if fixture.param_count.is_some_and(|n| n != param_count) {
        let expected = fixture.param_count.unwrap_or_default();
        return Err(ParityError::Differs(format!("{param_count} parameters and not {expected}")));
    }
    if outputs.len() < fixture.outputs.len() || fixture.tolerance.len() != fixture.outputs.len() {
        return Err(ParityError::Differs(format!(
            "{} outputs and {} tolerances for {} expected",
            outputs.len(),
            fixture.tolerance.len(),
            fixture.outputs.len()
        )));
    }
    let mut worst = 0.0f64;
    for (i, expected) in fixture.outputs.iter().enumerate() {
        worst = worst.max(
            compare(expected, &outputs[i], fixture.tolerance[i])
                .map_err(|e| ParityError::Differs(format!("output {i}: {e}")))?,
        );
    }
    Ok(ParityReport { network: fixture.network, param_count, worst })
}

/// The tensors that a fixture's network is filled with, by the rule.
pub fn tensors(path: &Path) -> Result<NamedTensors, ParityError> {
    read_fixture(path).map(|fixture| filled(&fixture))
}

fn read_fixture(path: &Path) -> Result<Fixture, ParityError> {
    let text = crate::file::read_text(path).map_err(|e| ParityError::Read(e.to_string()))?;
    serde_json::from_str(&text).map_err(|e| ParityError::Read(format!("not a parity fixture: {e}")))
}

/// Every parameter and buffer of a fixture by the fill rule; batch counters are left out.
fn filled(fixture: &Fixture) -> NamedTensors {
    let tensors = fixture.params.iter().chain(&fixture.buffers).filter(|p| !is_counter(&p.name));
    tensors
        .map(|p| {
            let values = fill(&p.name, &p.shape, fixture.weight_gain_squared);
            (p.name.clone(), NamedTensor { shape: p.shape.clone(), values })
        })
        .collect()
}

type Inputs = Vec<(Vec<usize>, Vec<f32>)>;

/// The network that a fixture names, of slices or of volumes.
fn run_network(
    fixture: &Fixture,
    inputs: Inputs,
    device: &ComputeDevice,
) -> Result<(Vec<NamedTensor>, usize), ParityError> {
    let spec = spec_of(&fixture.network).ok_or_else(|| ParityError::Unknown(fixture.network.clone()))?;
    match spec.rank() {
        Rank::Slices => run::<4>(spec, fixture, inputs, device),
        Rank::Volumes => run::<5>(spec, fixture, inputs, device),
    }
}

fn run<const D: usize>(
    spec: &ModelSpec,
    fixture: &Fixture,
    inputs: Inputs,
    device: &ComputeDevice,
) -> Result<(Vec<NamedTensor>, usize), ParityError>
where
    ModelSpec: Builds<D>,
{
    let differs = |e: &dyn std::fmt::Display| ParityError::Differs(e.to_string());
    let mut network = spec.build(&config_of(spec, &fixture.config), 0, device).map_err(|e| differs(&e))?;
    network.load(&filled(fixture)).map_err(|e| differs(&e))?;
    // Several inputs are neighbouring slices; here they are channels of one.
    let inputs = inputs.into_iter().map(|(shape, values)| {
        let dims: [usize; D] = shape.try_into().map_err(|s| {
            ParityError::Differs(format!("an input's shape is {s:?} and has not {D} dimensions"))
        })?;
        Ok(Tensor::from_data(TensorData::new(values, dims), device.burn()))
    });
    let input = Tensor::cat(inputs.collect::<Result<_, ParityError>>()?, 1);
    let outputs = reference_outputs(spec.published, network.infer(input)).map_err(ParityError::Differs)?;
    Ok((outputs, network.param_count()))
}

/// What fixtures call a network that has another id here.
const ALIASES: &[(&str, &str)] = &[("flare/baseunet", "flare/unet")];

/// The network of a fixture: the one with the longest id that the fixture's name begins with, as `polyp/unetpp` for
/// `polyp/unetpp32_aux`.
pub fn spec_of(fixture: &str) -> Option<&'static ModelSpec> {
    let alias = ALIASES.iter().find(|(alias, _)| fixture.starts_with(alias));
    let name = alias.map_or(fixture, |(_, id)| id);
    MODELS.iter().copied().filter(|spec| name.starts_with(spec.id)).max_by_key(|spec| spec.id.len())
}

/// The references' words for what is called `in_channels` and `n_classes` in every network here.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("in_channels", &["in_ch", "n_channels", "n_channel", "input_nbr", "channels"]),
    (
        "n_classes",
        &["classes", "num_classes", "num_class", "out_ch", "out_channels", "label_nbr", "class_num"],
    ),
];

/// The configuration that a fixture asks for, by the keys that the network takes (the others describe the fixture), over
/// the options that make it the published network.
fn config_of(spec: &ModelSpec, fixture: &Value) -> Value {
    let mut config = (spec.as_published)();
    let defaults = spec.default_config();
    let (Some(config_map), Some(defaults)) = (config.as_object_mut(), defaults.as_object()) else {
        return config;
    };
    let groups = [Some(fixture), fixture.get("kwargs")].into_iter().flatten().filter_map(Value::as_object);
    for (key, value) in groups.flatten() {
        // FLARE's keys are in capitals.
        let key = key.to_ascii_lowercase();
        let synonym = SYNONYMS.iter().find(|(_, words)| words.contains(&key.as_str()));
        let name = if defaults.contains_key(&key) {
            key.as_str()
        } else {
            synonym.map_or(key.as_str(), |(name, _)| name)
        };
        if defaults.contains_key(name) {
            let value = match value.as_u64() {
                // A classifier's classes are its findings, those of sigmoids the organs; here they count the
                // background everywhere.
                Some(n) if spec.published.leaves_background_out() && name == "n_classes" => (n + 1).into(),
                _ => value.clone(),
            };
            config_map.insert(name.to_owned(), value);
        }
    }
    config
}

/// Outputs as the reference gives them.
fn reference_outputs<const D: usize>(
    published: Published,
    outputs: Outputs<D>,
) -> Result<Vec<NamedTensor>, String> {
    let Outputs { logits, detection, auxiliary } = outputs;
    let mut all = match published {
        Published::Logits | Published::SigmoidLogits => {
            std::iter::once(logits).chain(auxiliary).map(NamedTensor::read).collect::<Result<_, _>>()?
        }
        Published::LogProbabilities => vec![NamedTensor::read(log_softmax(logits, 1))?],
        Published::Sigmoid => vec![NamedTensor::read(sigmoid(logits.clone()))?, NamedTensor::read(logits)?],
        Published::Findings => vec![],
    };
    match (published, detection) {
        (Published::Findings, Some(found)) => all.push(NamedTensor::read(found)?),
        (_, Some(found)) => {
            let mut found = NamedTensor::read(sigmoid(found))?;
            // The reference squeezes the batch of one away.
            if found.shape[0] == 1 {
                found.shape.remove(0);
            }
            all.push(found);
        }
        (_, None) => {}
    }
    Ok(all)
}

/// The largest difference as a share of the tolerance, or what is too far off.
fn compare(expected: &Expected, found: &NamedTensor, tolerance: f64) -> Result<f64, String> {
    if expected.shape != found.shape {
        return Err(format!("shape {:?} and not {:?}", found.shape, expected.shape));
    }
    let n = found.values.len().max(1) as f64;
    let values = || found.values.iter().map(|&v| f64::from(v));
    let mean = values().sum::<f64>() / n;
    let std = (values().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let (min, max) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let summary = [
        ("mean", mean, expected.mean),
        ("std", std, expected.std),
        ("min", min, expected.min),
        ("max", max, expected.max),
    ];
    let summary = summary.map(|(what, got, want)| (what.to_owned(), got, want));
    let samples = expected.samples.iter().map(|&(i, want)| {
        let got = found.values.get(i).map_or(f64::NAN, |&v| f64::from(v));
        (format!("element {i}"), got, want)
    });
    let mut worst = 0.0f64;
    for (what, got, want) in summary.into_iter().chain(samples) {
        let share = (got - want).abs() / tolerance;
        if share.is_nan() || share > 1.0 {
            return Err(format!("{what} is {got} and should be {want} ± {tolerance:e}"));
        }
        worst = worst.max(share);
    }
    Ok(worst)
}

fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Element `i` of a stream, in [-1, 1): splitmix64 from the seed, 24 bits.
fn element(seed: u64, i: u64) -> f64 {
    let mut z = seed.wrapping_add((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    2.0 * ((z >> 40) as f64 / 16_777_216.0) - 1.0
}

/// A parameter or buffer by the fill rule: computed in f64, rounded once.
pub fn fill(name: &str, shape: &[usize], gain_squared: f64) -> Vec<f32> {
    let seed = name_hash(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    let scale = (3.0 * gain_squared / count(shape.get(1..).unwrap_or_default()) as f64).sqrt();
    let value = |v: f64| match (last, shape.len()) {
        ("running_mean", _) => 0.1 * v,
        ("running_var", _) => 1.0 + 0.25 * v.abs(),
        (_, 2..) => v * scale,
        ("weight" | "gamma", 1) => 1.0 + 0.1 * v,
        _ => 0.1 * v,
    };
    (0..count(shape) as u64).map(|i| value(element(seed, i)) as f32).collect()
}

/// A named input.
pub fn fill_input(name: &str, count: usize) -> Vec<f32> {
    let seed = name_hash(name);
    (0..count as u64).map(|i| element(seed, i) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of the fill rule.
    #[test]
    fn the_fill_rule_gives_its_examples() {
        let first = |name: &str, shape: &[usize]| fill(name, shape, 1.0)[..4].to_vec();
        assert_eq!(
            first("inc.double_conv.0.weight", &[64, 3, 3, 3]),
            [0.001_545_468_9, -0.238_117_29, -0.271_789_8, 0.103_409_53]
        );
        assert_eq!(
            first("inc.double_conv.1.weight", &[64]),
            [0.975_761_65, 0.957_961_56, 1.068_492_4, 0.914_578_3]
        );
        assert_eq!(
            first("inc.double_conv.1.running_var", &[64]),
            [1.088_645_2, 1.057_033_8, 1.213_501_1, 1.221_824]
        );
        assert_eq!(fill_input("input", 4), [-0.804_363_37, 0.304_720_76, -0.592_751_5, -0.451_110_72]);
    }
}
