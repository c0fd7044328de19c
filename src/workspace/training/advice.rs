//! What would help the next network most, by what this one was measured to do.

use super::{Candidate, LabelChange, Quality, Training};
use crate::label::LabelId;
use crate::words::counted;

/// A slice that was held out, and its mean Dice.
struct Slice<'a> {
    name: &'a str,
    dice: f64,
}

/// One sentence with a number of the run. What is measured decides, in this order:
///
/// 1. Nothing was measured: a slice that judges.
/// 2. Of several labels, the one with the lowest Dice, unless that is very good: more slices that show it.
/// 3. The slice with the lowest Dice, unless that is very good: more like it.
/// 4. Everything is very good: an image of which it has seen nothing has to judge, unless one does (`apart`).
fn advice(
    labels: &[LabelChange],
    painted: impl Fn(&str) -> usize,
    worst: Option<Slice>,
    slices: usize,
    apart: bool,
) -> String {
    let not_very_good = |dice: f64| Quality::of(dice) < Quality::VeryGood;
    let measured: Vec<(&LabelChange, f64)> =
        labels.iter().filter_map(|label| Some((label, label.after?))).collect();
    let weakest = measured.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    match (weakest, worst) {
        (None, _) | (_, None) => format!(
            "Verify one more slice that shows a label: with {} there is none that could be kept out to judge.",
            counted(slices, "slice")
        ),
        (Some((label, dice)), _) if measured.len() > 1 && not_very_good(*dice) => format!(
            "Verify more slices that show {}: its Dice is the lowest, {dice:.2}, and it is painted in {}.",
            label.name,
            counted(painted(&label.name), "slice")
        ),
        (_, Some(worst)) if not_very_good(worst.dice) => format!(
            "Verify more slices like {}: of those kept out it is the worst, with {:.2}.",
            worst.name, worst.dice
        ),
        (_, Some(worst)) if !apart => format!(
            "Let another image judge: the worst slice has {:.2}, but it is of an image that is learned from.",
            worst.dice
        ),
        (_, Some(worst)) => format!("Nothing stands out: the worst slice has {:.2}.", worst.dice),
    }
}

impl Training {
    /// What would help most next, in one sentence with a number of this run; None before its end.
    pub fn helps_most(&self) -> Option<String> {
        let candidate = self.candidate.as_ref()?;
        let painted = |name: &str| self.images.iter().filter_map(|image| image.labels.get(name)).sum();
        let slices = self.learned_from.len() + self.held_out.len();
        let worst = worst(candidate);
        // A label that the slices kept out do not show, and that was found there by mistake, says nothing of how well it is
        // found.
        let after = candidate.result.comparison.as_ref().map(|comparison| &comparison.after.classes);
        let shown = |id: &LabelId| {
            after.and_then(|of| of.get(id)).is_some_and(|scores| scores.mean.sensitivity.is_some())
        };
        let mut labels = candidate.by_label();
        labels.retain(|label| shown(&label.id));
        Some(advice(&labels, painted, worst, slices, self.is_judged_apart()))
    }
}

fn worst(candidate: &Candidate) -> Option<Slice<'_>> {
    let at = *candidate.worst_first().first()?;
    let case = candidate.result.comparison.as_ref()?.after.cases.get(at)?;
    Some(Slice { name: &case.id, dice: case.mean_dice? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str, after: Option<f64>) -> LabelChange {
        LabelChange { id: 1, name: name.into(), is_new: true, is_own: false, before: None, after }
    }

    fn said(labels: &[LabelChange], worst: f64, apart: bool) -> String {
        let worst = Some(Slice { name: "ct, slice 16", dice: worst });
        advice(labels, |_| 3, worst, 14, apart)
    }

    #[test]
    fn the_weakest_label_comes_before_the_worst_slice() {
        let both = [label("liver", Some(0.93)), label("spleen", Some(0.72)), label("aorta", None)];
        assert_eq!(
            said(&both, 0.5, true),
            "Verify more slices that show spleen: its Dice is the lowest, 0.72, and it is painted in 3 slices."
        );
        let one = [label("liver", Some(0.72))];
        assert!(
            said(&one, 0.5, true).contains("like ct, slice 16: of those kept out it is the worst, with 0.50")
        );
        let good = [label("liver", Some(0.95)), label("spleen", Some(0.92))];
        assert!(said(&good, 0.85, true).contains("the worst, with 0.85"));
        assert!(said(&good, 0.91, false).starts_with("Let another image judge: the worst slice has 0.91"));
        assert_eq!(said(&good, 0.91, true), "Nothing stands out: the worst slice has 0.91.");
    }

    #[test]
    fn what_was_not_measured_needs_a_judge() {
        let none = advice(&[label("liver", None)], |_| 1, None, 1, false);
        assert!(none.contains("with 1 slice there is none that could be kept out"), "{none}");
    }
}
