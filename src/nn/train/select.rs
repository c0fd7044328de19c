use super::TrainSample;
use crate::{metrics::Overlap, nn::ModelCard, nn::loss::IGNORE};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By what a run chooses the weights that it keeps: the highest value over the validation slices, the earlier of two that
/// are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BestRule {
    /// Mean over the foreground classes of the mean Dice of the slices that have the class in truth or prediction.
    #[default]
    SliceDice,
    /// Mean over the foreground classes of the mean Dice of the volumes whose truth has the class; what is found in the
    /// others costs nothing (the retinal edema system).
    VolumeDice,
    /// Mean over all classes, background included, of the Dice of the pixels of all slices together (the polyp system).
    PooledDice,
    /// The same with IoU (JMedSeg).
    PooledIou,
    /// Nothing: the last weights are kept (SA-UNet).
    Last,
}

/// The counts of every label, background included, of one validation slice.
pub(super) struct Scored {
    /// What the slice belongs to.
    pub case: String,
    pub counts: BTreeMap<u16, Overlap>,
}

impl Scored {
    /// Of a predicted slice (label ids, row by row), over the pixels whose class is known.
    pub fn new(card: &ModelCard, sample: &TrainSample, predicted: &[u16]) -> Self {
        let labels = std::iter::once(0).chain(card.labels.iter().map(|l| l.id));
        let mut counts: BTreeMap<u16, Overlap> = labels.map(|id| (id, Overlap::default())).collect();
        for (&class, &predicted) in sample.labels.iter().zip(predicted) {
            if class == IGNORE {
                continue;
            }
            let truth = card.label_of(usize::from(class));
            for (&label, overlap) in &mut counts {
                overlap.add(predicted == label, truth == label);
            }
        }
        Self { case: sample.case.clone(), counts }
    }

    /// Without the background, as reports have it.
    pub fn foreground(&self) -> BTreeMap<u16, Overlap> {
        self.counts.iter().filter(|(id, _)| **id != 0).map(|(id, o)| (*id, *o)).collect()
    }
}

impl BestRule {
    /// The value to raise; `slice_dice` is what the first rule takes. `None` where it is not defined.
    pub(super) fn value(self, scored: &[Scored], slice_dice: Option<f64>) -> Option<f64> {
        let pooled = |group: &dyn Fn(&Scored) -> String| {
            let mut sums: BTreeMap<u16, BTreeMap<String, Overlap>> = BTreeMap::new();
            for slice in scored {
                for (id, counts) in &slice.counts {
                    *sums.entry(*id).or_default().entry(group(slice)).or_default() += *counts;
                }
            }
            sums
        };
        let all = |measure: fn(&Overlap) -> Option<f64>| {
            mean(pooled(&|_| String::new()).values().flat_map(BTreeMap::values).filter_map(measure))
        };
        match self {
            BestRule::SliceDice => slice_dice,
            BestRule::Last => None,
            BestRule::PooledDice => all(Overlap::dice),
            BestRule::PooledIou => all(Overlap::iou),
            BestRule::VolumeDice => {
                let mut classes = pooled(&|slice| slice.case.clone());
                classes.remove(&0);
                let has_class = |o: &&Overlap| o.true_positive + o.false_negative > 0;
                let of_class = |volumes: &BTreeMap<String, Overlap>| {
                    mean(volumes.values().filter(has_class).filter_map(Overlap::dice))
                };
                mean(classes.values().filter_map(of_class))
            }
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), v| (sum + v, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of one foreground class over 10 pixels.
    fn slice(case: &str, [hit, false_, missed]: [u64; 3]) -> Scored {
        let rest = 10 - hit - false_ - missed;
        let foreground = Overlap {
            true_positive: hit,
            false_positive: false_,
            false_negative: missed,
            true_negative: rest,
        };
        let background = Overlap {
            true_positive: rest,
            false_positive: missed,
            false_negative: false_,
            true_negative: hit,
        };
        Scored { case: case.into(), counts: BTreeMap::from([(0, background), (1, foreground)]) }
    }

    #[test]
    fn each_system_has_its_own_value() {
        let scored = [slice("a", [4, 2, 0]), slice("a", [0, 0, 2]), slice("b", [0, 3, 0])];
        let value = |rule: BestRule| rule.value(&scored, Some(0.5));
        assert_eq!(value(BestRule::SliceDice), Some(0.5));
        assert_eq!(value(BestRule::Last), None);
        // Volume a has the class: 2·4 / (2·4 + 2 + 2). What is found in b costs nothing.
        assert_eq!(value(BestRule::VolumeDice), Some(8.0 / 12.0));
        let pooled = [[4.0, 5.0, 2.0], [19.0, 2.0, 5.0]];
        let dice = pooled.map(|[hit, a, b]| 2.0 * hit / (2.0 * hit + a + b));
        let iou = pooled.map(|[hit, a, b]: [f64; 3]| hit / (hit + a + b));
        let close = |rule, want: [f64; 2]| (value(rule).unwrap() - (want[0] + want[1]) / 2.0).abs() < 1e-12;
        assert!(close(BestRule::PooledDice, dice) && close(BestRule::PooledIou, iou));
        assert_eq!(BestRule::VolumeDice.value(&scored[2..], None), None, "nobody has the class");
    }
}
