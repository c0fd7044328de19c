//! How a run begins: what it learns from and who judges, and the network that is built for it.

use super::listing::{self, TrainingImage, labels_on};
use super::run::Beginning;
use super::{Curves, RunPlan, SliceRef, StartFrom, TrainingRuns, TrainingState, training_set};
use crate::engine::{JobId, LoadedModel, Version};
use crate::time::now_ms;
use crate::workspace::model_library::ModelLibrary;
use crate::workspace::parts::Parts;
use crate::workspace::{CommandError, DocumentId, NoticeLevel, TrainOptions};

/// A run that begins as soon as its network has been built.
pub(super) struct Building {
    job: JobId,
    home: DocumentId,
    options: TrainOptions,
}

impl Building {
    pub fn is(&self, job: JobId) -> bool {
        self.job == job
    }
}

impl TrainingRuns {
    /// Whether a network is being built for a run that begins then.
    pub fn is_building(&self) -> bool {
        self.building.is_some()
    }

    pub(super) fn start(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        options: TrainOptions,
    ) -> Result<(), CommandError> {
        if self.under_way().is_some() || self.is_building() {
            return Err(CommandError::TrainingRunning);
        }
        let document = parts.documents.active()?;
        let home = document.id();
        let Some(network) = &options.network else {
            let base = document.model().cloned().ok_or(CommandError::NoModel)?;
            return self.start_from(parts, library, home, base, options);
        };
        if let Some(predictor) = document.predictor().cloned() {
            // It is there then, to be compared with.
            library.ensure_loaded(parts, &predictor);
        }
        let labels = listing::painted(&parts.documents, home, &images_of(home, &options));
        let labels = labels.ok_or_else(|| {
            let missing = "no verified slice shows a label; paint one completely and mark it as verified";
            CommandError::NothingToTrain(missing.to_owned())
        })?;
        let job = library.build_fresh(parts, home, network, labels, None)?;
        self.building = Some(Building { job, home, options });
        Ok(())
    }

    /// A model has been loaded: a run may have waited for it.
    pub fn on_model_loaded(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        job: JobId,
        model: &LoadedModel,
    ) {
        let Some(Building { home, options, .. }) = self.building.take_if(|building| building.is(job)) else {
            return;
        };
        if let Err(e) = self.start_from(parts, library, home, model.version(), options) {
            library.give_back_untrained(parts, model.version(), self.base());
            parts.notices.add(NoticeLevel::Error, Some(home), format!("Learning did not begin: {e}"));
        }
    }

    fn start_from(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        home: DocumentId,
        base: Version,
        options: TrainOptions,
    ) -> Result<(), CommandError> {
        let ids = images_of(home, &options);
        let untrained = library.find(&base).is_some_and(|model| model.is_untrained());
        for &id in &ids {
            let document = parts.documents.find(id)?;
            if !untrained && document.model() != Some(&base) {
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
        let (document, apart) = (parts.documents.find(home)?, !judges.is_empty());
        let start = match options.network.as_deref().and_then(crate::nn::find) {
            Some(spec) => StartFrom::Fresh(spec.id),
            None => StartFrom::InUse,
        };
        let warnings = listing::warnings_of(document, library, start, &listed, options.unlabelled, apart);
        let earlier = document.predictor().map(|version| version.to_string());
        // Numbers of documents mean nothing to those who read the run later.
        let options = TrainOptions { images: Vec::new(), judges: Vec::new(), ..options };
        let plan = RunPlan { options, learned_from, held_out, images, warnings, earlier };
        let (started_ms, curves) = (now_ms(), Curves::default());
        self.start_run(parts, library, Beginning { home, base, plan, started_ms, curves, resume: false })?;
        if let Some(given_up) = self.interrupted.take_if(|i| i.document == home) {
            self.give_up(parts, given_up);
        }
        Ok(())
    }

    /// Another run from the candidate, which is left as it is, with the same slices on both sides.
    pub(super) fn learn_on(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
    ) -> Result<(), CommandError> {
        let none = || CommandError::NoTraining("waiting for a decision");
        let training = self.current.as_mut().filter(|t| t.state == TrainingState::Finished);
        let training = training.ok_or_else(none)?;
        let candidate = training.candidate.as_ref().ok_or_else(none)?;
        let home = training.documents.first().copied().ok_or_else(none)?;
        let plan = RunPlan {
            options: training.options.clone(),
            learned_from: training.learned_from.clone(),
            held_out: training.held_out.clone(),
            images: training.images.clone(),
            warnings: training.warnings.clone(),
            earlier: training.earlier.as_ref().map(|version| version.to_string()),
        };
        let base = Version::from(candidate.card.version.as_str());
        training.state = TrainingState::Discarded;
        self.keep_run(parts);
        let (started_ms, curves) = (now_ms(), Curves::default());
        let beginning = Beginning { home, base, plan, started_ms, curves, resume: false };
        let begun = self.start_run(parts, library, beginning);
        if let (Err(_), Some(training)) = (&begun, &mut self.current) {
            training.state = TrainingState::Finished;
            self.keep_run(parts);
        }
        begun
    }
}

/// The images of a run, each once.
fn images_of(home: DocumentId, options: &TrainOptions) -> Vec<DocumentId> {
    let mut ids = match options.images.is_empty() {
        true => vec![home],
        false => options.images.clone(),
    };
    ids.sort_unstable();
    ids.dedup();
    ids
}
