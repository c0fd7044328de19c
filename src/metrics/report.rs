use super::{Convention, METRICS, Measured, Overlap, Roc, Scores};
use serde::Serialize;
use std::collections::BTreeMap;

/// One case: its scores per label id, and how many of its pixels counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseScores {
    pub id: String,
    pub pixels: u64,
    pub classes: BTreeMap<u16, Scores>,
    /// Mean of the classes' Dice, over those that have one.
    pub mean_dice: Option<f64>,
}

/// One class over all cases.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScores {
    /// Means of the cases' values, each over the cases that have one.
    pub mean: Scores,
    /// Values of the counts summed over all cases.
    pub pooled: Scores,
    pub lowest_dice: Option<f64>,
    pub highest_dice: Option<f64>,
    /// Cases in which the class has a Dice.
    pub cases: usize,
}

/// Per case, per class, and the means; the JSON that `fovea eval` writes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub cases: Vec<CaseScores>,
    pub classes: BTreeMap<u16, ClassScores>,
    /// Mean of the classes' mean Dice, over those that have one.
    pub mean_dice: Option<f64>,
}

impl Report {
    /// From `(case id, label id → counts)`.
    pub fn new(cases: Vec<(String, BTreeMap<u16, Overlap>)>) -> Self {
        let measured = |counts: BTreeMap<u16, Overlap>| {
            counts.into_iter().map(|(class, counts)| (class, counts.into())).collect()
        };
        let cases = cases.into_iter().map(|(id, counts)| (id, measured(counts))).collect();
        Self::of_measured(cases, Convention::default())
    }

    /// From `(case id, label id → what was measured)`.
    pub fn of_measured(cases: Vec<(String, BTreeMap<u16, Measured>)>, convention: Convention) -> Self {
        let mut per_class: BTreeMap<u16, Vec<&Measured>> = BTreeMap::new();
        for (class, measured) in cases.iter().flat_map(|(_, classes)| classes) {
            per_class.entry(*class).or_default().push(measured);
        }
        let classes: BTreeMap<u16, ClassScores> =
            per_class.into_iter().map(|(id, cases)| (id, ClassScores::new(&cases, convention))).collect();
        let cases = cases
            .iter()
            .map(|(id, measured)| {
                let scores = |(&class, m): (&u16, &Measured)| (class, m.scores(convention));
                let classes: BTreeMap<u16, Scores> = measured.iter().map(scores).collect();
                CaseScores {
                    id: id.clone(),
                    pixels: measured.values().map(|m| m.counts.total()).max().unwrap_or(0),
                    mean_dice: mean(classes.values().map(|s| s.dice)),
                    classes,
                }
            })
            .collect();
        Self { cases, mean_dice: mean(classes.values().map(|c| c.mean.dice)), classes }
    }
}

impl ClassScores {
    fn new(cases: &[&Measured], convention: Convention) -> Self {
        let mut pooled = Measured::default();
        for case in cases {
            pooled.counts += case.counts;
            if let Some(roc) = &case.roc {
                *pooled.roc.get_or_insert_with(Roc::default) += roc;
            }
        }
        let scores: Vec<Scores> = cases.iter().map(|m| m.scores(convention)).collect();
        let mut means = Scores::default();
        for metric in METRICS {
            *(metric.field)(&mut means) = mean(scores.iter().map(|s| metric.of(s)));
        }
        let dice: Vec<f64> = scores.iter().filter_map(|s| s.dice).collect();
        Self {
            mean: means,
            pooled: pooled.scores(convention),
            lowest_dice: dice.iter().copied().reduce(f64::min),
            highest_dice: dice.iter().copied().reduce(f64::max),
            cases: dice.len(),
        }
    }
}

/// Mean of those that exist.
pub(super) fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, count) = values.flatten().fold((0.0, 0u32), |(s, n), v| (s + v, n + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_leave_out_what_has_no_value() {
        let counts = |p: [u16; 4], t: [u16; 4]| -> BTreeMap<u16, Overlap> {
            [1, 2].map(|c| (c, Overlap::of(&p, &t, None, c))).into()
        };
        let report = Report::new(vec![
            ("a".into(), counts([1, 1, 0, 0], [1, 1, 0, 0])),
            ("b".into(), counts([1, 0, 2, 0], [0, 0, 2, 2])),
        ]);
        assert_eq!(report.classes[&1].mean.dice, Some(0.5));
        assert_eq!(report.classes[&1].cases, 2);
        assert_eq!(report.classes[&2].mean.dice, Some(2.0 / 3.0), "case a has no class 2 at all");
        assert_eq!(report.classes[&2].cases, 1);
        assert_eq!(report.classes[&1].pooled.dice, Some(4.0 / 5.0));
        assert_eq!(report.cases[0].mean_dice, Some(1.0));
        assert_eq!(report.mean_dice, Some((0.5 + 2.0 / 3.0) / 2.0));
        assert_eq!((report.classes[&1].lowest_dice, report.classes[&1].highest_dice), (Some(0.0), Some(1.0)));
    }
}
