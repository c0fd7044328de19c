//! All slices of an image are predicted.

use super::Predictions;
use crate::engine::{JobId, SegmentVolume};
use crate::workspace::model_library::{LibraryModel, ModelLibrary};
use crate::workspace::parts::Parts;
use crate::workspace::{CommandError, DocumentId};

impl Predictions {
    /// Predicts every native slice that the model in use has not predicted yet.
    pub fn predict_all(&mut self, parts: &mut Parts, library: &mut ModelLibrary) -> Result<(), CommandError> {
        let document = parts.documents.active()?;
        let (id, volume, depth) = (document.id(), document.volume().clone(), document.depth());
        let version = document.model().cloned().ok_or(CommandError::NoModel)?;
        if self.of_all.contains_key(&id) {
            return Err(CommandError::PredictRunning);
        }
        library.check_trained(&version)?;
        let known = self.cache.labels(id, &version);
        let missing: Vec<usize> = (0..depth).filter(|z| known.is_none_or(|k| !k.contains_key(z))).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if !library.ensure_loaded(parts, &version) {
            return Err(CommandError::ModelLoading);
        }
        let of_volumes = library.find(&version).is_some_and(LibraryModel::is_of_volumes);
        let request = SegmentVolume {
            document: id,
            volume,
            version,
            slices: missing,
            probabilities: false,
            options: Default::default(),
        };
        let job = parts.jobs.engine().segment_volume(request);
        let title = if of_volumes { "segmenting the volume" } else { "predicting all slices" };
        parts.jobs.add(job, title, Some(id));
        self.of_all.insert(id, job);
        Ok(())
    }

    /// The job that predicts all slices of a document.
    pub fn job_of_all(&self, document: DocumentId) -> Option<JobId> {
        self.of_all.get(&document).copied()
    }
}
