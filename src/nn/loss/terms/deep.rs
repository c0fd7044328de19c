//! Deep supervision: the main head and the auxiliary ones with weights 1, 1/2, 1/4, … that sum to 1 (F. Isensee et al.: "nnU-Net",
//! Nat. Methods 2021). The loss itself for a network without auxiliary heads.

use crate::nn::loss::spec::LossSpec;

pub static LOSS: LossSpec = LossSpec {
    name: "deep",
    about: "Deep supervision: a loss of the main head and, with less weight, of the auxiliary ones.",
    example: "deep(0.25*ce+iou)",
    of_loss: true,
    compute: |a, c| c.heads.deep(&a.loss, c.targets),
    ..LossSpec::PLAIN
};
