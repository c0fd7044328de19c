//! What the values of a set's masks stand for, decided over the whole set.
//!
//! One mask alone cannot say it: 0 and 3 may be one structure, or the third of five that this case happens to show.

use super::{Class, Others, UNKNOWN, Values};
use crate::label::{LabelId, LabelMap, LabelTable, is_nameless};
use std::collections::{BTreeMap, BTreeSet};

/// What masks of one structure call it, beside 0.
pub const ONE_STRUCTURE: [LabelId; 3] = [1, 255, LabelId::MAX];

/// Names that are shown of a longer list.
const SHOWN: usize = 5;

/// The values of the masks of a set.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The mask's name, and its values but 0.
    masks: Vec<(String, BTreeSet<LabelId>)>,
    /// Any mask has a 0.
    has_background: bool,
}

/// What is known of the labels of a set whose masks are numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Names that a person gave, in the order of the ids.
    pub names: &'a [String],
    /// Of a file of labels that lies beside the masks.
    pub beside: Option<&'a LabelTable>,
    /// The labels of the model that goes on learning.
    pub model: Option<&'a LabelTable>,
}

impl Seen {
    pub fn add(&mut self, name: impl Into<String>, map: &LabelMap) {
        let counts = map.counts();
        self.has_background |= counts.values().sum::<usize>() < map.dims().iter().product();
        self.masks.push((name.into(), counts.into_keys().collect()));
    }

    /// All values but 0.
    pub fn values(&self) -> BTreeSet<LabelId> {
        self.masks.iter().flat_map(|(_, values)| values).copied().collect()
    }

    /// The values that stand for one structure, where that is all that the set can be: no mask has two values, and all masks
    /// have the same one, or each one of [`ONE_STRUCTURE`]. Empty where all masks are empty.
    pub fn one_structure(&self) -> Option<BTreeSet<LabelId>> {
        let values = self.values();
        let alone = self.masks.iter().all(|(_, values)| values.len() <= 1);
        let codes = values.len() <= 1 || values.iter().all(|v| ONE_STRUCTURE.contains(v));
        (alone && codes).then_some(values)
    }

    /// "255 in 3 masks (b, d, f), 1 in 3 masks (a, c, e)", the commonest first.
    pub fn told(&self) -> String {
        let mut by_value: BTreeMap<LabelId, Vec<&str>> = BTreeMap::new();
        for (name, values) in &self.masks {
            values.iter().for_each(|&value| by_value.entry(value).or_default().push(name));
        }
        let mut by_value: Vec<_> = by_value.into_iter().collect();
        by_value.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
        let one = |(value, names): &(LabelId, Vec<&str>)| match names.len() {
            1 => format!("{value} in 1 mask ({})", names[0]),
            n => format!("{value} in {n} masks ({})", shortened(names)),
        };
        by_value.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Why the values may be the same structure under several numbers although they are read as classes of their own: no mask
    /// has two of them, or one of a two-valued mask (255) stands alone beside masks of other numbers.
    pub fn doubt(&self) -> Option<String> {
        let values = self.values();
        let alone = |value: LabelId| {
            self.masks.iter().all(|(_, values)| !values.contains(&value) || values.len() == 1)
        };
        let all_alone = values.iter().all(|v| alone(*v));
        let strange = values.iter().any(|&v| v != 1 && ONE_STRUCTURE.contains(&v) && alone(v));
        if values.len() < 2 || !(all_alone || strange) {
            return None;
        }
        let written: Vec<String> = values.iter().map(ToString::to_string).collect();
        Some(format!(
            "the masks have the values {}{}; they are read as {} classes. Where several of them are one structure, \
             --labels NAME={} says so",
            self.told(),
            if all_alone { ", and none has two of them" } else { "" },
            values.len(),
            written.join("+")
        ))
    }
}

impl Values {
    /// How the values of these masks are to be read, and notes for a person; or why that cannot be decided. Ids and names are
    /// the model's, where there is one; labels are matched by their names.
    pub fn decided(self, seen: &Seen, known: Known<'_>) -> Result<(Self, Vec<String>), String> {
        let mut notes = vec![];
        let values = match self {
            Values::Ids => of_numbers(seen, known, &mut notes)?,
            Values::Classes { .. } => self.of_one_coding(seen, &mut notes).renamed(known.names)?,
        };
        let values = match known.model {
            Some(model) => values.onto(model, &mut notes)?,
            None => values,
        };
        Ok((values, notes))
    }

