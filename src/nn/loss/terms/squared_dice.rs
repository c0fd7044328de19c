//! The FLARE 2021 winner's Dice, `1 − mean_{item, c} (2·Σ p·t + 1e-8) / (Σ p² + Σ t² + 1e-8)`, sums over the pixels of an item
//! (F. Milletari et al.: "V-Net", 3DV 2016). A class that an item lacks has D = 0.

use crate::nn::loss::{compare::per_item, spec::LossSpec};

const SMOOTH: f64 = 1e-8;

pub static LOSS: LossSpec = LossSpec {
    name: "squared_dice",
    about: "Dice with squared sizes, of each item and class by itself.",
    example: "squared_dice",
    compute: |_, c| {
        let probability = c.known_probability();
        let truth = c.truth();
        let both = per_item(probability.clone() * truth.clone());
        let sizes = per_item(probability.clone() * probability) + per_item(truth);
        Some(((both.mul_scalar(2.0) + SMOOTH) / (sizes + SMOOTH)).neg().mean() + 1.0)
    },
    ..LossSpec::PLAIN
};
