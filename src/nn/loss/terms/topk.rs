//! The mean over channels of the mean of that many per cent of the channel's binary cross-entropies, the largest (the FLARE 2021
//! winner: 30, 30, 30, 10). The percentages are by channel, the last for all that follow; none means 30.

use crate::nn::loss::{
    compare::Comparison,
    spec::{List, LossSpec},
};
use burn::tensor::Tensor;

pub static LOSS: LossSpec = LossSpec {
    name: "topk",
    formerly: Some("top_k"),
    about: "Binary cross-entropy of the hardest pixels of each channel.",
    example: "topk(60,40)",
    list: Some(List { name: "percent", range: [0.0, 100.0] }),
    jumps: true,
    compute: |a, c| Some(compute(c, &a.list)),
    ..LossSpec::PLAIN
};

fn compute(c: &Comparison<'_>, percent: &[f32]) -> Tensor<1> {
    let each = c.binary();
    let [items, channels, rows, columns] = each.dims();
    let sorted = each.swap_dims(0, 1).reshape([channels, items * rows * columns]).sort_descending(1);
    let known = c.targets.known_count;
    let mean = |channel: usize| {
        let percent = percent.get(channel).or(percent.last()).copied().unwrap_or(30.0);
        let taken = ((known as f64 * f64::from(percent) / 100.0) as usize).clamp(1, items * rows * columns);
        sorted.clone().narrow(0, channel, 1).narrow(1, 0, taken).sum_dim(1).div_scalar(taken as f64)
    };
    Tensor::cat((0..channels).map(mean).collect(), 0).sum_dim(0).reshape([1]).div_scalar(channels as f64)
}
