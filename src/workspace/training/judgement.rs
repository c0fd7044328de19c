//! What the comparison says of a new version, in words, and label by label.

use super::{Candidate, Quality, Training, Verdict};
use crate::engine::Comparison;
use crate::label::LabelId;
use crate::metrics::Report;
use crate::nn::ModelCard;
use crate::words::{counted, listed};
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
    /// The masks are the earlier model's own predictions, so that its Dice says nothing: there is no `before`.
    pub is_own: bool,
    pub before: Option<f64>,
    pub after: Option<f64>,
}

impl LabelChange {
    /// By more than what two digits hide; or the new model finds it where nothing of it is, and the earlier one did not.
    pub fn is_worse(&self) -> bool {
        match (self.before, self.after) {
            _ if self.is_new || self.is_own => false,
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

/// What a mean change of Dice is worth, given the change on each slice: where the slices disagree, none is clear.
fn weighed(gain: f64, on_slices: &[f64]) -> Verdict {
    let alike = on_slices.iter().filter(|change| **change * gain > 0.0).count();
    // Two of three slices.
    let clear = gain.abs() > SEEN && 3 * alike >= 2 * on_slices.len();
    match gain {
        g if clear && g > 0.0 => Verdict::Better(g),
        g if clear => Verdict::Worse(g),
        g => Verdict::Same(g),
    }
}

/// What is said of a new version: what it is against the earlier one, and then by what that was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    pub title: String,
    pub text: String,
}

/// What a judgement is made of.
struct Facts<'a> {
    verdict: Verdict,
    /// Title of the earlier model.
    earlier: Option<&'a str>,
    /// "2 slices kept out", "2 slices of images it never saw": what was measured.
    on: String,
    /// How many of the slices have the earlier model's own prediction for a mask.
    own_masks: usize,
    /// Mean Dice of the new model, over the labels that could be measured.
    dice: Option<f64>,
    changes: &'a [LabelChange],
}

impl Facts<'_> {
    fn judged(&self) -> Judgement {
        let other = self.earlier.map_or("the one in use".to_owned(), |title| format!("“{title}”"));
        let title = match self.verdict {
            Verdict::Better(gain) => format!("Better than {other} by {gain:.2}"),
            Verdict::Worse(gain) => format!("Worse than {other} by {:.2}", -gain),
            Verdict::Same(_) => format!("No clear difference from {other}"),
            Verdict::OwnMasks => format!("Not to be compared with {other}"),
            Verdict::New if self.earlier.is_some() => {
                format!("There is no label to compare it with {other} by")
            }
            Verdict::New => "New: there is nothing to compare it with".to_owned(),
            Verdict::Unknown => "How good it is is not known".to_owned(),
        };
        if self.verdict == Verdict::Unknown {
            let text = "No slice that shows a label was kept out to measure it on.".to_owned();
            return Judgement { title, text };
        }
        let compared = matches!(self.verdict, Verdict::Better(_) | Verdict::Worse(_) | Verdict::Same(_));
        let named = |which: &dyn Fn(&LabelChange) -> bool| -> Vec<&str> {
            self.changes.iter().filter(|c| which(c)).map(|c| c.name.as_str()).collect()
        };
        let measured = named(&|c| c.after.is_some());
        let all = self.changes.len();
        let by = match measured[..] {
            [one] if all > 1 => format!("one label of {all}, {one}"),
            [one] => one.to_owned(),
            ref some if some.len() == all => format!("{all} labels"),
            ref some => format!("{} labels of {all}", some.len()),
        };
        let mut said = vec![format!("Measured on {} by {by}.", self.on)];
        said.extend(self.dice.map(|dice| {
            let mean = if measured.len() > 1 { "Its mean Dice" } else { "Its Dice" };
            format!("{mean} there is {dice:.2}: {}.", Quality::of(dice).word())
        }));
        let worse = named(&LabelChange::is_worse);
        if !worse.is_empty() {
            said.push(format!("Worse for {}.", listed(&worse, 3)));
        } else if compared && measured.len() > 1 {
            said.push("No label is worse.".to_owned());
        }
        let new = named(&|c| c.is_new);
        if self.earlier.is_some() && !new.is_empty() {
            said.push(format!("New: {}.", listed(&new, 3)));
        }
        said.extend(match (self.verdict, self.own_masks) {
            (Verdict::OwnMasks, _) => Some(format!(
                "The masks there are what {other} predicts, accepted and not changed: it gets 1.00 by itself."
            )),
            (_, 0) => None,
            (_, count) => {
                let slices = counted(count, "slice");
                Some(format!("On {slices} the mask is what {other} predicts: it gets 1.00 there by itself."))
            }
        });
        Judgement { title, text: said.join(" ") }
    }
}

