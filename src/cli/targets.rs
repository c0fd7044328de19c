//! What subcommands that write have in common.

use super::say::{self, note};
use crate::{
    engine::run_folder,
    io::{Targets, WriteError},
    nn::bundled,
    replace,
};
use anyhow::{Result, anyhow, bail};
use clap::{
    Args,
    builder::{PathBufValueParser, TypedValueParser},
};
use std::path::{Path, PathBuf};

/// Whether files that are there may be replaced.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct OverwriteArgument {
    /// Replace existing files, and files that links lead to. Without it, a command does not begin if an output exists already,
    /// unless Fovea wrote that file and nobody has changed it since. A file that appears while the command runs is never
    /// replaced
    #[arg(long)]
    pub overwrite: bool,
}

impl OverwriteArgument {
    pub fn targets(self) -> Targets {
        Targets::new(self.overwrite)
    }

    /// Checks what is going to be written, and makes the folders for it.
    pub fn ready(self, targets: &Targets) -> Result<()> {
        self.check(targets)?;
        Ok(targets.make_folders()?)
    }

    /// Checks what is going to be written; an error about files that may be replaced names `--overwrite`.
    pub fn check(self, targets: &Targets) -> Result<()> {
        targets.check().map_err(|e| match e.replaceable() {
            [] => e.into(),
            [_] => anyhow!("{e}, or say --overwrite to replace it"),
            _ => anyhow!("{e}, or say --overwrite to replace them"),
        })?;
        for (link, to) in targets.links() {
            note!("{} is a link: what is written there replaces {}", link.display(), to.display());
        }
        Ok(())
    }
}

/// Reads the path of an output that has one of these `endings` (the first dot left out), and a name that belongs to no
/// other kind of file that the program reads.
pub fn ending(endings: &'static [&'static str]) -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(move |path| -> Result<PathBuf, String> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let fits = |ending: &&str| {
            name.strip_suffix(*ending).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        };
        if !endings.iter().any(fits) {
            let dotted: Vec<String> = endings.iter().map(|ending| format!(".{ending}")).collect();
            return Err(format!("its name must end in {}", dotted.join(" or ")));
        }
        if NAMES_OF_OTHERS.iter().chain(&run_folder::FILES).any(|other| name == *other) {
            return Err(format!(
                "{name} is the name of another kind of file, which Fovea reads: choose another name"
            ));
        }
        Ok(path)
    })
}

/// Beside those of a run's folder: tables of labels, indices of data sets, what folds and studies keep.
const NAMES_OF_OTHERS: [&str; 6] =
    ["labels.txt", "labels.json", "dataset.json", "folds.json", "study.json", "study.html"];

/// A model that is read: a file, unless it is the id of a bundled one.
pub fn read_model(targets: &mut Targets, name: &str) {
    if bundled::find(name).is_none() {
        targets.read(Path::new(name));
    }
}

/// Says that an output is not in its place, and lets the command go on, so that its other outputs are not lost. The command
/// still fails in the end, by [`all_in_place`]. Any other error is returned.
pub fn told_if_taken(written: Result<()>) -> Result<()> {
    match written {
        Err(e) if matches!(e.downcast_ref(), Some(WriteError::Taken { .. })) => {
            say::error(&format!("{e:#}"));
            Ok(())
        }
        written => written,
    }
}

/// An error that names all outputs that are not in their places, if there are any. Parts of a command go on without the
/// others, but a command that has not written what it was told to must fail.
pub fn all_in_place() -> Result<()> {
    let displaced = replace::displaced();
    let each = |d: &replace::Displaced| format!("{} is in {}", d.place.display(), d.kept.display());
    match displaced.len() {
        0 => Ok(()),
        _ => bail!(
            "files have appeared or were changed while this ran, and were not replaced; the outputs are kept beside \
             them: {}. Rename those that you want",
            displaced.iter().map(each).collect::<Vec<_>>().join("; ")
        ),
    }
}
