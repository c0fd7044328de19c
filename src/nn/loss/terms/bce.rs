//! Each channel by itself, `mean_{pixel, c} −t·ln p − (1 − t)·ln(1 − p)` (the FLARE 2021 winner).

use crate::nn::loss::{compare::total, spec::LossSpec};

pub static LOSS: LossSpec = LossSpec {
    name: "bce",
    formerly: Some("binary"),
    about: "Binary cross-entropy of each channel by itself.",
    example: "bce",
    compute: |_, c| Some(total(c.binary()).div_scalar(c.known_elements())),
    ..LossSpec::PLAIN
};
