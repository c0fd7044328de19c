//! `Σ_i coefficient_i · loss(head i)` over the auxiliary heads, the truth resized to each by nearest neighbour (the polyp system:
//! all 1). Without coefficients, or beyond the last, a head counts 1. Nothing without such heads.

use crate::nn::loss::spec::{FACTOR, List, LossSpec};

pub static LOSS: LossSpec = LossSpec {
    name: "aux",
    formerly: Some("auxiliary"),
    about: "A loss of each of the network's auxiliary heads.",
    example: "aux(ce+0.5*dice,0.4,0.2)",
    of_loss: true,
    list: Some(List { name: "coefficients", range: FACTOR }),
    compute: |a, c| c.heads.auxiliary(&a.loss, &a.list, c.targets),
    ..LossSpec::PLAIN
};
