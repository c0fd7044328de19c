use super::{Event, JobId, Jobs, MessageQueue, Wake};
use std::sync::atomic::{AtomicBool, Ordering};

/// What all threads of the engine share: which jobs live, and the events on their way out.
pub(super) struct Board {
    pub jobs: Jobs,
    pub messages: MessageQueue<Event>,
    closing: AtomicBool,
}

impl Board {
    pub fn new(wake: Wake) -> Self {
        Self { jobs: Jobs::default(), messages: MessageQueue::new(wake), closing: AtomicBool::new(false) }
    }

    /// The engine is about to be dropped: whatever asks whether it should stop, should.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub fn post(&self, event: Event) {
        self.messages.post(event);
    }

    /// Posts the event that ends a job, unless it has ended already.
    pub fn finish(&self, job: JobId, event: Event) {
        if self.jobs.end(job) {
            self.messages.post(event);
        }
    }

    pub fn fail(&self, job: JobId, reason: impl Into<String>) {
        self.finish(job, Event::JobFailed { job, reason: reason.into() });
    }

    pub fn cancelled(&self, job: JobId) {
        self.finish(job, Event::JobCancelled { job });
    }
}
