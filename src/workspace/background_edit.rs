//! Edits that take longer than a frame. They are computed on the worker pool from a copy of the annotations, and applied as
//! one step if the document's revision is unchanged; otherwise they are computed again. An undo is abandoned with a notice.

use super::jobs::{JobResult, Jobs};
use super::parts::Parts;
use super::{Annotations, CommandError, DocumentId, NoticeLevel};
use crate::edit::{Change, Edit};
use crate::engine::{JobContext, JobId, Version};
use crate::volume::Volume;
use std::sync::Arc;

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

/// A large edit of a document.
struct BackgroundEdit {
    document: DocumentId,
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

impl Finished {
    /// `revision`: of the document from which the edit was made; `after`: its annotations once the edit is made.
    pub fn new(revision: u64, edit: Edit, after: Annotations) -> Self {
        Self { revision, edit: Arc::new(edit), after, warnings: Vec::new() }
    }
}

impl BackgroundEdit {
    /// The job that has to end before it goes on.
    fn job(&self) -> Option<JobId> {
        match &self.stage {
            Stage::Running(job) => Some(*job),
            Stage::Waiting | Stage::Finished(_) => None,
        }
    }
}

/// Changes masks and labels: at once where that is quick, otherwise in the background. Holds the large edits under way.
#[derive(Default)]
pub(super) struct Edits {
    edits: Vec<BackgroundEdit>,
}

impl Edits {
    pub fn has_background_edit(&self, document: DocumentId) -> bool {
        self.edits.iter().any(|m| m.document == document)
    }

    pub fn edit_in_background(
        &mut self,
        parts: &mut Parts,
        document: DocumentId,
        order: Order,
    ) -> Result<(), CommandError> {
        let work = Work::Make(order);
        if self.has_background_edit(document) {
            self.edits.push(BackgroundEdit { document, work, stage: Stage::Waiting });
            return Ok(());
        }
        self.start_background_edit(parts, document, work)
    }

    /// Applies an edit that is there already, of the document as it is now.
    pub fn take_in(
        &mut self,
        parts: &mut Parts,
        document: DocumentId,
        order: Order,
        finished: Finished,
    ) -> Result<(), CommandError> {
        let edit =
            BackgroundEdit { document, work: Work::Make(order), stage: Stage::Finished(Box::new(finished)) };
        self.poll_background_edit(parts, edit)
    }

    pub fn undo_in_background(
        &mut self,
        parts: &mut Parts,
        document: DocumentId,
        edit: Arc<Edit>,
    ) -> Result<(), CommandError> {
        self.start_background_edit(parts, document, Work::Undo(edit))
    }

    pub fn redo_in_background(
        &mut self,
        parts: &mut Parts,
        document: DocumentId,
        edit: Arc<Edit>,
    ) -> Result<(), CommandError> {
        self.start_background_edit(parts, document, Work::Redo(edit))
    }

    fn start_background_edit(
        &mut self,
        parts: &mut Parts,
        id: DocumentId,
        work: Work,
    ) -> Result<(), CommandError> {
        if self.has_background_edit(id) {
            return Err(CommandError::EditRunning);
        }
        let document = parts.documents.find(id)?;
        let (volume, revision) = (document.volume().clone(), document.revision());
        let now = document.annotated().now().clone();
        let title = work.title().to_owned();
        let its_work = work.clone();
        let job = parts.jobs.run(title, Some(id), move |cx| {
            its_work.carry_out(cx, &volume, revision, now).map(JobResult::Edited)
        });
        self.edits.push(BackgroundEdit { document: id, work, stage: Stage::Running(job) });
        Ok(())
    }

    pub fn on_background_edit(&mut self, job: JobId, finished: Finished) {
        if let Some(edit) = self.edits.iter_mut().find(|m| m.job() == Some(job)) {
            edit.stage = Stage::Finished(Box::new(finished));
        }
    }

    /// Applies what is ready, or has it computed again where the document has changed meanwhile.
    pub fn poll_background_edits(&mut self, parts: &mut Parts) {
        for edit in std::mem::take(&mut self.edits) {
            let id = edit.document;
            if let Err(e) = self.poll_background_edit(parts, edit) {
                parts.notices.add(NoticeLevel::Warning, Some(id), e.to_string());
            }
        }
    }

    fn poll_background_edit(
        &mut self,
        parts: &mut Parts,
        BackgroundEdit { document: id, work, stage }: BackgroundEdit,
    ) -> Result<(), CommandError> {
        let Some(document) = parts.documents.get(id) else { return Ok(()) };
        let finished = match stage {
            Stage::Finished(finished) if document.settled().is_ok() => finished,
            Stage::Waiting if !self.has_background_edit(id) => {
                return self.start_background_edit(parts, id, work);
            }
            stage => {
                self.edits.push(BackgroundEdit { document: id, work, stage });
                return Ok(());
            }
        };
        if let Work::Make(Order { version: Some(version), .. }) = &work
            && !parts.still_uses(id, version)
        {
            return Ok(());
        }
        let stands = parts.documents.get(id).is_some_and(|d| d.revision() == finished.revision);
        match work {
            Work::Make(_) if !stands => self.start_background_edit(parts, id, work),
            Work::Make(order) => self.apply_finished(parts, id, order, *finished),
            Work::Undo(_) | Work::Redo(_) if !stands => Err(CommandError::EditedMeanwhile),
            Work::Undo(_) => {
                let entry = parts.documents.find_mut(id)?.edit()?.adopt_undo(finished.after)?;
                parts.undone_or_redone(id, entry, &finished.edit);
                Ok(())
            }
            Work::Redo(_) => {
                let settled = parts.documents.find_mut(id)?.edit()?;
                let entry = settled.adopt_redo(finished.after, &finished.edit)?;
                parts.undone_or_redone(id, entry, &finished.edit);
                Ok(())
            }
        }
    }

    fn apply_finished(
        &mut self,
        parts: &mut Parts,
        id: DocumentId,
        order: Order,
        finished: Finished,
    ) -> Result<(), CommandError> {
        for warning in finished.warnings {
            parts.notices.add(NoticeLevel::Warning, Some(id), format!("{}: {warning}", order.title));
        }
        if finished.edit.is_empty() {
            if let Some(text) = order.nothing {
                parts.notices.add(NoticeLevel::Warning, Some(id), text);
            }
            return Ok(());
        }
        let entry = parts.documents.find_mut(id)?.edit()?.adopt(finished.after, finished.edit)?;
        parts.journal(id, entry);
        Ok(())
    }

    /// A job has ended without a result.
    pub fn on_job_ended(&mut self, job: JobId) {
        self.edits.retain(|edit| edit.job() != Some(job));
    }

    /// A document is closed.
    pub fn forget_document(&mut self, document: DocumentId, jobs: &Jobs) {
        for edit in self.edits.extract_if(.., |edit| edit.document == document) {
            edit.job().into_iter().for_each(|job| jobs.engine().cancel(job));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }
}

impl Parts {
    /// A prediction's base must still be the model in use.
    pub fn still_uses(&mut self, id: DocumentId, version: &Version) -> bool {
        let Some(document) = self.documents.get(id) else { return false };
        let current = document.model() == Some(version);
        if !current {
            let text = "The prediction was not accepted: another model is in use now";
            self.notices.add(NoticeLevel::Warning, Some(id), text);
        }
        current
    }
}
