//! What each command does.

use super::Workspace;
use crate::engine::{JobId, run_folder};
use crate::io::OpenOptions;
use crate::workspace::opening::lasting;
use crate::workspace::training::TrainingRuns;
use crate::workspace::{
    Command, CommandError, DocumentId, ModelCommand, NoticeLevel, OtherImageAnswer, ProjectCommand,
};
use std::path::PathBuf;

impl Workspace {
    /// Carries a command out, or changes nothing. What takes time goes on in the background.
    pub fn apply(&mut self, command: Command) -> Result<(), CommandError> {
        let kept = self.recording.is_some().then(|| command.clone());
        let Self { parts, library, predictions, edits, effects, training, .. } = self;
        match command {
            Command::Open(path) => {
                self.open(path, OpenOptions::default());
                Ok(())
            }
            Command::OpenWith { path, series, modality } => {
                self.open(path, OpenOptions { series, modality, as_mask: false });
                Ok(())
            }
            Command::OtherImage { opening, answer } => self.decide_on_other_image(opening, answer),
            Command::Close(id) => self.close(id, false),
            Command::CloseUnsaved(id) => self.close(id, true),
            Command::Activate(id) => {
                parts.documents.find(id)?;
                parts.documents.activate(id);
                Ok(())
            }
            Command::Effect(order) => effects.apply(parts, edits, order),
            Command::Edit(edit) => edits.edit(parts, library, predictions, edit),
            Command::Labels(change) => parts.change_labels(change),
            Command::Measure(change) => parts.change_measurements(change),
            Command::Cursor(voxel) => {
                parts.documents.active_mut()?.set_cursor(voxel);
                Ok(())
            }
            Command::Modality(modality) => library.set_modality(parts, modality, training.base()),
            Command::Model(command) => self.apply_to_model(command),
            Command::Train(command) => training.train(parts, library, command),
            Command::Project(ProjectCommand::Save) => parts.save(),
            Command::Project(ProjectCommand::Export(export)) => parts.export(export),
            Command::Project(ProjectCommand::Retry) => {
                parts.documents.retry_saving(true);
                Ok(())
            }
            Command::Project(ProjectCommand::KeepElsewhere(id)) => parts.keep_elsewhere(id),
            Command::Project(ProjectCommand::TakeBack(id, aside)) => self.take_back(id, aside),
            Command::Cancel(job) => {
                parts.jobs.engine().cancel(job);
                parts.leave_other_image(job);
                Ok(())
            }
        }?;
        if let (Some(recording), Some(command)) = (&mut self.recording, kept) {
            recording.push(command);
        }
        Ok(())
    }

    fn apply_to_model(&mut self, command: ModelCommand) -> Result<(), CommandError> {
        let Self { parts, library, predictions, training, .. } = self;
        match command {
            ModelCommand::Use { version } => {
                if let Some(version) = library.use_model(parts, version, training.base())? {
                    predictions.forget_failures(&version);
                }
                Ok(())
            }
            ModelCommand::Import { path } => library.import_model(parts, path),
            ModelCommand::Fresh { network } => library.use_fresh(parts, &network),
            ModelCommand::PredictAll => predictions.predict_all(parts, library, None),
            ModelCommand::PredictAllBy { version } => {
                predictions.predict_all(parts, library, Some(version.as_str().into()))
            }
            ModelCommand::LeaveOut { structures } => {
                parts.documents.active_mut()?.leave_out(structures);
                Ok(())
            }
            ModelCommand::RollBack => library.roll_back(parts, training.base()),
        }
    }

    fn open(&mut self, path: PathBuf, options: OpenOptions) {
        let path = lasting(path);
        let plain = options.series.is_none() && options.modality.is_none();
        let known = self.parts.documents.has_source(&path);
        match plain && !known && run_folder::is_run(&path) {
            true => TrainingRuns::read_folder(&mut self.parts, path),
            false => self.parts.open(path, options),
        }
    }

    /// The person has said what becomes of a project file that was made on another image.
    fn decide_on_other_image(&mut self, job: JobId, answer: OtherImageAnswer) -> Result<(), CommandError> {
        let interrupted = self.parts.decide_on_other_image(&mut self.library, job, answer)?;
        interrupted.into_iter().for_each(|run| self.training.on_interrupted(run));
        Ok(())
    }

    /// `unsaved`: whatever of it is lost.
    fn close(&mut self, id: DocumentId, unsaved: bool) -> Result<(), CommandError> {
        // What the project file has to say of it comes first.
        let settled = self.settle(id);
        self.parts.documents.find(id)?.settled()?;
        if self.training.under_way().is_some_and(|t| t.uses(id)) {
            return Err(CommandError::TrainingRunning);
        }
        if let Some(risk) = self.risks_of(id).into_iter().next().filter(|_| !unsaved) {
            return Err(CommandError::NotSafe(risk));
        }
        if settled {
            self.training.forget_checkpoint(id);
        }
        self.predictions.forget_document(id, &self.parts);
        self.edits.forget_document(id, &self.parts.jobs);
        self.effects.forget_document(id, &self.parts);
        let last = self.parts.documents.remove(id).and_then(|document| document.last_snapshot());
        self.parts.documents.store().close(id, last)?;
        self.parts.notices.forget_document(id);
        self.library.forget_document(id);
        self.training.forget_document(id);
        Ok(())
    }

    /// Opens the image again with annotations of it that were set aside; those that are shown now are set aside.
    fn take_back(&mut self, id: DocumentId, aside: usize) -> Result<(), CommandError> {
        let document = self.parts.documents.find(id)?;
        let aside = document.asides().get(aside).ok_or(CommandError::NothingAsked)?.path.clone();
        let project = document.project().ok_or(CommandError::NothingAsked)?.to_owned();
        let series = document.series().iter().find(|series| series.shown).map(|series| series.id.clone());
        let image = if series.is_some() { document.opened() } else { document.source() }.to_owned();
        self.close(id, false)?;
        if let Err(e) = self.parts.documents.store().take_back(project, aside.clone()) {
            let text = format!("{} was not opened: {e}", aside.display());
            self.parts.notices.add(NoticeLevel::Error, None, text);
        }
        self.open(image, OpenOptions { series, ..OpenOptions::default() });
        Ok(())
    }
}
