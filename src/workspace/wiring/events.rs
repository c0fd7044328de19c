//! What the engine and the store have done.

use super::Workspace;
use crate::engine::{Event, JobId};
use crate::workspace::jobs::{Device, JobResult};
use crate::workspace::store::StoreEvent;
use crate::workspace::{DocumentId, NoticeLevel};
use std::time::{Duration, Instant};

impl Workspace {
    /// Hears what the engine and the store have done; call it once a frame. Never waits.
    pub fn poll(&mut self) {
        let events = self.engine().drain();
        self.on_events(events);
    }

    /// Polls until something is so, at most for `timeout`; true where it is. For those who have no frames to draw.
    pub fn wait_until(&mut self, timeout: Duration, is_so: impl Fn(&Self) -> bool) -> bool {
        /// The store's events ring no bell here.
        const LOOK: Duration = Duration::from_millis(5);
        let end = Instant::now() + timeout;
        self.poll();
        while !is_so(self) {
            if Instant::now() >= end {
                return false;
            }
            let events = self.engine().wait(LOOK);
            self.on_events(events);
        }
        true
    }

    /// Waits until every change so far is in the project file; false where it cannot be written.
    pub fn settle(&mut self, id: DocumentId) -> bool {
        let settled = self.parts.documents.store().settle(id);
        self.poll();
        settled
    }

    /// Looks whether every project file is where it was, and waits for that. For those who are about to end the program.
    pub fn look_after(&mut self) {
        let kept = self.documents().iter().filter(|d| d.saving().is_kept()).map(|d| d.id());
        for id in kept.collect::<Vec<_>>() {
            if self.settle(id) {
                self.training.forget_checkpoint(id);
            }
        }
    }

    fn on_events(&mut self, events: Vec<Event>) {
        for event in events {
            self.on_event(event);
        }
        for event in self.parts.documents.store().drain() {
            self.on_store_event(event);
        }
        self.edits.poll_background_edits(&mut self.parts);
        self.library.follow_labels(&mut self.parts, self.training.undecided_base());
        self.parts.documents.retry_saving(false);
        self.predictions.poll(&mut self.parts, &mut self.library);
        self.predictions.poll_statistics(&mut self.parts);
        self.comparing.poll(&mut self.parts, &self.predictions, &self.library);
        self.effects.poll(&mut self.parts);
        self.surfaces.poll(&mut self.parts, &self.predictions, &self.library);
    }

    fn on_event(&mut self, event: Event) {
        let Self { parts, library, predictions, edits, training, .. } = self;
        parts.jobs.note(&event);
        match event {
            Event::DeviceReady { name, reason, kind, halves } => {
                parts.jobs.set_device(Device::Ready { name, reason, kind, halves });
            }
            Event::DeviceFailed { reason } => {
                parts.notices.add(NoticeLevel::Error, None, format!("No network can run: {reason}"));
                parts.jobs.set_device(Device::Failed(reason));
            }
            Event::Preview { job, volume, z, depth } => {
                if let Some(opening) = parts.documents.opening_mut(job) {
                    opening.preview = Some((volume, z, depth));
                }
            }
            Event::Progress { job, done, total, .. } => {
                if let Some(opening) = parts.documents.opening_mut(job) {
                    (opening.done, opening.total) = (done, total);
                }
                training.on_progress(job, &event);
            }
            Event::Opened { job, opened } => {
                let interrupted = parts.on_opened(library, job, *opened);
                interrupted.into_iter().for_each(|run| training.on_interrupted(run));
            }
            Event::ModelLoaded { job, model } => {
                predictions.forget_failures(&model.card.version);
                library.on_model_loaded(parts, job, &model, training.base());
                training.on_model_loaded(parts, library, job, &model);
            }
            Event::Predicted(predicted) => predictions.on_predicted(parts, predicted),
            Event::PredictFailed { key, reason } => predictions.on_failed(key, reason),
            Event::SliceSegmented { key, labels, detection, .. } => {
                predictions.on_slice_segmented(parts, &key, labels, detection);
            }
            Event::VolumeSegmented { job, result } => {
                predictions.on_volume_segmented(parts, library, edits, job, &result);
            }
            Event::TrainSteps { job, .. }
            | Event::TrainEarlier { job, .. }
            | Event::TrainValidated { job, .. }
            | Event::TrainNotSaved { job, .. }
            | Event::TrainSinglePrecision { job, .. }
            | Event::TrainSaved { job, .. } => training.on_event(parts, job, &event),
            Event::Trained { job, result } => training.on_trained(parts, library, job, &result),
            Event::Done { job } => self.on_done(job),
            Event::JobFailed { job, reason } => self.on_job_ended(job, Some(reason)),
            Event::JobCancelled { job } => self.on_job_ended(job, None),
        }
    }

