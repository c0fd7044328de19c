// As in the library.
#![warn(clippy::print_stdout, clippy::print_stderr)]

use fovea::cli::demo::{self, DemoArgs};
use fovea::cli::{self, Arguments};
use fovea::nn::DeviceChoice;
use fovea::replace;
use fovea::ui::{self, UiOptions};
use std::process::ExitCode;

fn main() -> ExitCode {
    cli::log_to_stderr();
    replace::remember();
    let arguments = Arguments::from_command_line();
    let result = match arguments.command {
        Some(command) => command.run(arguments.device.into()),
        None => window(UiOptions {
            paths: arguments.paths,
            modality: arguments.modality.map(Into::into),
            device: arguments.device.into(),
        }),
    };
    cli::end(result)
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
    cli::tell_of_no_window(&reason);
    demo::run(DemoArgs::default(), DeviceChoice::Cpu)
}
