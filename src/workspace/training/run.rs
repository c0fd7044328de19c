//! A run's life: started, paused, resumed, decided on.

use super::listing;
use super::{
    Curves, Interrupted, MAX_VALIDATIONS, RunPlan, Training, TrainingRun, TrainingRuns, TrainingState,
    Validation, training_set,
};
use crate::engine::{About, Checkpoints, Event, JobId, TrainData, TrainRequest, Version};
use crate::nn::train::TrainConfig;
use crate::time::{now_ms, now_text};
use crate::workspace::documents::Documents;
use crate::workspace::model_library::{LibraryModel, ModelLibrary, learned_title};
use crate::workspace::notice::Cause;
use crate::workspace::parts::Parts;
use crate::workspace::store::{RunState, Write};
use crate::workspace::{CommandError, Document, DocumentId, ModelOrigin, NoticeLevel, TrainCommand};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A checkpoint after this many steps; a crash costs no more than these.
const CHECKPOINT_EVERY: u64 = 25;

/// What a run starts from.
pub(super) struct Beginning {
    /// The document in whose project file it is kept first.
    pub home: DocumentId,
    pub base: Version,
    pub plan: RunPlan,
    /// Unix time in milliseconds.
    pub started_ms: i64,
    /// Those of a run that is resumed.
    pub curves: Curves,
    /// From its last checkpoint.
    pub resume: bool,
}

impl TrainingRuns {
    pub fn train(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        command: TrainCommand,
    ) -> Result<(), CommandError> {
        match command {
            TrainCommand::Start(options) => self.start(parts, library, options),
            TrainCommand::LearnOn => self.learn_on(parts, library),
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

    /// An interrupted run will not be resumed.
    pub(super) fn give_up(&mut self, parts: &mut Parts, Interrupted { document, mut run }: Interrupted) {
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

    pub(super) fn start_run(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        Beginning { home, base, mut plan, started_ms, curves, resume }: Beginning,
    ) -> Result<(), CommandError> {
        let unknown = || CommandError::UnknownModel(base.to_string());
        let card = Arc::clone(&library.find(&base).ok_or_else(unknown)?.card);
        // One of volumes, or that cannot be loaded any more, is not compared with.
        let comparable = |m: &LibraryModel| !m.is_untrained() && !m.is_of_volumes() && !m.has_failed();
        let earlier = plan.earlier.take().filter(|v| library.find(v).is_some_and(comparable));
        let earlier = earlier.map(Version::from);
        let mut is_there = library.ensure_loaded(parts, &base);
        if let Some(earlier) = &earlier {
            // The engine loads what it has been asked for before it trains. Only a project file has to be waited for.
            let loaded = library.ensure_loaded(parts, earlier);
            let kept = |m: &LibraryModel| matches!(m.origin, ModelOrigin::Project(_));
            is_there &= loaded || !library.find(earlier).is_some_and(kept);
        }
        if !is_there {
            return Err(CommandError::NothingToTrain(
                "the model is still being loaded; try again in a moment".into(),
            ));
        }
        library.keep_untrained(parts, home, &base);
        let unlabelled = plan.options.unlabelled;
        let learned = training_set::of(&parts.documents, &card, &plan.learned_from, unlabelled)?;
        let measured = training_set::of(&parts.documents, &card, &plan.held_out, unlabelled)?;
        let (samples, held_out) = (learned.samples, measured.samples);
        let held_out_in = measured.documents.clone();
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
            earlier: earlier.clone(),
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
        let replaced = self.current.take();
        if let Some(replaced) = replaced.filter(|old| old.base != base) {
            library.give_back_untrained(parts, replaced.base, Some(&base));
        }
        self.current = Some(Training {
            job,
            started_ms,
            documents: all,
            base,
            earlier,
            options: plan.options,
            learned_from: plan.learned_from,
            held_out: plan.held_out,
            images: plan.images,
            warnings: plan.warnings,
            held_out_samples,
            held_out_in,
            earlier_dice: BTreeMap::new(),
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
            Event::TrainEarlier { per_label, .. } => training.earlier_dice.clone_from(per_label),
            Event::TrainValidated { step, dice, per_label, predicted, .. } => {
                let validations = &mut training.validations;
                validations.retain(|v| v.step < *step);
                validations.push(Validation {
                    step: *step,
                    at_ms: now_ms(),
                    dice: *dice,
                    per_label: per_label.clone(),
                    predicted: predicted.clone(),
                });
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

    /// Everything of this document is in its project file: what the checkpoint of a run that has ended holds is kept there.
    pub fn forget_checkpoint(&mut self, document: DocumentId) {
        let ended = self.current.as_mut().filter(|t| t.candidate.is_some());
        if let Some(training) = ended.filter(|t| t.documents.first() == Some(&document)) {
            remove_checkpoint(training.checkpoint.take());
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
        match (adopted, base) {
            (true, base) => {
                for id in documents {
                    library.set_model(parts, id, version.clone(), base.as_deref());
                }
            }
            (false, Some(base)) => _ = go_back(parts, library, &base),
            (false, None) => {}
        }
        Ok(())
    }
}

/// Gives images that use the untrained network `base` the model back that was in use before, now that nothing has come of
/// a run from it; true where there were any. `base` stays in the library, for those who look at the run.
pub(super) fn go_back(parts: &mut Parts, library: &mut ModelLibrary, base: &str) -> bool {
    if !library.find(base).is_some_and(LibraryModel::is_untrained) {
        return false;
    }
    let uses_it = |d: &&Document| d.model().is_some_and(|model| **model == *base);
    let users: Vec<_> = (parts.documents.list().iter().filter(uses_it))
        .filter_map(|d| Some((d.id(), d.predictor()?.to_string())))
        .collect();
    for (id, version) in &users {
        library.set_model(parts, *id, Some(version.clone()), Some(base));
    }
    !users.is_empty()
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
