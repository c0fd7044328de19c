use super::{
    Average, Batch, Batches, CheckpointError, Crop, Descent, SampleError, Sampler, TrainConfig, TrainSample,
    checkpoint, contrast::Contrastive, select::Scored, teacher::Teacher,
};
use crate::{
    metrics::Report,
    nn::{
        Model, NamedTensors, NetworkError, Outputs, PredictError, SliceInference, Step, loss::Targets,
        preprocess::working_size,
    },
};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// What one call of [`TrainSession::step`] did.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainEvent {
    /// One optimiser step; `step` counts from 1.
    Step { step: u64, total: u64, loss: f32, lr: f64 },
    /// Part of a validation: slices done.
    Validating { done: usize, total: usize },
    /// A validation is complete. `dice` is the mean over the classes of their mean over the slices; `None` where no
    /// slice shows a class. `value` is what the run's [`super::BestRule`] makes of it, and `best` says that these weights are
    /// now the ones to keep. `predicted`: label ids of the first [`SHOWN`] slices, row by row, for looking at.
    Validated {
        step: u64,
        total: u64,
        dice: Option<f64>,
        value: Option<f64>,
        per_class: BTreeMap<u16, Option<f64>>,
        best: bool,
        predicted: Vec<Arc<[u16]>>,
    },
    /// The loss or the network's values are no longer finite numbers, `step` steps having been taken. The run is over;
    /// the best weights so far stand.
    Diverged { step: u64, reason: String },
    /// Nothing is left to do.
    Finished,
}

/// Slices of a validation that are handed out to be looked at.
pub const SHOWN: usize = 8;

/// A point of the live curves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    pub step: u64,
    /// Mean loss over the steps since the point before.
    pub loss: f32,
    /// Validation Dice.
    pub dice: Option<f64>,
}

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error("there is nothing to learn from: no slice has a label that the model knows")]
    NoSamples,
    #[error(transparent)]
    Sample(#[from] SampleError),
    #[error("{name}: {reason}")]
    Case { name: String, reason: String },
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error("validation failed: {0}")]
    Validation(#[from] PredictError),
    #[error("what is pretrained: {0}")]
    Layer(String),
    #[error("the teacher {teacher} cannot teach {network}: {reason}")]
    Teacher { teacher: String, network: String, reason: String },
    #[error("the loss learns from a teacher (kl, mse) and there is none; name one by --teacher")]
    NoTeacher,
    #[error(
        "the loss takes nothing from the teacher {0}; add a term that does: kl, kl(temperature) or mse (--distill)"
    )]
    IdleTeacher(String),
    #[error("the run was begun with {} as its teacher and not with {}", teacher_name(.then), teacher_name(.now))]
    OtherTeacher { then: Option<String>, now: Option<String> },
    #[error("the run diverged before it had anything to keep: {0}. Try a lower learning rate")]
    Diverged(String),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}

/// How slowly the network that makes the keys follows the one that learns, where the configuration says nothing of an
/// average. (0.999 for a million pictures in the paper.)
const KEYS: Average = Average::Constant { decay: 0.99 };

fn teacher_name(version: &Option<String>) -> &str {
    version.as_deref().unwrap_or("nobody")
}

/// Weights worth keeping, and what they reached.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub step: u64,
    /// By the run's rule.
    pub value: f64,
    /// Mean Dice of the slices.
    pub dice: Option<f64>,
    pub tensors: NamedTensors,
}

/// Where a run stands; with the weights and the optimiser's state, all that a checkpoint needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Steps taken.
    pub step: u64,
    /// The step of the last validation.
    pub validated: Option<u64>,
    pub curve: Vec<CurvePoint>,
    /// Sum and number of the losses since the last point.
    pub loss_sum: f64,
    pub loss_count: u64,
    pub diverged: Option<String>,
    /// Version of the model that the run distils from.
    #[serde(default)]
    pub teacher: Option<String>,
}

