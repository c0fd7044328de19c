//! Milliseconds for one predicted slice of 512² on the CPU, and how much of it is the network's bare forward pass.
//!
//! `cargo bench --bench predict`

use burn::tensor::{Distribution, Tensor};
use fovea::{
    geom::Grid,
    label::LabelTable,
    nn::{self, Channels, ComputeDevice, InputSpec, Model, ModelCard},
    volume::{Modality, Samples, Volume},
};
use std::time::Instant;

const SIDE: usize = 512;
const RUNS: usize = 12;

fn main() {
    let device = ComputeDevice::cpu("benchmark");
    println!(
        "one slice of {SIDE}², {} on {}; median of {RUNS} after one warm-up",
        device.name(),
        processor()
    );
    println!("{:<16} {:>12} {:>14} {:>8}", "network", "slice, ms", "forward, ms", "share");
    for spec in nn::MODELS {
        let Ok(network) = spec.build(&serde_json::Value::Null, 1, &device) else {
            println!("{:<16} does not build with its default configuration", spec.id);
            continue;
        };
        let channels = if network.channels() == 1 { Channels::Grey } else { Channels::Rgb };
        let names: Vec<String> = (1..network.head().classes()).map(|c| format!("class {c}")).collect();
        let card = ModelCard {
            version: String::new(),
            title: spec.title.to_owned(),
            network: spec.id.to_owned(),
            config: network.config().clone(),
            input: InputSpec::unit(channels),
            labels: LabelTable::named(&names),
            modality: Modality::Other,
            trained_on: String::new(),
            licence: String::new(),
            parent: None,
            metrics: Default::default(),
            notice: String::new(),
            command: String::new(),
            created: String::new(),
        };
        let model = Model::build(card, 1, &device).expect("the specification's own configuration");
        let volume = picture();
        let slice = median(|| {
            model.predict_slice(&volume, 0).expect("a finite prediction");
        });
        let input = Tensor::<4>::random(
            [1, network.channels(), SIDE, SIDE],
            Distribution::Uniform(0.0, 1.0),
            device.burn(),
        );
        let forward = median(|| {
            network.infer(input.clone()).logits.into_data();
        });
        println!("{:<16} {slice:>12.1} {forward:>14.1} {:>7.0} %", spec.id, 100.0 * forward / slice);
    }
}

fn picture() -> Volume {
    let pixels: Vec<[u8; 3]> =
        (0..SIDE * SIDE).map(|i| [i % 251, i % 241, i % 239].map(|v| v as u8)).collect();
    let grid = Grid::pixels([SIDE, SIDE, 1]).expect("not empty");
    Volume::new(grid, Samples::Rgb8(pixels.into()), [1.0, 0.0], Modality::Other)
        .expect("as many as asked for")
}

/// Milliseconds.
fn median(mut run: impl FnMut()) -> f64 {
    run();
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map(|(_, n)| n.to_owned());
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {threads} threads", name.unwrap_or_else(|| "an unnamed processor".to_owned()))
}
