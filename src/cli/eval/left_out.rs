//! Which cases a mean leaves out, and why.

use crate::{
    label::LabelId,
    metrics::{METRICS, Report, Scores},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Cases without a value, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub reason: &'static str,
    pub cases: Vec<String>,
}

/// Which of the two masks show a class.
pub fn shown_in(scores: &Scores) -> &'static str {
    let shows = |volume: Option<f64>| volume.is_some_and(|v| v > 0.0);
    match (shows(scores.volume), shows(scores.true_volume)) {
        (true, true) => "both",
        (true, false) => "prediction",
        (false, true) => "truth",
        (false, false) => "neither",
    }
}

impl LeftOut {
    /// By the metrics that lack a value in any case.
    pub fn of(report: &Report, class: LabelId) -> BTreeMap<&'static str, Vec<LeftOut>> {
        let one_class = report.classes.len() == 1;
        let mut found: BTreeMap<&'static str, Vec<LeftOut>> = BTreeMap::new();
        let cases = || report.cases.iter().filter_map(|case| Some((&case.id, case.classes.get(&class)?)));
        for metric in METRICS {
            // One that was not measured at all has no mean that could leave something out.
            if cases().all(|(_, scores)| metric.of(scores).is_none()) && metric.id == "auc" {
                continue;
            }
            for (id, scores) in cases().filter(|(_, scores)| metric.of(scores).is_none()) {
                let reason = match (shown_in(scores), one_class) {
                    ("neither", true) => "both masks are empty",
                    ("neither", false) => "neither mask has the class",
                    ("prediction" | "truth", true) => "one of the masks is empty",
                    ("prediction" | "truth", false) => "only one of the masks has the class",
                    _ if metric.id == "auc" => "there is no probability map",
                    _ => "it is not defined there",
                };
                let reasons = found.entry(metric.id).or_default();
                match reasons.iter_mut().find(|left| left.reason == reason) {
                    Some(left) => left.cases.push(id.clone()),
                    None => reasons.push(LeftOut { reason, cases: vec![id.clone()] }),
                }
            }
        }
        found
    }
}
