//! What is open, and the commands that change it.
//!
//! The window and the command line read the [`Workspace`] and change it only by [`Command`]s, so that everything that is
//! done to data can be recorded and done again. Work that takes time is the engine's; [`Workspace::poll`] takes in what
//! has come of it. What a person does to an image is in its project file within a quarter of a second ([`store`]).

mod accept;
mod annotations;
mod background_edit;
mod command;
mod dismissed;
mod document;
mod editing;
mod error;
mod export;
mod import;
mod jobs;
mod journal;
mod label_statistics;
mod labels;
mod live;
mod modality;
mod model_library;
mod notice;
mod opening;
mod other_image;
mod predictions;
mod reformat;
mod risk;
mod saving;
mod source;
pub mod store;
pub mod study;
mod surfaces;
mod training;

pub use crate::engine::DocumentId;
pub use annotations::Annotations;
pub use command::{
    AcceptScope, Command, EditCommand, Export, ExportFormat, LabelCommand, ModelCommand, OtherImageAnswer,
    ProjectCommand, TrainCommand, TrainOptions, Unlabelled,
};
pub use document::{Document, Opening, SaveState};
pub use error::CommandError;
pub use export::proposed_export;
pub use jobs::Activity;
pub use labels::class_labels;
pub use live::PredictionStatus;
pub use model_library::{LibraryModel, ModelOrigin};
pub use notice::{Asks, Notice, NoticeLevel};
pub use other_image::{Differs, OtherImage};
pub use predictions::SliceLabels;
pub use reformat::Reformat;
pub use risk::Risk;
pub use store::{Aside, Place, RunState, asides_beside, mask_hash};
pub use surfaces::SurfaceOf;
pub use training::{
    Candidate, Curves, LessonImage, Run, SliceRef, Training, TrainingState, Validation, Verdict,
};

use crate::engine::{Engine, Event, JobId, run_folder::PastRun};
use crate::nn::DeviceKind;
use dismissed::Dismissed;
use jobs::{JobResult, Jobs};
use live::Live;
use model_library::ModelLibrary;
use notice::Notices;
use predictions::Predictions;
use std::time::{Duration, Instant};
use store::Store;
use surfaces::Surfaces;

/// How a workspace keeps things.
#[derive(Clone, Debug)]
pub struct WorkspaceOptions {
    /// Where project files are kept.
    pub place: Place,
    /// Memory for predictions.
    pub prediction_bytes: usize,
    /// Memory for undo, for each image. What is older is read back from the project file.
    pub undo_bytes: usize,
}

impl Default for WorkspaceOptions {
    fn default() -> Self {
        Self { place: Place::standard(), prediction_bytes: 512 << 20, undo_bytes: 128 << 20 }
    }
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

/// What is open.
pub struct Workspace {
    // Before the engine: dropping the store waits until everything handed over is on the disk.
    store: Store,
    jobs: Jobs,
    options: WorkspaceOptions,
    documents: Vec<Document>,
    openings: Vec<Opening>,
    active: Option<DocumentId>,
    next_document: u64,
    library: ModelLibrary,
    predictions: Predictions,
    live: Live,
    surfaces: Surfaces,
    accepting: Option<accept::Accepting>,
    background_edits: Vec<background_edit::BackgroundEdit>,
    training: Option<Training>,
    interrupted: Option<training::Interrupted>,
    /// Of folders, to compare with those of images.
    past_runs: Vec<PastRun>,
    notices: Notices,
    dismissed: Dismissed,
    device: Device,
    recording: Option<Vec<Command>>,
    last_retry: Option<Instant>,
}

impl Workspace {
    /// A workspace that keeps project files beside their images.
    pub fn new(engine: Engine) -> std::io::Result<Self> {
        Self::with_options(engine, WorkspaceOptions::default())
    }

    pub fn with_options(engine: Engine, options: WorkspaceOptions) -> std::io::Result<Self> {
        Ok(Self {
            store: Store::start(options.place.clone(), engine.wake())?,
            jobs: Jobs::new(engine),
            documents: Vec::new(),
            openings: Vec::new(),
            active: None,
            next_document: 1,
            library: ModelLibrary::bundled(),
            predictions: Predictions::new(options.prediction_bytes),
            live: Live::default(),
            surfaces: Surfaces::default(),
            accepting: None,
            background_edits: Vec::new(),
            training: None,
            interrupted: None,
            past_runs: Vec::new(),
            notices: Notices::default(),
            dismissed: Dismissed::of(&options.place),
            device: Device::Starting,
            recording: None,
            last_retry: None,
            options,
        })
    }

    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    pub fn document(&self, id: DocumentId) -> Option<&Document> {
        self.documents.iter().find(|d| d.id == id)
    }

