use super::{Engine, Event, JobContext, JobError, JobId};
use crossbeam_channel::{Receiver, bounded};
use std::fmt;

/// A job of the caller's own ([`Engine::run`]), and the way by which its result comes.
pub struct Task<T> {
    job: JobId,
    result: Receiver<T>,
}

impl<T> Task<T> {
    pub fn job(&self) -> JobId {
        self.job
    }

    /// Takes what the job has returned: there is a result, once, where it has ended with [`Event::Done`].
    pub fn take(&self) -> Option<T> {
        self.result.try_recv().ok()
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({})", self.job)
    }
}

impl Engine {
    /// Runs anything that takes time on the worker pool. Ends with [`Event::Done`]; what `run` returns is in the [`Task`].
    pub fn run<T: Send + 'static>(
        &self,
        run: impl FnOnce(&JobContext) -> anyhow::Result<T> + Send + 'static,
    ) -> Task<T> {
        let (sender, result) = bounded(1);
        let job = self.submit(move |cx| {
            // Where the task has been dropped, the result is not needed.
            let _ = sender.send(run(cx)?);
            Ok(())
        });
        Task { job, result }
    }

    /// Waits until a task has ended well, and returns its result. `on_event` is that of [`Engine::block_on`].
    pub fn result_of<T>(&self, task: &Task<T>, on_event: impl FnMut(&Event)) -> Result<T, JobError> {
        self.block_on(task.job(), on_event)?;
        task.take().ok_or(JobError::Over(task.job()))
    }
}
