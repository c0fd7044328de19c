//! What a training run is asked for, and what it has made.

use super::{LoadedModel, Version};
use crate::label::LabelId;
use crate::metrics::Report;
use crate::nn::ModelCard;
use crate::nn::train::volumes::{View, VolumeSample};
use crate::nn::train::{TrainConfig, TrainSample};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A training run that starts from a loaded model.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// A model that has been loaded ([`super::ModelSource::Fresh`] begins from nothing).
    pub base: Version,
    /// A loaded model that the loss distils from.
    pub teacher: Option<Version>,
    /// A loaded model of slices that the new one is compared with; None: with `base`, unless that has learned nothing.
    pub earlier: Option<Version>,
    pub config: TrainConfig,
    pub data: TrainData,
    pub checkpoints: Option<Checkpoints>,
    /// What the new model says of itself.
    pub about: About,
}

/// What a run learns from, as the model has it. What is held out is kept from training, and the run is validated on it.
#[derive(Clone, Debug)]
pub enum TrainData {
    /// The new model is compared with an earlier one on the slices that are held out.
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

/// An earlier and the new model on the held-out slices.
#[derive(Debug)]
pub struct Comparison {
    /// Of the earlier model, for those labels alone that both models know, by the new one's ids. None where no model that
    /// has learned anything knows any of them: then the new one has nothing to be compared with.
    pub before: Option<Report>,
    pub after: Report,
    pub slices: Vec<HeldOut>,
}

impl Comparison {
    /// Whether the earlier model does not know a label of the new one.
    pub fn is_new(&self, label: LabelId) -> bool {
        self.before.as_ref().is_none_or(|before| !before.classes.contains_key(&label))
    }

    /// The mean Dice of both models, earlier and new, over the labels of which both have one. A mean over other labels says
    /// nothing of which model is better: what only the new one knows, or only one of them has found by mistake, would count
    /// for or against it alone. None where there is no such label.
    pub fn means(&self) -> Option<[f64; 2]> {
        let dice = |report: &Report| report.classes.iter().map(|(&id, c)| (id, c.mean.dice)).collect();
        means(&dice(self.before.as_ref()?), &dice(&self.after))
    }

    /// The same on one of the slices.
    pub fn means_on(&self, slice: usize) -> Option<[f64; 2]> {
        let dice = |report: &Report| {
            let case = report.cases.get(slice)?;
            Some(case.classes.iter().map(|(&id, scores)| (id, scores.dice)).collect())
        };
        means(&dice(self.before.as_ref()?)?, &dice(&self.after)?)
    }

    /// On how many of the slices the mask is what the earlier model predicts there, to the voxel: it was accepted and never
    /// changed, so that the model's Dice there is 1 whatever it is worth.
    pub fn own_masks(&self) -> usize {
        let cases = self.before.iter().flat_map(|before| &before.cases);
        cases.filter(|case| case.mean_dice == Some(1.0)).count()
    }

    /// By how much the mean Dice rose over the labels of which both models have one.
    pub fn gain(&self) -> Option<f64> {
        self.means().map(|[before, after]| after - before)
    }
}

/// Over the labels that have a value in both.
fn means(
    before: &BTreeMap<LabelId, Option<f64>>,
    after: &BTreeMap<LabelId, Option<f64>>,
) -> Option<[f64; 2]> {
    let both = |(id, before): (&LabelId, &Option<f64>)| before.zip(after.get(id).copied().flatten());
    let pairs: Vec<(f64, f64)> = before.iter().filter_map(both).collect();
    let count = pairs.len() as f64;
    let sums = pairs.iter().fold([0.0, 0.0], |[b, a], pair| [b + pair.0, a + pair.1]);
    (!pairs.is_empty()).then(|| sums.map(|sum| sum / count))
}

/// One held-out slice, with what both models make of it: the new one's label ids, row by row.
#[derive(Debug)]
pub struct HeldOut {
    pub sample: TrainSample,
    /// None where there is no earlier model. What it calls by a name that the new one does not know is 0.
    pub before: Option<Arc<[LabelId]>>,
    pub after: Arc<[LabelId]>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Overlap;

    /// Of one slice: a Dice of 0.8 or so for each label by its counts.
    fn report(labels: &[(LabelId, [u64; 3])]) -> Report {
        let counts = |&(id, [hit, too_much, missed]): &(LabelId, [u64; 3])| {
            let overlap = Overlap {
                true_positive: hit,
                false_positive: too_much,
                false_negative: missed,
                true_negative: 100,
            };
            (id, overlap)
        };
        Report::new(vec![("slice".to_owned(), labels.iter().map(counts).collect())])
    }

    fn compared(before: Option<Report>, after: Report) -> Comparison {
        Comparison { before, after, slices: Vec::new() }
    }

    #[test]
    fn labels_that_one_model_alone_knows_or_shows_are_in_no_gain() {
        // Label 1 gets worse: 0.8, then 0.5. Label 2 is where no truth is, found by the earlier model alone.
        let (good, bad) = ([4, 1, 1], [2, 2, 2]);
        let before = report(&[(1, good), (2, [0, 5, 0])]);
        let after = report(&[(1, bad), (2, [0, 0, 0]), (3, [9, 0, 0])]);
        let mean = |report: &Report| report.mean_dice.unwrap();
        assert!(mean(&after) > mean(&before), "their own means, of other labels, rise");
        let comparison = compared(Some(before), after);
        let [before, after] = comparison.means().unwrap();
        assert!((before - 0.8).abs() < 1e-9 && (after - 0.5).abs() < 1e-9, "{before} {after}");
        assert_eq!(comparison.means_on(0), Some([before, after]));
        assert!(comparison.gain().is_some_and(|gain| gain < -0.29));
        assert_eq!([1, 2, 3].map(|id| comparison.is_new(id)), [false, false, true]);
    }

    #[test]
    fn without_a_common_label_there_is_no_gain() {
        let alone = compared(None, report(&[(1, [4, 1, 1])]));
        assert_eq!((alone.gain(), alone.means_on(0), alone.is_new(1)), (None, None, true));
        let apart = compared(Some(report(&[(1, [0, 0, 0])])), report(&[(1, [4, 1, 1])]));
        assert_eq!(
            (apart.gain(), apart.is_new(1)),
            (None, false),
            "the earlier one knows it, and has no Dice"
        );
    }
}
