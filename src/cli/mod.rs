//! The command line: one file per subcommand, one list of them ([`Command`]).

mod convert;
mod dataset;
pub mod demo;
mod devices;
mod edit;
mod eval;
mod facts;
mod info;
mod load;
mod measure;
mod models;
mod overlay;
mod report;
mod say;
mod search;
mod segment;
mod targets;
mod train;
mod warnings;

pub use dataset::ModalityArgument;

use crate::{
    engine::{JobError, interrupt},
    nn::DeviceChoice,
};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::{io::Write, path::PathBuf, process::ExitCode};

const EXAMPLES: &str = "\
Examples:
  fovea                                     open a built-in sample
  fovea scan.nii.gz                         open a volume
  fovea bscans/                             open a folder of numbered images, or a DICOM series
  fovea eye.jpg --modality fundus           say what kind of image it is, if the file does not
  fovea sample:oct                          open the OCT sample
  fovea segment eye.jpg --model vessel --out masks/
  fovea train --data LIST.csv --network vessel/sa_unet --out my.safetensors
  fovea demo                                the whole loop without a window

LIST.csv has the columns id, image, label, valid (optional mask of pixels that count) and split (train, val, test);
its paths are relative to the list.";

/// Open a medical image, see a network's prediction, correct it, let the network learn from it.
///
/// Without a subcommand, opens the window. For research and teaching; not a medical device.
#[derive(Debug, Parser)]
#[command(name = "fovea", version, after_help = EXAMPLES)]
pub struct Arguments {
    /// Images to open: files, folders, DICOM series, or sample:fundus, sample:oct, sample:ct
    pub paths: Vec<PathBuf>,

    /// What kind of image the window opens, if the files do not say it. Without it, colour photographs of the eye are
    /// recognised and all others are "other"
    #[arg(long, value_enum)]
    pub modality: Option<ModalityArgument>,

