//! A run's life: started, paused, resumed, decided on.

use super::listing::{self, TrainingImage, labels_on};
use super::{
    Curves, Interrupted, MAX_VALIDATIONS, RunPlan, SliceRef, Training, TrainingRun, TrainingRuns,
    TrainingState, Validation, training_set,
};
use crate::engine::{About, Checkpoints, Event, JobId, TrainData, TrainRequest, Version};
use crate::nn::train::TrainConfig;
use crate::time::{now_ms, now_text};
use crate::workspace::documents::Documents;
use crate::workspace::model_library::{ModelLibrary, learned_title};
use crate::workspace::notice::Cause;
use crate::workspace::parts::Parts;
use crate::workspace::store::{RunState, Write};
use crate::workspace::{CommandError, DocumentId, NoticeLevel, TrainCommand, TrainOptions};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A checkpoint after this many steps; a crash costs no more than these.
const CHECKPOINT_EVERY: u64 = 25;

/// What a run starts from.
struct Beginning {
    /// The document in whose project file it is kept first.
    home: DocumentId,
    base: Version,
    plan: RunPlan,
    /// Unix time in milliseconds.
    started_ms: i64,
    /// Those of a run that is resumed.
    curves: Curves,
    /// From its last checkpoint.
    resume: bool,
}

impl TrainingRuns {
    pub fn train(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        command: TrainCommand,
    ) -> Result<(), CommandError> {
        match command {
            TrainCommand::Start(options) => self.start_training(parts, library, options),
            TrainCommand::Pause => {
                let training = self.current.as_mut();
                let training = training.filter(|t| t.state == TrainingState::Running && !t.keeping);
                let training = training.ok_or(CommandError::NoTraining("under way"))?;
                training.state = TrainingState::Paused;
                training.eta_secs = None;
                parts.jobs.engine().pause(training.job, true);
                Ok(())
            }
            TrainCommand::Resume => match &mut self.current {
                Some(training) if training.state == TrainingState::Paused => {
                    training.state = TrainingState::Running;
                    parts.jobs.engine().pause(training.job, false);
                    Ok(())
                }
                _ => self.resume_interrupted(parts, library),
            },
            TrainCommand::Keep => {
                if !self.current.as_ref().is_some_and(Training::is_under_way) {
                    self.resume_interrupted(parts, library)?;
                }
                let training = self.current.as_mut().ok_or(CommandError::NoTraining("under way"))?;
                (training.state, training.keeping, training.eta_secs) = (TrainingState::Running, true, None);
                parts.jobs.engine().finish(training.job);
                Ok(())
            }
            TrainCommand::Cancel => {
                if let Some(training) = self.current.as_ref().filter(|t| t.is_under_way()) {
                    parts.jobs.engine().cancel(training.job);
                    return Ok(());
                }
                let given_up = self.interrupted.take().ok_or(CommandError::NoTraining("under way"))?;
                remove_checkpoint(checkpoint_beside(&parts.documents, given_up.document));
                self.give_up(parts, given_up);
                Ok(())
            }
            TrainCommand::Name(name) => self.name(parts, library, &name),
            TrainCommand::Adopt => self.decide(parts, library, TrainingState::Adopted),
            TrainCommand::Discard => self.decide(parts, library, TrainingState::Discarded),
        }
    }

