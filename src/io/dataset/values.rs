use super::seen::shortened;
use crate::label::{Label, LabelId, LabelMap, LabelTable};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// How the values of a data set's masks become labels.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Nobody has said it: they are label ids, or those of masks of one structure ([`Values::decided`] by what was seen).
    Ids,
    /// Each class has values of its own; 0 is background where no class has it.
    Classes {
        classes: Vec<Class>,
        others: Others,
        /// Pixels of this value are not known.
        ignored: Option<LabelId>,
        /// Where the masks are colour pictures: the colours that the values are, from 1.
        colours: Vec<[u8; 3]>,
    },
}

/// A label and the values that are it.
#[derive(Clone, Debug, PartialEq)]
pub struct Class {
    pub id: LabelId,
    pub name: String,
    pub(super) values: Vec<RangeInclusive<LabelId>>,
}

impl Class {
    pub fn has(&self, value: LabelId) -> bool {
        self.values.iter().any(|range| range.contains(&value))
    }

    /// The values as `--labels` takes them.
    pub fn written(&self) -> String {
        self.values.iter().map(text).collect::<Vec<_>>().join("+")
    }
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
    /// Of these classes; any other value but 0 is a fault.
    pub fn of(classes: Vec<Class>) -> Self {
        Values::Classes { classes, others: Others::AFault, ignored: None, colours: vec![] }
    }

    /// The ids of a table.
    pub fn of_table(table: &LabelTable) -> Self {
        let class = |l: &Label| Class { id: l.id, name: l.name.clone(), values: vec![l.id..=l.id] };
        Self::of(table.iter().map(class).collect())
    }

    /// A value each for labels 1, 2, 3…; any other but 0 is a fault.
    pub fn named<S: Into<String>>(labels: impl IntoIterator<Item = (LabelId, S)>) -> Self {
        let class = |(id, (value, name)): (LabelId, (LabelId, S))| Class {
            id,
            name: name.into(),
            values: vec![value..=value],
        };
        Self::of((1..).zip(labels).map(class).collect())
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
        Values::Classes { classes: vec![class], others: Others::Background, ignored: None, colours: vec![] }
    }

    /// What a person wrote of the labels, one text each: `liver=5`, `kidneys=2+3`, `polyp=128..255`, and `ignore=254` for
    /// pixels that are not known; every other value is background. Of colour pictures `liver=#ff0000`. Labels have the ids of the `known` ones of their
    /// names, where there are such, else 1, 2, 3…
    pub fn written<S: AsRef<str>>(texts: &[S], known: Option<&LabelTable>) -> Result<Self, String> {
        let (mut classes, mut ignored): (Vec<Class>, _) = (vec![], None);
        let (mut colours, mut numbers) = (vec![], false);
        for text in texts.iter().map(AsRef::as_ref) {
            let (name, values) = text.split_once('=').ok_or_else(|| {
                format!("\"{text}\" has no \"=\": write all labels as NAME=VALUES, or all as names only")
            })?;
            let name = name.trim();
            if name.is_empty() {
                return Err(format!("{text}: there is no name before \"=\"; write NAME=VALUES"));
            }
            let mut value = |text: &str| match text.trim().strip_prefix('#') {
                Some(digits) => {
                    colours.push(colour(digits)?);
                    let value = colours.len() as LabelId;
                    Ok(value..=value)
                }
                None => {
                    numbers = true;
                    range(text)
                }
            };
            let values: Vec<_> = values
                .split('+')
                .map(&mut value)
                .collect::<Result<_, _>>()
                .map_err(|e: String| format!("{text}: {e}"))?;
            if name == "ignore" {
                ignored = match &values[..] {
                    [one] if one.start() == one.end() => Some(*one.start()),
                    _ => return Err(format!("{text}: ignore takes one value, for example ignore=254")),
                };
                continue;
            }
            let id = match known {
                None => classes.len() as LabelId + 1,
                Some(table) => {
                    table.iter().find(|label| label.name == name).map(|l| l.id).ok_or_else(|| {
                        let names: Vec<&str> = table.iter().map(|l| l.name.as_str()).collect();
                        format!("there is no label \"{name}\"; there are {}", names.join(", "))
                    })?
                }
            };
            if let Some(other) =
                classes.iter().find(|c| c.name == name || c.values.iter().any(|v| meet(v, &values)))
            {
                return Err(format!(
                    "{text}: its name or one of its values is already used by \"{}\"; use each only once",
                    other.name
                ));
            }
            classes.push(Class { id, name: name.to_owned(), values });
        }
        if classes.is_empty() {
            return Err("no label has a value; write NAME=VALUES, for example liver=5".to_owned());
        }
        if numbers && !colours.is_empty() {
            return Err(
                "some values are numbers and some are colours; write all of them in one way".to_owned()
            );
        }
        if let Some(i) = (1..colours.len()).find(|&i| colours[..i].contains(&colours[i])) {
            let [r, g, b] = colours[i];
            return Err(format!("the colour #{r:02x}{g:02x}{b:02x} is given twice; use it only once"));
        }
        Ok(Values::Classes { classes, others: Others::Background, ignored, colours })
    }

