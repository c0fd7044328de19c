//! The only place that starts threads: jobs, messages, latest-wins slots.
//!
//! One thread owns the networks and does everything in short steps, the visible slice first ([`schedule`]); two read and
//! write files; [`Actor`]s own what must be touched in order. Whoever holds the [`Engine`] asks for work, gets a
//! [`JobId`], and drains [`Event`]s; it never waits, unless it wants to ([`Engine::block_on`]).

mod actor;
mod ahead;
mod board;
mod curves;
mod detached;
mod document_id;
mod eta;
mod event;
mod explain;
mod headless;
mod inbox;
pub mod interrupt;
mod job;
mod message_queue;
mod nn_thread;
mod nn_world;
mod predict;
mod request;
pub mod run_folder;
pub mod schedule;
mod task;
mod train;
mod train_compare;
mod train_steps;
mod worker_pool;

pub use actor::{Actor, ActorGone};
pub use document_id::DocumentId;
pub use eta::Eta;
pub use event::{Event, EventKey, LoadedModel, Predicted, SliceKey, TrainPoint, Version};
pub use explain::too_large;
pub use headless::{JobError, ProgressLines};
pub use inbox::{Inbox, Taken};
pub use job::{Cancelled, JobContext, JobHandle, JobId, Jobs};
pub use message_queue::{MAX_BULKY, Message, MessageQueue, Wake};
pub use request::{MAX_AHEAD, ModelSource, SegmentVolume, VolumeSegmentation, WantSlice};
pub use task::Task;
pub use train::{About, Checkpoints, Comparison, HeldOut, TrainData, TrainRequest, Trained};

use crate::io::OpenOptions;
use crate::nn::{DeviceChoice, DeviceProbabilities, SharedGpu, bundled};
use board::Board;
use nn_thread::{Load, NnInbox, Request};
use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use worker_pool::WorkerPool;

/// Makes a prediction that lies on the GPU drawable. Called on the networks' thread, once for each prediction.
pub type ExportFn = Box<dyn Fn(&DeviceProbabilities) -> Arc<dyn Any + Send + Sync> + Send>;

pub struct EngineOptions {
    pub device: DeviceChoice,
    /// The window's own graphics device, where networks may share it.
    pub gpu: Option<SharedGpu>,
    pub export: Option<ExportFn>,
    /// Called after each event, from any thread; must not block.
    pub wake: Wake,
}

impl EngineOptions {
    /// Without a window.
    pub fn headless(device: DeviceChoice) -> Self {
        Self { device, gpu: None, export: None, wake: Arc::new(|| {}) }
    }
}

/// Requests that may wait for the networks' thread.
const NN_CAPACITY: usize = 64;

/// The threads, and the way to them. Dropping it cancels every job, lets training runs write their checkpoints, and
/// joins.
pub struct Engine {
    board: Arc<Board>,
    nn: Arc<NnInbox>,
    nn_thread: Option<JoinHandle<()>>,
    pool: WorkerPool,
}

impl Engine {
    /// Returns at once; the device is chosen and tried on its thread ([`Event::DeviceReady`]).
    pub fn start(options: EngineOptions) -> std::io::Result<Self> {
        let EngineOptions { device, gpu, export, wake } = options;
        let board = Arc::new(Board::new(wake));
        let nn = Arc::new(NnInbox::new(NN_CAPACITY));
        let pool = WorkerPool::start(Arc::clone(&board))?;
        let (its_board, its_inbox) = (Arc::clone(&board), Arc::clone(&nn));
        let nn_thread = std::thread::Builder::new()
            .name("nn".to_owned())
            .spawn(move || nn_thread::run(&its_inbox, its_board, device, gpu, export))?;
        Ok(Self { board, nn, nn_thread: Some(nn_thread), pool })
    }

    /// Opens an image. Ends with [`Event::Opened`]; [`Event::Preview`] and progress come before.
    pub fn open(&self, path: PathBuf, options: OpenOptions) -> JobId {
        self.pool.submit(worker_pool::open(path, options))
    }

