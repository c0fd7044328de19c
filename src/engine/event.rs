use super::{DocumentId, JobId, Message, VolumeSegmentation, train::Trained};
use crate::io::Opened;
use crate::label::LabelId;
use crate::nn::{DeviceKind, ModelCard, SlicePrediction};
use crate::volume::Volume;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A model's version, as its card has it.
pub type Version = Arc<str>;

/// A model that the engine has loaded, or trained. The network itself stays on its thread.
#[derive(Clone)]
pub struct LoadedModel {
    pub card: Arc<ModelCard>,
    /// The whole file, as it is saved and loaded.
    pub bytes: Arc<[u8]>,
}

impl LoadedModel {
    pub fn version(&self) -> Version {
        self.card.version.as_str().into()
    }
}

impl fmt::Debug for LoadedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoadedModel({} {}, {} bytes)", self.card.title, self.card.version, self.bytes.len())
    }
}

/// A native slice of a document, as seen by a version of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceKey {
    pub document: DocumentId,
    pub version: Version,
    /// Native slice.
    pub z: usize,
}

#[derive(Clone)]
pub struct Predicted {
    pub key: SliceKey,
    pub prediction: Arc<SlicePrediction>,
    /// The most probable label of each pixel, row by row.
    pub labels: Arc<[LabelId]>,
    /// What the `export` of [`super::EngineOptions`] made of a prediction that lies on the GPU.
    pub gpu: Option<Arc<dyn Any + Send + Sync>>,
    /// From the first tile begun to the labels read, without what was done for others meanwhile.
    pub millis: f32,
}

impl fmt::Debug for Predicted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Predicted({:?}, {:.0} ms)", self.key, self.millis)
    }
}

/// One training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainPoint {
    /// From 1.
    pub step: u64,
    pub loss: f32,
    pub lr: f64,
}

/// What the engine has to say. Small: bulk results are `Arc`s.
#[derive(Debug)]
pub enum Event {
    /// The device that networks run on, with the reason for the choice.
    /// `halves`: it computes in half precision too.
    DeviceReady { name: String, reason: String, kind: DeviceKind, halves: bool },
    /// No device: predicting and training will fail with this reason.
    DeviceFailed { reason: String },
    /// A middle slice (z of depth), while the rest is still being read.
    Preview { job: JobId, volume: Volume, z: usize, depth: usize },
    /// Ends an opening.
    Opened { job: JobId, opened: Box<Opened> },
    /// Ends the loading of a model.
    ModelLoaded { job: JobId, model: LoadedModel },
    /// A slice that was wished for, or one of its neighbours.
    Predicted(Predicted),
    /// A slice that was wished for cannot be predicted; the same wish would fail again.
    PredictFailed { key: SliceKey, reason: String },
    /// `done` of `total` units of a stage. Opening and training report here too.
    Progress { job: JobId, stage: &'static str, done: u64, total: u64, eta_secs: Option<f64> },
    /// A slice of a volume that is being segmented: the most probable label of each pixel, row by row, and the probability
    /// of each slice-level finding, where the network has that head.
    SliceSegmented { job: JobId, key: SliceKey, labels: Arc<[LabelId]>, detection: Option<Arc<[f32]>> },
    /// Ends the segmentation of a volume.
    VolumeSegmented { job: JobId, result: Arc<VolumeSegmentation> },
    /// Steps since the last such event, in order.
    TrainSteps { job: JobId, points: Vec<TrainPoint> },
    /// The Dice of each label that the model in use, or another one that the new one is compared with, has on the held-out
    /// slices: of those labels alone that both know, None where the slices show none of it.
    TrainEarlier { job: JobId, per_label: BTreeMap<LabelId, Option<f64>> },
    /// The held-out slices have been predicted after step `step`: the Dice of each label, and their mean, None where the
    /// slices show none. `best`: these weights are the ones that the run would end with now. `predicted`: what they make of
    /// the first held-out slices, label ids row by row.
    TrainValidated {
        job: JobId,
        step: u64,
        dice: Option<f64>,
        per_label: BTreeMap<LabelId, Option<f64>>,
        best: bool,
        predicted: Vec<Arc<[LabelId]>>,
    },
    /// The run can be resumed from here after a crash.
    TrainSaved { job: JobId, step: u64 },
    /// The checkpoint was not written; the run goes on.
    TrainNotSaved { job: JobId, reason: String },
    /// A run that was to multiply in half precision does so no longer; it goes on.
    TrainSinglePrecision { job: JobId, reason: String },
    /// Ends a training run. Whether the new model is used is for a person to decide.
    Trained { job: JobId, result: Arc<Trained> },
    /// Ends a job of the caller's own, whose [`Task`](super::Task) has the result.
    Done { job: JobId },
    /// Ends any job. The reason says what is wrong and what to do.
    JobFailed { job: JobId, reason: String },
    /// Ends any job.
    JobCancelled { job: JobId },
}

impl Event {
    /// The job that this event belongs to.
    pub fn job(&self) -> Option<JobId> {
        match self {
            Event::Preview { job, .. }
            | Event::Opened { job, .. }
            | Event::ModelLoaded { job, .. }
            | Event::Progress { job, .. }
            | Event::SliceSegmented { job, .. }
            | Event::VolumeSegmented { job, .. }
            | Event::TrainSteps { job, .. }
            | Event::TrainEarlier { job, .. }
            | Event::TrainValidated { job, .. }
            | Event::TrainSaved { job, .. }
            | Event::TrainNotSaved { job, .. }
            | Event::TrainSinglePrecision { job, .. }
            | Event::Trained { job, .. }
            | Event::Done { job }
            | Event::JobFailed { job, .. }
            | Event::JobCancelled { job } => Some(*job),
            Event::DeviceReady { .. }
            | Event::DeviceFailed { .. }
            | Event::Predicted(_)
            | Event::PredictFailed { .. } => None,
        }
    }