    /// A layout's one class by whatever value the masks say it, where each says it by one.
    fn of_one_coding(mut self, seen: &Seen, notes: &mut Vec<String>) -> Self {
        if let Values::Classes { classes, others: Others::AFault, ignored, .. } = &mut self
            && let [class] = &mut classes[..]
            && let Some(found) = seen.one_structure()
            && found.iter().any(|v| !class.has(*v) && *ignored != Some(*v))
        {
            notes.push(format!("the masks have {}; all of it was read as \"{}\"", seen.told(), class.name));
            class.values = found.into_iter().map(|v| v..=v).collect();
        }
        self
    }

    /// With other names for the classes, in their order.
    pub fn renamed(mut self, names: &[String]) -> Result<Self, String> {
        if let Values::Classes { classes, .. } = &mut self {
            if names.len() > classes.len() {
                return Err(format!(
                    "--labels gives {} names, and the data have {} labels",
                    names.len(),
                    classes.len()
                ));
            }
            for (class, name) in classes.iter_mut().zip(names) {
                class.name.clone_from(name);
            }
        }
        Ok(self)
    }

    /// A warning that names the labels of a model that none of the classes is.
    pub fn lacking(&self, model: &LabelTable) -> Option<String> {
        let Values::Classes { classes, .. } = self else { return None };
        let lacking = model.iter().filter(|label| classes.iter().all(|class| class.id != label.id));
        let names: Vec<String> = lacking.map(|label| format!("\"{}\"", label.name)).collect();
        (!names.is_empty()).then(|| {
            format!(
                "the data have no {}, which the model knows: it learns them as background there",
                names.join(", ")
            )
        })
    }