    /// The colours that the values are, from 1; none where masks have numbers.
    pub fn colours(&self) -> &[[u8; 3]] {
        match self {
            Values::Ids => &[],
            Values::Classes { colours, .. } => colours,
        }
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
        let Some(label_of) = self.label_of(map.counts().into_keys())? else { return Ok(map) };
        let label = |value: LabelId| label_of.get(&value).copied().unwrap_or(0);
        let values: Vec<LabelId> = map.to_values().into_iter().map(label).collect();
        LabelMap::from_values(map.dims(), &values).ok_or_else(|| "the mask is empty".to_owned())
    }

    /// The numbers of voxels of a mask's values as those of labels.
    pub fn counted(&self, counts: &BTreeMap<LabelId, usize>) -> Result<BTreeMap<LabelId, usize>, String> {
        let Some(label_of) = self.label_of(counts.keys().copied())? else { return Ok(counts.clone()) };
        let mut labels = BTreeMap::new();
        for (value, count) in counts {
            *labels.entry(label_of.get(value).copied().unwrap_or(0)).or_default() += count;
        }
        Ok(labels)
    }

    /// The label of each value of a mask, 0 aside; None where each is its own. What is wrong with the values, if anything is.
    fn label_of(
        &self,
        values: impl Iterator<Item = LabelId>,
    ) -> Result<Option<BTreeMap<LabelId, LabelId>>, String> {
        let Values::Classes { classes, others, ignored, .. } = self else { return Ok(None) };
        let (mut labels, mut strange) = (BTreeMap::new(), vec![]);
        for value in values.filter(|value| *value != 0) {
            let class = classes.iter().find(|c| c.has(value)).map(|c| c.id);
            match class.or(ignored.filter(|v| *v == value).map(|_| UNKNOWN)) {
                Some(label) => {
                    labels.insert(value, label);
                }
                None => strange.push(value.to_string()),
            }
        }
        if *others == Others::AFault && !strange.is_empty() {
            let known: Vec<String> = classes.iter().flat_map(|c| &c.values).map(text).collect();
            return Err(format!(
                "the mask has the values {}, and the classes are {}",
                shortened(&strange),
                known.join(", ")
            ));
        }
        // A class may have the value 0, and then nothing is background.
        let zero =
            classes.iter().find(|c| c.has(0)).map(|c| c.id).or(ignored.filter(|v| *v == 0).map(|_| UNKNOWN));
        labels.extend(zero.map(|label| (0, label)));
        Ok(Some(labels))
    }
}

/// `ff0000`: red, green, blue.
fn colour(digits: &str) -> Result<[u8; 3], String> {
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 6);
    let [_, colour @ ..] =
        number.ok_or_else(|| format!("\"#{digits}\" is not a colour; write it as #ff0000"))?.to_be_bytes();
    Ok(colour)
}

/// `5`, or `128..255` with both ends.
fn range(text: &str) -> Result<RangeInclusive<LabelId>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let number = |text: &str| {
        text.trim()
            .parse::<LabelId>()
            .map_err(|_| format!("\"{text}\" is not a whole number from 0 to {}", LabelId::MAX))
    };
    let (first, last) = (number(first)?, number(last)?);
    if first <= last {
        Ok(first..=last)
    } else {
        Err(format!("{first}..{last} is empty; write the smaller number first"))
    }
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
