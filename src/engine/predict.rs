use super::explain::{model_failure, predict_failure};
use super::job::Stop;
use super::nn_world::NnWorld;
use super::schedule::{StepOutcome, Steps};
use super::{
    Board, Eta, Event, JobContext, JobHandle, JobId, Predicted, SegmentVolume, SliceKey, VolumeSegmentation,
};
use crate::label::LabelId;
use crate::memory;
use crate::nn::pipeline::{SegmentOptions, VolumeInference, VolumeLabels, VolumeStep};
use crate::nn::watch::{Unwatched, Watch, watched};
use crate::nn::{AnyModel, InferenceStep, Model, PredictError, SliceInference, SlicePrediction};
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

    /// Tiles that are done, and all of them, of a slice that has begun.
    pub fn tiles(&self) -> Option<(usize, usize)> {
        self.inference.as_ref().map(|inference| (inference.done(), inference.total()))
    }

    /// One tile; Some once the slice is done, and the next step begins another. A layer that `watch` stops leaves the slice.
    pub fn step(
        &mut self,
        model: &Model,
        volume: &Volume,
        z: usize,
        watch: &Arc<dyn Watch>,
    ) -> Result<Option<Walked>, PredictError> {
        let began = Instant::now();
        let mut inference = match self.inference.take() {
            Some(inference) => inference,
            None => SliceInference::with_options(model, volume, z, self.options)?,
        };
        let step = watched(watch, ("predicting", 0, 0), || inference.step(model))??;
        let done = match step {
            InferenceStep::Pending { .. } => {
                self.inference = Some(inference);
                None
            }
            InferenceStep::Done(prediction) => Some((prediction.labels(&model.card)?, prediction)),
        };
        self.spent += began.elapsed();
        Ok(done.map(|(labels, prediction)| Walked {
            prediction,
            labels: labels.into(),
            spent: std::mem::take(&mut self.spent),
        }))
    }
}

/// A slice of the wish.
pub(super) struct PredictSlice {
    volume: Volume,
    key: SliceKey,
    walk: SliceWalk,
    watch: Arc<dyn Watch>,
}

impl PredictSlice {
    pub fn new(volume: Volume, key: SliceKey) -> Self {
        // What is not wished for any more is let go between two tiles.
        Self { volume, key, walk: SliceWalk::default(), watch: Arc::new(Unwatched) }
    }
}

impl Steps<NnWorld> for PredictSlice {
    fn step(&mut self, world: &mut NnWorld) -> StepOutcome {
        let Walked { prediction, labels, spent } = match world
            .model(&self.key.version)
            .and_then(|model| model.slices().map_err(model_failure))
            .and_then(|model| {
                self.walk.step(model, &self.volume, self.key.z, &self.watch).map_err(predict_failure)
            }) {
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

/// About what the program takes by itself.
const PROGRAM_BYTES: u64 = 128 << 20;

/// A volume: its slices one after the other, or all of it through networks of volumes, as the model has it.
pub(super) struct SegmentSteps {
    job: JobId,
    watch: Arc<dyn Watch>,
    /// The same without a report.
    stop: Arc<dyn Watch>,
    request: SegmentVolume,
    begun: bool,
    /// Of the slice that has been begun last.
    tiles: usize,
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
            stop: Arc::new(Stop(JobContext::new(job.clone(), Arc::clone(&board)))),
            watch: Arc::new(JobContext::new(job, board)),
            begun: false,
            tiles: 1,
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
        let slices = self.request.slices.len();
        // A large picture is many tiles; of a volume the slices are counted.
        let (done, total) = match self.walk.tiles() {
            _ if slices > 1 => (self.done, slices),
            Some((done, total)) => {
                self.tiles = total;
                (done, total)
            }
            None => (self.done * self.tiles, self.tiles),
        };
        let (now, done, total) = (Instant::now(), done as u64, total as u64);
        self.eta.tick(now, done);
        let eta_secs = self.eta.remaining_secs(now, total);
        world.board.post(Event::Progress { job: self.job, stage: "predicting", done, total, eta_secs });
    }

    /// Takes what the image and its labels need out of the memory that is allowed: what is left is the networks'. Refused
    /// where there is none.
    fn set_aside(&mut self, classes: usize) -> Result<(), String> {
        let voxels = self.request.volume.grid().voxel_count() as u64;
        let each = if self.request.probabilities { size_of::<f32>() * classes } else { 0 };
        // Labels by slice, and once more as they are gathered or become a mask.
        let made = voxels * (each + 2 * size_of::<LabelId>()) as u64;
        memory::check(made.into()).map_err(|e| format!("the labels are too many: {e}"))?;
        let Some(allowed) = self.request.options.memory else { return Ok(()) };
        let held = made + self.request.volume.samples().byte_len() as u64 + PROGRAM_BYTES;
        let left = allowed.checked_sub(held).filter(|left| *left > 0).ok_or_else(|| {
            format!(
                "the image and its labels take about {} and {} are allowed; allow more memory",
                memory::text(held.into()),
                memory::text(allowed.into())
            )
        })?;
        self.request.options.memory = Some(left);
        self.walk.options.memory = Some(left);
        Ok(())
    }

    /// One tile, or one pass of a network of volumes; true once every slice is done.
    fn advance(&mut self, world: &mut NnWorld) -> Result<bool, String> {
        if !std::mem::replace(&mut self.begun, true) {
            let classes = world.model(&self.request.version)?.card().classes();
            self.set_aside(classes)?;
        }
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
        let walked = match self.walk.step(model, volume, z, &self.stop) {
            // The scheduler drops cancelled work.
            Err(PredictError::Stopped(_)) => return Ok(false),
            walked => walked.map_err(predict_failure)?,
        };
        let Some(walked) = walked else {
            self.report(world);
            return Ok(false);
        };
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
            // The scheduler drops cancelled work.
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
