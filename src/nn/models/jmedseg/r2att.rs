//! R2-Attention U-Net: R2U-Net (Alom et al., 2018) with the attention gates of Oktay et al., 2018.

use super::r2::R2;
use crate::nn::{Make, ModelSpec};

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/r2att",
    title: "R2-Attention U-Net",
    paper: "Alom et al., Recurrent Residual U-Net, 2018; Oktay et al., Attention U-Net, MIDL 2018",
    make: Make::slices::<R2<true>>(),
    ..super::r2::SPEC
};
