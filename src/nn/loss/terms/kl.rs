//! What a network learns from the logits of another (G. Hinton et al.: "Distilling the Knowledge in a Neural Network", 2015):
//! `T²·mean_{pixel, c} q·(ln q − ln p)` with softmaxes of logits over T, q the teacher's; the mean is over the channels too (the
//! polyp system: T = 4). Nothing where the batch has no teacher, or one with other channels.

use crate::nn::loss::{
    compare::{Comparison, binary_with_logits, total},
    spec::{LossSpec, number},
};
use burn::tensor::{Tensor, activation};

pub static LOSS: LossSpec = LossSpec {
    name: "kl",
    about: "How far the network's probabilities are from a teacher's.",
    example: "kl(temperature=2)",
    numbers: &[number("temperature", 4.0, [0.01, 1000.0])],
    distils: true,
    compute: |a, c| {
        let [temperature] = a.numbers();
        compute(c, temperature)
    },
    ..LossSpec::PLAIN
};

fn compute(c: &Comparison<'_>, temperature: f32) -> Option<Tensor<1>> {
    let cool = |t: Tensor<4>| t.div_scalar(temperature);
    let (student, teacher) = (cool(c.logits.clone()), cool(c.teacher()?));
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
