//! A run's folder: what it was made of, how it went, and what came out.
//!
//! `config.json` (all settings), `run.json` ([`Began`]), `run` (the checkpoint), the curves and models that training leaves
//! there as it goes ([`super::Checkpoints`]), `card.json` and `result.json` at the end. Stages and folds of a run have folders
//! of their own in it.

use super::{
    curves::{CURVE_OF_STEPS, CURVE_OF_VALIDATIONS, CurveFiles},
    train::Trained,
};
use crate::{file, nn::ModelCard, replace::write_bytes};
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
pub struct Began {
    pub program: String,
    pub seed: u64,
    pub command: String,
    /// When, as RFC 3339.
    pub started: String,
    /// BLAKE3 of each file, in hex.
    pub data: BTreeMap<String, String>,
}

/// A run as its folder tells of it, under way or past.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRun {
    /// The folder's, of a stage, fold or trial behind that of the whole.
    pub name: String,
    pub folder: PathBuf,
    /// The command that began it, and when; of a stage or a fold those of the whole run.
    pub command: Option<String>,
    pub started: Option<String>,
    /// `[step, value]`.
    pub loss: Vec<[f64; 2]>,
    /// Mean Dice of the validations.
    pub valid_dice: Vec<[f64; 2]>,
    /// What came out, where it has ended.
    pub result: Option<RunResult>,
}

/// `result.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    pub model: String,
    /// Mean over the labels; None where nothing was validated on.
    pub dice: Option<f64>,
    pub labels: BTreeMap<String, Option<f64>>,
}

/// The files that a run keeps in its folder.
pub const FILES: [&str; 10] = [
    "run.json",
    "config.json",
    "data.json",
    "run",
    CURVE_OF_STEPS,
    CURVE_OF_VALIDATIONS,
    "best.safetensors",
    "last.safetensors",
    "card.json",
    "result.json",
];

/// Of a file of a run that goes on, whether it is as the run left it, where the program's list of what it has written does
/// not say so: the curves grow line by line, and the settings are never written again.
pub fn went_on_by_itself(file: &Path) -> Option<bool> {
    match file.file_name()?.to_str()? {
        "run.json" | "config.json" => Some(true),
        CURVE_OF_STEPS | CURVE_OF_VALIDATIONS => Some(CurveFiles::is_whole(file)),
        _ => None,
    }
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
    let text = file::read(&path).with_context(|| path.display().to_string())?;
    Ok(Some(json(&text).with_context(|| format!("{} is not the configuration of a run", path.display()))?))
}

pub fn saved_result(folder: &Path) -> Option<RunResult> {
    json(&file::read(&folder.join("result.json")).ok()?).ok()
}

/// A file that a person may have edited, and whose editor may have written a byte-order mark.
fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let text = crate::io::text::decoded(bytes).context("it is not text in UTF-8 or UTF-16")?;
    Ok(serde_json::from_str(&text)?)
}

