//! Effects in order, with what each is told: what is saved, and done again.

use super::{
    Effect, EffectError, On, Parameter, ParameterError, Scene, Values, label_named, named, names_of,
    parameters::check_label,
};
use crate::{
    edit::{EditError, MaskRules, Origin, Patch},
    label::{LabelId, LabelMap, LabelTable},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Effects, one after the other.
pub type Chain = Vec<Step>;

/// One effect with what it is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its id.
    pub effect: String,
    /// Parameters that are not at their default: texts, numbers or true and false.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// The labels that it is done for, by name or number, one after the other. Without any, whoever runs the chain says.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "names_or_numbers")]
    pub labels: Vec<String>,
}

/// In a file a label may be a number, too.
fn names_or_numbers<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a label is a name or a whole number")]
    enum Named {
        Name(String),
        Number(u64),
    }
    let text = |named| match named {
        Named::Name(name) => name,
        Named::Number(number) => number.to_string(),
    };
    Ok(Vec::deserialize(source)?.into_iter().map(text).collect())
}

impl Step {
    /// The effect and its values. Labels that parameters name are those of the table, or with from=other those of the other mask.
    pub fn resolve(
        &self,
        labels: &LabelTable,
        other: Option<&LabelTable>,
    ) -> Result<(&'static Effect, Values), ParameterError> {
        let from_other = self.set.get("from").is_some_and(|from| from == "other");
        self.read(Some(other.filter(|_| from_other).unwrap_or(labels)))
    }

    /// As [`Self::resolve`], as far as that can be done without a mask: all but the names of labels is checked.
    pub fn check(&self) -> Result<(&'static Effect, Values), ParameterError> {
        let read = self.read(None)?;
        for label in self.labels.iter().filter(|label| *label != ALL) {
            check_label(label).map_err(|why| why.of(read.0))?;
        }
        Ok(read)
    }

    fn read(&self, labels: Option<&LabelTable>) -> Result<(&'static Effect, Values), ParameterError> {
        let effect = named(&self.effect)?;
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Array(list) => list.iter().map(Value::to_string).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        };
        let said: Vec<(&str, String)> =
            self.set.iter().map(|(key, value)| (key.as_str(), text(value))).collect();
        let said = said.iter().map(|(key, text)| (*key, text.as_str()));
        let values = Values::read(effect.parameters, said, labels).map_err(|e| e.of(effect))?;
        Ok((effect, values))
    }

    /// What it is told in vain, since it does not count as other parameters are set: "islands: min_ml does nothing with
    /// keep=largest".
    pub fn idle(&self, effect: &Effect, values: &Values) -> Vec<String> {
        let told = |parameter: &&Parameter| self.set.contains_key(parameter.key) && !values.count(parameter);
        let words = |parameter: &Parameter| {
            let (key, _) = parameter.when?;
            Some(format!("{}: {} does nothing with {key}={}", effect.id, parameter.key, values.choice(key)))
        };
        effect.parameters.iter().filter(told).filter_map(words).collect()
    }

    /// What the effect is called on screen.
    pub fn title(&self) -> &str {
        super::effect(&self.effect).map_or(&self.effect, |effect| effect.title)
    }
}

/// Stands for every label of the mask.
const ALL: &str = "all";

/// Labels by name or number, each once; "all" is every label of the mask, in the order of their numbers.
pub fn labels_named(
    said: &[String],
    mask: &LabelMap,
    labels: &LabelTable,
) -> Result<Vec<LabelId>, ParameterError> {
    let mut ids = Vec::new();
    for text in said {
        match text.as_str() {
            ALL => ids.extend(mask.counts().into_keys()),
            text => ids.push(label_named(text, labels)?),
        }
    }
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    Ok(ids)
}

/// The labels of steps that name none.
#[derive(Clone, Copy, Debug)]
pub enum For<'a> {
    /// This one; an effect on all labels is for all.
    Label(LabelId),
    /// These, by name or number. Without any it is the only one of the mask; an effect on all labels is for all.
    Named(&'a [String]),
}

/// What steps have made of a mask.
#[derive(Clone, Debug)]
pub struct Carried {
    /// All that they change, as one.
    pub patch: Patch,
    /// The mask after it.
    pub mask: LabelMap,
    /// Of each step for each label, in order.
    pub outcomes: Vec<Outcome>,
    /// Verified slices that would change if they were not verified.
    pub kept: BTreeSet<usize>,
}

/// What a step has done for a label.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub effect: &'static Effect,
    /// "Smooth, liver"; of an effect on all labels, its title.
    pub title: String,
    /// How many voxels change.
    pub voxels: usize,
    /// Why it changes nothing.
    pub nothing: Option<String>,
    /// What there is to say of it.
    pub notes: Vec<String>,
    /// What a person may not have meant, such as a label that goes.
    pub warnings: Vec<String>,
}