    fn start_training(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        options: TrainOptions,
    ) -> Result<(), CommandError> {
        if self.current.as_ref().is_some_and(Training::is_under_way) {
            return Err(CommandError::TrainingRunning);
        }
        let document = parts.documents.active()?;
        let (home, version) = (document.id(), document.model().cloned().ok_or(CommandError::NoModel)?);
        let mut ids = match options.images.is_empty() {
            true => vec![home],
            false => options.images.clone(),
        };
        ids.sort_unstable();
        ids.dedup();
        for &id in &ids {
            let document = parts.documents.find(id)?;
            if document.model() != Some(&version) {
                return Err(CommandError::NothingToTrain(format!(
                    "{} does not use the model that is trained: choose it there, or leave the image out",
                    document.name()
                )));
            }
        }
        let labelled = |slice: &SliceRef| {
            let document = parts.documents.of_source(&slice.path);
            document.is_some_and(|d| !labels_on(d, slice.z).is_empty())
        };
        let judges: Vec<DocumentId> = ids.iter().copied().filter(|id| options.judges.contains(id)).collect();
        let (learned_from, held_out) = if judges.is_empty() {
            let slices = training_set::verified_slices(&parts.documents, &ids);
            training_set::split(slices, options.valid_fraction, options.seed, labelled)
        } else {
            let teachers: Vec<DocumentId> = ids.iter().copied().filter(|id| !judges.contains(id)).collect();
            let of = |ids: &[DocumentId]| {
                let mut slices = training_set::verified_slices(&parts.documents, ids);
                slices.sort();
                slices
            };
            (of(&teachers), of(&judges))
        };
        let mut images = listing::images_of(&parts.documents, &ids);
        images.retain(|image| image.slices > 0);
        let listed: Vec<&TrainingImage> = images.iter().collect();
        let (document, apart) = (parts.documents.active()?, !judges.is_empty());
        let warnings = listing::warnings_of(document, library, &listed, options.unlabelled, apart);
        // Numbers of documents mean nothing to those who read the run later.
        let options = TrainOptions { images: Vec::new(), judges: Vec::new(), ..options };
        let plan = RunPlan { options, learned_from, held_out, images, warnings };
        let (base, started_ms, curves) = (version, now_ms(), Curves::default());
        self.start_run(parts, library, Beginning { home, base, plan, started_ms, curves, resume: false })?;
        if let Some(given_up) = self.interrupted.take_if(|i| i.document == home) {
            self.give_up(parts, given_up);
        }
        Ok(())
    }

    /// An interrupted run will not be resumed.
    fn give_up(&mut self, parts: &mut Parts, Interrupted { document, mut run }: Interrupted) {
        run.state = RunState::Cancelled;
        if let Some(document) = parts.documents.get_mut(document)
            && let Some(kept) = document.runs_mut().iter_mut().find(|other| other.started_ms == run.id)
        {
            kept.state = run.state;
        }
        parts.write(document, Write::Run(run));
        parts.notices.resolve(&Cause::Interrupted(document));
    }

    /// Goes on with a run that a crash interrupted, from its last checkpoint.
    fn resume_interrupted(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
    ) -> Result<(), CommandError> {
        let Interrupted { document, run } =
            self.interrupted.as_ref().ok_or(CommandError::NoTraining("paused"))?;
        let (home, run) = (*document, run.clone());
        if !checkpoint_beside(&parts.documents, home).is_some_and(|path| is_file(&path)) {
            return Err(CommandError::NothingToTrain(
                "the interrupted run has no checkpoint beside the project file; cancel it and start another one"
                    .into(),
            ));
        }
        let unreadable = |e: serde_json::Error| {
            CommandError::NothingToTrain(format!(
                "the interrupted run's plan cannot be read ({e}); cancel it"
            ))
        };
        let plan: RunPlan = serde_json::from_str(&run.config).map_err(unreadable)?;
        let curves = serde_json::from_str(&run.curves).unwrap_or_default();
        let base = run.base_version.as_str().into();
        self.start_run(
            parts,
            library,
            Beginning { home, base, plan, started_ms: run.id, curves, resume: true },
        )?;
        if let Some(interrupted) = self.interrupted.take() {
            parts.notices.resolve(&Cause::Interrupted(interrupted.document));
        }
        Ok(())
    }

