//! What is done, undone and redone goes into the history of its document and into the project file.

use super::annotations::{marks_taken, title};
use super::journal::Step;
use super::parts::Parts;
use super::store::{Action, Entry, StoreError, Write};
use super::{CommandError, Document, DocumentId, NoticeLevel};
use crate::edit::{Change, Edit};
use std::sync::Arc;

impl Parts {
    /// Makes changes as one undo step, all or none.
    pub fn change(&mut self, id: DocumentId, changes: Vec<Change>) -> Result<(), CommandError> {
        let document = self.documents.find_mut(id)?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        document.log.begin()?;
        for change in changes {
            for change in document.now.with_marks(change) {
                if let Err(reason) = document.log.extend(&mut document.now.marks(), change) {
                    document.log.abort(&mut document.now.marks())?;
                    return Err(reason.into());
                }
            }
        }
        let edit = document.log.commit();
        self.journal(id, edit)
    }

    /// Hands a finished edit to the project file.
    pub fn journal(&mut self, id: DocumentId, edit: Option<Arc<Edit>>) -> Result<(), CommandError> {
        let Some(edit) = edit else { return Ok(()) };
        self.journal_as(id, edit, Write::Entry)
    }

    /// The same, written in a way of its own.
    pub fn journal_as(
        &mut self,
        id: DocumentId,
        edit: Arc<Edit>,
        write: fn(Entry) -> Write,
    ) -> Result<(), CommandError> {
        let document = self.documents.find_mut(id)?;
        document.timeline.push(Step { seq: document.last_seq + 1, title: title(&edit) });
        if let Some((level, text)) = marks_taken(&edit, document.depth()) {
            self.notices.add(level, Some(id), text);
        }
        self.append_as(id, Action::Do(edit), write);
        Ok(())
    }

    fn append(&mut self, id: DocumentId, action: Action) {
        self.append_as(id, action, Write::Entry);
    }

    fn append_as(&mut self, id: DocumentId, action: Action, write: fn(Entry) -> Write) {
        let Some(document) = self.documents.get_mut(id) else { return };
        document.last_seq += 1;
        document.since_snapshot += 1;
        document.revision += 1;
        let entry = Entry::new(document.last_seq, action);
        if document.project.is_none() {
            document.durable_seq = document.last_seq;
            let kept = document.log.undo_len();
            document.timeline.forget_before(
                kept,
                "earlier changes have left memory, and no project file is kept for this image",
            );
            return;
        }
        self.write(id, write(entry));
        self.want_snapshot(id);
    }

    /// Damage was found: what came before cannot be undone any more, now or after the next opening.
    pub fn cut_history(&mut self, id: DocumentId, why: String) {
        if let Some(document) = self.documents.get_mut(id) {
            document.timeline.cut(why.clone());
            self.append(id, Action::Cut { why });
        }
    }

    /// The newest step has been taken back.
    pub fn undone(&mut self, id: DocumentId, edit: &Edit) -> Result<(), CommandError> {
        let document = self.documents.find_mut(id)?;
        let of = document.timeline.next_undo().ok_or(CommandError::NothingToUndo)?.seq;
        document.timeline.undo();
        document.show(edit);
        self.append(id, Action::Undo { of });
        Ok(())
    }

    /// The step that was undone last has been made again.
    pub fn redone(&mut self, id: DocumentId, edit: &Edit) -> Result<(), CommandError> {
        let document = self.documents.find_mut(id)?;
        let of = document.timeline.next_redo().ok_or(CommandError::NothingToRedo)?.seq;
        document.timeline.redo();
        document.show(edit);
        self.append(id, Action::Redo { of });
        Ok(())
    }

    /// Reads an edit that has left memory back from the project file.
    pub fn recall(&mut self, id: DocumentId, seq: i64) -> Result<Arc<Edit>, CommandError> {
        match self.documents.store().edit(id, seq) {
            Ok(edit) => Ok(edit),
            Err(e @ StoreError::Damaged { .. }) => {
                let why = e.to_string();
                self.cut_history(id, why.clone());
                self.notices.add(
                    NoticeLevel::Error,
                    Some(id),
                    format!("Nothing more can be undone or redone: {why}"),
                );
                Err(CommandError::HistoryLost(why))
            }
            Err(e) => Err(e.into()),
        }
    }
}

impl Document {
    /// Brings the crosshair to where an undo or redo happened, if it is not there.
    fn show(&mut self, edit: &Edit) {
        if let Some(slices) = edit.slices()
            && !slices.contains(&self.cursor[2])
        {
            self.cursor[2] = *slices.start();
        }
        if self.selected != 0 && self.now.labels.get(self.selected).is_none() {
            self.selected = self.now.labels.iter().next().map_or(0, |l| l.id);
        }
    }
}
