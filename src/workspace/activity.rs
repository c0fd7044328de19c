use super::DocumentId;
use crate::engine::{Event, JobId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// Something that takes time, for a progress bar and its cancel button.
#[derive(Clone, Debug, PartialEq)]
pub struct Activity {
    /// For [`Command::Cancel`](super::Command::Cancel).
    pub job: JobId,
    pub title: String,
    pub document: Option<DocumentId>,
    /// What is being done of it; empty until that is known.
    pub stage: &'static str,
    pub done: u64,
    /// 0 while it is not known.
    pub total: u64,
    pub eta_secs: Option<f64>,
    pub since: Instant,
    pub(super) purpose: Purpose,
}

/// What is done with a job's result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Purpose {
    /// The result has a place of its own: openings, training, accepting.
    Own,
    /// `version` is not known of a `file` that is being imported, nor of a network that is being built.
    LoadModel {
        file: Option<PathBuf>,
        version: Option<String>,
        use_in: Option<DocumentId>,
    },
    PredictAll,
    Snapshot,
    Statistics,
    /// The surface on screen.
    Shape,
    Save,
}

/// The jobs that have not ended.
#[derive(Debug, Default)]
pub(super) struct Activities(BTreeMap<JobId, Activity>);

impl Activities {
    pub fn start(
        &mut self,
        job: JobId,
        title: impl Into<String>,
        document: Option<DocumentId>,
        purpose: Purpose,
    ) {
        let title = title.into();
        self.0.insert(
            job,
            Activity {
                job,
                title,
                document,
                stage: "",
                done: 0,
                total: 0,
                eta_secs: None,
                since: Instant::now(),
                purpose,
            },
        );
    }

    pub fn note(&mut self, event: &Event) {
        if let Event::Progress { job, stage, done, total, eta_secs } = event
            && let Some(activity) = self.0.get_mut(job)
        {
            (activity.stage, activity.done, activity.total) = (stage, *done, *total);
            activity.eta_secs = *eta_secs;
        }
    }

    /// Takes out a job that has ended.
    pub fn end(&mut self, job: JobId) -> Option<Activity> {
        self.0.remove(&job)
    }

    /// What a person sees: snapshots, measurements and surfaces are nobody's business.
    pub fn iter(&self) -> impl Iterator<Item = &Activity> {
        self.0
            .values()
            .filter(|a| !matches!(a.purpose, Purpose::Snapshot | Purpose::Statistics | Purpose::Shape))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn any(&self, purpose: &Purpose) -> bool {
        self.0.values().any(|a| a.purpose == *purpose)
    }

    pub fn has(&self, document: DocumentId, purpose: &Purpose) -> bool {
        self.0.values().any(|a| a.document == Some(document) && a.purpose == *purpose)
    }
}
