//! What a network learns from the logits of another (G. Hinton et al.: "Distilling the Knowledge in a Neural Network",
//! 2015). Nothing where the batch has no teacher, or one with other channels.

use super::compare::{Comparison, binary_with_logits, total};
use burn::tensor::{Tensor, activation};

fn teacher(c: &Comparison<'_>) -> Option<Tensor<4>> {
    c.targets.teacher.clone().filter(|t| t.dims() == c.logits.dims())
}

/// [`super::Term::Kl`].
pub(super) fn kl(c: &Comparison<'_>, temperature: f32) -> Option<Tensor<1>> {
    let cool = |t: Tensor<4>| t.div_scalar(temperature);
    let (student, teacher) = (cool(c.logits.clone()), cool(teacher(c)?));
    let each = if c.targets.softmax {
        let log = activation::log_softmax(teacher, 1);
        log.clone().exp() * (log - activation::log_softmax(student, 1))
    } else {
        let p = activation::sigmoid(teacher.clone());
        binary_with_logits(student, p.clone()) - binary_with_logits(teacher, p)
    };
    let squared = f64::from(temperature).powi(2);
    Some(total(each * c.targets.known.clone()).mul_scalar(squared / c.known_elements()))
}

/// [`super::Term::Mse`].
pub(super) fn mse(c: &Comparison<'_>) -> Option<Tensor<1>> {
    let off = c.logits.clone() - teacher(c)?;
    Some(total(off.clone() * off * c.targets.known.clone()).div_scalar(c.known_elements()))
}
