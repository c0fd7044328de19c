//! The earlier model of a training run and what it makes of the slices held out, and the comparison with the new one.

use super::explain::predict_failure;
use super::predict::SliceWalk;
use super::train::{Comparison, HeldOut};
use crate::label::LabelId;
use crate::metrics::Report;
use crate::nn::train::{TrainSample, score};
use crate::nn::watch::Watch;
use crate::nn::{Model, ModelCard, PredictError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A model on the held-out slices, one after the other.
pub(super) struct Shown {
    model: Model,
    walk: SliceWalk,
    /// Label ids of the slices that are done, row by row.
    labels: Vec<Arc<[LabelId]>>,
}

impl Shown {
    pub fn new(model: Model) -> Self {
        Self { model, walk: SliceWalk::default(), labels: Vec::new() }
    }

    pub fn done(&self) -> usize {
        self.labels.len()
    }

    /// One tile; true where that was a slice's last one.
    pub fn step(&mut self, held_out: &[TrainSample], stop: &Arc<dyn Watch>) -> Result<bool, String> {
        let Some(sample) = held_out.get(self.done()) else { return Ok(false) };
        match self.walk.step(&self.model, &sample.volume, sample.z, stop) {
            // The scheduler drops cancelled work.
            Err(PredictError::Stopped(_)) => Ok(false),
            walked => {
                let walked = walked.map_err(predict_failure)?;
                Ok(walked.map(|walked| self.labels.push(walked.labels)).is_some())
            }
        }
    }
}

/// The model that the new one is compared with.
pub(super) struct Earlier {
    shown: Shown,
    /// By its own label ids, those of the new model's labels of the same names.
    names: BTreeMap<LabelId, LabelId>,
}

impl Earlier {
    /// `card` is the new model's. None where the model has learned nothing, or knows none of the new one's labels.
    pub fn new(model: Model, card: &ModelCard) -> Option<Self> {
        let theirs = |name: &str| card.labels.iter().find(|label| label.name == name).map(|label| label.id);
        let own = model.card.labels.iter();
        let names: BTreeMap<_, _> = own.filter_map(|label| Some((label.id, theirs(&label.name)?))).collect();
        let comparable = !model.card.is_untrained() && !names.is_empty();
        comparable.then(|| Self { shown: Shown::new(model), names })
    }

    pub fn done(&self) -> usize {
        self.shown.done()
    }

    /// As [`Shown::step`]. What it calls by a name that the new model does not know becomes background.
    pub fn step(&mut self, held_out: &[TrainSample], stop: &Arc<dyn Watch>) -> Result<bool, String> {
        let whole = self.shown.step(held_out, stop)?;
        if let Some(labels) = self.shown.labels.last_mut().filter(|_| whole) {
            *labels = labels.iter().map(|own| self.names.get(own).copied().unwrap_or(0)).collect();
        }
        Ok(whole)
    }

    /// Its Dice of each label that both models know. `card` is the new model's.
    pub fn report(&self, card: &ModelCard, held_out: &[TrainSample]) -> Report {
        let common = |id: &u16| self.names.values().any(|known| known == id);
        let scored = held_out.iter().zip(&self.shown.labels).map(|(sample, labels)| {
            let mut counts = score(card, sample, labels);
            counts.retain(|id, _| common(id));
            (sample.name.clone(), counts)
        });
        Report::new(scored.collect())
    }
}

/// Both models on the held-out slices, the earlier one first.
pub(super) struct Compare {
    earlier: Option<Earlier>,
    new: Shown,
    held_out: Vec<TrainSample>,
}

impl Compare {
    pub fn new(earlier: Option<Earlier>, new: Model, held_out: Vec<TrainSample>) -> Self {
        Self { earlier, new: Shown::new(new), held_out }
    }

    /// Slices that are done, and all of them, each once for every model.
    pub fn progress(&self) -> (usize, usize) {
        let models = 1 + usize::from(self.earlier.is_some());
        (self.earlier.as_ref().map_or(0, Earlier::done) + self.new.done(), models * self.held_out.len())
    }

    /// One tile; true where that was a slice's last one.
    pub fn step(&mut self, stop: &Arc<dyn Watch>) -> Result<bool, String> {
        match self.earlier.as_mut().filter(|earlier| earlier.done() < self.held_out.len()) {
            Some(earlier) => earlier.step(&self.held_out, stop),
            None => self.new.step(&self.held_out, stop),
        }
    }

    /// The new model, and how it compares; None where no slice was held out.
    pub fn end(self) -> (Model, Option<Comparison>) {
        let Self { earlier, new: Shown { model, labels, .. }, held_out } = self;
        if held_out.is_empty() {
            return (model, None);
        }
        let scored = held_out.iter().zip(&labels).map(|(s, l)| (s.name.clone(), score(&model.card, s, l)));
        let after = Report::new(scored.collect());
        let before = earlier.as_ref().map(|earlier| earlier.report(&model.card, &held_out));
        let mut earlier = earlier.into_iter().flat_map(|earlier| earlier.shown.labels);
        let slices = (held_out.into_iter().zip(labels))
            .map(|(sample, after)| HeldOut { sample, before: earlier.next(), after })
            .collect();
        (model, Some(Comparison { before, after, slices }))
    }
}
