//! `fovea devices`: what there is to compute on, and what is chosen and why.

use crate::cli::say::{self, note, say};
use crate::nn::{ComputeDevice, DeviceChoice, DeviceKind, MODELS, ModelSpec, SharedGpu, adapters, self_test};
use clap::Args;
use std::time::Instant;

/// Show what networks can compute on, and what is chosen.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fovea devices
  fovea devices --device gpu
  fovea devices --test                test the graphics adapter again
  fovea devices --test --networks     test every network on it too
  fovea devices --test --networks --half
                                      and show which of them learn in half precision")]
pub struct DevicesArgs {
    /// Run the self-test of the graphics adapter now, even if an earlier result is remembered
    #[arg(long)]
    test: bool,
    /// With --test: also run every network at a small size, forward and backward
    #[arg(long, requires = "test")]
    networks: bool,
    /// With --networks: test the networks in half precision too
    #[arg(long, requires = "networks")]
    half: bool,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: DevicesArgs, choice: DeviceChoice) -> anyhow::Result<()> {
    let adapters = adapters();
    if args.test {
        let device = SharedGpu::headless()?.compute("self-test");
        self_test::forget(&device);
        if let Err(reason) = self_test::passed(&device) {
            note!("{} failed the self-test: {reason}", device.name());
        }
        if args.networks {
            test_networks(&device, args.half)?;
        }
    }
    let chosen = ComputeDevice::choose(choice, None);
    if args.json {
        let listed: Vec<_> = adapters
            .iter()
            .map(|a| serde_json::json!({ "name": a.name, "driver": a.driver, "software": a.software }))
            .collect();
        let chosen = match &chosen {
            Ok(d) => serde_json::json!({ "name": d.name(), "kind": d.kind(), "reason": d.reason() }),
            Err(e) => serde_json::json!({ "error": e.to_string() }),
        };
        say::json(&serde_json::json!({ "adapters": listed, "chosen": chosen }).to_string());
    } else {
        say!("CPU   flex, {} threads", std::thread::available_parallelism().map_or(1, usize::from));
        for a in &adapters {
            let note = if a.software { ", a software rasteriser: no graphics card" } else { "" };
            say!("GPU   {}, {}{note}", a.name, a.driver);
        }
        if adapters.is_empty() {
            say!("GPU   none (Debian: libvulkan1 and the card's driver, or mesa-vulkan-drivers)");
        }
        if let Ok(device) = &chosen {
            let kind = match device.kind() {
                DeviceKind::Cpu => "the CPU",
                DeviceKind::Gpu | DeviceKind::Software => device.name(),
            };
            say!("");
            say!("Networks run on {kind}: {}", device.reason());
        }
    }
    chosen.map(|_| ()).map_err(Into::into)
}

/// Prints a line for each network; an error at the end if any differs from the CPU. With `half`, also says which of them
/// may learn in half precision.
fn test_networks(device: &ComputeDevice, half: bool) -> anyhow::Result<()> {
    let failed = MODELS.iter().filter(|spec| !passes(spec, device, half)).count();
    let all = MODELS.len();
    anyhow::ensure!(failed == 0, "{failed} of {all} networks differ from the CPU");
    Ok(())
}

fn passes(spec: &ModelSpec, device: &ComputeDevice, half: bool) -> bool {
    let start = Instant::now();
    let result = self_test::network_passed(spec, device);
    let seconds = start.elapsed().as_secs_f32();
    match &result {
        Ok(()) => say!("ok    {:<24} {seconds:.1} s", spec.id),
        Err(reason) => say!("FAIL  {:<24} {reason}", spec.id),
    }
    if half {
        match self_test::half_passed(spec, device) {
            Ok(()) => say!("half  {:<24} learns in half precision", spec.id),
            Err(reason) => say!("      {:<24} learns in single precision only: {reason}", spec.id),
        }
    }
    result.is_ok()
}
