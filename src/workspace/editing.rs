use super::annotations::{Annotations, marks_taken, title};
use super::background_edit::{Draft, IN_FRAME, Order};
use super::journal::Step;
use super::store::{Action, Entry, StoreError, Write};
use super::{CommandError, Document, DocumentId, EditCommand, NoticeLevel, Workspace};
use crate::edit::{Change, Edit, EditError, Limits, Origin, Patch, Shape};
use crate::label::LabelId;
use crate::volume::Volume;
use std::sync::Arc;

/// A shape to be drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawing {
    shape: Shape,
    /// 0 erases.
    label: LabelId,
    limits: Limits,
}

impl Drawing {
    /// Whether it takes longer than a frame.
    fn is_large(&self, volume: &Volume) -> bool {
        self.shape.reach(volume.grid()) > IN_FRAME
    }

    fn change(&self, volume: &Volume, now: &Annotations, tool: String) -> Change {
        let rules = now.rules().with_limits(self.limits);
        let origin = Origin::Person { tool };
        Change::Mask(Patch::draw(&now.mask, volume, &self.shape, self.label, &rules, origin))
    }

    fn order(self, tool: String) -> Order {
        Order {
            title: tool.clone(),
            version: None,
            nothing: None,
            make: Arc::new(move |_, volume, now| {
                let label = self.label;
                anyhow::ensure!(
                    label == 0 || now.labels.get(label).is_some(),
                    CommandError::NoSuchLabel(label)
                );
                let changes = vec![self.change(volume, now, tool.clone())];
                Ok(Draft { changes, ..Draft::default() })
            }),
        }
    }
}

impl Workspace {
    pub(super) fn edit(&mut self, command: EditCommand) -> Result<(), CommandError> {
        match command {
            EditCommand::Begin { tool } => {
                let document = self.active_mut()?;
                if document.tool.is_some() {
                    return Err(CommandError::StrokeOpen);
                }
                document.log.begin()?;
                document.tool = Some(tool);
                if !document.kept && document.project.is_some() {
                    let id = document.id;
                    // Where that fails, the stroke's own writing will say why.
                    let _ = self.store.prepare(id);
                }
                Ok(())
            }
            EditCommand::Draw { shape, label, limits } => self.draw(Drawing { shape, label, limits }),
            EditCommand::Commit => {
                let document = self.active_mut()?;
                let tool = document.tool.take().ok_or(CommandError::NoStroke)?;
                let (id, edit, deferred) = (document.id, document.log.commit(), document.deferred.take());
                match deferred {
                    Some(drawing) => self.edit_in_background(id, drawing.order(tool)),
                    None => self.journal(id, edit),
                }
            }
            EditCommand::Abort => {
                let document = self.active_mut()?;
                document.tool.take().ok_or(CommandError::NoStroke)?;
                document.deferred = None;
                document.log.abort(&mut document.now.marks())?;
                document.revision += 1;
                Ok(())
            }
            EditCommand::Accept { scope } => self.accept(scope),
            EditCommand::SetVerified { z, on } => {
                let document = self.active_mut()?;
                let depth = document.depth();
                if z >= depth {
                    return Err(CommandError::NoSuchSlice { z, depth });
                }
                if document.is_verified(z) == on {
                    return Ok(());
                }
                let id = document.id;
                self.change(id, vec![Change::Verified { slice: z, on }])
            }
            EditCommand::CopySlice { from, to } => {
                let document = self.active_mut()?;
                let depth = document.depth();
                if let Some(&z) = [from, to].iter().find(|&&z| z >= depth) {
                    return Err(CommandError::NoSuchSlice { z, depth });
                }
                let (id, drawing) = (
                    document.id,
                    Drawing { shape: Shape::CopySlice { from, to }, label: 0, limits: Limits::default() },
                );
                self.draw_as(id, drawing, format!("copy slice {}", from + 1))
            }
            EditCommand::Clear { label, slice } => self.clear(label, slice),
            EditCommand::Import { path } => self.import_labels(path),
            EditCommand::Undo => self.undo(),
            EditCommand::Redo => self.redo(),
        }
    }

    fn draw(&mut self, drawing: Drawing) -> Result<(), CommandError> {
        let document = self.active_mut()?;
        let label = drawing.label;
        if label != 0 {
            let known = document.now.labels.get(label).ok_or(CommandError::NoSuchLabel(label))?;
            if known.locked {
                return Err(CommandError::LabelLocked(known.name.clone()));
            }
        }
        let id = document.id;
        let Some(tool) = document.tool.clone() else { return self.draw_as(id, drawing, "draw".to_owned()) };
        if document.deferred.is_none() && document.log.is_untouched() && drawing.is_large(&document.volume) {
            document.deferred = Some(drawing);
            return Ok(());
        }
        // A stroke of several pieces is one undo step, however large its first piece.
        for drawing in document.deferred.take().into_iter().chain([drawing]) {
            let change = drawing.change(&document.volume, &document.now, tool.clone());
            for change in document.now.with_marks(change) {
                document.log.extend(&mut document.now.marks(), change)?;
            }
        }
        document.revision += 1;
        Ok(())
    }

    /// Draws as an undo step of its own.
    fn draw_as(&mut self, id: DocumentId, drawing: Drawing, tool: String) -> Result<(), CommandError> {
        let document = self.document(id).ok_or(CommandError::UnknownDocument(id))?;
        if drawing.is_large(&document.volume) {
            return self.edit_in_background(id, drawing.order(tool));
        }
        let change = drawing.change(&document.volume, &document.now, tool);
        self.change(id, vec![change])
    }

