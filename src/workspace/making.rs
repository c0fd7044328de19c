//! Edits that take longer than a frame: made on an io thread from the document as it is, together with what it becomes,
//! and taken in at once where the document has not changed meanwhile.

use super::activity::Purpose;
use super::{Annotations, CommandError, DocumentId, NoticeLevel, Workspace};
use crate::edit::{Change, Edit};
use crate::engine::{JobContext, JobId, Version};
use crate::volume::Volume;
use std::sync::Arc;

/// An edit that touches no more voxels than this is made in the frame that asks for it, in about a millisecond.
pub(super) const IN_FRAME: usize = 1 << 17;

/// Changes that were made on an io thread, and what there is to say of them.
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
    ) -> anyhow::Result<Made> {
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
        Ok(Made { revision, edit, after, warnings })
    }
}

/// A large edit on its way into a document.
pub(super) struct Making {
    pub document: DocumentId,
    work: Work,
    stage: Stage,
}

enum Stage {
    /// Another is ahead of it.
    Waiting,
    Running(JobId),
    /// It is there, and waits for the person's stroke to end.
    Made(Box<Made>),
}

/// An edit, and the annotations that it leaves behind.
pub(super) struct Made {
    /// The document's, from which it was made.
    revision: u64,
    edit: Arc<Edit>,
    after: Annotations,
    warnings: Vec<String>,
}

impl Making {
    /// The job that has to end before it goes on.
    pub fn job(&self) -> Option<JobId> {
        match &self.stage {
            Stage::Running(job) => Some(*job),
            Stage::Waiting | Stage::Made(_) => None,
        }
    }
}

impl Workspace {
    pub(super) fn is_making(&self, document: DocumentId) -> bool {
        self.making.iter().any(|m| m.document == document)
    }

    pub(super) fn make(&mut self, document: DocumentId, order: Order) -> Result<(), CommandError> {
        let work = Work::Make(order);
        if self.is_making(document) {
            self.making.push(Making { document, work, stage: Stage::Waiting });
            return Ok(());
        }
        self.begin_work(document, work)
    }

    pub(super) fn make_undo(&mut self, document: DocumentId, edit: Arc<Edit>) -> Result<(), CommandError> {
        self.begin_work(document, Work::Undo(edit))
    }

    pub(super) fn make_redo(&mut self, document: DocumentId, edit: Arc<Edit>) -> Result<(), CommandError> {
        self.begin_work(document, Work::Redo(edit))
    }

    fn begin_work(&mut self, id: DocumentId, work: Work) -> Result<(), CommandError> {
        if self.is_making(id) {
            return Err(CommandError::EditRunning);
        }
        let document = self.document(id).ok_or(CommandError::UnknownDocument(id))?;
        let (volume, revision, now) = (document.volume.clone(), document.revision, document.now.clone());
        let title = work.title().to_owned();
        let its_work = work.clone();
        let job = self.engine.run_io(move |cx| Ok(Box::new(its_work.carry_out(cx, &volume, revision, now)?)));
        self.activities.begin(job, title, Some(id), Purpose::Own);
        self.making.push(Making { document: id, work, stage: Stage::Running(job) });
        Ok(())
    }

    pub(super) fn made(&mut self, job: JobId, made: Box<Made>) {
        if let Some(making) = self.making.iter_mut().find(|m| m.job() == Some(job)) {
            making.stage = Stage::Made(made);
        }
    }

    /// Takes in what is ready, or has it made anew where the document has changed meanwhile.
    pub(super) fn go_on_making(&mut self) {
        for making in std::mem::take(&mut self.making) {
            let id = making.document;
            if let Err(e) = self.go_on(making) {
                self.notices.add(NoticeLevel::Warning, Some(id), e.to_string());
            }
        }
    }

    fn go_on(&mut self, Making { document: id, work, stage }: Making) -> Result<(), CommandError> {
        let Some(document) = self.document(id) else { return Ok(()) };
        let made = match stage {
            Stage::Made(made) if document.tool.is_none() => made,
            Stage::Waiting if !self.is_making(id) => return self.begin_work(id, work),
            stage => {
                self.making.push(Making { document: id, work, stage });
                return Ok(());
            }
        };
        if let Work::Make(Order { version: Some(version), .. }) = &work
            && !self.still_uses(id, version)
        {
            return Ok(());
        }
        let stands = self.document(id).is_some_and(|d| d.revision == made.revision);
        match work {
            Work::Make(_) if !stands => self.begin_work(id, work),
            Work::Make(order) => self.take_in_edit(id, order, *made),
            Work::Undo(_) | Work::Redo(_) if !stands => Err(CommandError::EditedMeanwhile),
            Work::Undo(_) => {
                let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
                document.now = made.after;
                document.log.step_back();
                self.undone(id, &made.edit)
            }
            Work::Redo(_) => {
                let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
                match document.log.can_redo() {
                    true => document.log.step_forward(),
                    // Read back from the project file.
                    false => document.log.adopt(Arc::clone(&made.edit))?,
                }
                document.now = made.after;
                self.redone(id, &made.edit)
            }
        }
    }

    fn take_in_edit(&mut self, id: DocumentId, order: Order, made: Made) -> Result<(), CommandError> {
        for warning in made.warnings {
            self.notices.add(NoticeLevel::Warning, Some(id), format!("{}: {warning}", order.title));
        }
        if made.edit.is_empty() {
            if let Some(text) = order.nothing {
                self.notices.add(NoticeLevel::Warning, Some(id), text);
            }
            return Ok(());
        }
        let document = self.document_mut(id).ok_or(CommandError::UnknownDocument(id))?;
        document.log.adopt(Arc::clone(&made.edit))?;
        document.now = made.after;
        self.journal(id, Some(made.edit))
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
