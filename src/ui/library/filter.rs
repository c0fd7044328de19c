//! What is looked for in the model library, and in which order it is shown.

use super::entries::{Entry, Fit, Group};
use crate::volume::Modality;
use std::collections::{BTreeMap, BTreeSet};

/// The choices of how long a slice may take, in seconds.
pub const LIMITS: [f32; 3] = [0.3, 1.0, 3.0];

/// The choices of the switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    #[default]
    Fitting,
    Trained,
    Networks,
    All,
}

impl Show {
    pub const ALL: [(Show, &str); 4] = [
        (Show::Fitting, "Fits this image"),
        (Show::Trained, "Trained"),
        (Show::Networks, "Networks"),
        (Show::All, "All"),
    ];
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub text: String,
    pub show: Show,
    pub modality: Option<Modality>,
    /// Labels, of which it must find every one.
    pub finds: BTreeSet<String>,
    /// It takes less than so many seconds for a slice; what was never measured may take longer.
    pub under: Option<f32>,
}

impl Filter {
    /// The rows that are looked for, in the order of their groups.
    pub fn of<'a>(&self, all: &'a [Entry]) -> Vec<&'a Entry> {
        let mut rows: Vec<&Entry> = all.iter().filter(|entry| self.takes(entry)).collect();
        rows.sort_by_key(|entry| (entry.group, entry.fit != Fit::Fits, entry.recommended.is_none()));
        rows
    }

    fn takes(&self, entry: &Entry) -> bool {
        let network = entry.group == Group::Networks;
        // A model of phantoms is found by those who look at everything, or at a phantom.
        let hidden = entry.phantom && entry.fit != Fit::Fits;
        let shown = match self.show {
            Show::Fitting => entry.fit == Fit::Fits,
            Show::Trained => !network && !hidden,
            Show::Networks => network,
            Show::All => true,
        };
        let words = self.text.to_lowercase();
        shown
            && words.split_whitespace().all(|word| entry.text.contains(word))
            && (self.modality.is_none() || entry.modality == self.modality)
            && self.under.is_none_or(|most| entry.seconds.is_some_and(|seconds| seconds < most))
            && self.finds.iter().all(|label| entry.labels.iter().any(|own| own.eq_ignore_ascii_case(label)))
    }
}

/// How many rows find each label, the most frequent first.
pub fn found(rows: &[&Entry]) -> Vec<(String, usize)> {
    // Written as by the first that finds it.
    let mut counts = BTreeMap::<String, (String, usize)>::new();
    for name in rows.iter().flat_map(|row| &row.labels) {
        counts.entry(name.to_lowercase()).or_insert_with(|| (name.clone(), 0)).1 += 1;
    }
    let mut counts: Vec<_> = counts.into_values().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

#[cfg(test)]
mod tests {
    use super::super::entries::{Choice, tests::all};
    use super::*;

    fn names(all: &[Entry], filter: &Filter) -> Vec<String> {
        filter.of(all).into_iter().map(|entry| entry.name.clone()).collect()
    }

    #[test]
    fn what_is_slower_or_was_never_measured_is_hidden() {
        let all = all(Modality::Ct, true);
        let of = |under| Filter { show: Show::All, under, ..Filter::default() }.of(&all);
        let seconds = |rows: &[&Entry]| rows.iter().map(|row| row.seconds).collect::<Vec<_>>();
        let everything = seconds(&of(None));
        assert!(everything.contains(&None) && everything.iter().flatten().any(|time| *time > LIMITS[2]));
        let mut before = 0;
        for limit in LIMITS {
            let rows = of(Some(limit));
            assert!(seconds(&rows).iter().all(|time| time.is_some_and(|time| time < limit)), "{limit}");
            assert!(rows.len() > before, "{limit}");
            before = rows.len();
        }
        assert!(before < everything.len());
    }

    #[test]
    fn a_model_of_phantoms_fits_a_sample_and_else_is_listed_under_all_only() {
        let ct = "CT phantom demonstration".to_owned();
        let (sample, patient) = (all(Modality::Ct, true), all(Modality::Ct, false));
        let listed = |all: &[Entry], show| names(all, &Filter { show, ..Filter::default() }).contains(&ct);
        assert!(listed(&sample, Show::Fitting) && listed(&sample, Show::Trained));
        assert!(!listed(&patient, Show::Fitting) && !listed(&patient, Show::Trained));
        assert!(!listed(&patient, Show::Networks) && listed(&patient, Show::All));
        let entry = patient.iter().find(|entry| entry.name == ct).unwrap();
        assert_eq!((entry.phantom, entry.fit), (true, Fit::NotForPatients));
        let on_oct = all(Modality::Oct, true);
        let entry = on_oct.iter().find(|entry| entry.name == ct).unwrap();
        assert_eq!(entry.fit.words(), "made for CT");
    }

    #[test]
    fn names_structures_networks_and_papers_are_searched_word_by_word() {
        let all = all(Modality::Ct, true);
        let found =
            |text: &str| names(&all, &Filter { text: text.to_owned(), show: Show::All, ..Filter::default() });
        assert_eq!(found("Kidneys phantom ct")[0], "CT phantom demonstration");
        assert!(found("u2net").len() >= 2);
        assert!(found("no such thing").is_empty());
        let spleen = Filter { finds: ["Spleen".to_owned()].into(), ..Filter::default() };
        assert!(spleen.of(&all).iter().all(|entry| entry.labels.contains(&"spleen".to_owned())));
        assert!(!spleen.of(&all).is_empty());
    }

    #[test]
    fn networks_come_last_and_lead_to_learn() {
        let all = all(Modality::Ct, true);
        let rows = Filter { show: Show::All, ..Filter::default() }.of(&all);
        assert!(rows.windows(2).all(|pair| pair[0].group <= pair[1].group));
        let last = rows.last().unwrap();
        assert_eq!((last.group, last.dice.is_none()), (Group::Networks, true));
        assert!(
            rows.iter().all(|row| (row.group == Group::Networks) == matches!(row.choice, Choice::Learn(_)))
        );
    }

    #[test]
    fn labels_are_counted_and_the_most_frequent_come_first() {
        let all = all(Modality::Ct, true);
        let counts = found(&Filter { show: Show::All, ..Filter::default() }.of(&all));
        assert!(counts.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        assert!(counts.iter().any(|(name, count)| name == "liver" && *count >= 2));
    }
}
