//! Training of networks of volumes: what a case becomes on a network's grid, and a session that takes one step at a
//! time with the schedules, optimisers and losses that networks of slices have.

mod example;
mod session;
#[cfg(test)]
mod tests;

pub use example::{CaseError, Example, Framing, LabelledVolume, VolumeAugment};
pub use session::{OF_SLICES, View, VolumeSample, VolumeSession, Volumes};

use super::TrainConfig;
use crate::nn::{Channels, CoarseSpec, InputSpec, ModelCard, VolumeSpec};
use crate::{label::LabelTable, volume::Modality};
use serde::{Deserialize, Serialize, Serializer, ser::Error};
use serde_json::Value;

/// One of the two networks of the winner of FLARE21, and how it is trained (facts: sections 3 and 5 of its
/// description).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Id of the network in the registry.
    pub network: String,
    /// Its constructor arguments.
    pub config: Value,
    pub view: View,
    #[serde(serialize_with = "of_volumes")]
    pub train: TrainConfig,
}

/// Without what is for slices.
fn of_volumes<S: Serializer>(config: &TrainConfig, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(config).map_err(S::Error::custom)?;
    if let Some(map) = value.as_object_mut() {
        map.retain(|key, _| !OF_SLICES.contains(&key.as_str()));
    }
    value.serialize(serializer)
}

impl Stage {
    /// The card of this network alone, before it has learned anything: a model of its own, which sees what the stage
    /// shows it.
    pub fn card(&self, labels: LabelTable) -> ModelCard {
        let input = InputSpec { window: Some([-325.0, 325.0]), ..InputSpec::unit(Channels::Grey) };
        let spec = match labels.len() {
            4 => VolumeSpec::flare(),
            _ => VolumeSpec::whole(),
        };
        let card = ModelCard::new(&self.network, self.config.clone(), input, labels, Modality::Ct);
        ModelCard { volume: Some(spec), ..card }
    }
}

/// What the second network looks at when it predicts, from what the first has found.
impl From<&ModelCard> for CoarseSpec {
    fn from(card: &ModelCard) -> Self {
        CoarseSpec::flare(&card.network, card.config.clone())
    }
}
