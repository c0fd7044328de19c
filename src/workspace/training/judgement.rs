//! What the comparison says of a new version, in words, and label by label.

use super::{Candidate, Quality, Training};
use crate::label::LabelId;
use crate::metrics::Report;
use crate::nn::ModelCard;
use crate::words::{capital, listed};
use std::collections::{BTreeMap, BTreeSet};

/// Less than this is not seen in two digits.
const SEEN: f64 = 0.005;

/// The Dice of one label on the slices held out, before and now; None where neither truth nor prediction shows it there.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelChange {
    pub id: LabelId,
    pub name: String,
    /// The earlier model does not know it, or there is no earlier model.
    pub is_new: bool,
    pub before: Option<f64>,
    pub after: Option<f64>,
}

impl LabelChange {
    /// By more than what two digits hide; or the new model finds it where nothing of it is, and the earlier one did not.
    pub fn is_worse(&self) -> bool {
        match (self.before, self.after) {
            _ if self.is_new => false,
            (Some(before), Some(after)) => after < before - SEEN,
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }
}

/// The labels that got worse first, the others in their order.
fn worse_first(mut changes: Vec<LabelChange>) -> Vec<LabelChange> {
    changes.sort_by_key(|change| !change.is_worse());
    changes
}

/// "Better than “Abdomen” by 0.09, over the labels that both know. No label is worse. New: vessel." The gain is that of the
/// labels that both know; None where they share none that could be measured.
fn compared(title: &str, gain: Option<f64>, worse: &[&str], new: &[&str]) -> String {
    let over = if new.is_empty() { "" } else { ", over the labels that both know" };
    let mean = match gain {
        None => format!("There is no label to compare it with “{title}” by."),
        Some(g) if g > SEEN => format!("Better than “{title}” by {g:.2}{over}."),
        Some(g) if g < -SEEN => format!("Worse than “{title}” by {:.2}{over}.", -g),
        Some(_) => format!("As good as “{title}”{over}."),
    };
    let worse = match (worse.len(), gain) {
        (0, None) => String::new(),
        (0, Some(_)) => " No label is worse.".to_owned(),
        _ => format!(" Worse for {}.", listed(worse, 3)),
    };
    let new = if new.is_empty() { String::new() } else { format!(" New: {}.", listed(new, 3)) };
    format!("{mean}{worse}{new}")
}

/// A change for each label; `before` has those that the earlier model knows.
fn changes(
    card: &ModelCard,
    before: Option<&BTreeMap<LabelId, Option<f64>>>,
    after: &BTreeMap<LabelId, Option<f64>>,
) -> Vec<LabelChange> {
    let change = |(id, after): (&LabelId, &Option<f64>)| {
        let before = before.and_then(|before| before.get(id));
        LabelChange {
            id: *id,
            name: card.labels.get(*id).map_or(format!("label {id}"), |label| label.name.clone()),
            is_new: before.is_none(),
            before: before.copied().flatten(),
            after: *after,
        }
    };
    worse_first(after.iter().map(change).collect())
}

fn dice_of(report: &Report) -> BTreeMap<LabelId, Option<f64>> {
    report.classes.iter().map(|(&id, scores)| (id, scores.mean.dice)).collect()
}

impl Candidate {
    /// Mean Dice on what was kept out.
    pub fn dice(&self) -> Option<f64> {
        self.result.comparison.as_ref()?.after.mean_dice
    }

    /// Those that got worse first.
    pub fn by_label(&self) -> Vec<LabelChange> {
        let Some(comparison) = &self.result.comparison else { return Vec::new() };
        let before = comparison.before.as_ref().map(dice_of);
        changes(&self.card, before.as_ref(), &dice_of(&comparison.after))
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

    /// The comparison with the earlier model of this title; empty where nothing was measured.
    pub fn compared_with(&self, title: &str) -> String {
        let Some(comparison) = &self.result.comparison else { return String::new() };
        let changes = self.by_label();
        let names = |which: fn(&LabelChange) -> bool| -> Vec<&str> {
            changes.iter().filter(|c| which(c)).map(|c| c.name.as_str()).collect()
        };
        compared(title, comparison.gain(), &names(LabelChange::is_worse), &names(|c| c.is_new))
    }
}

impl Training {
    /// The Dice of each label, of the earlier model and of the newest validation; empty before the first.
    pub fn by_label(&self, card: &ModelCard) -> Vec<LabelChange> {
        let Some(newest) = self.validations.last() else { return Vec::new() };
        changes(card, Some(&self.earlier_dice), &newest.per_label)
    }

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
        LabelChange { id: 1, name: name.into(), is_new: false, before: Some(before), after: Some(after) }
    }

    #[test]
    fn a_label_that_got_worse_comes_first() {
        let changes = vec![
            change("liver", 0.8, 0.9),
            change("spleen", 0.8, 0.78),
            LabelChange { is_new: true, before: None, ..change("aorta", 0.0, 0.1) },
            change("colon", 0.8, 0.796),
            LabelChange { before: None, ..change("kidney", 0.0, 0.0) },
        ];
        let order: Vec<(String, bool)> =
            worse_first(changes).into_iter().map(|c| (c.name.clone(), c.is_worse())).collect();
        let names: Vec<&str> = order.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["spleen", "kidney", "liver", "aorta", "colon"]);
        let worse = order.iter().filter(|(_, worse)| *worse).count();
        assert_eq!(worse, 2, "0.80 stays 0.80, and a new label cannot get worse");
    }

    #[test]
    fn a_label_that_the_earlier_model_does_not_know_is_new_and_not_a_rise_from_nothing() {
        let input = crate::nn::InputSpec::unit(crate::nn::Channels::Grey);
        let labels = crate::label::LabelTable::named(&["liver", "vessel"]);
        let kind = crate::volume::Modality::Ct;
        let card = ModelCard::new("edema/unet", serde_json::Value::Null, input, labels, kind);
        let after = BTreeMap::from([(1, Some(0.7)), (2, Some(0.9))]);
        let said = |before: Option<&BTreeMap<LabelId, Option<f64>>>| -> Vec<(bool, Option<f64>)> {
            changes(&card, before, &after).into_iter().map(|c| (c.is_new, c.before)).collect()
        };
        assert_eq!(said(Some(&BTreeMap::from([(1, Some(0.6))]))), [(false, Some(0.6)), (true, None)]);
        assert_eq!(said(Some(&BTreeMap::from([(1, None)]))), [(false, None), (true, None)]);
        assert_eq!(said(None), [(true, None), (true, None)]);
    }

    #[test]
    fn the_comparison_is_said_in_words() {
        let said = |gain, worse: &[&str], new: &[&str]| compared("Abdomen", gain, worse, new);
        assert_eq!(said(Some(0.091), &[], &[]), "Better than “Abdomen” by 0.09. No label is worse.");
        assert_eq!(said(Some(-0.03), &["liver"], &[]), "Worse than “Abdomen” by 0.03. Worse for liver.");
        assert_eq!(said(Some(0.001), &[], &[]), "As good as “Abdomen”. No label is worse.");
        assert_eq!(
            said(Some(0.02), &[], &["vessel"]),
            "Better than “Abdomen” by 0.02, over the labels that both know. No label is worse. New: vessel."
        );
        assert_eq!(
            said(None, &[], &["vessel", "disc"]),
            "There is no label to compare it with “Abdomen” by. New: vessel and disc."
        );
    }
}