    /// What networks compute on
    #[arg(long, value_enum, default_value_t, global = true)]
    pub device: DeviceArgument,

    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Arguments {
    /// Reads the command line. If it asks for help or is wrong, this prints the help or the error and ends the program.
    pub fn from_command_line() -> Self {
        let arguments = Self::try_parse().unwrap_or_else(|wrong| {
            let text = wrong.render().to_string();
            // What was typed may be a file's name, from `*`.
            if text.lines().any(|line| line != say::escaped(line)) {
                say::error(&text);
                std::process::exit(wrong.exit_code());
            }
            wrong.exit()
        });
        if arguments.command.is_some() && (!arguments.paths.is_empty() || arguments.modality.is_some()) {
            let told = "before a subcommand there can be no images and no --modality: write them after its name, or leave the subcommand out to open the window";
            Self::command().error(clap::error::ErrorKind::ArgumentConflict, told).exit();
        }
        arguments
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceArgument {
    /// A graphics card that passes the self-test; if there is none, the CPU
    #[default]
    Auto,
    /// The graphics adapter; an error if there is none
    Gpu,
    /// The CPU, even if there is a graphics card
    Cpu,
}

impl From<DeviceArgument> for DeviceChoice {
    fn from(argument: DeviceArgument) -> Self {
        match argument {
            DeviceArgument::Auto => DeviceChoice::Auto,
            DeviceArgument::Gpu => DeviceChoice::Gpu,
            DeviceArgument::Cpu => DeviceChoice::Cpu,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Segment(segment::SegmentArgs),
    Train(Box<train::TrainArgs>),
    Search(search::SearchArgs),
    Eval(eval::EvalArgs),
    Models(models::ModelsArgs),
    Convert(convert::ConvertArgs),
    Edit(Box<edit::EditArgs>),
    Measure(measure::MeasureArgs),
    Info(info::InfoArgs),
    Devices(devices::DevicesArgs),
    Demo(demo::DemoArgs),
}

impl Command {
    pub fn run(self, device: DeviceChoice) -> anyhow::Result<()> {
        let ended = self.begin(device);
        match (ended, targets::all_in_place()) {
            (Err(failed), Err(moved)) => {
                // What failed may be something else, or one of several.
                say::error(&moved.to_string());
                Err(failed)
            }
            (ended, in_place) => ended.and(in_place),
        }
    }

    fn begin(self, device: DeviceChoice) -> anyhow::Result<()> {
        match self {
            Command::Segment(args) => segment::run(args, device),
            Command::Train(args) => train::run(*args, device),
            Command::Search(args) => search::run(args, device),
            Command::Eval(args) => eval::run(args),
            Command::Models(args) => models::run(args, device),
            Command::Convert(args) => convert::run(args),
            Command::Edit(args) => edit::run(*args),
            Command::Measure(args) => measure::run(args),
            Command::Info(args) => info::run(args),
            Command::Devices(args) => devices::run(args, device),
            Command::Demo(args) => demo::run(args, device),
        }
    }
}

/// Prints the error of a command that failed, in one line if it has one. Returns the status to exit with.
pub fn end(result: anyhow::Result<()>) -> ExitCode {
    let status = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if say::is_unheard() => ExitCode::FAILURE,
        Err(error) => failed(&error),
    };
    match say::lost() {
        // The program that read the output has ended on purpose (`| head`).
        None if say::is_unheard() => ExitCode::from(say::UNHEARD_STATUS),
        None => status,
        Some(reason) => {
            // Not through `say`, which is what failed.
            _ = writeln!(std::io::stderr(), "fovea: the output was not written: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    if !is_interrupted(error) {
        say::error(&format!("{error:#}"));
        return ExitCode::FAILURE;
    }
    match error.chain().len() {
        1 => say::error("interrupted"),
        // What was added to it says how far it went.
        _ => say::error(&format!("interrupted: {error}")),
    }
    ExitCode::from(interrupt::EXIT_STATUS)
}

/// Says why there is no window, before the demonstration does the same work without one.
pub fn tell_of_no_window(reason: &impl std::fmt::Display) {
    say::error(&reason.to_string());
    say::error("without a window, the demonstration runs instead (as `fovea demo --device cpu`)");
}

/// What wgpu and burn report, a line each.
pub fn log_to_stderr() {
    let mut log = env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error"));
    log.format(|out, record| {
        let text = record.args().to_string();
        writeln!(out, "[{} {}] {}", record.level(), record.target(), say::escaped(&text))
    });
    log.init();
}

/// Whether a command ended because it was told to.
fn is_interrupted(error: &anyhow::Error) -> bool {
    error.root_cause().downcast_ref() == Some(&JobError::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The command lines of a help text: lines of two blanks and the program's name, with what continues them after `\`.
    fn examples(help: &str) -> Vec<String> {
        let joined = help.replace("\\\n", " ");
        let lines =
            joined.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
        lines.map(str::to_owned).collect()
    }

    /// A command line as a shell takes it apart. Words after two blanks say what the command does, unless an option follows.
    fn words(line: &str) -> Vec<String> {
        let explained = line.match_indices("  ").find(|(at, _)| !line[*at..].trim_start().starts_with('-'));
        let line = explained.map_or(line, |(at, _)| &line[..at]);
        let (mut words, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '\'' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_subcommand_has_a_file_a_sentence_and_examples_that_are_valid() {
        let command = Arguments::command();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
        let mut helps = vec![("fovea", command.get_after_help().unwrap().to_string())];
        for sub in command.get_subcommands() {
            let name = sub.get_name();
            let files = [source.join(name).with_extension("rs"), source.join(name).join("mod.rs")];
            assert!(files.iter().any(|file| file.exists()), "{name} has its own file");
            let about = sub.get_about().unwrap_or_else(|| panic!("{name} says what it does")).to_string();
            assert!(!about.is_empty() && !about.contains(". "), "{name}: one sentence");
            helps.extend(sub.get_after_help().map(|help| (name, help.to_string())));
        }
        for (name, help) in helps {
            let examples = examples(&help);
            assert!(!examples.is_empty(), "{name} has examples");
            for example in examples {
                let words = words(&example);
                if let Err(wrong) = Arguments::try_parse_from(&words) {
                    panic!("{name}: {example}\n{words:?}\n{wrong}");
                }
            }
        }
    }
}
