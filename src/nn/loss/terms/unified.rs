//! A hybrid of distribution and region, `lambda·F + (1 − lambda)·T` with `F = mean −d_y·(1 − p_y)^(1 − gamma)·ln p_y`, `d_y`
//! being delta for the foreground and 1 − delta for the background, and `T = mean_c (1 − TI_c)^gamma` with the Tversky index
//! `TI_c = Σ p·t / (Σ p·t + delta·Σ (1 − p)·t + (1 − delta)·Σ p·(1 − t))`, 1 for a class that the truth lacks (M. Yeung et al.:
//! "Unified Focal loss", Comput. Med. Imaging Graph. 2022, symmetric form; 0.5, 0.6 and 0.5 there).

use super::focal::focused;
use crate::nn::loss::{
    compare::{Comparison, per_channel, total},
    overlap::{TINY, present},
    spec::{LossSpec, SHARE, number},
};
use burn::tensor::Tensor;

pub static LOSS: LossSpec = LossSpec {
    name: "unified",
    about: "A mix of a focal loss and a focal Tversky loss.",
    example: "unified(lambda=0.4)",
    numbers: &[number("lambda", 0.5, SHARE), number("delta", 0.6, SHARE), number("gamma", 0.5, SHARE)],
    compute: |a, c| {
        let [lambda, delta, gamma] = a.numbers();
        let distribution = distribution(c, delta, 1.0 - gamma).mul_scalar(lambda);
        Some(distribution + region(c, delta, gamma).mul_scalar(1.0 - lambda))
    },
    ..LossSpec::PLAIN
};

/// F.
fn distribution(c: &Comparison<'_>, delta: f32, exponent: f32) -> Tensor<1> {
    let foreground = match c.targets.softmax {
        true => c.truth().narrow(1, 1, c.channels() - 1).sum_dim(1),
        false => c.truth(),
    };
    let share = foreground.mul_scalar(2.0 * delta - 1.0) + (1.0 - delta);
    total(share * focused(c.surprise(), exponent)).div_scalar(c.surprise_count())
}

/// T.
fn region(c: &Comparison<'_>, delta: f32, gamma: f32) -> Tensor<1> {
    let probability = c.known_probability();
    let both = per_channel(probability.clone() * c.truth());
    let missed = per_channel(c.truth()) - both.clone();
    let extra = per_channel(probability) - both.clone();
    let all = both.clone() + missed.mul_scalar(delta) + extra.mul_scalar(1.0 - delta) + TINY;
    // As in `log_dice`, no slope where nothing is wrong.
    let wrong = ((both / all).neg() + 1.0).clamp_min(TINY);
    (wrong.powf_scalar(gamma) * present(c)).mean()
}
