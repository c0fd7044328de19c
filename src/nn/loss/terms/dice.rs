//! The retinal edema system's Dice, `1 − mean_c D_c` over the foreground classes with
//! `D_c = (2·Σ p_c t_c + smooth) / (Σ p_c + Σ t_c + smooth)` over the whole batch; a class without a pixel in the batch's truth
//! has the constant D = 1. (The polyp system trains with no Dice.)

use crate::nn::loss::{
    overlap::foreground,
    spec::{FACTOR, LossSpec, number},
};

pub static LOSS: LossSpec = LossSpec {
    name: "dice",
    formerly: Some("soft_dice"),
    about: "Dice of each foreground class over the whole batch.",
    example: "0.7*dice(smooth=1)",
    numbers: &[number("smooth", 0.0, FACTOR)],
    compute: |a, c| {
        let [smooth] = a.numbers();
        let (dice, present) = foreground(c, smooth);
        // An absent class has D = 1 and so adds nothing to the mean of 1 − D.
        Some(((dice.neg() + 1.0) * present).mean())
    },
    ..LossSpec::PLAIN
};
