use super::{CaseError, Framing, LabelledVolume, Lesson, VolumeAugment};
use crate::{
    metrics::{Overlap, Report},
    nn::{
        NetworkError, Outputs, VolumeModel,
        loss::Targets,
        train::{
            CurvePoint, Descent, TrainConfig, TrainError, TrainEvent,
            session::{Best, Progress},
        },
    },
};
use burn::tensor::{Tensor, TensorData};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::{collections::BTreeMap, sync::Arc};

/// A case to learn from or to be scored on; read when it is its turn, since not all of them fit into the memory.
#[derive(Clone)]
pub struct VolumeSample {
    pub name: String,
    pub read: Arc<dyn Fn() -> Result<LabelledVolume, String> + Send + Sync>,
}

/// A run of one network of volumes, one step at a time; see [`super::super::TrainSession`], whose events it gives.
pub struct VolumeSession {
    model: VolumeModel,
    config: TrainConfig,
    framing: Framing,
    augment: VolumeAugment,
    optimizer: Descent,
    progress: Progress,
    best: Option<Best>,
    train: Vec<VolumeSample>,
    valid: Vec<VolumeSample>,
    /// Of the cases that the validation on its way has scored.
    scored: Vec<(String, BTreeMap<u16, Overlap>)>,
}

/// The grid `[x, y, z]` of a network whose volumes are resized.
fn grid_of(model: &VolumeModel) -> [usize; 3] {
    model.network().grid().map_or([128; 3], |[depth, height, width]| [width, height, depth])
}

impl VolumeSession {
    /// Without cases to validate on the last weights are the ones that are kept.
    pub fn new(
        model: VolumeModel,
        config: TrainConfig,
        (framing, augment): (Framing, VolumeAugment),
        train: Vec<VolumeSample>,
        valid: Vec<VolumeSample>,
    ) -> Result<Self, TrainError> {
        if train.is_empty() {
            return Err(TrainError::NoSamples);
        }
        let config = config.for_slices(train.len());
        let optimizer = config.optimizer.init();
        let (progress, best, scored) = (Progress::default(), None, vec![]);
        Ok(Self { model, config, framing, augment, optimizer, progress, best, train, valid, scored })
    }

    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// Points at which validation was made (or would have been), oldest first.
    pub fn curve(&self) -> &[CurvePoint] {
        &self.progress.curve
    }

    /// Takes an optimiser step, or scores one case of a validation.
    pub fn step(&mut self) -> Result<TrainEvent, TrainError> {
        let (step, total) = (self.progress.step, self.config.steps);
        if let Some(reason) = &self.progress.diverged {
            return Ok(TrainEvent::Diverged { step, reason: reason.clone() });
        }
        let due = step > 0 && (step.is_multiple_of(self.config.validate_every.max(1)) || step == total);
        if due && !self.valid.is_empty() && self.progress.validated != Some(step) {
            return self.validate();
        }
        if step >= total { Ok(TrainEvent::Finished) } else { self.train_step() }
    }

    /// The best weights of the validations, or the last where none has chosen any.
    pub fn into_model(mut self) -> Result<VolumeModel, TrainError> {
        match (self.best, self.progress.diverged) {
            (Some(best), _) => {
                self.model.network_mut().load(&best.tensors)?;
                self.model.card.metrics =
                    best.dice.map(|dice| ("dice/valid".to_owned(), dice)).into_iter().collect();
            }
            (None, Some(reason)) => return Err(TrainError::Diverged(reason)),
            (None, None) => self.model.card.metrics.clear(),
        }
        Ok(self.model)
    }

    fn lesson(
        &self,
        sample: &VolumeSample,
        augment: &VolumeAugment,
        seed: u64,
    ) -> Result<Lesson, TrainError> {
        let refuse = |reason: String| TrainError::Case { name: sample.name.clone(), reason };
        let case = (sample.read)().map_err(refuse)?;
        let window = self.model.card.input.window.unwrap_or([-325.0, 325.0]);
        let lesson = case.lesson(grid_of(&self.model), window, self.framing, augment, seed);
        lesson.map_err(|e: CaseError| refuse(e.to_string()))
    }

