//! The workspace: its parts, and what everyone may ask of them.

use super::background_edit::Edits;
use super::comparison::{Compared, Comparing, Comparison};
use super::dismissed::Dismissed;
use super::documents::Documents;
use super::effects::{EffectOrder, EffectPreview, Effects};
use super::jobs::{Activity, Device, Jobs};
use super::model_library::{LibraryModel, ModelLibrary};
use super::notice::{Notice, Notices};
use super::parts::Parts;
use super::predictions::{Made, PredictionStatus, Predictions, SliceLabels};
use super::store::Place;
use super::surfaces::{SurfaceOf, Surfaces};
use super::training::{self, StartFrom, Training, TrainingImage, TrainingRuns};
use super::{Command, CommandError, Document, DocumentId, Export, Opening, Risk, SaveState, Unlabelled};
use crate::engine::{Engine, Predicted, SliceKey, Version, run_folder::PastRun};
use crate::label::{LabelId, Surface};
use crate::nn::train::TrainConfig;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

mod commands;
mod events;

/// How a workspace keeps things.
#[derive(Clone, Debug)]
pub struct WorkspaceOptions {
    /// Where project files are kept.
    pub place: Place,
    /// Memory for predictions.
    pub prediction_bytes: usize,
    /// Memory for undo, for each image. What is older is read back from the project file.
    pub undo_bytes: usize,
}

impl Default for WorkspaceOptions {
    fn default() -> Self {
        Self { place: Place::standard(), prediction_bytes: 512 << 20, undo_bytes: 128 << 20 }
    }
}

/// What is open.
pub struct Workspace {
    parts: Parts,
    library: ModelLibrary,
    predictions: Predictions,
    comparing: Comparing,
    surfaces: Surfaces,
    edits: Edits,
    effects: Effects,
    training: TrainingRuns,
    recording: Option<Vec<Command>>,
}

impl Workspace {
    /// A workspace that keeps project files beside their images.
    pub fn new(engine: Engine) -> std::io::Result<Self> {
        Self::with_options(engine, WorkspaceOptions::default())
    }

    pub fn with_options(engine: Engine, options: WorkspaceOptions) -> std::io::Result<Self> {
        let WorkspaceOptions { place, prediction_bytes, undo_bytes } = options;
        let notices = Notices::new(Dismissed::of(&place));
        Ok(Self {
            parts: Parts {
                documents: Documents::start(place, undo_bytes, engine.wake())?,
                jobs: Jobs::new(engine),
                notices,
            },
            library: ModelLibrary::bundled(),
            predictions: Predictions::new(prediction_bytes),
            comparing: Comparing::default(),
            surfaces: Surfaces::default(),
            edits: Edits::default(),
            effects: Effects::default(),
            training: TrainingRuns::default(),
            recording: None,
        })
    }

    pub fn documents(&self) -> &[Document] {
        self.parts.documents.list()
    }

    pub fn document(&self, id: DocumentId) -> Option<&Document> {
        self.parts.documents.get(id)
    }

    /// The document that commands act on.
    pub fn active(&self) -> Option<&Document> {
        self.parts.documents.active().ok()
    }

    /// Images that are being opened.
    pub fn openings(&self) -> &[Opening] {
        self.parts.documents.openings()
    }

    /// The models that can be used, bundled ones first.
    pub fn models(&self) -> &[LibraryModel] {
        self.library.models()
    }

    /// A model by its version, or a bundled one by its id.
    pub fn model(&self, version: &str) -> Option<&LibraryModel> {
        self.library.find(version)
    }

    /// The training run that is under way, or the last one.
    pub fn training(&self) -> Option<&Training> {
        self.training.current()
    }

    /// Training runs whose folders were opened.
    pub fn past_runs(&self) -> &[PastRun] {
        self.training.past()
    }

    /// The document whose training run was under way when the program last stopped. The run can be resumed or cancelled.
    pub fn interrupted_training(&self) -> Option<DocumentId> {
        self.training.interrupted()
    }