impl RunFolder {
    /// Begins a run, or goes on with the one that is there, if its data are those of then.
    pub fn open(path: &Path, settings: &impl Serialize, began: &Began, resume: bool) -> Result<Self> {
        file::make_folder(path).with_context(|| format!("{} could not be made", path.display()))?;
        let run_file = path.join("run.json");
        if resume {
            refuse_links(path)?;
            let text = file::read(&run_file).with_context(|| run_file.display().to_string())?;
            let before: Began =
                json(&text).with_context(|| format!("{} is not the record of a run", run_file.display()))?;
            same_data(&before.data, &began.data)?;
        } else {
            write_bytes(&run_file, serde_json::to_string_pretty(began)?.as_bytes())?;
            write_bytes(&path.join("config.json"), serde_json::to_string_pretty(settings)?.as_bytes())?;
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Of a stage of the run.
    pub fn stage(&self, name: &str) -> Result<Self> {
        let path = self.path.join(name);
        file::make_folder(&path).with_context(|| format!("{} could not be made", path.display()))?;
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn finish(&self, trained: &Trained) -> Result<()> {
        let card: &ModelCard = &trained.model.card;
        let card_written =
            write_bytes(&self.path.join("card.json"), serde_json::to_string_pretty(card)?.as_bytes());
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
        Ok(card_written?)
    }
}

/// Whether a folder is that of a run, of a stage or a fold of one, or holds those of folds or of a search.
pub fn is_run(folder: &Path) -> bool {
    ["run.json", "folds.json", "study.db", CURVE_OF_STEPS].iter().any(|name| folder.join(name).is_file())
}

/// The run of a folder; of one in stages, folds or trials all of them.
pub fn read(folder: &Path) -> Result<Vec<PastRun>> {
    if folder.join(CURVE_OF_STEPS).is_file() {
        return Ok(vec![PastRun::read(folder, name_of(folder))?]);
    }
    let mut inner: Vec<PathBuf> = vec![];
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        inner.push(entry?.path());
    }
    inner.retain(|path| path.join(CURVE_OF_STEPS).is_file());
    inner.sort();
    if inner.is_empty() {
        bail!("{} has no curves of a run yet ({CURVE_OF_STEPS})", folder.display());
    }
    inner.iter().map(|path| PastRun::read(path, format!("{}/{}", name_of(folder), name_of(path)))).collect()
}

fn name_of(folder: &Path) -> String {
    folder
        .file_name()
        .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned())
}

impl PastRun {
    fn read(folder: &Path, name: String) -> Result<Self> {
        let [loss, valid_dice] = CurveFiles::read(folder).with_context(|| folder.display().to_string())?;
        let file = [Some(folder), folder.parent()].into_iter().flatten().map(|f| f.join("run.json"));
        let began = file.into_iter().find_map(|file| file::read(&file).ok());
        let began: Option<Began> = began.and_then(|text| json(&text).ok());
        let (command, started) = began.map(|began| (began.command, began.started)).unzip();
        Ok(Self {
            name,
            folder: folder.to_owned(),
            command,
            started,
            loss,
            valid_dice,
            result: saved_result(folder),
        })
    }
}

/// What a run writes goes to where a link leads, and a folder that somebody has sent may hold any.
fn refuse_links(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_symlink() {
            bail!(
                "{} is a link, and a run writes only into its own folder: put the file itself there, or move the link away",
                entry.path().display()
            );
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        let mut curves = CurveFiles::open(folder, 0, 0).unwrap();
        curves.step(1, 0.5, 1e-3).unwrap();
        curves.validation(1, Some(0.7), Some(0.75), true, &BTreeMap::new()).unwrap();
    }

    fn began() -> Began {
        Began {
            program: "fovea".into(),
            seed: 1,
            command: "fovea train".into(),
            started: "2026-01-02T03:04:05Z".into(),
            data: BTreeMap::new(),
        }
    }

    #[test]
    fn a_run_is_read_from_its_folder_and_a_run_in_stages_stage_by_stage() {
        let place = tempfile::tempdir().unwrap();
        let whole = place.path().join("whole");
        assert!(!is_run(place.path()));
        RunFolder::open(&whole, &(), &began(), false).unwrap();
        assert!(is_run(&whole));
        assert!(read(&whole).unwrap_err().to_string().contains("no curves"));
        curves(&whole.join("fine"));
        curves(&whole.join("coarse"));
        let runs = read(&whole).unwrap();
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names, ["whole/coarse", "whole/fine"]);
        assert_eq!(runs[1].command.as_deref(), Some("fovea train"));
        assert_eq!((&runs[1].loss[..], &runs[1].valid_dice[..]), (&[[1.0, 0.5]][..], &[[1.0, 0.75]][..]));
        assert_eq!(runs[1].result, None);
        assert_eq!(read(&whole.join("fine")).unwrap()[0].name, "fine");
    }

    #[cfg(unix)]
    #[test]
    fn a_run_goes_on_in_no_folder_with_a_link() {
        let place = tempfile::tempdir().unwrap();
        let (run, private) = (place.path().join("run"), place.path().join("thesis.odt"));
        RunFolder::open(&run, &(), &began(), false).unwrap();
        RunFolder::open(&run, &(), &began(), true).unwrap();
        std::os::unix::fs::symlink(&private, run.join("result.json")).unwrap();
        let refused = RunFolder::open(&run, &(), &began(), true).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("is a link"), "{refused}");
    }
}
