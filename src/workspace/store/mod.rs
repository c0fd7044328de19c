//! The project file: one SQLite file per image, written on its own thread, from which everything a person did can be
//! rebuilt.

mod aside;
mod columns;
mod entry;
mod file;
mod held;
mod kept;
mod look;
mod messages;
mod orders;
mod place;
mod records;
mod replay;
mod rescue;
mod schema;
mod snapshot;
mod wal;
mod worker;

pub use aside::{Aside, asides_beside};
pub use entry::{Action, Entry};
pub use file::{ProjectFile, Whose};
pub(super) use look::check_companions;
pub use messages::{Project, StoreEvent, Write};
pub use orders::Store;
pub use place::Place;
pub use replay::{Restored, replay};
pub use snapshot::{Snapshot, mask_hash};

use crate::label::LabelTable;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the project file {} is in use by another running Fovea: close the image there first",
        .0.display()
    )]
    Locked(PathBuf),
    #[error("the project file {} is in use by an image that is open already: close that one first", .0.display())]
    OpenHere(PathBuf),
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    In(PathBuf, Box<StoreError>),
    #[error("it is not a Fovea project file; it was left untouched: move it away to start a new project")]
    NotAProject,
    #[error(
        "it was written by a newer Fovea (layout {file}, this program knows {program}); use that one: the file was left untouched"
    )]
    Newer { file: usize, program: usize },
    #[error("{} is not a regular file; nothing was changed: move it away to start a new project", .0.display())]
    NotAFile(PathBuf),
    #[error(
        "{} lies beside it; Fovea never writes such a file, and it may remove other files when the project is opened; nothing was changed: move it away first",
        .0.display()
    )]
    Journal(PathBuf),
    #[error("it is missing or empty, but its log {} is there: put it back, or move the log away to start a new project", .0.display())]
    LogAlone(PathBuf),
    #[error(
        "it holds “{0}”, which no Fovea writes and which would run by itself; it was left untouched: move it away to start a new project"
    )]
    Foreign(String),
    #[error("it is damaged, and nothing can be read of it; it was left untouched")]
    NothingLeft,
    #[error("it is not where it was: it was moved or deleted, or its drive is not there")]
    Gone,
    #[error("another file is in its place now")]
    Replaced,
    #[error("the image is not where it was: it was moved or deleted, or its drive is not there")]
    ImageGone,
    #[error("entry {seq} of its journal is damaged: {what}")]
    Damaged { seq: i64, what: String },
    #[error(
        "another program has written to it since this image was opened; export the mask, then open the image again"
    )]
    Grown,
    #[error(
        "the thread that writes it has stopped after an internal error: export the mask, then start Fovea again"
    )]
    Stopped,
    #[error("model {0} is not in it")]
    NoModel(String),
    #[error("the weights of model {0} in it are damaged: their checksum does not match")]
    DamagedModel(String),
    #[error("it cannot be read or written: {0}")]
    Sqlite(rusqlite::Error),
    #[error("it cannot be read or written: {0}")]
    Io(std::io::Error),
    #[error(transparent)]
    Write(#[from] crate::replace::WriteError),
    #[error("one of its records cannot be read: {0}")]
    Json(serde_json::Error),
}

// Not `#[from]`, with which the chain of causes would say again what the text says.
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

/// What the project file says of the image that it belongs to.
#[derive(Clone, Debug)]
pub struct CaseFacts {
    pub path: PathBuf,
    /// BLAKE3 of the image file's bytes.
    pub content_hash: String,
    /// How its pictures were turned to stand upright: [`Opened::turned`](crate::io::Opened::turned).
    pub turned: Option<String>,
    pub dims: [usize; 3],
    /// Which of several images in the file or folder it is: a [`SeriesInfo::id`](crate::io::SeriesInfo::id).
    pub series: Option<String>,
    /// The label table from which a new journal starts.
    pub initial_labels: LabelTable,
}

/// A model version as it is kept: the card as JSON, the weights as a whole safetensors file.
#[derive(Clone, Debug)]
pub struct StoredModel {
    pub version: String,
    pub parent: Option<String>,
    pub card: String,
    pub weights: Arc<[u8]>,
}

/// How a training run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Running,
    Finished,
    Cancelled,
    Failed,
    Adopted,
    Discarded,
}

impl RunState {
    const ALL: [RunState; 6] = [
        RunState::Running,
        RunState::Finished,
        RunState::Cancelled,
        RunState::Failed,
        RunState::Adopted,
        RunState::Discarded,
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Finished => "finished",
            RunState::Cancelled => "cancelled",
            RunState::Failed => "failed",
            RunState::Adopted => "adopted",
            RunState::Discarded => "discarded",
        }
    }
}

/// A training run as it is kept.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// Unix time in milliseconds when it started.
    pub id: i64,
    pub base_version: String,
    pub state: RunState,
    pub reason: Option<String>,
    /// JSON: options, slices trained on and held out.
    pub config: String,
    /// JSON: the curves.
    pub curves: String,
    pub candidate: Option<String>,
    /// JSON.
    pub comparison: Option<String>,
}
