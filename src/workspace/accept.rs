use super::activity::Purpose;
use super::labels::class_labels;
use super::{AcceptScope, CommandError, Document, DocumentId, NoticeLevel, Workspace};
use crate::edit::{Accept, Change, EditError, Origin, Patch, Prediction, Region};
use crate::engine::{JobId, SegmentVolume, Version, VolumeSegmentation};
use crate::io;
use crate::label::{LabelId, LabelTable};
use crate::nn::ModelCard;
use crate::volume::Volume;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

type Slices = BTreeMap<usize, Arc<[LabelId]>>;

/// A prediction on its way into the mask, where that takes longer than a frame.
pub(super) struct Accepting {
    pub document: DocumentId,
    stage: Stage,
    version: Version,
    accept: Accept,
    /// The model's own labels of each slice.
    slices: Slices,
}

enum Stage {
    /// Everything is predicted.
    Gathered,
    /// The engine predicts the slices that are missing.
    Segmenting(JobId),
    /// The patch is being made on an io thread.
    Building(JobId),
    /// The patch is there, and waits for the person's stroke to end.
    Built(Built),
}

/// Changes that were made from a certain state of a document.
pub(super) struct Built {
    revision: u64,
    changes: Vec<Change>,
}

impl Accepting {
    /// The job that has to end before it goes on.
    pub fn job(&self) -> Option<JobId> {
        match &self.stage {
            Stage::Segmenting(job) | Stage::Building(job) => Some(*job),
            Stage::Gathered | Stage::Built(_) => None,
        }
    }
}

/// What turns a model's prediction into changes of one document, with all that it needs from it.
struct Maker {
    card: Arc<ModelCard>,
    volume: Volume,
    now: super::Annotations,
}

impl Maker {
    fn of(card: Arc<ModelCard>, document: &Document) -> Self {
        Self { card, volume: document.volume.clone(), now: document.now.clone() }
    }

    /// The label that the table lacks first, then the voxels; empty where no voxel changes.
    fn changes(&self, slices: &Slices, accept: Accept) -> Result<Vec<Change>, EditError> {
        let (labels, table) = class_labels(&self.card, &self.now.labels);
        let translated: BTreeMap<LabelId, LabelId> =
            (0..labels.len()).map(|class| (self.card.label_of(class), labels[class])).collect();
        let same = translated.iter().all(|(from, to)| from == to);
        let own = |slice: &Arc<[LabelId]>| -> Arc<[LabelId]> {
            if same {
                return Arc::clone(slice);
            }
            slice.iter().map(|id| translated.get(id).copied().unwrap_or(0)).collect()
        };
        let [w, h, depth] = self.volume.dims();
        let mut slices: Slices = slices.iter().map(|(&z, slice)| (z, own(slice))).collect();
        if accept == Accept::Volume {
            // Verified slices are not predicted: no model changes them.
            let nothing: Arc<[LabelId]> = vec![0; w * h].into();
            for z in (0..depth).filter(|z| self.now.verified.contains(z)) {
                slices.entry(z).or_insert_with(|| Arc::clone(&nothing));
            }
        }
        let prediction = Prediction {
            version: self.card.version.clone(),
            known: labels.iter().copied().filter(|&id| id != 0).collect(),
            slices,
        };
        let rules = crate::edit::MaskRules::new(&table, &self.now.verified);
        let patch = Patch::accept(&self.now.mask, &self.volume, &prediction, accept, &rules)?;
        Ok(with_labels(&self.now.labels, &table, patch))
    }
}

/// A patch, after the labels that it needs and the table lacks.
fn with_labels(before: &LabelTable, table: &LabelTable, patch: Patch) -> Vec<Change> {
    if patch.is_empty() {
        return Vec::new();
    }
    let labels = (table != before).then(|| Change::Labels { before: before.clone(), after: table.clone() });
    labels.into_iter().chain([Change::Mask(patch)]).collect()
}

