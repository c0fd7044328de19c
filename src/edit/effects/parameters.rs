//! What an effect can be told, as data.

use crate::label::{LabelId, LabelTable};
use std::collections::BTreeMap;

/// One thing that an effect can be told.
#[derive(Debug)]
pub struct Parameter {
    /// Its name on the command line and in saved commands.
    pub key: &'static str,
    pub title: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// It counts only where this choice (or switch: yes, no) is set to one of these; `None`: always.
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

fn yes_or_no(on: bool) -> &'static str {
    if on { "yes" } else { "no" }
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
            Kind::Switch(on) => yes_or_no(*on).to_owned(),
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
    let number = || text.parse().ok().filter(|&id| is_number_of_label(id) || labels.get(id).is_some());
    labels.by_name(text).map(|label| label.id).or_else(number)
}

/// Whether a new label may have this number.
fn is_number_of_label(id: LabelId) -> bool {
    (1..LabelId::MAX).contains(&id)
}

/// Why a text is no label; `labels`: those that there are, where they are known.
fn no_label(text: &str, labels: Option<&LabelTable>) -> String {
    match (text.parse::<f64>(), labels) {
        (Ok(0.0), _) => "0 is background, which is no label".to_owned(),
        (Ok(_), _) => {
            format!("{text} is no label: their numbers are whole ones from 1 to {}", LabelId::MAX - 1)
        }
        (_, None) => format!("{text} is no label"),
        (_, Some(labels)) if labels.is_empty() => {
            format!("there is no label {text}: the mask has none; a new label is given by its number")
        }
        (_, Some(labels)) => format!(
            "there is no label {text}: there are {}; a new label is given by its number",
            names_of(labels)
        ),
    }
}

/// A label by its name, or by its number, which need not be in the table; or an error that lists those that are.
pub fn label_named(text: &str, labels: &LabelTable) -> Result<LabelId, ParameterError> {
    known_label(text, labels).ok_or_else(|| ParameterError(no_label(text, Some(labels))))
}

/// An error where a text can be no label of any mask. Names are known only with a mask.
pub(super) fn check_label(text: &str) -> Result<(), ParameterError> {
    match text.parse::<f64>() {
        Ok(_) if !text.parse().is_ok_and(is_number_of_label) => Err(ParameterError(no_label(text, None))),
        _ => Ok(()),
    }
}

/// So many labels are named in a message.
const NAMED: usize = 10;

/// "liver (1), spleen (2)"
pub fn names_of(labels: &LabelTable) -> String {
    let mut names: Vec<String> =
        labels.iter().take(NAMED).map(|label| format!("{} ({})", label.name, label.id)).collect();
    if labels.len() > NAMED {
        names.push(format!("and {} more", labels.len() - NAMED));
    }
    names.join(", ")
}

