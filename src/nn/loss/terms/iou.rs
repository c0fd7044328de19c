//! JMedSeg's overlap, `1 − (I + smooth) / (Σ p + Σ t − I + smooth)`, sums as in `flat_dice`; smooth 1.

use crate::nn::loss::{
    overlap::{TINY, everywhere},
    spec::{FACTOR, LossSpec, number},
};

pub static LOSS: LossSpec = LossSpec {
    name: "iou",
    about: "Intersection over union of all classes together, the background among them.",
    example: "iou(smooth=0.5)",
    numbers: &[number("smooth", 1.0, FACTOR)],
    compute: |a, c| {
        let [smooth] = a.numbers();
        let (both, sizes) = everywhere(c);
        let smooth = f64::from(smooth) + TINY;
        Some(((both.clone() + smooth) / (sizes - both + smooth)).neg() + 1.0)
    },
    ..LossSpec::PLAIN
};
