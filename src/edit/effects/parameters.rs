//! What an effect can be told, as data.

use crate::label::{LabelId, LabelTable};
use std::{collections::BTreeMap, fmt};

/// One thing that an effect can be told.
#[derive(Debug)]
pub struct Parameter {
    /// Its name on the command line and in saved commands.
    pub key: &'static str,
    pub title: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// It counts only where this choice is set to one of these; `None`: always.
    pub when: Option<(&'static str, &'static [&'static str])>,
    pub kind: Kind,
}

impl Parameter {
    /// Its help, and when it counts: "With keep=large: parts of fewer voxels are taken away."
    pub fn whole_help(&self) -> String {
        let Some((key, options)) = self.when else { return self.help.to_owned() };
        let mut help = self.help.chars();
        let first = help.next().map(char::to_lowercase).into_iter().flatten();
        let rest: String = first.chain(help).collect();
        format!("With {key}={}: {rest}", options.join(" or "))
    }

    /// Whether it counts, as others are set; `set`: what a key is set to.
    pub fn counts<'a>(&self, set: impl FnOnce(&'static str) -> &'a str) -> bool {
        self.when.is_none_or(|(key, options)| options.contains(&set(key)))
    }
}

#[derive(Debug)]
pub enum Kind {
    /// One of these: id and title. The first one unless told otherwise.
    Choice(&'static [(&'static str, &'static str)]),
    /// A number within `range`, both ends included.
    Number { default: Option<f64>, range: [f64; 2], whole: bool, unit: &'static str },
    /// Yes or no.
    Switch(bool),
    /// A label, by its name or its number. None unless told.
    Label,
    /// A voxel: column, row and slice, from 0. None unless told.
    Voxel,
    /// Places as pairs or triples of numbers. None unless told.
    Points,
}

impl Kind {
    /// What it takes, in words.
    pub fn takes(&self) -> String {
        match self {
            Kind::Choice(options) => {
                format!("one of {}", options.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", "))
            }
            Kind::Number { range: [low, high], whole, unit, .. } => {
                let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
                let what = if *whole { "a whole number" } else { "a number" };
                if *high >= 1e9 && *low <= -1e9 {
                    return format!("{what}{unit}");
                }
                format!("{what} from {low} to {high}{unit}")
            }
            Kind::Switch(_) => "yes or no".to_owned(),
            Kind::Label => "the name or the number of a label".to_owned(),
            Kind::Voxel => "three whole numbers, COLUMN,ROW,SLICE, from 0".to_owned(),
            Kind::Points => "places, each of two or three numbers with commas, and blanks between".to_owned(),
        }
    }

    /// What it is unless told, in words; empty where it is nothing.
    pub fn default_text(&self) -> String {
        match self {
            Kind::Choice(options) => options.first().map_or("", |(id, _)| id).to_owned(),
            Kind::Number { default, .. } => default.map_or_else(String::new, |number| number.to_string()),
            Kind::Switch(on) => if *on { "yes" } else { "no" }.to_owned(),
            Kind::Label | Kind::Voxel | Kind::Points => String::new(),
        }
    }
}

/// What was said is not what a parameter takes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct ParameterError(String);

impl ParameterError {
    pub(super) fn unknown_effect(id: &str) -> Self {
        let known: Vec<&str> = super::EFFECTS.iter().map(|effect| effect.id).collect();
        Self(format!("there is no effect {id}; there are {}", known.join(", ")))
    }

