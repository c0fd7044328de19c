//! Edits that take longer than a frame. They are computed on the worker pool from a copy of the annotations, and applied as
//! one step if the document's revision is unchanged; otherwise they are computed again. An undo is abandoned with a notice.

use super::jobs::JobResult;
use super::{Annotations, CommandError, DocumentId, NoticeLevel, Workspace};
use crate::edit::{Change, Edit};
use crate::engine::{JobContext, JobId, Version};
use crate::volume::Volume;
use std::sync::Arc;

/// An edit that touches no more voxels than this is made in the frame that asks for it, in about a millisecond.
pub(super) const IN_FRAME: usize = 1 << 17;

/// Changes that were computed on the worker pool, and what there is to say of them.
#[derive(Default)]
pub(super) struct Draft {
    pub changes: Vec<Change>,
    pub warnings: Vec<String>,
}

type Make = dyn Fn(&JobContext, &Volume, &Annotations) -> anyhow::Result<Draft> + Send + Sync;

/// A large edit that someone wants.
#[derive(Clone)]
pub(super) struct Order {
    /// "accepting the prediction"
    pub title: String,
    /// The model that must still be in use when the edit is there.
    pub version: Option<Version>,
    /// What to say where nothing changes.
    pub nothing: Option<String>,
    /// May be called again where the document has changed meanwhile.
    pub make: Arc<Make>,
}

#[derive(Clone)]
enum Work {
    Make(Order),
    Undo(Arc<Edit>),
    Redo(Arc<Edit>),
}

impl Work {
    fn title(&self) -> &str {
        match self {
            Work::Make(order) => &order.title,
            Work::Undo(_) => "undoing a large change",
            Work::Redo(_) => "redoing a large change",
        }
    }

    fn carry_out(
        &self,
        cx: &JobContext,
        volume: &Volume,
        revision: u64,
        now: Annotations,
    ) -> anyhow::Result<Finished> {
        let mut after = now;
        let (edit, warnings) = match self {
            Work::Make(order) => {
                let draft = (order.make)(cx, volume, &after)?;
                cx.check()?;
                let edit: Edit =
                    draft.changes.into_iter().flat_map(|change| after.with_marks(change)).collect();
                edit.apply(&mut after.marks())?;
                (Arc::new(edit), draft.warnings)
            }
            Work::Undo(edit) => {
                edit.revert(&mut after.marks())?;
                (Arc::clone(edit), Vec::new())
            }
            Work::Redo(edit) => {
                edit.apply(&mut after.marks())?;
                (Arc::clone(edit), Vec::new())
            }
        };
        cx.check()?;
        Ok(Finished { revision, edit, after, warnings })
    }
}

/// A large edit on its way into a document.
pub(super) struct BackgroundEdit {
    pub document: DocumentId,
    work: Work,
    stage: Stage,
}

enum Stage {
    /// Another is ahead of it.
    Waiting,
    Running(JobId),
    /// It is there, and waits for the person's stroke to end.
    Finished(Box<Finished>),
}

/// An edit, and the annotations that it leaves behind.
pub(super) struct Finished {
    /// That of the document from which it was computed.
    revision: u64,
    edit: Arc<Edit>,
    after: Annotations,
    warnings: Vec<String>,
}

impl BackgroundEdit {
    /// The job that has to end before it goes on.
    pub fn job(&self) -> Option<JobId> {
        match &self.stage {
            Stage::Running(job) => Some(*job),
            Stage::Waiting | Stage::Finished(_) => None,
        }
    }
}

impl Workspace {
    pub(super) fn has_background_edit(&self, document: DocumentId) -> bool {
        self.background_edits.iter().any(|m| m.document == document)
    }

    pub(super) fn edit_in_background(
        &mut self,
        document: DocumentId,
        order: Order,
    ) -> Result<(), CommandError> {
        let work = Work::Make(order);
        if self.has_background_edit(document) {
            self.background_edits.push(BackgroundEdit { document, work, stage: Stage::Waiting });
            return Ok(());
        }
        self.start_background_edit(document, work)
    }

    pub(super) fn undo_in_background(
        &mut self,
        document: DocumentId,
        edit: Arc<Edit>,
    ) -> Result<(), CommandError> {
        self.start_background_edit(document, Work::Undo(edit))
    }

