use super::explain::explain;
use super::nn_thread::{NnWorld, model_failure};
use super::schedule::{StepOutcome, Steps};
use super::{
    Board, Eta, Event, JobContext, JobHandle, JobId, Predicted, SegmentVolume, SliceKey, VolumeSegmentation,
};
use crate::label::LabelId;
use crate::nn::pipeline::{SegmentOptions, VolumeInference, VolumeLabels, VolumeStep};
use crate::nn::watch::Watch;
use crate::nn::{AnyModel, Model, PredictError, SliceInference, SlicePrediction, Step};
use crate::volume::Volume;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One slice on its way through a network, a tile a step.
#[derive(Default)]
pub(super) struct SliceWalk {
    inference: Option<SliceInference>,
    options: SegmentOptions,
    spent: Duration,
}

/// What a finished walk has.
pub(super) struct Walked {
    pub prediction: SlicePrediction,
    pub labels: Arc<[LabelId]>,
    /// Time spent on this slice alone.
    pub spent: Duration,
}

impl SliceWalk {
    pub fn is_begun(&self) -> bool {
        self.inference.is_some()
    }

    /// One tile; Some once the slice is done, and the next step begins another.
    pub fn step(&mut self, model: &Model, volume: &Volume, z: usize) -> Result<Option<Walked>, PredictError> {
        let began = Instant::now();
        let mut inference = match self.inference.take() {
            Some(inference) => inference,
            None => SliceInference::with_options(model, volume, z, self.options)?,
        };
        let step = inference.step(model)?;
        let done = match step {
            Step::Pending { .. } => {
                self.inference = Some(inference);
                None
            }
            Step::Done(prediction) => Some((prediction.labels(&model.card)?, prediction)),
        };
        self.spent += began.elapsed();
        Ok(done.map(|(labels, prediction)| Walked {
            prediction,
            labels: labels.into(),
            spent: std::mem::take(&mut self.spent),
        }))
    }
}

/// What a failed prediction means for a person.
pub(super) fn predict_failure(error: PredictError) -> String {
    match error {
        PredictError::Device(text) => explain(&text),
        other => other.to_string(),
    }
}

/// A slice of the wish.
pub(super) struct PredictSlice {
    volume: Volume,
    key: SliceKey,
    walk: SliceWalk,
}

impl PredictSlice {
    pub fn new(volume: Volume, key: SliceKey) -> Self {
        Self { volume, key, walk: SliceWalk::default() }
    }
}

impl Steps<NnWorld> for PredictSlice {
    fn step(&mut self, world: &mut NnWorld) -> StepOutcome {
        let Walked { prediction, labels, spent } = match world
            .model(&self.key.version)
            .and_then(|model| model.slices().map_err(model_failure))
            .and_then(|model| self.walk.step(model, &self.volume, self.key.z).map_err(predict_failure))
        {
            Ok(Some(walked)) => walked,
            Ok(None) => return StepOutcome::More,
            Err(reason) => return StepOutcome::Failed(reason),
        };
        let predicted = Predicted {
            key: self.key.clone(),
            gpu: world.export(&prediction),
            prediction: Arc::new(prediction),
            labels,
            millis: spent.as_secs_f32() * 1000.0,
        };
        world.board.post(Event::Predicted(predicted));
        StepOutcome::Done
    }
}

/// A volume: its slices one after the other, or all of it through networks of volumes, as the model has it.
pub(super) struct SegmentSteps {
    job: JobId,
    watch: Arc<dyn Watch>,
    request: SegmentVolume,
    /// Slices that are done.
    done: usize,
    walk: SliceWalk,
    whole: Option<VolumeInference>,
    classes: usize,
    labels: BTreeMap<usize, Arc<[LabelId]>>,
    probabilities: BTreeMap<usize, Arc<[f32]>>,
    eta: Eta,
}

impl SegmentSteps {
    pub fn new(job: JobHandle, board: Arc<Board>, request: SegmentVolume) -> Self {
        Self {
            job: job.id(),
            watch: Arc::new(JobContext::new(job, board)),
            done: 0,
            walk: SliceWalk { options: request.options, ..SliceWalk::default() },
            request,
            whole: None,
            classes: 0,
            labels: BTreeMap::new(),
            probabilities: BTreeMap::new(),
            eta: Eta::default(),
        }
    }

