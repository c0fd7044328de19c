use super::Targets;
use crate::nn::{Head, Outputs};
use burn::tensor::{Tensor, TensorData, activation};

/// Keeps a class that neither truth nor prediction shows away from 0/0; far below any count of pixels.
const TINY: f64 = 1e-7;

/// `1 − mean_c D_c`.
pub(super) fn soft(outputs: &Outputs, targets: &Targets, smooth: f32) -> Tensor<1> {
    let (dice, present, classes) = per_class(outputs, targets, smooth);
    // An absent class has D = 1 and so adds nothing to the mean of 1 − D.
    ((dice.neg() + 1.0) * present).sum().div_scalar(classes as f64)
}

/// `mean_c (−ln D_c)^gamma`. At D = 1 the power's slope is infinite for gamma < 1; there it is taken as 0.
pub(super) fn logarithmic(outputs: &Outputs, targets: &Targets, gamma: f32) -> Tensor<1> {
    let (dice, present, classes) = per_class(outputs, targets, 0.0);
    // Absent classes are moved to D = 1 before the logarithm, so that no infinity meets a zero.
    let dice = dice * present.clone() + (present.clone().neg() + 1.0);
    let log = dice.clamp_min(TINY).log().neg().clamp_min(TINY);
    (log.powf_scalar(gamma) * present).sum().div_scalar(classes as f64)
}

/// Soft Dice of every foreground class over the batch `[F]`, 1 for each class that the truth shows `[F]`, and F.
fn per_class(outputs: &Outputs, targets: &Targets, smooth: f32) -> (Tensor<1>, Tensor<1>, usize) {
    let (probability, truth) = match targets.head {
        Head::Softmax { classes } => (
            activation::softmax(outputs.logits.clone(), 1).narrow(1, 1, classes - 1),
            targets.one_hot.clone().narrow(1, 1, classes - 1),
        ),
        Head::Sigmoid => (activation::sigmoid(outputs.logits.clone()), targets.one_hot.clone()),
    };
    let probability = probability * targets.known.clone();
    let classes = targets.head.classes() - 1;
    // Dimension by dimension: a full reduction of many elements is one serial loop on some adapters.
    let total = |t: Tensor<4>| t.sum_dim(3).sum_dim(2).sum_dim(0).reshape([classes]);
    let both = total(probability.clone() * truth.clone());
    let sizes = total(probability) + total(truth);
    let dice = (both.mul_scalar(2.0) + smooth) / (sizes + (f64::from(smooth) + TINY));
    let present: Vec<f32> = targets.counts[1..].iter().map(|&n| if n > 0 { 1.0 } else { 0.0 }).collect();
    let present = Tensor::from_data(TensorData::new(present, [classes]), &dice.device());
    (dice, present, classes)
}