    pub(super) fn redo_in_background(
        &mut self,
        document: DocumentId,
        edit: Arc<Edit>,
    ) -> Result<(), CommandError> {
        self.start_background_edit(document, Work::Redo(edit))
    }

    fn start_background_edit(&mut self, id: DocumentId, work: Work) -> Result<(), CommandError> {
        if self.has_background_edit(id) {
            return Err(CommandError::EditRunning);
        }
        let document = self.document(id).ok_or(CommandError::UnknownDocument(id))?;
        let (volume, revision, now) = (document.volume.clone(), document.revision, document.now.clone());
        let title = work.title().to_owned();
        let its_work = work.clone();
        let job = self.jobs.run(title, Some(id), move |cx| {
            its_work.carry_out(cx, &volume, revision, now).map(JobResult::Edited)
        });
        self.background_edits.push(BackgroundEdit { document: id, work, stage: Stage::Running(job) });
        Ok(())
    }

    pub(super) fn on_background_edit(&mut self, job: JobId, finished: Finished) {
        if let Some(edit) = self.background_edits.iter_mut().find(|m| m.job() == Some(job)) {
            edit.stage = Stage::Finished(Box::new(finished));
        }
    }

    /// Applies what is ready, or has it computed again where the document has changed meanwhile.
    pub(super) fn poll_background_edits(&mut self) {
        for edit in std::mem::take(&mut self.background_edits) {
            let id = edit.document;
            if let Err(e) = self.poll_background_edit(edit) {
                self.notices.add(NoticeLevel::Warning, Some(id), e.to_string());
            }
        }
    }

    fn poll_background_edit(
        &mut self,
        BackgroundEdit { document: id, work, stage }: BackgroundEdit,
    ) -> Result<(), CommandError> {
        let Some(document) = self.document(id) else { return Ok(()) };
        let finished = match stage {
            Stage::Finished(finished) if document.tool.is_none() => finished,
            Stage::Waiting if !self.has_background_edit(id) => return self.start_background_edit(id, work),
            stage => {
                self.background_edits.push(BackgroundEdit { document: id, work, stage });
                return Ok(());
            }
        };
        if let Work::Make(Order { version: Some(version), .. }) = &work
            && !self.still_uses(id, version)
        {
            return Ok(());
        }
        let stands = self.document(id).is_some_and(|d| d.revision == finished.revision);
        match work {
            Work::Make(_) if !stands => self.start_background_edit(id, work),
            Work::Make(order) => self.apply_finished(id, order, *finished),
            Work::Undo(_) | Work::Redo(_) if !stands => Err(CommandError::EditedMeanwhile),
            Work::Undo(_) => {
                let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
                document.now = finished.after;
                document.log.step_back();
                self.undone(id, &finished.edit)
            }
            Work::Redo(_) => {
                let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
                match document.log.can_redo() {
                    true => document.log.step_forward(),
                    // Read back from the project file.
                    false => document.log.adopt(Arc::clone(&finished.edit))?,
                }
                document.now = finished.after;
                self.redone(id, &finished.edit)
            }
        }
    }

    fn apply_finished(
        &mut self,
        id: DocumentId,
        order: Order,
        finished: Finished,
    ) -> Result<(), CommandError> {
        for warning in finished.warnings {
            self.notices.add(NoticeLevel::Warning, Some(id), format!("{}: {warning}", order.title));
        }
        if finished.edit.is_empty() {
            if let Some(text) = order.nothing {
                self.notices.add(NoticeLevel::Warning, Some(id), text);
            }
            return Ok(());
        }
        let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
        document.log.adopt(Arc::clone(&finished.edit))?;
        document.now = finished.after;
        self.journal(id, Some(finished.edit))
    }

    /// A prediction's base must still be the model in use.
    pub(super) fn still_uses(&mut self, id: DocumentId, version: &Version) -> bool {
        let Some(document) = self.document(id) else { return false };
        let current = document.model.as_ref() == Some(version);
        if !current {
            let text = "The prediction was not accepted: another model is in use now";
            self.notices.add(NoticeLevel::Warning, Some(id), text);
        }
        current
    }
}