    fn clear(&mut self, label: LabelId, slice: Option<usize>) -> Result<(), CommandError> {
        let document = self.active().ok_or(CommandError::NoDocument)?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        let (id, depth) = (document.id, document.depth());
        if let Some(z) = slice.filter(|&z| z >= depth) {
            return Err(CommandError::NoSuchSlice { z, depth });
        }
        let known = document.now.labels.get(label).ok_or(CommandError::NoSuchLabel(label))?;
        if known.locked {
            return Err(CommandError::LabelLocked(known.name.clone()));
        }
        let name = known.name.clone();
        let tool = format!("clear “{name}”");
        let patch = move |volume: &Volume, now: &Annotations| {
            let origin = Origin::Person { tool: tool.clone() };
            Patch::clear(&now.mask, volume, label, slice, &now.rules(), origin)
        };
        let [w, h, _] = document.volume.dims();
        if w * h * if slice.is_some() { 1 } else { depth } > IN_FRAME {
            let order = Order {
                title: format!("clearing “{name}”"),
                version: None,
                nothing: Some(CommandError::NothingToClear(name).to_string()),
                make: Arc::new(move |_, volume, now| {
                    Ok(Draft { changes: vec![Change::Mask(patch(volume, now))], ..Draft::default() })
                }),
            };
            return self.edit_in_background(id, order);
        }
        let patch = patch(&document.volume, &document.now);
        if patch.is_empty() {
            return Err(CommandError::NothingToClear(name));
        }
        self.change(id, vec![Change::Mask(patch)])
    }

    /// Makes changes as one undo step, all or none.
    pub(super) fn change(&mut self, id: DocumentId, changes: Vec<Change>) -> Result<(), CommandError> {
        let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
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
    pub(super) fn journal(&mut self, id: DocumentId, edit: Option<Arc<Edit>>) -> Result<(), CommandError> {
        let Some(edit) = edit else { return Ok(()) };
        self.journal_as(id, edit, Write::Entry)
    }

    /// The same, written in a way of its own.
    pub(super) fn journal_as(
        &mut self,
        id: DocumentId,
        edit: Arc<Edit>,
        write: fn(Entry) -> Write,
    ) -> Result<(), CommandError> {
        let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
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
        let Some(document) = self.document_mut(id) else { return };
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
    pub(super) fn cut_history(&mut self, id: DocumentId, why: String) {
        if let Some(document) = self.document_mut(id) {
            document.timeline.cut(why.clone());
            self.append(id, Action::Cut { why });
        }
    }

    fn undo(&mut self) -> Result<(), CommandError> {
        let active = self.active.ok_or(CommandError::NoDocument)?;
        let document = self.active_mut()?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        let Some(step) = document.timeline.next_undo().cloned() else {
            return Err(match document.timeline.floor() {
                Some(why) => CommandError::HistoryLost(format!("nothing more can be undone: {why}")),
                None => CommandError::NothingToUndo,
            });
        };
        if !document.log.can_undo() {
            let older = self.recall(active, step.seq)?;
            self.active_mut()?.log.recall(older);
        }
        let document = self.active_mut()?;
        if let Some(edit) = document.log.next_undo().filter(|e| e.voxel_count() > IN_FRAME) {
            return self.undo_in_background(active, edit);
        }
        let edit = document.log.undo(&mut document.now.marks())?.ok_or(CommandError::NothingToUndo)?;
        self.undone(active, &edit)
    }

    /// The newest step has been taken back.
    pub(super) fn undone(&mut self, id: DocumentId, edit: &Edit) -> Result<(), CommandError> {
        let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
        let of = document.timeline.next_undo().ok_or(CommandError::NothingToUndo)?.seq;
        document.timeline.undo();
        document.show(edit);
        self.append(id, Action::Undo { of });
        Ok(())
    }

    fn redo(&mut self) -> Result<(), CommandError> {
        let active = self.active.ok_or(CommandError::NoDocument)?;
        let document = self.active_mut()?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        let seq = document.timeline.next_redo().ok_or(CommandError::NothingToRedo)?.seq;
        let edit = match document.log.next_redo() {
            Some(edit) => edit,
            None => self.recall(active, seq)?,
        };
        if edit.voxel_count() > IN_FRAME {
            return self.redo_in_background(active, edit);
        }
        let document = self.active_mut()?;
        if document.log.can_redo() {
            document.log.redo(&mut document.now.marks())?;
        } else {
            document.log.replay(&mut document.now.marks(), Edit::clone(&edit))?;
        }
        self.redone(active, &edit)
    }

    /// The step that was undone last has been made again.
    pub(super) fn redone(&mut self, id: DocumentId, edit: &Edit) -> Result<(), CommandError> {
        let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
        let of = document.timeline.next_redo().ok_or(CommandError::NothingToRedo)?.seq;
        document.timeline.redo();
        document.show(edit);
        self.append(id, Action::Redo { of });
        Ok(())
    }

    /// Reads an edit that has left memory back from the project file.
    fn recall(&mut self, id: DocumentId, seq: i64) -> Result<Arc<Edit>, CommandError> {
        match self.store.edit(id, seq) {
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

impl From<EditError> for CommandError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Open => CommandError::StrokeOpen,
            EditError::NotOpen => CommandError::NoStroke,
            EditError::NotPredicted(z) => CommandError::NotPredicted { z },
            other => CommandError::Edit(other),
        }
    }
}
