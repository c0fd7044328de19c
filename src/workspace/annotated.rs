//! The annotations of an open image. Every change goes through a [`Settled`], and there is none while a stroke is being
//! drawn: then only the stroke can change them.

use super::annotations::Annotations;
use super::history::History;
use super::journal::Timeline;
use super::store::Entry;
use super::{CommandError, journal::HistoryStep};
use crate::edit::{Change, Edit, EditError, Limits, Origin, Patch, Shape};
use crate::label::LabelId;
use crate::volume::Volume;
use std::sync::Arc;

/// An edit that touches no more voxels than this is made in the frame that asks for it, in about a millisecond.
pub(super) const IN_FRAME: usize = 1 << 17;

/// The annotations, how they came about, and the stroke that is being drawn.
#[derive(Debug)]
pub(super) struct Annotated {
    now: Annotations,
    history: History,
    /// Grows with every change of mask, labels or verified slices.
    revision: u64,
    stroke: Option<Stroke>,
}

#[derive(Debug)]
struct Stroke {
    tool: String,
    /// What it draws is too large for a frame: it is made when the stroke has ended.
    deferred: Option<Drawing>,
}

/// A shape to be drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawing {
    pub shape: Shape,
    /// 0 erases.
    pub label: LabelId,
    pub limits: Limits,
}

impl Drawing {
    /// Whether it takes longer than a frame.
    pub fn is_large(&self, volume: &Volume) -> bool {
        self.shape.reach(volume.grid()) > IN_FRAME
    }

    pub fn change(&self, volume: &Volume, now: &Annotations, tool: String) -> Result<Change, EditError> {
        let rules = now.rules().with_limits(self.limits);
        let origin = Origin::Person { tool };
        Patch::draw(&now.mask, volume, &self.shape, self.label, &rules, origin).map(Change::Mask)
    }
}

/// Annotations on which no stroke is being drawn: they may be changed.
pub(super) struct Settled<'a>(&'a mut Annotated);

/// Annotations on which a stroke is being drawn: nothing else may change them.
pub(super) struct OpenStroke<'a>(&'a mut Annotated);

/// What a stroke has come to.
pub(super) enum Committed {
    /// `None` where it has changed nothing.
    Done(Option<Entry>),
    /// It is to be made in the background, as the tool's.
    Large(Drawing, String),
}

impl Annotated {
    pub fn new(now: Annotations, undo_bytes: usize) -> Self {
        Self { now, history: History::new(undo_bytes), revision: 0, stroke: None }
    }

    /// What the project file holds.
    pub fn restore(&mut self, now: Annotations, timeline: Timeline, newest: i64) {
        self.now = now;
        self.history.restore(timeline, newest);
    }

    /// As they are shown, with what a stroke has drawn so far.
    pub fn now(&self) -> &Annotations {
        &self.now
    }

    pub fn into_now(self) -> Annotations {
        self.now
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    /// No project file has what has left memory.
    pub fn forget_what_left_memory(&mut self) {
        self.history.forget_what_left_memory();
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The tool of the stroke that is being drawn.
    pub fn stroke(&self) -> Option<&str> {
        self.stroke.as_ref().map(|stroke| stroke.tool.as_str())
    }

    /// The annotations to work on; refused while a stroke is being drawn.
    pub fn settled(&self) -> Result<&Annotations, CommandError> {
        match self.stroke {
            Some(_) => Err(CommandError::StrokeOpen),
            None => Ok(&self.now),
        }
    }

    /// The way to every change but a stroke's; refused while a stroke is being drawn.
    pub fn edit(&mut self) -> Result<Settled<'_>, CommandError> {
        self.settled()?;
        Ok(Settled(self))
    }

    /// The stroke that is being drawn; refused where there is none.
    pub fn open_stroke(&mut self) -> Result<OpenStroke<'_>, CommandError> {
        match self.stroke {
            Some(_) => Ok(OpenStroke(self)),
            None => Err(CommandError::NoStroke),
        }
    }

    /// Damage was found: what came before cannot be undone any more, now or after the next opening.
    pub fn cut_history(&mut self, why: String) -> Entry {
        self.revision += 1;
        self.history.cut(why)
    }
}