    fn submit(&self, run: impl FnOnce(&JobContext) -> anyhow::Result<()> + Send + 'static) -> JobId {
        self.pool.submit(worker_pool::any(run))
    }

    /// Loads a model. Ends with [`Event::ModelLoaded`].
    pub fn load_model(&self, source: ModelSource) -> JobId {
        let load = match source {
            ModelSource::File(path) => {
                return self.pool.submit(worker_pool::load_model(path, Arc::clone(&self.nn)));
            }
            ModelSource::Stored(bytes) => Load::Bytes(bytes),
            ModelSource::Fresh { card, seed } => Load::Fresh(card, seed),
            ModelSource::Bundled(id) => match bundled::find(&id) {
                Some(model) => Load::Bytes(model.bytes.into()),
                None => {
                    let job = self.board.jobs.begin().id();
                    self.board.fail(job, format!("there is no bundled model \"{id}\""));
                    return job;
                }
            },
        };
        self.ask(|job| Request::Load(job, load))
    }

    /// Frees a model that is not wanted any more. A training run that started from it goes on.
    pub fn unload_model(&self, version: Version) {
        // Where the queue is full the model stays a while longer, which does no harm.
        let _ = self.nn.offer(Request::Unload(version));
    }

    /// Replaces the wish for the visible slice and its neighbours. Answers come as [`Event::Predicted`].
    pub fn want_slice(&self, wish: WantSlice) {
        self.nn.wish(wish);
    }

    /// Predicts the slices of a volume. Ends with [`Event::VolumeSegmented`].
    pub fn segment_volume(&self, request: SegmentVolume) -> JobId {
        self.ask(|job| Request::Segment(job, request))
    }

    /// Trains. Ends with [`Event::Trained`].
    pub fn train(&self, request: TrainRequest) -> JobId {
        self.ask(|job| Request::Train(job, Box::new(request)))
    }

    /// Asks a job to stop; it does so at its next step and ends with [`Event::JobCancelled`]. What has ended stays.
    pub fn cancel(&self, job: JobId) {
        if self.board.jobs.cancel(job) {
            self.board.cancelled(job);
        }
        self.nn.ring();
    }

    /// Lets a job rest between two steps, or go on. Training writes a checkpoint before it rests; jobs on the worker pool do
    /// not rest.
    pub fn pause(&self, job: JobId, paused: bool) {
        self.board.jobs.pause(job, paused);
        self.nn.ring();
    }

    /// Ends a training run early: it ends as if it had taken all its steps, with the best weights so far
    /// ([`Event::Trained`]). Other jobs do not listen.
    pub fn finish(&self, job: JobId) {
        self.board.jobs.finish(job);
        self.nn.ring();
    }

    /// What has happened since the last call, oldest first.
    pub fn drain(&self) -> Vec<Event> {
        self.board.messages.drain()
    }

    /// What was given in [`EngineOptions::wake`], for others that have news for the window.
    pub fn wake(&self) -> Wake {
        self.board.messages.wake()
    }

    /// Ends the engine as dropping it does, and returns what was said last: whether a training run was saved.
    pub fn close(mut self) -> Vec<Event> {
        self.end();
        self.drain()
    }

    fn end(&mut self) {
        self.board.close();
        self.nn.close();
        if let Some(thread) = self.nn_thread.take() {
            // Panics of jobs are caught; there is nothing to learn from this result.
            let _ = thread.join();
        }
    }

    fn ask(&self, request: impl FnOnce(JobHandle) -> Request) -> JobId {
        let handle = self.board.jobs.begin();
        let job = handle.id();
        self.board.jobs.start(job);
        if self.nn.offer(request(handle)).is_err() {
            self.board
                .fail(job, format!("{NN_CAPACITY} jobs are waiting already; try again when some are done"));
        }
        job
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}
