//! U-Net++ (Zhou et al., 2018) whose resizing is learned: JMedSeg's `NestedUNet_Big`.

use super::unetpp::UnetPp;
use crate::nn::{Make, ModelSpec};

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/unetppbig",
    title: "U-Net++ Big",
    paper: "after Zhou et al., UNet++, DLMIA 2018",
    make: Make::slices::<UnetPp<true>>(),
    ..super::unetpp::SPEC
};
