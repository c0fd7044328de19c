use crate::engine::Version;
use crate::label::LabelId;
use crate::workspace::{Document, DocumentId, SliceLabels};
use std::collections::{BTreeMap, BTreeSet};

/// Which of a model's labels occur in what it has predicted, kept up to date a little at a time: a frame has no time to look at a
/// whole volume.
#[derive(Default)]
pub struct Seen {
    of: Option<(DocumentId, Version)>,
    /// By slice: the stamp of the prediction that was looked at, and the labels there, in the model's own ids.
    slices: BTreeMap<usize, (u64, BTreeSet<LabelId>)>,
}

/// Pixels looked at in a frame, about half a millisecond.
const BUDGET: usize = 600_000;

impl Seen {
    /// Looks at what is new; true where there is more to look at in the next frame.
    pub fn refresh(&mut self, document: &Document, predicted: &BTreeMap<usize, SliceLabels>) -> bool {
        let of = document.model().cloned().map(|version| (document.id(), version));
        if self.of != of {
            *self = Self { of, ..Self::default() };
        }
        self.look_at(predicted)
    }

    fn look_at(&mut self, predicted: &BTreeMap<usize, SliceLabels>) -> bool {
        self.slices.retain(|z, _| predicted.contains_key(z));
        let mut left = BUDGET;
        for (&z, slice) in predicted {
            if self.slices.get(&z).is_some_and(|(stamp, _)| *stamp == slice.stamp) {
                continue;
            }
            if left == 0 {
                return true;
            }
            self.slices.insert(z, (slice.stamp, labels_of(&slice.labels)));
            left = left.saturating_sub(slice.labels.len());
        }
        false
    }

    pub fn has(&self, label: LabelId) -> bool {
        self.slices.values().any(|(_, labels)| labels.contains(&label))
    }
}

fn labels_of(slice: &[LabelId]) -> BTreeSet<LabelId> {
    slice.chunk_by(|a, b| a == b).map(|run| run[0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(stamp: u64, labels: Vec<LabelId>) -> SliceLabels {
        SliceLabels { labels: labels.into(), detection: None, stamp }
    }

    #[test]
    fn labels_are_seen_in_the_newest_prediction_of_each_slice() {
        let mut seen = Seen::default();
        let mut predicted = BTreeMap::from([(0, slice(1, vec![0, 0, 2])), (3, slice(2, vec![5, 5, 0]))]);
        assert!(!seen.look_at(&predicted));
        assert_eq!([2, 3, 5].map(|label| seen.has(label)), [true, false, true]);
        predicted.insert(0, slice(3, vec![3, 0, 0]));
        predicted.remove(&3);
        assert!(!seen.look_at(&predicted));
        assert_eq!([2, 3, 5].map(|label| seen.has(label)), [false, true, false]);
    }

    #[test]
    fn a_frame_looks_at_a_few_large_slices_only() {
        let mut seen = Seen::default();
        let predicted: BTreeMap<_, _> =
            (0..4).map(|z| (z, slice(z as u64 + 1, vec![z as LabelId + 1; BUDGET / 2]))).collect();
        assert!(seen.look_at(&predicted), "there is more");
        assert!(seen.has(1) && !seen.has(4));
        assert!(!seen.look_at(&predicted));
        assert!(seen.has(4));
    }
}
