//! A run of `fovea train` as a trial of a search.

use super::{Settings, TrainArgs, setup::Setup};
use crate::{
    engine::{Engine, Event, JobError, JobId, Trained, run_folder},
    replace,
};
use anyhow::{Context, Result, bail};
use clap::Parser;
use std::{path::Path, sync::Arc};

#[derive(Parser)]
#[command(name = "fovea train")]
struct Line {
    #[command(flatten)]
    args: TrainArgs,
}

/// How a trial came to its end.
pub enum Outcome {
    Trained(Arc<Trained>),
    /// Stopped by the search that watched it.
    Stopped,
    Failed(anyhow::Error),
}

impl TrainArgs {
    /// The options that all trials have in common, and a folder for one of them.
    pub fn of_trial(words: &[String], set: &[String], folder: &Path) -> Result<Self> {
        const OWN: [&str; 8] = [
            "--out",
            "--run",
            "--resume",
            "--folds",
            "--fold",
            "--pretrain",
            "--print-config",
            "--overwrite",
        ];
        let is_own = |word: &&String| OWN.iter().any(|own| word.split('=').next() == Some(*own));
        if let Some(word) = words.iter().find(is_own) {
            bail!(
                "{word} cannot be an option of a trial: each trial has a folder of its own, and its result is a Dice. Leave it out"
            );
        }
        let line = std::iter::once("fovea train".to_owned())
            .chain(words.iter().cloned())
            .chain(set.iter().flat_map(|set| ["--set".to_owned(), set.clone()]))
            .chain(["--run".to_owned(), folder.display().to_string()]);
        // What is wrong with the words is said at length by the parser.
        Ok(Line::try_parse_from(line).map_err(|e| anyhow::anyhow!("{}", e.render()))?.args)
    }

    /// What the options say of a run over the data; an error where one cannot be set.
    pub fn settings(&self, setup: &Setup) -> Result<Settings> {
        Settings::new(self, setup.data.shape(), setup.init_card())
    }

    /// Trains in the folder, from where it stands. `watch` sees every event and may cancel the job. Being told to stop is an
    /// error; what is wrong with this run alone is an outcome.
    pub fn try_out(
        mut self,
        setup: &mut Setup,
        settings: Settings,
        watch: &mut dyn FnMut(&Engine, JobId, &Event),
    ) -> Result<Outcome> {
        let folder = self.run.clone().context("a trial has a folder")?;
        self.resume = folder.join("config.json").exists();
        let places = [self.place(Some(&folder))?];
        self.files_of(&places, &[]).check()?;
        let [Some(place)] = places else { bail!("{} has ended", folder.display()) };
        let data = setup.data.clone();
        let ended = self.train(setup, &data, settings, &place, watch);
        let outcome = match ended {
            Ok(result) if result.diverged.is_none() => Outcome::Trained(result),
            Ok(result) => Outcome::Failed(anyhow::anyhow!(
                "it diverged: {}",
                result.diverged.clone().unwrap_or_default()
            )),
            Err(e) if e.root_cause().downcast_ref() == Some(&JobError::Cancelled) => Outcome::Stopped,
            Err(e) if e.root_cause().downcast_ref() == Some(&JobError::Interrupted) => return Err(e),
            Err(e) => Outcome::Failed(e),
        };
        // Nobody goes on with it.
        replace::remove_own(&run_folder::checkpoint_in(&folder)).ok();
        Ok(outcome)
    }
}
