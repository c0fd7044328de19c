use super::{CaseError, Example, Framing, LabelledVolume, VolumeAugment};
use crate::{
    metrics::{Overlap, Report},
    nn::{
        NetworkError, Outputs, PredictError, VolumeModel,
        loss::Targets,
        train::{
            Session, StepInput, TrainConfig, TrainError, TrainingSet, Validation, checkpoint, session::room,
        },
    },
};
use burn::tensor::{Tensor, TensorData};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

/// A case to learn from or to be scored on; read when it is its turn, since not all of them fit into the memory.
#[derive(Clone)]
pub struct VolumeSample {
    pub name: String,
    pub read: Arc<dyn Fn() -> Result<LabelledVolume, String> + Send + Sync>,
}

impl fmt::Debug for VolumeSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VolumeSample").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How a network is shown the cases that it learns from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    pub framing: Framing,
    pub augment: VolumeAugment,
}

/// A run of a network of volumes.
pub type VolumeSession = Session<5, Volumes>;

/// What such a run learns from and is validated on.
pub struct Volumes {
    /// `[x, y, z]`
    grid: [usize; 3],
    window: [f32; 2],
    view: View,
    train: Vec<VolumeSample>,
    valid: Vec<VolumeSample>,
    /// Of the cases that the present validation has scored so far.
    scored: Vec<(String, BTreeMap<u16, Overlap>)>,
}

/// Keys of [`TrainConfig`] that say something of slices only: a network of volumes is shown each case on its whole grid, and
/// the weights with the best mean Dice are kept.
pub const OF_SLICES: [&str; 8] =
    ["last_batch", "crop", "patch", "pretrain", "augment", "copies", "foreground", "best"];

impl VolumeSession {
    /// A run from `model`'s weights. Without cases to validate on the last weights are the ones that are kept.
    pub fn new(
        model: VolumeModel,
        config: TrainConfig,
        view: View,
        train: Vec<VolumeSample>,
        valid: Vec<VolumeSample>,
    ) -> Result<Self, TrainError> {
        if train.is_empty() {
            return Err(TrainError::NoSamples);
        }
        if config.loss.distils() {
            return Err(TrainError::NoTeacher);
        }
        if let Some(fault) = config.fault() {
            return Err(TrainError::Settings(fault));
        }
        let config = config.for_slices(train.len());
        let grid = model.network().grid().map_or([128; 3], |[depth, height, width]| [width, height, depth]);
        room(config.batch, &grid)?;
        let window = model.card.input.window.unwrap_or([-325.0, 325.0]);
        Ok(Self::begin(model, config, Volumes { grid, window, view, train, valid, scored: vec![] }))
    }

    /// Goes on from a checkpoint, with the configuration that it holds, as if the run had never stopped. `model` gives
    /// the network and its device; view and cases must be those of the run.
    pub fn resume(
        model: VolumeModel,
        path: &Path,
        view: View,
        train: Vec<VolumeSample>,
        valid: Vec<VolumeSample>,
    ) -> Result<Self, TrainError> {
        let saved = checkpoint::read(path)?;
        Self::new(model, saved.header.config.clone(), view, train, valid)?.restored(path, saved)
    }
}

impl Volumes {
    fn example(
        &self,
        sample: &VolumeSample,
        augment: &VolumeAugment,
        seed: u64,
    ) -> Result<Example, TrainError> {
        let refuse = |reason: String| TrainError::Case { name: sample.name.clone(), reason };
        let case = (sample.read)().map_err(refuse)?;
        let example = case.example(self.grid, self.window, self.view.framing, augment, seed);
        example.map_err(|e: CaseError| refuse(e.to_string()))
    }

    /// Which case comes at which place: every round goes over all of them in an order of its own.
    fn turn(&self, place: u64, seed: u64) -> usize {
        let count = self.train.len();
        let (round, at) = (place / count as u64, place as usize % count);
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed ^ (round << 20)));
        order[at]
    }
}

impl TrainingSet<5> for Volumes {
    fn learn(&mut self, turn: StepInput<'_, 5>) -> Result<f32, TrainError> {
        let dropped = turn.seed();
        let StepInput { model, optimizer, config, step, lr, .. } = turn;
        let batch = config.batch.clamp(1, self.train.len());
        let (mut values, mut classes) = (vec![], vec![]);
        for i in 0..batch as u64 {
            let place = step * batch as u64 + i;
            let seed = config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ place;
            let sample = &self.train[self.turn(place, config.seed)];
            let example = self.example(sample, &self.view.augment, seed)?;
            values.extend(example.values);
            classes.extend(example.classes.into_iter().map(u16::from));
        }
        let [width, height, depth] = self.grid;
        let head = model.network().head();
        let input = TensorData::new(values, [batch, 1, depth, height, width]);
        let input = Tensor::<5>::from_data(input, model.device().burn());
        let mut loss = |outputs: &Outputs<5>| {
            let shape = [batch, depth, height, width];
            let targets = Targets::new(&classes, shape, head, &outputs.logits.device());
            config.loss.compute(outputs, &targets)
        };
        Ok(model.network_mut().train_step(input, &mut loss, optimizer, lr, dropped)?)
    }

    fn validates(&self) -> bool {
        !self.valid.is_empty()
    }

    /// One case: the Dice of each class on the network's grid, where its probability is a half or more.
    fn validate(&mut self, model: &VolumeModel, _config: &TrainConfig) -> Result<Validation, TrainError> {
        let sample = &self.valid[self.scored.len()];
        let example = self.example(sample, &VolumeAugment::default(), 0)?;
        let [width, height, depth] = self.grid;
        let input = TensorData::new(example.values, [1, 1, depth, height, width]);
        let outputs = model.network().infer(Tensor::<5>::from_data(input, model.device().burn()));
        let logits =
            outputs.logits.try_into_vec_as::<f32>().map_err(|e| NetworkError::Device(e.to_string()))?;
        if logits.iter().any(|v| !v.is_finite()) {
            return Err(PredictError::NotFinite.into());
        }
        let mut scores = BTreeMap::new();
        for (class, map) in (1u8..).zip(logits.chunks_exact(example.classes.len())) {
            let mut overlap = Overlap::default();
            map.iter()
                .zip(&example.classes)
                .for_each(|(logit, truth)| overlap.add(*logit >= 0.0, *truth == class));
            scores.insert(model.card.label_of(usize::from(class)), overlap);
        }
        self.scored.push((sample.name.clone(), scores));
        let (done, total) = (self.scored.len(), self.valid.len());
        if done < total {
            return Ok(Validation::Pending { done, total });
        }
        let report = Report::new(std::mem::take(&mut self.scored));
        Ok(Validation::Done { value: report.mean_dice, report, predicted: vec![] })
    }

    /// Names, and how they are shown; the cases themselves are not read.
    fn fingerprint(&self) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(format!("{:?}\0", self.view).as_bytes());
        for (kind, samples) in [("train", &self.train), ("valid", &self.valid)] {
            for sample in samples {
                hash.update(format!("{kind}\0{}\0", sample.name).as_bytes());
            }
        }
        hash.finalize().to_hex().to_string()
    }
}