    /// With the ids of the model's labels of the same names.
    fn onto(mut self, model: &LabelTable, notes: &mut Vec<String>) -> Result<Self, String> {
        let Values::Classes { classes, .. } = &mut self else { return Ok(self) };
        let listed = |names: &mut dyn Iterator<Item = &str>| {
            names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
        };
        let (mut strange, mut taken) = (vec![], BTreeSet::new());
        let only = (classes.len(), model.len()) == (1, 1);
        for class in classes.iter_mut() {
            // A name that nobody gave contradicts nothing: then the number decides, or that there is one of each.
            let by_number = || {
                let value = class.values.first().map_or(class.id, |range| *range.start());
                let label = if only { model.iter().next() } else { model.get(value) };
                label.filter(|label| is_no_name(&class.name) || is_no_name(&label.name))
            };
            let label = model.by_name(&class.name).or_else(by_number).filter(|label| taken.insert(label.id));
            let Some(label) = label else {
                strange.push((class.name.clone(), class.written()));
                continue;
            };
            if label.name != class.name {
                notes.push(format!("\"{}\" was taken for \"{}\"", class.name, label.name));
            }
            (class.id, class.name) = (label.id, label.name.clone());
        }
        if !strange.is_empty() {
            let values: Vec<String> =
                strange.iter().map(|(name, values)| format!("\"{name}\" is {values}")).collect();
            return Err(format!(
                "no label is called {}: there are {}. --labels NAME=VALUES says which values of the masks are which of these, \
                 all others being background; {} in the masks",
                listed(&mut strange.iter().map(|(name, _)| name.as_str())),
                listed(&mut model.iter().map(|l| l.name.as_str())),
                values.join(", "),
            ));
        }
        Ok(self)
    }
}

/// Masks whose numbers nobody has given a meaning.
fn of_numbers(seen: &Seen, known: Known<'_>, notes: &mut Vec<String>) -> Result<Values, String> {
    let Known { names, beside, model } = known;
    let table = beside.or(model);
    let classes = if names.is_empty() { table.map(LabelTable::len) } else { Some(names.len()) };
    let own = || beside.or(model).and_then(|table| table.iter().next());
    if classes.unwrap_or(1) <= 1
        && let Some(values) = seen.one_structure()
    {
        if values.len() > 1 {
            notes.push(format!(
                "masks of one structure say it in several ways: {}; all were read as one label",
                seen.told()
            ));
        } else if let Some(value) = values.first().filter(|value| !ONE_STRUCTURE.contains(value)) {
            notes.push(format!("every mask has 0 and {value}: they were read as masks of one structure"));
        }
        let (id, name) = match (names, own()) {
            ([name, ..], _) => (1, name.clone()),
            (_, Some(label)) => (label.id, label.name.clone()),
            _ => (1, "label 1".to_owned()),
        };
        if values.is_empty() {
            notes.push("no mask has anything but 0".to_owned());
        }
        let values = if values.is_empty() { BTreeSet::from([1]) } else { values };
        return Ok(Values::of(vec![Class { id, name, values: values.into_iter().map(|v| v..=v).collect() }]));
    }
    let values = seen.values();
    // The highest id is that of what is not known, and none of a label.
    let free = (1..UNKNOWN).find(|id| !values.contains(id)).unwrap_or(1);
    let class = |value: LabelId, name: &str| Class {
        id: if value == UNKNOWN { free } else { value },
        name: name.to_owned(),
        values: vec![value..=value],
    };
    if !names.is_empty() {
        let in_order = names.len() == values.len();
        if !in_order && values.last().is_some_and(|&last| usize::from(last) > names.len()) {
            return Err(format!(
                "--labels gives {} names, and the masks have the values {}. --labels NAME=VALUES says which are which",
                names.len(),
                seen.told()
            ));
        }
        let ids: Vec<LabelId> =
            if in_order { values.iter().copied().collect() } else { (1..).take(names.len()).collect() };
        let other = |(&id, name): (&LabelId, &String)| {
            let label = beside?.get(id).filter(|label| label.name != *name && !is_no_name(&label.name))?;
            Some(format!("{id} is \"{name}\" as --labels says, and \"{}\" in the file of labels", label.name))
        };
        notes.extend(ids.iter().zip(names).filter_map(other));
        return Ok(Values::of(ids.into_iter().zip(names).map(|(id, name)| class(id, name)).collect()));
    }
    if let Some(table) = beside {
        let unseen = table.iter().filter(|label| !values.contains(&label.id));
        let unseen: Vec<String> = unseen.map(|label| format!("{} \"{}\"", label.id, label.name)).collect();
        if !unseen.is_empty() {
            notes.push(format!("no mask has {} of the file of labels", shortened(&unseen)));
        }
        let nameless = values.iter().filter(|&&id| table.get(id).is_none());
        let nameless: Vec<String> = nameless.map(ToString::to_string).collect();
        if !nameless.is_empty() {
            notes.push(format!("the file of labels has no name for {}", shortened(&nameless)));
        }
        let mut named = table.clone();
        named.name_unknown(values.iter().copied());
        let seen = named.iter().filter(|label| values.contains(&label.id));
        return Ok(Values::of(seen.map(|label| class(label.id, &label.name)).collect()));
    }
    if let Some(model) = model {
        if values.iter().any(|&id| model.get(id).is_none()) {
            let labels: Vec<String> = model.iter().map(|l| format!("{} {}", l.id, l.name)).collect();
            return Err(format!(
                "the masks have the values {}, and the model's labels are {}. --labels NAME=VALUES says which values are \
                 which of these",
                seen.told(),
                labels.join(", ")
            ));
        }
        let taken: Vec<String> = model
            .iter()
            .filter(|l| values.contains(&l.id))
            .map(|l| format!("{} is {}", l.id, l.name))
            .collect();
        if model.len() > 1 {
            notes.push(format!(
                "nothing says what the masks' values are, so they were taken as the model's: {}",
                taken.join(", ")
            ));
        }
        return Ok(Values::of(model.iter().map(|label| class(label.id, &label.name)).collect()));
    }
    notes.extend(seen.doubt());
    if !seen.has_background {
        notes.push(format!(
            "no mask has a 0, which is background: {}. --labels NAME=VALUES takes all values that it does not name for it",
            seen.told()
        ));
    }
    let mut named = LabelTable::default();
    named.name_unknown(values.iter().copied());
    Ok(Values::of(named.iter().map(|label| class(label.id, &label.name)).collect()))
}

/// A name that the program made up where there was none.
fn is_no_name(name: &str) -> bool {
    name == super::NAMELESS || is_nameless(name)
}

/// "a, b, c and 4 more".
pub fn shortened(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(masks: &[(&str, &[LabelId])]) -> Seen {
        let mut seen = Seen::default();
        for (name, values) in masks {
            let values = [&[0], *values].concat();
            seen.add(*name, &LabelMap::from_values([values.len(), 1, 1], &values).unwrap());
        }
        seen
    }

    /// Id, name and values of each class, and the notes.
    fn read(masks: &[(&str, &[LabelId])], known: Known<'_>) -> Result<(Vec<String>, Vec<String>), String> {
        let (values, notes) = Values::Ids.decided(&seen(masks), known)?;
        let Values::Classes { classes, .. } = values else { panic!("{values:?}") };
        let class = |c: &Class| format!("{} {} {}", c.id, c.name, c.written());
        Ok((classes.iter().map(class).collect(), notes))
    }

    #[test]
    fn two_valued_masks_are_one_structure_under_any_number() {
        for value in [1, 255, 65535] {
            let (classes, notes) =
                read(&[("a", &[value]), ("b", &[]), ("c", &[value])], Known::default()).unwrap();
            assert_eq!((classes, notes), (vec![format!("1 label 1 {value}")], vec![]));
        }
        for value in [2, 3, 128, 254] {
            let (classes, notes) = read(&[("a", &[value]), ("b", &[value])], Known::default()).unwrap();
            assert_eq!(classes, [format!("1 label 1 {value}")]);
            assert!(notes[0].contains(&format!("0 and {value}")), "{notes:?}");
        }
        let names = ["vessel".to_owned()];
        let one = Known { names: &names, ..Known::default() };
        assert_eq!(read(&[("a", &[128])], one).unwrap().0, ["1 vessel 128"]);
    }

    #[test]
    fn mixed_codings_of_one_structure_are_one_class_and_named() {
        let masks: &[(&str, &[LabelId])] = &[("a", &[1]), ("b", &[255]), ("c", &[1]), ("d", &[65535])];
        let (classes, notes) = read(masks, Known::default()).unwrap();
        assert_eq!(classes, ["1 label 1 1+255+65535"]);
        assert!(
            notes[0].contains("1 in 2 masks (a, c), 255 in 1 mask (b), 65535 in 1 mask (d)"),
            "{notes:?}"
        );
    }

    #[test]
    fn classes_of_their_own_stay_apart_though_each_case_shows_one() {
        let masks: &[(&str, &[LabelId])] = &[("a", &[1, 2, 3]), ("b", &[3]), ("c", &[2])];
        let (classes, notes) = read(masks, Known::default()).unwrap();
        assert_eq!((classes.len(), notes.len()), (3, 0), "{notes:?}");
        // None has two: it may be either, and is said.
        for masks in [[("a", &[1u16][..]), ("b", &[2][..])], [("a", &[128]), ("b", &[255])]] {
            let (classes, notes) = read(&masks, Known::default()).unwrap();
            assert_eq!(classes.len(), 2);
            assert!(notes[0].contains("none has two") && notes[0].contains("--labels NAME="), "{notes:?}");
        }
        let (classes, _) = read(&[("a", &[1, 65535])], Known::default()).unwrap();
        assert_eq!(classes, ["1 label 1 1", "2 label 65535 65535"], "65535 is the id of what is not known");
        let (classes, notes) = read(&[("a", &[1, 2]), ("b", &[255])], Known::default()).unwrap();
        assert_eq!(classes.len(), 3);
        assert!(notes[0].contains("255 in 1 mask (b)"), "{notes:?}");
        // The model knows of three, so that 3 alone is the third.
        let model = LabelTable::named(&["liver", "spleen", "pancreas"]);
        let known = Known { model: Some(&model), ..Known::default() };
        let (classes, notes) = read(&[("a", &[3])], known).unwrap();
        assert_eq!(classes[2], "3 pancreas 3");
        assert!(notes[0].contains("3 is pancreas"), "{notes:?}");
        assert!(read(&[("a", &[255])], known).unwrap_err().contains("255 in 1 mask (a)"));
    }

    #[test]
    fn names_are_given_to_ids_or_refused() {
        let names = ["liver", "spleen", "fat"].map(str::to_owned);
        let known = |n: usize| Known { names: &names[..n], ..Known::default() };
        assert_eq!(read(&[("a", &[5, 7])], known(2)).unwrap().0, ["5 liver 5", "7 spleen 7"]);
        assert_eq!(read(&[("a", &[1, 3])], known(3)).unwrap().0, ["1 liver 1", "2 spleen 2", "3 fat 3"]);
        assert!(read(&[("a", &[5, 7])], known(3)).unwrap_err().contains("3 names"));
        let table = LabelTable::named(&["vessel", "disc"]);
        let beside = Known { beside: Some(&table), ..Known::default() };
        let (classes, notes) = read(&[("a", &[2, 9])], beside).unwrap();
        assert_eq!(classes, ["2 disc 2", "9 label 9 9"]);
        assert_eq!(
            notes,
            ["no mask has 1 \"vessel\" of the file of labels", "the file of labels has no name for 9"]
        );
        let swapped = ["disc", "vessel"].map(str::to_owned);
        let (classes, notes) = read(&[("a", &[1, 2])], Known { names: &swapped, ..beside }).unwrap();
        assert_eq!(classes, ["1 disc 1", "2 vessel 2"]);
        let told = "1 is \"disc\" as --labels says, and \"vessel\" in the file of labels";
        assert!(notes.len() == 2 && notes[0] == told, "{notes:?}");
    }

    #[test]
    fn labels_are_matched_with_a_models_by_name() {
        let model = LabelTable::named(&["liver", "spleen"]);
        let onto = |names: &[&str]| {
            let classes = (1..).zip(names.iter().copied());
            let known = Known { model: Some(&model), ..Known::default() };
            let (values, notes) = Values::named(classes).decided(&Seen::default(), known)?;
            let map = LabelMap::from_values([3, 1, 1], &[0, 1, 2]).unwrap();
            Ok::<_, String>((values.apply(map)?.to_values(), notes, values.lacking(&model)))
        };
        assert_eq!(onto(&["spleen", "liver"]).unwrap(), (vec![0, 2, 1], vec![], None), "by name, not by id");
        let refused = onto(&["liver", "tumour"]).unwrap_err();
        let words = ["called \"tumour\"", "\"liver\", \"spleen\"", "--labels NAME=VALUES", "\"tumour\" is 2"];
        assert!(words.iter().all(|w| refused.contains(w)), "{refused}");
        assert!(onto(&["Liver", "spleen"]).is_err(), "names are matched exactly");
        let known = Known { model: Some(&model), ..Known::default() };
        let (one, _) = Values::named([(5, "spleen")]).decided(&Seen::default(), known).unwrap();
        assert!(one.lacking(&model).is_some_and(|told| told.contains("\"liver\"")));
        // Where there is one of each, a name that nobody gave contradicts nothing.
        let vessel = LabelTable::named(&["vessel"]);
        let known = Known { model: Some(&vessel), ..Known::default() };
        let (values, notes) =
            Values::named([(1, super::super::NAMELESS)]).decided(&Seen::default(), known).unwrap();
        assert_eq!((values.labels(), notes.len()), (Some(vessel.clone()), 1));
        assert!(Values::named([(1, "tumour")]).decided(&Seen::default(), known).is_err());
    }

    #[test]
    fn labels_that_are_only_numbers_are_matched_by_number() {
        let model = LabelTable::named(&["label 1", "label 2"]);
        let known = Known { model: Some(&model), ..Known::default() };
        let (values, notes) =
            Values::named([(2, "spleen"), (1, "liver")]).decided(&Seen::default(), known).unwrap();
        let map = LabelMap::from_values([3, 1, 1], &[0, 1, 2]).unwrap();
        assert_eq!(values.apply(map).unwrap().to_values(), [0, 1, 2]);
        assert!(notes[0].contains("\"spleen\" was taken for \"label 2\""), "{notes:?}");
    }

    #[test]
    fn masks_without_background_are_noticed() {
        let mut seen = Seen::default();
        seen.add("a", &LabelMap::from_values([2, 1, 1], &[1, 2]).unwrap());
        let (_, notes) = Values::Ids.decided(&seen, Known::default()).unwrap();
        assert!(notes.iter().any(|note| note.contains("no mask has a 0")), "{notes:?}");
    }

    #[test]
    fn a_layouts_one_class_is_read_from_two_valued_masks() {
        let read = |masks: &[(&str, &[LabelId])]| {
            let (values, notes) =
                Values::named([(1, "polyp")]).decided(&seen(masks), Known::default()).unwrap();
            let map = LabelMap::from_values([3, 1, 1], &[0, 1, 255]).unwrap();
            (values.apply(map).map(|map| map.to_values()), notes)
        };
        let (mixed, notes) = read(&[("a", &[255]), ("b", &[1])]);
        assert_eq!(mixed, Ok(vec![0, 1, 1]));
        assert!(notes[0].contains("255 in 1 mask (a)") && notes[0].contains("polyp"), "{notes:?}");
        let (strange, notes) = read(&[("a", &[1, 255])]);
        assert!(strange.unwrap_err().contains("255") && notes.is_empty(), "both in one mask are two things");
    }
}