    fn report(&mut self, world: &NnWorld) {
        let (now, done, total) = (Instant::now(), self.done as u64, self.request.slices.len() as u64);
        self.eta.tick(now, done);
        let eta_secs = self.eta.remaining_secs(now, total);
        world.board.post(Event::Progress { job: self.job, stage: "predicting", done, total, eta_secs });
    }

    /// One tile, or one pass of a network of volumes; true once every slice is done.
    fn advance(&mut self, world: &mut NnWorld) -> Result<bool, String> {
        if let AnyModel::Volumes(_) = world.model(&self.request.version)? {
            return self.advance_whole(world);
        }
        if self.done == 0 && !self.walk.is_begun() {
            self.report(world);
        }
        let SegmentVolume { document, volume, version, slices, .. } = &self.request;
        let Some(&z) = slices.get(self.done) else { return Ok(true) };
        let last = self.done + 1 == slices.len();
        let model = world.model(version)?.slices().map_err(model_failure)?;
        let walked = self.walk.step(model, volume, z).map_err(predict_failure)?;
        let Some(walked) = walked else { return Ok(false) };
        self.classes = walked.prediction.classes;
        if self.request.probabilities {
            let probabilities = walked.prediction.probabilities.to_host().map_err(predict_failure)?;
            self.probabilities.insert(z, probabilities);
        }
        let key = SliceKey { document: *document, version: Arc::clone(version), z };
        let detection = walked.prediction.detection.as_deref().map(Arc::from);
        let labels = Arc::clone(&walked.labels);
        world.board.post(Event::SliceSegmented { job: self.job, key, labels, detection });
        self.labels.insert(z, walked.labels);
        self.done += 1;
        self.report(world);
        Ok(last)
    }

    fn advance_whole(&mut self, world: &mut NnWorld) -> Result<bool, String> {
        let SegmentVolume { document, volume, version, slices, probabilities, options } = &self.request;
        let AnyModel::Volumes(model) = world.model(version)? else { return Ok(false) };
        if *probabilities {
            return Err(format!("{} gives labels and no probabilities; ask for none", model.card.title));
        }
        let mut inference = match self.whole.take() {
            Some(inference) => inference,
            None => VolumeInference::new(model, volume, *options).map_err(predict_failure)?,
        };
        let step = match inference.step(model, &self.watch) {
            // The scheduler lets go of what was cancelled.
            Err(PredictError::Stopped(_)) => VolumeStep::Pending,
            step => step.map_err(predict_failure)?,
        };
        let VolumeStep::Done(VolumeLabels { labels, .. }) = step else {
            self.whole = Some(inference);
            return Ok(false);
        };
        self.classes = model.card.classes();
        let [width, height, _] = volume.dims();
        for &z in slices {
            let Some(slice) = labels.chunks_exact(width * height).nth(z) else { continue };
            let (key, slice) =
                (SliceKey { document: *document, version: Arc::clone(version), z }, Arc::from(slice));
            let labels = Arc::clone(&slice);
            world.board.post(Event::SliceSegmented { job: self.job, key, labels, detection: None });
            self.labels.insert(z, slice);
        }
        Ok(true)
    }
}

impl Steps<NnWorld> for SegmentSteps {
    fn step(&mut self, world: &mut NnWorld) -> StepOutcome {
        match self.advance(world) {
            Ok(false) => StepOutcome::More,
            Err(reason) => StepOutcome::Failed(reason),
            Ok(true) => {
                let job = self.job;
                let result = Arc::new(VolumeSegmentation {
                    document: self.request.document,
                    version: Arc::clone(&self.request.version),
                    classes: self.classes,
                    labels: std::mem::take(&mut self.labels),
                    probabilities: std::mem::take(&mut self.probabilities),
                });
                world.board.finish(job, Event::VolumeSegmented { job, result });
                StepOutcome::Done
            }
        }
    }

    fn rest(&mut self, _world: &mut NnWorld) {
        self.eta.rest();
    }
}
