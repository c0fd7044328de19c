//! How a run ends, and the notice that says so.

use super::run::remove_checkpoint;
use super::{Candidate, TrainingRuns, TrainingState, Verdict};
use crate::engine::{JobId, Trained};
use crate::workspace::model_library::ModelLibrary;
use crate::workspace::notice::{Asks, Cause};
use crate::workspace::parts::Parts;
use crate::workspace::{ModelOrigin, NoticeLevel};
use std::sync::Arc;

impl TrainingRuns {
    /// The run has come to its end. The new version is kept whatever comes of it, and used only when the person says so.
    pub fn on_trained(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        job: JobId,
        result: &Arc<Trained>,
    ) {
        parts.jobs.end(job);
        let Some(training) = self.current.as_mut().filter(|t| t.job == job) else { return };
        let candidate = Candidate { card: Arc::clone(&result.model.card), result: Arc::clone(result) };
        let verdict = candidate.verdict();
        training.candidate = Some(candidate);
        training.state = TrainingState::Finished;
        (training.eta_secs, training.keeping) = (None, false);
        let remark = match (&result.diverged, result.stopped_at) {
            (Some(reason), _) => format!("The run ended early: {reason}."),
            (None, Some(step)) => format!("It was stopped after {step} of {} steps.", training.total),
            (None, None) => String::new(),
        };
        training.warnings.extend(result.diverged.is_some().then(|| remark.clone()));
        let (about, documents) = (training.about(), training.documents.clone());
        library.add_loaded(&result.model, ModelOrigin::Trained);
        for &id in &documents {
            parts.keep_model(id, &result.model);
        }
        self.keep_run(parts);
        let (level, verdict) = match verdict {
            Verdict::Better(gain) => {
                (NoticeLevel::Info, format!("on the slices kept out its Dice is {gain:.3} higher"))
            }
            Verdict::NotBetter(gain) => (
                NoticeLevel::Warning,
                format!(
                    "on the slices kept out its Dice is not higher ({gain:+.3}): look closely before adopting it"
                ),
            ),
            Verdict::Unknown => (
                NoticeLevel::Warning,
                "no slice with a label was kept out, so nothing says whether it is better".to_owned(),
            ),
        };
        let level = if result.diverged.is_some() { NoticeLevel::Warning } else { level };
        let sentences = [
            format!("The new network, learned from {about}, is ready: {verdict}."),
            remark,
            "The model in use is unchanged until you adopt it.".to_owned(),
        ];
        let text = sentences.iter().filter(|s| !s.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        parts.notices.ask(level, documents.first().copied(), Cause::Candidate, Asks::Adopt, text);
    }

    /// The job has ended without a new version; false where it was no training run.
    pub fn on_job_ended(&mut self, parts: &mut Parts, job: JobId, reason: Option<&str>) -> bool {
        let Some(training) = self.current.as_mut().filter(|t| t.job == job) else { return false };
        (training.eta_secs, training.keeping) = (None, false);
        let (about, document) = (training.about(), training.documents.first().copied());
        let checkpoint = training.checkpoint.clone();
        training.state = match reason {
            Some(reason) => TrainingState::Failed(reason.to_owned()),
            None => TrainingState::Cancelled,
        };
        self.keep_run(parts);
        match reason {
            Some(reason) => {
                let text = format!("Learning from {about} failed: {reason}. The model in use is unchanged.");
                parts.notices.add(NoticeLevel::Error, document, text);
            }
            None => {
                remove_checkpoint(checkpoint);
                let text = format!(
                    "Learning from {about} was stopped, and what was learned is discarded. The model in use is unchanged."
                );
                parts.notices.add(NoticeLevel::Info, document, text);
            }
        }
        true
    }
}