    /// Which case comes at which place: every round goes over all of them in an order of its own.
    fn turn(&self, place: u64) -> usize {
        let count = self.train.len();
        let (round, at) = (place / count as u64, place as usize % count);
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(self.config.seed ^ (round << 20)));
        order[at]
    }

    fn train_step(&mut self) -> Result<TrainEvent, TrainError> {
        let (step, total) = (self.progress.step, self.config.steps);
        let batch = self.config.batch.clamp(1, self.train.len());
        let (mut values, mut classes) = (vec![], vec![]);
        for i in 0..batch as u64 {
            let place = step * batch as u64 + i;
            let seed = self.config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ place;
            let lesson = self.lesson(&self.train[self.turn(place)], &self.augment, seed)?;
            values.extend(lesson.values);
            classes.extend(lesson.classes.into_iter().map(u16::from));
        }
        let [width, height, depth] = grid_of(&self.model);
        let head = self.model.network().head();
        let input = TensorData::new(values, [batch, 1, depth, height, width]);
        let input = Tensor::<5>::from_data(input, self.model.device().burn());
        let at = step - step % self.config.lr_every.max(1);
        let lr = self.config.lr * self.config.schedule.factor(at, total);
        self.optimizer.set_momentum(self.config.schedule.momentum(at, total));
        let Self { model, optimizer, config, .. } = self;
        let mut loss = |outputs: &Outputs<5>| {
            let shape = [batch, depth, height, width];
            let targets = Targets::new(&classes, shape, head, &outputs.logits.device());
            config.loss.compute(outputs, &targets)
        };
        match model.network_mut().train_step(input, &mut loss, optimizer, lr, config.seed ^ step) {
            Ok(loss) => {
                self.progress.step += 1;
                self.progress.loss_sum += f64::from(loss);
                self.progress.loss_count += 1;
                Ok(TrainEvent::Step { step: step + 1, total, loss, lr })
            }
            Err(NetworkError::NotFinite(value)) => {
                let reason = format!("the loss became {value} in step {}", step + 1);
                self.progress.diverged = Some(reason.clone());
                Ok(TrainEvent::Diverged { step, reason })
            }
            Err(e) => Err(e.into()),
        }
    }

    /// One case: the Dice of each class on the network's grid, where its probability is a half or more.
    fn validate(&mut self) -> Result<TrainEvent, TrainError> {
        let sample = &self.valid[self.scored.len()];
        let lesson = self.lesson(sample, &VolumeAugment::default(), 0)?;
        let [width, height, depth] = grid_of(&self.model);
        let input = TensorData::new(lesson.values, [1, 1, depth, height, width]);
        let outputs = self.model.network().infer(Tensor::<5>::from_data(input, self.model.device().burn()));
        let logits =
            outputs.logits.try_into_vec_as::<f32>().map_err(|e| NetworkError::Device(e.to_string()))?;
        let mut scores = BTreeMap::new();
        for (class, map) in (1u8..).zip(logits.chunks_exact(lesson.classes.len())) {
            let mut overlap = Overlap::default();
            map.iter()
                .zip(&lesson.classes)
                .for_each(|(logit, truth)| overlap.add(*logit >= 0.0, *truth == class));
            scores.insert(self.model.card.label_of(usize::from(class)), overlap);
        }
        self.scored.push((sample.name.clone(), scores));
        let (done, all, step) = (self.scored.len(), self.valid.len(), self.progress.step);
        if done < all {
            return Ok(TrainEvent::Validating { done, total: all });
        }
        let report = Report::new(std::mem::take(&mut self.scored));
        let dice = report.mean_dice;
        let best = dice.filter(|dice| self.best.as_ref().is_none_or(|best| *dice > best.value));
        if let Some(value) = best {
            self.best = Some(Best { step, value, dice, tensors: self.model.network().tensors()? });
        }
        let p = &mut self.progress;
        p.validated = Some(step);
        let loss = if p.loss_count > 0 { (p.loss_sum / p.loss_count as f64) as f32 } else { f32::NAN };
        p.curve.push(CurvePoint { step, loss, dice });
        (p.loss_sum, p.loss_count) = (0.0, 0);
        Ok(TrainEvent::Validated {
            step,
            total: self.config.steps,
            dice,
            value: dice,
            per_class: report.classes.iter().map(|(&id, c)| (id, c.mean.dice)).collect(),
            best: best.is_some(),
            predicted: vec![],
        })
    }
}
