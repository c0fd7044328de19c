//! The mean of `−ln p_y` over the hard pixels: those with `p_y < probability`, and if these are fewer than the `least` share of
//! the known ones, so many of the hardest (A. Shrivastava et al.: "Training Region-based Object Detectors with Online Hard
//! Example Mining", CVPR 2016; the polyp system takes 0.7 and 1/16).

use crate::nn::loss::{
    compare::Comparison,
    spec::{LossSpec, SHARE, number},
};
use burn::tensor::{Tensor, TensorData};

pub static LOSS: LossSpec = LossSpec {
    name: "ohem",
    about: "Cross-entropy of the hardest pixels alone.",
    example: "ohem(probability=0.4,least=0.3)",
    numbers: &[number("probability", 0.7, SHARE), number("least", 0.0625, SHARE)],
    jumps: true,
    compute: |a, c| Some(compute(c, a.numbers())),
    ..LossSpec::PLAIN
};

fn compute(c: &Comparison<'_>, [probability, least]: [f32; 2]) -> Tensor<1> {
    let surprise = c.surprise();
    let count: usize = surprise.dims().iter().product();
    let least = (c.surprise_count() * f64::from(least)) as usize;
    // Sorted, the pixels that count stand in front whichever of the two rules takes them.
    let sorted = surprise.reshape([count]).sort_descending(0);
    let above = sorted.clone().greater_elem(-probability.ln()).float();
    let first = (0..count).map(|i| f32::from(u8::from(i < least))).collect::<Vec<_>>();
    let first = Tensor::<1>::from_data(TensorData::new(first, [count]), &sorted.device());
    let kept = (above + first).clamp_max(1.0);
    (sorted * kept.clone()).sum() / kept.sum().clamp_min(1.0)
}
