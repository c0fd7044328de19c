//! `mean_c (−ln D_c)^gamma` with the D of `dice` (K. Wong et al.: "3D Segmentation with Exponential Logarithmic Loss", MICCAI
//! 2018, equation 2; the edema system takes gamma 0.5). At D = 1 the power's slope is infinite for gamma < 1; there it is taken as
//! 0.

use crate::nn::loss::{
    overlap::{TINY, foreground},
    spec::{EXPONENT, LossSpec, number},
};

pub static LOSS: LossSpec = LossSpec {
    name: "log_dice",
    about: "A power of the logarithm of Dice, which weighs small structures more.",
    example: "log_dice(gamma=0.3)",
    numbers: &[number("gamma", 0.5, EXPONENT)],
    compute: |a, c| {
        let [gamma] = a.numbers();
        let (dice, present) = foreground(c, 0.0);
        // Absent classes are moved to D = 1 before the logarithm, so that no infinity meets a zero.
        let dice = dice * present.clone() + (present.clone().neg() + 1.0);
        let log = dice.clamp_min(TINY).log().neg().clamp_min(TINY);
        Some((log.powf_scalar(gamma) * present).mean())
    },
    ..LossSpec::PLAIN
};
