//! `fovea devices`: what there is to compute on, and what is chosen and why.

use crate::nn::{ComputeDevice, DeviceChoice, DeviceKind, SharedGpu, adapters, self_test};
use clap::Args;

/// What the machine has to compute on, and what is chosen.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fovea devices
  fovea devices --device gpu
  fovea devices --test      tests the graphics adapter anew")]
pub struct DevicesArgs {
    /// Run the self-test of the graphics adapter now, whatever is remembered of it
    #[arg(long)]
    test: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: DevicesArgs, choice: DeviceChoice) -> anyhow::Result<()> {
    let adapters = adapters();
    if args.test {
        let device = SharedGpu::headless()?.compute("self-test");
        self_test::forget(&device);
        if let Err(reason) = self_test::passed(&device) {
            eprintln!("{} failed the self-test: {reason}", device.name());
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
        println!("{}", serde_json::json!({ "adapters": listed, "chosen": chosen }));
    } else {
        println!("CPU   flex, {} threads", std::thread::available_parallelism().map_or(1, usize::from));
        for a in &adapters {
            let note = if a.software { ", a software rasteriser: no graphics card" } else { "" };
            println!("GPU   {}, {}{note}", a.name, a.driver);
        }
        if adapters.is_empty() {
            println!("GPU   none (Debian: libvulkan1 and the card's driver, or mesa-vulkan-drivers)");
        }
        if let Ok(device) = &chosen {
            let kind = match device.kind() {
                DeviceKind::Cpu => "the CPU",
                DeviceKind::Gpu | DeviceKind::Software => device.name(),
            };
            println!("\nNetworks run on {kind}: {}", device.reason());
        }
    }
    chosen.map(|_| ()).map_err(Into::into)
}
