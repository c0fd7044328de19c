//! JMedSeg's Dice, `1 − (2·I + smooth) / (Σ p + Σ t + smooth)` with `I = Σ p·t`, all sums over batch, pixels and channels,
//! background included; smooth 1.

use crate::nn::loss::{
    overlap::{TINY, everywhere},
    spec::{FACTOR, LossSpec, number},
};

pub static LOSS: LossSpec = LossSpec {
    name: "flat_dice",
    about: "Dice over all classes together, the background among them.",
    example: "flat_dice(smooth=0.5)",
    numbers: &[number("smooth", 1.0, FACTOR)],
    compute: |a, c| {
        let [smooth] = a.numbers();
        let (both, sizes) = everywhere(c);
        let smooth = f64::from(smooth) + TINY;
        Some(((both.mul_scalar(2.0) + smooth) / (sizes + smooth)).neg() + 1.0)
    },
    ..LossSpec::PLAIN
};
