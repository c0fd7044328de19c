//! Effects in order, with what each is told: what is saved, and done again.

use super::{Effect, ParameterError, Values, label_named, named};
use crate::label::{LabelId, LabelMap, LabelTable};
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
}

impl Step {
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
