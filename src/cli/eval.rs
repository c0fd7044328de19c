//! `fovea eval`: masks against the truth, per case and class.

use super::segment::stem;
use crate::{
    io::{
        self,
        list::{self, Split},
    },
    label::{LabelId, LabelMap},
    metrics::{Overlap, Report},
};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use rayon::prelude::*;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  fovea eval --pred masks/ --truth truth/ --json scores.json
  fovea eval --pred masks/ --truth lists/drive.csv --json drive.json

With a folder as truth, files are matched by their names without the extension; with a LIST.csv by the case's id, and
pixels outside a case's valid mask do not count. A class that neither mask shows has no score in that case and is left
out of the means; a class that only one shows scores 0. Masks of 0 and 255 are read as one class.";

const CONVENTIONS: &str = "dice, iou, sensitivity and specificity per class over the pixels that count (inside the \
    case's valid mask, where there is one); null where the class is in neither mask (sensitivity: not in the truth); \
    'mean' is over the cases that have a value, 'pooled' is of the summed counts; mean_dice is over the classes";

/// Score masks against the truth.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EvalArgs {
    /// Folder of masks, as `fovea segment` writes it
    #[arg(long)]
    pred: PathBuf,
    /// Folder of masks, or a LIST.csv
    #[arg(long)]
    truth: PathBuf,
    /// Where the scores go, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Only the cases of this split of the list
    #[arg(long, value_enum)]
    split: Option<SplitArgument>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitArgument {
    Train,
    Val,
    Test,
}

/// One case's files.
#[derive(Debug)]
struct Pair {
    id: String,
    pred: PathBuf,
    truth: PathBuf,
    valid: Option<PathBuf>,
}

#[derive(Serialize)]
struct Written<'a> {
    pred: &'a Path,
    truth: &'a Path,
    conventions: &'static str,
    #[serde(flatten)]
    report: &'a Report,
}

pub fn run(args: EvalArgs) -> Result<()> {
    let pairs = pairs(&args)?;
    let report = score(&pairs)?;
    print(&report);
    if let Some(path) = &args.json {
        let written =
            Written { pred: &args.pred, truth: &args.truth, conventions: CONVENTIONS, report: &report };
        let mut text = serde_json::to_string_pretty(&written)?;
        text.push('\n');
        std::fs::write(path, text).with_context(|| format!("--json {}", path.display()))?;
    }
    Ok(())
}

/// Pairs by name; whatever has no partner is said at once.
fn pairs(args: &EvalArgs) -> Result<Vec<Pair>> {
    let predicted = masks_in(&args.pred)?;
    let truth: Vec<(String, PathBuf, Option<PathBuf>)> = if args.truth.is_file() {
        let wanted = args.split.map(|s| match s {
            SplitArgument::Train => Split::Train,
            SplitArgument::Val => Split::Val,
            SplitArgument::Test => Split::Test,
        });
        let cases = list::read(&args.truth)?.into_iter().filter(|c| wanted.is_none_or(|w| w == c.split));
        cases
            .map(|c| {
                Ok((c.id.clone(), c.label.with_context(|| format!("{}: it has no label", c.id))?, c.valid))
            })
            .collect::<Result<_>>()?
    } else {
        if args.split.is_some() {
            bail!("--split goes with a LIST.csv as --truth");
        }
        masks_in(&args.truth)?.into_iter().map(|(name, path)| (name, path, None)).collect()
    };
    let missing: Vec<&str> =
        truth.iter().filter(|(id, ..)| !predicted.contains_key(id)).map(|(id, ..)| id.as_str()).collect();
    let known: BTreeSet<&str> = truth.iter().map(|(id, ..)| id.as_str()).collect();
    // A list may be a part of what was segmented; two folders should hold the same cases.
    let extra: Vec<&str> = if args.truth.is_file() {
        vec![]
    } else {
        predicted.keys().map(String::as_str).filter(|id| !known.contains(id)).collect()
    };
    if !missing.is_empty() || !extra.is_empty() {
        let list = |ids: &[&str]| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        bail!(
            "cases without a mask in {}: {}; masks there without a truth in {}: {}",
            args.pred.display(),
            list(&missing),
            args.truth.display(),
            list(&extra)
        );
    }
    if truth.is_empty() {
        bail!("{} has no case to score", args.truth.display());
    }
    Ok(truth
        .into_iter()
        .filter_map(|(id, truth, valid)| {
            let pred = predicted.get(&id)?.clone();
            Some(Pair { id, pred, truth, valid })
        })
        .collect())
}

/// Masks in a folder by name. What is no image (label tables, reports) is left out.
fn masks_in(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = stem(&path);
        let is_mask = path.is_file() && path.file_name().is_some_and(|n| n.to_string_lossy() != *name);
        if is_mask && let Some(other) = found.insert(name.clone(), path.clone()) {
            bail!("{} and {} are both called {name}", other.display(), path.display());
        }
    }
    Ok(found)
}

struct Maps {
    id: String,
    pred: LabelMap,
    truth: LabelMap,
    valid: Option<LabelMap>,
}

fn open(pair: &Pair) -> Result<Maps> {
    let mask =
        |path: &Path| -> Result<LabelMap> { Ok(io::open_labels(path).with_context(|| pair.id.clone())?.0) };
    let (pred, truth) = (mask(&pair.pred)?, mask(&pair.truth)?);
    let valid = pair.valid.as_deref().map(mask).transpose()?;
    for (what, map) in [("mask", Some(&pred)), ("valid mask", valid.as_ref())] {
        if let Some(map) = map.filter(|m| m.dims() != truth.dims()) {
            bail!("{}: the {what} is {:?} and the truth {:?}", pair.id, map.dims(), truth.dims());
        }
    }
    Ok(Maps { id: pair.id.clone(), pred, truth, valid })
}

