//! The command line: one file per subcommand, one list of them ([`Command`]).

mod convert;
mod dataset;
pub mod demo;
mod devices;
mod eval;
mod info;
mod models;
mod overlay;
mod report;
mod search;
mod segment;
mod train;
mod warnings;

pub use dataset::ModalityArgument;

use crate::{
    engine::{JobError, interrupt},
    nn::DeviceChoice,
};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use std::{path::PathBuf, process::ExitCode};

const EXAMPLES: &str = "\
Examples:
  fovea                                     open a built-in sample
  fovea scan.nii.gz                         open a volume
  fovea bscans/                             open a folder of numbered images, or a DICOM series
  fovea eye.jpg --modality fundus           say what made the image, where the file does not
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

    /// What the images are, where the files do not say: for the window
    #[arg(long, value_enum)]
    pub modality: Option<ModalityArgument>,

    /// Where networks compute
    #[arg(long, value_enum, default_value_t, global = true)]
    pub device: DeviceArgument,

    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Arguments {
    /// What was typed; prints help or what is wrong with it, and ends the program, where that was asked for.
    pub fn from_command_line() -> Self {
        let arguments = Self::parse();
        if arguments.command.is_some() && (!arguments.paths.is_empty() || arguments.modality.is_some()) {
            let told = "images to open in the window, and their --modality, go without a subcommand; a subcommand takes its own after its name";
            Self::command().error(clap::error::ErrorKind::ArgumentConflict, told).exit();
        }
        arguments
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DeviceArgument {
    /// A graphics card that passes the self-test, else the CPU
    #[default]
    Auto,
    /// The graphics adapter; an error where there is none
    Gpu,
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
    Info(info::InfoArgs),
    Devices(devices::DevicesArgs),
    Demo(demo::DemoArgs),
}

impl Command {
    pub fn run(self, device: DeviceChoice) -> anyhow::Result<()> {
        match self {
            Command::Segment(args) => segment::run(args, device),
            Command::Train(args) => train::run(*args, device),
            Command::Search(args) => search::run(args, device),
            Command::Eval(args) => eval::run(args),
            Command::Models(args) => models::run(args, device),
            Command::Convert(args) => convert::run(args),
            Command::Info(args) => info::run(args),
            Command::Devices(args) => devices::run(args, device),
            Command::Demo(args) => demo::run(args, device),
        }
    }
}

/// Says why a command did not do what it was asked for, in one line; the status to exit with.
pub fn end(error: &anyhow::Error) -> ExitCode {
    if !is_interrupted(error) {
        eprintln!("fovea: {error:#}");
        return ExitCode::FAILURE;
    }
    match error.chain().len() {
        1 => eprintln!("fovea: interrupted"),
        // What was added to it says how far it went.
        _ => eprintln!("fovea: interrupted: {error}"),
    }
    ExitCode::from(interrupt::EXIT_STATUS)
}

/// Whether a command ended because it was told to.
fn is_interrupted(error: &anyhow::Error) -> bool {
    error.root_cause().downcast_ref() == Some(&JobError::Interrupted)
}
