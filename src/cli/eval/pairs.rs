//! Which files belong to a case.

use super::{EvalArgs, SplitArgument};
use crate::{
    cli::segment::{file_word, stem},
    io::list::{self, Split},
    label::{LabelId, LabelTable},
};
use anyhow::{Context, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// One case's files.
#[derive(Clone, Debug)]
pub struct Pair {
    pub id: String,
    pub pred: PathBuf,
    pub truth: PathBuf,
    pub valid: Option<PathBuf>,
    pub image: Option<PathBuf>,
    /// Of the labels that have one.
    pub probabilities: BTreeMap<LabelId, PathBuf>,
}

/// Pairs by name; whatever has no partner is said at once.
pub fn pairs(args: &EvalArgs, labels: &LabelTable) -> Result<Vec<Pair>> {
    let mut predicted = images_in(&args.pred)?;
    let from_list = args.truth.is_file();
    let truth = if from_list { listed(args)? } else { in_folder(args)? };
    let images = args.images.as_deref().map(images_in).transpose()?.unwrap_or_default();
    let known: BTreeSet<&str> = truth.iter().map(|t| t.id.as_str()).collect();
    let mut probabilities: BTreeMap<&str, BTreeMap<LabelId, PathBuf>> = BTreeMap::new();
    for id in &known {
        for label in labels.iter() {
            let name = format!("{id}_{}", file_word(&label.name));
            if !known.contains(name.as_str())
                && let Some(path) = predicted.remove(&name)
            {
                probabilities.entry(id).or_default().insert(label.id, path);
            }
        }
    }
    let missing: Vec<&str> = known.iter().filter(|id| !predicted.contains_key(**id)).copied().collect();
    // A list may be a part of what was segmented; two folders should hold the same cases.
    let extra: Vec<&str> = match from_list {
        true => vec![],
        false => predicted.keys().map(String::as_str).filter(|id| !known.contains(id)).collect(),
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
    let pair = |t: &Truth| {
        Some(Pair {
            id: t.id.clone(),
            pred: predicted.get(&t.id)?.clone(),
            truth: t.label.clone(),
            valid: t.valid.clone(),
            image: images.get(&t.id).cloned().or_else(|| t.image.clone()),
            probabilities: probabilities.remove(t.id.as_str()).unwrap_or_default(),
        })
    };
    Ok(truth.iter().filter_map(pair).collect())
}

/// What is known of a case apart from its prediction.
struct Truth {
    id: String,
    label: PathBuf,
    valid: Option<PathBuf>,
    image: Option<PathBuf>,
}

fn listed(args: &EvalArgs) -> Result<Vec<Truth>> {
    let wanted = args.split.map(|s| match s {
        SplitArgument::Train => Split::Train,
        SplitArgument::Val => Split::Val,
        SplitArgument::Test => Split::Test,
    });
    let cases = list::read(&args.truth)?.into_iter().filter(|c| wanted.is_none_or(|w| w == c.split));
    cases
        .map(|case| {
            let label = case.label.with_context(|| format!("{}: it has no label", case.id))?;
            Ok(Truth { id: case.id, label, valid: case.valid, image: Some(case.image) })
        })
        .collect()
}

fn in_folder(args: &EvalArgs) -> Result<Vec<Truth>> {
    if args.split.is_some() {
        bail!("--split goes with a LIST.csv as --truth");
    }
    let masks = images_in(&args.truth)?.into_iter();
    Ok(masks.map(|(id, label)| Truth { id, label, valid: None, image: None }).collect())
}

/// Images in a folder by name. What is no image (label tables, reports) is left out.
fn images_in(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = stem(&path);
        let is_image = path.is_file() && path.file_name().is_some_and(|n| n.to_string_lossy() != *name);
        if is_image && let Some(other) = found.insert(name.clone(), path.clone()) {
            bail!("{} and {} are both called {name}", other.display(), path.display());
        }
    }
    Ok(found)
}