    /// With the effect in front.
    pub(super) fn of(self, effect: &super::Effect) -> Self {
        Self(format!("{}: {}", effect.id, self.0))
    }
}

/// A label by its name, or by its number, which need not be in the table.
fn known_label(text: &str, labels: &LabelTable) -> Option<LabelId> {
    let id = labels.by_name(text).map(|label| label.id);
    id.or_else(|| text.parse().ok().filter(|id| (1..LabelId::MAX).contains(id)))
}

/// A label by its name, or by its number, which need not be in the table; or an error that lists those that are.
pub fn label_named(text: &str, labels: &LabelTable) -> Result<LabelId, ParameterError> {
    let unknown = || match text.parse() {
        Ok(0) => "0 is background, which is no label".to_owned(),
        _ if labels.is_empty() => {
            format!("there is no label {text}: the mask has none; a new label is given by its number")
        }
        _ => {
            let known = names_of(labels);
            format!("there is no label {text}: there are {known}; a new label is given by its number")
        }
    };
    known_label(text, labels).ok_or_else(|| ParameterError(unknown()))
}

/// "liver (1), spleen (2)"
pub fn names_of(labels: &LabelTable) -> String {
    labels.iter().map(|label| format!("{} ({})", label.name, label.id)).collect::<Vec<_>>().join(", ")
}

/// A value for each parameter of one effect that has one.
#[derive(Clone, Debug, PartialEq)]
pub struct Values(BTreeMap<&'static str, Value>);

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Choice(&'static str),
    Number(f64),
    Switch(bool),
    Label(LabelId),
    Voxel([usize; 3]),
    Points(Vec<[f64; 3]>),
}

impl Parameter {
    fn default_value(&self) -> Option<Value> {
        match self.kind {
            Kind::Choice(options) => Some(Value::Choice(options.first().map_or("", |(id, _)| id))),
            Kind::Number { default, .. } => default.map(Value::Number),
            Kind::Switch(on) => Some(Value::Switch(on)),
            Kind::Label | Kind::Voxel | Kind::Points => None,
        }
    }

    fn value(&self, text: &str, labels: &LabelTable) -> Result<Value, ParameterError> {
        let text = text.trim();
        let wrong = |more: fmt::Arguments<'_>| {
            ParameterError(format!("{}={text}: {} is {}{more}", self.key, self.key, self.kind.takes()))
        };
        let read = match self.kind {
            Kind::Choice(options) => {
                options.iter().map(|(id, _)| *id).find(|id| *id == text).map(Value::Choice)
            }
            Kind::Number { range: [low, high], whole, .. } => {
                let number = text.parse::<f64>().ok().filter(|n| *n >= low && *n <= high);
                number.filter(|n| !whole || n.fract() == 0.0).map(Value::Number)
            }
            Kind::Switch(_) => match text {
                "yes" | "true" | "on" => Some(Value::Switch(true)),
                "no" | "false" | "off" => Some(Value::Switch(false)),
                _ => None,
            },
            Kind::Label => {
                let Some(id) = known_label(text, labels) else {
                    return Err(wrong(format_args!("; there are {}", names_of(labels))));
                };
                Some(Value::Label(id))
            }
            Kind::Voxel => {
                let numbers: Option<Vec<usize>> =
                    text.split(',').map(|part| part.trim().parse().ok()).collect();
                numbers.and_then(|numbers| <[usize; 3]>::try_from(numbers).ok()).map(Value::Voxel)
            }
            Kind::Points => text.split_whitespace().map(point).collect::<Option<Vec<_>>>().map(Value::Points),
        };
        read.ok_or_else(|| wrong(format_args!("")))
    }
}

/// Two or three numbers; the third is 0 unless it is there.
fn point(text: &str) -> Option<[f64; 3]> {
    let numbers: Option<Vec<f64>> =
        text.split(',').map(|part| part.parse().ok().filter(|n: &f64| n.is_finite())).collect();
    match numbers?[..] {
        [x, y] => Some([x, y, 0.0]),
        [x, y, z] => Some([x, y, z]),
        _ => None,
    }
}

impl Values {
    /// The defaults, with what was said instead of some of them: pairs of key and value. Labels are told by their names in the
    /// table, or by their numbers.
    pub fn new<'a>(
        parameters: &[Parameter],
        said: impl IntoIterator<Item = (&'a str, &'a str)>,
        labels: &LabelTable,
    ) -> Result<Self, ParameterError> {
        let mut values: BTreeMap<_, _> =
            parameters.iter().filter_map(|p| Some((p.key, p.default_value()?))).collect();
        for (key, text) in said {
            let Some(parameter) = parameters.iter().find(|p| p.key == key) else {
                let known: Vec<&str> = parameters.iter().map(|p| p.key).collect();
                return Err(ParameterError(format!("there is no {key}; there are {}", known.join(", "))));
            };
            values.insert(parameter.key, parameter.value(text, labels)?);
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

    /// A number that was said, or the default where there is one.
    pub fn given(&self, key: &str) -> Option<f64> {
        match self.0.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// 0 of a key that is no number of the effect, or has none.
    pub fn number(&self, key: &str) -> f64 {
        self.given(key).unwrap_or(0.0)
    }

    /// Two numbers as a range that is open where one of them was not said; none where neither was.
    pub fn range(&self, low: &str, high: &str) -> Option<[f64; 2]> {
        let [low, high] = [low, high].map(|key| self.given(key));
        (low.is_some() || high.is_some())
            .then_some([low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY)])
    }

    pub fn is_on(&self, key: &str) -> bool {
        self.0.get(key) == Some(&Value::Switch(true))
    }

    pub fn label(&self, key: &str) -> Option<LabelId> {
        match self.0.get(key) {
            Some(Value::Label(id)) => Some(*id),
            _ => None,
        }
    }

    pub fn voxel(&self, key: &str) -> Option<[usize; 3]> {
        match self.0.get(key) {
            Some(Value::Voxel(voxel)) => Some(*voxel),
            _ => None,
        }
    }

    /// Empty where none were said.
    pub fn points(&self, key: &str) -> &[[f64; 3]] {
        match self.0.get(key) {
            Some(Value::Points(points)) => points,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: &[Parameter] = &[
        Parameter {
            key: "mode",
            title: "",
            help: "",
            when: None,
            kind: Kind::Choice(&[("a", "A"), ("b", "B")]),
        },
        Parameter {
            key: "size",
            title: "",
            help: "",
            when: None,
            kind: Kind::Number { default: Some(5.0), range: [1.0, 10.0], whole: true, unit: "voxels" },
        },
        Parameter {
            key: "low",
            title: "",
            help: "",
            when: None,
            kind: Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "" },
        },
        Parameter { key: "on", title: "", help: "", when: None, kind: Kind::Switch(false) },
        Parameter { key: "with", title: "", help: "", when: None, kind: Kind::Label },
        Parameter { key: "at", title: "", help: "", when: None, kind: Kind::Voxel },
        Parameter { key: "outline", title: "", help: "", when: None, kind: Kind::Points },
    ];

    #[test]
    fn values_are_the_defaults_and_what_was_said() {
        let labels = LabelTable::named(&["liver", "left kidney"]);
        let values =
            |said: &[(&'static str, &'static str)]| Values::new(PARAMETERS, said.iter().copied(), &labels);
        let plain = values(&[]).unwrap();
        assert_eq!((plain.choice("mode"), plain.number("size")), ("a", 5.0));
        assert_eq!((plain.given("low"), plain.label("with"), plain.voxel("at")), (None, None, None));
        assert_eq!((plain.is_on("on"), plain.range("low", "none")), (false, None));
        let said = values(&[
            ("size", "7"),
            ("mode", "b"),
            ("low", "-2.5"),
            ("on", "yes"),
            ("with", "left kidney"),
            ("at", "3, 4,5"),
            ("outline", "1,2 3.5,4"),
        ])
        .unwrap();
        assert_eq!((said.choice("mode"), said.number("size"), said.is_on("on")), ("b", 7.0, true));
        assert_eq!(said.range("low", "none"), Some([-2.5, f64::INFINITY]));
        assert_eq!((said.label("with"), said.voxel("at")), (Some(2), Some([3, 4, 5])));
        assert_eq!(said.points("outline"), [[1.0, 2.0, 0.0], [3.5, 4.0, 0.0]]);
        assert_eq!(values(&[("with", "9")]).unwrap().label("with"), Some(9));
        for (said, words) in [
            (("mode", "c"), "one of a, b"),
            (("size", "1.5"), "a whole number from 1 to 10"),
            (("size", "11"), "from 1 to 10"),
            (("size", "NaN"), "from 1 to 10"),
            (("on", "maybe"), "yes or no"),
            (("with", "spleen"), "there are liver (1), left kidney (2)"),
            (("at", "1,2"), "COLUMN,ROW,SLICE"),
            (("outline", "1,2 3"), "two or three numbers"),
            (("width", "7"), "there is no width; there are mode, size"),
        ] {
            let told = values(&[said]).unwrap_err().to_string();
            assert!(told.contains(words), "{told}");
        }
    }
}