    /// The job that ends with this event; each job has exactly one.
    pub fn ends(&self) -> Option<JobId> {
        match self {
            Event::Opened { job, .. }
            | Event::ModelLoaded { job, .. }
            | Event::VolumeSegmented { job, .. }
            | Event::Trained { job, .. }
            | Event::Done { job }
            | Event::JobFailed { job, .. }
            | Event::JobCancelled { job } => Some(*job),
            _ => None,
        }
    }
}

/// What a newer event makes obsolete.
#[derive(PartialEq)]
pub enum EventKey {
    Progress(JobId),
    Preview(JobId),
    TrainSteps(JobId),
    TrainSaved(JobId),
    TrainNotSaved(JobId),
    Slice(SliceKey),
    SliceFailed(SliceKey),
}

impl Message for Event {
    type Key = EventKey;

    fn key(&self) -> Option<EventKey> {
        match self {
            Event::Progress { job, .. } => Some(EventKey::Progress(*job)),
            Event::Preview { job, .. } => Some(EventKey::Preview(*job)),
            Event::TrainSteps { job, .. } => Some(EventKey::TrainSteps(*job)),
            Event::TrainSaved { job, .. } => Some(EventKey::TrainSaved(*job)),
            Event::TrainNotSaved { job, .. } => Some(EventKey::TrainNotSaved(*job)),
            Event::Predicted(predicted) => Some(EventKey::Slice(predicted.key.clone())),
            Event::PredictFailed { key, .. } => Some(EventKey::SliceFailed(key.clone())),
            _ => None,
        }
    }

    fn absorb(&mut self, older: Self) {
        if let (Event::TrainSteps { points, .. }, Event::TrainSteps { points: mut all, .. }) = (self, older) {
            all.append(points);
            *points = all;
        }
    }

    fn can_wait(&self) -> bool {
        matches!(
            self,
            Event::Progress { .. }
                | Event::TrainSteps { .. }
                | Event::TrainEarlier { .. }
                | Event::TrainValidated { .. }
                | Event::TrainSaved { .. }
        )
    }

    fn is_bulky(&self) -> bool {
        matches!(self, Event::Predicted(_) | Event::PredictFailed { .. })
    }
}
