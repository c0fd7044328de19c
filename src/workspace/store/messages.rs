//! What the store's thread is given to write, and what it answers.

use super::{Aside, Entry, Restored, RunRecord, Snapshot, StoreError, StoredModel, Whose};
use crate::engine::{DocumentId, Wake};
use crate::volume::Modality;
use crossbeam_channel::Sender;
use std::path::PathBuf;
use std::sync::Arc;

/// Something for the project file. Kept in memory until it is on the disk.
#[derive(Clone, Debug)]
pub enum Write {
    Entry(Entry),
    Snapshot(Arc<Snapshot>),
    Model(StoredModel),
    Run(RunRecord),
    Setting {
        key: &'static str,
        value: String,
    },
    Audit {
        what: &'static str,
        detail: String,
    },
    /// The project is that of the image as it is now, whose content or turn is another than when it was made, with the change
    /// that makes its annotations fit.
    TakeOver(Option<Entry>),
}

/// A project as it was found on opening.
#[derive(Debug)]
pub struct Project {
    /// Where it is kept; `None` for nowhere.
    pub path: Option<PathBuf>,
    /// Whether it was made on the image that is open now. Where it was not, a person decides what becomes of it.
    pub whose: Whose,
    /// What the journal makes of it; `None` where no project file exists yet, or where it is of an image of another size.
    pub restored: Option<Restored>,
    /// Card (JSON) of each stored model by version.
    pub models: Vec<(String, String)>,
    pub model_in_use: Option<String>,
    /// What a person has said that made the image.
    pub modality: Option<Modality>,
    pub runs: Vec<RunRecord>,
    /// For the person, a sentence each.
    pub remarks: Vec<String>,
    /// Other projects of this image that were set aside.
    pub asides: Vec<Aside>,
}

#[derive(Debug)]
pub enum StoreEvent {
    Opened {
        document: DocumentId,
        project: Box<Result<Project, StoreError>>,
    },
    /// Every entry up to `seq` is on the disk; the last took `millis` from the command to there.
    Durable {
        document: DocumentId,
        seq: i64,
        millis: f64,
    },
    /// Nothing can be written. `waiting` writes are kept in memory and tried again.
    Failing {
        document: DocumentId,
        path: PathBuf,
        reason: String,
        waiting: usize,
        /// It is not where it was.
        gone: bool,
        /// It is in the program's own folder.
        own: bool,
    },
    /// Everything that waited is on the disk.
    Recovered {
        document: DocumentId,
    },
    /// The project is kept in another place from now on, or why it could not be brought there.
    Moved {
        document: DocumentId,
        to: Result<PathBuf, StoreError>,
    },
    Weights {
        document: DocumentId,
        version: String,
        bytes: Result<Arc<[u8]>, StoreError>,
    },
    /// The store's thread is gone.
    Stopped {
        reason: String,
    },
}

#[derive(Clone)]
pub(super) struct Post {
    pub sender: Sender<StoreEvent>,
    pub wake: Wake,
}

impl Post {
    pub fn event(&self, event: StoreEvent) {
        // Nobody listens any more while the program ends.
        if self.sender.send(event).is_ok() {
            (self.wake)();
        }
    }
}
