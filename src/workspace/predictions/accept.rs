//! A prediction is accepted into the mask. Slices that are missing are predicted first.

use super::{Made, Predictions};
use crate::edit::Accept;
use crate::engine::{JobId, SegmentVolume, Version, VolumeSegmentation};
use crate::time::now_ms;
use crate::workspace::acceptance::{Acceptance, Slices, Then, brought};
use crate::workspace::annotated::IN_FRAME;
use crate::workspace::background_edit::Edits;
use crate::workspace::model_library::{LibraryModel, ModelLibrary};
use crate::workspace::parts::Parts;
use crate::workspace::{AcceptScope, CommandError, DocumentId, NoticeLevel};
use std::sync::Arc;

/// A prediction that is to be accepted when the engine has predicted the slices that are missing.
pub(super) struct Accepting {
    pub(super) document: DocumentId,
    pub(super) job: JobId,
    version: Version,
    accept: Accept,
    /// The model's own labels of each slice.
    slices: Slices,
}

impl Predictions {
    pub fn accept(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        edits: &mut Edits,
        scope: AcceptScope,
        then: Then,
    ) -> Result<(), CommandError> {
        let document = parts.documents.active()?;
        let (id, now) = (document.id(), document.settled()?);
        let version = document.model().cloned().ok_or(CommandError::NoModel)?;
        let card = library.find(&version).map(|m| Arc::clone(&m.card));
        let card = card.ok_or_else(|| CommandError::UnknownModel(version.to_string()))?;
        library.check_trained(&version)?;
        let (depth, dims) = (document.depth(), document.volume().dims());
        let (z, accept, whole) = match scope {
            AcceptScope::Slice(z) => (Some(z), Accept::Slice(z), false),
            AcceptScope::Volume => (None, Accept::Volume, true),
            AcceptScope::Label(label) => {
                if !document.wanted_labels(&card).0.contains(&label) {
                    return Err(CommandError::NotOfTheModel(label));
                }
                (None, Accept::Label(label), true)
            }
            AcceptScope::Component { voxel, volume } => {
                if (0..3).any(|a| voxel[a] >= dims[a]) {
                    return Err(CommandError::OutsideImage { voxel, dims });
                }
                (Some(voxel[2]), Accept::Component(voxel), volume && depth > 1)
            }
        };
        if let Some(z) = z {
            if z >= depth {
                return Err(CommandError::NoSuchSlice { z, depth });
            }
            if document.is_verified(z) {
                return Err(CommandError::SliceVerified { z });
            }
        }
        if whole {
            return self.accept_whole(parts, library, edits, id, version, accept);
        }
        let z = z.unwrap_or(0);
        let predicted = self.labels_on(document, z).ok_or(CommandError::NotPredicted { z })?;
        let slices = Slices::from([(z, Arc::clone(predicted))]);
        if let AcceptScope::Component { voxel: [x, y, _], .. } = scope
            && predicted.get(y * dims[0] + x).is_none_or(|&label| label == 0)
        {
            return Err(CommandError::NoComponent);
        }
        let left_out = document.left_out().clone();
        let acceptance = Acceptance { card, left_out, accept, slices, then };
        if dims[0] * dims[1] > IN_FRAME {
            return edits.edit_in_background(parts, id, acceptance.order(version));
        }
        let changes = acceptance.changes(document.volume(), now)?;
        if changes.is_empty() {
            return Err(CommandError::NothingToAccept);
        }
        let brought = brought(&changes);
        parts.change(id, changes)?;
        if let Some(words) = brought {
            parts.notices.add(NoticeLevel::Info, Some(id), format!("Accepting the prediction: {words}"));
        }
        Ok(())
    }

    /// Accepts more than one slice: what is not predicted yet is predicted first, and all of it is one undo step.
    fn accept_whole(
        &mut self,
        parts: &mut Parts,
        library: &mut ModelLibrary,
        edits: &mut Edits,
        id: DocumentId,
        version: Version,
        accept: Accept,
    ) -> Result<(), CommandError> {
        if self.accepting.is_some() || edits.has_background_edit(id) {
            return Err(CommandError::AcceptRunning);
        }
        let loaded = library.ensure_loaded(parts, &version);
        let document = parts.documents.find(id)?;
        let mut slices = Slices::new();
        let mut missing = Vec::new();
        for z in 0..document.depth() {
            match self.labels_on(document, z) {
                Some(predicted) => _ = slices.insert(z, Arc::clone(predicted)),
                None if accept.is_of_all_slices() && document.is_verified(z) => {}
                None => missing.push(z),
            }
        }
        if missing.is_empty() {
            return accept_slices(parts, library, edits, id, version, accept, slices);
        }
        if !loaded {
            return Err(CommandError::NotPredicted { z: missing[0] });
        }
        let request = SegmentVolume {
            document: id,
            volume: document.volume().clone(),
            version: version.clone(),
            slices: missing,
            probabilities: false,
            options: Default::default(),
        };
        let job = parts.jobs.engine().segment_volume(request);
        parts.jobs.add(job, "predicting the volume to accept it", Some(id));
        self.accepting = Some(Accepting { document: id, job, version, accept, slices });
        Ok(())
    }

    pub fn on_volume_segmented(
        &mut self,
        parts: &mut Parts,
        library: &ModelLibrary,
        edits: &mut Edits,
        job: JobId,
        result: &VolumeSegmentation,
    ) {
        let activity = parts.jobs.end(job);
        let at_once = library.find(&result.version).is_some_and(LibraryModel::is_of_volumes);
        if let Some(activity) = activity.filter(|_| at_once) {
            let made = Made { at_ms: now_ms(), seconds: activity.since.elapsed().as_secs_f64(), whole: true };
            self.whole.add(result.document, Version::clone(&result.version), made);
        }
        self.of_all.retain(|_, own| *own != job);
        let Some(accepting) = self.accepting.take_if(|a| a.job == job) else { return };
        let Accepting { document, version, accept, mut slices, .. } = accepting;
        if !parts.still_uses(document, &version) {
            return;
        }
        slices.extend(result.labels.iter().map(|(&z, labels)| (z, Arc::clone(labels))));
        if let Err(e) = accept_slices(parts, library, edits, document, version, accept, slices) {
            parts.notices.add(NoticeLevel::Error, Some(document), e.to_string());
        }
    }
}

fn accept_slices(
    parts: &mut Parts,
    library: &ModelLibrary,
    edits: &mut Edits,
    id: DocumentId,
    version: Version,
    accept: Accept,
    slices: Slices,
) -> Result<(), CommandError> {
    let model = library.find(&version);
    let card = model.map(|m| Arc::clone(&m.card)).ok_or(CommandError::UnknownModel(version.to_string()))?;
    let left_out = parts.documents.find(id)?.left_out().clone();
    edits.edit_in_background(
        parts,
        id,
        Acceptance { card, left_out, accept, slices, then: Then::Nothing }.order(version),
    )
}
