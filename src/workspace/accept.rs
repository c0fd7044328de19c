use super::background_edit::{Draft, IN_FRAME, Order};
use super::labels::class_labels;
use super::{AcceptScope, Annotations, CommandError, DocumentId, NoticeLevel, Workspace};
use crate::edit::{Accept, Change, EditError, MaskRules, Patch, Prediction};
use crate::engine::{JobId, SegmentVolume, Version, VolumeSegmentation};
use crate::label::{LabelId, LabelTable};
use crate::nn::ModelCard;
use crate::volume::Volume;
use std::collections::BTreeMap;
use std::sync::Arc;

type Slices = BTreeMap<usize, Arc<[LabelId]>>;

/// A prediction that is to be accepted when the engine has predicted the slices that are missing.
pub(super) struct Accepting {
    pub document: DocumentId,
    pub job: JobId,
    version: Version,
    accept: Accept,
    /// The model's own labels of each slice.
    slices: Slices,
}

/// What is taken from a model's prediction.
struct Taken {
    card: Arc<ModelCard>,
    accept: Accept,
    /// The model's own labels of each slice.
    slices: Slices,
}

impl Taken {
    /// The label that the table lacks first, then the voxels; empty where no voxel changes.
    fn changes(&self, volume: &Volume, now: &Annotations) -> Result<Vec<Change>, EditError> {
        let (labels, table) = class_labels(&self.card, &now.labels);
        let translated: BTreeMap<LabelId, LabelId> =
            (0..labels.len()).map(|class| (self.card.label_of(class), labels[class])).collect();
        let same = translated.iter().all(|(from, to)| from == to);
        let own = |slice: &Arc<[LabelId]>| -> Arc<[LabelId]> {
            if same {
                return Arc::clone(slice);
            }
            slice.iter().map(|id| translated.get(id).copied().unwrap_or(0)).collect()
        };
        let [w, h, depth] = volume.dims();
        let mut slices: Slices = self.slices.iter().map(|(&z, slice)| (z, own(slice))).collect();
        if self.accept.is_of_all_slices() {
            // Verified slices are not predicted: no model changes them.
            let nothing: Arc<[LabelId]> = vec![0; w * h].into();
            for z in (0..depth).filter(|z| now.verified.contains(z)) {
                slices.entry(z).or_insert_with(|| Arc::clone(&nothing));
            }
        }
        let prediction = Prediction {
            version: self.card.version.clone(),
            known: labels.iter().copied().filter(|&id| id != 0).collect(),
            slices,
        };
        let rules = MaskRules::new(&table, &now.verified);
        let patch = Patch::accept(&now.mask, volume, &prediction, self.accept, &rules)?;
        Ok(with_labels(&now.labels, &table, patch))
    }

    fn order(self, version: Version) -> Order {
        Order {
            title: "accepting the prediction".to_owned(),
            version: Some(version),
            nothing: Some(CommandError::NothingToAccept.to_string()),
            make: Arc::new(move |_, volume, now| {
                let changes = self.changes(volume, now)?;
                Ok(Draft { warnings: brought(&changes).into_iter().collect(), changes })
            }),
        }
    }
}

/// A patch, after the labels that it needs and the table lacks.
pub(super) fn with_labels(before: &LabelTable, table: &LabelTable, patch: Patch) -> Vec<Change> {
    if patch.is_empty() {
        return Vec::new();
    }
    let labels = (table != before).then(|| Change::Labels { before: before.clone(), after: table.clone() });
    labels.into_iter().chain([Change::Mask(patch)]).collect()
}

/// What to say of the labels that a prediction brings along.
fn brought(changes: &[Change]) -> Option<String> {
    let names = changes.iter().find_map(|change| match change {
        Change::Labels { before, after } => {
            let new = after.iter().filter(|label| before.get(label.id).is_none());
            Some(new.map(|label| format!("“{}”", label.name)).collect::<Vec<_>>())
        }
        _ => None,
    });
    let names = names.filter(|names| !names.is_empty())?;
    Some(format!("the model's {} had no label of that name here: added as new", names.join(", ")))
}

