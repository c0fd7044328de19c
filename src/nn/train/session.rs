use super::{
    CheckpointError, OptimizerStep, Precision, SampleError, TrainConfig, checkpoint, contrast::Contrastive,
};
use crate::{
    memory::{self, TooMuch},
    metrics::Report,
    nn::{ModelOf, NamedTensors, NetworkError, PredictError, self_test},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// What one call of [`Session::step`] did.
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
    /// A run that was to multiply in half precision does so no longer; nothing else changes.
    SinglePrecision { reason: String },
    /// The run has ended.
    Finished,
}

/// How many slices of a validation are kept to be shown.
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
    #[error("no run can be made of these settings: {0}")]
    Settings(String),
    #[error("a batch of {batch} takes too much: {cause}")]
    Memory { batch: usize, cause: TooMuch },
    #[error(transparent)]
    Sample(#[from] SampleError),
    #[error("{name}: {reason}")]
    Case { name: String, reason: String },
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error("validation failed: {0}")]
    Validation(PredictError),
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

impl From<PredictError> for TrainError {
    fn from(error: PredictError) -> Self {
        Self::Validation(error)
    }
}

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

/// What a run learns from and is validated on: slices or volumes.
pub trait TrainingSet<const D: usize> {
    /// Takes one optimiser step; the loss before it.
    fn learn(&mut self, input: StepInput<'_, D>) -> Result<f32, TrainError>;

    /// Whether a validation can choose the weights that are kept.
    fn validates(&self) -> bool;

    /// Does the next short piece of a validation of `model`.
    fn validate(&mut self, model: &ModelOf<D>, config: &TrainConfig) -> Result<Validation, TrainError>;

    /// Tells one training set from another: a run goes on with its own only.
    fn fingerprint(&self) -> String;

    /// The state of a pretraining, where the run is one.
    fn contrast(&self) -> Option<&Contrastive> {
        None
    }

    fn contrast_mut(&mut self) -> Option<&mut Contrastive> {
        None
    }
}

/// What one optimiser step has to work with.
pub struct StepInput<'a, const D: usize> {
    pub(super) model: &'a mut ModelOf<D>,
    pub(super) optimizer: &'a mut OptimizerStep,
    pub(super) config: &'a TrainConfig,
    /// Steps taken before.
    pub(super) step: u64,
    pub(super) lr: f64,
    /// Where the schedule sets it.
    pub(super) momentum: Option<f64>,
    /// Of the average of the weights after this step.
    pub(super) decay: f64,
}

impl<const D: usize> StepInput<'_, D> {
    /// Decides what is dropped at random in this step.
    pub(super) fn seed(&self) -> u64 {
        self.config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ self.step
    }
}

/// Where a validation is after a piece of it.
pub enum Validation {
    Pending {
        done: usize,
        total: usize,
    },
    Done {
        report: Report,
        /// By the run's [`super::BestRule`].
        value: Option<f64>,
        predicted: Vec<Arc<[u16]>>,
    },
}

/// A training run, one short step at a time: of slices ([`super::TrainSession`]) or of volumes
/// ([`super::volumes::VolumeSession`]).
pub struct Session<const D: usize, L> {
    pub(super) model: ModelOf<D>,
    pub(super) config: TrainConfig,
    pub(super) optimizer: OptimizerStep,
    pub(super) progress: Progress,
    pub(super) best: Option<Best>,
    pub(super) training_set: L,
    /// The average of the weights while it is being validated, where the run keeps one.
    averaged: Option<ModelOf<D>>,
}

/// Whether there is memory for a batch of so many inputs, each of so many values. What the network makes of it takes more.
pub(super) fn room(batch: usize, values: &[usize]) -> Result<(), TrainError> {
    let values = values.iter().fold(batch as u128, |n, &side| n.saturating_mul(side as u128));
    let bytes = values.saturating_mul(size_of::<f32>() as u128);
    memory::check(bytes).map_err(|cause| TrainError::Memory { batch, cause })
}

impl<const D: usize, L: TrainingSet<D>> Session<D, L> {
    /// At its beginning; `config` counts in steps.
    pub(super) fn begin(mut model: ModelOf<D>, config: TrainConfig, training_set: L) -> Self {
        if config.average.is_some() {
            model.network_mut().average(0.0);
        }
        let mut optimizer = config.optimizer_step();
        if config.precision == Precision::Half {
            optimizer.enter_half();
            let stable = match config.pretrain {
                // Its loss learns too, in each step, before anybody knows whether the step can be taken.
                Some(_) => Err("a pretraining multiplies in single".to_owned()),
                None => self_test::half_passed(model.network().spec(), model.device()),
            };
            stable.unwrap_or_else(|reason| optimizer.leave_half(reason));
        }
        Self {
            optimizer,
            progress: Progress::default(),
            best: None,
            averaged: None,
            model,
            config,
            training_set,
        }
    }

