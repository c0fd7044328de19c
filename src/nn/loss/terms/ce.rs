//! The negative log-likelihood `Σ w_y·(−ln p_y) / Σ w_y`; with sigmoids the binary cross-entropy of each channel, `w_c` where t
//! is 1 and `w_0` where it is 0. The class weights begin with the background; none means 1 for all. (Edema: 1, 5, 10, 20;
//! JMedSeg: 1 − w and w.) It is 0 where no pixel is known.

use crate::nn::loss::{
    compare::{Comparison, total},
    spec::{FACTOR, List, LossSpec},
};
use burn::tensor::{Tensor, TensorData};

pub static LOSS: LossSpec = LossSpec {
    name: "ce",
    formerly: Some("cross_entropy"),
    about: "Cross-entropy, with a weight for each class.",
    example: "ce(0.5,2,3)",
    list: Some(List { name: "class_weights", range: FACTOR }),
    compute: |a, c| Some(compute(c, &a.list)),
    ..LossSpec::PLAIN
};

fn compute(c: &Comparison<'_>, class_weights: &[f32]) -> Tensor<1> {
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
