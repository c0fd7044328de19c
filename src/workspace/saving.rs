//! The way of annotations into their project file.

use super::jobs::JobResult;
use super::notice::{Asks, Cause};
use super::parts::Parts;
use super::store::{Snapshot, StoreError, Write};
use super::{CommandError, Document, DocumentId, NoticeLevel};
use crate::engine::JobId;
use crate::words::counted;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Parts {
    pub fn write(&mut self, id: DocumentId, write: Write) {
        let Some(document) = self.documents.get_mut(id).filter(|d| d.project().is_some()) else { return };
        let first = document.saving_mut().keep();
        let (model, stated) = (document.model().cloned(), document.image().stated());
        if let (true, Some(model)) = (first, model) {
            self.write(id, Write::Setting { key: "model", value: model.to_string() });
        }
        if let (true, Some(modality)) = (first, stated) {
            self.write(id, Write::Setting { key: "modality", value: modality.id().to_owned() });
        }
        if let Err(e) = self.documents.store().write(id, write) {
            self.saving_fails(id, e.to_string(), false);
        }
    }

    pub fn audit(&mut self, id: DocumentId, what: &'static str, detail: &str) {
        self.write(id, Write::Audit { what, detail: detail.to_owned() });
    }

    /// Makes a snapshot on the worker pool where enough has changed since the last one.
    pub fn want_snapshot(&mut self, id: DocumentId) {
        let Some(document) = self.documents.get_mut(id).filter(|d| d.saving().wants_snapshot()) else {
            return;
        };
        let (seq, annotations) = (document.newest(), document.annotated().now().clone());
        let job = self.jobs.run_hidden("snapshot of the mask", id, move |_| {
            Ok(JobResult::Snapshot(id, Snapshot::of(seq, &annotations)?))
        });
        document.saving_mut().on_snapshot_started(job);
    }

    pub fn on_snapshot(&mut self, job: JobId, id: DocumentId, snapshot: Snapshot) {
        if let Some(document) = self.documents.get_mut(id) {
            document.saving_mut().on_job_ended(job);
        }
        self.write(id, Write::Snapshot(Arc::new(snapshot)));
        self.want_snapshot(id);
    }

    pub fn on_durable(&mut self, id: DocumentId, seq: i64, millis: f64) {
        if let Some(document) = self.documents.get_mut(id) {
            document.saving_mut().on_durable(seq, millis);
        }
    }

    /// `waiting`: how many changes are in memory only. `gone`: the file is not where it was. `own`: it is in the program's
    /// own folder.
    pub fn on_failing(
        &mut self,
        id: DocumentId,
        path: &Path,
        reason: &str,
        waiting: usize,
        [gone, own]: [bool; 2],
    ) {
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
        self.saving_fails(id, text, !own);
    }

    pub fn on_recovered(&mut self, id: DocumentId) {
        if let Some(document) = self.documents.get_mut(id) {
            document.saving_mut().on_recovered();
        }
        if self.notices.resolve(&Cause::Store(id)) {
            let text = "The project file is written again; everything that waited is in it";
            self.notices.add(NoticeLevel::Info, Some(id), text);
        }
    }

    /// A project was to be brought to the program's own folder.
    pub fn on_moved(&mut self, id: DocumentId, to: Result<PathBuf, StoreError>) {
        match to {
            Ok(path) => {
                let text = format!(
                    "The project is kept as {} from now on. It is found there when this image is opened again",
                    path.display()
                );
                if let Some(document) = self.documents.get_mut(id) {
                    document.saving_mut().on_moved(path);
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

    /// The store's thread has stopped.
    pub fn on_stopped(&mut self, reason: &str) {
        let ids: Vec<DocumentId> = self.documents.list().iter().map(Document::id).collect();
        for id in ids {
            let text = format!(
                "The thread that writes project files has stopped ({reason}): export the mask, then start Fovea again"
            );
            self.saving_fails(id, text, false);
        }
    }

    fn saving_fails(&mut self, id: DocumentId, reason: String, can_move: bool) {
        // One that was closed, whatever is lost, needs no word any more.
        let Some(document) = self.documents.get_mut(id) else { return };
        document.saving_mut().on_failing(reason.clone(), can_move);
        let asks = can_move.then_some(Asks::KeepElsewhere);
        self.notices.hold(NoticeLevel::Error, Some(id), Cause::Store(id), asks, reason);
    }

    pub fn keep_elsewhere(&mut self, id: DocumentId) -> Result<(), CommandError> {
        let document = self.documents.find(id)?;
        let now = document.settled()?.clone();
        Ok(self.documents.store().keep_elsewhere(id, document.newest(), now)?)
    }
}
