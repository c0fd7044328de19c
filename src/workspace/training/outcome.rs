//! How a run ends, and the notice that says so.

use super::run::{go_back, remove_checkpoint};
use super::{Candidate, TrainingRuns, TrainingState, Verdict};
use crate::engine::{JobId, LoadedModel, Trained};
use crate::nn::ModelCard;
use crate::time::now_ms;
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
        let mut card = ModelCard::clone(&result.model.card);
        let labels = card.labels.iter().map(|label| label.name.as_str());
        card.title = training.default_name(labels, now_ms());
        let model = LoadedModel { card: Arc::new(card), bytes: Arc::clone(&result.model.bytes) };
        let candidate = Candidate { card: Arc::clone(&model.card), result: Arc::clone(result) };
        let known = candidate.in_short();
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
        library.add_loaded(&model, ModelOrigin::Trained);
        for &id in &documents {
            parts.keep_model(id, &model);
        }
        self.keep_run(parts);
        let (level, than_before) = match verdict {
            Verdict::Better(_) | Verdict::New => (NoticeLevel::Info, None),
            Verdict::Worse(_) | Verdict::Same(_) => {
                (NoticeLevel::Warning, Some("Look closely before you adopt it.".to_owned()))
            }
            Verdict::OwnMasks => (
                NoticeLevel::Warning,
                Some(
                    "The masks it was measured on are predictions of the one in use: the two cannot be compared."
                        .to_owned(),
                ),
            ),
            Verdict::Unknown => (
                NoticeLevel::Warning,
                Some("No slice with a label was kept out, so how good it is is not known.".to_owned()),
            ),
        };
        let level = if result.diverged.is_some() { NoticeLevel::Warning } else { level };
        let ready = match known {
            Some(known) => format!("The new network is ready: {known}."),
            None => "The new network is ready.".to_owned(),
        };
        let sentences = [ready, format!("It learned from {about}."), than_before.unwrap_or_default(), remark];
        let text = sentences.iter().filter(|s| !s.is_empty()).cloned().collect::<Vec<_>>().join(" ");
        parts.notices.ask(level, documents.first().copied(), Cause::Candidate, Asks::Adopt, text);
    }

    /// The job has ended without a new version; false where it was no training run.
    pub fn on_job_ended(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        job: JobId,
        reason: Option<&str>,
    ) -> bool {
        self.building.take_if(|building| building.is(job));
        let Some(training) = self.current.as_mut().filter(|t| t.job == job) else { return false };
        (training.eta_secs, training.keeping) = (None, false);
        let (about, document) = (training.about(), training.documents.first().copied());
        let (checkpoint, base) = (training.checkpoint.clone(), training.base.clone());
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
                let then = match go_back(parts, library, &base) {
                    true => "The model that was in use before is in use again.",
                    false => "The model in use is unchanged.",
                };
                let text =
                    format!("Learning from {about} was stopped, and what was learned is discarded. {then}");
                parts.notices.add(NoticeLevel::Info, document, text);
            }
        }
        true
    }
}
