//! Two models on one image: how far what they predict agrees, counted in the background, slice by slice.

use super::jobs::JobResult;
use super::model_library::ModelLibrary;
use super::parts::Parts;
use super::predictions::{Predictions, SliceLabels};
use super::reformat::translation;
use super::{DocumentId, wanted_labels};
use crate::engine::{JobId, Version};
use crate::geom::Grid;
use crate::label::{LabelId, LabelTable, volumes_of_slices};
use crate::metrics::{Confusion, Overlap};
use std::collections::{BTreeMap, BTreeSet};

/// Slices that one job counts.
const BATCH: usize = 16;

/// What is put beside the active image and the model in use there, which are A: another model on it, or another image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub document: DocumentId,
    /// What predicts there; `None` of an image without a model.
    pub version: Option<Version>,
    /// The native slice on screen; `None` where the other image has none at this place.
    pub z: Option<usize>,
}

/// Two models on one image: A, the model in use, and B.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub document: DocumentId,
    pub versions: [Version; 2],
    /// Structures that are not compared, by name.
    pub left_out: BTreeSet<String>,
}

/// How far the two predictions of a label agree.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Pixels; A stands for the prediction, B for the truth.
    pub overlap: Overlap,
    /// By A and by B, in the unit of [`Document::label_volume`](super::Document::label_volume).
    pub volumes: [f64; 2],
}

/// How far the two predictions of a slice agree.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceAgreement {
    /// By [`Comparison::labels`]; only those that one of the two has predicted.
    labels: BTreeMap<LabelId, Agreement>,
    /// A pixel (column, row) of the longest stretch of a row in which they differ.
    spot: Option<[usize; 2]>,
    /// Of the two predictions that were counted.
    stamps: [u64; 2],
}

impl SliceAgreement {
    /// Mean Dice of the labels that one of the two has predicted; `None` where both have predicted background alone.
    pub fn mean_dice(&self) -> Option<f64> {
        mean_dice(&self.labels)
    }

    /// `common`: the common label of each own id, of A and of B.
    fn of(grid: &Grid, z: usize, both: [&SliceLabels; 2], common: &[Vec<LabelId>; 2]) -> Self {
        let [by_a, by_b] = [0, 1].map(|side| -> Vec<LabelId> {
            let of = |own: &LabelId| common[side].get(usize::from(*own)).copied().unwrap_or(0);
            both[side].labels.iter().map(of).collect()
        });
        let present: BTreeSet<LabelId> = by_a.iter().chain(&by_b).copied().chain([0]).collect();
        let confusion = Confusion::of(&by_a, &by_b, None, &present);
        let volumes = [&by_a, &by_b].map(|labels| volumes_of_slices(grid, [(z, &**labels)]));
        let of_label = |label: LabelId| Agreement {
            overlap: confusion.overlap(label),
            volumes: [0, 1].map(|side| volumes[side].get(&label).copied().unwrap_or(0.0)),
        };
        let labels =
            present.iter().filter(|&&label| label != 0).map(|&label| (label, of_label(label))).collect();
        let spot = widest_difference(&by_a, &by_b, grid.dims()[0]);
        Self { labels, spot, stamps: both.map(|slice| slice.stamp) }
    }
}

/// How far two models agree on the slices of an image that both have predicted.
#[derive(Debug)]
pub struct Comparison {
    pair: Pair,
    /// The labels of both: A's with its own ids, and those of B that A has not.
    labels: LabelTable,
    /// The common label of each own id, of A and of B.
    common: [Vec<LabelId>; 2],
    slices: BTreeMap<usize, SliceAgreement>,
    total: BTreeMap<LabelId, Agreement>,
    /// The slices in which they differ, those with the lowest mean Dice first.
    differing: Vec<usize>,
}

impl Comparison {
    fn new(pair: Pair, library: &ModelLibrary) -> Option<Self> {
        let [a, b] = pair.versions.each_ref().map(|version| library.find(version).map(|model| &model.card));
        let (a, b) = (a?, b?);
        // A's own ids are the common ones.
        let (of_a, labels) = wanted_labels(a, &a.labels, &pair.left_out);
        let (of_b, labels) = wanted_labels(b, &labels, &pair.left_out);
        let common = [translation(a, &of_a), translation(b, &of_b)];
        let (slices, total, differing) = Default::default();
        Some(Self { pair, labels, common, slices, total, differing })
    }

    /// The labels of both models.
    pub fn labels(&self) -> &LabelTable {
        &self.labels
    }

    /// The slices that were counted: those that both models have predicted.
    pub fn slices(&self) -> &BTreeMap<usize, SliceAgreement> {
        &self.slices
    }

