use super::acceptance::Then;
use super::annotated::{Committed, Drawing, IN_FRAME};
use super::annotations::Annotations;
use super::background_edit::{Draft, Edits, Order};
use super::model_library::ModelLibrary;
use super::parts::Parts;
use super::predictions::Predictions;
use super::{AcceptScope, CommandError, DocumentId, EditCommand, NoticeLevel};
use crate::edit::{Change, EditError, Limits, Origin, Patch, Shape};
use crate::label::LabelId;
use crate::volume::Volume;
use crate::watch;
use crate::words::counted;
use std::sync::Arc;

impl Drawing {
    fn order(self, tool: String) -> Order {
        Order {
            title: tool.clone(),
            version: None,
            nothing: None,
            make: Arc::new(move |cx, volume, now| {
                let label = self.label;
                anyhow::ensure!(
                    label == 0 || now.labels.get(label).is_some(),
                    CommandError::NoSuchLabel(label)
                );
                let change = watch::under(&cx.watch(), || self.change(volume, now, tool.clone()));
                // Where it was stopped, that is said, and not that nothing was drawn.
                cx.check()?;
                Ok(Draft { changes: vec![change?], ..Draft::default() })
            }),
        }
    }
}

impl Edits {
    pub(super) fn edit(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        predictions: &mut Predictions,
        command: EditCommand,
    ) -> Result<(), CommandError> {
        match command {
            EditCommand::Begin { tool } => {
                let document = parts.documents.active_mut()?;
                document.edit()?.begin_stroke(tool)?;
                if !document.saving().is_kept() && document.project().is_some() {
                    let id = document.id();
                    // Where that fails, the stroke's own writing will say why.
                    let _ = parts.documents.store().prepare(id);
                }
                Ok(())
            }
            EditCommand::Draw { shape, label, limits } => self.draw(parts, Drawing { shape, label, limits }),
            EditCommand::Commit => {
                let document = parts.documents.active_mut()?;
                let id = document.id();
                match document.annotated_mut().open_stroke()?.commit()? {
                    Committed::Large(drawing, tool) => {
                        self.edit_in_background(parts, id, drawing.order(tool))
                    }
                    Committed::Done(entry) => {
                        entry.into_iter().for_each(|entry| parts.journal(id, entry));
                        Ok(())
                    }
                }
            }
            EditCommand::Abort => parts.documents.active_mut()?.annotated_mut().open_stroke()?.abort(),
            EditCommand::Accept { scope } => predictions.accept(parts, library, self, scope, Then::Nothing),
            EditCommand::AcceptAndVerify { z } => {
                predictions.accept(parts, library, self, AcceptScope::Slice(z), Then::Verify(z))
            }
            EditCommand::TakePart { voxel, other, take } => {
                predictions.take_part(parts, library, self, voxel, &other, take)
            }
            EditCommand::SetVerified { z, on } => {
                let document = parts.documents.active_mut()?;
                let depth = document.depth();
                if z >= depth {
                    return Err(CommandError::NoSuchSlice { z, depth });
                }
                if document.is_verified(z) == on {
                    return Ok(());
                }
                let id = document.id();
                parts.change(id, vec![Change::Verified { slice: z, on }])
            }
            EditCommand::CopySlice { from, to } => {
                let document = parts.documents.active_mut()?;
                let depth = document.depth();
                if let Some(&z) = [from, to].iter().find(|&&z| z >= depth) {
                    return Err(CommandError::NoSuchSlice { z, depth });
                }
                let (id, drawing) = (
                    document.id(),
                    Drawing { shape: Shape::CopySlice { from, to }, label: 0, limits: Limits::default() },
                );
                self.draw_as(parts, id, drawing, format!("copy slice {}", from + 1))
            }
            EditCommand::Clear { label, slice } => self.clear(parts, label, slice),
            EditCommand::Import { path } => self.import_labels(parts, path),
            EditCommand::Undo => self.undo(parts),
            EditCommand::Redo => self.redo(parts),
        }
    }