fn score(pairs: &[Pair]) -> Result<Report> {
    let opened: Vec<Result<Maps>> = pairs.par_iter().map(open).collect();
    let (mut maps, mut faults) = (vec![], vec![]);
    for result in opened {
        match result {
            Ok(m) => maps.push(m),
            Err(e) => faults.push(format!("{e:#}")),
        }
    }
    if !faults.is_empty() {
        bail!("{} cases cannot be scored:\n  {}", faults.len(), faults.join("\n  "));
    }
    let ids = |of: fn(&Maps) -> &LabelMap| -> BTreeSet<LabelId> {
        maps.iter().flat_map(|m| of(m).counts().into_keys()).collect()
    };
    let (pred_ids, truth_ids) = (ids(|m| &m.pred), ids(|m| &m.truth));
    // "Structure" may be 255 in one and 1 in the other.
    let (pred_one, truth_one) = (io::binary(&pred_ids), io::binary(&truth_ids));
    let two_valued =
        (pred_one.is_some() || pred_ids.is_empty()) && (truth_one.is_some() || truth_ids.is_empty());
    let classes: BTreeSet<LabelId> =
        if two_valued { BTreeSet::from([1]) } else { pred_ids.union(&truth_ids).copied().collect() };
    let cases = maps
        .par_iter()
        .map(|m| {
            let one = |values: Vec<LabelId>, one: Option<LabelId>| -> Vec<LabelId> {
                match one.filter(|_| two_valued) {
                    Some(one) => values.into_iter().map(|v| LabelId::from(v == one)).collect(),
                    None => values,
                }
            };
            let (pred, truth) = (one(m.pred.to_values(), pred_one), one(m.truth.to_values(), truth_one));
            let valid: Option<Vec<bool>> =
                m.valid.as_ref().map(|v| v.to_values().into_iter().map(|x| x != 0).collect());
            let counts =
                classes.iter().map(|&c| (c, Overlap::of(&pred, &truth, valid.as_deref(), c))).collect();
            (m.id.clone(), counts)
        })
        .collect();
    Ok(Report::new(cases))
}

fn print(report: &Report) {
    let text = |v: Option<f64>| v.map_or("     -".to_owned(), |v| format!("{v:.4}"));
    println!("{:24} {:>5} {:>6} {:>6} {:>6} {:>6}", "case", "class", "dice", "iou", "sens", "spec");
    for case in &report.cases {
        for (class, s) in &case.classes {
            let [d, i, se, sp] = [s.dice, s.iou, s.sensitivity, s.specificity].map(text);
            println!("{:24} {class:>5} {d} {i} {se} {sp}", case.id);
        }
    }
    for (class, c) in &report.classes {
        let [d, i, se, sp] = [c.mean.dice, c.mean.iou, c.mean.sensitivity, c.mean.specificity].map(text);
        println!("{:24} {class:>5} {d} {i} {se} {sp}", format!("mean of {} cases", c.cases));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(masks: &[(&str, [u16; 4])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, values) in masks {
            let map = LabelMap::from_values([2, 2, 1], values).unwrap();
            io::write_label_png(&folder.path().join(name), &map).unwrap();
        }
        folder
    }

    fn args(pred: &tempfile::TempDir, truth: PathBuf) -> EvalArgs {
        EvalArgs { pred: pred.path().to_owned(), truth, json: None, split: None }
    }

    #[test]
    fn pairs_are_matched_by_name_and_scored() {
        let pred = folder(&[("a.png", [1, 1, 0, 0]), ("b.png", [0, 1, 0, 0])]);
        let truth = folder(&[("a.png", [255, 0, 0, 0]), ("b.png", [0, 255, 0, 0])]);
        let report = score(&pairs(&args(&pred, truth.path().to_owned())).unwrap()).unwrap();
        assert_eq!(report.cases[0].classes[&1].dice, Some(2.0 / 3.0));
        assert_eq!(report.classes[&1].mean.dice, Some((1.0 + 2.0 / 3.0) / 2.0));
    }

    #[test]
    fn every_missing_partner_is_named() {
        let pred = folder(&[("a.png", [1; 4]), ("x.png", [1; 4])]);
        let truth = folder(&[("a.png", [1; 4]), ("b.png", [1; 4]), ("c.png", [1; 4])]);
        let error = pairs(&args(&pred, truth.path().to_owned())).unwrap_err().to_string();
        assert!(["b, c", "x"].iter().all(|w| error.contains(w)), "{error}");
    }

    #[test]
    fn a_list_gives_ids_and_valid_masks() {
        let pred = folder(&[("case1.png", [1, 1, 0, 0]), ("other.png", [0; 4])]);
        let truth = folder(&[("t.png", [255, 0, 0, 0]), ("v.png", [255, 0, 255, 255])]);
        let list = truth.path().join("list.csv");
        std::fs::write(&list, "id,image,label,valid,split\ncase1,t.png,t.png,v.png,test\n").unwrap();
        let report = score(&pairs(&args(&pred, list)).unwrap()).unwrap();
        assert_eq!(report.cases[0].pixels, 3);
        assert_eq!(report.cases[0].classes[&1].dice, Some(1.0), "the false pixel is outside the valid mask");
    }

    #[test]
    fn several_classes_keep_their_ids() {
        let pred = folder(&[("a.png", [2, 2, 0, 1])]);
        let truth = folder(&[("a.png", [2, 0, 0, 0])]);
        let report = score(&pairs(&args(&pred, truth.path().to_owned())).unwrap()).unwrap();
        assert_eq!(report.cases[0].classes[&2].dice, Some(2.0 / 3.0));
        assert_eq!(report.cases[0].classes[&1].dice, Some(0.0));
    }
}
