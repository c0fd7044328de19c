//! What an effect can be told, as data.

use std::{collections::BTreeMap, fmt};

/// One thing that an effect can be told.
#[derive(Debug)]
pub struct Parameter {
    /// Its name on the command line and in saved commands.
    pub key: &'static str,
    pub title: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    /// One of these: id and title. The first one unless told otherwise.
    Choice(&'static [(&'static str, &'static str)]),
    /// A number within `range`, both ends included.
    Number { default: f64, range: [f64; 2], whole: bool, unit: &'static str },
}

/// What was said is not what a parameter takes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct ParameterError(String);

/// A value for each parameter of one effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Values(BTreeMap<&'static str, Value>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Value {
    Choice(&'static str),
    Number(f64),
}

impl Parameter {
    fn default_value(&self) -> Value {
        match self.kind {
            Kind::Choice(options) => Value::Choice(options.first().map_or("", |(id, _)| id)),
            Kind::Number { default, .. } => Value::Number(default),
        }
    }

    fn value(&self, text: &str) -> Result<Value, ParameterError> {
        let wrong = |takes: fmt::Arguments<'_>| {
            ParameterError(format!("{}={text}: {} is {takes}", self.key, self.key))
        };
        match self.kind {
            Kind::Choice(options) => {
                let ids: Vec<&str> = options.iter().map(|(id, _)| *id).collect();
                let found = ids.iter().find(|id| **id == text);
                found
                    .map(|id| Value::Choice(id))
                    .ok_or_else(|| wrong(format_args!("one of {}", ids.join(", "))))
            }
            Kind::Number { range: [low, high], whole, .. } => {
                let number = text.trim().parse::<f64>().ok().filter(|n| *n >= low && *n <= high);
                let what = if whole { "a whole number" } else { "a number" };
                number
                    .filter(|n| !whole || n.fract() == 0.0)
                    .map(Value::Number)
                    .ok_or_else(|| wrong(format_args!("{what} from {low} to {high}")))
            }
        }
    }
}

impl Values {
    /// The defaults, with what was said instead of some of them: pairs of key and value.
    pub fn new<'a>(
        parameters: &[Parameter],
        said: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, ParameterError> {
        let mut values: BTreeMap<_, _> = parameters.iter().map(|p| (p.key, p.default_value())).collect();
        for (key, text) in said {
            let Some(parameter) = parameters.iter().find(|p| p.key == key) else {
                let known: Vec<&str> = parameters.iter().map(|p| p.key).collect();
                return Err(ParameterError(format!("there is no {key}; there are {}", known.join(", "))));
            };
            values.insert(parameter.key, parameter.value(text)?);
        }
        Ok(Self(values))
    }

    /// The id that was chosen; empty of a key that is no choice of the effect.
    pub fn choice(&self, key: &str) -> &'static str {
        match self.0.get(key) {
            Some(Value::Choice(id)) => id,
            _ => "",
        }
    }

    /// 0 of a key that is no number of the effect.
    pub fn number(&self, key: &str) -> f64 {
        match self.0.get(key) {
            Some(Value::Number(number)) => *number,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &[Parameter] = &[
        Parameter { key: "mode", title: "", help: "", kind: Kind::Choice(&[("a", "A"), ("b", "B")]) },
        Parameter {
            key: "size",
            title: "",
            help: "",
            kind: Kind::Number { default: 5.0, range: [1.0, 10.0], whole: true, unit: "voxels" },
        },
    ];

    #[test]
    fn values_are_the_defaults_and_what_was_said() {
        let values = Values::new(PARAMETERS, []).unwrap();
        assert_eq!((values.choice("mode"), values.number("size")), ("a", 5.0));
        let values = Values::new(PARAMETERS, [("size", "7"), ("mode", "b")]).unwrap();
        assert_eq!((values.choice("mode"), values.number("size")), ("b", 7.0));
        for (said, words) in [
            (("mode", "c"), "one of a, b"),
            (("size", "1.5"), "a whole number from 1 to 10"),
            (("size", "11"), "from 1 to 10"),
            (("size", "NaN"), "from 1 to 10"),
            (("width", "7"), "there is no width; there are mode, size"),
        ] {
            let told = Values::new(PARAMETERS, [said]).unwrap_err().to_string();
            assert!(told.contains(words), "{told}");
        }
    }
}