    /// The document that commands act on.
    pub fn active(&self) -> Option<&Document> {
        self.active.and_then(|id| self.document(id))
    }

    /// Images on their way in.
    pub fn openings(&self) -> &[Opening] {
        &self.openings
    }

    /// The models that can be used, bundled ones first.
    pub fn models(&self) -> &[LibraryModel] {
        self.library.models()
    }

    /// A model by its version, or a bundled one by its id.
    pub fn model(&self, version: &str) -> Option<&LibraryModel> {
        self.library.find(version)
    }

    /// The training run that is under way, or the last one.
    pub fn training(&self) -> Option<&Training> {
        self.training.as_ref()
    }

    /// Training runs whose folders were opened.
    pub fn past_runs(&self) -> &[PastRun] {
        &self.past_runs
    }

    /// The document whose training run was under way when the program last stopped. The run can be resumed or cancelled.
    pub fn interrupted_training(&self) -> Option<DocumentId> {
        self.interrupted.as_ref().map(|i| i.document)
    }

    /// Everything that takes time at the moment.
    pub fn activities(&self) -> impl Iterator<Item = &Activity> {
        self.jobs.listed()
    }

    /// True where nothing is under way: no job, and no change on its way to the disk. For those who wait for the end.
    pub fn is_idle(&self) -> bool {
        let saving = |d: &Document| matches!(d.save_state(), SaveState::Saving(_));
        self.jobs.is_empty()
            && self.accepting.is_none()
            && self.background_edits.is_empty()
            && !self.documents.iter().any(saving)
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    pub fn notices(&self) -> &[Notice] {
        self.notices.list()
    }

    /// Takes a notice away, unless its cause still stands. A warning of an image does not come again with the same image.
    pub fn dismiss(&mut self, notice: u64) {
        let Some(key) = self.notices.dismiss(notice) else { return };
        if let Some(remember) = self.dismissed.add(key) {
            // Where it cannot be remembered it comes once more, which does no harm.
            self.jobs.engine().run(move |_| remember());
        }
    }

    /// The engine, for work that changes nothing in the workspace. Its events are the workspace's to drain.
    pub fn engine(&self) -> &Engine {
        self.jobs.engine()
    }

    /// Begins to keep the commands that are carried out.
    pub fn record(&mut self) {
        self.recording = Some(Vec::new());
    }

    /// The commands carried out since [`Workspace::record`].
    pub fn recorded(&self) -> &[Command] {
        self.recording.as_deref().unwrap_or_default()
    }

    /// Carries a command out, or changes nothing. What takes time goes on in the background.
    pub fn apply(&mut self, command: Command) -> Result<(), CommandError> {
        let kept = self.recording.is_some().then(|| command.clone());
        match command {
            Command::Open(path) => self.open(path, Default::default()),
            Command::OpenWith { path, series, modality } => {
                self.open(path, crate::io::OpenOptions { series, modality, as_mask: false })
            }
            Command::OtherImage { opening, answer } => self.decide_on_other_image(opening, answer),
            Command::Close(id) => self.close(id, false),
            Command::CloseUnsaved(id) => self.close(id, true),
            Command::Activate(id) => {
                self.document(id).ok_or(CommandError::UnknownDocument(id))?;
                self.active = Some(id);
                Ok(())
            }
            Command::Edit(edit) => self.edit(edit),
            Command::Labels(change) => self.change_labels(change),
            Command::Cursor(voxel) => {
                let document = self.active_mut()?;
                let dims = document.volume.dims();
                document.cursor = std::array::from_fn(|a| voxel[a].min(dims[a] - 1));
                Ok(())
            }
            Command::Modality(modality) => self.set_modality(modality),
            Command::Model(ModelCommand::Use { version }) => self.use_model(version),
            Command::Model(ModelCommand::Import { path }) => self.import_model(path),
            Command::Model(ModelCommand::Fresh { network }) => self.use_fresh(&network),
            Command::Model(ModelCommand::PredictAll) => self.predict_all(),
            Command::Model(ModelCommand::RollBack) => self.roll_back(),
            Command::Train(command) => self.train(command),
            Command::Project(ProjectCommand::Save) => self.save(),
            Command::Project(ProjectCommand::Export(export)) => self.export(export),
            Command::Project(ProjectCommand::Retry) => {
                self.last_retry = None;
                self.retry_saving();
                Ok(())
            }
            Command::Project(ProjectCommand::KeepElsewhere(id)) => self.keep_elsewhere(id),
            Command::Project(ProjectCommand::TakeBack(id, aside)) => self.take_back(id, aside),
            Command::Cancel(job) => {
                self.jobs.engine().cancel(job);
                self.leave_other_image(job);
                Ok(())
            }
        }?;
        if let (Some(recording), Some(command)) = (&mut self.recording, kept) {
            recording.push(command);
        }
        Ok(())
    }

    /// Takes in what the engine and the store have done; call it once a frame. Never waits.
    pub fn poll(&mut self) {
        let events = self.jobs.engine().drain();
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
            let events = self.jobs.engine().wait(LOOK);
            self.on_events(events);
        }
        true
    }