    /// A job of the workspace's own has ended well.
    fn on_done(&mut self, job: JobId) {
        let Self { parts, surfaces, edits, effects, training, comparing, .. } = self;
        match parts.jobs.finish(job) {
            Some(JobResult::Snapshot(document, snapshot)) => parts.on_snapshot(job, document, snapshot),
            Some(JobResult::Statistics(document, statistics)) => {
                if let Some(document) = parts.documents.get_mut(document) {
                    document.statistics_mut().keep(statistics);
                }
            }
            Some(JobResult::Surface(made)) => surfaces.on_surface(made),
            Some(JobResult::Edited(finished)) => edits.on_background_edit(job, finished),
            Some(JobResult::Effect(made)) => effects.on_made(job, *made),
            Some(JobResult::Exported(document, exported)) => parts.on_exported(document, exported),
            Some(JobResult::Compared(counted)) => comparing.on_counted(counted),
            Some(JobResult::PastRuns(runs)) => training.on_past_runs(parts, runs),
            // Somebody else's, such as a search for fonts.
            None => {}
        }
    }

    /// A job ended without a result: failed with a reason, or cancelled.
    fn on_job_ended(&mut self, job: JobId, reason: Option<String>) {
        let Self { parts, library, predictions, surfaces, edits, effects, training, comparing, .. } = self;
        let activity = parts.jobs.end(job);
        parts.documents.remove_opening(job);
        edits.on_job_ended(job);
        let told = training.on_job_ended(parts, library, job, reason.as_deref())
            || effects.on_job_ended(job, reason.as_deref());
        library.on_job_ended(job, reason.is_some());
        predictions.on_job_ended(job);
        surfaces.on_job_ended(job, reason.is_some());
        comparing.on_job_ended(job);
        for document in parts.documents.iter_mut() {
            document.statistics_mut().on_job_ended(job);
            document.saving_mut().on_job_ended(job);
        }
        if let Some(reason) = reason.filter(|_| !told) {
            let (title, document) = activity.map_or((String::new(), None), |a| (a.title, a.document));
            let text = if title.is_empty() { reason } else { format!("{title}: {reason}") };
            parts.notices.add(NoticeLevel::Error, document, text);
        }
    }

    fn on_store_event(&mut self, event: StoreEvent) {
        let Self { parts, library, training, .. } = self;
        match event {
            StoreEvent::Opened { document, project } => {
                let interrupted = parts.on_project(library, document, *project);
                interrupted.into_iter().for_each(|run| training.on_interrupted(run));
            }
            StoreEvent::Durable { document, seq, millis } => parts.on_durable(document, seq, millis),
            StoreEvent::Failing { document, path, reason, waiting, gone, own } => {
                parts.on_failing(document, &path, &reason, waiting, [gone, own]);
            }
            StoreEvent::Recovered { document } => parts.on_recovered(document),
            StoreEvent::Moved { document, to } => parts.on_moved(document, to),
            StoreEvent::Weights { document, version, bytes } => {
                library.on_weights(parts, document, &version, bytes);
            }
            StoreEvent::Stopped { reason } => parts.on_stopped(&reason),
        }
    }
}
