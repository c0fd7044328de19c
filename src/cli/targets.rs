//! What subcommands that write have in common.

use crate::{io::Targets, nn::bundled};
use clap::Args;
use std::path::Path;

/// Whether files that are there may be replaced.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct OverwriteArgument {
    /// Replace files that are there already; without it nothing is begun where there are any that Fovea did not write, or
    /// that somebody has changed since
    #[arg(long)]
    pub overwrite: bool,
}

impl OverwriteArgument {
    pub fn targets(self) -> Targets {
        Targets::new(self.overwrite)
    }
}

/// A model that is read: a file, unless it is the id of a bundled one.
pub fn read_model(targets: &mut Targets, name: &str) {
    if bundled::find(name).is_none() {
        targets.read(Path::new(name));
    }
}
