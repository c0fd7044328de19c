//! Binary cross-entropy of the detection head against which classes the input shows; nothing for a network without that head, or
//! one whose findings are not its foreground classes. Whether a class is absent is known only where every pixel is.

use crate::nn::loss::{Targets, compare::binary_with_logits, spec::LossSpec};
use burn::tensor::Tensor;

pub static LOSS: LossSpec = LossSpec {
    name: "detection",
    about: "Binary cross-entropy of what the network says that a slice shows.",
    example: "detection",
    compute: |_, c| compute(c.heads.detection.clone(), c.targets),
    ..LossSpec::PLAIN
};

/// The mean over the findings that are known.
fn compute(logits: Option<Tensor<2>>, targets: &Targets) -> Option<Tensor<1>> {
    let logits = logits.filter(|logits| logits.dims() == targets.presence.dims())?;
    let scale = if targets.presence_count > 0 { 1.0 / targets.presence_count as f64 } else { 0.0 };
    let each = binary_with_logits(logits, targets.presence.clone()) * targets.presence_known.clone();
    Some(each.sum().mul_scalar(scale))
}
