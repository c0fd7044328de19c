//! Runs of networks of slices: batches of patches, a teacher, a pretraining, and slices to validate on.

use super::{
    Average, Batch, Batches, Crop, Sampler, Session, StepInput, TrainConfig, TrainError, TrainSample,
    TrainingSet, Validation, checkpoint,
    contrast::Contrastive,
    select::Scored,
    session::{SHOWN, room},
    teacher::Teacher,
};
use crate::{
    metrics::Report,
    nn::{InferenceStep, Model, Outputs, SliceInference, loss::Targets, preprocess::working_size},
};
use burn::tensor::{Tensor, TensorData};
use std::{path::Path, sync::Arc};

/// A run of a network of slices.
pub type TrainSession = Session<4, Slices>;

/// How slowly the network that makes the keys follows the one that learns, where the configuration says nothing of an
/// average. (0.999 for a million pictures in the paper.)
const KEYS: Average = Average::Constant { decay: 0.99 };

/// What such a run learns from and is validated on.
pub struct Slices {
    contrast: Option<Contrastive>,
    teacher: Option<Teacher>,
    batches: Arc<Batches>,
    supply: Option<Supply>,
    valid: Vec<TrainSample>,
    scoring: Scoring,
}

/// Hands out the batches of the steps from the next one on, one after the other, made by another thread; `None` where there
/// are no more, and the session makes its own.
pub type Supply = Box<dyn FnMut() -> Option<Batch> + Send>;

/// A validation that is under way.
#[derive(Default)]
struct Scoring {
    inference: Option<SliceInference>,
    /// By the samples' names.
    cases: Vec<(String, Scored)>,
    predicted: Vec<Arc<[u16]>>,
}

impl TrainSession {
    /// A run from `model`'s weights. Without validation slices the last weights are the ones that are kept.
    pub fn new(
        model: Model,
        config: TrainConfig,
        train: Vec<TrainSample>,
        valid: Vec<TrainSample>,
    ) -> Result<Self, TrainError> {
        if train.is_empty() {
            return Err(TrainError::NoSamples);
        }
        if let Some(fault) = config.fault() {
            return Err(TrainError::Settings(fault));
        }
        let mut config = config.for_slices(train.len());
        if config.pretrain.is_some() {
            config.average.get_or_insert(KEYS);
        }
        let input = &model.card.input;
        let rule = model.network().input();
        let side = |n: usize| rule.side(n).min(rule.most.unwrap_or(usize::MAX));
        let largest = train.iter().fold([config.patch; 2], |[width, height], sample| {
            let [w, h, _] = sample.volume.dims();
            let [w, h] = working_size([w, h], input);
            [width.max(w), height.max(h)]
        });
        let sampler = Sampler {
            seed: config.seed,
            batch: config.batch.max(1),
            size: if config.crop == Crop::Whole { largest } else { [config.patch; 2] }.map(side),
            crop: config.crop,
            last_batch: config.last_batch,
            foreground: config.foreground,
            views: if config.pretrain.is_some() { 2 } else { 1 },
            augment: config.augment.clone(),
            copies: config.copies.clone(),
            mean: input.mean.clone(),
            std: input.std.clone(),
        };
        room(
            sampler.batch,
            &[sampler.views as usize, input.channels.count(), sampler.size[0], sampler.size[1]],
        )?;
        let contrast = config.pretrain.clone().map(|contrast| {
            Contrastive::new(contrast, model.network(), config.optimizer_step(), config.seed)
        });
        let slices = Slices {
            contrast: contrast.transpose()?,
            teacher: None,
            batches: Arc::new(Batches::new(train, model.card.clone(), sampler)),
            supply: None,
            valid,
            scoring: Scoring::default(),
        };
        Ok(Self::begin(model, config, slices))
    }

    /// Goes on from a checkpoint, with the configuration that it holds, as if the run had never stopped. `model` gives
    /// the network and its device; the slices must be those of the run.
    pub fn resume(
        model: Model,
        path: &Path,
        train: Vec<TrainSample>,
        valid: Vec<TrainSample>,
    ) -> Result<Self, TrainError> {
        let saved = checkpoint::read(path)?;
        Self::new(model, saved.header.config.clone(), train, valid)?.restored(path, saved)
    }

