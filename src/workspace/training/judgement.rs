//! What the comparison says of a new version, in words, and label by label.

use super::{Candidate, Quality, Training};
use crate::label::LabelId;
use crate::words::{capital, listed};
use std::collections::BTreeSet;

/// Less than this is not seen in two digits.
const SEEN: f64 = 0.005;

/// The Dice of one label on the slices held out, before and now; None where it is in none of them.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelChange {
    pub id: LabelId,
    pub name: String,
    pub before: Option<f64>,
    pub after: Option<f64>,
}

impl LabelChange {
    /// By more than what two digits hide.
    pub fn is_worse(&self) -> bool {
        self.before.zip(self.after).is_some_and(|(before, after)| after < before - SEEN)
    }
}

/// The labels that got worse first, the others in their order.
fn worse_first(mut changes: Vec<LabelChange>) -> Vec<LabelChange> {
    changes.sort_by_key(|change| !change.is_worse());
    changes
}

/// "Better than “Abdomen” by 0.09. No label is worse."
fn compared(title: &str, gain: f64, worse: &[&str]) -> String {
    let mean = match gain {
        g if g > SEEN => format!("Better than “{title}” by {g:.2}."),
        g if g < -SEEN => format!("Worse than “{title}” by {:.2}.", -g),
        _ => format!("As good as “{title}”."),
    };
    match worse.len() {
        0 => format!("{mean} No label is worse."),
        _ => format!("{mean} Worse for {}.", listed(worse, 3)),
    }
}

impl Candidate {
    /// Mean Dice on what was kept out.
    pub fn dice(&self) -> Option<f64> {
        self.result.comparison.as_ref()?.after.mean_dice
    }

    /// Those that got worse first.
    pub fn by_label(&self) -> Vec<LabelChange> {
        let Some(comparison) = &self.result.comparison else { return Vec::new() };
        let change = |id: &LabelId| LabelChange {
            id: *id,
            name: self.card.labels.get(*id).map_or(format!("label {id}"), |label| label.name.clone()),
            before: comparison.before.classes.get(id).and_then(|scores| scores.mean.dice),
            after: comparison.after.classes.get(id).and_then(|scores| scores.mean.dice),
        };
        worse_first(comparison.after.classes.keys().map(change).collect())
    }

    /// The slices kept out by their places in the comparison, the one with the lowest Dice now first.
    pub fn worst_first(&self) -> Vec<usize> {
        let Some(comparison) = &self.result.comparison else { return Vec::new() };
        let dice = |at: usize| comparison.after.cases.get(at).and_then(|case| case.mean_dice);
        let mut order: Vec<usize> = (0..comparison.slices.len()).collect();
        order.sort_by(|&a, &b| dice(a).unwrap_or(2.0).total_cmp(&dice(b).unwrap_or(2.0)));
        order
    }

    /// "good, 0.88"; None where nothing is known.
    pub fn grade(&self) -> Option<String> {
        self.dice().map(|dice| format!("{}, {dice:.2}", Quality::of(dice).word()))
    }

    /// The comparison with the version that it was made from; empty where there is none, as of a network that had learned
    /// nothing before.
    pub fn compared_with(&self, base: &str) -> String {
        let gain = self.result.comparison.as_ref().and_then(|comparison| comparison.gain());
        let changes = self.by_label();
        let worse: Vec<&str> = changes.iter().filter(|c| c.is_worse()).map(|c| c.name.as_str()).collect();
        gain.map_or(String::new(), |gain| compared(base, gain, &worse))
    }
}

impl Training {
    /// Whether whole images were kept out: it has seen no slice of those that judge it.
    pub fn is_judged_apart(&self) -> bool {
        let learned: BTreeSet<_> = self.learned_from.iter().map(|slice| &slice.path).collect();
        !self.held_out.is_empty() && self.held_out.iter().all(|slice| !learned.contains(&slice.path))
    }

    /// "Good: 0.88 on slices it never saw", as far as it is known. `fresh`: the network had learned nothing before, so that
    /// it has seen none of them at any time.
    pub fn headline(&self, fresh: bool) -> Option<String> {
        let candidate = self.candidate.as_ref()?;
        let Some(dice) = candidate.dice() else {
            return Some("How good it is is not known".to_owned());
        };
        let on = match (self.is_judged_apart(), fresh) {
            (true, true) => "on images it never saw",
            (true, false) => "on images kept out",
            (false, true) => "on slices it never saw",
            (false, false) => "on slices kept out",
        };
        Some(format!("{}: {dice:.2} {on}", capital(Quality::of(dice).word())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, before: f64, after: f64) -> LabelChange {
        LabelChange { id: 1, name: name.into(), before: Some(before), after: Some(after) }
    }

    #[test]
    fn a_label_that_got_worse_comes_first() {
        let changes = vec![
            change("liver", 0.8, 0.9),
            change("spleen", 0.8, 0.78),
            LabelChange { before: None, ..change("aorta", 0.0, 0.1) },
            change("colon", 0.8, 0.796),
        ];
        let order: Vec<(String, bool)> =
            worse_first(changes).into_iter().map(|c| (c.name.clone(), c.is_worse())).collect();
        let names: Vec<&str> = order.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["spleen", "liver", "aorta", "colon"]);
        assert_eq!(order.iter().filter(|(_, worse)| *worse).count(), 1, "0.80 stays 0.80");
    }

    #[test]
    fn the_comparison_is_said_in_words() {
        assert_eq!(compared("Abdomen", 0.091, &[]), "Better than “Abdomen” by 0.09. No label is worse.");
        assert_eq!(compared("Abdomen", -0.03, &["liver"]), "Worse than “Abdomen” by 0.03. Worse for liver.");
        assert_eq!(compared("Abdomen", 0.001, &[]), "As good as “Abdomen”. No label is worse.");
    }
}
