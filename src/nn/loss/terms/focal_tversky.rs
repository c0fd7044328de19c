//! `mean_c (1 − TI_c)^(1/gamma)` over the foreground classes with the Tversky index over the whole batch,
//! `TI_c = Σ p·t / (Σ p·t + alpha·Σ p·(1 − t) + beta·Σ (1 − p)·t)`; a class without a pixel in the batch's truth adds nothing.
//! alpha weighs what is marked too much and beta what is missed, as in S. Salehi et al.: "Tversky loss function for image
//! segmentation using 3D fully convolutional deep networks", MLMI 2017 (0.3 and 0.7). The exponent is that of N. Abraham and N.
//! Khan: "A novel focal Tversky loss function with improved attention U-Net for lesion segmentation", ISBI 2019 (gamma 4/3), who
//! exchange the letters and sum over the classes.

use crate::nn::loss::{
    compare::per_channel,
    overlap::{TINY, present},
    spec::{FACTOR, LossSpec, number},
};

pub static LOSS: LossSpec = LossSpec {
    name: "focal_tversky",
    about: "An overlap in which missed pixels may count more than extra ones, with a power that favours hard classes.",
    example: "focal_tversky(alpha=0.4,gamma=1.5)",
    numbers: &[
        number("alpha", 0.3, FACTOR),
        number("beta", 0.7, FACTOR),
        number("gamma", 4.0 / 3.0, [0.1, 10.0]),
    ],
    compute: |a, c| {
        let [alpha, beta, gamma] = a.numbers();
        let first = usize::from(c.targets.softmax);
        let classes = c.channels() - first;
        let probability = c.known_probability().narrow(1, first, classes);
        let truth = c.truth().narrow(1, first, classes);
        let both = per_channel(probability.clone() * truth.clone());
        let extra = per_channel(probability) - both.clone();
        let missed = per_channel(truth) - both.clone();
        let index = both.clone() / (both + extra.mul_scalar(alpha) + missed.mul_scalar(beta) + TINY);
        // At TI = 1 the power's slope is infinite for gamma above 1; there it is taken as 0.
        let wrong = (index.neg() + 1.0).clamp_min(TINY);
        Some((wrong.powf_scalar(1.0 / gamma) * present(c).narrow(0, first, classes)).mean())
    },
    ..LossSpec::PLAIN
};