/// A finite number as people write it, with a point; or what is wrong with it.
pub fn number(text: &str) -> Result<f64, String> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!("{text} is no number that can be compared")),
        Err(_) if text.matches(',').count() == 1 && text.replace(',', ".").parse::<f64>().is_ok() => {
            Err(format!("write {}, with a point", text.replace(',', ".")))
        }
        Err(_) => Err(format!("{text} is no number")),
    }
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

    /// Without labels, whatever may be one is right, and has no value.
    fn value(&self, text: &str, labels: Option<&LabelTable>) -> Result<Option<Value>, ParameterError> {
        let text = text.trim();
        let wrong = |more: &str| {
            let more = if more.is_empty() { String::new() } else { format!("; {more}") };
            ParameterError(format!("{}={text}: {} is {}{more}", self.key, self.key, self.kind.takes()))
        };
        let read = match self.kind {
            Kind::Choice(options) => {
                options.iter().map(|(id, _)| *id).find(|id| *id == text).map(Value::Choice)
            }
            Kind::Number { range: [low, high], whole, .. } => {
                let number = number(text).map_err(|why| wrong(&why))?;
                let fits = number >= low && number <= high && (!whole || number.fract() == 0.0);
                fits.then_some(Value::Number(number))
            }
            Kind::Switch(_) => match text {
                "yes" | "true" | "on" => Some(Value::Switch(true)),
                "no" | "false" | "off" => Some(Value::Switch(false)),
                _ => None,
            },
            Kind::Label => {
                let Some(labels) = labels else {
                    return check_label(text).map(|()| None).map_err(|why| wrong(&why.0));
                };
                let id = known_label(text, labels).ok_or_else(|| wrong(&no_label(text, Some(labels))))?;
                Some(Value::Label(id))
            }
            Kind::Voxel => {
                let numbers: Option<Vec<usize>> =
                    text.split(',').map(|part| part.trim().parse().ok()).collect();
                numbers.and_then(|numbers| <[usize; 3]>::try_from(numbers).ok()).map(Value::Voxel)
            }
            Kind::Points => text.split_whitespace().map(point).collect::<Option<Vec<_>>>().map(Value::Points),
        };
        read.map(Some).ok_or_else(|| wrong(""))
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
        Self::read(parameters, said, Some(labels))
    }

    /// As [`Self::new`]. Without labels, labels that are named have no value; all else is as it is with them.
    pub(super) fn read<'a>(
        parameters: &[Parameter],
        said: impl IntoIterator<Item = (&'a str, &'a str)>,
        labels: Option<&LabelTable>,
    ) -> Result<Self, ParameterError> {
        let mut values: BTreeMap<_, _> =
            parameters.iter().filter_map(|p| Some((p.key, p.default_value()?))).collect();
        for (key, text) in said {
            let Some(parameter) = parameters.iter().find(|p| p.key == key) else {
                let known: Vec<&str> = parameters.iter().map(|p| p.key).collect();
                return Err(ParameterError(format!("there is no {key}; there are {}", known.join(", "))));
            };
            if let Some(value) = parameter.value(text, labels)? {
                values.insert(parameter.key, value);
            }
        }
        let values = Self(values);
        let counts = |key: &str| parameters.iter().any(|p| p.key == key && values.count(p));
        if let (Some(low), Some(high)) = (values.given("low"), values.given("high"))
            && low > high
            && counts("low")
        {
            return Err(ParameterError(format!("low={low} is above high={high}: nothing lies between them")));
        }
        Ok(values)
    }

    /// Whether a parameter counts, as others are set.
    pub(super) fn count(&self, parameter: &Parameter) -> bool {
        parameter.counts(|key| self.choice(key))
    }

    /// The id that was chosen, yes or no of a switch; empty of a key that is neither.
    pub fn choice(&self, key: &str) -> &'static str {
        match self.0.get(key) {
            Some(Value::Choice(id)) => id,
            Some(Value::Switch(on)) => yes_or_no(*on),
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
            (("size", "NaN"), "NaN is no number that can be compared"),
            (("low", "-inf"), "-inf is no number that can be compared"),
            (("low", "2,5"), "write 2.5, with a point"),
            (("low", "1,000,5"), "1,000,5 is no number"),
            (("with", "70000"), "whole ones from 1 to 65534"),
            (("with", "1.5"), "whole ones from 1 to 65534"),
            (("with", "0"), "0 is background"),
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

    #[test]
    fn a_range_begins_at_its_lower_end_where_it_counts() {
        let labels = LabelTable::default();
        let number = || Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "" };
        let of = |key: &'static str, kind: Kind| Parameter {
            key,
            title: "",
            help: "",
            when: (key != "mode").then_some(("mode", &["range"][..])),
            kind,
        };
        let mode = of("mode", Kind::Choice(&[("range", ""), ("all", "")]));
        let parameters = [mode, of("low", number()), of("high", number())];
        let read =
            |said: &[(&'static str, &'static str)]| Values::new(&parameters, said.iter().copied(), &labels);
        let told = read(&[("low", "5"), ("high", "-1")]).unwrap_err().to_string();
        assert_eq!(told, "low=5 is above high=-1: nothing lies between them");
        assert_eq!(read(&[("low", "-1"), ("high", "-1")]).unwrap().range("low", "high"), Some([-1.0, -1.0]));
        assert!(read(&[("low", "5"), ("high", "-1"), ("mode", "all")]).is_ok());
    }

    #[test]
    fn labels_are_checked_without_a_mask_as_far_as_that_can_be() {
        let read = |text: &'static str| Values::read(PARAMETERS, [("with", text)], None);
        assert_eq!(read("whatever it may be").unwrap().label("with"), None);
        assert!(read("12").is_ok());
        assert!(read("0").unwrap_err().to_string().contains("0 is background"));
        assert!(read("65535").unwrap_err().to_string().contains("from 1 to 65534"));
        // Of many labels some are named.
        let many: Vec<String> = (1..=30).map(|n| format!("part {n}")).collect();
        let told = label_named("liver", &LabelTable::named(&many)).unwrap_err().to_string();
        assert!(told.contains("part 10 (10), and 20 more;") && !told.contains("part 11"), "{told}");
    }
}
