use super::{
    Augment, Average, BestRule, Contrast, Crop, LastBatch, Optimizer, OptimizerStep, Precision, Schedule,
    sampler::steps_of_round,
};
use crate::{
    nn::{Channels, InputSpec, ModelCard, loss::Loss},
    volume::Modality,
};
use serde::{Deserialize, Serialize};

/// No image has longer sides.
const MOST_PATCH: usize = 1 << 16;

/// Everything that decides a run beside the data and the first weights. It is written into checkpoints, so that a
/// resumed run is the same run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Optimiser steps; with `epochs` they follow from those.
    pub steps: u64,
    /// Rounds over all slices.
    pub epochs: Option<u64>,
    /// Patches a step.
    pub batch: usize,
    pub last_batch: LastBatch,
    pub crop: Crop,
    /// Side of the square patches in pixels of the network's input; rounded up to what the network divides. Of whole slices
    /// the least that a side of their frame is.
    pub patch: usize,
    /// The highest learning rate of the schedule.
    pub lr: f64,
    pub schedule: Schedule,
    /// The rate changes only after every so many steps; 0 is an epoch.
    pub lr_every: u64,
    pub optimizer: Optimizer,
    /// Gradients whose norm over all parameters is larger are scaled to it.
    pub clip_norm: Option<f32>,
    /// A moving average of the weights, which is then what is validated on and kept.
    pub average: Option<Average>,
    /// Of the products of a training step; predictions are made in single precision always.
    pub precision: Precision,
    pub loss: Loss,
    /// A layer learns by contrast instead of the whole network from labels; the loss above counts for nothing.
    pub pretrain: Option<Contrast>,
    pub augment: Augment,
    /// Fixed variants of every slice instead, see [`super::Sampler::copies`].
    pub copies: Vec<Augment>,
    /// Share of the patches that are centred on a pixel of a foreground class, all classes alike.
    pub foreground: f32,
    /// Decides patches, augmentation and dropout.
    pub seed: u64,
    /// Validation comes after every so many steps and after the last; 0 is an epoch.
    pub validate_every: u64,
    pub best: BestRule,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 400,
            epochs: None,
            batch: 8,
            last_batch: LastBatch::Fill,
            crop: Crop::Patch,
            patch: 128,
            lr: 1e-3,
            schedule: Schedule::Cosine { warmup: 0.02 },
            lr_every: 1,
            optimizer: Optimizer::default(),
            clip_norm: None,
            average: None,
            precision: Precision::Single,
            loss: Loss::standard(),
            pretrain: None,
            augment: Augment::default(),
            copies: vec![],
            foreground: 0.5,
            seed: 1,
            validate_every: 100,
            best: BestRule::SliceDice,
        }
    }
}

impl TrainConfig {
    /// What keeps any run from being made of it, in words.
    pub fn fault(&self) -> Option<String> {
        let (length, name) = self.epochs.map_or((self.steps, "steps"), |epochs| (epochs, "epochs"));
        let counts = [(length, name), (self.batch as u64, "batch")];
        if let Some((_, name)) = counts.iter().find(|(count, _)| *count == 0) {
            return Some(format!("{name} is 0 and must be at least 1"));
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return Some(format!("the learning rate is {} and must be a number above 0", self.lr));
        }
        if self.patch > MOST_PATCH {
            return Some(format!("patch is {} and must be at most {MOST_PATCH}", self.patch));
        }
        let share = 0.0..=1.0;
        (!share.contains(&self.foreground))
            .then(|| format!("foreground is {} and must be from 0 to 1", self.foreground))
    }

    /// With epochs counted in steps, for this many slices.
    pub fn for_slices(self, slices: usize) -> Self {
        let epoch = steps_of_round(slices * self.copies.len().max(1), self.batch, self.last_batch);
        let counted = |every: u64| if every == 0 { epoch } else { every };
        Self {
            steps: self.epochs.map_or(self.steps, |epochs| epochs.saturating_mul(epoch)),
            lr_every: counted(self.lr_every),
            validate_every: counted(self.validate_every),
            ..self
        }
    }

    /// The optimiser at its start.
    pub(super) fn optimizer_step(&self) -> OptimizerStep {
        let mut optimizer_step = self.optimizer.init();
        optimizer_step.clip_norm = self.clip_norm;
        optimizer_step
    }

    /// What suits a modality.
    pub fn for_modality(modality: Modality) -> Self {
        Self { augment: Augment::for_modality(modality), ..Self::default() }
    }

    /// A short run at a low rate from a trained model, as corrections call for; a longer one from weights that have learned
    /// nothing. Live prediction waits for a step at most,
    /// so the batch is small: a patch of 128² costs `edema/unet` and `vessel/sa_unet` 0.33 s of one core.
    pub fn fine_tune(card: &ModelCard) -> Self {
        let (steps, lr) = if card.is_untrained() { (1200, 2e-3) } else { (300, 1e-3) };
        Self { steps, batch: 2, lr, validate_every: 100, ..Self::for_modality(card.modality) }
    }

    /// How a fresh model of a modality takes its images. A photograph of the eye is brought to the 584 pixels that
    /// the images of DRIVE have on their longer side, so that vessels of one width in the eye have about one width for the network.
    pub fn input_for(modality: Modality) -> InputSpec {
        let unit = |channels: Channels, mean: f32, std: f32| {
            let n = channels.count();
            InputSpec { mean: vec![mean; n], std: vec![std; n], ..InputSpec::unit(channels) }
        };
        match modality {
            // Cameras and eyes differ in colour and lighting; a vessel is what is darker than its surroundings.
            Modality::Fundus => InputSpec {
                longer_side: Some(584),
                local_contrast: Some(20),
                ..unit(Channels::Rgb, 0.5, 0.25)
            },
            Modality::Endoscopy => InputSpec { longer_side: Some(352), ..unit(Channels::Rgb, 0.5, 0.25) },
            Modality::Oct => unit(Channels::Stack3, 0.25, 0.25),
            // Abdominal soft tissue; air and bone are clipped.
            Modality::Ct => InputSpec { window: Some([-160.0, 240.0]), ..unit(Channels::Stack3, 0.5, 0.25) },
            Modality::Other => unit(Channels::Grey, 0.5, 0.25),
        }
    }
}
