use super::document::Failing;
use super::jobs::JobResult;
use super::notice::{Asks, Cause};
use super::store::{Snapshot, StoreEvent, Write};
use super::{CommandError, DocumentId, NoticeLevel, Workspace};
use crate::words::counted;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A snapshot after this many journal entries, so that reopening replays no more than these.
const SNAPSHOT_EVERY: usize = 200;
/// Between two tries to write what could not be written.
const RETRY_EVERY: Duration = Duration::from_secs(2);

impl Workspace {
    /// Waits until every change so far is in the project file; false where it cannot be written.
    pub fn settle(&mut self, id: DocumentId) -> bool {
        let settled = self.store.settle(id);
        self.poll();
        settled
    }

    pub(super) fn write(&mut self, id: DocumentId, write: Write) {
        let Some(document) = self.document_mut(id).filter(|d| d.project.is_some()) else { return };
        let first = !std::mem::replace(&mut document.kept, true);
        let (model, stated) = (document.model.clone(), document.stated);
        if let (true, Some(model)) = (first, model) {
            self.write(id, Write::Setting { key: "model", value: model.to_string() });
        }
        if let (true, Some(modality)) = (first, stated) {
            self.write(id, Write::Setting { key: "modality", value: modality.id().to_owned() });
        }
        if let Err(e) = self.store.write(id, write) {
            self.saving_fails(id, e.to_string(), false);
        }
    }

    pub(super) fn store_audit(&mut self, id: DocumentId, what: &'static str, detail: &str) {
        self.write(id, Write::Audit { what, detail: detail.to_owned() });
    }

    /// Makes a snapshot on the worker pool where enough has changed since the last one.
    pub(super) fn want_snapshot(&mut self, id: DocumentId) {
        let Some(document) = self.documents.iter_mut().find(|d| d.id == id) else { return };
        if document.snapshot_job.is_some()
            || document.since_snapshot < SNAPSHOT_EVERY
            || document.project.is_none()
        {
            return;
        }
        document.since_snapshot = 0;
        let (seq, annotations) = (document.last_seq, document.now.clone());
        document.snapshot_job = Some(self.jobs.run_hidden("snapshot of the mask", id, move |_| {
            Ok(JobResult::Snapshot(id, Snapshot::of(seq, &annotations)?))
        }));
    }

    pub(super) fn on_snapshot(&mut self, id: DocumentId, snapshot: Snapshot) {
        if let Some(document) = self.document_mut(id) {
            document.snapshot_job = None;
        }
        self.write(id, Write::Snapshot(Arc::new(snapshot)));
        self.want_snapshot(id);
    }

    pub(super) fn on_store_event(&mut self, event: StoreEvent) {
        match event {
            StoreEvent::Opened { document, project } => self.on_project(document, *project),
            StoreEvent::Durable { document, seq, millis } => {
                if let Some(document) = self.document_mut(document) {
                    document.durable_seq = document.durable_seq.max(seq);
                    document.durable_millis = Some(millis);
                }
            }
            StoreEvent::Failing { document, path, reason, waiting, gone, own } => {
                let advice = match (gone, own) {
                    (true, false) => "put it back where it was, or keep the project in Fovea's own folder",
                    (false, false) => {
                        "free the disk, keep the project in Fovea's own folder, or export the mask to another place"
                    }
                    (true, true) => "put it back where it was, or export the mask to another place",
                    (false, true) => "free the disk, or export the mask to another place",
                };
                let waiting = match waiting {
                    0 => String::new(),
                    n => {
                        let verbs = if n == 1 { ["waits", "is"] } else { ["wait", "are"] };
                        let changes = counted(n, "change");
                        format!(" ({changes} {} in memory and {} tried again)", verbs[0], verbs[1])
                    }
                };
                let text = format!(
                    "{} is not being written: {reason}. Nothing is lost while Fovea runs{waiting}: {advice}",
                    path.display()
                );
                self.saving_fails(document, text, !own);
            }
            StoreEvent::Recovered { document } => {
                let id = document;
                if let Some(document) = self.document_mut(id) {
                    document.failing = None;
                }
                if self.notices.resolve(&Cause::Store(id)) {
                    let text = "The project file is written again; everything that waited is in it";
                    self.notices.add(NoticeLevel::Info, Some(id), text);
                }
            }
            StoreEvent::Moved { document, to } => {
                let id = document;
                match to {
                    Ok(path) => {
                        let text = format!(
                            "The project is kept as {} from now on. It is found there when this image is opened again",
                            path.display()
                        );
                        if let Some(document) = self.document_mut(id) {
                            document.project = Some(path);
                        }
                        // Said even where the image is closed now, which may have waited for this.
                        self.notices.add(NoticeLevel::Info, None, text);
                    }
                    Err(e) => {
                        let text = format!("The project could not be brought to Fovea's own folder: {e}");
                        self.notices.add(NoticeLevel::Error, Some(id), text);
                    }
                }
            }
            StoreEvent::Weights { document, version, bytes } => {
                self.on_weights(document, &version, bytes);
            }
            StoreEvent::Stopped { reason } => {
                let ids: Vec<DocumentId> = self.documents.iter().map(|d| d.id).collect();
                for id in ids {
                    let text = format!(
                        "The thread that writes project files has stopped ({reason}): export the mask, then start Fovea again"
                    );
                    self.saving_fails(id, text, false);
                }
            }
        }
    }

    fn saving_fails(&mut self, id: DocumentId, reason: String, can_move: bool) {
        // One that was closed, whatever is lost, needs no word any more.
        let Some(document) = self.document_mut(id) else { return };
        document.failing = Some(Failing { reason: reason.clone(), can_move });
        let asks = can_move.then_some(Asks::KeepElsewhere);
        self.notices.hold(NoticeLevel::Error, Some(id), Cause::Store(id), asks, reason);
    }

    pub(super) fn keep_elsewhere(&mut self, id: DocumentId) -> Result<(), CommandError> {
        let document = self.document(id).ok_or(CommandError::UnknownDocument(id))?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        Ok(self.store.keep_elsewhere(id, document.last_seq, document.now.clone())?)
    }

    /// Looks whether every project file is where it was, and waits for that. For those who are about to end the program.
    pub fn look_after(&mut self) {
        let ids: Vec<DocumentId> = self.documents.iter().filter(|d| d.kept).map(|d| d.id).collect();
        for id in ids {
            self.settle(id);
        }
    }

    pub(super) fn retry_saving(&mut self) {
        if self.last_retry.is_some_and(|last| last.elapsed() < RETRY_EVERY) {
            return;
        }
        self.last_retry = Some(Instant::now());
        for document in self.documents.iter().filter(|d| d.failing.is_some()) {
            // Where the thread is gone, the notice that stands says so.
            let _ = self.store.retry(document.id);
        }
    }
}
