//! A run's folder: what it was made of, how it went, and what came out.
//!
//! `config.json` (the [`super::Settings`]), `run.json` (program, seed, command, the hash of every file of the data), `run` (the
//! checkpoint), `card.json` and `result.json` at the end; the engine adds the curves and the models
//! ([`crate::engine::Checkpoints`]).

use crate::{cli::report::utc_now, engine::Trained, nn::ModelCard, replace::write_bytes};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub struct RunFolder {
    path: PathBuf,
}

/// `run.json`.
#[derive(Serialize, Deserialize)]
struct Run {
    program: String,
    seed: u64,
    command: String,
    started: String,
    /// BLAKE3 of each file, in hex.
    data: BTreeMap<String, String>,
}

/// `result.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    pub model: String,
    /// Mean over the labels; None where nothing was validated on.
    pub dice: Option<f64>,
    pub labels: BTreeMap<String, Option<f64>>,
}

pub fn checkpoint_in(folder: &Path) -> PathBuf {
    folder.join("run")
}

/// The settings of a run that is in `folder`, if there is one.
pub fn saved_settings<S: DeserializeOwned>(folder: &Path) -> Result<Option<S>> {
    let path = folder.join("config.json");
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    Ok(Some(
        serde_json::from_slice(&text).with_context(|| format!("{} is no configuration", path.display()))?,
    ))
}

pub fn saved_result(folder: &Path) -> Option<RunResult> {
    serde_json::from_slice(&fs::read(folder.join("result.json")).ok()?).ok()
}

impl RunFolder {
    /// Begins a run, or goes on with the one that is there, if its data are those of then.
    pub fn open(
        path: &Path,
        (settings, seed): (&impl Serialize, u64),
        command: String,
        data: BTreeMap<String, String>,
        resume: bool,
    ) -> Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("{} could not be made", path.display()))?;
        let run_file = path.join("run.json");
        if resume {
            let text = fs::read(&run_file).with_context(|| run_file.display().to_string())?;
            let before: Run = serde_json::from_slice(&text)
                .with_context(|| format!("{} is no record of a run", run_file.display()))?;
            same_data(&before.data, &data)?;
        } else {
            let program = format!("fovea {}", env!("CARGO_PKG_VERSION"));
            let run = Run { program, seed, command, started: utc_now(), data };
            write_bytes(&run_file, serde_json::to_string_pretty(&run)?.as_bytes())?;
            write_bytes(&path.join("config.json"), serde_json::to_string_pretty(settings)?.as_bytes())?;
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Of a stage of the run.
    pub fn stage(&self, name: &str) -> Result<Self> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).with_context(|| format!("{} could not be made", path.display()))?;
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn finish(&self, trained: &Trained) -> Result<()> {
        let card: &ModelCard = &trained.model.card;
        write_bytes(&self.path.join("card.json"), serde_json::to_string_pretty(card)?.as_bytes())?;
        let after = trained.comparison.as_ref().map(|c| &c.after);
        let name = |id: u16| card.labels.get(id).map_or_else(|| id.to_string(), |l| l.name.clone());
        let result = RunResult {
            model: card.version.clone(),
            dice: match after {
                Some(after) => after.mean_dice,
                // Networks of volumes are not compared; the best of the validations is on the card.
                None => card.metrics.get("dice/valid").copied(),
            },
            labels: after
                .map(|a| a.classes.iter().map(|(id, c)| (name(*id), c.mean.dice)).collect())
                .unwrap_or_default(),
        };
        write_bytes(&self.path.join("result.json"), serde_json::to_string_pretty(&result)?.as_bytes())?;
        Ok(())
    }
}

fn same_data(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Result<()> {
    let changed: Vec<&str> = before
        .keys()
        .chain(now.keys())
        .filter(|file| before.get(*file) != now.get(*file))
        .map(String::as_str)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    if !changed.is_empty() {
        bail!("the data have changed since the run began: {}", changed.join(", "));
    }
    Ok(())
}
