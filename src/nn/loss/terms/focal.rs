//! `mean −alpha·(1 − p_y)^gamma·ln p_y` (T.-Y. Lin et al.: "Focal Loss for Dense Object Detection", ICCV 2017, equation 5,
//! with one alpha for all classes as JMedSeg has it: 0.5, gamma 2).

use crate::nn::loss::{
    compare::total,
    spec::{EXPONENT, FACTOR, LossSpec, number},
};
use burn::tensor::Tensor;

pub static LOSS: LossSpec = LossSpec {
    name: "focal",
    about: "Cross-entropy in which pixels that are all but right count less.",
    example: "focal(gamma=1.5)",
    numbers: &[number("alpha", 0.5, FACTOR), number("gamma", 2.0, EXPONENT)],
    compute: |a, c| {
        let [alpha, gamma] = a.numbers();
        Some(total(focused(c.surprise(), gamma)).mul_scalar(f64::from(alpha) / c.surprise_count()))
    },
    ..LossSpec::PLAIN
};

/// `(1 − p)^exponent · (−ln p)` from `−ln p`.
pub(super) fn focused(surprise: Tensor<4>, exponent: f32) -> Tensor<4> {
    // Exponents below 1 have no slope at 0, where a pixel that is not known stands.
    let missed = (surprise.clone().neg().exp().neg() + 1.0).clamp_min(1e-7);
    missed.powf_scalar(exponent) * surprise
}
