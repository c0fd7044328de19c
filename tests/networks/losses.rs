//! Losses on a graphics device against the CPU: the value and the gradient of each.

use super::{cpu, gpu};
use burn::tensor::{Tensor, TensorData};
use fovea::nn::{
    ComputeDevice, Head, Outputs,
    loss::{IGNORE, LOSSES, Loss, Targets},
    parity::fill_input,
};

const SPACE: [usize; 2] = [20, 24];

fn value_and_gradient(text: &str, head: Head, device: &ComputeDevice) -> (f32, Vec<f32>) {
    let ([rows, columns], device) = (SPACE, device.burn().clone().autodiff());
    let tensor = |name: &str| {
        let shape = [2, head.channels(), rows, columns];
        let values: Vec<f32> =
            fill_input(name, shape.iter().product()).into_iter().map(|v| 3.0 * v).collect();
        Tensor::<4>::from_data(TensorData::new(values, shape), &device)
    };
    let logits = tensor("logits").require_grad();
    // Blocks of a class, one row that is not known.
    let class = |i: usize| match (i / columns % rows, i % columns) {
        (3, _) => IGNORE,
        (row, column) => ((row / 6 + column / 8) % head.classes()) as u16,
    };
    let classes: Vec<u16> = (0..2 * rows * columns).map(class).collect();
    let targets = Targets::new(&classes, [2, rows, columns], head, &device)
        .with_teacher(tensor("teacher").without_autodiff());
    let corner = logits.clone().narrow(2, 0, rows / 2).narrow(3, 0, columns / 2);
    let findings = logits.clone().narrow(2, 0, 1).narrow(3, 0, 1).mean_dim(1);
    let detection = findings.reshape([2, 1]).expand([2, head.classes() - 1]);
    let outputs =
        Outputs { detection: Some(detection), auxiliary: vec![corner], ..Outputs::of(logits.clone()) };
    let total = Loss::parse(text).unwrap().compute(&outputs, &targets);
    let value = total.clone().into_scalar::<f32>();
    let gradient = logits.grad(&total.backward()).unwrap();
    (value, gradient.into_data().try_to_vec().unwrap())
}

#[test]
fn every_loss_is_the_same_on_wgpu() {
    let Some(gpu) = gpu() else { return };
    let (mut worst, mut off) = (0.0f32, vec![]);
    for head in [Head::Softmax { classes: 3 }, Head::Sigmoids { classes: 3 }] {
        for loss in LOSSES {
            let text = if loss.of_loss { format!("{}(ce+dice)", loss.name) } else { loss.name.to_owned() };
            let [(a, by_cpu), (b, by_gpu)] =
                [cpu(), gpu.clone()].map(|d| value_and_gradient(&text, head, &d));
            let size = by_cpu.iter().map(|g| g.abs()).fold(0.0, f32::max);
            let furthest = by_cpu.iter().zip(&by_gpu).map(|(a, b)| (a - b).abs() / size);
            let furthest = furthest.fold(0.0, |m: f32, d| if d.is_nan() { d } else { m.max(d) });
            worst = worst.max(furthest);
            // Written so that NaN is off.
            if !(a > 0.0 && (a - b).abs() < 1e-4 * a && size > 0.0 && furthest < 1e-4) {
                off.push(format!("{text} {head:?}: {b} for {a}, a gradient {furthest:e} of {size} apart"));
            }
        }
    }
    eprintln!("gradients of the losses: {worst:e} of the largest");
    assert!(off.is_empty(), "{}", off.join("\n"));
}
