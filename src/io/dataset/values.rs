use crate::label::{Label, LabelId, LabelMap, LabelTable};
use std::ops::RangeInclusive;

/// How the values of a data set's masks become labels.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// They are label ids, or the two values of a mask of one structure ([`crate::io::binary`]).
    Ids,
    /// Each class has values of its own; 0 is background where no class has it.
    Classes {
        classes: Vec<Class>,
        others: Others,
        /// Pixels of this value are not known.
        ignored: Option<LabelId>,
    },
}

/// A label and the values that are it.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    pub id: LabelId,
    pub name: String,
    values: Vec<RangeInclusive<LabelId>>,
}

/// What a value is that no class has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    Background,
    AFault,
}

/// Of pixels that are not known. No table has the highest id, so that it is a label that no network knows.
pub const UNKNOWN: LabelId = LabelId::MAX;

impl Values {
    /// A value each for labels 1, 2, 3…; any other but 0 is a fault.
    pub fn named<S: Into<String>>(labels: impl IntoIterator<Item = (LabelId, S)>) -> Self {
        let class = |(id, (value, name)): (LabelId, (LabelId, S))| Class {
            id,
            name: name.into(),
            values: vec![value..=value],
        };
        let classes = (1..).zip(labels).map(class).collect();
        Values::Classes { classes, others: Others::AFault, ignored: None }
    }

    /// With pixels that are not known where the masks have this value.
    pub fn ignoring(mut self, value: Option<LabelId>) -> Self {
        if let Values::Classes { ignored, .. } = &mut self {
            *ignored = value;
        }
        self
    }

    /// Values above the limit are the one label: masks that were stored as JPEG, or softened by resizing.
    pub fn above(limit: LabelId, name: &str) -> Self {
        let class = Class { id: 1, name: name.to_owned(), values: vec![limit + 1..=LabelId::MAX] };
        Values::Classes { classes: vec![class], others: Others::Background, ignored: None }
    }

    /// What a person wrote of the labels, one text each: `liver=5`, `kidneys=2+3`, `polyp=128..255`, and `ignore=254` for
    /// pixels that are not known; every other value is background. Labels have the ids of the `known` ones of their
    /// names, where there are such, else 1, 2, 3…
    pub fn written<S: AsRef<str>>(texts: &[S], known: Option<&LabelTable>) -> Result<Self, String> {
        let (mut classes, mut ignored): (Vec<Class>, _) = (vec![], None);
        for text in texts.iter().map(AsRef::as_ref) {
            let (name, values) = text.split_once('=').ok_or_else(|| {
                format!("\"{text}\" names no value: all labels are written as NAME=VALUES, or none")
            })?;
            let name = name.trim();
            let values: Vec<_> =
                values.split('+').map(range).collect::<Result<_, _>>().map_err(|e| format!("{text}: {e}"))?;
            if name == "ignore" {
                ignored = match &values[..] {
                    [one] if one.start() == one.end() => Some(*one.start()),
                    _ => return Err(format!("{text}: one value is ignored")),
                };
                continue;
            }
            let id = match known {
                None => classes.len() as LabelId + 1,
                Some(table) => {
                    table.iter().find(|label| label.name == name).map(|l| l.id).ok_or_else(|| {
                        let names: Vec<&str> = table.iter().map(|l| l.name.as_str()).collect();
                        format!("there is no label \"{name}\" among {}", names.join(", "))
                    })?
                }
            };
            if let Some(other) =
                classes.iter().find(|c| c.name == name || c.values.iter().any(|v| meet(v, &values)))
            {
                return Err(format!("{text}: the name or a value is taken already, by \"{}\"", other.name));
            }
            classes.push(Class { id, name: name.to_owned(), values });
        }
        if classes.is_empty() {
            return Err("no label has a value".to_owned());
        }
        Ok(Values::Classes { classes, others: Others::Background, ignored })
    }

    /// The labels by name, where these are given.
    pub fn labels(&self) -> Option<LabelTable> {
        let Values::Classes { classes, .. } = self else { return None };
        let mut table = LabelTable::default();
        for class in classes {
            table.insert(Label::new(class.id, &class.name));
        }
        Some(table)
    }

    /// A mask as it is stored to one of labels; what is wrong with it, if anything is.
    pub fn apply(&self, map: LabelMap) -> Result<LabelMap, String> {
        let Values::Classes { classes, others, ignored } = self else { return Ok(map) };
        let id = |value: LabelId| {
            let class = classes.iter().find(|c| c.values.iter().any(|v| v.contains(&value)));
            class
                .map(|c| c.id)
                .or(ignored.filter(|v| *v == value).map(|_| UNKNOWN))
                .or((value == 0).then_some(0))
        };
        let strange: Vec<String> =
            map.counts().into_keys().filter(|v| id(*v).is_none()).map(|v| v.to_string()).collect();
        if *others == Others::AFault && !strange.is_empty() {
            let known: Vec<String> = classes.iter().flat_map(|c| &c.values).map(text).collect();
            return Err(format!(
                "the mask has the values {}, and the classes are {}",
                strange.join(", "),
                known.join(", ")
            ));
        }
        let values: Vec<LabelId> = map.to_values().into_iter().map(|v| id(v).unwrap_or(0)).collect();
        LabelMap::from_values(map.dims(), &values).ok_or_else(|| "the mask is empty".to_owned())
    }
}

/// `5`, or `128..255` with both ends.
fn range(text: &str) -> Result<RangeInclusive<LabelId>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| {
        text.trim()
            .parse::<LabelId>()
            .map_err(|_| format!("\"{text}\" is no value from 0 to {}", LabelId::MAX))
    };
    let (first, last) = (number(first)?, number(last)?);
    if first <= last { Ok(first..=last) } else { Err(format!("{first}..{last} has no value")) }
}

fn text(range: &RangeInclusive<LabelId>) -> String {
    match range.start() == range.end() {
        true => range.start().to_string(),
        false => format!("{}..{}", range.start(), range.end()),
    }
}

fn meet(one: &RangeInclusive<LabelId>, others: &[RangeInclusive<LabelId>]) -> bool {
    others.iter().any(|other| one.start() <= other.end() && other.start() <= one.end())
}
