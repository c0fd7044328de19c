use super::annotations::title;
use super::journal::Step;
use super::store::{Action, Entry, StoreError, Write};
use super::{CommandError, Document, DocumentId, EditCommand, NoticeLevel, Workspace};
use crate::edit::{Change, Edit, EditError, Limits, Origin, Patch, Shape};
use crate::label::LabelId;
use std::sync::Arc;

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
                    let _ = self.store.prepare(id.0);
                }
                Ok(())
            }
            EditCommand::Draw { shape, label, limits } => self.draw(&shape, label, limits),
            EditCommand::Commit => {
                let document = self.active_mut()?;
                document.tool.take().ok_or(CommandError::NoStroke)?;
                let edit = document.log.commit();
                let id = document.id;
                self.journal(id, edit)
            }
            EditCommand::Abort => {
                let document = self.active_mut()?;
                document.tool.take().ok_or(CommandError::NoStroke)?;
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
                let patch = Patch::draw(
                    &document.now.mask,
                    &document.volume,
                    &Shape::CopySlice { from, to },
                    0,
                    &document.now.rules(),
                    Origin::Person { tool: format!("copy slice {}", from + 1) },
                );
                let id = document.id;
                self.change(id, vec![Change::Mask(patch)])
            }
            EditCommand::Import { path } => self.import_labels(path),
            EditCommand::Undo => self.undo(),
            EditCommand::Redo => self.redo(),
        }
    }

    fn draw(&mut self, shape: &Shape, label: LabelId, limits: Limits) -> Result<(), CommandError> {
        let document = self.active_mut()?;
        if label != 0 {
            let known = document.now.labels.get(label).ok_or(CommandError::NoSuchLabel(label))?;
            if known.locked {
                return Err(CommandError::LabelLocked(known.name.clone()));
            }
        }
        let tool = document.tool.clone().unwrap_or_else(|| "draw".to_owned());
        let rules = document.now.rules().with_limits(limits);
        let (mask, volume) = (&document.now.mask, &document.volume);
        let change = Change::Mask(Patch::draw(mask, volume, shape, label, &rules, Origin::Person { tool }));
        if document.tool.is_some() {
            document.log.extend(&mut document.now.marks(), change)?;
            document.revision += 1;
            return Ok(());
        }
        let id = document.id;
        self.change(id, vec![change])
    }

    /// Makes changes as one undo step, all or none.
    pub(super) fn change(&mut self, id: DocumentId, changes: Vec<Change>) -> Result<(), CommandError> {
        let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        document.log.begin()?;
        for change in changes {
            if let Err(reason) = document.log.extend(&mut document.now.marks(), change) {
                document.log.abort(&mut document.now.marks())?;
                return Err(reason.into());
            }
        }
        let edit = document.log.commit();
        self.journal(id, edit)
    }

    /// Hands a finished edit to the project file.
    fn journal(&mut self, id: DocumentId, edit: Option<Arc<Edit>>) -> Result<(), CommandError> {
        let Some(edit) = edit else { return Ok(()) };
        let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
        document.timeline.push(Step { seq: document.last_seq + 1, title: title(&edit) });
        self.append(id, Action::Do(edit));
        Ok(())
    }

    fn append(&mut self, id: DocumentId, action: Action) {
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
        self.write(id, Write::Entry(entry));
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
        let edit = document.log.undo(&mut document.now.marks())?.ok_or(CommandError::NothingToUndo)?;
        document.timeline.undo();
        document.show(&edit);
        self.append(active, Action::Undo { of: step.seq });
        Ok(())
    }

    fn redo(&mut self) -> Result<(), CommandError> {
        let active = self.active.ok_or(CommandError::NoDocument)?;
        let document = self.active_mut()?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        let step = document.timeline.next_redo().cloned().ok_or(CommandError::NothingToRedo)?;
        let edit = if document.log.can_redo() {
            document.log.redo(&mut document.now.marks())?
        } else {
            let edit = self.recall(active, step.seq)?;
            let document = self.active_mut()?;
            document.log.replay(&mut document.now.marks(), Edit::clone(&edit))?
        };
        let edit = edit.ok_or(CommandError::NothingToRedo)?;
        let document = self.active_mut()?;
        document.timeline.redo();
        document.show(&edit);
        self.append(active, Action::Redo { of: step.seq });
        Ok(())
    }

    /// Reads an edit that has left memory back from the project file.
    fn recall(&mut self, id: DocumentId, seq: i64) -> Result<Arc<Edit>, CommandError> {
        match self.store.edit(id.0, seq) {
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