    fn on_events(&mut self, events: Vec<Event>) {
        for event in events {
            self.on_event(event);
        }
        for event in self.store.drain() {
            self.on_store_event(event);
        }
        self.poll_background_edits();
        self.follow_labels();
        self.retry_saving();
        self.poll_predictions();
        self.poll_statistics();
        self.poll_surface();
    }

    fn on_event(&mut self, event: Event) {
        self.jobs.note(&event);
        match event {
            Event::DeviceReady { name, reason, kind, halves } => {
                self.device = Device::Ready { name, reason, kind, halves };
            }
            Event::DeviceFailed { reason } => {
                self.notices.add(NoticeLevel::Error, None, format!("No network can run: {reason}"));
                self.device = Device::Failed(reason);
            }
            Event::Preview { job, volume, z, depth } => {
                if let Some(opening) = self.openings.iter_mut().find(|o| o.job == job) {
                    opening.preview = Some((volume, z, depth));
                }
            }
            Event::Progress { job, done, total, .. } => {
                if let Some(opening) = self.openings.iter_mut().find(|o| o.job == job) {
                    (opening.done, opening.total) = (done, total);
                }
                self.on_training_progress(job, &event);
            }
            Event::Opened { job, opened } => self.on_opened(job, *opened),
            Event::ModelLoaded { job, model } => self.on_model_loaded(job, model),
            Event::Predicted(predicted) => self.on_predicted(predicted),
            Event::PredictFailed { key, reason } => self.predictions.fail(key, reason),
            Event::SliceSegmented { key, labels, detection, .. } => {
                self.on_slice_segmented(&key, labels, detection);
            }
            Event::VolumeSegmented { job, result } => self.on_volume_segmented(job, &result),
            Event::TrainSteps { job, .. }
            | Event::TrainValidated { job, .. }
            | Event::TrainNotSaved { job, .. }
            | Event::TrainSinglePrecision { job, .. }
            | Event::TrainSaved { job, .. } => self.on_training_event(job, &event),
            Event::Trained { job, result } => self.on_trained(job, &result),
            Event::Done { job } => self.on_done(job),
            Event::JobFailed { job, reason } => self.on_job_ended(job, Some(reason)),
            Event::JobCancelled { job } => self.on_job_ended(job, None),
        }
    }

    /// A job of the workspace's own has ended well.
    fn on_done(&mut self, job: JobId) {
        match self.jobs.finish(job) {
            Some(JobResult::Snapshot(document, snapshot)) => self.on_snapshot(document, snapshot),
            Some(JobResult::Statistics(document, statistics)) => self.on_statistics(document, statistics),
            Some(JobResult::Surface(made)) => self.on_surface(made),
            Some(JobResult::Edited(finished)) => self.on_background_edit(job, finished),
            Some(JobResult::Exported(document, exported)) => self.on_exported(document, exported),
            Some(JobResult::PastRuns(runs)) => self.on_past_runs(runs),
            // Somebody else's, such as a search for fonts.
            None => {}
        }
    }

    fn active_mut(&mut self) -> Result<&mut Document, CommandError> {
        let active = self.active;
        self.documents.iter_mut().find(|d| Some(d.id) == active).ok_or(CommandError::NoDocument)
    }

    fn document_mut(&mut self, id: DocumentId) -> Option<&mut Document> {
        self.documents.iter_mut().find(|d| d.id == id)
    }
}
