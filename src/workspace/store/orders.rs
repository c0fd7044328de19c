use super::messages::{Post, StoreEvent, Write};
use super::worker::StoreWorker;
use super::{CaseFacts, Place, StoreError};
use crate::edit::Edit;
use crate::engine::{Actor, DocumentId, Wake};
use crate::workspace::annotations::Annotations;
use crossbeam_channel::{Receiver, unbounded};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// After this pause without an order, logs are taken into their files, and those are looked after.
const PAUSE: Duration = Duration::from_secs(1);

/// The project files of all open documents, on a thread of their own.
pub struct Store {
    actor: Actor<StoreWorker>,
    events: Receiver<StoreEvent>,
    /// Orders to write that the thread has not come to: while there are more, it gathers them for one transaction.
    queued: Arc<AtomicUsize>,
}

impl Store {
    /// `wake` is called after each event.
    pub fn start(place: Place, wake: Wake) -> std::io::Result<Self> {
        let (sender, events) = unbounded();
        let queued = Arc::new(AtomicUsize::new(0));
        let post = Post { sender, wake };
        let told = post.clone();
        let actor = Actor::start(
            "store",
            move || StoreWorker { place, kept: BTreeMap::new(), post },
            PAUSE,
            StoreWorker::idle,
            move |reason| told.event(StoreEvent::Stopped { reason }),
        )?;
        Ok(Self { actor, events, queued })
    }

    /// Looks for a document's project file and rebuilds what it holds; answers with [`StoreEvent::Opened`].
    pub fn open(&self, document: DocumentId, facts: CaseFacts) -> Result<(), StoreError> {
        self.order(move |worker| {
            let project = Box::new(worker.open(document, facts));
            worker.post.event(StoreEvent::Opened { document, project });
        })
    }

    /// Hands over a write. It is kept in memory until it is on the disk, and tried again if that fails.
    pub fn write(&self, document: DocumentId, write: Write) -> Result<(), StoreError> {
        let asked = Instant::now();
        let queued = Arc::clone(&self.queued);
        queued.fetch_add(1, Ordering::AcqRel);
        self.order(move |worker| {
            let more = queued.fetch_sub(1, Ordering::AcqRel) > 1;
            worker.take(document, write, asked, more);
        })
    }

    /// Makes the project file if there is none, so that the first stroke does not wait for it.
    pub fn prepare(&self, document: DocumentId) -> Result<(), StoreError> {
        self.order(move |worker| {
            if let Some(kept) = worker.kept.get_mut(&document) {
                // The first write will say what is wrong.
                let _ = kept.ready();
            }
        })
    }

    /// Tries again what could not be written.
    pub fn retry(&self, document: DocumentId) -> Result<(), StoreError> {
        self.order(move |worker| worker.flush(document))
    }

    /// One edit of the journal, waited for: a row of a file, a millisecond.
    pub fn edit(&self, document: DocumentId, seq: i64) -> Result<Arc<Edit>, StoreError> {
        self.actor.ask(move |worker| worker.edit(document, seq)).map_err(|_| StoreError::Stopped)?
    }

    /// Reads a model's weights; answers with [`StoreEvent::Weights`].
    pub fn weights(&self, document: DocumentId, version: String) -> Result<(), StoreError> {
        self.order(move |worker| {
            let bytes = worker.weights(document, &version);
            worker.post.event(StoreEvent::Weights { document, version, bytes });
        })
    }

    /// Puts a project file that was set aside in its place, waited for. The one that lies there is set aside.
    pub fn take_back(&self, project: PathBuf, aside: PathBuf) -> Result<(), StoreError> {
        self.actor.ask(move |worker| worker.take_back(&project, &aside)).map_err(|_| StoreError::Stopped)?
    }

    /// Gives the project of another image a name that says so, and starts an empty one; answers with [`StoreEvent::Opened`].
    pub fn set_aside(&self, document: DocumentId) -> Result<(), StoreError> {
        self.order(move |worker| {
            let project = Box::new(worker.set_aside(document));
            worker.post.event(StoreEvent::Opened { document, project });
        })
    }

    /// Keeps the project in the program's own folder from now on: as it is, or what memory holds of it where its file cannot
    /// be read any more. Answers with [`StoreEvent::Moved`].
    pub fn keep_elsewhere(
        &self,
        document: DocumentId,
        newest: i64,
        now: Annotations,
    ) -> Result<(), StoreError> {
        self.order(move |worker| {
            let to = worker.keep_elsewhere(document, newest, &now);
            worker.post.event(StoreEvent::Moved { document, to });
            worker.flush(document);
        })
    }

    /// Waits until everything handed over has been tried. True where all of it is on the disk.
    pub fn settle(&self, document: DocumentId) -> bool {
        let settled = self.actor.ask(move |worker| {
            worker.flush(document);
            worker.kept.get(&document).is_none_or(|kept| kept.is_settled())
        });
        settled.unwrap_or(false)
    }

    /// Lets go of a document's file; a last snapshot is written where many entries have come since the one before.
    pub fn close(&self, document: DocumentId, last: Option<(i64, Annotations)>) -> Result<(), StoreError> {
        self.order(move |worker| worker.close(document, last))
    }

    pub fn drain(&self) -> Vec<StoreEvent> {
        self.events.try_iter().collect()
    }

    fn order(&self, order: impl FnOnce(&mut StoreWorker) + Send + 'static) -> Result<(), StoreError> {
        self.actor.order(order).map_err(|_| StoreError::Stopped)
    }
}
