use clap::Parser;
use fovea::cli::Arguments;
use std::process::ExitCode;

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Some(command) => command.run(arguments.device.into()),
        None => Ok(()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("fovea: {err:#}");
            ExitCode::FAILURE
        }
    }
}