    fn start_run(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        Beginning { home, base, mut plan, started_ms, curves, resume }: Beginning,
    ) -> Result<(), CommandError> {
        let unknown = || CommandError::UnknownModel(base.to_string());
        let card = Arc::clone(&library.find(&base).ok_or_else(unknown)?.card);
        if !library.ensure_loaded(parts, &base) {
            return Err(CommandError::NothingToTrain(
                "the model is still being loaded; try again in a moment".into(),
            ));
        }
        library.keep_untrained(parts, home, &base);
        let unlabelled = plan.options.unlabelled;
        let learned = training_set::of(&parts.documents, &card, &plan.learned_from, unlabelled)?;
        let measured = training_set::of(&parts.documents, &card, &plan.held_out, unlabelled)?;
        let (samples, held_out) = (learned.samples, measured.samples);
        let left_out = [learned.left_out, measured.left_out].concat();
        if samples.is_empty() {
            let reason = match left_out.is_empty() {
                true => {
                    "mark at least one corrected slice as verified, better two: one of them is held out for comparison"
                        .to_owned()
                }
                false => format!("no pixel has a label that the network knows ({})", left_out.join("; ")),
            };
            return Err(CommandError::NothingToTrain(reason));
        }
        if let (false, false) = (left_out.is_empty(), resume) {
            let mut text = format!(
                "Left out, because no pixel has a label that the network knows: {}.",
                left_out.join("; ")
            );
            if held_out.is_empty() && !plan.held_out.is_empty() {
                text += " Nothing is kept out, so nothing will say whether the result is better.";
            }
            parts.notices.add(NoticeLevel::Warning, Some(home), text.clone());
            plan.warnings.push(text);
        }
        let mut all: Vec<DocumentId> =
            std::iter::once(home).chain(learned.documents).chain(measured.documents).collect();
        all[1..].sort_unstable();
        all.dedup();
        let mut seen = BTreeSet::new();
        all.retain(|id| seen.insert(*id));

        let checkpoint = checkpoint_beside(&parts.documents, home);
        let options = &plan.options;
        let mut config = TrainConfig::fine_tune(&card);
        config.steps = options.steps.unwrap_or(config.steps);
        config.lr = options.learning_rate.unwrap_or(config.lr);
        config.seed = options.seed;
        config.precision = options.precision;
        config.validate_every = config.validate_every.min((config.steps / 4).max(1));
        let total = config.steps;
        let learned = listing::summary(&plan.images, samples.len(), held_out.len());
        let about = About {
            title: card.is_untrained().then(|| learned_title(&card.title)),
            trained_on: Some(match card.is_untrained() {
                true => learned,
                false => format!("{}; then {learned}", card.trained_on.trim_end_matches(['.', ' '])),
            }),
            created: Some(now_text()),
            ..About::default()
        };
        let held_out_samples = held_out.clone();
        let request = TrainRequest {
            base: base.clone(),
            teacher: None,
            config,
            data: TrainData::Slices { samples, held_out },
            checkpoints: checkpoint.clone().map(|path| Checkpoints {
                path,
                every: CHECKPOINT_EVERY,
                resume,
                folder: None,
            }),
            about,
        };
        if !resume {
            // What an earlier run has left there is none of this run's.
            remove_checkpoint(checkpoint.clone());
        }
        parts.notices.resolve(&Cause::Candidate);
        let job = parts.jobs.engine().train(request);
        parts.jobs.add(job, format!("training “{}”", card.title), Some(home));
        self.current = Some(Training {
            job,
            started_ms,
            documents: all,
            base,
            options: plan.options,
            learned_from: plan.learned_from,
            held_out: plan.held_out,
            images: plan.images,
            warnings: plan.warnings,
            held_out_samples,
            validations: Vec::new(),
            step: curves.loss.last().map_or(0, |p| p[0] as u64),
            curves,
            total,
            stage: "training",
            eta_secs: None,
            keeping: false,
            state: TrainingState::Running,
            candidate: None,
            checkpoint,
        });
        self.keep_run(parts);
        Ok(())
    }

    /// Writes the run as it stands into the first document's project file.
    pub fn keep_run(&mut self, parts: &mut Parts) {
        if let Some(training) = &self.current
            && let Some(&first) = training.documents.first()
        {
            let record = training.record();
            let run = TrainingRun::of(&record);
            parts.write(first, Write::Run(record));
            if let Some(document) = parts.documents.get_mut(first) {
                document.runs_mut().retain(|other| other.started_ms != run.started_ms);
                document.runs_mut().push(run);
            }
        }
    }

