use fovea::cli::demo::{self, DemoArgs};
use fovea::cli::{self, Arguments};
use fovea::nn::DeviceChoice;
use fovea::ui::{self, UiOptions};
use std::process::ExitCode;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let arguments = Arguments::from_command_line();
    let result = match arguments.command {
        Some(command) => command.run(arguments.device.into()),
        None => window(UiOptions {
            paths: arguments.paths,
            modality: arguments.modality.map(Into::into),
            device: arguments.device.into(),
        }),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => cli::end(&err),
    }
}

/// The window. Where none comes up, a person who named no image gets the same job without one, on the CPU.
fn window(options: UiOptions) -> anyhow::Result<()> {
    let named_an_image = !options.paths.is_empty();
    let Err(reason) = ui::run(options) else { return Ok(()) };
    if named_an_image {
        anyhow::bail!(
            "{reason}\nwithout a window, `fovea segment` predicts and `fovea info` describes an image"
        );
    }
    eprintln!("fovea: {reason}");
    eprintln!("fovea: without a window, the demonstration runs instead (as `fovea demo --device cpu`)");
    demo::run(DemoArgs::default(), DeviceChoice::Cpu)
}
