use super::DocumentId;
use super::background_edit::Finished;
use super::comparison::Counted;
use super::effects::MadeEffect;
use super::export::Exported;
use super::statistics::LabelStatistics;
use super::store::Snapshot;
use super::surfaces::MadeSurface;
use crate::engine::run_folder::PastRun;
use crate::engine::{Engine, Event, JobContext, JobId, Task};
use crate::nn::DeviceKind;
use std::collections::BTreeMap;
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
}

/// What a job of the workspace's own has made. What images, models and networks give comes as an [`Event`] of its own.
pub(super) enum JobResult {
    Snapshot(DocumentId, Snapshot),
    Statistics(DocumentId, LabelStatistics),
    /// The surface on screen.
    Surface(MadeSurface),
    Edited(Finished),
    Effect(Box<MadeEffect>),
    Exported(DocumentId, Exported),
    Compared(Counted),
    PastRuns(Vec<PastRun>),
}

struct Running {
    activity: Activity,
    /// It is listed among the activities.
    listed: bool,
    /// None of a job whose result comes as an event.
    task: Option<Task<JobResult>>,
}

/// The engine, and the jobs that have not ended.
pub(super) struct Jobs {
    engine: Engine,
    device: Device,
    running: BTreeMap<JobId, Running>,
}

/// The device that networks run on.
#[derive(Clone, Debug, PartialEq)]
pub enum Device {
    /// Still being looked for.
    Starting,
    Ready {
        name: String,
        reason: String,
        kind: DeviceKind,
        /// It computes in half precision too.
        halves: bool,
    },
    Failed(String),
}

impl Jobs {
    pub fn new(engine: Engine) -> Self {
        Self { engine, device: Device::Starting, running: BTreeMap::new() }
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    pub fn set_device(&mut self, device: Device) {
        self.device = device;
    }

    /// Lists a job that was asked of the engine; its result comes as an event.
    pub fn add(&mut self, job: JobId, title: impl Into<String>, document: Option<DocumentId>) {
        self.insert(job, title.into(), document, true, None);
    }

    /// Runs work on the worker pool, listed among the activities.
    pub fn run(
        &mut self,
        title: impl Into<String>,
        document: Option<DocumentId>,
        work: impl FnOnce(&JobContext) -> anyhow::Result<JobResult> + Send + 'static,
    ) -> JobId {
        let task = self.engine.run(work);
        self.insert(task.job(), title.into(), document, true, Some(task))
    }

    /// The same, hidden from the UI. Its title is said where it fails.
    pub fn run_hidden(
        &mut self,
        title: impl Into<String>,
        document: DocumentId,
        work: impl FnOnce(&JobContext) -> anyhow::Result<JobResult> + Send + 'static,
    ) -> JobId {
        let task = self.engine.run(work);
        self.insert(task.job(), title.into(), Some(document), false, Some(task))
    }

    fn insert(
        &mut self,
        job: JobId,
        title: String,
        document: Option<DocumentId>,
        listed: bool,
        task: Option<Task<JobResult>>,
    ) -> JobId {
        let activity = Activity {
            job,
            title,
            document,
            stage: "",
            done: 0,
            total: 0,
            eta_secs: None,
            since: Instant::now(),
        };
        self.running.insert(job, Running { activity, listed, task });
        job
    }

    pub fn note(&mut self, event: &Event) {
        if let Event::Progress { job, stage, done, total, eta_secs } = event
            && let Some(Running { activity, .. }) = self.running.get_mut(job)
        {
            (activity.stage, activity.done, activity.total) = (stage, *done, *total);
            activity.eta_secs = *eta_secs;
        }
    }

    /// Takes out a job that has ended.
    pub fn end(&mut self, job: JobId) -> Option<Activity> {
        self.running.remove(&job).map(|running| running.activity)
    }

    /// The same for one that has ended with [`Event::Done`]: what it has made.
    pub fn finish(&mut self, job: JobId) -> Option<JobResult> {
        self.running.remove(&job)?.task?.take()
    }

    pub fn get(&self, job: JobId) -> Option<&Activity> {
        self.running.get(&job).map(|running| &running.activity)
    }

    /// Everything that is not hidden from the UI.
    pub fn listed(&self) -> impl Iterator<Item = &Activity> {
        self.running.values().filter(|running| running.listed).map(|running| &running.activity)
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }
}