impl Workspace {
    pub(super) fn accept(&mut self, scope: AcceptScope) -> Result<(), CommandError> {
        let document = self.active().ok_or(CommandError::NoDocument)?;
        let id = document.id;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        let version = document.model.clone().ok_or(CommandError::NoModel)?;
        let card = self.library.find(&version).map(|m| Arc::clone(&m.card));
        let card = card.ok_or_else(|| CommandError::UnknownModel(version.to_string()))?;
        self.check_trained(&version)?;
        let (depth, dims) = (document.depth(), document.volume.dims());
        let (z, accept, whole) = match scope {
            AcceptScope::Slice(z) => (Some(z), Accept::Slice(z), false),
            AcceptScope::Volume => (None, Accept::Volume, true),
            AcceptScope::Label(label) => {
                if !class_labels(&card, document.labels()).0.contains(&label) {
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
            return self.accept_whole(id, version, accept);
        }
        let z = z.unwrap_or(0);
        let predicted = self.predicted_labels(id, z).ok_or(CommandError::NotPredicted { z })?;
        let slices = Slices::from([(z, Arc::clone(predicted))]);
        if let AcceptScope::Component { voxel: [x, y, _], .. } = scope
            && predicted.get(y * dims[0] + x).is_none_or(|&label| label == 0)
        {
            return Err(CommandError::NoComponent);
        }
        let taken = Taken { card, accept, slices };
        if dims[0] * dims[1] > IN_FRAME {
            return self.edit_in_background(id, taken.order(version));
        }
        let changes = taken.changes(&document.volume, &document.now)?;
        if changes.is_empty() {
            return Err(CommandError::NothingToAccept);
        }
        let brought = brought(&changes);
        self.change(id, changes)?;
        if let Some(words) = brought {
            self.notices.add(NoticeLevel::Info, Some(id), format!("Accepting the prediction: {words}"));
        }
        Ok(())
    }

    /// Accepts more than one slice: what is not predicted yet is predicted first, and all of it is one undo step.
    fn accept_whole(&mut self, id: DocumentId, version: Version, accept: Accept) -> Result<(), CommandError> {
        if self.accepting.is_some() || self.has_background_edit(id) {
            return Err(CommandError::AcceptRunning);
        }
        let loaded = self.ensure_loaded(&version);
        let document = self.document(id).ok_or(CommandError::UnknownDocument(id))?;
        let mut slices = Slices::new();
        let mut missing = Vec::new();
        for z in 0..document.depth() {
            match self.predicted_labels(id, z) {
                Some(predicted) => _ = slices.insert(z, Arc::clone(predicted)),
                None if accept.is_of_all_slices() && document.is_verified(z) => {}
                None => missing.push(z),
            }
        }
        if missing.is_empty() {
            return self.accept_slices(id, version, accept, slices);
        }
        if !loaded {
            return Err(CommandError::NotPredicted { z: missing[0] });
        }
        let request = SegmentVolume {
            document: id,
            volume: document.volume.clone(),
            version: version.clone(),
            slices: missing,
            probabilities: false,
            options: Default::default(),
        };
        let job = self.jobs.engine().segment_volume(request);
        self.jobs.add(job, "predicting the volume to accept it", Some(id));
        self.accepting = Some(Accepting { document: id, job, version, accept, slices });
        Ok(())
    }

    pub(super) fn on_volume_segmented(&mut self, job: JobId, result: &VolumeSegmentation) {
        self.jobs.end(job);
        self.predictions.on_job_ended(job);
        let Some(accepting) = self.accepting.take_if(|a| a.job == job) else { return };
        let Accepting { document, version, accept, mut slices, .. } = accepting;
        if !self.still_uses(document, &version) {
            return;
        }
        slices.extend(result.labels.iter().map(|(&z, labels)| (z, Arc::clone(labels))));
        if let Err(e) = self.accept_slices(document, version, accept, slices) {
            self.notices.add(NoticeLevel::Error, Some(document), e.to_string());
        }
    }

    fn accept_slices(
        &mut self,
        id: DocumentId,
        version: Version,
        accept: Accept,
        slices: Slices,
    ) -> Result<(), CommandError> {
        let model = self.library.find(&version);
        let card =
            model.map(|m| Arc::clone(&m.card)).ok_or(CommandError::UnknownModel(version.to_string()))?;
        self.edit_in_background(id, Taken { card, accept, slices }.order(version))
    }
}
