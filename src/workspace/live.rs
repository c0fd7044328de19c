use super::{DocumentId, Workspace};
use crate::engine::{Predicted, SliceKey, Version, WantSlice};

/// Neighbours that are predicted ahead on each side.
const AHEAD: usize = 2;

/// What the person looks at, and what the engine has been asked for last.
#[derive(Default)]
pub(super) struct Live {
    looked_at: Option<(DocumentId, usize)>,
    asked: Option<(u64, Version, Vec<usize>)>,
}

/// Where the prediction of a slice stands.
#[derive(Clone, Copy, Debug)]
pub enum PredictionStatus<'a> {
    /// No model is in use.
    NoModel,
    /// The model is on its way to the device.
    Loading,
    /// It will come.
    Pending,
    Ready(&'a Predicted),
    /// It will not come; the reason.
    Failed(&'a str),
}

impl Workspace {
    /// Says which native slice of a document is on screen: it is predicted next, its neighbours afterwards, and whatever
    /// was asked for before and is not seen any more is dropped. Cheap; call it every frame.
    pub fn look_at(&mut self, document: DocumentId, z: usize) {
        self.live.looked_at = Some((document, z));
        self.go_on_looking();
    }

    pub(super) fn looked_at(&self) -> Option<DocumentId> {
        self.live.looked_at.map(|(id, _)| id)
    }

    /// The prediction that may be shown on slice `z`: made from this document, by the model in use, on this slice.
    pub fn prediction(&self, document: DocumentId, z: usize) -> Option<&Predicted> {
        self.predictions.on(&self.document(document)?.base(z)?)
    }

    /// The prediction by the version that is compared with the model in use, if any.
    pub fn compared_prediction(&self, document: DocumentId, z: usize) -> Option<&Predicted> {
        let version = self.document(document)?.compared.clone()?;
        self.predictions.on(&SliceKey { document: document.0, version, z })
    }

    /// The prediction by any version, where it is there.
    pub fn prediction_by(&self, document: DocumentId, version: &str, z: usize) -> Option<&Predicted> {
        self.predictions.on(&SliceKey { document: document.0, version: version.into(), z })
    }

    pub fn prediction_status(&self, document: DocumentId, z: usize) -> PredictionStatus<'_> {
        let Some(base) = self.document(document).and_then(|d| d.base(z)) else {
            return PredictionStatus::NoModel;
        };
        if let Some(predicted) = self.predictions.on(&base) {
            return PredictionStatus::Ready(predicted);
        }
        if let Some(reason) = self.predictions.failure(&base) {
            return PredictionStatus::Failed(reason);
        }
        match self.shelf.find(&base.version) {
            Some(model) if model.is_loaded() => PredictionStatus::Pending,
            Some(model) if model.has_failed() => PredictionStatus::Failed("the model could not be loaded"),
            Some(_) => PredictionStatus::Loading,
            None => PredictionStatus::Failed("the model is not on the shelf any more"),
        }
    }

    /// Also looks at slices through another version, such as a candidate before it is adopted; `None` ends it. View state:
    /// nothing of the data changes.
    pub fn compare_with(&mut self, document: DocumentId, version: Option<&str>) {
        let version = version.filter(|v| self.shelf.find(v).is_some()).map(Version::from);
        if let Some(document) = self.document_mut(document) {
            document.compared = version;
        }
    }

    pub(super) fn predicted(&mut self, predicted: Predicted) {
        let id = DocumentId(predicted.key.document);
        // An answer for what is closed, or for an image of another size, has no base here.
        let fits = self.document(id).is_some_and(|d| {
            let [w, h, depth] = d.volume.dims();
            predicted.key.z < depth && predicted.labels.len() == w * h
        });
        if fits {
            let looked_at = self.live.looked_at;
            self.predictions.keep(predicted, |document, z| looked_at == Some((DocumentId(document), z)));
        }
    }

    /// Asks for what is looked at and not there yet.
    pub(super) fn go_on_looking(&mut self) {
        let Some((id, z)) = self.live.looked_at else { return };
        let Some(document) = self.document(id) else { return };
        if z >= document.depth() {
            return;
        }
        let volume = document.volume.clone();
        let shown = document.model.clone();
        let compared = document.compared.clone();
        let base = |version: &Version, z| SliceKey { document: id.0, version: version.clone(), z };
        // The slice itself by both versions, then its neighbours.
        for (version, ahead) in [(&shown, 0), (&compared, 0), (&shown, AHEAD)]
            .into_iter()
            .filter_map(|(v, n)| Some((v.as_ref()?, n)))
        {
            if ahead == 0 {
                self.predictions.touch(&base(version, z));
            }
            if !self.ensure_loaded(version) {
                continue;
            }
            let ahead = if Some(version) == shown.as_ref() { AHEAD } else { ahead };
            let settled = |z| self.predictions.is_settled(&base(version, z));
            let wish = WantSlice::around(id.0, &volume, version.clone(), z, ahead, settled);
            let urgent = !settled(z);
            if wish.slices.is_empty() || !(urgent || ahead > 0 && Some(version) == shown.as_ref()) {
                continue;
            }
            // The compared version's slice is more urgent than the neighbours.
            if !urgent
                && let Some(other) = &compared
                && !self.predictions.is_settled(&base(other, z))
                && self.shelf.find(other).is_some_and(|m| m.is_loaded())
            {
                continue;
            }
            let asked = (id.0, version.clone(), wish.slices.clone());
            if self.live.asked.as_ref() != Some(&asked) {
                self.live.asked = Some(asked);
                self.engine.want_slice(wish);
            }
            return;
        }
    }
}
