//! Areas that prediction and truth share, for losses that are quotients of areas.

use super::compare::{Comparison, per_channel, total};
use burn::tensor::{Tensor, TensorData};

/// Keeps a class that neither truth nor prediction shows away from 0/0; far below any count of pixels.
pub(super) const TINY: f64 = 1e-7;

/// Soft Dice of every foreground class over the batch `[F]`, and 1 for each class that the truth shows `[F]`.
pub(super) fn foreground(c: &Comparison<'_>, smooth: f32) -> (Tensor<1>, Tensor<1>) {
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

/// `Σ p·t` and `Σ p + Σ t` over the batch, the channels and the pixels.
pub(super) fn everywhere(c: &Comparison<'_>) -> (Tensor<1>, Tensor<1>) {
    let probability = c.known_probability();
    let both = total(probability.clone() * c.truth());
    let truth: u64 = c.targets.counts.iter().sum();
    (both, total(probability) + truth as f64)
}
