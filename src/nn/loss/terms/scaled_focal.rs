//! The FLARE 2021 winner's focal term, `Σ w · B / max(Σ t, 1)` with `w = alpha·(1 − p)^gamma` where t is 1 and else
//! `(1 − alpha)·p^gamma`, and B the mean binary cross-entropy of all elements (not each element's own); p is kept 1e-4 away
//! from 0 and 1.

use crate::nn::loss::{
    compare::{Comparison, total},
    spec::{EXPONENT, LossSpec, SHARE, number},
};
use burn::tensor::Tensor;

pub static LOSS: LossSpec = LossSpec {
    name: "scaled_focal",
    about: "The focal term of the FLARE 2021 winner, scaled by the mean cross-entropy.",
    example: "scaled_focal(alpha=0.3)",
    numbers: &[number("alpha", 0.5, SHARE), number("gamma", 2.0, EXPONENT)],
    compute: |a, c| Some(compute(c, a.numbers())),
    ..LossSpec::PLAIN
};

fn compute(c: &Comparison<'_>, [alpha, gamma]: [f32; 2]) -> Tensor<1> {
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
