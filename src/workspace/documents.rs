use super::document::{Document, Opening};
use super::store::{Place, Store};
use super::{CommandError, DocumentId};
use crate::engine::{JobId, Wake};
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two tries to write what could not be written.
const RETRY_EVERY: Duration = Duration::from_secs(2);

/// The open images, those that are being opened, and the store that keeps their project files.
pub(super) struct Documents {
    store: Store,
    /// In the order in which they were asked for.
    list: Vec<Document>,
    openings: Vec<Opening>,
    active: Option<DocumentId>,
    /// How many there have been.
    count: u64,
    /// Memory for undo, for each image.
    undo_bytes: usize,
    last_retry: Option<Instant>,
}

impl Documents {
    pub fn start(place: Place, undo_bytes: usize, wake: Wake) -> std::io::Result<Self> {
        Ok(Self {
            store: Store::start(place, wake)?,
            list: Vec::new(),
            openings: Vec::new(),
            active: None,
            count: 0,
            undo_bytes,
            last_retry: None,
        })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn list(&self) -> &[Document] {
        &self.list
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Document> {
        self.list.iter_mut()
    }

    pub fn get(&self, id: DocumentId) -> Option<&Document> {
        self.list.iter().find(|d| d.id() == id)
    }

    pub fn get_mut(&mut self, id: DocumentId) -> Option<&mut Document> {
        self.list.iter_mut().find(|d| d.id() == id)
    }

    /// The image of a file, folder or `sample:ID`.
    pub fn of_source(&self, path: &Path) -> Option<&Document> {
        self.list.iter().find(|d| d.source() == path)
    }

    /// It is open, or is being opened.
    pub fn has_source(&self, path: &Path) -> bool {
        self.of_source(path).is_some() || self.openings.iter().any(|o| o.path == path)
    }

    pub fn find(&self, id: DocumentId) -> Result<&Document, CommandError> {
        self.get(id).ok_or(CommandError::UnknownDocument(id))
    }

    pub fn find_mut(&mut self, id: DocumentId) -> Result<&mut Document, CommandError> {
        self.get_mut(id).ok_or(CommandError::UnknownDocument(id))
    }

    /// The one that commands act on.
    pub fn active(&self) -> Result<&Document, CommandError> {
        self.active.and_then(|id| self.get(id)).ok_or(CommandError::NoDocument)
    }

    pub fn active_mut(&mut self) -> Result<&mut Document, CommandError> {
        self.active.and_then(|id| self.get_mut(id)).ok_or(CommandError::NoDocument)
    }

    pub fn activate(&mut self, id: DocumentId) {
        self.active = Some(id);
    }

    /// A number for one more image, and how much memory its undo may take.
    pub fn number(&mut self) -> (DocumentId, usize) {
        self.count += 1;
        (DocumentId(self.count), self.undo_bytes)
    }

    /// Shows an image.
    pub fn insert(&mut self, document: Document) {
        let at = self.list.partition_point(|d| d.opened_by() < document.opened_by());
        self.active = Some(document.id());
        self.list.insert(at, document);
    }

    /// Takes one out; its neighbour is active then.
    pub fn remove(&mut self, id: DocumentId) -> Option<Document> {
        let at = self.list.iter().position(|d| d.id() == id)?;
        let removed = self.list.remove(at);
        if self.active == Some(id) {
            self.active = self.list.get(at.min(self.list.len().saturating_sub(1))).map(Document::id);
        }
        Some(removed)
    }

    pub fn openings(&self) -> &[Opening] {
        &self.openings
    }

    pub fn opening_mut(&mut self, job: JobId) -> Option<&mut Opening> {
        self.openings.iter_mut().find(|o| o.job() == job)
    }

    pub fn add_opening(&mut self, opening: Opening) {
        self.openings.push(opening);
    }

    pub fn remove_opening(&mut self, job: JobId) -> Option<Opening> {
        self.openings.extract_if(.., |o| o.job() == job).next()
    }

    /// Tries again to write the project files that could not be written, at once or where the last try is long ago.
    pub fn retry_saving(&mut self, at_once: bool) {
        if !at_once && self.last_retry.is_some_and(|last| last.elapsed() < RETRY_EVERY) {
            return;
        }
        self.last_retry = Some(Instant::now());
        for document in self.list.iter().filter(|d| d.saving().is_failing()) {
            // Where the thread is gone, the notice that stands says so.
            let _ = self.store.retry(document.id());
        }
    }
}
