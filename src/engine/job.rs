use super::{Board, Eta, Event};
use crate::nn::watch::Watch;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Names one piece of work for the time that the engine lives. Every job ends with exactly one event
/// ([`Event::ends`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub(super) u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "job {}", self.0)
    }
}

/// What may be asked of a job while it runs. Read between two steps.
#[derive(Debug, Default)]
struct Flags {
    cancelled: AtomicBool,
    paused: AtomicBool,
    finishing: AtomicBool,
}

/// A job as the thread that runs it sees it.
#[derive(Clone, Debug)]
pub struct JobHandle {
    id: JobId,
    flags: Arc<Flags>,
}

impl JobHandle {
    pub fn id(&self) -> JobId {
        self.id
    }

    pub fn is_cancelled(&self) -> bool {
        self.flags.cancelled.load(Ordering::Acquire)
    }

    pub fn is_paused(&self) -> bool {
        self.flags.paused.load(Ordering::Acquire)
    }

    /// Whether it should end early and in order, with what it has made so far.
    pub fn is_finishing(&self) -> bool {
        self.flags.finishing.load(Ordering::Acquire)
    }
}

/// The jobs that have not ended.
#[derive(Debug, Default)]
pub struct Jobs {
    last: AtomicU64,
    live: Mutex<BTreeMap<JobId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    flags: Arc<Flags>,
    started: bool,
}

impl Jobs {
    /// A new job that waits for its thread.
    pub fn begin(&self) -> JobHandle {
        let id = JobId(self.last.fetch_add(1, Ordering::Relaxed) + 1);
        let flags = Arc::new(Flags::default());
        self.live().insert(id, Entry { flags: Arc::clone(&flags), started: false });
        JobHandle { id, flags }
    }

    /// Its thread takes the job up; false where it has ended already, cancelled while it waited.
    pub fn start(&self, id: JobId) -> bool {
        self.live().get_mut(&id).map(|entry| entry.started = true).is_some()
    }

    /// Asks a job to stop. True where it had not been started: then the caller has to say that it ended.
    pub fn cancel(&self, id: JobId) -> bool {
        let live = self.live();
        let Some(entry) = live.get(&id) else { return false };
        entry.flags.cancelled.store(true, Ordering::Release);
        !entry.started
    }

    pub fn pause(&self, id: JobId, paused: bool) {
        if let Some(entry) = self.live().get(&id) {
            entry.flags.paused.store(paused, Ordering::Release);
        }
    }

    /// Asks a job to end early, with what it has made so far. One that rests goes on for that.
    pub fn finish(&self, id: JobId) {
        if let Some(entry) = self.live().get(&id) {
            entry.flags.finishing.store(true, Ordering::Release);
            entry.flags.paused.store(false, Ordering::Release);
        }
    }

    /// True once: for the one who may say how the job ended.
    pub fn end(&self, id: JobId) -> bool {
        self.live().remove(&id).is_some()
    }

    pub fn is_live(&self, id: JobId) -> bool {
        self.live().contains_key(&id)
    }

    fn live(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, Entry>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Progress is news for a person: more often than this it only costs frames.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// What a job that lasts has of the engine: whether to stop, and where to report.
pub struct JobContext {
    handle: JobHandle,
    board: Arc<Board>,
    last: Mutex<Option<Reported>>,
}

struct Reported {
    stage: &'static str,
    at: Instant,
    eta: Eta,
}

impl JobContext {
    pub(super) fn new(handle: JobHandle, board: Arc<Board>) -> Self {
        Self { handle, board, last: Mutex::new(None) }
    }

    pub fn id(&self) -> JobId {
        self.handle.id()
    }

    /// Whether the job should stop, because it was asked to or because the program ends. A long job asks at least every
    /// 50 ms, and returns early with any error; one that never asks (a save) is carried out to its end.
    pub fn is_cancelled(&self) -> bool {
        self.handle.is_cancelled() || self.board.is_closing()
    }

    /// Err once the job is cancelled, for use with `?`.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Reports `done` of `total` units of a stage ("saving", "components"); too frequent reports are left out, the
    /// first and the last of a stage never.
    pub fn progress(&self, stage: &'static str, done: u64, total: u64) {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let reported = match &mut *last {
            Some(reported) if reported.stage == stage => {
                reported.eta.tick(now, done);
                if now - reported.at < REPORT_EVERY && done < total {
                    return;
                }
                reported.at = now;
                reported
            }
            other => {
                let mut eta = Eta::default();
                eta.tick(now, done);
                other.insert(Reported { stage, at: now, eta })
            }
        };
        let eta_secs = reported.eta.remaining_secs(now, total);
        self.board.post(Event::Progress { job: self.id(), stage, done, total, eta_secs });
    }

    /// The same for those who watch from other threads, or on behalf of what knows no jobs ([`crate::watch::under`]).
    pub fn watch(&self) -> Arc<dyn Watch> {
        Arc::new(Self::new(self.handle.clone(), Arc::clone(&self.board)))
    }

    pub(super) fn handle(&self) -> &JobHandle {
        &self.handle
    }

    pub(super) fn board(&self) -> &Board {
        &self.board
    }
}

impl Watch for JobContext {
    fn stop(&self) -> bool {
        self.is_cancelled()
    }

    fn progress(&self, stage: &'static str, done: u64, total: u64) {
        JobContext::progress(self, stage, done, total);
    }
}

/// Whether a pass of a job should be left where it is; the job tells its steps itself.
pub(super) struct Stop(pub JobContext);

impl Watch for Stop {
    fn stop(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// The error of a job that stopped because it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_ends_once() {
        let jobs = Jobs::default();
        let job = jobs.begin();
        assert!(jobs.is_live(job.id()));
        assert!(jobs.end(job.id()));
        assert!(!jobs.end(job.id()), "nobody may say twice that a job ended");
        assert!(!jobs.start(job.id()));
    }

    #[test]
    fn a_job_cancelled_while_it_waits_is_told_from_a_running_one() {
        let jobs = Jobs::default();
        let (waiting, running) = (jobs.begin(), jobs.begin());
        assert!(jobs.start(running.id()));
        assert!(jobs.cancel(waiting.id()));
        assert!(!jobs.cancel(running.id()));
        assert!(running.is_cancelled() && waiting.is_cancelled());
    }
}