/// A change for each label; `before` has those that the earlier model knows.
fn changes(
    card: &ModelCard,
    before: Option<&BTreeMap<LabelId, Option<f64>>>,
    after: &BTreeMap<LabelId, Option<f64>>,
) -> Vec<LabelChange> {
    let is_own = before.is_some_and(are_own);
    let change = |(id, after): (&LabelId, &Option<f64>)| {
        let before = before.and_then(|before| before.get(id));
        LabelChange {
            id: *id,
            name: card.labels.get(*id).map_or(format!("label {id}"), |label| label.name.clone()),
            is_new: before.is_none(),
            is_own: is_own && before.is_some(),
            before: before.copied().flatten().filter(|_| !is_own),
            after: *after,
        }
    };
    worse_first(after.iter().map(change).collect())
}

/// Whether the masks are what the earlier model predicts, to the voxel. `before`: its Dice of each label.
fn are_own(before: &BTreeMap<LabelId, Option<f64>>) -> bool {
    let mut measured = before.values().flatten().peekable();
    measured.peek().is_some() && measured.all(|dice| *dice == 1.0)
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

    pub fn verdict(&self) -> Verdict {
        let comparison = self.result.comparison.as_ref();
        let own = comparison.and_then(|c| c.before.as_ref()).is_some_and(|before| are_own(&dice_of(before)));
        match comparison.and_then(|c| Some((c, c.gain()?))) {
            Some(_) if own => Verdict::OwnMasks,
            Some((comparison, gain)) => {
                let on = |at| comparison.means_on(at).map(|[before, after]| after - before);
                weighed(gain, &(0..comparison.slices.len()).filter_map(on).collect::<Vec<_>>())
            }
            None if self.dice().is_some() => Verdict::New,
            None => Verdict::Unknown,
        }
    }

    /// "better than the one in use by 0.09, and good: 0.88", as a part of a sentence; None where nothing is known.
    pub fn in_short(&self) -> Option<String> {
        let dice = self.dice()?;
        let grade = format!("{}: {dice:.2}", Quality::of(dice).word());
        Some(match self.verdict() {
            Verdict::Better(gain) => format!("better than the one in use by {gain:.2}, and {grade}"),
            Verdict::Worse(gain) => format!("worse than the one in use by {:.2}; by itself {grade}", -gain),
            Verdict::Same(_) => format!("no clear difference from the one in use; by itself {grade}"),
            Verdict::OwnMasks | Verdict::New | Verdict::Unknown => grade,
        })
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

    /// What is known of the new version; None as long as there is none. `fresh`: the network had learned nothing before, so
    /// that it has seen none of the slices kept out at any time. `earlier`: title of the model that it is compared with.
    pub fn judged(&self, fresh: bool, earlier: Option<&str>) -> Option<Judgement> {
        let candidate = self.candidate.as_ref()?;
        let comparison = candidate.result.comparison.as_ref();
        let which = match (self.is_judged_apart(), fresh) {
            (true, true) => "of images it never saw",
            (true, false) => "of images kept out",
            (false, true) => "it never saw",
            (false, false) => "kept out",
        };
        let slices = counted(comparison.map_or(0, |comparison| comparison.slices.len()), "slice");
        let facts = Facts {
            verdict: candidate.verdict(),
            earlier,
            on: format!("{slices} {which}"),
            own_masks: comparison.map_or(0, Comparison::own_masks),
            dice: candidate.dice(),
            changes: &candidate.by_label(),
        };
        Some(facts.judged())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, before: f64, after: f64) -> LabelChange {
        let (before, after) = (Some(before), Some(after));
        LabelChange { id: 1, name: name.into(), is_new: false, is_own: false, before, after }
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
    fn what_the_earlier_model_has_made_itself_is_no_measure_of_it() {
        let own = BTreeMap::from([(1, Some(1.0)), (2, None)]);
        assert!(are_own(&own));
        assert!(!are_own(&BTreeMap::from([(1, Some(1.0)), (2, Some(0.999))])));
        assert!(!are_own(&BTreeMap::from([(1, None)])), "nothing is measured");
        let input = crate::nn::InputSpec::unit(crate::nn::Channels::Grey);
        let labels = crate::label::LabelTable::named(&["liver", "vessel"]);
        let kind = crate::volume::Modality::Ct;
        let card = ModelCard::new("edema/unet", serde_json::Value::Null, input, labels, kind);
        let changes = changes(&card, Some(&own), &BTreeMap::from([(1, Some(0.7)), (2, Some(0.0))]));
        assert!(changes.iter().all(|c| c.is_own && c.before.is_none() && !c.is_worse()), "{changes:?}");
    }

    #[test]
    fn a_difference_is_clear_where_most_slices_agree() {
        assert_eq!(weighed(0.08, &[0.1, 0.06]), Verdict::Better(0.08));
        assert_eq!(weighed(-0.08, &[-0.1, -0.1, 0.01]), Verdict::Worse(-0.08));
        assert_eq!(weighed(0.08, &[0.2, -0.04]), Verdict::Same(0.08), "one up, one down");
        assert_eq!(weighed(0.004, &[0.004]), Verdict::Same(0.004), "not seen in two digits");
    }

    #[test]
    fn the_comparison_is_said_before_how_good_it_is_by_itself() {
        let said = |verdict, earlier, own_masks, changes: &[LabelChange]| {
            let on = "2 slices kept out".to_owned();
            let Judgement { title, text } =
                Facts { verdict, earlier, on, own_masks, dice: Some(0.92), changes }.judged();
            [title, text]
        };
        let both = [change("liver", 0.8, 0.9), change("spleen", 0.9, 0.94)];
        assert_eq!(
            said(Verdict::Better(0.091), Some("Abdomen"), 0, &both),
            [
                "Better than “Abdomen” by 0.09",
                "Measured on 2 slices kept out by 2 labels. Its mean Dice there is 0.92: very good. No label is worse."
            ]
        );
        // Only one of two labels is to be seen on the slices kept out.
        let one = [change("liver", 1.0, 0.92), LabelChange { before: None, after: None, ..both[1].clone() }];
        assert_eq!(
            said(Verdict::Worse(-0.08), Some("Abdomen"), 1, &one),
            [
                "Worse than “Abdomen” by 0.08",
                "Measured on 2 slices kept out by one label of 2, liver. Its Dice there is 0.92: very good. \
                 Worse for liver. On 1 slice the mask is what “Abdomen” predicts: it gets 1.00 there by itself."
            ]
        );
        assert_eq!(
            said(Verdict::Same(0.001), Some("Abdomen"), 0, &both)[0],
            "No clear difference from “Abdomen”"
        );
        let own = [LabelChange { is_own: true, before: None, ..one[0].clone() }];
        assert_eq!(
            said(Verdict::OwnMasks, Some("Abdomen"), 2, &own),
            [
                "Not to be compared with “Abdomen”",
                "Measured on 2 slices kept out by liver. Its Dice there is 0.92: very good. The masks there are what \
                 “Abdomen” predicts, accepted and not changed: it gets 1.00 by itself."
            ]
        );
        let new = [LabelChange { is_new: true, before: None, ..both[0].clone() }];
        assert_eq!(
            said(Verdict::New, Some("Abdomen"), 0, &new),
            [
                "There is no label to compare it with “Abdomen” by",
                "Measured on 2 slices kept out by liver. Its Dice there is 0.92: very good. New: liver."
            ]
        );
        assert_eq!(said(Verdict::New, None, 0, &new)[0], "New: there is nothing to compare it with");
    }
}