/// A training run, one short step at a time.
pub struct TrainSession {
    pub(super) model: Model,
    pub(super) config: TrainConfig,
    pub(super) optimizer: Descent,
    pub(super) progress: Progress,
    pub(super) best: Option<Best>,
    pub(super) contrast: Option<Contrastive>,
    teacher: Option<Teacher>,
    batches: Arc<Batches>,
    supply: Option<Supply>,
    valid: Vec<TrainSample>,
    validation: Option<Validation>,
}

/// Hands out the batches of the steps from the next one on, one after the other, made by another thread; `None` where there
/// are no more, and the session makes its own.
pub type Supply = Box<dyn FnMut() -> Option<Batch> + Send>;

/// A validation on its way.
struct Validation {
    inference: Option<SliceInference>,
    /// The average of the weights, where the run keeps one.
    averaged: Option<Model>,
    /// By the samples' names.
    cases: Vec<(String, Scored)>,
    predicted: Vec<Arc<[u16]>>,
}

impl TrainSession {
    /// A run from `model`'s weights. Without validation slices the last weights are the ones that are kept.
    pub fn new(
        mut model: Model,
        config: TrainConfig,
        train: Vec<TrainSample>,
        valid: Vec<TrainSample>,
    ) -> Result<Self, TrainError> {
        if train.is_empty() {
            return Err(TrainError::NoSamples);
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
        if config.average.is_some() {
            model.network_mut().average(0.0);
        }
        let contrast = config
            .pretrain
            .clone()
            .map(|contrast| Contrastive::new(contrast, model.network(), config.descent(), config.seed));
        Ok(Self {
            optimizer: config.descent(),
            progress: Progress::default(),
            best: None,
            contrast: contrast.transpose()?,
            validation: None,
            batches: Arc::new(Batches::new(train, model.card.clone(), sampler)),
            supply: None,
            teacher: None,
            model,
            config,
            valid,
        })
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
        saved.check(path, &model.card, fingerprint(&train, &valid))?;
        let mut session = Self::new(model, saved.header.config.clone(), train, valid)?;
        session.model.network_mut().load(&saved.model)?;
        if session.config.average.is_some() {
            session.model.network_mut().load_average(&saved.average)?;
        }
        session.optimizer = saved.restore_optimizer(path, session.config.descent())?;
        saved.restore_contrast(path, &mut session)?;
        session.best = saved.best;
        session.progress = saved.header.progress;
        Ok(session)
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
        let size = self.batches.size();
        self.teacher = teacher.map(|teacher| Teacher::new(teacher, &self.model, size)).transpose()?;
        self.progress.teacher = version;
        Ok(self)
    }

    /// Writes everything that [`Self::resume`] needs; the file is replaced only by a complete one.
    pub fn checkpoint(&self, path: &Path) -> Result<(), TrainError> {
        Ok(checkpoint::write(self, fingerprint(self.batches.samples(), &self.valid), path)?)
    }

    /// The batches of this run, for a thread that makes them ahead.
    pub fn batches(&self) -> Arc<Batches> {
        Arc::clone(&self.batches)
    }

    /// Takes batches from another thread from now on.
    pub fn set_supply(&mut self, supply: Supply) {
        self.supply = Some(supply);
    }

    /// Does the next short piece of work: takes an optimiser step, or predicts a tile for validation.
    pub fn step(&mut self) -> Result<TrainEvent, TrainError> {
        if self.validation_due() {
            return self.validate();
        }
        if self.is_finished() {
            return Ok(TrainEvent::Finished);
        }
        self.train_step()
    }

    pub fn is_finished(&self) -> bool {
        self.progress.diverged.is_some() || self.progress.step >= self.config.steps
    }

    /// Steps taken and to take.
    pub fn steps(&self) -> (u64, u64) {
        (self.progress.step, self.config.steps)
    }

    /// The steps after which the last validation was made; 0 before the first.
    pub fn validated(&self) -> u64 {
        self.progress.validated.unwrap_or(0)
    }

    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Points at which validation was made (or would have been), oldest first.
    pub fn curve(&self) -> &[CurvePoint] {
        &self.progress.curve
    }

    /// The step of the best validation and its value by the run's rule.
    pub fn best(&self) -> Option<(u64, f64)> {
        self.best.as_ref().map(|b| (b.step, b.value))
    }

    /// The model as it is now.
    pub fn current(&self) -> &Model {
        &self.model
    }

    /// The best model so far, None where no validation has chosen one.
    pub fn best_model(&self) -> Result<Option<Model>, TrainError> {
        let Some(best) = &self.best else { return Ok(None) };
        let mut model = self.last_model();
        model.network_mut().load(&best.tensors)?;
        model.card.metrics = best.dice.map(|dice| ("dice/valid".to_owned(), dice)).into_iter().collect();
        Ok(Some(model))
    }

    /// The model as it is now, or the average of its weights where the run keeps one, with a card of its own: the model that
    /// the run started from is its parent, unless that had learned nothing.
    pub fn last_model(&self) -> Model {
        let mut model = self.model.averaged().unwrap_or_else(|| self.model.duplicate());
        let card = &mut model.card;
        let parent = Some(std::mem::take(&mut card.version));
        card.parent = parent.filter(|version| !version.is_empty() && !card.trained_on.is_empty());
        card.teacher.clone_from(&self.progress.teacher);
        card.metrics.clear();
        model
    }

    /// Ends the run. The weights are the best of the validations, or the last where none has chosen any; the card carries
    /// the validation Dice as `dice/valid`. Weights of a run that diverged with nothing to keep are not given out.
    pub fn into_model(self) -> Result<Model, TrainError> {
        if let Some(best) = self.best_model()? {
            return Ok(best);
        }
        if let Some(reason) = self.progress.diverged {
            return Err(TrainError::Diverged(reason));
        }
        let model = self.last_model();
        let tensors = model.network().tensors()?;
        if tensors.values().flat_map(|t| &t.values).any(|v| !v.is_finite()) {
            return Err(TrainError::Diverged("the weights are not finite".into()));
        }
        Ok(model)
    }

    fn validation_due(&self) -> bool {
        if self.valid.is_empty() || self.contrast.is_some() || self.progress.diverged.is_some() {
            return false;
        }
        let step = self.progress.step;
        let due =
            step > 0 && (step.is_multiple_of(self.config.validate_every.max(1)) || step == self.config.steps);
        due && self.progress.validated != Some(step)
    }

    fn train_step(&mut self) -> Result<TrainEvent, TrainError> {
        let step = self.progress.step;
        let made = self.supply.as_mut().and_then(|supply| supply());
        let Batch { input, classes, n, channels, width, height } =
            made.unwrap_or_else(|| self.batches.of_step(step));
        let device = self.model.network().device().burn().clone();
        let head = self.model.network().head();
        let input = Tensor::<4>::from_data(TensorData::new(input, [n, channels, height, width]), &device);
        let lr_step = self.lr_step();
        let lr = self.config.lr * self.config.schedule.factor(lr_step, self.config.steps);
        let momentum = self.config.schedule.momentum(lr_step, self.config.steps);
        self.optimizer.set_momentum(momentum);
        if let Some(contrast) = &mut self.contrast {
            contrast.descent.set_momentum(momentum);
        }
        let taught = self.teacher.as_ref().map(|teacher| teacher.logits(input.clone()));
        let Self { model, optimizer, config, contrast, .. } = self;
        let mut loss = |outputs: &Outputs| {
            let mut targets = Targets::new(&classes, [n, height, width], head, &outputs.logits.device());
            if let Some(taught) = &taught {
                targets = targets.with_teacher(taught.clone());
            }
            config.loss.compute(outputs, &targets)
        };
        let seed = config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ step;
        let decay = config.average.map_or(0.0, |average| average.decay(step + 1, config.steps));
        let network = model.network_mut();
        let stepped = match contrast {
            Some(contrast) => contrast.step(network, input, optimizer, lr, seed, decay),
            None => network.train_step(input, &mut loss, optimizer, lr, seed),
        };
        match stepped {
            Ok(loss) => {
                self.progress.step += 1;
                if self.config.average.is_some() {
                    self.model.network_mut().average(decay);
                }
                self.progress.loss_sum += f64::from(loss);
                self.progress.loss_count += 1;
                let (step, total) = self.steps();
                if (self.valid.is_empty() || self.contrast.is_some())
                    && (step.is_multiple_of(self.config.validate_every.max(1)) || step == total)
                {
                    self.add_point(None);
                }
                Ok(TrainEvent::Step { step, total, loss, lr })
            }
            Err(NetworkError::NotFinite(value)) => {
                Ok(self.diverge(format!("the loss became {value} in step {}", step + 1)))
            }
            Err(e) => Err(e.into()),
        }
    }

    /// The step whose learning rate counts for the next one.
    fn lr_step(&self) -> u64 {
        let step = self.progress.step;
        step - step % self.config.lr_every.max(1)
    }

    fn diverge(&mut self, reason: String) -> TrainEvent {
        self.progress.diverged = Some(reason.clone());
        TrainEvent::Diverged { step: self.progress.step, reason }
    }

    fn add_point(&mut self, dice: Option<f64>) {
        let p = &mut self.progress;
        let loss = if p.loss_count > 0 { (p.loss_sum / p.loss_count as f64) as f32 } else { f32::NAN };
        p.curve.push(CurvePoint { step: p.step, loss, dice });
        (p.loss_sum, p.loss_count) = (0.0, 0);
    }

    fn validate(&mut self) -> Result<TrainEvent, TrainError> {
        let total = self.valid.len();
        let Validation { inference, averaged, mut cases, mut predicted } =
            self.validation.take().unwrap_or_else(|| Validation {
                inference: None,
                averaged: self.model.averaged(),
                cases: vec![],
                predicted: vec![],
            });
        let model = averaged.as_ref().unwrap_or(&self.model);
        let sample = &self.valid[cases.len()];
        let mut inference = match inference {
            Some(inference) => inference,
            None => model.begin_slice(&sample.volume, sample.z)?,
        };
        let inference = match inference.step(model) {
            Ok(Step::Pending { .. }) => Some(inference),
            Ok(Step::Done(prediction)) => {
                let labels = prediction.labels(&model.card)?;
                cases.push((sample.name.clone(), Scored::new(&model.card, sample, &labels)));
                if predicted.len() < SHOWN {
                    predicted.push(labels.into());
                }
                None
            }
            // The last step has ruined the weights, which its loss could not show.
            Err(PredictError::NotFinite) => {
                return Ok(self.diverge("the network's values are not finite".into()));
            }
            Err(e) => return Err(e.into()),
        };
        if cases.len() < total {
            let done = cases.len();
            self.validation = Some(Validation { inference, averaged, cases, predicted });
            return Ok(TrainEvent::Validating { done, total });
        }
        let report = Report::new(cases.iter().map(|(name, s)| (name.clone(), s.foreground())).collect());
        let scored: Vec<Scored> = cases.into_iter().map(|(_, scored)| scored).collect();
        let (step, dice) = (self.progress.step, report.mean_dice);
        let value = self.config.best.value(&scored, dice);
        let better = value.filter(|value| self.best.as_ref().is_none_or(|best| *value > best.value));
        if let Some(value) = better {
            self.best = Some(Best { step, value, dice, tensors: model.network().tensors()? });
        }
        self.progress.validated = Some(step);
        self.add_point(dice);
        Ok(TrainEvent::Validated {
            step,
            total: self.config.steps,
            dice,
            value,
            per_class: report.classes.iter().map(|(&id, c)| (id, c.mean.dice)).collect(),
            best: better.is_some(),
            predicted,
        })
    }
}

/// Tells one set of slices from another: names, sizes and labels, not the images' values.
fn fingerprint(train: &[TrainSample], valid: &[TrainSample]) -> String {
    let mut hash = blake3::Hasher::new();
    for (kind, samples) in [("train", train), ("valid", valid)] {
        for s in samples {
            hash.update(format!("{kind}\0{}\0{:?}\0{}\0", s.name, s.volume.dims(), s.z).as_bytes());
            for c in s.labels.iter() {
                hash.update(&c.to_le_bytes());
            }
        }
    }
    hash.finalize().to_hex().to_string()
}
