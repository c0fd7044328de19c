use super::store::Aside;
use crate::engine::JobId;
use std::path::{Path, PathBuf};

/// A snapshot after this many journal entries, so that reopening replays no more than these.
const SNAPSHOT_EVERY: usize = 200;

/// Where the annotations stand on their way to the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveState {
    /// Everything is on the disk.
    Saved,
    /// This many changes are on their way, as a rule for a few milliseconds.
    Saving(usize),
    /// The project file cannot be written: changes are kept in memory and tried again.
    Failing(String),
    /// No project file is kept for this image.
    NotKept,
}

/// How a document is kept: its project file, how far that is, and what else was written of it.
#[derive(Debug, Default)]
pub(super) struct Saving {
    project: Option<PathBuf>,
    /// The project file exists, or is about to.
    kept: bool,
    /// Number of the newest journal entry on the disk.
    durable: i64,
    durable_millis: Option<f64>,
    failing: Option<Failing>,
    /// Entries since the last snapshot.
    since_snapshot: usize,
    /// Makes a snapshot.
    snapshot_job: Option<JobId>,
    /// The revision of the annotations that were exported last.
    exported: Option<u64>,
    /// Files that were written of it since it was opened.
    exports: Vec<PathBuf>,
    /// Other projects of this image that were set aside.
    asides: Vec<Aside>,
}

/// Why a project file cannot be written.
#[derive(Clone, Debug)]
struct Failing {
    reason: String,
    /// It could be kept in the program's own folder instead.
    can_move: bool,
}

impl Saving {
    /// As it was found on opening.
    pub fn found(project: Option<PathBuf>, asides: Vec<Aside>) -> Self {
        Self { project, asides, ..Self::default() }
    }

    /// A project file is there: the number of its newest entry, and how many have come since its last snapshot.
    pub fn restored(&mut self, newest: i64, since_snapshot: usize) {
        (self.kept, self.durable, self.since_snapshot) = (true, newest, since_snapshot);
    }

    pub fn project(&self) -> Option<&Path> {
        self.project.as_deref()
    }

    pub fn asides(&self) -> &[Aside] {
        &self.asides
    }

    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// Something is written into the project file: true for the first time.
    pub fn keep(&mut self) -> bool {
        !std::mem::replace(&mut self.kept, true)
    }

    /// The newest change has this number. True where a project file takes it.
    pub fn on_change(&mut self, newest: i64) -> bool {
        self.since_snapshot += 1;
        if self.project.is_none() {
            self.durable = newest;
        }
        self.project.is_some()
    }

    pub fn on_durable(&mut self, seq: i64, millis: f64) {
        self.durable = self.durable.max(seq);
        self.durable_millis = Some(millis);
    }

    pub fn on_failing(&mut self, reason: String, can_move: bool) {
        self.failing = Some(Failing { reason, can_move });
    }

    pub fn on_recovered(&mut self) {
        self.failing = None;
    }

    pub fn on_moved(&mut self, to: PathBuf) {
        self.project = Some(to);
    }

    pub fn on_exported(&mut self, revision: Option<u64>, files: &[PathBuf]) {
        self.exported = revision.or(self.exported);
        self.exports.extend(files.iter().cloned());
    }

    pub fn exports(&self) -> &[PathBuf] {
        &self.exports
    }

    /// The annotations of this revision are in a file that a person has exported.
    pub fn is_exported(&self, revision: u64) -> bool {
        self.exported == Some(revision)
    }

    pub fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// The project cannot be written, and could be kept in the program's own folder instead.
    pub fn can_move(&self) -> bool {
        self.failing.as_ref().is_some_and(|failing| failing.can_move)
    }

    pub fn durable(&self) -> i64 {
        self.durable
    }

    pub fn durable_millis(&self) -> Option<f64> {
        self.durable_millis
    }

    /// `newest`: number of the newest change.
    pub fn state(&self, newest: i64) -> SaveState {
        match (&self.project, &self.failing) {
            (None, _) => SaveState::NotKept,
            (_, Some(failing)) => SaveState::Failing(failing.reason.clone()),
            _ if self.durable < newest => SaveState::Saving((newest - self.durable) as usize),
            _ => SaveState::Saved,
        }
    }

    /// Whether a snapshot should be made now.
    pub fn wants_snapshot(&self) -> bool {
        self.snapshot_job.is_none() && self.since_snapshot >= SNAPSHOT_EVERY && self.project.is_some()
    }

    pub fn on_snapshot_started(&mut self, job: JobId) {
        (self.since_snapshot, self.snapshot_job) = (0, Some(job));
    }

    /// A job has ended, with a snapshot or without.
    pub fn on_job_ended(&mut self, job: JobId) {
        self.snapshot_job.take_if(|own| *own == job);
    }

    /// Changes have come since the last snapshot.
    pub fn is_ahead_of_snapshot(&self) -> bool {
        self.since_snapshot > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_on_their_way_until_the_disk_has_them() {
        let mut saving = Saving::found(Some("a.fovea".into()), Vec::new());
        assert_eq!((saving.keep(), saving.keep()), (true, false));
        assert!(saving.on_change(1) && saving.on_change(2));
        assert_eq!(saving.state(2), SaveState::Saving(2));
        saving.on_durable(2, 1.0);
        saving.on_durable(1, 1.0);
        assert_eq!(saving.state(2), SaveState::Saved);
        saving.on_failing("the disk is full".into(), true);
        assert_eq!(saving.state(2), SaveState::Failing("the disk is full".into()));
        assert!(saving.can_move());
        saving.on_recovered();
        assert_eq!((saving.state(2), saving.can_move()), (SaveState::Saved, false));
        let mut nowhere = Saving::default();
        assert!(!nowhere.on_change(1));
        assert_eq!(nowhere.state(1), SaveState::NotKept);
    }
}
