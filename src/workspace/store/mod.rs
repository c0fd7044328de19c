//! The project file: one SQLite file per image, written on its own thread, from which everything a person did can be
//! rebuilt.

mod entry;
mod file;
mod keeper;
mod place;
mod replay;
mod schema;
mod snapshot;
mod time;

pub use entry::{Action, Entry};
pub use file::ProjectFile;
pub use keeper::{Project, Store, StoreEvent, Write};
pub use place::Place;
pub use replay::{Restored, replay};
pub use snapshot::{Snapshot, mask_hash};
pub use time::{now_ms, rfc3339};

use crate::label::LabelTable;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the project file {0:?} is in use by another running Fovea: close the image there first")]
    Locked(PathBuf),
    #[error("{0}: {1}")]
    In(PathBuf, Box<StoreError>),
    #[error("it is not a Fovea project file; it was left untouched: move it away to start afresh")]
    NotAProject,
    #[error(
        "it was written by a newer Fovea (layout {file}, this program knows {program}); use that one: the file was left untouched"
    )]
    Newer { file: usize, program: usize },
    #[error(
        "it belongs to another image, of size {file:?} where this one is {image:?}; move it away to start afresh"
    )]
    OtherImage { file: [i64; 3], image: [i64; 3] },
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
    pub dims: [usize; 3],
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
    pub checkpoint: Option<PathBuf>,
    pub candidate: Option<String>,
    /// JSON.
    pub comparison: Option<String>,
}
