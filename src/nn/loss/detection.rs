use super::{Targets, compare::binary_with_logits};
use burn::tensor::Tensor;

/// Mean binary cross-entropy over the findings that are known; `None` for a network without a detection head, or one
/// whose findings are not its foreground classes.
pub(super) fn compute(logits: Option<Tensor<2>>, targets: &Targets) -> Option<Tensor<1>> {
    let logits = logits.filter(|logits| logits.dims() == targets.presence.dims())?;
    let scale = if targets.presence_count > 0 { 1.0 / targets.presence_count as f64 } else { 0.0 };
    let each = binary_with_logits(logits, targets.presence.clone()) * targets.presence_known.clone();
    Some(each.sum().mul_scalar(scale))
}
