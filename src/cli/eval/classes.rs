//! Which classes there are, and how predictions and truth say them.

use super::{maps::Maps, names::Tables};
use crate::{
    io::dataset::{Known, ONE_STRUCTURE, Seen, Values},
    label::{LabelId, LabelTable},
};
use anyhow::{Context, Error, Result};
use rayon::prelude::*;
use std::collections::BTreeSet;

/// The classes of a data set, and how masks say them.
#[derive(Debug)]
pub struct Classes {
    pub ids: BTreeSet<LabelId>,
    /// Where all masks are of one structure: the values that stand for class 1 in predictions and in truths.
    one: Option<[BTreeSet<LabelId>; 2]>,
    /// What a person should know of it.
    pub notes: Vec<String>,
}

/// Where both sides have names, the truth's ids become those of the predictions' labels of the same names.
pub fn named_as_predicted(maps: &mut [Maps], tables: &Tables) -> Result<Vec<String>> {
    let (Some(pred), Some(truth)) = (&tables.pred, &tables.truth) else { return Ok(vec![]) };
    let mut seen = Seen::default();
    maps.iter().for_each(|m| seen.add(&m.pair.id, &m.truth));
    let known = Known { names: &[], beside: Some(truth), model: Some(pred) };
    let decided = Values::Ids.decided(&seen, known).map_err(Error::msg);
    let (values, notes) = decided.context("the truth has other labels than the predictions")?;
    for m in maps {
        m.truth = values.apply(m.truth.clone()).map_err(Error::msg).with_context(|| m.pair.id.clone())?;
    }
    Ok(notes)
}

impl Classes {
    /// One structure may be 255 in one mask and 1 in the other.
    ///
    /// `one_label`: nothing names more than one.
    pub fn of(maps: &[Maps], one_label: bool) -> Self {
        let [mut pred, mut truth] = [Seen::default(), Seen::default()];
        for m in maps {
            pred.add(&m.pair.id, &m.pred);
            truth.add(&m.pair.id, &m.truth);
        }
        let [of_pred, of_truth] = [&pred, &truth].map(Seen::values);
        let all: BTreeSet<LabelId> = of_pred.union(&of_truth).copied().collect();
        let told = || format!("the predictions have the values {}, the truth {}", pred.told(), truth.told());
        let is_code = |value: &LabelId| ONE_STRUCTURE.contains(value);
        let mut notes = vec![];
        if one_label
            && let (Some(a), Some(b)) = (pred.one_structure(), truth.one_structure())
            // One other number on both sides is an id like any other.
            && (all.len() != 1 || all.iter().all(is_code))
        {
            if a.len() > 1 || b.len() > 1 {
                notes.push(format!(
                    "masks of one structure say it in several ways, and all were read as one class: {}",
                    told()
                ));
            } else if !all.iter().all(is_code) {
                notes.push(format!(
                    "{}: both were read as one structure. Where these are two, --labels NAME=VALUES says which values of the \
                     truth are which",
                    told()
                ));
            }
            return Self { ids: BTreeSet::from([1]), one: Some([a, b]), notes };
        }
        if of_pred != of_truth {
            let doubts = [("predictions", pred.doubt()), ("truth", truth.doubt())];
            notes
                .extend(doubts.into_iter().filter_map(|(whose, doubt)| Some(format!("{whose}: {}", doubt?))));
            if of_pred.is_disjoint(&of_truth) && !of_pred.is_empty() && !of_truth.is_empty() {
                notes.push(format!(
                    "{}: they have none in common, so nothing agrees. --labels NAME=VALUES says which values of the truth are \
                     which label",
                    told()
                ));
            }
        }
        Self { ids: all, one: None, notes }
    }

    /// The class that a label of the masks is.
    pub fn of_label(&self, label: LabelId, table: &LabelTable) -> LabelId {
        match &self.one {
            Some(one) if table.len() == 1 || one.iter().any(|values| values.contains(&label)) => 1,
            _ => label,
        }
    }

    /// Classes of the voxels of a case: predicted, true.
    pub fn values(&self, maps: &Maps) -> [Vec<LabelId>; 2] {
        let [mut pred, mut truth] = [maps.pred.to_values(), maps.truth.to_values()];
        if let Some([of_pred, of_truth]) = &self.one {
            let class = |values: &mut [LabelId], one: &BTreeSet<LabelId>| {
                values.par_iter_mut().for_each(|v| *v = LabelId::from(one.contains(v)));
            };
            class(&mut pred, of_pred);
            class(&mut truth, of_truth);
        }
        [pred, truth]
    }
}
