//! Predictions by the models in use: first of the slice on screen, then of its neighbours, and of all slices on request.

use super::comparison::{Compared, Pair};
use super::model_library::{LibraryModel, ModelLibrary};
use super::parts::Parts;
use super::{Document, DocumentId};
use crate::engine::{JobId, Predicted, SliceKey, Version, WantSlice};
use crate::label::LabelId;
use crate::volume::Volume;
use accept::Accepting;
use cache::PredictionCache;
use std::collections::BTreeMap;
use std::sync::Arc;

mod accept;
mod all;
mod cache;
mod made;

pub use cache::SliceLabels;
pub use made::Made;

/// Neighbours that are predicted ahead on each side.
const AHEAD: usize = 2;

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

/// The predictions that are there, and those that are asked for.
pub(super) struct Predictions {
    cache: PredictionCache,
    /// What the person looks at.
    looked_at: Option<(DocumentId, usize)>,
    /// What is shown beside it.
    compared: Option<Compared>,
    /// What the engine has been asked for last.
    asked: Option<(DocumentId, Version, Vec<usize>)>,
    /// The jobs that predict all slices of a document.
    of_all: BTreeMap<(DocumentId, Version), JobId>,
    whole: made::WholeVolumes,
    accepting: Option<Accepting>,
}

