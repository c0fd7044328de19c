//! What one predicted slice of 512² costs on the CPU, network by network: milliseconds, how many of them are the bare
//! forward pass, multiply-accumulates of its layers, and the peak memory of a process that does nothing else.
//!
//! `cargo bench --bench predict` measures all and writes `assets/networks.csv`, from which the table in `docs/src/networks.md` is made;
//! `cargo bench --bench predict -- edema/unet jmedseg/unet` measures some, and leaves the rows of the others.

mod process;

use burn::tensor::{Distribution, Tensor};
use fovea::{
    geom::Grid,
    label::LabelTable,
    nn::{
        self, Channels, ComputeDevice, InputSpec, Model, ModelCard, ModelSpec,
        blocks::cost::multiply_accumulates,
    },
    volume::{Modality, Samples, Volume},
};
use process::{Asked, asked, peak_mib, row_of};
use std::time::Instant;

const SIDE: usize = 512;
/// The median of as many runs as begin within this time, and of no more than are needed.
const ENOUGH_SECONDS: f64 = 5.0;
const ENOUGH_RUNS: usize = 9;
/// The columns of what a network's process prints.
const COLUMNS: &str = "network,slice_ms,forward_ms,multiply_accumulates,peak_mib";

fn main() {
    let asked = match asked() {
        Asked::One(id) => return println!("{}", measure(nn::find(&id).expect("a network's id"))),
        Asked::Several(asked) => asked,
    };
    println!("one slice of {SIDE}², {}; medians after one warm-up\n{COLUMNS}", processor());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/networks.csv");
    let old = std::fs::read_to_string(path).unwrap_or_default();
    let old_row = |id: &str| old.lines().find(|row| row.split(',').next() == Some(id));
    let mut table = format!("{COLUMNS}\n");
    for spec in nn::MODELS {
        if asked.is_empty() || asked.iter().any(|id| id == spec.id) {
            table.push_str(&row_of(spec.id));
        } else {
            table.extend(old_row(spec.id).map(|row| format!("{row}\n")));
        }
    }
    std::fs::write(path, table).expect("the table of networks");
}

/// A line of the table.
fn measure(spec: &ModelSpec) -> String {
    let device = ComputeDevice::cpu("benchmark");
    let model = Model::build(card(spec), 1, &device).expect("the specification's own configuration");
    let volume = picture();
    let network = model.network();
    let input = Tensor::<4>::random(
        [1, network.channels(), SIDE, SIDE],
        Distribution::Uniform(0.0, 1.0),
        device.burn(),
    );
    let (_, products) = multiply_accumulates(|| network.infer(input.clone()));
    let forward = median(|| {
        network.infer(input.clone()).logits.into_data();
    });
    let slice = median(|| {
        model.predict_slice(&volume, 0).expect("a finite prediction");
    });
    format!("{},{slice:.0},{forward:.0},{products},{}", spec.id, peak_mib())
}

fn card(spec: &ModelSpec) -> ModelCard {
    let (_, head) = spec.ends(&serde_json::Value::Null).expect("the default configuration");
    let config = spec.config_for(Channels::Rgb.count(), head.classes());
    let names: Vec<String> = (1..head.classes()).map(|c| format!("class {c}")).collect();
    ModelCard::new(
        spec.id,
        config,
        InputSpec::unit(Channels::Rgb),
        LabelTable::named(&names),
        Modality::Other,
    )
}

fn picture() -> Volume {
    let pixels: Vec<[u8; 3]> =
        (0..SIDE * SIDE).map(|i| [i % 251, i % 241, i % 239].map(|v| v as u8)).collect();
    let grid = Grid::pixels([SIDE, SIDE, 1]).expect("not empty");
    Volume::new(grid, Samples::Rgb8(pixels.into()), [1.0, 0.0], Modality::Other)
        .expect("as many as asked for")
}

/// Milliseconds. The first run warms up, unless it takes so long that this makes no difference.
fn median(mut run: impl FnMut()) -> f64 {
    let mut timed = || {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e3
    };
    let begin = Instant::now();
    let mut times = vec![timed()];
    if times[0] < ENOUGH_SECONDS * 1e3 {
        times.clear();
    }
    while times.len() < ENOUGH_RUNS && begin.elapsed().as_secs_f64() < ENOUGH_SECONDS || times.is_empty() {
        times.push(timed());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map(|(_, n)| n.to_owned());
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {threads} threads", name.unwrap_or_else(|| "an unnamed processor".to_owned()))
}