/// Why steps were not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    #[error(transparent)]
    Told(#[from] ParameterError),
    #[error("{effect}: the mask is empty: say which label with --label NUMBER")]
    EmptyMask { effect: &'static str },
    /// Nobody has said for which of these labels of the mask.
    #[error("{effect}: the mask has several labels, {present}: say which with --label, or --label all")]
    WhichLabel { effect: &'static str, present: String },
    #[error("{}: {why}", .effect.id)]
    Effect { effect: &'static Effect, why: EffectError },
    #[error(transparent)]
    Patch(#[from] EditError),
}

/// Carries steps out, one after the other, each on what the one before it leaves. `scene` is what the first one works on; which
/// label it is for is said by the step, or by `labels`. The mask of the scene stays as it is. Stops under
/// [`watch::under`](crate::watch::under).
pub fn carry_out(
    steps: &[Step],
    labels: For<'_>,
    scene: &Scene<'_>,
    rules: &MaskRules<'_>,
    origin: &Origin,
) -> Result<Carried, ChainError> {
    // What is wrong with any step is said before the work begins.
    let others = scene.other.map(|other| other.labels);
    let told = steps.iter().map(|step| step.resolve(scene.labels, others)).collect::<Result<Vec<_>, _>>()?;
    let (mut mask, mut patches) = (scene.mask.clone(), Vec::new());
    let (mut outcomes, mut kept, mut sizes) = (Vec::new(), BTreeSet::new(), None);
    for (step, (effect, values)) in steps.iter().zip(told) {
        let ids = labels_of(step, effect, labels, &mask, scene.labels)?;
        // An effect on all labels is done once.
        let (each, chosen) = match effect.on {
            On::One => (&ids[..], &[][..]),
            On::All => (&[0][..], &ids[..]),
        };
        for &label in each {
            let here = Scene { mask: &mask, label, chosen, ..scene.clone() };
            let title = match effect.on {
                On::One => format!("{}, {}", effect.title, here.name(label)),
                On::All => effect.title.to_owned(),
            };
            let mut outcome =
                Outcome { effect, title, voxels: 0, nothing: None, notes: Vec::new(), warnings: Vec::new() };
            match effect.change(&here, &values, rules, origin) {
                Ok(change) => {
                    let gone = gone(&change.patch, &mask, &mut sizes);
                    outcome.voxels = change.patch.voxel_count();
                    outcome.nothing = change.nothing;
                    outcome.notes = change.notes;
                    outcome.warnings = change.warnings;
                    if !change.is_meant {
                        outcome.warnings.extend(words_of_gone(&here, &gone));
                    }
                    kept.extend(change.kept);
                    change.patch.apply(&mut mask)?;
                    patches.push(change.patch);
                }
                Err(EffectError::Nothing(why)) => outcome.nothing = Some(why),
                Err(why) => return Err(ChainError::Effect { effect, why }),
            }
            outcomes.push(outcome);
        }
    }
    let patch = joined(patches).unwrap_or_else(|| Patch::empty(&mask, origin.clone()));
    Ok(Carried { patch, mask, outcomes, kept })
}

/// Patches one after the other as one. By halves, so that each run is copied a few times only, however many there are.
fn joined(mut patches: Vec<Patch>) -> Option<Patch> {
    if patches.len() < 2 {
        return patches.pop();
    }
    let second = joined(patches.split_off(patches.len() / 2))?;
    Some(joined(patches)?.then(&second))
}

/// The labels of a mask that have no voxel left after a patch, and how many they had. `sizes`: of all labels of the mask, which
/// are counted once and then kept up to date.
fn gone(
    patch: &Patch,
    mask: &LabelMap,
    sizes: &mut Option<BTreeMap<LabelId, usize>>,
) -> Vec<(LabelId, usize)> {
    let changes = patch.voxels_by_label();
    if sizes.is_none() && changes.values().all(|[_, lost]| *lost == 0) {
        return Vec::new();
    }
    let sizes = sizes.get_or_insert_with(|| mask.counts());
    let mut gone = Vec::new();
    for (label, [gained, lost]) in changes {
        let size = sizes.entry(label).or_default();
        if *size > 0 && *size + gained == lost {
            gone.push((label, *size));
        }
        *size = (*size + gained).saturating_sub(lost);
    }
    gone
}

/// So many labels that go are named.
const NAMED: usize = 5;

fn words_of_gone(scene: &Scene<'_>, gone: &[(LabelId, usize)]) -> Vec<String> {
    let named = gone.iter().take(NAMED).map(|&(label, size)| match size {
        1 => format!("{}: its only voxel goes", scene.name(label)),
        size => format!("{}: all of its {size} voxels go", scene.name(label)),
    });
    let more = gone.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| match more {
        1 => "one more label loses all of its voxels".to_owned(),
        n => format!("{n} more labels lose all of their voxels"),
    });
    named.chain(more).collect()
}

/// The labels that a step is done for, in order.
fn labels_of(
    step: &Step,
    effect: &Effect,
    asked: For<'_>,
    mask: &LabelMap,
    labels: &LabelTable,
) -> Result<Vec<LabelId>, ChainError> {
    let said = match asked {
        _ if !step.labels.is_empty() => &step.labels,
        For::Label(label) => return Ok(if effect.on == On::One { vec![label] } else { Vec::new() }),
        For::Named([]) if effect.on == On::All => return Ok(Vec::new()),
        For::Named([]) => {
            let present: Vec<LabelId> = mask.counts().into_keys().collect();
            return match present[..] {
                [one] => Ok(vec![one]),
                [] => Err(ChainError::EmptyMask { effect: effect.id }),
                _ => Err(ChainError::WhichLabel { effect: effect.id, present: names_of(labels) }),
            };
        }
        For::Named(said) => said,
    };
    Ok(labels_named(said, mask, labels).map_err(|why| why.of(effect))?)
}