impl Workspace {
    pub(super) fn accept(&mut self, scope: AcceptScope) -> Result<(), CommandError> {
        let document = self.active().ok_or(CommandError::NoDocument)?;
        let id = document.id;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        let version = document.model.clone().ok_or(CommandError::NoModel)?;
        let card = self.shelf.find(&version).map(|m| Arc::clone(&m.card));
        let card = card.ok_or_else(|| CommandError::UnknownModel(version.to_string()))?;
        let (depth, dims) = (document.depth(), document.volume.dims());
        let (z, accept, whole) = match scope {
            AcceptScope::Slice(z) => (Some(z), Accept::Slice(z), false),
            AcceptScope::Volume => (None, Accept::Volume, true),
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
        let predicted = self.prediction(id, z).ok_or(CommandError::NotPredicted { z })?;
        let slices = BTreeMap::from([(z, Arc::clone(&predicted.labels))]);
        if let AcceptScope::Component { voxel: [x, y, _], .. } = scope
            && predicted.labels.get(y * dims[0] + x).is_none_or(|&label| label == 0)
        {
            return Err(CommandError::NoComponent);
        }
        let changes = Maker::of(card, document).changes(&slices, accept)?;
        if changes.is_empty() {
            return Err(CommandError::NothingToAccept);
        }
        self.change(id, changes)
    }

    /// Accepts more than one slice: what is not predicted yet is predicted first, and all of it is one undo step.
    fn accept_whole(&mut self, id: DocumentId, version: Version, accept: Accept) -> Result<(), CommandError> {
        if self.accepting.is_some() {
            return Err(CommandError::AcceptRunning);
        }
        let loaded = self.ensure_loaded(&version);
        let document = self.document(id).ok_or(CommandError::UnknownDocument(id))?;
        let mut slices = Slices::new();
        let mut missing = Vec::new();
        for z in 0..document.depth() {
            match self.prediction(id, z) {
                Some(predicted) => _ = slices.insert(z, Arc::clone(&predicted.labels)),
                None if accept == Accept::Volume && document.is_verified(z) => {}
                None => missing.push(z),
            }
        }
        let mut accepting = Accepting { document: id, stage: Stage::Gathered, version, accept, slices };
        if missing.is_empty() {
            accepting.stage = Stage::Building(self.build(&accepting)?);
        } else if !loaded {
            return Err(CommandError::NotPredicted { z: missing[0] });
        } else {
            let request = SegmentVolume {
                document: id.0,
                volume: document.volume.clone(),
                version: accepting.version.clone(),
                slices: missing,
                probabilities: false,
            };
            let job = self.engine.segment_volume(request);
            self.activities.begin(job, "predicting the volume to accept it", Some(id), Purpose::Own);
            accepting.stage = Stage::Segmenting(job);
        }
        self.accepting = Some(accepting);
        Ok(())
    }

    pub(super) fn segmented(&mut self, job: JobId, result: &VolumeSegmentation) {
        self.activities.end(job);
        let Some(mut accepting) =
            self.accepting.take_if(|a| matches!(a.stage, Stage::Segmenting(j) if j == job))
        else {
            return;
        };
        if !self.may_still_accept(&accepting) {
            return;
        }
        accepting.slices.extend(result.labels.iter().map(|(&z, labels)| (z, Arc::clone(labels))));
        match self.build(&accepting) {
            Ok(job) => {
                accepting.stage = Stage::Building(job);
                self.accepting = Some(accepting);
            }
            Err(e) => self.notices.add(NoticeLevel::Error, Some(accepting.document), e.to_string()),
        }
    }

    /// The prediction's base must still be the model in use.
    fn may_still_accept(&mut self, accepting: &Accepting) -> bool {
        let Some(document) = self.document(accepting.document) else { return false };
        let current = document.model.as_ref() == Some(&accepting.version);
        if !current {
            let text = "The prediction was not accepted: another model is in use now";
            self.notices.add(NoticeLevel::Warning, Some(accepting.document), text);
        }
        current
    }

    /// Makes the patch on an io thread, from the document as it is now.
    fn build(&mut self, accepting: &Accepting) -> Result<JobId, CommandError> {
        let id = accepting.document;
        let unknown = || CommandError::UnknownModel(accepting.version.to_string());
        let card = Arc::clone(&self.shelf.find(&accepting.version).ok_or_else(unknown)?.card);
        let document = self.document(id).ok_or(CommandError::UnknownDocument(id))?;
        let (maker, revision) = (Maker::of(card, document), document.revision);
        let (slices, accept) = (accepting.slices.clone(), accepting.accept);
        let job = self.engine.run_io(move |_| {
            let changes = maker.changes(&slices, accept)?;
            Ok(Box::new(Built { revision, changes }))
        });
        self.activities.begin(job, "accepting the prediction", Some(id), Purpose::Own);
        Ok(job)
    }

    pub(super) fn accept_built(&mut self, job: JobId, built: Built) {
        if let Some(accepting) = &mut self.accepting
            && matches!(accepting.stage, Stage::Building(j) if j == job)
        {
            accepting.stage = Stage::Built(built);
        }
    }

    /// Takes a patch that is ready into the mask, or has it made anew where the document has changed meanwhile.
    pub(super) fn go_on_accepting(&mut self) {
        let ready = |a: &mut Accepting| matches!(a.stage, Stage::Built(_));
        let Some(accepting) = &self.accepting else { return };
        let Some(document) = self.document(accepting.document) else {
            self.accepting = None;
            return;
        };
        if document.tool.is_some() {
            return;
        }
        let (id, revision) = (document.id, document.revision);
        let Some(mut accepting) = self.accepting.take_if(ready) else { return };
        if !self.may_still_accept(&accepting) {
            return;
        }
        let Stage::Built(built) = std::mem::replace(&mut accepting.stage, Stage::Gathered) else { return };
        let outcome = if built.revision != revision {
            self.build(&accepting).map(|job| {
                accepting.stage = Stage::Building(job);
                self.accepting = Some(accepting);
            })
        } else if built.changes.is_empty() {
            Err(CommandError::NothingToAccept)
        } else {
            self.change(id, built.changes)
        };
        if let Err(e) = outcome {
            self.notices.add(NoticeLevel::Warning, Some(id), e.to_string());
        }
    }

    pub(super) fn import_labels(&mut self, path: PathBuf) -> Result<(), CommandError> {
        let document = self.active().ok_or(CommandError::NoDocument)?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        let (id, revision) = (document.id, document.revision);
        let (volume, now) = (document.volume.clone(), document.now.clone());
        let title = format!("importing labels from {}", path.display());
        let job = self.engine.run_io(move |cx| {
            let (map, _, warnings) = io::open_labels(&path)?;
            cx.check()?;
            anyhow::ensure!(
                map.dims() == volume.dims(),
                "{} is of size {:?}, the image of {:?}: the labels belong to another image",
                path.display(),
                map.dims(),
                volume.dims()
            );
            let mut table = now.labels.clone();
            table.name_unknown(map.counts().into_keys());
            let rules = crate::edit::MaskRules::new(&table, &now.verified);
            let name = path.file_name().map_or_else(Default::default, |n| n.to_string_lossy().into_owned());
            let [w, h, depth] = volume.dims();
            let runs = (0..h * depth).map(|row| (row * w, w as u32)).collect();
            let everything = Region::from_runs(volume.grid(), runs);
            let origin = Origin::Import { source: name };
            let patch = Patch::replace(&now.mask, &volume, &everything, &map.to_values(), &rules, origin)?;
            Ok(Box::new(Imported {
                built: Built { revision, changes: with_labels(&now.labels, &table, patch) },
                warnings,
            }))
        });
        self.activities.begin(job, title, Some(id), Purpose::Import);
        Ok(())
    }

    pub(super) fn imported(&mut self, id: DocumentId, title: &str, Imported { built, warnings }: Imported) {
        for warning in warnings {
            self.notices.add(NoticeLevel::Warning, Some(id), format!("{title}: {warning}"));
        }
        let Some(document) = self.document(id) else { return };
        let outcome = if document.revision != built.revision || document.tool.is_some() {
            Err("the mask was edited meanwhile: import again".to_owned())
        } else if built.changes.is_empty() {
            Err("the mask is the same already".to_owned())
        } else {
            self.change(id, built.changes).map_err(|e| e.to_string())
        };
        if let Err(text) = outcome {
            self.notices.add(NoticeLevel::Warning, Some(id), format!("{title}: {text}"));
        }
    }
}

/// A label image, ready to be taken in.
pub(super) struct Imported {
    built: Built,
    warnings: Vec<String>,
}
