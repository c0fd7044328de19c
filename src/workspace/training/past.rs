//! Training runs as project files and folders keep them, for comparing them.

use super::{Curves, RunPlan, TrainingImage, TrainingRuns};
use crate::engine::run_folder::{self, PastRun};
use crate::workspace::NoticeLevel;
use crate::workspace::image::name_of;
use crate::workspace::jobs::JobResult;
use crate::workspace::parts::Parts;
use crate::workspace::store::{RunRecord, RunState};
use std::path::PathBuf;

/// A training run of an image, under way or past.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingRun {
    /// Unix time in milliseconds when it began.
    pub started_ms: i64,
    /// The version that it started from.
    pub from: String,
    /// The version that it has made.
    pub made: Option<String>,
    pub state: RunState,
    /// As it stood when it was last written down.
    pub curves: Curves,
    /// The images that it learned from or was measured on; none of a run that an older program has written down.
    pub images: Vec<TrainingImage>,
    /// Mean Dice on the slices held out of the earlier version, and of the new one: over the labels that both know, where
    /// there are any.
    pub before: Option<f64>,
    pub after: Option<f64>,
}

impl TrainingRun {
    /// What cannot be read of the record is left out.
    pub(in crate::workspace) fn of(record: &RunRecord) -> Self {
        let comparison = record.comparison.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let comparison: serde_json::Value = comparison.unwrap_or_default();
        // Over the labels that both know. Older programs have written down each model's own mean alone.
        let mean = |at: usize| comparison["means"][at].as_f64();
        let own = |of: &str| comparison[of]["mean_dice"].as_f64();
        Self {
            started_ms: record.id,
            from: record.base_version.clone(),
            made: record.candidate.clone(),
            state: record.state,
            curves: serde_json::from_str(&record.curves).unwrap_or_default(),
            images: serde_json::from_str::<RunPlan>(&record.config)
                .map(|plan| plan.images)
                .unwrap_or_default(),
            before: mean(0).or_else(|| own("before")),
            after: mean(1).or_else(|| own("after")),
        }
    }
}

impl TrainingRuns {
    /// Reads a run's folder, to show its curves beside those of others.
    pub fn read_folder(parts: &mut Parts, folder: PathBuf) {
        let title = format!("reading the run {}", name_of(&folder));
        parts.jobs.run(title, None, move |_| run_folder::read(&folder).map(JobResult::PastRuns));
    }

    pub fn on_past_runs(&mut self, parts: &mut Parts, runs: Vec<PastRun>) {
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        let text =
            format!("Read {}: shown in the panel Learn, beside the runs on the image", names.join(", "));
        parts.notices.add(NoticeLevel::Info, None, text);
        for run in runs {
            match self.past.iter_mut().find(|known| known.folder == run.folder) {
                Some(known) => *known = run,
                None => self.past.push(run),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read_from_its_record_as_far_as_it_can_be() {
        let mut record = RunRecord {
            id: 1_735_689_599_000,
            base_version: "old".into(),
            state: RunState::Adopted,
            reason: None,
            config: "{}".into(),
            curves: r#"{"loss": [[1.0, 0.5], [2.0, 0.25]], "valid_dice": [[2.0, 0.75]]}"#.into(),
            candidate: Some("new".into()),
            comparison: Some(r#"{"before": {"mean_dice": 0.5}, "after": {"mean_dice": null}}"#.into()),
        };
        let run = TrainingRun::of(&record);
        assert_eq!((run.curves.loss.len(), run.before, run.after), (2, Some(0.5), None));
        assert_eq!((run.started_ms, run.made.as_deref()), (1_735_689_599_000, Some("new")));
        assert_eq!(run.curves.valid_dice, [[2.0, 0.75]]);
        // The new one's own mean is of more labels.
        record.comparison = Some(
            r#"{"before": {"mean_dice": 0.5}, "after": {"mean_dice": 0.9}, "means": [0.5, 0.4]}"#.into(),
        );
        let run = TrainingRun::of(&record);
        assert_eq!((run.before, run.after), (Some(0.5), Some(0.4)));
        record.comparison = Some(r#"{"before": null, "after": {"mean_dice": 0.9}, "means": null}"#.into());
        let run = TrainingRun::of(&record);
        assert_eq!((run.before, run.after), (None, Some(0.9)));
        record.curves = "damaged".into();
        assert_eq!(TrainingRun::of(&record).curves, Curves::default());
    }
}