    pub fn on_progress(&mut self, job: JobId, event: &Event) {
        if let Event::Progress { stage, eta_secs, .. } = event
            && let Some(training) = self.current.as_mut().filter(|t| t.job == job)
        {
            (training.stage, training.eta_secs) = (stage, *eta_secs);
        }
    }

    pub fn on_event(&mut self, parts: &mut Parts, job: JobId, event: &Event) {
        let Some(training) = self.current.as_mut().filter(|t| t.job == job) else { return };
        match event {
            Event::TrainSteps { points, .. } => {
                for point in points {
                    // A resumed run repeats the steps after its checkpoint.
                    training.curves.loss.retain(|p| p[0] < point.step as f64);
                    training.curves.loss.push([point.step as f64, f64::from(point.loss)]);
                    training.step = point.step;
                }
            }
            Event::TrainValidated { step, dice, predicted, .. } => {
                let validations = &mut training.validations;
                validations.retain(|v| v.step < *step);
                validations.push(Validation { step: *step, dice: *dice, predicted: predicted.clone() });
                let over = validations.len().saturating_sub(MAX_VALIDATIONS);
                validations.drain(..over);
                training.curves.valid_dice.retain(|p| p[0] < *step as f64);
                training.curves.valid_dice.extend(dice.map(|dice| [*step as f64, dice]));
                self.keep_run(parts);
            }
            Event::TrainSaved { .. } => self.keep_run(parts),
            Event::TrainNotSaved { reason, .. } => {
                let document = training.documents.first().copied();
                let text = format!("Training goes on, but its checkpoint was not written: {reason}");
                parts.notices.add(NoticeLevel::Warning, document, text);
            }
            Event::TrainSinglePrecision { reason, .. } => {
                let document = training.documents.first().copied();
                let text = format!("Training goes on in single precision: {reason}.");
                parts.notices.add(NoticeLevel::Info, document, text);
            }
            _ => {}
        }
    }

    /// The version that waits for a decision gets a name.
    fn name(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        name: &str,
    ) -> Result<(), CommandError> {
        let training = self.current.as_mut().filter(|t| t.state == TrainingState::Finished);
        let training = training.ok_or(CommandError::NoTraining("waiting for a decision"))?;
        let Some(candidate) = training.candidate.as_mut().filter(|_| !name.trim().is_empty()) else {
            return Ok(());
        };
        if let Some(model) = library.rename(&candidate.card.version, name.trim()) {
            candidate.card = Arc::clone(&model.card);
            for &id in &training.documents {
                parts.keep_model(id, &model);
            }
        }
        Ok(())
    }

    fn decide(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        decision: TrainingState,
    ) -> Result<(), CommandError> {
        let training = self.current.as_mut().filter(|t| t.state == TrainingState::Finished);
        let training = training.ok_or(CommandError::NoTraining("waiting for a decision"))?;
        let version = training.candidate.as_ref().map(|c| c.card.version.clone());
        let adopted = decision == TrainingState::Adopted;
        training.state = decision;
        let checkpoint = training.checkpoint.clone();
        let (documents, base) = (training.documents.clone(), Some(training.base.to_string()));
        self.keep_run(parts);
        remove_checkpoint(checkpoint);
        parts.notices.resolve(&Cause::Candidate);
        for id in documents {
            if adopted {
                library.set_model(parts, id, version.clone(), base.as_deref());
            }
        }
        Ok(())
    }
}

/// Where the checkpoint of a document's run lies: beside its project file, whatever that file says. A path that came
/// with a file must never name what is read, written or removed.
fn checkpoint_beside(documents: &Documents, document: DocumentId) -> Option<PathBuf> {
    let mut name = documents.get(document)?.project()?.to_owned().into_os_string();
    name.push(".checkpoint");
    Some(PathBuf::from(name))
}

pub(super) fn remove_checkpoint(path: Option<PathBuf>) {
    let Some(path) = path else { return };
    if let Err(e) = std::fs::remove_file(&path)
        && e.kind() != std::io::ErrorKind::NotFound
    {
        log::warn!("the checkpoint {} was not removed: {e}", path.display());
    }
}

/// A file, and no link that leads to one elsewhere.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}
