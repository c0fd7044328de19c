use super::annotations::{Annotations, title};
use super::journal::{HistoryStep, Timeline};
use super::store::{Action, Entry};
use crate::edit::{Change, Edit, EditError, EditLog};
use std::sync::Arc;

/// Everything that was done to an image, in order. The newest edits are in memory; older ones are only in the project file.
/// Each change, undo and redo is an entry of the journal, with a number.
#[derive(Debug)]
pub(super) struct History {
    /// The newest edits.
    log: EditLog,
    /// Everything, by its number in the journal.
    timeline: Timeline,
    /// The number of the newest entry of the journal; 0 for none.
    newest: i64,
}

impl History {
    /// `undo_bytes`: memory for edits.
    pub fn new(undo_bytes: usize) -> Self {
        Self { log: EditLog::new(undo_bytes), timeline: Timeline::default(), newest: 0 }
    }

    /// What the project file remembers.
    pub fn restore(&mut self, timeline: Timeline, newest: i64) {
        (self.timeline, self.newest) = (timeline, newest);
    }

    /// The number of the newest entry.
    pub fn newest(&self) -> i64 {
        self.newest
    }

    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// Opens a transaction: a stroke, or changes that are one step.
    pub fn begin(&mut self) -> Result<(), EditError> {
        self.log.begin()
    }

    /// Makes a change within the transaction, after the marks that it takes away.
    pub fn extend(&mut self, now: &mut Annotations, change: Change) -> Result<(), EditError> {
        for change in now.with_marks(change) {
            self.log.extend(&mut now.marks(), change)?;
        }
        Ok(())
    }

    /// The same for a change that takes no marks away.
    pub fn extend_keeping_marks(&mut self, now: &mut Annotations, change: Change) -> Result<(), EditError> {
        self.log.extend(&mut now.marks(), change)
    }

    /// Whether the transaction has changed nothing so far.
    pub fn is_untouched(&self) -> bool {
        self.log.is_untouched()
    }

    /// Takes the transaction back.
    pub fn abort(&mut self, now: &mut Annotations) -> Result<(), EditError> {
        self.log.abort(&mut now.marks())
    }

    /// Ends the transaction: its entry, or `None` where nothing has changed.
    pub fn commit(&mut self) -> Option<Entry> {
        let edit = self.log.commit()?;
        Some(self.done(edit))
    }

    /// An edit was made on a copy of the annotations that takes their place.
    pub fn adopt(&mut self, edit: Arc<Edit>) -> Result<Entry, EditError> {
        self.log.adopt(Arc::clone(&edit))?;
        Ok(self.done(edit))
    }

    fn done(&mut self, edit: Arc<Edit>) -> Entry {
        self.timeline.push(HistoryStep { seq: self.newest + 1, title: title(&edit) });
        self.entry(Action::Do(edit))
    }

    /// The edit that undo would take back; `None` where it has left memory.
    pub fn edit_to_undo(&self) -> Option<Arc<Edit>> {
        self.log.next_undo()
    }

    /// The edit that redo would make again; `None` where it has left memory.
    pub fn edit_to_redo(&self) -> Option<Arc<Edit>> {
        self.log.next_redo()
    }

    /// Puts an edit back that has left memory: it is undone next.
    pub fn recall(&mut self, older: Arc<Edit>) {
        self.log.recall(older);
    }

    /// Takes the newest edit back. `None` where there is none in memory.
    pub fn undo(&mut self, now: &mut Annotations) -> Result<Option<Entry>, EditError> {
        match self.log.undo(&mut now.marks())? {
            Some(_) => Ok(self.undone()),
            None => Ok(None),
        }
    }

    /// The newest edit was taken back on a copy of the annotations that takes their place.
    pub fn adopt_undo(&mut self) -> Option<Entry> {
        self.log.step_back();
        self.undone()
    }

    fn undone(&mut self) -> Option<Entry> {
        let of = self.timeline.next_undo()?.seq;
        self.timeline.undo();
        Some(self.entry(Action::Undo { of }))
    }

    /// Makes the edit again that was undone last. `edit` is it, where it has left memory.
    pub fn redo(&mut self, now: &mut Annotations, edit: &Arc<Edit>) -> Result<Option<Entry>, EditError> {
        match self.log.can_redo() {
            true => _ = self.log.redo(&mut now.marks())?,
            false => _ = self.log.replay(&mut now.marks(), Edit::clone(edit))?,
        }
        Ok(self.redone())
    }

    /// The same where it was made on a copy of the annotations that takes their place.
    pub fn adopt_redo(&mut self, edit: &Arc<Edit>) -> Result<Option<Entry>, EditError> {
        match self.log.can_redo() {
            true => self.log.step_forward(),
            false => self.log.adopt(Arc::clone(edit))?,
        }
        Ok(self.redone())
    }

    fn redone(&mut self) -> Option<Entry> {
        let of = self.timeline.next_redo()?.seq;
        self.timeline.redo();
        Some(self.entry(Action::Redo { of }))
    }

    /// Nothing so far can be undone or redone any more.
    pub fn cut(&mut self, why: String) -> Entry {
        self.timeline.cut(why.clone());
        self.entry(Action::Cut { why })
    }

    /// No project file has what has left memory.
    pub fn forget_what_left_memory(&mut self) {
        let why = "earlier changes have left memory, and no project file is kept for this image";
        self.timeline.forget_before(self.log.undo_len(), why);
    }

    fn entry(&mut self, action: Action) -> Entry {
        self.newest += 1;
        Entry::new(self.newest, action)
    }
}
