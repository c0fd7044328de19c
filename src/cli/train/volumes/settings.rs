//! The configuration of a run of two networks of volumes.

use crate::{
    cli::train::{TrainArgs, settings::assigned},
    nn::{
        Rank, find,
        train::volumes::{OF_SLICES, Stage},
    },
};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// All that decides such a run beside its data. `--print-config` prints it, `--set` changes it, the run's folder keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeSettings {
    pub recipe: String,
    pub coarse: Stage,
    pub fine: Stage,
}

impl VolumeSettings {
    /// The recipe's two stages as the options change them.
    pub fn new(args: &TrainArgs, recipe: &str, stages: [Stage; 2]) -> Result<Self> {
        let given = args.given_config()?;
        let stages = stages.map(|mut stage| {
            stage.train = args.changed(stage.train);
            if args.no_augment {
                stage.view.augment = Default::default();
            }
            // Of the options those that this network has.
            if let Some(config) = stage.config.as_object_mut() {
                for (key, value) in &given {
                    config.entry(key).and_modify(|own| own.clone_from(value));
                }
            }
            stage
        });
        if let Some(key) = given.keys().find(|key| stages.iter().all(|s| s.config.get(key).is_none())) {
            bail!("--config: neither network has an option \"{key}\"");
        }
        let [coarse, fine] = stages;
        let mut settings = Self { recipe: recipe.to_owned(), coarse, fine };
        for assignment in &args.set {
            settings.set(assignment).with_context(|| format!("--set {assignment}"))?;
        }
        // The second network is built when the first has learned: what it cannot be is said before.
        for (name, stage) in [("coarse", &settings.coarse), ("fine", &settings.fine)] {
            let spec = find(&stage.network).filter(|spec| spec.rank() == Rank::Volumes);
            let spec =
                spec.with_context(|| format!("{name}: there is no network {} of volumes", stage.network))?;
            spec.param_count(&stage.config).with_context(|| name)?;
            if let Some(fault) = stage.train.fault() {
                bail!("{name}: {fault}");
            }
        }
        Ok(settings)
    }

    /// `coarse.train.lr=0.001`; under `train` alone, of both stages.
    fn set(&mut self, assignment: &str) -> Result<()> {
        let path = assignment.split('=').next().unwrap_or_default();
        let key =
            path.split_once("train.").map_or("", |(_, rest)| rest.split('.').next().unwrap_or_default());
        if OF_SLICES.contains(&key) {
            bail!(
                "{key} is for networks of slices; a network of volumes is shown each case on its whole grid"
            );
        }
        let stages: &[&str] = if path.starts_with("train.") { &["coarse.", "fine."] } else { &[""] };
        for stage in stages {
            *self = assigned(self, &format!("{stage}{assignment}"))?;
        }
        Ok(())
    }
}
