//! The mean squared difference of the logits to a teacher's. Nothing where the batch has no teacher, or one with other channels.

use crate::nn::loss::{compare::total, spec::LossSpec};

pub static LOSS: LossSpec = LossSpec {
    name: "mse",
    about: "How far the network's logits are from a teacher's.",
    example: "mse",
    distils: true,
    compute: |_, c| {
        let off = c.logits.clone() - c.teacher()?;
        Some(total(off.clone() * off * c.targets.known.clone()).div_scalar(c.known_elements()))
    },
    ..LossSpec::PLAIN
};
