//! Progress and cancellation of long work.

use std::{cell::RefCell, io, sync::Arc};

/// Hears how far long work has come, and may stop it.
pub trait Watch: Send + Sync {
    /// Whether the work should stop. Asked many times a second, from any thread.
    fn stop(&self) -> bool {
        false
    }

    /// `done` of `total` units of a stage.
    fn progress(&self, _stage: &'static str, _done: u64, _total: u64) {}
}

/// Nobody waits.
pub struct Unwatched;

impl Watch for Unwatched {}

/// The work was stopped by its [`Watch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was stopped before it was done")]
pub struct Stopped;

impl From<Stopped> for io::Error {
    fn from(stopped: Stopped) -> Self {
        // Not `Interrupted`: callers repeat a write after that.
        io::Error::other(stopped)
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn Watch>>> = const { RefCell::new(None) };
}

/// Runs something that reads or writes files on this thread under a watch. [`crate::replace`] then stops where the watch says
/// so, and leaves the old file as it was; without one, a file is written to its end.
pub fn under<T>(watch: &Arc<dyn Watch>, run: impl FnOnce() -> T) -> T {
    let _before = Restored(CURRENT.replace(Some(Arc::clone(watch))));
    run()
}

/// The previous watch is restored, also after a panic.
struct Restored(Option<Arc<dyn Watch>>);

impl Drop for Restored {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// The watch that this thread works under.
pub fn current() -> Arc<dyn Watch> {
    CURRENT.with_borrow(|watch| watch.clone()).unwrap_or_else(|| Arc::new(Unwatched))
}

/// Tells the watch that this thread works under how far a stage has come, and asks whether to go on.
pub fn step(stage: &'static str, done: usize, total: usize) -> Result<(), Stopped> {
    let watch = current();
    watch.progress(stage, done as u64, total as u64);
    if watch.stop() { Err(Stopped) } else { Ok(()) }
}