    /// With the model that the loss distils from, or none; of a run that is resumed the same as before.
    pub fn with_teacher(mut self, teacher: Option<Model>) -> Result<Self, TrainError> {
        let version = teacher.as_ref().map(|t| t.card.version.clone());
        match (&version, self.config.loss.distils()) {
            (None, true) => return Err(TrainError::NoTeacher),
            (Some(version), false) => return Err(TrainError::IdleTeacher(version.clone())),
            _ => {}
        }
        if self.progress.step > 0 && self.progress.teacher != version {
            return Err(TrainError::OtherTeacher { then: self.progress.teacher, now: version });
        }
        let size = self.training_set.batches.size();
        self.training_set.teacher =
            teacher.map(|teacher| Teacher::new(teacher, &self.model, size)).transpose()?;
        self.progress.teacher = version;
        Ok(self)
    }

    /// The batches of this run, for a thread that makes them ahead.
    pub fn batches(&self) -> Arc<Batches> {
        Arc::clone(&self.training_set.batches)
    }

    /// Takes batches from another thread from now on.
    pub fn set_supply(&mut self, supply: Supply) {
        self.training_set.supply = Some(supply);
    }
}

impl TrainingSet<4> for Slices {
    fn learn(&mut self, turn: StepInput<'_, 4>) -> Result<f32, TrainError> {
        let seed = turn.seed();
        let StepInput { model, optimizer, config, step, lr, momentum, decay } = turn;
        let made = self.supply.as_mut().and_then(|supply| supply());
        let Batch { input, classes, n, channels, width, height } =
            made.unwrap_or_else(|| self.batches.of_step(step));
        let device = model.network().device().burn().clone();
        let head = model.network().head();
        let input = Tensor::<4>::from_data(TensorData::new(input, [n, channels, height, width]), &device);
        let network = model.network_mut();
        if let Some(contrast) = &mut self.contrast {
            contrast.optimizer_step.set_momentum(momentum);
            return Ok(contrast.step(network, input, optimizer, lr, seed, decay)?);
        }
        let taught = self.teacher.as_ref().map(|teacher| teacher.logits(input.clone()));
        let mut loss = |outputs: &Outputs| {
            let mut targets = Targets::new(&classes, [n, height, width], head, &outputs.logits.device());
            if let Some(taught) = &taught {
                targets = targets.with_teacher(taught.clone());
            }
            config.loss.compute(outputs, &targets)
        };
        Ok(network.train_step(input, &mut loss, optimizer, lr, seed)?)
    }

    fn validates(&self) -> bool {
        !self.valid.is_empty() && self.contrast.is_none()
    }

    /// One tile.
    fn validate(&mut self, model: &Model, config: &TrainConfig) -> Result<Validation, TrainError> {
        let total = self.valid.len();
        let Scoring { inference, cases, predicted } = &mut self.scoring;
        let sample = &self.valid[cases.len()];
        let mut slice = match inference.take() {
            Some(inference) => inference,
            None => model.begin_slice(&sample.volume, sample.z)?,
        };
        match slice.step(model)? {
            InferenceStep::Pending { .. } => *inference = Some(slice),
            InferenceStep::Done(prediction) => {
                let labels = prediction.labels(&model.card)?;
                cases.push((sample.name.clone(), Scored::new(&model.card, sample, &labels)));
                if predicted.len() < SHOWN {
                    predicted.push(labels.into());
                }
            }
        }
        if cases.len() < total {
            return Ok(Validation::Pending { done: cases.len(), total });
        }
        let Scoring { cases, predicted, .. } = std::mem::take(&mut self.scoring);
        let report = Report::new(cases.iter().map(|(name, s)| (name.clone(), s.foreground())).collect());
        let scored: Vec<Scored> = cases.into_iter().map(|(_, scored)| scored).collect();
        let value = config.best.value(&scored, report.mean_dice);
        Ok(Validation::Done { report, value, predicted })
    }

    /// Names, sizes and labels, not the images' values.
    fn fingerprint(&self) -> String {
        let mut hash = blake3::Hasher::new();
        for (kind, samples) in [("train", self.batches.samples()), ("valid", &self.valid)] {
            for s in samples {
                hash.update(format!("{kind}\0{}\0{:?}\0{}\0", s.name, s.volume.dims(), s.z).as_bytes());
                for c in s.labels.iter() {
                    hash.update(&c.to_le_bytes());
                }
            }
        }
        hash.finalize().to_hex().to_string()
    }

    fn contrast(&self) -> Option<&Contrastive> {
        self.contrast.as_ref()
    }

    fn contrast_mut(&mut self) -> Option<&mut Contrastive> {
        self.contrast.as_mut()
    }
}
