//! Cross-validation: patients dealt to folds, and what all folds came to.

use crate::{
    engine::run_folder::{RunResult, saved_result},
    replace::write_bytes,
    words::counted,
};
use anyhow::{Result, bail};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    str::FromStr,
};

/// `--fold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    All,
    /// From 0.
    One(usize),
}

impl FromStr for Fold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Fold::All),
            number => {
                number.parse().map(Fold::One).map_err(|_| "a fold is a number from 0, or all".to_owned())
            }
        }
    }
}

impl Fold {
    pub fn of(self, folds: usize) -> Result<Vec<usize>> {
        match self {
            Fold::All => Ok((0..folds).collect()),
            Fold::One(i) if i < folds => Ok(vec![i]),
            Fold::One(i) => bail!("--fold {i}: the folds are 0 to {}", folds.saturating_sub(1)),
        }
    }
}

/// The fold of each patient: shuffled by the seed, then dealt one by one, so that the folds' sizes differ by one at most.
pub fn deal(patients: BTreeSet<String>, folds: usize, seed: u64) -> Result<BTreeMap<String, usize>> {
    if folds < 2 {
        bail!("--folds {folds}: two at least");
    }
    if patients.len() < folds {
        bail!(
            "--folds {folds}: the data have {}; a column patient in LIST.csv tells whose image is whose",
            counted(patients.len(), "patient")
        );
    }
    let mut order: Vec<String> = patients.into_iter().collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for i in (1..order.len()).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    Ok(order.into_iter().enumerate().map(|(i, patient)| (patient, i % folds)).collect())
}

/// What all folds came to.
pub const FOLDS: &str = "folds.json";

pub fn folder_of(run: &Path, fold: usize) -> PathBuf {
    run.join(format!("fold{fold}"))
}

/// Writes `folds.json` and returns lines to print, of the folds that have ended.
pub fn summarise(run: &Path, folds: usize) -> Result<Vec<String>> {
    let ended: Vec<(usize, RunResult)> =
        (0..folds).filter_map(|i| Some((i, saved_result(&folder_of(run, i))?))).collect();
    let text = |d: Option<f64>| d.map_or("none".to_owned(), |d| format!("{d:.4}"));
    let mut lines: Vec<String> =
        ended.iter().map(|(i, r)| format!("fold {i}: Dice {}", text(r.dice))).collect();
    let dice: Vec<f64> = ended.iter().filter_map(|(_, r)| r.dice).collect();
    let names: BTreeSet<&String> = ended.iter().flat_map(|(_, r)| r.labels.keys()).collect();
    let labels: BTreeMap<&String, Option<f64>> = names
        .into_iter()
        .map(|name| {
            let values: Vec<f64> = ended.iter().filter_map(|(_, r)| *r.labels.get(name)?).collect();
            (name, mean_and_deviation(&values).map(|(mean, _)| mean))
        })
        .collect();
    let whole = mean_and_deviation(&dice);
    if let Some((mean, deviation)) = whole {
        lines.push(format!("{} of {folds} folds: Dice {mean:.4}, deviation {deviation:.4}", ended.len()));
    }
    for (name, mean) in &labels {
        lines.push(format!("Dice of {name}: {}", text(*mean)));
    }
    let summary = json!({
        "folds": folds,
        "ended": ended.iter().map(|(i, r)| json!({"fold": i, "result": r})).collect::<Vec<_>>(),
        "dice": whole.map(|(mean, deviation)| json!({"mean": mean, "deviation": deviation})),
        "labels": labels,
    });
    write_bytes(&run.join(FOLDS), serde_json::to_string_pretty(&summary)?.as_bytes())?;
    Ok(lines)
}

/// The deviation of a sample (over n − 1); 0 of one value.
fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some((mean, (squares / (n - 1.0).max(1.0)).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_are_dealt_evenly_and_by_the_seed() {
        let patients: BTreeSet<String> = (0..11).map(|i| format!("p{i}")).collect();
        let dealt = deal(patients.clone(), 4, 7).unwrap();
        let sizes: Vec<usize> = (0..4).map(|f| dealt.values().filter(|v| **v == f).count()).collect();
        assert_eq!(sizes, [3, 3, 3, 2]);
        assert_eq!(deal(patients.clone(), 4, 7).unwrap(), dealt);
        assert_ne!(deal(patients.clone(), 4, 8).unwrap(), dealt);
        assert!(deal(patients.clone(), 12, 7).unwrap_err().to_string().contains("patient"));
        assert!(deal(patients, 1, 7).is_err());
        assert_eq!((Fold::All.of(3).unwrap(), Fold::One(2).of(3).unwrap()), (vec![0, 1, 2], vec![2]));
        assert!(Fold::One(3).of(3).is_err() && "x".parse::<Fold>().is_err());
    }

    #[test]
    fn the_summary_is_of_the_folds_that_have_ended() {
        let run = tempfile::tempdir().unwrap();
        for (i, dice) in [(0, 0.5), (2, 0.7)] {
            std::fs::create_dir(folder_of(run.path(), i)).unwrap();
            let result = RunResult {
                model: "m".into(),
                dice: Some(dice),
                labels: BTreeMap::from([("vessel".to_owned(), Some(dice))]),
            };
            std::fs::write(folder_of(run.path(), i).join("result.json"), json!(result).to_string()).unwrap();
        }
        let lines = summarise(run.path(), 3).unwrap();
        assert_eq!(lines[0], "fold 0: Dice 0.5000");
        assert_eq!(lines[2], "2 of 3 folds: Dice 0.6000, deviation 0.1414");
        assert_eq!(lines[3], "Dice of vessel: 0.6000");
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(run.path().join("folds.json")).unwrap()).unwrap();
        assert_eq!(json["ended"].as_array().unwrap().len(), 2);
    }
}