    /// By label, over all slices that were counted.
    pub fn total(&self) -> &BTreeMap<LabelId, Agreement> {
        &self.total
    }

    /// Mean Dice of the labels that one of the two has predicted.
    pub fn mean_dice(&self) -> Option<f64> {
        mean_dice(&self.total)
    }

    /// A voxel at which the two differ, in the slice in which they differ most.
    pub fn largest_difference(&self) -> Option<[usize; 3]> {
        self.differing.first().and_then(|&z| self.difference_in(z))
    }

    /// The same in the slice that comes after `z` by how much they differ; after the last in the first again.
    pub fn next_difference(&self, z: usize) -> Option<[usize; 3]> {
        let next = self.differing.iter().position(|&at| at == z).map_or(0, |at| at + 1);
        let there = self.differing.get(next).and_then(|&z| self.difference_in(z));
        there.or_else(|| self.largest_difference())
    }

    fn difference_in(&self, z: usize) -> Option<[usize; 3]> {
        let [x, y] = self.slices.get(&z)?.spot?;
        Some([x, y, z])
    }

    fn has(&self, z: usize, stamps: [u64; 2]) -> bool {
        self.slices.get(&z).is_some_and(|slice| slice.stamps == stamps)
    }

    fn keep(&mut self, counted: Vec<(usize, SliceAgreement)>) {
        self.slices.extend(counted);
        self.total.clear();
        for (label, one) in self.slices.values().flat_map(|slice| &slice.labels) {
            let sum = self.total.entry(*label).or_default();
            sum.overlap += one.overlap;
            sum.volumes = [0, 1].map(|side| sum.volumes[side] + one.volumes[side]);
        }
        let differ = self.slices.iter().filter_map(|(z, slice)| Some((*z, slice.mean_dice()?)));
        let mut differing: Vec<(usize, f64)> = differ.filter(|(_, dice)| *dice < 1.0).collect();
        differing.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        self.differing = differing.into_iter().map(|(z, _)| z).collect();
    }
}

fn mean_dice(labels: &BTreeMap<LabelId, Agreement>) -> Option<f64> {
    let dice: Vec<f64> = labels.values().filter_map(|one| one.overlap.dice()).collect();
    (!dice.is_empty()).then(|| dice.iter().sum::<f64>() / dice.len() as f64)
}

/// The middle of the longest stretch within a row in which two slices of this width differ.
fn widest_difference(a: &[LabelId], b: &[LabelId], width: usize) -> Option<[usize; 2]> {
    let (mut longest, mut spot) = (0, None);
    for (y, (a, b)) in a.chunks(width).zip(b.chunks(width)).enumerate() {
        let mut x = 0;
        while x < a.len() {
            let ends = (x..a.len()).find(|&at| a[at] == b[at]).unwrap_or(a.len());
            if ends - x > longest {
                (longest, spot) = (ends - x, Some([x + (ends - x) / 2, y]));
            }
            x = ends + 1;
        }
    }
    spot
}

/// What a job has counted.
pub(super) struct Counted {
    pair: Pair,
    slices: Vec<(usize, SliceAgreement)>,
}

/// The comparison on screen, if there is one.
#[derive(Default)]
pub(super) struct Comparing {
    shown: Option<Comparison>,
    job: Option<JobId>,
}

impl Comparing {
    pub fn shown(&self) -> Option<&Comparison> {
        self.shown.as_ref()
    }

    /// Counts what both have predicted since, on the worker pool.
    pub fn poll(&mut self, parts: &mut Parts, predictions: &Predictions, library: &ModelLibrary) {
        let pair = predictions.compared(parts);
        if self.shown.as_ref().map(|shown| &shown.pair) != pair.as_ref() {
            self.shown = pair.and_then(|pair| Comparison::new(pair, library));
        }
        let (Some(shown), None) = (&self.shown, self.job) else { return };
        let pair = shown.pair.clone();
        let Some(document) = parts.documents.get(pair.document) else { return };
        let [Some(a), Some(b)] =
            pair.versions.each_ref().map(|version| predictions.labels_by(pair.document, version))
        else {
            return;
        };
        let both = a.iter().filter_map(|(&z, a)| Some((z, [a, b.get(&z)?])));
        let due: Vec<(usize, [SliceLabels; 2])> = both
            .filter(|(z, both)| !shown.has(*z, both.map(|labels| labels.stamp)))
            .map(|(z, both)| (z, both.map(SliceLabels::clone)))
            .take(BATCH)
            .collect();
        if due.is_empty() {
            return;
        }
        let (grid, common) = (document.volume().grid().clone(), shown.common.clone());
        self.job = Some(parts.jobs.run_hidden("comparing two models", pair.document, move |job| {
            let mut slices = Vec::with_capacity(due.len());
            for (z, [a, b]) in &due {
                job.check()?;
                slices.push((*z, SliceAgreement::of(&grid, *z, [a, b], &common)));
            }
            Ok(JobResult::Compared(Counted { pair, slices }))
        }));
    }

