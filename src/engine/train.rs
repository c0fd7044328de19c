//! What a training run is asked for, and what it has made.

use super::{LoadedModel, Version};
use crate::label::LabelId;
use crate::metrics::Report;
use crate::nn::ModelCard;
use crate::nn::train::volumes::{View, VolumeSample};
use crate::nn::train::{TrainConfig, TrainSample};
use std::path::PathBuf;
use std::sync::Arc;

/// A training run that starts from a loaded model.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// A model that has been loaded ([`super::ModelSource::Fresh`] begins from nothing).
    pub base: Version,
    /// A loaded model that the loss distils from.
    pub teacher: Option<Version>,
    pub config: TrainConfig,
    pub data: TrainData,
    pub checkpoints: Option<Checkpoints>,
    /// What the new model says of itself.
    pub about: About,
}

/// What a run learns from, as the model has it. What is held out is kept from training, and the run is validated on it.
#[derive(Clone, Debug)]
pub enum TrainData {
    /// The new model is compared with the old one on the slices that are held out.
    Slices {
        samples: Vec<TrainSample>,
        held_out: Vec<TrainSample>,
    },
    Volumes {
        view: View,
        samples: Vec<VolumeSample>,
        held_out: Vec<VolumeSample>,
    },
}

/// The words of the new model's card; what is None stays as the old card has it.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub title: Option<String>,
    pub trained_on: Option<String>,
    pub licence: Option<String>,
    pub notice: Option<String>,
    pub command: Option<String>,
    /// RFC 3339 in UTC.
    pub created: Option<String>,
}

impl About {
    pub(super) fn write(&self, card: &mut ModelCard) {
        let words = [
            (&mut card.title, &self.title),
            (&mut card.trained_on, &self.trained_on),
            (&mut card.licence, &self.licence),
            (&mut card.notice, &self.notice),
            (&mut card.command, &self.command),
            (&mut card.created, &self.created),
        ];
        for (old, new) in words {
            if let Some(new) = new {
                old.clone_from(new);
            }
        }
    }
}

/// Where a run is saved as it goes.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    pub path: PathBuf,
    /// Saved after this many steps, whenever the run rests, and at its end.
    pub every: u64,
    /// Goes on from what `path` holds, with the configuration that it holds.
    pub resume: bool,
    /// A folder for the curves (`steps.csv`, `validation.csv`), `best.safetensors`, written whenever a validation is the best
    /// so far, and `last.safetensors`, written at the end.
    pub folder: Option<PathBuf>,
}

/// What a run that came to its end has made.
#[derive(Debug)]
pub struct Trained {
    pub base: Version,
    /// The new version; loaded, so that it can be looked at before it is used.
    pub model: LoadedModel,
    /// None where no slice was held out.
    pub comparison: Option<Comparison>,
    /// Why the run ended early: its loss was no longer a number. The model is the best that it had reached before.
    pub diverged: Option<String>,
    /// The steps that it had taken when a person ended it early ([`super::Engine::finish`]).
    pub stopped_at: Option<u64>,
}

/// The old and the new model on the held-out slices.
#[derive(Debug)]
pub struct Comparison {
    pub before: Report,
    pub after: Report,
    pub slices: Vec<HeldOut>,
}

impl Comparison {
    /// By how much the mean Dice rose; None where one of the two has none.
    pub fn gain(&self) -> Option<f64> {
        Some(self.after.mean_dice? - self.before.mean_dice?)
    }
}

/// One held-out slice, with what both models make of it: label ids, row by row.
#[derive(Debug)]
pub struct HeldOut {
    pub sample: TrainSample,
    pub before: Arc<[LabelId]>,
    pub after: Arc<[LabelId]>,
}
