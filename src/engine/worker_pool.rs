use super::explain::explain;
use super::nn_thread::{Load, NnInbox, Request};
use super::{Board, Event, JobContext, JobHandle, JobId};
use crate::file;
use crate::io::{self, OpenOptions};
use crate::nn::import;
use crate::nn::weights::{self, WeightsError};
use crate::volume::Volume;
use crate::words;
use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

/// One reads while another writes; more would only compete for the disk.
const THREADS: usize = 2;
/// Jobs that may wait at once.
const CAPACITY: usize = 64;

/// Returns the event that ends the job well; None where another thread has taken the job over.
type Run = Box<dyn FnOnce(&JobContext) -> anyhow::Result<Option<Event>> + Send>;

struct Job {
    handle: JobHandle,
    run: Run,
}

/// The threads that read and write files and do whatever else takes time and needs no tensors.
pub(super) struct WorkerPool {
    board: Arc<Board>,
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl WorkerPool {
    pub fn start(board: Arc<Board>) -> std::io::Result<Self> {
        let (sender, receiver) = bounded(CAPACITY);
        let mut this = Self { board, jobs: Some(sender), threads: Vec::new() };
        for i in 0..THREADS {
            let (board, receiver) = (Arc::clone(&this.board), receiver.clone());
            let named = std::thread::Builder::new().name(format!("io {i}"));
            this.threads.push(named.spawn(move || work(&board, &receiver))?);
        }
        Ok(this)
    }

    pub fn submit(&self, run: Run) -> JobId {
        let handle = self.board.jobs.begin();
        let id = handle.id();
        let full = match &self.jobs {
            Some(jobs) => matches!(jobs.try_send(Job { handle, run }), Err(TrySendError::Full(_))),
            None => true,
        };
        if full {
            self.board
                .fail(id, format!("{CAPACITY} files are waiting already; try again when some are done"));
        }
        id
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // Panics of jobs are caught; there is nothing to learn from this result.
            let _ = thread.join();
        }
    }
}

fn work(board: &Arc<Board>, jobs: &Receiver<Job>) {
    for Job { handle, run } in jobs {
        let id = handle.id();
        if !board.jobs.start(id) {
            continue;
        }
        let cx = JobContext::new(handle, Arc::clone(board));
        match catch_unwind(AssertUnwindSafe(|| run(&cx))) {
            Ok(Ok(Some(event))) => board.finish(id, event),
            Ok(Ok(None)) => {}
            Ok(Err(_)) if cx.is_cancelled() => board.cancelled(id),
            Ok(Err(error)) => board.fail(id, format!("{error:#}")),
            Err(panic) => board.fail(id, explain(&words::of_panic(panic.as_ref()))),
        }
    }
}

/// A job of any kind.
pub(super) fn any(run: impl FnOnce(&JobContext) -> anyhow::Result<()> + Send + 'static) -> Run {
    Box::new(move |cx| run(cx).map(|()| Some(Event::Done { job: cx.id() })))
}

/// Opens an image. A cancelled opening shows no document, even where the file was read to its end meanwhile.
pub(super) fn open(path: PathBuf, options: OpenOptions) -> Run {
    Box::new(move |cx| {
        let opened = io::open(&path, &options, &mut Opening(cx))
            .with_context(|| format!("{} was not opened", path.display()))?;
        cx.check()?;
        // Statistics are wanted with the first frame; the window's thread must not be the one that computes them.
        opened.volume.stats();
        Ok(Some(Event::Opened { job: cx.id(), opened: Box::new(opened) }))
    })
}

/// No weights file is larger; whatever is, is not one.
const MAX_MODEL_BYTES: u64 = 8 << 30;

/// Reads a model's file, and lets the networks' thread build it.
pub(super) fn load_model(path: PathBuf, nn: Arc<NnInbox>) -> Run {
    Box::new(move |cx| {
        let read = || -> anyhow::Result<Vec<u8>> {
            let bytes = file::read_at_most(&path, MAX_MODEL_BYTES)?;
            // The weights of another program have no card; a model is made of them where their network is recognised.
            match weights::card_of(&bytes) {
                Err(WeightsError::NoCard | WeightsError::Format(_)) => Ok(import::model(&path)?.to_bytes()?),
                Err(damaged) => Err(damaged.into()),
                Ok(_) => Ok(bytes),
            }
        };
        let bytes = read().with_context(|| format!("the model {} cannot be read", path.display()))?;
        cx.check()?;
        let full = nn.offer(Request::Load(cx.handle().clone(), Load::Bytes(bytes.into()))).is_err();
        anyhow::ensure!(!full, "too many jobs are waiting; try again when some are done");
        Ok(None)
    })
}

struct Opening<'a>(&'a JobContext);

impl io::Progress for Opening<'_> {
    fn report(&mut self, done: u64, total: u64) {
        self.0.progress("opening", done, total);
    }

    fn preview(&mut self, volume: Volume, z: usize, depth: usize) {
        self.0.board().post(Event::Preview { job: self.0.id(), volume, z, depth });
    }

    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}