    pub fn on_counted(&mut self, counted: Counted) {
        self.job = None;
        if let Some(shown) = self.shown.as_mut().filter(|shown| shown.pair == counted.pair) {
            shown.keep(counted.slices);
        }
    }

    /// A job has ended without a result.
    pub fn on_job_ended(&mut self, job: JobId) {
        self.job.take_if(|own| *own == job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(labels: &[LabelId], stamp: u64) -> SliceLabels {
        SliceLabels { labels: labels.into(), detection: None, stamp }
    }

    #[test]
    fn dice_is_counted_by_name_whatever_the_models_call_their_labels() {
        let grid = Grid::spaced([4, 1, 2], [1.0, 2.0, 3.0]).unwrap();
        // B's label 5 is A's label 1, and its 1 is one that A does not know.
        let common = [vec![0, 1, 2], vec![0, 9, 0, 0, 0, 1]];
        let (a, b) = (slice(&[1, 1, 2, 0], 1), slice(&[5, 0, 0, 1], 2));
        let counted = SliceAgreement::of(&grid, 0, [&a, &b], &common);
        let dice = |label| counted.labels[&label].overlap.dice();
        assert_eq!((dice(1), dice(2), dice(9)), (Some(2.0 / 3.0), Some(0.0), Some(0.0)));
        assert_eq!(counted.labels[&1].volumes, [12.0, 6.0]);
        assert!((counted.mean_dice().unwrap() - 2.0 / 9.0).abs() < 1e-12);
        assert_eq!(counted.stamps, [1, 2]);
        // A's label 2 is left out.
        let common = [vec![0, 1, 0], vec![0, 9, 0, 0, 0, 1]];
        let counted = SliceAgreement::of(&grid, 0, [&a, &b], &common);
        assert_eq!(counted.labels.keys().collect::<Vec<_>>(), [&1, &9]);
    }

    #[test]
    fn the_longest_stretch_that_differs_is_found_within_a_row() {
        let (a, b) = ([1, 1, 0, 0, 2, 2, 2, 0], [0, 1, 0, 1, 0, 0, 2, 0]);
        assert_eq!(widest_difference(&a, &b, 4), Some([1, 1]), "not over the end of a row");
        assert_eq!(widest_difference(&a, &b, 8), Some([4, 0]));
        assert_eq!(widest_difference(&a, &a, 4), None);
    }

    #[test]
    fn a_model_agrees_with_itself_and_background_alone_is_no_difference() {
        let grid = Grid::pixels([3, 1, 1]).unwrap();
        let same = slice(&[0, 1, 2], 4);
        let counted = SliceAgreement::of(&grid, 0, [&same, &same], &[vec![0, 1, 2], vec![0, 1, 2]]);
        assert_eq!(counted.mean_dice(), Some(1.0));
        let nothing = slice(&[0, 0, 0], 5);
        assert_eq!(SliceAgreement::of(&grid, 0, [&nothing, &nothing], &[vec![0], vec![0]]).mean_dice(), None);
    }

    #[test]
    fn slices_come_by_how_much_they_differ() {
        let grid = Grid::pixels([4, 1, 9]).unwrap();
        let versions = ["a".into(), "b".into()];
        let pair = Pair { document: DocumentId(1), versions, left_out: BTreeSet::new() };
        let common = [vec![0, 1], vec![0, 1]];
        let (slices, total, differing) = Default::default();
        let mut comparison = Comparison {
            pair,
            labels: LabelTable::default(),
            common: common.clone(),
            slices,
            total,
            differing,
        };
        let counted = |z, a: [LabelId; 4], b: [LabelId; 4]| {
            (z, SliceAgreement::of(&grid, z, [&slice(&a, 1), &slice(&b, 1)], &common))
        };
        comparison.keep(vec![
            counted(2, [1, 1, 0, 0], [1, 1, 1, 0]),
            counted(3, [1, 1, 1, 1], [1, 1, 1, 1]),
            counted(5, [1, 0, 0, 0], [0, 0, 0, 1]),
            counted(7, [0; 4], [0; 4]),
        ]);
        assert_eq!(comparison.largest_difference(), Some([0, 0, 5]));
        assert_eq!(comparison.next_difference(5), Some([2, 0, 2]));
        assert_eq!(comparison.next_difference(2), Some([0, 0, 5]), "after the last the first again");
        let total = comparison.total()[&1].overlap;
        assert_eq!((total.true_positive, total.in_predicted(), total.in_truth()), (6, 7, 8));
    }
}
