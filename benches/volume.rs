//! What the networks of FLARE21's winner cost on the CPU with random weights: seconds and processor seconds of a forward
//! pass, multiply-accumulates, and the peak memory of a process that does nothing else. The coarse network takes 160³
//! voxels and the fine one 192³.
//!
//! `cargo bench --bench volume` measures both; `cargo bench --bench volume -- flare/unet` one of them.

mod process;

use burn::tensor::{Distribution, Tensor};
use fovea::nn::{self, ComputeDevice, blocks::cost::multiply_accumulates};
use process::{Asked, asked, peak_mib, row_of};
use serde_json::Value;
use std::time::Instant;

/// The coarse network and the fine one, as they are shipped: the defaults.
const NETWORKS: &[&str] = &["flare/unet", "flare/efficientsegnet"];
/// The fastest of so many passes.
const RUNS: usize = 2;

fn main() {
    let asked = match asked() {
        Asked::One(id) => return println!("{}", measure(&id)),
        Asked::Several(asked) => asked,
    };
    println!("network,side,seconds,cpu_seconds,multiply_accumulates,peak_mib");
    for id in NETWORKS.iter().filter(|id| asked.is_empty() || asked.iter().any(|a| a == *id)) {
        row_of(id);
    }
}

/// A line of the table.
fn measure(id: &str) -> String {
    let device = ComputeDevice::cpu("benchmark");
    let spec = nn::find(id).expect("a network's id");
    let network = spec.build::<5>(&Value::Null, 1, &device).expect("the default configuration");
    let size @ [depth, height, width] = network.grid().expect("volumes are resized");
    let shape = [1, network.channels(), depth, height, width];
    let (mut best, mut products) = ([f64::INFINITY; 2], 0);
    for _ in 0..RUNS {
        let input = Tensor::<5>::random(shape, Distribution::Uniform(-1.0, 1.0), device.burn());
        let (start, before) = (Instant::now(), cpu_seconds());
        products = multiply_accumulates(|| network.infer(input)).1;
        let taken = [start.elapsed().as_secs_f64(), cpu_seconds() - before];
        if taken[0] < best[0] {
            best = taken;
        }
    }
    format!("{id},{},{:.1},{:.1},{products},{}", size[0], best[0], best[1], peak_mib())
}

/// What the threads of this process have computed, in seconds; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    /// Linux counts in these, on every processor that this runs on.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name before the last bracket may have blanks; user and system time are the 12th and 13th field after it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / TICKS_PER_SECOND
}