impl Predictions {
    /// `max_bytes`: memory for probabilities, and as much for labels.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            cache: PredictionCache::new(max_bytes),
            looked_at: None,
            compared: None,
            asked: None,
            of_all: BTreeMap::new(),
            whole: made::WholeVolumes::default(),
            accepting: None,
        }
    }

    pub fn on(&self, base: &SliceKey) -> Option<&Predicted> {
        self.cache.on(base)
    }

    /// What the model in use has predicted of a document, by native slice.
    pub fn labels(&self, document: &Document) -> Option<&BTreeMap<usize, SliceLabels>> {
        self.labels_by(document.id(), document.model()?)
    }

    /// What a version has predicted of a document, by native slice.
    pub fn labels_by(
        &self,
        document: DocumentId,
        version: &Version,
    ) -> Option<&BTreeMap<usize, SliceLabels>> {
        self.cache.labels(document, version)
    }

    pub fn labels_on(&self, document: &Document, z: usize) -> Option<&Arc<[LabelId]>> {
        Some(&self.labels(document)?.get(&z)?.labels)
    }

    pub fn status(&self, document: &Document, library: &ModelLibrary, z: usize) -> PredictionStatus<'_> {
        match document.base(z) {
            Some(base) => self.status_by(&base, library),
            None => PredictionStatus::NoModel,
        }
    }

    pub fn status_by(&self, base: &SliceKey, library: &ModelLibrary) -> PredictionStatus<'_> {
        let model = library.find(&base.version);
        if model.is_some_and(LibraryModel::is_untrained) {
            return PredictionStatus::Untrained;
        }
        if let Some(predicted) = self.cache.on(base) {
            return PredictionStatus::Ready(predicted);
        }
        if let Some(reason) = self.cache.failure(base) {
            return PredictionStatus::Failed(reason);
        }
        let labelled =
            self.labels_by(base.document, &base.version).is_some_and(|slices| slices.contains_key(&base.z));
        match model {
            Some(model) if model.is_of_volumes() && labelled => PredictionStatus::Labelled,
            Some(model) if model.is_loaded() && model.is_of_volumes() => PredictionStatus::OnRequest,
            Some(model) if model.is_loaded() => PredictionStatus::Pending,
            Some(model) if model.has_failed() => PredictionStatus::Failed("the model could not be loaded"),
            Some(_) => PredictionStatus::Loading,
            None => PredictionStatus::Failed("the model is not in the model library any more"),
        }
    }

    pub fn look_at(&mut self, document: DocumentId, z: usize) {
        self.looked_at = Some((document, z));
    }

    pub fn looked_at(&self) -> Option<DocumentId> {
        self.looked_at.map(|(id, _)| id)
    }

    /// What is looked at, and the image beside it.
    pub fn documents_on_screen(&self) -> Vec<DocumentId> {
        let beside = self.compared.as_ref().map(|compared| compared.document);
        let looked_at = self.looked_at();
        looked_at.into_iter().chain(beside.filter(|id| Some(*id) != looked_at)).collect()
    }

    /// What is shown beside what is looked at; `None` where nothing is.
    pub fn look_beside(&mut self, compared: Option<Compared>) {
        self.compared = compared;
    }

    /// The two models that are compared on the image that is looked at.
    pub fn compared(&self, parts: &Parts) -> Option<Pair> {
        let (document, compared) = (self.looked_at()?, self.compared.as_ref()?);
        let looked_at = parts.documents.get(document)?;
        let (in_use, left_out) = (looked_at.model()?.clone(), looked_at.left_out().clone());
        let other = compared.version.clone().filter(|_| compared.document == document)?;
        Some(Pair { document, versions: [in_use, other], left_out })
    }

    /// The slices on screen with what predicts them, the most urgent first.
    fn on_screen(&self, parts: &Parts) -> Vec<(SliceKey, Volume)> {
        let looked_at = self.looked_at.and_then(|(id, z)| parts.documents.get(id)?.base(z));
        let beside = self.compared.as_ref().and_then(|compared| {
            let Compared { document, version, z } = compared.clone();
            Some(SliceKey { document, version: version?, z: z? })
        });
        let with_image = |key: SliceKey| {
            let document = parts.documents.get(key.document).filter(|d| key.z < d.depth())?;
            Some((key, document.volume().clone()))
        };
        looked_at.into_iter().chain(beside).filter_map(with_image).collect()
    }

    /// Asks for what is on screen and not there yet; where two models are compared, for both before their neighbours.
    pub fn poll(&mut self, parts: &mut Parts, library: &mut ModelLibrary) {
        let mut on_screen = self.on_screen(parts);
        let aheads = if on_screen.len() > 1 { &[0, AHEAD][..] } else { &[AHEAD][..] };
        on_screen.retain(|(key, _)| {
            self.cache.touch(key);
            // An untrained network is loaded, to be trained, and not asked.
            library.ensure_loaded(parts, &key.version)
                && !library.find(&key.version).is_some_and(|m| m.is_of_volumes() || m.is_untrained())
        });
        for &ahead in aheads {
            for (SliceKey { document, version, z }, volume) in &on_screen {
                let base = |z| SliceKey { document: *document, version: version.clone(), z };
                let settled = |z| self.cache.is_settled(&base(z));
                let wish = WantSlice::around(*document, volume, version.clone(), *z, ahead, settled);
                if wish.slices.is_empty() {
                    continue;
                }
                let asked = (*document, version.clone(), wish.slices.clone());
                if self.asked.as_ref() != Some(&asked) {
                    self.asked = Some(asked);
                    parts.jobs.engine().want_slice(wish);
                }
                return;
            }
        }
    }

    pub fn on_predicted(&mut self, parts: &Parts, predicted: Predicted) {
        if has_base(parts, &predicted.key, &predicted.labels) {
            let beside = self.compared.as_ref().and_then(|compared| Some((compared.document, compared.z?)));
            let on_screen = [self.looked_at, beside];
            self.cache.keep(predicted, |document, z| on_screen.contains(&Some((document, z))));
        }
    }

    pub fn on_failed(&mut self, key: SliceKey, reason: String) {
        self.cache.fail(key, reason);
    }

    pub fn on_slice_segmented(
        &mut self,
        parts: &Parts,
        key: &SliceKey,
        labels: Arc<[LabelId]>,
        detection: Option<Arc<[f32]>>,
    ) {
        if has_base(parts, key, &labels) {
            self.cache.keep_labels(key, labels, detection);
        }
    }

    /// A job has ended without a result.
    pub fn on_job_ended(&mut self, job: JobId) {
        self.of_all.retain(|_, own| *own != job);
        self.accepting.take_if(|accepting| accepting.job == job);
    }

    /// Whether a prediction of a document, or of any, waits to be accepted.
    pub fn is_accepting(&self, document: Option<DocumentId>) -> bool {
        self.accepting.as_ref().is_some_and(|a| document.is_none_or(|id| id == a.document))
    }

    /// A model is chosen or loaded again: predictions that failed before are tried again.
    pub fn forget_failures(&mut self, version: &str) {
        self.cache.forget_failures(version);
    }

    /// A document is closed.
    pub fn forget_document(&mut self, document: DocumentId, parts: &Parts) {
        let accepting = self.accepting.take_if(|a| a.document == document).map(|a| a.job);
        let of_all = self.of_all.iter().filter(|((of, _), _)| *of == document).map(|(_, job)| *job);
        for job in accepting.into_iter().chain(of_all) {
            parts.jobs.engine().cancel(job);
        }
        self.compared.take_if(|compared| compared.document == document);
        self.cache.forget_document(document);
    }
}

/// False of an answer for an image that is closed, or for one of another size.
fn has_base(parts: &Parts, key: &SliceKey, labels: &[LabelId]) -> bool {
    parts.documents.get(key.document).is_some_and(|d| {
        let [w, h, depth] = d.volume().dims();
        key.z < depth && labels.len() == w * h
    })
}
