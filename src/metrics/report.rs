use super::Overlap;
use serde::Serialize;
use std::collections::BTreeMap;

/// Scores made from one set of counts; a value that the conventions leave undefined is null in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scores {
    pub dice: Option<f64>,
    pub iou: Option<f64>,
    pub sensitivity: Option<f64>,
    pub specificity: Option<f64>,
}

impl From<&Overlap> for Scores {
    fn from(o: &Overlap) -> Self {
        Self { dice: o.dice(), iou: o.iou(), sensitivity: o.sensitivity(), specificity: o.specificity() }
    }
}

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
        let mut per_class: BTreeMap<u16, Vec<Overlap>> = BTreeMap::new();
        for (class, counts) in cases.iter().flat_map(|(_, classes)| classes) {
            per_class.entry(*class).or_default().push(*counts);
        }
        let classes: BTreeMap<u16, ClassScores> =
            per_class.into_iter().map(|(id, counts)| (id, ClassScores::new(&counts))).collect();
        let cases = cases
            .into_iter()
            .map(|(id, counts)| CaseScores {
                id,
                pixels: counts.values().map(Overlap::total).max().unwrap_or(0),
                mean_dice: mean(counts.values().map(Overlap::dice)),
                classes: counts.iter().map(|(&class, o)| (class, o.into())).collect(),
            })
            .collect();
        Self { cases, mean_dice: mean(classes.values().map(|c| c.mean.dice)), classes }
    }
}

impl ClassScores {
    fn new(cases: &[Overlap]) -> Self {
        let mut pooled = Overlap::default();
        for case in cases {
            pooled += *case;
        }
        let dice: Vec<f64> = cases.iter().filter_map(Overlap::dice).collect();
        Self {
            mean: Scores {
                dice: mean(cases.iter().map(Overlap::dice)),
                iou: mean(cases.iter().map(Overlap::iou)),
                sensitivity: mean(cases.iter().map(Overlap::sensitivity)),
                specificity: mean(cases.iter().map(Overlap::specificity)),
            },
            pooled: Scores::from(&pooled),
            lowest_dice: dice.iter().copied().reduce(f64::min),
            highest_dice: dice.iter().copied().reduce(f64::max),
            cases: dice.len(),
        }
    }
}

/// Mean of those that exist.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
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
