//! What a new version is called until a person gives it another name.

use super::Training;
use crate::time::day_and_time;
use crate::words::{capital, counted, listed};
use std::collections::BTreeSet;

/// Labels that a name tells; the others are counted.
const MOST: usize = 2;

/// "Liver and spleen, 14 slices of 3 cases, 29 Nov 13:35". `ms`: Unix time in milliseconds.
fn name(labels: &[&str], slices: usize, cases: usize, ms: i64) -> String {
    let labels = Some(capital(&listed(labels, MOST))).filter(|labels| !labels.is_empty());
    let from = format!("{} of {}", counted(slices, "slice"), counted(cases, "case"));
    let parts = [labels, Some(from), Some(day_and_time(ms, ms))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

impl Training {
    /// What its new version is called: what it learned, from how much, and when.
    pub(super) fn default_name<'a>(&self, labels: impl Iterator<Item = &'a str>, ended_ms: i64) -> String {
        let painted = |name: &&str| self.images.iter().any(|image| image.labels.contains_key(*name));
        let labels: Vec<&str> = labels.filter(painted).collect();
        let cases: BTreeSet<_> = self.learned_from.iter().map(|slice| &slice.path).collect();
        name(&labels, self.learned_from.len(), cases.len(), ended_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Local, TimeZone};

    #[test]
    fn a_name_tells_what_was_learned_from_how_much_and_when() {
        let ms = Local.with_ymd_and_hms(2026, 11, 29, 13, 35, 0).unwrap().timestamp_millis();
        assert_eq!(
            name(&["liver", "spleen"], 14, 3, ms),
            "Liver and spleen, 14 slices of 3 cases, 29 Nov 13:35"
        );
        assert_eq!(name(&["a", "b", "c"], 1, 1, ms), "A, b and 1 more, 1 slice of 1 case, 29 Nov 13:35");
        assert_eq!(name(&[], 2, 1, ms), "2 slices of 1 case, 29 Nov 13:35");
    }
}
