use super::{Change, Edit, EditError, Marks};
use std::collections::VecDeque;
use std::sync::Arc;

/// Undo and redo, bounded by bytes and not by steps: the oldest edits leave memory first (the project file still has
/// them). The newest edit always stays, however large.
///
/// A stroke is a transaction: [`begin`](Self::begin), [`extend`](Self::extend) with each piece, which changes the mask
/// at once so that it shows while the button is down, then [`commit`](Self::commit) or [`abort`](Self::abort).
#[derive(Debug)]
pub struct EditLog {
    done: VecDeque<Arc<Edit>>,
    /// The next one to redo is the last.
    undone: VecDeque<Arc<Edit>>,
    open: Option<Edit>,
    bytes: usize,
    max_bytes: usize,
}

impl Default for EditLog {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_BYTES)
    }
}

impl EditLog {
    pub const DEFAULT_MAX_BYTES: usize = 256 << 20;

    pub fn new(max_bytes: usize) -> Self {
        Self { done: VecDeque::new(), undone: VecDeque::new(), open: None, bytes: 0, max_bytes }
    }

    /// Opens a transaction.
    pub fn begin(&mut self) -> Result<(), EditError> {
        if self.open.is_some() {
            return Err(EditError::Open);
        }
        self.open = Some(Edit::default());
        Ok(())
    }

    /// Makes a change within the open transaction.
    pub fn extend(&mut self, marks: &mut Marks, change: Change) -> Result<(), EditError> {
        let open = self.open.as_mut().ok_or(EditError::NotOpen)?;
        let piece = Edit::from(change);
        piece.apply(marks)?;
        for change in piece.changes {
            open.push(change);
        }
        Ok(())
    }

    /// Closes the transaction and returns what it changed, for the journal; `None` where nothing did (or none was open).
    /// What was undone before can no longer be redone.
    pub fn commit(&mut self) -> Option<Arc<Edit>> {
        let edit = self.open.take()?.finish();
        if edit.is_empty() {
            return None;
        }
        let edit = Arc::new(edit);
        self.remember(Arc::clone(&edit));
        Some(edit)
    }

    /// Takes the open transaction back, if there is one: marks are as they were at [`begin`](Self::begin).
    pub fn abort(&mut self, marks: &mut Marks) -> Result<(), EditError> {
        match self.open.take() {
            Some(edit) => edit.revert(marks),
            None => Ok(()),
        }
    }

    /// Makes one change as a whole edit: `begin`, `extend`, `commit`.
    pub fn record(&mut self, marks: &mut Marks, change: Change) -> Result<Option<Arc<Edit>>, EditError> {
        self.replay(marks, change.into())
    }

    /// Makes an edit that was built elsewhere, such as one read back from the journal, and remembers it.
    pub fn replay(&mut self, marks: &mut Marks, edit: Edit) -> Result<Option<Arc<Edit>>, EditError> {
        self.begin()?;
        if let Err(reason) = edit.apply(marks) {
            self.open = None;
            return Err(reason);
        }
        self.open = Some(edit);
        Ok(self.commit())
    }

    /// Takes the newest edit back and returns it; `None` where there is none in memory.
    pub fn undo(&mut self, marks: &mut Marks) -> Result<Option<Arc<Edit>>, EditError> {
        if self.open.is_some() {
            return Err(EditError::Open);
        }
        let Some(edit) = self.next_undo() else { return Ok(None) };
        edit.revert(marks)?;
        self.step_back();
        Ok(Some(edit))
    }

    /// Makes the edit again that was undone last and returns it; `None` where there is none.
    pub fn redo(&mut self, marks: &mut Marks) -> Result<Option<Arc<Edit>>, EditError> {
        if self.open.is_some() {
            return Err(EditError::Open);
        }
        let Some(edit) = self.next_redo() else { return Ok(None) };
        edit.apply(marks)?;
        self.step_forward();
        Ok(Some(edit))
    }

    /// What [`undo`](Self::undo) would take back.
    pub fn next_undo(&self) -> Option<Arc<Edit>> {
        self.done.back().map(Arc::clone)
    }

    /// What [`redo`](Self::redo) would make again.
    pub fn next_redo(&self) -> Option<Arc<Edit>> {
        self.undone.back().map(Arc::clone)
    }

    /// Remembers an edit that was made elsewhere, on a copy of the marks that has taken their place.
    pub fn adopt(&mut self, edit: Arc<Edit>) -> Result<(), EditError> {
        if self.open.is_some() {
            return Err(EditError::Open);
        }
        self.remember(edit);
        Ok(())
    }

    /// The newest edit has been taken back elsewhere, on a copy of the marks that has taken their place.
    pub fn step_back(&mut self) {
        self.undone.extend(self.done.pop_back());
    }

    /// The edit that was undone last has been made again elsewhere.
    pub fn step_forward(&mut self) {
        self.done.extend(self.undone.pop_back());
    }

    /// Puts an older edit, read back from the project file, before all others: it is undone after them. It is already in
    /// the marks. For it, the edits that would be redone last leave memory.
    pub fn recall(&mut self, older: Arc<Edit>) {
        self.bytes += older.byte_len();
        self.done.push_front(older);
        while self.bytes > self.max_bytes
            && let Some(newest) = self.undone.pop_front()
        {
            self.bytes -= newest.byte_len();
        }
    }

    /// Whether a transaction is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether a transaction is open that has changed nothing so far.
    pub fn is_untouched(&self) -> bool {
        self.open.as_ref().is_some_and(Edit::is_empty)
    }

    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Edits that can be undone from memory.
    pub fn undo_len(&self) -> usize {
        self.done.len()
    }

    /// Edits that can be redone.
    pub fn redo_len(&self) -> usize {
        self.undone.len()
    }

    /// Bytes of all edits in memory.
    pub fn byte_len(&self) -> usize {
        self.bytes
    }

    fn remember(&mut self, edit: Arc<Edit>) {
        self.bytes -= self.undone.drain(..).map(|e| e.byte_len()).sum::<usize>();
        self.bytes += edit.byte_len();
        self.done.push_back(edit);
        while self.bytes > self.max_bytes && self.done.len() > 1 {
            if let Some(oldest) = self.done.pop_front() {
                self.bytes -= oldest.byte_len();
            }
        }
    }
}
