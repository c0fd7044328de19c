use super::Targets;
use crate::nn::{Head, Outputs};
use burn::tensor::{Tensor, TensorData, activation};

/// `Σ w_y·(−log p_y) / Σ w_y` over the known pixels, 0 where there is none; see [`super::Term::CrossEntropy`].
pub(super) fn compute(outputs: &Outputs, targets: &Targets, class_weights: &[f32]) -> Tensor<1> {
    let weight = |class: usize| class_weights.get(class).copied().unwrap_or(1.0);
    let total: f64 = targets.counts.iter().enumerate().map(|(c, &n)| f64::from(weight(c)) * n as f64).sum();
    let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
    let weighted = match targets.head {
        Head::Softmax { classes } => {
            let weights: Vec<f32> = (0..classes).map(weight).collect();
            let weights = Tensor::<4>::from_data(
                TensorData::new(weights, [1, classes, 1, 1]),
                &outputs.logits.device(),
            );
            activation::log_softmax(outputs.logits.clone(), 1).neg() * targets.one_hot.clone() * weights
        }
        Head::Sigmoid => {
            let x = outputs.logits.clone();
            let t = targets.one_hot.clone();
            // known·w0 + t·(w1 − w0): t is 0 where the class is not known
            let pixel_weight =
                targets.known.clone().mul_scalar(weight(0)) + t.clone().mul_scalar(weight(1) - weight(0));
            binary_with_logits(x, t) * pixel_weight
        }
    };
    weighted.sum().mul_scalar(scale)
}

/// `max(x, 0) − x·t + ln(1 + e^−|x|)`: the binary cross-entropy of sigmoid(x) against t, without overflow.
pub(super) fn binary_with_logits<const D: usize>(x: Tensor<D>, t: Tensor<D>) -> Tensor<D> {
    activation::relu(x.clone()) - x.clone() * t + x.abs().neg().exp().log1p()
}
