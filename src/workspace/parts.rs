use super::documents::Documents;
use super::jobs::Jobs;
use super::notice::Notices;

/// What all other parts of the workspace work on. Changes of a document reach its project file only through here.
pub(super) struct Parts {
    // Before the jobs, which own the engine: dropping the store waits until everything handed over is on the disk.
    pub documents: Documents,
    pub jobs: Jobs,
    pub notices: Notices,
}
