//! What a loss is beside its formula: its name, its parameters, and how a term of it is written and kept.

use super::{Loss, Weighted, compare::Comparison, terms::LOSSES};
use burn::tensor::Tensor;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, de::Error, ser::SerializeMap,
};
use serde_json::{Map, Value};
use std::fmt;

/// One kind of loss, an entry of [`LOSSES`].
pub struct LossSpec {
    /// As expressions and files have it: `focal`.
    pub name: &'static str,
    /// What files of earlier versions call it, where that is something else.
    pub formerly: Option<&'static str>,
    /// What it is, in one sentence.
    pub about: &'static str,
    /// An expression that uses it, with other numbers than the defaults: what tests try.
    pub example: &'static str,
    /// Whether it is made of another loss, which stands first in its brackets: `deep(ce)`.
    pub of_loss: bool,
    pub numbers: &'static [Number],
    /// Numbers after those, of which there may be any count.
    pub list: Option<List>,
    /// Whether it learns from a teacher's logits ([`super::Targets::with_teacher`]).
    pub distils: bool,
    /// Whether its gradient jumps, because it chooses pixels by their values.
    pub jumps: bool,
    /// The loss, `[1]`; `None` where it does not apply to the network or the batch.
    pub(super) compute: fn(&Arguments, &Comparison<'_>) -> Option<Tensor<1>>,
}

/// A parameter of a loss.
pub struct Number {
    pub name: &'static str,
    pub default: f32,
    /// The least and the largest value.
    pub range: [f32; 2],
}

/// A parameter that is a list of numbers.
pub struct List {
    pub name: &'static str,
    /// The least and the largest value of each.
    pub range: [f32; 2],
}

pub(super) const SHARE: [f32; 2] = [0.0, 1.0];
pub(super) const FACTOR: [f32; 2] = [0.0, f32::MAX];
pub(super) const EXPONENT: [f32; 2] = [0.0, 10.0];

pub(super) const fn number(name: &'static str, default: f32, range: [f32; 2]) -> Number {
    Number { name, default, range }
}

/// The values of a term's parameters.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Arguments {
    pub loss: Loss,
    /// As many as the loss has.
    pub numbers: Vec<f32>,
    pub list: Vec<f32>,
}

impl Arguments {
    /// The numbers in the order of the loss's parameters.
    pub fn numbers<const N: usize>(&self) -> [f32; N] {
        std::array::from_fn(|i| self.numbers.get(i).copied().unwrap_or_default())
    }
}

impl LossSpec {
    /// A loss without parameters, for entries to begin with.
    pub(super) const PLAIN: LossSpec = LossSpec {
        name: "",
        formerly: None,
        about: "",
        example: "",
        of_loss: false,
        numbers: &[],
        list: None,
        distils: false,
        jumps: false,
        compute: |_, _| None,
    };

    /// A term of it, with the defaults.
    pub fn term(&'static self) -> Term {
        let numbers = self.numbers.iter().map(|n| n.default).collect();
        Term { spec: self, arguments: Arguments { numbers, ..Arguments::default() } }
    }

    /// A term of it with the first of its numbers as given, the others at their defaults.
    pub fn with(&'static self, numbers: &[f32]) -> Term {
        let mut term = self.term();
        term.arguments.numbers.iter_mut().zip(numbers).for_each(|(own, given)| *own = *given);
        term
    }

    /// A term of it with a list of numbers.
    pub fn with_list(&'static self, list: impl Into<Vec<f32>>) -> Term {
        let mut term = self.term();
        term.arguments.list = list.into();
        term
    }
}

/// The loss of that name, or that earlier versions gave that name.
pub(super) fn find(name: &str) -> Option<&'static LossSpec> {
    LOSSES.iter().copied().find(|spec| spec.name == name || spec.formerly == Some(name))
}

/// Says why a number is none for a parameter of this range, if so.
pub(super) fn check(value: f32, range: [f32; 2]) -> Result<(), String> {
    match (range[0]..=range[1]).contains(&value) {
        true => Ok(()),
        false => Err(format!("{value} is not between {} and {}", range[0], range[1])),
    }
}

/// A loss with the values of its parameters.
#[derive(Clone)]
pub struct Term {
    pub(super) spec: &'static LossSpec,
    pub(super) arguments: Arguments,
}

impl Term {
    pub fn spec(&self) -> &'static LossSpec {
        self.spec
    }

    /// Whether it learns from a teacher's logits, itself or the loss that it is made of.
    pub fn distils(&self) -> bool {
        self.spec.distils || self.arguments.loss.distils()
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.spec.name == other.spec.name && self.arguments == other.arguments
    }
}

/// As an expression has it, without what is at its default.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spec, Arguments { loss, numbers, list }) = (self.spec, &self.arguments);
        let mut inside: Vec<String> = vec![];
        if spec.of_loss {
            inside.push(loss.to_string());
        }
        let changed = spec.numbers.iter().zip(numbers).filter(|(n, value)| n.default != **value);
        inside.extend(changed.map(|(n, value)| format!("{}={value}", n.name)));
        inside.extend(list.iter().map(f32::to_string));
        if inside.is_empty() {
            f.write_str(spec.name)
        } else {
            write!(f, "{}({})", spec.name, inside.join(","))
        }
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `{"weight": 1.0, "term": "focal", "alpha": 0.5, "gamma": 2.0}`: every parameter by its name.
impl Serialize for Weighted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Term { spec, arguments } = &self.term;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("weight", &self.weight)?;
        map.serialize_entry("term", spec.name)?;
        if spec.of_loss {
            map.serialize_entry("loss", &arguments.loss)?;
        }
        for (number, value) in spec.numbers.iter().zip(&arguments.numbers) {
            map.serialize_entry(number.name, value)?;
        }
        if let Some(list) = &spec.list {
            map.serialize_entry(list.name, &arguments.list)?;
        }
        map.end()
    }
}

/// The same, with the defaults for parameters that are not there.
impl<'de> Deserialize<'de> for Weighted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_fields(Map::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Weighted {
    fn from_fields(mut fields: Map<String, Value>) -> Result<Self, String> {
        let weight = field(&mut fields, "weight")?.ok_or("a term of a loss has a weight")?;
        let name: String =
            field(&mut fields, "term")?.ok_or("a term of a loss says under \"term\" what it is")?;
        let spec = find(&name).ok_or_else(|| super::ParseError::Unknown { word: name }.to_string())?;
        let mut term = spec.term();
        if spec.of_loss {
            term.arguments.loss = field(&mut fields, "loss")?.unwrap_or_default();
        }
        for (own, number) in term.arguments.numbers.iter_mut().zip(spec.numbers) {
            if let Some(value) = field(&mut fields, number.name)? {
                check(value, number.range)?;
                *own = value;
            }
        }
        if let Some(list) = &spec.list {
            term.arguments.list = field(&mut fields, list.name)?.unwrap_or_default();
            term.arguments.list.iter().try_for_each(|value| check(*value, list.range))?;
        }
        Ok(Self { weight, term })
    }
}

/// A field of a term, where it is there.
fn field<T: DeserializeOwned>(fields: &mut Map<String, Value>, name: &str) -> Result<Option<T>, String> {
    let value = fields.remove(name).map(serde_json::from_value);
    value.transpose().map_err(|e| format!("{name}: {e}"))
}
