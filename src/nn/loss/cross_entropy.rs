//! Terms that are sums over pixels.

use super::compare::{Comparison, total};
use burn::tensor::{Tensor, TensorData};

/// [`super::Term::CrossEntropy`]; 0 where no pixel is known.
pub(super) fn weighted(c: &Comparison<'_>, class_weights: &[f32]) -> Tensor<1> {
    let weight = |class: usize| class_weights.get(class).copied().unwrap_or(1.0);
    let (counts, known) = (&c.targets.counts, c.targets.known_count);
    let first = usize::from(!c.targets.softmax);
    let weights: Vec<f32> = (0..counts.len()).map(|channel| weight(channel + first)).collect();
    let of_truth = counts.iter().zip(&weights).map(|(&n, &w)| f64::from(w) * n as f64).sum::<f64>();
    let row = |values: Vec<f32>| {
        let shape = [1, values.len(), 1, 1];
        Tensor::<4>::from_data(TensorData::new(values, shape), &c.logits.device())
    };
    let (pixel_weight, all) = if c.targets.softmax {
        ((c.truth() * row(weights)).sum_dim(1), of_truth)
    } else {
        // known·w0 + t·(w − w0) for each channel: t is 0 where the class is not known
        let background = weight(0);
        let rest: u64 = counts.iter().map(|n| known - n).sum();
        let over = row(weights.iter().map(|w| w - background).collect());
        let pixel_weight = c.targets.known.clone().mul_scalar(background) + c.truth() * over;
        (pixel_weight, of_truth + f64::from(background) * rest as f64)
    };
    let scale = if all > 0.0 { 1.0 / all } else { 0.0 };
    total(c.surprise() * pixel_weight).mul_scalar(scale)
}

/// [`super::Term::Binary`].
pub(super) fn binary(c: &Comparison<'_>) -> Tensor<1> {
    total(c.binary()).div_scalar(c.known_elements())
}

/// [`super::Term::Focal`].
pub(super) fn focal(c: &Comparison<'_>, alpha: f32, gamma: f32) -> Tensor<1> {
    total(focused(c.surprise(), gamma)).mul_scalar(f64::from(alpha) / c.surprise_count())
}

/// The distribution's half of [`super::Term::Unified`].
pub(super) fn modified_focal(c: &Comparison<'_>, delta: f32, exponent: f32) -> Tensor<1> {
    let foreground = match c.targets.softmax {
        true => c.truth().narrow(1, 1, c.channels() - 1).sum_dim(1),
        false => c.truth(),
    };
    let share = foreground.mul_scalar(2.0 * delta - 1.0) + (1.0 - delta);
    total(share * focused(c.surprise(), exponent)).div_scalar(c.surprise_count())
}

/// `(1 − p)^exponent · (−ln p)` from `−ln p`.
fn focused(surprise: Tensor<4>, exponent: f32) -> Tensor<4> {
    // Exponents below 1 have no slope at 0, where a pixel that is not known stands.
    let missed = (surprise.clone().neg().exp().neg() + 1.0).clamp_min(1e-7);
    missed.powf_scalar(exponent) * surprise
}

/// [`super::Term::Ohem`].
pub(super) fn hard(c: &Comparison<'_>, probability: f32, least: f32) -> Tensor<1> {
    let surprise = c.surprise();
    let count: usize = surprise.dims().iter().product();
    let least = (c.surprise_count() * f64::from(least)) as usize;
    // Sorted, the pixels that count stand in front whichever of the two rules takes them.
    let sorted = surprise.reshape([count]).sort_descending(0);
    let above = sorted.clone().greater_elem(-probability.ln()).float();
    let first = (0..count).map(|i| f32::from(u8::from(i < least))).collect::<Vec<_>>();
    let first = Tensor::<1>::from_data(TensorData::new(first, [count]), &sorted.device());
    let kept = (above + first).clamp_max(1.0);
    (sorted * kept.clone()).sum() / kept.sum().clamp_min(1.0)
}

/// [`super::Term::TopK`].
pub(super) fn hardest(c: &Comparison<'_>, percent: &[f32]) -> Tensor<1> {
    let each = c.binary();
    let [items, channels, rows, columns] = each.dims();
    let sorted = each.swap_dims(0, 1).reshape([channels, items * rows * columns]).sort_descending(1);
    let known = c.targets.known_count;
    let mean = |channel: usize| {
        let percent = percent.get(channel).or(percent.last()).copied().unwrap_or(30.0);
        let taken = ((known as f64 * f64::from(percent) / 100.0) as usize).clamp(1, items * rows * columns);
        sorted.clone().narrow(0, channel, 1).narrow(1, 0, taken).sum_dim(1).div_scalar(taken as f64)
    };
    Tensor::cat((0..channels).map(mean).collect(), 0).sum_dim(0).reshape([1]).div_scalar(channels as f64)
}

/// [`super::Term::ScaledFocal`].
pub(super) fn scaled_focal(c: &Comparison<'_>, alpha: f32, gamma: f32) -> Tensor<1> {
    const EDGE: f32 = 1e-4;
    let p = c.probability().clamp(EDGE, 1.0 - EDGE);
    let truth = c.truth();
    let rest = c.targets.known.clone() - truth.clone();
    let missed = p.clone().neg() + 1.0;
    let mean = total((p.clone().log() * truth.clone() + missed.clone().log() * rest.clone()).neg())
        .div_scalar(c.known_elements());
    let weight = missed.powf_scalar(gamma).mul_scalar(alpha) * truth
        + p.powf_scalar(gamma).mul_scalar(1.0 - alpha) * rest;
    let positives = c.targets.counts.iter().sum::<u64>().max(1);
    total(weight) * mean.div_scalar(positives as f64)
}