    fn draw(&mut self, parts: &mut Parts, drawing: Drawing) -> Result<(), CommandError> {
        let document = parts.documents.active_mut()?;
        let label = drawing.label;
        if label != 0 {
            let known = document.labels().get(label).ok_or(CommandError::NoSuchLabel(label))?;
            if known.locked {
                return Err(CommandError::LabelLocked(known.name.clone()));
            }
        }
        let id = document.id();
        let left = drawing.shape.leaves(document.verified());
        if left > 0 {
            let text = format!("Left as before: {}", counted(left, "verified slice"));
            parts.notices.add(NoticeLevel::Info, Some(id), text);
        }
        let document = parts.documents.active_mut()?;
        match document.stroke() {
            Some(_) => document.draw(drawing),
            None => self.draw_as(parts, id, drawing, "draw".to_owned()),
        }
    }

    /// Draws as an undo step of its own.
    fn draw_as(
        &mut self,
        parts: &mut Parts,
        id: DocumentId,
        drawing: Drawing,
        tool: String,
    ) -> Result<(), CommandError> {
        let document = parts.documents.find(id)?;
        if drawing.is_large(document.volume()) {
            return self.edit_in_background(parts, id, drawing.order(tool));
        }
        let change = drawing.change(document.volume(), document.annotated().now(), tool)?;
        parts.change(id, vec![change])
    }

    fn clear(&mut self, parts: &mut Parts, label: LabelId, slice: Option<usize>) -> Result<(), CommandError> {
        let document = parts.documents.active()?;
        let now = document.settled()?;
        let (id, depth) = (document.id(), document.depth());
        if let Some(z) = slice.filter(|&z| z >= depth) {
            return Err(CommandError::NoSuchSlice { z, depth });
        }
        let known = now.labels.get(label).ok_or(CommandError::NoSuchLabel(label))?;
        if known.locked {
            return Err(CommandError::LabelLocked(known.name.clone()));
        }
        let name = known.name.clone();
        let tool = format!("clear “{name}”");
        let patch = move |volume: &Volume, now: &Annotations| {
            let origin = Origin::Person { tool: tool.clone() };
            Patch::clear(&now.mask, volume, label, slice, &now.rules(), origin)
        };
        let [w, h, _] = document.volume().dims();
        if w * h * if slice.is_some() { 1 } else { depth } > IN_FRAME {
            let order = Order {
                title: format!("clearing “{name}”"),
                version: None,
                nothing: Some(CommandError::NothingToClear(name).to_string()),
                make: Arc::new(move |_, volume, now| {
                    Ok(Draft { changes: vec![Change::Mask(patch(volume, now))], ..Draft::default() })
                }),
            };
            return self.edit_in_background(parts, id, order);
        }
        let patch = patch(document.volume(), now);
        if patch.is_empty() {
            return Err(CommandError::NothingToClear(name));
        }
        parts.change(id, vec![Change::Mask(patch)])
    }

    fn undo(&mut self, parts: &mut Parts) -> Result<(), CommandError> {
        let document = parts.documents.active_mut()?;
        let id = document.id();
        let step = document.edit()?.step_to_undo()?;
        let edit = match document.annotated().history().edit_to_undo() {
            Some(edit) => edit,
            None => {
                let older = parts.recall(id, step.seq)?;
                parts.documents.find_mut(id)?.edit()?.recall(Arc::clone(&older));
                older
            }
        };
        if edit.voxel_count() > IN_FRAME {
            return self.undo_in_background(parts, id, edit);
        }
        let entry = parts.documents.find_mut(id)?.edit()?.undo()?;
        parts.undone_or_redone(id, entry, &edit);
        Ok(())
    }

    fn redo(&mut self, parts: &mut Parts) -> Result<(), CommandError> {
        let document = parts.documents.active_mut()?;
        let id = document.id();
        let step = document.edit()?.step_to_redo()?;
        let edit = match document.annotated().history().edit_to_redo() {
            Some(edit) => edit,
            None => parts.recall(id, step.seq)?,
        };
        if edit.voxel_count() > IN_FRAME {
            return self.redo_in_background(parts, id, edit);
        }
        let entry = parts.documents.find_mut(id)?.edit()?.redo(&edit)?;
        parts.undone_or_redone(id, entry, &edit);
        Ok(())
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
