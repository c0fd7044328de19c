//! All slices of an image are predicted.

use super::Predictions;
use crate::engine::{JobId, SegmentVolume, Version};
use crate::workspace::model_library::{LibraryModel, ModelLibrary};
use crate::workspace::parts::Parts;
use crate::workspace::{CommandError, DocumentId};
use std::sync::Arc;

impl Predictions {
    /// Predicts every native slice of the active image that a version, or else the model in use, has not predicted yet.
    pub fn predict_all(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        version: Option<Version>,
    ) -> Result<(), CommandError> {
        let document = parts.documents.active()?;
        let (id, volume, depth) = (document.id(), document.volume().clone(), document.depth());
        let version = version.or_else(|| document.model().cloned()).ok_or(CommandError::NoModel)?;
        let of_all = (id, version.clone());
        if self.of_all.contains_key(&of_all) {
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
        self.of_all.insert(of_all, job);
        Ok(())
    }

    /// The job that predicts all slices of a document by a version.
    pub fn job_of_all(&self, document: DocumentId, version: &Version) -> Option<JobId> {
        self.of_all.get(&(document, Arc::clone(version))).copied()
    }
}
