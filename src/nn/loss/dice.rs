//! Terms that are quotients of areas. The published systems define Dice in three ways.

use super::compare::{Comparison, per_channel, per_item, total};
use burn::tensor::{Tensor, TensorData};

/// Keeps a class that neither truth nor prediction shows away from 0/0; far below any count of pixels.
const TINY: f64 = 1e-7;

/// [`super::Term::SoftDice`].
pub(super) fn soft(c: &Comparison<'_>, smooth: f32) -> Tensor<1> {
    let (dice, present) = foreground(c, smooth);
    // An absent class has D = 1 and so adds nothing to the mean of 1 − D.
    ((dice.neg() + 1.0) * present).mean()
}

/// [`super::Term::LogDice`]. At D = 1 the power's slope is infinite for gamma < 1; there it is taken as 0.
pub(super) fn logarithmic(c: &Comparison<'_>, gamma: f32) -> Tensor<1> {
    let (dice, present) = foreground(c, 0.0);
    // Absent classes are moved to D = 1 before the logarithm, so that no infinity meets a zero.
    let dice = dice * present.clone() + (present.clone().neg() + 1.0);
    let log = dice.clamp_min(TINY).log().neg().clamp_min(TINY);
    (log.powf_scalar(gamma) * present).mean()
}

/// Soft Dice of every foreground class over the batch `[F]`, and 1 for each class that the truth shows `[F]`.
fn foreground(c: &Comparison<'_>, smooth: f32) -> (Tensor<1>, Tensor<1>) {
    let first = usize::from(c.targets.softmax);
    let classes = c.channels() - first;
    let probability = c.known_probability().narrow(1, first, classes);
    let truth = c.truth().narrow(1, first, classes);
    let both = per_channel(probability.clone() * truth.clone());
    let sizes = per_channel(probability) + per_channel(truth);
    let dice = (both.mul_scalar(2.0) + smooth) / (sizes + (f64::from(smooth) + TINY));
    let present = present(c).narrow(0, first, classes);
    (dice, present)
}

/// 1 for each channel whose class the truth shows, `[K]`.
pub(super) fn present(c: &Comparison<'_>) -> Tensor<1> {
    let present: Vec<f32> = c.targets.counts.iter().map(|&n| f32::from(u8::from(n > 0))).collect();
    Tensor::from_data(TensorData::new(present, [c.channels()]), &c.logits.device())
}

/// [`super::Term::FlatDice`].
pub(super) fn flat(c: &Comparison<'_>, smooth: f32) -> Tensor<1> {
    let (both, sizes) = everywhere(c);
    let smooth = f64::from(smooth) + TINY;
    ((both.mul_scalar(2.0) + smooth) / (sizes + smooth)).neg() + 1.0
}

/// [`super::Term::Iou`].
pub(super) fn iou(c: &Comparison<'_>, smooth: f32) -> Tensor<1> {
    let (both, sizes) = everywhere(c);
    let smooth = f64::from(smooth) + TINY;
    ((both.clone() + smooth) / (sizes - both + smooth)).neg() + 1.0
}

/// `Σ p·t` and `Σ p + Σ t` over the batch, the channels and the pixels.
fn everywhere(c: &Comparison<'_>) -> (Tensor<1>, Tensor<1>) {
    let probability = c.known_probability();
    let both = total(probability.clone() * c.truth());
    let truth: u64 = c.targets.counts.iter().sum();
    (both, total(probability) + truth as f64)
}

/// [`super::Term::SquaredDice`].
pub(super) fn squared(c: &Comparison<'_>) -> Tensor<1> {
    const SMOOTH: f64 = 1e-8;
    let probability = c.known_probability();
    let truth = c.truth();
    let both = per_item(probability.clone() * truth.clone());
    let sizes = per_item(probability.clone() * probability) + per_item(truth);
    ((both.mul_scalar(2.0) + SMOOTH) / (sizes + SMOOTH)).neg().mean() + 1.0
}

/// `mean_c (1 − TI_c)^gamma` with the Tversky index of each channel over the batch,
/// `TI = Σ p·t / (Σ p·t + delta·Σ (1 − p)·t + (1 − delta)·Σ p·(1 − t))`; TI = 1 for a class that the truth lacks.
pub(super) fn focal_tversky(c: &Comparison<'_>, delta: f32, gamma: f32) -> Tensor<1> {
    let probability = c.known_probability();
    let both = per_channel(probability.clone() * c.truth());
    let missed = per_channel(c.truth()) - both.clone();
    let extra = per_channel(probability) - both.clone();
    let all = both.clone() + missed.mul_scalar(delta) + extra.mul_scalar(1.0 - delta) + TINY;
    // As in `logarithmic`, no slope where nothing is wrong.
    let wrong = ((both / all).neg() + 1.0).clamp_min(TINY);
    (wrong.powf_scalar(gamma) * present(c)).mean()
}