    /// Whether a run begins as soon as its network has been built.
    pub fn training_is_beginning(&self) -> bool {
        self.training.is_building()
    }

    /// The images that the model of the active document, or a new network in its place, could learn from: those that use it
    /// and have verified slices.
    /// Looks through their masks: for once after a change, not for every frame.
    pub fn training_images(&self) -> Vec<(DocumentId, TrainingImage)> {
        training::training_images(&self.parts.documents)
    }

    /// What a person should know before the active document's model, or a new network, learns from these images. `apart`:
    /// whole images judge, of which nothing is learned.
    pub fn training_warnings(
        &self,
        start: StartFrom,
        images: &[&TrainingImage],
        unlabelled: Unlabelled,
        apart: bool,
    ) -> Vec<String> {
        let document = self.active();
        document.map_or_else(Vec::new, |d| {
            training::warnings_of(d, &self.library, start, images, unlabelled, apart)
        })
    }

    /// What a run on the active document should start from; None without one. `painted`: the labels of its verified slices.
    pub fn recommended_start<'a>(&self, painted: impl Iterator<Item = &'a str>) -> Option<StartFrom> {
        self.active().map(|document| training::recommended(document, &self.library, painted))
    }

    /// The network that a run on the active document would train, by its id, and how, unless a person sets it otherwise.
    pub fn training_plan(&self, start: StartFrom) -> Option<(String, TrainConfig)> {
        self.active().and_then(|document| training::plan(document, &self.library, start))
    }

    /// The id of the small network for the kind of image that the active document is; None without a document.
    pub fn small_network(&self) -> Option<&'static str> {
        self.active().map(|document| training::small(document.volume().modality()))
    }

    /// How much slower this machine is than the one on which the networks were measured: 2 where it takes twice the time.
    /// None as long as the slice at the crosshair has not been predicted.
    pub fn speed(&self) -> Option<f64> {
        let document = self.active()?;
        match self.prediction_status(document.id(), document.cursor()[2]) {
            PredictionStatus::Ready(predicted) => training::speed(document, &self.library, predicted.millis),
            _ => None,
        }
    }

    /// Everything that takes time at the moment, but for what is hidden from the UI.
    pub fn activities(&self) -> impl Iterator<Item = &Activity> {
        self.parts.jobs.listed()
    }

    /// True where nothing is under way: no job, and no change on its way to the disk. For those who wait for the end.
    pub fn is_idle(&self) -> bool {
        let saving = |d: &Document| matches!(d.save_state(), SaveState::Saving(_));
        self.parts.jobs.is_empty()
            && !self.predictions.is_accepting(None)
            && self.edits.is_empty()
            && !self.documents().iter().any(saving)
    }

    /// Says what effects on a document are to be shown before they are applied; `None` for none. Newer ones take the place of
    /// those that are being made.
    pub fn want_effect(&mut self, wanted: Option<(DocumentId, EffectOrder)>) {
        self.effects.want(wanted, &self.parts);
        self.effects.poll(&mut self.parts);
    }

    /// What the effects change on a document, as far as it has been made; with it, whether it is of what is wanted now.
    pub fn effect_preview(&self) -> Option<(DocumentId, &EffectPreview, bool)> {
        self.effects.preview(&self.parts.documents)
    }

    /// Why what is wanted now has no preview.
    pub fn effect_failure(&self) -> Option<&str> {
        self.effects.failure(&self.parts.documents)
    }

    pub fn device(&self) -> &Device {
        self.parts.jobs.device()
    }

    pub fn notices(&self) -> &[Notice] {
        self.parts.notices.list()
    }

    /// The newest notice, for those who print them as they come.
    pub fn last_notice(&self) -> Option<&Notice> {
        self.notices().last()
    }

    /// Takes a notice away, unless its cause still stands. A warning of an image does not come again with the same image.
    pub fn dismiss(&mut self, notice: u64) {
        if let Some(remember) = self.parts.notices.dismiss(notice) {
            // Where it cannot be remembered it comes once more, which does no harm.
            self.engine().run(move |_| remember());
        }
    }

    /// The engine, for work that changes nothing in the workspace. Its events are the workspace's to drain.
    pub fn engine(&self) -> &Engine {
        self.parts.jobs.engine()
    }

    /// What would be lost if the program ended now; empty where it may end.
    pub fn risks(&self) -> Vec<Risk> {
        let mut risks: Vec<Risk> = self.documents().iter().flat_map(|d| self.risks_of(d.id())).collect();
        if let Some(training) = self.training.under_way() {
            let kept = self.documents().iter().any(|d| training.uses(d.id()) && d.project().is_some());
            risks.push(Risk::Training { kept });
        }
        if let Some(training) = self.training.current().filter(|t| t.is_wanted()) {
            let open: Vec<_> = self.documents().iter().filter(|d| training.uses(d.id())).collect();
            // What is closed has been asked about.
            if !open.is_empty() && open.iter().all(|d| d.project().is_none()) {
                risks.push(Risk::Learned);
            }
        }
        risks
    }

    /// What of an image would be lost if it were closed now; empty where it may be closed.
    pub fn risks_of(&self, document: DocumentId) -> Vec<Risk> {
        let changing =
            self.predictions.is_accepting(Some(document)) || self.edits.has_background_edit(document);
        self.document(document).map_or_else(Vec::new, |d| d.risks(changing))
    }

    /// The files that an export would replace and that were not written of this document since it was opened, or that
    /// somebody has changed since.
    pub fn would_replace(&self, export: &Export) -> Result<Vec<PathBuf>, CommandError> {
        self.parts.would_replace(export)
    }

    /// The prediction that may be shown on slice `z`: made from this document, by the model in use, on this slice.
    pub fn prediction(&self, document: DocumentId, z: usize) -> Option<&Predicted> {
        self.predictions.on(&self.document(document)?.base(z)?)
    }

    /// The labels of every native slice that the model in use has predicted, by slice; they are there also where the
    /// probabilities had to make room.
    pub fn predicted_slices(&self, document: DocumentId) -> Option<&BTreeMap<usize, SliceLabels>> {
        self.predictions.labels(self.document(document)?)
    }

    /// As [`Workspace::predicted_slices`], by any version.
    pub fn predicted_slices_by(
        &self,
        document: DocumentId,
        version: &Version,
    ) -> Option<&BTreeMap<usize, SliceLabels>> {
        self.predictions.labels_by(document, version)
    }

    /// The predicted labels of one slice, in the model's own ids.
    pub fn predicted_labels(&self, document: DocumentId, z: usize) -> Option<&Arc<[LabelId]>> {
        self.predictions.labels_on(self.document(document)?, z)
    }

    /// When slice `z` was predicted by the model in use, or the volume where that labels it at once; None where it is not.
    pub fn prediction_made(&self, document: DocumentId, z: usize) -> Option<Made> {
        self.predictions.made(self.document(document)?, z)
    }

    /// How many seconds a version has taken for the last volume that it labelled at once on this computer, since the program was
    /// started; None where it has not.
    pub fn seconds_of_volume(&self, version: &str) -> Option<f64> {
        self.predictions.seconds_of_volume(version)
    }

    /// The prediction by any version, where it is there.
    pub fn prediction_by(&self, document: DocumentId, version: &str, z: usize) -> Option<&Predicted> {
        self.predictions.on(&SliceKey { document, version: version.into(), z })
    }

    pub fn prediction_status(&self, document: DocumentId, z: usize) -> PredictionStatus<'_> {
        match self.document(document) {
            Some(document) => self.predictions.status(document, &self.library, z),
            None => PredictionStatus::NoModel,
        }
    }

    /// As [`Workspace::prediction_status`], by any version.
    pub fn prediction_status_by(
        &self,
        document: DocumentId,
        version: &Version,
        z: usize,
    ) -> PredictionStatus<'_> {
        let base = SliceKey { document, version: version.clone(), z };
        self.predictions.status_by(&base, &self.library)
    }

    /// The job of [`ModelCommand::PredictAll`](super::ModelCommand::PredictAll), while it is under way.
    pub fn predicting_all(&self, document: DocumentId) -> Option<&Activity> {
        let version = self.document(document)?.model()?;
        self.predicting_all_by(document, version)
    }

    /// The job of [`ModelCommand::PredictAllBy`](super::ModelCommand::PredictAllBy), while it is under way.
    pub fn predicting_all_by(&self, document: DocumentId, version: &Version) -> Option<&Activity> {
        self.parts.jobs.get(self.predictions.job_of_all(document, version)?)
    }

    /// How much each label of the document takes in the prediction of the model in use, in the unit of
    /// [`Document::label_volume`]: `None` until the whole volume is predicted and measured.
    pub fn predicted_volumes(&self, document: DocumentId) -> Option<BTreeMap<LabelId, f64>> {
        self.predictions.volumes(self.document(document)?, &self.library)
    }

    /// The classes of the model in use that are wanted and whose names are not among a document's labels: accepting its prediction adds them as
    /// new labels. None of a network that has learned nothing.
    pub fn new_labels(&self, document: DocumentId) -> Vec<&str> {
        let Some(document) = self.document(document) else { return Vec::new() };
        let model = document.model().and_then(|version| self.library.find(version));
        let classes = model.into_iter().filter(|m| !m.is_untrained()).flat_map(|m| m.card.labels.iter());
        let known = |name: &str| {
            document.labels().iter().any(|label| label.name == name) || document.left_out().contains(name)
        };
        classes.map(|class| class.name.as_str()).filter(|name| !known(name)).collect()
    }

    /// Says which native slice of a document is on screen: it is predicted next, its neighbours afterwards, and whatever
    /// was asked for before and is not seen any more is dropped. Cheap; call it every frame.
    pub fn look_at(&mut self, document: DocumentId, z: usize) {
        self.predictions.look_at(document, z);
        self.predictions.poll(&mut self.parts, &mut self.library);
    }

    /// Says what is shown beside the active image, to be compared with it. View state, as [`Workspace::look_at`]: it is predicted
    /// too, after what the model in use makes of the slice on screen. Cheap; call it every frame.
    pub fn look_beside(&mut self, compared: Option<Compared>) {
        self.predictions.look_beside(compared);
        self.predictions.poll(&mut self.parts, &mut self.library);
        self.comparing.poll(&mut self.parts, &self.predictions, &self.library);
    }

    /// How far the model in use and the one beside it agree on the active image; `None` where no two models are compared.
    pub fn comparison(&self) -> Option<&Comparison> {
        self.comparing.shown()
    }

    /// Says which surface is on screen, if any. View state: nothing of the data changes. Cheap; call it every frame.
    pub fn want_surface(&mut self, wanted: Option<(DocumentId, SurfaceOf)>) {
        self.surfaces.want(wanted);
        self.surfaces.poll(&mut self.parts, &self.predictions, &self.library);
    }

    /// The newest surface of what is wanted, shown until a newer one is there. Its labels are the document's.
    pub fn surface(&self) -> Option<&Arc<Surface>> {
        self.surfaces.shown()
    }

    /// Whether there is a newer one to come.
    pub fn surface_is_behind(&self) -> bool {
        self.surfaces.is_behind(&self.parts.documents, &self.predictions, &self.library)
    }

    /// Begins to keep the commands that are carried out.
    pub fn record(&mut self) {
        self.recording = Some(Vec::new());
    }

    /// The commands carried out since [`Workspace::record`].
    pub fn recorded(&self) -> &[Command] {
        self.recording.as_deref().unwrap_or_default()
    }
}
