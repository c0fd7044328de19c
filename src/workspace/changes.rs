//! What is done, undone and redone goes into the project file.

use super::annotations::marks_taken;
use super::parts::Parts;
use super::store::{Action, Entry, StoreError, Write};
use super::{CommandError, DocumentId, NoticeLevel};
use crate::edit::{Change, Edit};
use std::sync::Arc;

impl Parts {
    /// Makes changes as one undo step, all or none.
    pub fn change(&mut self, id: DocumentId, changes: Vec<Change>) -> Result<(), CommandError> {
        let entry = self.documents.find_mut(id)?.edit()?.change(changes)?;
        entry.into_iter().for_each(|entry| self.journal(id, entry));
        Ok(())
    }

    /// Hands the newest change to the project file.
    pub fn journal(&mut self, id: DocumentId, entry: Entry) {
        self.journal_as(id, entry, Write::Entry);
    }

    /// The same, written in a way of its own.
    pub fn journal_as(&mut self, id: DocumentId, entry: Entry, write: fn(Entry) -> Write) {
        let Some(document) = self.documents.get_mut(id) else { return };
        if let Action::Do(edit) = &entry.action
            && let Some((level, text)) = marks_taken(edit, document.depth())
        {
            self.notices.add(level, Some(id), text);
        }
        if !document.saving_mut().on_change(entry.seq) {
            document.annotated_mut().forget_what_left_memory();
            return;
        }
        self.write(id, write(entry));
        self.want_snapshot(id);
    }

    /// Damage was found: what came before cannot be undone any more, now or after the next opening.
    pub fn cut_history(&mut self, id: DocumentId, why: String) {
        if let Some(document) = self.documents.get_mut(id) {
            let entry = document.annotated_mut().cut_history(why);
            self.journal(id, entry);
        }
    }

    /// A step has been taken back, or made again.
    pub fn undone_or_redone(&mut self, id: DocumentId, entry: Entry, edit: &Edit) {
        if let Some(document) = self.documents.get_mut(id) {
            document.show(edit);
            self.journal(id, entry);
        }
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
