//! Effects in order, with what each is told: what is saved, and done again.

use super::{Effect, EffectError, On, ParameterError, Scene, Values, label_named, named, names_of};
use crate::{
    edit::{EditError, MaskRules, Origin, Patch},
    label::{LabelId, LabelMap, LabelTable},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl Step {
    /// The effect and its values. Labels that parameters name are those of the table.
    pub fn resolve(&self, labels: &LabelTable) -> Result<(&'static Effect, Values), ParameterError> {
        let effect = named(&self.effect)?;
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let said: Vec<(&str, String)> =
            self.set.iter().map(|(key, value)| (key.as_str(), text(value))).collect();
        let said = said.iter().map(|(key, text)| (*key, text.as_str()));
        let values = Values::new(effect.parameters, said, labels).map_err(|e| e.of(effect))?;
        Ok((effect, values))
    }

    /// What the effect is called on screen.
    pub fn title(&self) -> &str {
        super::effect(&self.effect).map_or(&self.effect, |effect| effect.title)
    }
}

/// Labels by name or number; "all" is every label of the mask, in the order of their numbers.
pub fn labels_named(
    said: &[String],
    mask: &LabelMap,
    labels: &LabelTable,
) -> Result<Vec<LabelId>, ParameterError> {
    let mut ids = Vec::new();
    for text in said {
        match text.as_str() {
            "all" => ids.extend(mask.counts().into_keys()),
            text => ids.push(label_named(text, labels)?),
        }
    }
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
    let told = steps.iter().map(|step| step.resolve(scene.labels)).collect::<Result<Vec<_>, _>>()?;
    let mut mask = scene.mask.clone();
    let (mut patch, mut outcomes) = (Patch::empty(&mask, origin.clone()), Vec::new());
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
            let (change, nothing) = match effect.patch(&here, &values, rules, origin.clone()) {
                Ok(change) => (change, None),
                Err(EffectError::Nothing(why)) => (Patch::empty(&mask, origin.clone()), Some(why)),
                Err(why) => return Err(ChainError::Effect { effect, why }),
            };
            outcomes.push(Outcome { effect, title, voxels: change.voxel_count(), nothing });
            change.apply(&mut mask)?;
            patch = patch.then(&change);
        }
    }
    Ok(Carried { patch, mask, outcomes })
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
