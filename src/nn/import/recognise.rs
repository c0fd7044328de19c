//! Which network weights belong to, by names and shapes.

use super::super::{MODELS, ModelSpec, NamedTensors};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

/// A network that has exactly these tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Recognised {
    pub network: &'static str,
    /// The options that differ from the defaults.
    pub config: Value,
}

/// Shapes by name.
type Shapes = BTreeMap<String, Vec<usize>>;

fn shapes_of(tensors: &NamedTensors) -> Shapes {
    tensors.iter().map(|(name, t)| (name.clone(), t.shape.clone())).collect()
}

/// The options under which a network has exactly these tensors, or the first differences.
pub fn fit_network(spec: &'static ModelSpec, tensors: &NamedTensors) -> Result<Recognised, String> {
    let found = shapes_of(tensors);
    let start = shapes(spec, &Map::new()).unwrap_or_default();
    let (config, fitted) = fit(spec, start, &found);
    match differences(&fitted, &found)[..] {
        [] => Ok(Recognised { network: spec.id, config: Value::Object(config) }),
        ref lines => Err(format!("the weights do not fit {}: {}", spec.id, lines.join("; "))),
    }
}

/// The network and the options under which every name and shape fits, or the nearest one and the first differences.
pub fn recognise(tensors: &NamedTensors) -> Result<Recognised, String> {
    let found = shapes_of(tensors);
    let mut nearest: Option<(usize, &'static ModelSpec, Shapes)> = None;
    for (spec, start) in defaults() {
        let spec = *spec;
        // Only a network that shares names with the file is worth fitting.
        let common = found.keys().filter(|name| start.contains_key(*name)).count();
        if 2 * common < found.len().min(start.len()) {
            continue;
        }
        let (config, fitted) = fit(spec, start.clone(), &found);
        let off = distance(&fitted, &found);
        if off == 0 {
            return Ok(Recognised { network: spec.id, config: Value::Object(config) });
        }
        if nearest.as_ref().is_none_or(|(least, ..)| off < *least) {
            nearest = Some((off, spec, fitted));
        }
    }
    Err(match nearest {
        Some((_, spec, fitted)) => {
            format!(
                "no network fits; the nearest is {}: {}",
                spec.id,
                differences(&fitted, &found).join("; ")
            )
        }
        None => {
            let names: Vec<&str> = found.keys().take(3).map(String::as_str).collect();
            format!("no network has tensors of such names ({}, …)", names.join(", "))
        }
    })
}

/// Every network with what its default configuration has.
fn defaults() -> &'static [(&'static ModelSpec, Shapes)] {
    static DEFAULTS: OnceLock<Vec<(&'static ModelSpec, Shapes)>> = OnceLock::new();
    DEFAULTS.get_or_init(|| {
        MODELS.iter().filter_map(|&spec| shapes(spec, &Map::new()).map(|shapes| (spec, shapes))).collect()
    })
}

fn shapes(spec: &ModelSpec, config: &Map<String, Value>) -> Option<Shapes> {
    let all = spec.parameters(&Value::Object(config.clone())).ok()?;
    Some(all.into_iter().map(|p| (p.name, p.shape)).collect())
}

/// Tensors of either side that the other has not or has in another shape.
fn distance(a: &Shapes, b: &Shapes) -> usize {
    let one_way =
        |a: &Shapes, b: &Shapes| a.iter().filter(|(name, shape)| b.get(*name) != Some(shape)).count();
    one_way(a, b) + one_way(b, a)
}

/// The first names and shapes that differ: some of each kind.
fn differences(expected: &Shapes, found: &Shapes) -> Vec<String> {
    const OF_EACH: usize = 2;
    let other = expected.iter().filter_map(|(name, e)| match found.get(name) {
        Some(f) if f != e => Some(format!("{name} is {f:?} and should be {e:?}")),
        _ => None,
    });
    let missing = expected.iter().filter(|(name, _)| !found.contains_key(*name));
    let missing = missing.map(|(name, shape)| format!("{name} {shape:?} is missing"));
    let extra = found.iter().filter(|(name, _)| !expected.contains_key(*name));
    let extra = extra.map(|(name, shape)| format!("{name} {shape:?} is left over"));
    other.take(OF_EACH).chain(missing.take(OF_EACH)).chain(extra.take(OF_EACH)).collect()
}

/// Turns one option after the other to the value under which fewest tensors differ, as long as that helps.
fn fit(spec: &ModelSpec, start: Shapes, found: &Shapes) -> (Map<String, Value>, Shapes) {
    let (mut config, mut best) = (Map::new(), start);
    let defaults = spec.default_config();
    let Some(options) = defaults.as_object() else { return (config, best) };
    loop {
        let before = distance(&best, found);
        for (key, default) in options {
            let choices = spec.choices().iter().find(|(name, _)| name == key).map(|(_, values)| *values);
            let candidates: Vec<Value> = match (default.as_u64(), choices) {
                (_, Some(values)) => values.iter().map(|&v| Value::from(v)).collect(),
                _ if default.is_boolean() => vec![Value::from(false), Value::from(true)],
                (Some(default), _) => {
                    let now = config.get(key).and_then(Value::as_u64).unwrap_or(default);
                    numbers(now as usize, &best, found).into_iter().map(Value::from).collect()
                }
                _ => {
                    let now: Vec<usize> = counts(config.get(key).unwrap_or(default));
                    let first = now.first().copied().unwrap_or(0);
                    let scaled = |n: usize| now.iter().map(|&c| c * n / first).collect::<Vec<_>>().into();
                    if first == 0 {
                        vec![]
                    } else {
                        numbers(first, &best, found).into_iter().map(scaled).collect()
                    }
                }
            };
            for value in candidates {
                let mut tried = config.clone();
                if value == *default {
                    tried.remove(key);
                } else {
                    tried.insert(key.clone(), value);
                }
                if tried == config {
                    continue;
                }
                if let Some(shapes) = shapes(spec, &tried)
                    && distance(&shapes, found) < distance(&best, found)
                {
                    (config, best) = (tried, shapes);
                }
            }
        }
        let after = distance(&best, found);
        if after == 0 || after == before {
            return (config, best);
        }
    }
}

/// An option that is a list of numbers, the channels of each level for example; they grow together.
fn counts(value: &Value) -> Vec<usize> {
    let number = |n: &Value| n.as_u64().map(|n| n as usize);
    value.as_array().and_then(|list| list.iter().map(number).collect()).unwrap_or_default()
}

/// What an option that counts something may be, from the lengths that differ while it is `now`.
fn numbers(now: usize, best: &Shapes, found: &Shapes) -> BTreeSet<usize> {
    let differing = found.iter().filter_map(|(name, f)| Some((f, best.get(name)?)));
    let differing = differing.flat_map(|(f, b)| f.iter().zip(b).filter(|(f, b)| f != b));
    let lengths = differing.filter(|(f, b)| **f > 0 && **b > 0).flat_map(|(&f, &b)| {
        // The length itself; classes less the background; lengths that grow with the option, and those that it divides.
        let with = (now * f).is_multiple_of(b).then(|| now * f / b);
        let against = (now * b).is_multiple_of(f).then(|| now * b / f);
        [Some(f), Some(f + 1), with, against]
    });
    const LARGEST: usize = 128;
    lengths.flatten().filter(|&n| n <= LARGEST).collect()
}