impl Settled<'_> {
    pub fn begin_stroke(self, tool: String) -> Result<(), CommandError> {
        self.0.history.begin()?;
        self.0.stroke = Some(Stroke { tool, deferred: None });
        Ok(())
    }

    /// Makes changes as one step, all or none; `None` where nothing has changed.
    pub fn change(self, changes: Vec<Change>) -> Result<Option<Entry>, CommandError> {
        let Annotated { now, history, .. } = &mut *self.0;
        history.begin()?;
        for change in changes {
            if let Err(reason) = history.extend(now, change) {
                history.abort(now)?;
                return Err(reason.into());
            }
        }
        Ok(self.commit())
    }

    /// The same for a change that takes no marks of verified slices away.
    pub fn change_keeping_marks(self, change: Change) -> Result<Option<Entry>, CommandError> {
        let Annotated { now, history, .. } = &mut *self.0;
        history.begin()?;
        history.extend_keeping_marks(now, change)?;
        Ok(self.commit())
    }

    fn commit(self) -> Option<Entry> {
        let entry = self.0.history.commit();
        self.0.revision += u64::from(entry.is_some());
        entry
    }

    /// An edit that was made on a copy, which takes their place.
    pub fn adopt(self, after: Annotations, edit: Arc<Edit>) -> Result<Entry, CommandError> {
        let entry = self.0.history.adopt(edit)?;
        (self.0.now, self.0.revision) = (after, self.0.revision + 1);
        Ok(entry)
    }

    pub fn step_to_undo(&self) -> Result<HistoryStep, CommandError> {
        let timeline = self.0.history.timeline();
        timeline.next_undo().cloned().ok_or_else(|| match timeline.floor() {
            Some(why) => CommandError::HistoryLost(format!("nothing more can be undone: {why}")),
            None => CommandError::NothingToUndo,
        })
    }

    pub fn step_to_redo(&self) -> Result<HistoryStep, CommandError> {
        self.0.history.timeline().next_redo().cloned().ok_or(CommandError::NothingToRedo)
    }

    /// Puts an edit back that has left memory: it is undone next.
    pub fn recall(self, older: Arc<Edit>) {
        self.0.history.recall(older);
    }

    pub fn undo(self) -> Result<Entry, CommandError> {
        let Annotated { now, history, revision, .. } = self.0;
        let entry = history.undo(now)?.ok_or(CommandError::NothingToUndo)?;
        *revision += 1;
        Ok(entry)
    }

    /// The newest edit was taken back on a copy, which takes their place.
    pub fn adopt_undo(self, after: Annotations) -> Result<Entry, CommandError> {
        let entry = self.0.history.adopt_undo().ok_or(CommandError::NothingToUndo)?;
        (self.0.now, self.0.revision) = (after, self.0.revision + 1);
        Ok(entry)
    }

    /// `edit`: the one that was undone last.
    pub fn redo(self, edit: &Arc<Edit>) -> Result<Entry, CommandError> {
        let Annotated { now, history, revision, .. } = self.0;
        let entry = history.redo(now, edit)?.ok_or(CommandError::NothingToRedo)?;
        *revision += 1;
        Ok(entry)
    }

    /// The edit that was undone last was made again on a copy, which takes their place.
    pub fn adopt_redo(self, after: Annotations, edit: &Arc<Edit>) -> Result<Entry, CommandError> {
        let entry = self.0.history.adopt_redo(edit)?.ok_or(CommandError::NothingToRedo)?;
        (self.0.now, self.0.revision) = (after, self.0.revision + 1);
        Ok(entry)
    }
}

impl OpenStroke<'_> {
    /// Draws a piece of the stroke. The first is left for later where it is too large for a frame.
    pub fn draw(&mut self, volume: &Volume, drawing: Drawing) -> Result<(), CommandError> {
        let Annotated { now, history, revision, stroke } = &mut *self.0;
        let Stroke { tool, deferred } = stroke.as_mut().ok_or(CommandError::NoStroke)?;
        if deferred.is_none() && history.is_untouched() && drawing.is_large(volume) {
            *deferred = Some(drawing);
            return Ok(());
        }
        // A stroke of several pieces is one undo step, however large its first piece.
        for drawing in deferred.take().into_iter().chain([drawing]) {
            let change = drawing.change(volume, now, tool.clone())?;
            history.extend(now, change)?;
        }
        *revision += 1;
        Ok(())
    }

    pub fn commit(self) -> Result<Committed, CommandError> {
        let Stroke { tool, deferred } = self.0.stroke.take().ok_or(CommandError::NoStroke)?;
        let entry = self.0.history.commit();
        self.0.revision += u64::from(entry.is_some());
        Ok(match deferred {
            Some(drawing) => Committed::Large(drawing, tool),
            None => Committed::Done(entry),
        })
    }

    /// Takes the stroke back.
    pub fn abort(self) -> Result<(), CommandError> {
        self.0.stroke = None;
        self.0.history.abort(&mut self.0.now)?;
        self.0.revision += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::LabelTable;

    #[test]
    fn nothing_else_changes_annotations_while_a_stroke_is_open() {
        let mut annotated = Annotated::new(Annotations::empty([4, 4, 2], LabelTable::named(&["a"])), 1 << 20);
        assert!(matches!(annotated.open_stroke().map(|_| ()), Err(CommandError::NoStroke)));
        annotated.edit().unwrap().begin_stroke("brush".into()).unwrap();
        assert!(matches!(annotated.settled(), Err(CommandError::StrokeOpen)));
        assert!(matches!(annotated.edit().map(|_| ()), Err(CommandError::StrokeOpen)));
        annotated.open_stroke().unwrap().abort().unwrap();
        assert!(annotated.stroke().is_none() && annotated.settled().is_ok());
    }

    #[test]
    fn every_step_has_a_number_and_edits_and_their_order_stay_in_step() {
        let mut annotated = Annotated::new(Annotations::empty([4, 4, 2], LabelTable::named(&["a"])), 1 << 20);
        let verify = |slice| vec![Change::Verified { slice, on: true }];
        let entries = [0, 1].map(|z| annotated.edit().unwrap().change(verify(z)).unwrap().unwrap().seq);
        assert_eq!((entries, annotated.revision()), ([1, 2], 2));
        assert_eq!(annotated.edit().unwrap().undo().unwrap().seq, 3);
        assert_eq!(annotated.edit().unwrap().step_to_undo().unwrap().seq, 1);
        assert_eq!(annotated.edit().unwrap().step_to_redo().unwrap().seq, 2);
        let edit = annotated.history().edit_to_redo().unwrap();
        assert_eq!(annotated.edit().unwrap().redo(&edit).unwrap().seq, 4);
        assert!(annotated.history().edit_to_redo().is_none() && annotated.now().verified.len() == 2);
        annotated.cut_history("damage".into());
        let lost = annotated.edit().unwrap().step_to_undo().unwrap_err();
        assert!(lost.to_string().contains("damage"), "{lost}");
    }
}
