//! What one training step costs on the CPU: forward, loss, backward and Adam on a batch of two pictures of 256², with the
//! system's own loss; and the peak memory of a process that does nothing else.
//!
//! `cargo bench --bench train` measures both networks; `benches/pytorch.py` sets them beside the same in PyTorch.

mod process;

use burn::tensor::{Distribution, Tensor};
use fovea::nn::{
    self, ComputeDevice, Outputs,
    loss::{Loss, Targets},
    train::Optimizer,
};
use process::{Asked, asked, peak_mib, row_of};
use serde_json::{Value, json};
use std::time::Instant;

const BATCH: usize = 2;
const SIDE: usize = 256;
/// The median of so many steps, after one to warm up.
const STEPS: u64 = 7;
const NETWORKS: &[&str] = &["edema/unet", "polyp/unet"];

/// As published: the polyp system trains its U-Net with 32 channels, which is not its constructor's default.
fn config(id: &str) -> Value {
    if id == "polyp/unet" { json!({ "base_channel": 32 }) } else { Value::Null }
}

fn main() {
    let asked = match asked() {
        Asked::One(id) => return println!("{}", measure(&id)),
        Asked::Several(asked) => asked,
    };
    println!("network,step_ms,peak_mib");
    for id in NETWORKS.iter().filter(|id| asked.is_empty() || asked.iter().any(|a| a == *id)) {
        row_of(id);
    }
}

fn measure(id: &str) -> String {
    let device = ComputeDevice::cpu("benchmark");
    let spec = nn::find(id).expect("a network's id");
    let mut network = spec.build::<4>(&config(id), 1, &device).expect("a configuration");
    let classes = network.head().classes();
    let truth: Vec<u16> = (0..BATCH * SIDE * SIDE).map(|i| (i * 7919 % 65_521 % classes) as u16).collect();
    let mut targets = Targets::new(&truth, [BATCH, SIDE, SIDE], network.head(), device.burn());
    let loss = if id == "edema/unet" {
        targets = targets.with_findings(&[1.0; BATCH * 3]);
        Loss::edema(false)
    } else {
        Loss::parse("ce").expect("a loss")
    };
    let mut loss = |outputs: &Outputs| loss.compute(outputs, &targets);
    let mut optimizer_step = Optimizer::default().init();
    let shape = [BATCH, network.channels(), SIDE, SIDE];
    let input = Tensor::<4>::random(shape, Distribution::Uniform(0.0, 1.0), device.burn());
    let mut times: Vec<f64> = (0..=STEPS)
        .map(|step| {
            let start = Instant::now();
            network
                .train_step(input.clone(), &mut loss, &mut optimizer_step, 1e-3, step)
                .expect("a finite loss");
            start.elapsed().as_secs_f64() * 1e3
        })
        .skip(1)
        .collect();
    times.sort_by(f64::total_cmp);
    format!("{id},{:.0},{}", times[times.len() / 2], peak_mib())
}
