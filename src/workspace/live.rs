use super::jobs::Activity;
use super::predictions::SliceLabels;
use super::{CommandError, DocumentId, LibraryModel, Workspace};
use crate::engine::{Predicted, SegmentVolume, SliceKey, Version, WantSlice};
use crate::label::LabelId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Neighbours that are predicted ahead on each side.
const AHEAD: usize = 2;

/// What the person looks at, and what the engine has been asked for last.
#[derive(Default)]
pub(super) struct Live {
    looked_at: Option<(DocumentId, usize)>,
    asked: Option<(DocumentId, Version, Vec<usize>)>,
}

/// Where the prediction of a slice stands.
#[derive(Clone, Copy, Debug)]
pub enum PredictionStatus<'a> {
    /// No model is in use.
    NoModel,
    /// The network has learned nothing yet, so that it is not asked.
    Untrained,
    /// The model is on its way to the device.
    Loading,
    /// It will come.
    Pending,
    Ready(&'a Predicted),
    /// The model labels whole volumes at once, and has not been asked to.
    OnRequest,
    /// The labels are there; the model gives no more.
    Labelled,
    /// It will not come; the reason.
    Failed(&'a str),
}

impl Workspace {
    /// Says which native slice of a document is on screen: it is predicted next, its neighbours afterwards, and whatever
    /// was asked for before and is not seen any more is dropped. Cheap; call it every frame.
    pub fn look_at(&mut self, document: DocumentId, z: usize) {
        self.live.looked_at = Some((document, z));
        self.poll_predictions();
    }

    pub(super) fn looked_at(&self) -> Option<DocumentId> {
        self.live.looked_at.map(|(id, _)| id)
    }

    /// The prediction that may be shown on slice `z`: made from this document, by the model in use, on this slice.
    pub fn prediction(&self, document: DocumentId, z: usize) -> Option<&Predicted> {
        self.predictions.on(&self.document(document)?.base(z)?)
    }

    /// The labels of every native slice that the model in use has predicted, by slice; they are there also where the
    /// probabilities had to make room.
    pub fn predicted_slices(&self, document: DocumentId) -> Option<&BTreeMap<usize, SliceLabels>> {
        let version = self.document(document)?.model.as_ref()?;
        self.predictions.labels(document, version)
    }

    /// The predicted labels of one slice, in the model's own ids.
    pub fn predicted_labels(&self, document: DocumentId, z: usize) -> Option<&Arc<[LabelId]>> {
        Some(&self.predicted_slices(document)?.get(&z)?.labels)
    }

    /// The prediction by any version, where it is there.
    pub fn prediction_by(&self, document: DocumentId, version: &str, z: usize) -> Option<&Predicted> {
        self.predictions.on(&SliceKey { document, version: version.into(), z })
    }

    pub fn prediction_status(&self, document: DocumentId, z: usize) -> PredictionStatus<'_> {
        let Some(base) = self.document(document).and_then(|d| d.base(z)) else {
            return PredictionStatus::NoModel;
        };
        if self.library.find(&base.version).is_some_and(LibraryModel::is_untrained) {
            return PredictionStatus::Untrained;
        }
        if let Some(predicted) = self.predictions.on(&base) {
            return PredictionStatus::Ready(predicted);
        }
        if let Some(reason) = self.predictions.failure(&base) {
            return PredictionStatus::Failed(reason);
        }
        let labelled = self.predicted_labels(document, z).is_some();
        match self.library.find(&base.version) {
            Some(model) if model.is_of_volumes() && labelled => PredictionStatus::Labelled,
            Some(model) if model.is_loaded() && model.is_of_volumes() => PredictionStatus::OnRequest,
            Some(model) if model.is_loaded() => PredictionStatus::Pending,
            Some(model) if model.has_failed() => PredictionStatus::Failed("the model could not be loaded"),
            Some(_) => PredictionStatus::Loading,
            None => PredictionStatus::Failed("the model is not in the model library any more"),
        }
    }

    /// The classes of the model in use whose names are not among a document's labels: accepting its prediction adds them as
    /// new labels. None of a network that has learned nothing.
    pub fn new_labels(&self, document: DocumentId) -> Vec<&str> {
        let Some(document) = self.document(document) else { return Vec::new() };
        let model = document.model.as_deref().and_then(|version| self.library.find(version));
        let classes = model.into_iter().filter(|m| !m.is_untrained()).flat_map(|m| m.card.labels.iter());
        let known = |name: &str| document.labels().iter().any(|label| label.name == name);
        classes.map(|class| class.name.as_str()).filter(|name| !known(name)).collect()
    }

    /// An answer for what is closed, or for an image of another size, has no base here.
    fn has_base(&self, key: &SliceKey, labels: &[LabelId]) -> bool {
        self.document(key.document).is_some_and(|d| {
            let [w, h, depth] = d.volume.dims();
            key.z < depth && labels.len() == w * h
        })
    }

    pub(super) fn on_slice_segmented(
        &mut self,
        key: &SliceKey,
        labels: Arc<[LabelId]>,
        detection: Option<Arc<[f32]>>,
    ) {
        if self.has_base(key, &labels) {
            self.predictions.keep_labels(key, labels, detection);
        }
    }

    /// Predicts every native slice that the model in use has not predicted yet.
    pub(super) fn predict_all(&mut self) -> Result<(), CommandError> {
        let document = self.active().ok_or(CommandError::NoDocument)?;
        let (id, volume, depth) = (document.id, document.volume.clone(), document.depth());
        let version = document.model.clone().ok_or(CommandError::NoModel)?;
        if self.predicting_all(id).is_some() {
            return Err(CommandError::PredictRunning);
        }
        self.check_trained(&version)?;
        let known = self.predictions.labels(id, &version);
        let missing: Vec<usize> = (0..depth).filter(|z| known.is_none_or(|k| !k.contains_key(z))).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if !self.ensure_loaded(&version) {
            return Err(CommandError::ModelLoading);
        }
        let of_volumes = self.library.find(&version).is_some_and(LibraryModel::is_of_volumes);
        let request = SegmentVolume {
            document: id,
            volume,
            version,
            slices: missing,
            probabilities: false,
            options: Default::default(),
        };
        let job = self.jobs.engine().segment_volume(request);
        let title = if of_volumes { "segmenting the volume" } else { "predicting all slices" };
        self.jobs.add(job, title, Some(id));
        self.predictions.predicts_all(id, job);
        Ok(())
    }

    /// The job of [`ModelCommand::PredictAll`](super::ModelCommand::PredictAll), while it is under way.
    pub fn predicting_all(&self, document: DocumentId) -> Option<&Activity> {
        self.jobs.get(self.predictions.job_of_all(document)?)
    }

    pub(super) fn on_predicted(&mut self, predicted: Predicted) {
        if self.has_base(&predicted.key, &predicted.labels) {
            let looked_at = self.live.looked_at;
            self.predictions.keep(predicted, |document, z| looked_at == Some((document, z)));
        }
    }

    /// Asks for what is looked at and not there yet.
    pub(super) fn poll_predictions(&mut self) {
        let Some((id, z)) = self.live.looked_at else { return };
        let Some(document) = self.document(id) else { return };
        if z >= document.depth() {
            return;
        }
        let Some(version) = document.model.clone() else { return };
        let volume = document.volume.clone();
        let base = |z| SliceKey { document: id, version: version.clone(), z };
        self.predictions.touch(&base(z));
        // An untrained network is loaded, to be trained, and not asked.
        if !self.ensure_loaded(&version)
            || self.library.find(&version).is_some_and(|m| m.is_of_volumes() || m.is_untrained())
        {
            return;
        }
        let settled = |z| self.predictions.is_settled(&base(z));
        let wish = WantSlice::around(id, &volume, version.clone(), z, AHEAD, settled);
        if wish.slices.is_empty() {
            return;
        }
        let asked = (id, version, wish.slices.clone());
        if self.live.asked.as_ref() != Some(&asked) {
            self.live.asked = Some(asked);
            self.jobs.engine().want_slice(wish);
        }
    }
}
