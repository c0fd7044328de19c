use crate::label::{LabelId, LabelMap, LabelTable};
use std::collections::BTreeMap;

/// How the values of a data set's masks become labels.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// They are label ids, or the two values of a mask of one structure ([`crate::io::binary`]).
    Ids,
    /// Each of these values is a label, the first label 1; any other but 0 is a fault. Pixels of the value `ignored` are
    /// not known.
    Named { labels: Vec<(LabelId, String)>, ignored: Option<LabelId> },
    /// Values above the limit are label 1: masks that were stored as JPEG, or softened by resizing.
    Above { limit: LabelId, name: &'static str },
}

impl Values {
    pub(super) fn named(labels: &[(LabelId, &str)]) -> Self {
        let labels = labels.iter().map(|&(value, name)| (value, name.to_owned())).collect();
        Values::Named { labels, ignored: None }
    }

    /// The labels by name, where the layout names them.
    pub fn labels(&self) -> Option<LabelTable> {
        match self {
            Values::Ids => None,
            Values::Named { labels, .. } => {
                let names: Vec<&str> = labels.iter().map(|(_, name)| name.as_str()).collect();
                Some(LabelTable::named(&names))
            }
            Values::Above { name, .. } => Some(LabelTable::named(&[name])),
        }
    }

    /// A mask as it is stored to one of labels; what is wrong with it, if anything is.
    pub fn apply(&self, map: LabelMap) -> Result<LabelMap, String> {
        let to: Box<dyn Fn(LabelId) -> LabelId> = match self {
            Values::Ids => return Ok(map),
            Values::Above { limit, .. } => Box::new(move |value| LabelId::from(value > *limit)),
            Values::Named { labels, ignored } => {
                let mut ids: BTreeMap<LabelId, LabelId> =
                    labels.iter().zip(1..).map(|((value, _), id)| (*value, id)).collect();
                ids.insert(0, 0);
                // No table has the highest id, so that it is a label that no network knows.
                ids.extend(ignored.map(|value| (value, LabelId::MAX)));
                let strange: Vec<String> =
                    map.counts().keys().filter(|v| !ids.contains_key(v)).map(ToString::to_string).collect();
                if !strange.is_empty() {
                    let known: Vec<String> = ids.keys().map(ToString::to_string).collect();
                    return Err(format!(
                        "the mask has the values {}, and the classes are {}",
                        strange.join(", "),
                        known.join(", ")
                    ));
                }
                Box::new(move |value| ids.get(&value).copied().unwrap_or(0))
            }
        };
        let values: Vec<LabelId> = map.to_values().into_iter().map(to).collect();
        LabelMap::from_values(map.dims(), &values).ok_or_else(|| "the mask is empty".to_owned())
    }
}
