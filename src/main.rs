use clap::Parser;
use fovea::cli::Arguments;
use fovea::ui::{self, UiOptions};
use std::process::ExitCode;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(command) => command.run(arguments.device.into()),
        None => window(UiOptions { paths: arguments.paths, device: arguments.device.into() }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("fovea: {err:#}");
            ExitCode::FAILURE
        }
    }
}

/// The window, and where none comes up the same job without one.
fn window(options: UiOptions) -> anyhow::Result<()> {
    let device = options.device;
    let Err(reason) = ui::run(options) else { return Ok(()) };
    eprintln!("fovea: {reason}");
    eprintln!("fovea: without a window, the demonstration runs instead (as `fovea demo`)");
    match Arguments::parse_from(["fovea", "demo"]).command {
        Some(demo) => demo.run(device),
        None => Ok(()),
    }
}
