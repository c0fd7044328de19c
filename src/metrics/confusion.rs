use super::Overlap;
use crate::label::LabelId;
use rayon::prelude::*;
use serde::Serialize;
use std::{collections::BTreeSet, ops::AddAssign};

/// Pixels of every pair of a true and a predicted label. Those of cases add up to those of the data set.
///
/// The means here are over all labels, background included where it is one of them, and leave out labels that are in
/// neither map: the way of JMedSeg, and of the polyp system's torchmetrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// Ascending.
    labels: Vec<LabelId>,
    /// `[truth][predicted]`.
    counts: Vec<u64>,
}

/// Pixels that one thread counts at a time.
const CHUNK: usize = 1 << 18;
const NONE: u16 = u16::MAX;

impl Confusion {
    pub fn empty(labels: &BTreeSet<LabelId>) -> Self {
        Self { labels: labels.iter().copied().collect(), counts: vec![0; labels.len() * labels.len()] }
    }

    /// Counts two maps of equal length. A pixel whose true or predicted label is not among `labels`, or that is not
    /// `valid`, counts nowhere.
    ///
    /// # Panics
    /// Where the lengths differ.
    pub fn of(
        predicted: &[LabelId],
        truth: &[LabelId],
        valid: Option<&[bool]>,
        labels: &BTreeSet<LabelId>,
    ) -> Self {
        assert_eq!(predicted.len(), truth.len(), "two label maps of different sizes cannot be compared");
        let none = Self::empty(labels);
        let n = none.labels.len();
        let mut index = vec![NONE; usize::from(LabelId::MAX) + 1];
        for (i, &label) in (0..).zip(&none.labels) {
            index[usize::from(label)] = i;
        }
        let counted = |start: usize| {
            let end = truth.len().min(start + CHUNK);
            let mut counts = vec![0u64; n * n];
            for i in start..end {
                let [t, p] = [truth[i], predicted[i]].map(|label| index[usize::from(label)]);
                if t != NONE && p != NONE && valid.is_none_or(|valid| valid[i]) {
                    counts[usize::from(t) * n + usize::from(p)] += 1;
                }
            }
            counts
        };
        let sum = |mut a: Vec<u64>, b: Vec<u64>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let starts = (0..truth.len().div_ceil(CHUNK)).into_par_iter().map(|chunk| chunk * CHUNK);
        let counts = starts.map(counted).reduce(|| none.counts.clone(), sum);
        Self { counts, ..none }
    }

    /// Ascending.
    pub fn labels(&self) -> &[LabelId] {
        &self.labels
    }

    /// Pixels with one true and one predicted label.
    pub fn count(&self, truth: LabelId, predicted: LabelId) -> u64 {
        let at = |label| self.labels.binary_search(&label);
        match (at(truth), at(predicted)) {
            (Ok(t), Ok(p)) => self.counts[t * self.labels.len() + p],
            _ => 0,
        }
    }

    /// Pixels that were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The counts of one label against all others.
    pub fn overlap(&self, label: LabelId) -> Overlap {
        let sum = |of: &dyn Fn(LabelId) -> u64| self.labels.iter().map(|&other| of(other)).sum::<u64>();
        let true_positive = self.count(label, label);
        let false_negative = sum(&|p| self.count(label, p)) - true_positive;
        let false_positive = sum(&|t| self.count(t, label)) - true_positive;
        let true_negative = self.total() - true_positive - false_negative - false_positive;
        Overlap { true_positive, false_positive, false_negative, true_negative }
    }

    /// Share of the pixels whose label is right.
    pub fn accuracy(&self) -> Option<f64> {
        let right: u64 = self.labels.iter().map(|&l| self.count(l, l)).sum();
        (self.total() > 0).then(|| right as f64 / self.total() as f64)
    }

    /// Mean over the labels of the share of their pixels that were found.
    pub fn mean_class_accuracy(&self) -> Option<f64> {
        self.mean(Overlap::sensitivity)
    }

    pub fn mean_dice(&self) -> Option<f64> {
        self.mean(Overlap::dice)
    }

    pub fn mean_iou(&self) -> Option<f64> {
        self.mean(Overlap::iou)
    }

    /// IoU of each label, weighted with its share of the true pixels.
    pub fn frequency_weighted_iou(&self) -> Option<f64> {
        let weighted = |o: Overlap| o.iou().unwrap_or(0.0) * o.in_truth() as f64;
        let sum: f64 = self.overlaps().map(weighted).sum();
        (self.total() > 0).then(|| sum / self.total() as f64)
    }

    fn overlaps(&self) -> impl Iterator<Item = Overlap> {
        self.labels.iter().map(|&label| self.overlap(label))
    }

    fn mean(&self, of: fn(&Overlap) -> Option<f64>) -> Option<f64> {
        super::report::mean(self.overlaps().map(|o| of(&o)))
    }
}

impl AddAssign<&Confusion> for Confusion {
    /// # Panics
    /// Where the labels differ.
    fn add_assign(&mut self, other: &Self) {
        assert_eq!(self.labels, other.labels, "counts of different labels cannot be added");
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_cases_add_up_and_agree_with_the_class_by_class_ones() {
        let (predicted, truth) = ([0u16, 1, 2, 2, 1, 9], [0u16, 1, 1, 2, 0, 0]);
        let labels = BTreeSet::from([0, 1, 2]);
        let mut sum = Confusion::empty(&labels);
        for i in 0..6 {
            sum += &Confusion::of(&predicted[i..=i], &truth[i..=i], None, &labels);
        }
        assert_eq!(sum, Confusion::of(&predicted, &truth, None, &labels));
        assert_eq!((sum.total(), sum.count(1, 2), sum.count(2, 1)), (5, 1, 0), "9 is no label");
        let overlap = Overlap::of(&predicted[..5], &truth[..5], None, 1);
        assert_eq!(sum.overlap(1), overlap);
        assert_eq!(sum.accuracy(), Some(3.0 / 5.0));
    }

    #[test]
    fn what_is_not_valid_counts_nowhere() {
        let labels = BTreeSet::from([0, 1]);
        let counted = Confusion::of(&[1, 1, 0], &[1, 0, 0], Some(&[true, false, false]), &labels);
        assert_eq!((counted.total(), counted.count(1, 1)), (1, 1));
        assert_eq!(Confusion::empty(&labels).accuracy(), None);
    }
}