    /// As a checkpoint of this run has it.
    pub(super) fn restored(mut self, path: &Path, saved: checkpoint::Saved) -> Result<Self, TrainError> {
        saved.check(path, &self.model.card, self.training_set.fingerprint())?;
        self.model.network_mut().load(&saved.model)?;
        if self.config.average.is_some() {
            self.model.network_mut().load_average(&saved.average)?;
        }
        self.optimizer = saved.restore_optimizer(path, self.optimizer)?;
        if let Some(contrast) = self.training_set.contrast_mut() {
            saved.restore_contrast(path, contrast, self.config.optimizer_step())?;
        }
        self.best = saved.best;
        self.progress = saved.header.progress;
        Ok(self)
    }

    /// Writes everything that going on needs; the file is replaced only by a complete one.
    pub fn checkpoint(&self, path: &Path) -> Result<(), TrainError> {
        Ok(checkpoint::write(self, path)?)
    }

    /// Does the next short piece of work: takes an optimiser step, or predicts a part of what is validated on.
    pub fn step(&mut self) -> Result<TrainEvent, TrainError> {
        if let Some(reason) = self.optimizer.take_left_half() {
            return Ok(TrainEvent::SinglePrecision { reason });
        }
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

    /// Why the run is over before its end, where its loss or its values are no longer numbers; also of one that was saved so.
    pub fn diverged(&self) -> Option<&str> {
        self.progress.diverged.as_deref()
    }

    /// The step of the best validation and its value by the run's rule.
    pub fn best(&self) -> Option<(u64, f64)> {
        self.best.as_ref().map(|b| (b.step, b.value))
    }

    /// The model as it is now.
    pub fn current(&self) -> &ModelOf<D> {
        &self.model
    }

    /// The best model so far, None where no validation has chosen one.
    pub fn best_model(&self) -> Result<Option<ModelOf<D>>, TrainError> {
        let Some(best) = &self.best else { return Ok(None) };
        let mut model = self.last_model();
        model.network_mut().load(&best.tensors)?;
        model.card.metrics = best.dice.map(|dice| ("dice/valid".to_owned(), dice)).into_iter().collect();
        Ok(Some(model))
    }

    /// The model as it is now, or the average of its weights where the run keeps one, with a card of its own: the model that
    /// the run started from is its parent, unless that had learned nothing.
    pub fn last_model(&self) -> ModelOf<D> {
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
    pub fn into_model(self) -> Result<ModelOf<D>, TrainError> {
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
        if !self.training_set.validates() || self.progress.diverged.is_some() {
            return false;
        }
        self.is_point() && self.progress.validated != Some(self.progress.step)
    }

    /// Whether the curve has a point after the steps that were taken.
    fn is_point(&self) -> bool {
        let step = self.progress.step;
        step > 0 && (step.is_multiple_of(self.config.validate_every.max(1)) || step == self.config.steps)
    }

    fn train_step(&mut self) -> Result<TrainEvent, TrainError> {
        let (step, total) = self.steps();
        let lr_step = step - step % self.config.lr_every.max(1);
        let lr = self.config.lr * self.config.schedule.factor(lr_step, total);
        let momentum = self.config.schedule.momentum(lr_step, total);
        self.optimizer.set_momentum(momentum);
        let decay = self.config.average.map_or(0.0, |average| average.decay(step + 1, total));
        let Self { model, optimizer, config, training_set, .. } = self;
        match training_set.learn(StepInput { model, optimizer, config, step, lr, momentum, decay }) {
            Ok(loss) => {
                self.progress.step += 1;
                if self.config.average.is_some() {
                    self.model.network_mut().average(decay);
                }
                self.progress.loss_sum += f64::from(loss);
                self.progress.loss_count += 1;
                if !self.training_set.validates() && self.is_point() {
                    self.add_point(None);
                }
                Ok(TrainEvent::Step { step: step + 1, total, loss, lr })
            }
            Err(TrainError::Network(NetworkError::NotFinite(value))) => {
                Ok(self.diverge(format!("the loss became {value} in step {}", step + 1)))
            }
            Err(e) => Err(e),
        }
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
        if self.averaged.is_none() {
            self.averaged = self.model.averaged();
        }
        let model = self.averaged.as_ref().unwrap_or(&self.model);
        let (report, value, predicted) = match self.training_set.validate(model, &self.config) {
            Ok(Validation::Pending { done, total }) => return Ok(TrainEvent::Validating { done, total }),
            Ok(Validation::Done { report, value, predicted }) => (report, value, predicted),
            // The last step has ruined the weights, which its loss could not show.
            Err(TrainError::Validation(PredictError::NotFinite)) => {
                return Ok(self.diverge("the network's values are not finite".into()));
            }
            Err(e) => return Err(e),
        };
        let (step, dice) = (self.progress.step, report.mean_dice);
        let better = value.filter(|value| self.best.as_ref().is_none_or(|best| *value > best.value));
        if let Some(value) = better {
            self.best = Some(Best { step, value, dice, tensors: model.network().tensors()? });
        }
        self.averaged = None;
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
