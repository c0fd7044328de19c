//! Which files belong to a case.

use super::{EvalArgs, SplitArgument};
use crate::{
    io::{
        self,
        dataset::shortened,
        list::{self, Split},
    },
    label::{LabelId, LabelTable},
    words::counted,
};
use anyhow::{Context, Result, bail};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Folders in folders that are told of.
const MAX_DEPTH: usize = 4;

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

impl Pair {
    /// Everything that is read of the case.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let images = self.valid.iter().chain(&self.image).chain(self.probabilities.values());
        [&self.pred, &self.truth].into_iter().chain(images)
    }
}

/// Pairs by name; whatever has no partner is said at once.
pub fn pairs(args: &EvalArgs, labels: &LabelTable) -> Result<Vec<Pair>> {
    let predicted = images_in(&args.pred)?;
    let from_list = args.truth.is_file();
    let truth = if from_list { listed(args)? } else { in_folder(args)? };
    let images = args.images.as_deref().map(images_in).transpose()?.unwrap_or_default();
    let (mut pairs, mut missing) = (vec![], vec![]);
    let mut used: BTreeMap<&str, &str> = BTreeMap::new();
    for t in &truth {
        let Some((stem, pred)) = partner(&predicted, t)? else {
            missing.push(t.id.as_str());
            continue;
        };
        if let Some(other) = used.insert(stem, &t.id) {
            bail!(
                "{} is the mask of {other} and of {}: name the masks after the cases",
                pred.display(),
                t.id
            );
        }
        pairs.push((stem, t, pred));
    }
    let words = io::label_words(labels);
    let mut left: BTreeSet<&str> =
        predicted.keys().map(String::as_str).filter(|stem| !used.contains_key(stem)).collect();
    let mut found = vec![];
    for (stem, t, pred) in pairs {
        let mut probabilities = BTreeMap::new();
        for (id, word) in &words {
            let name = io::composed(&format!("{stem}_{word}"));
            if left.remove(name.as_str()) {
                probabilities.insert(*id, predicted[&name].clone());
            }
        }
        found.push(Pair {
            id: t.id.clone(),
            pred: pred.clone(),
            truth: t.label.clone(),
            valid: t.valid.clone(),
            image: partner(&images, t)?.map(|(_, path)| path.clone()).or_else(|| t.image.clone()),
            probabilities,
        });
    }
    // A list may be a part of what was segmented; two folders should hold the same cases.
    if from_list {
        left.clear();
    }
    if !missing.is_empty() || !left.is_empty() {
        let list = |ids: Vec<&str>| if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        bail!(
            "cases without a mask in {}: {}; masks there without a truth in {}: {}",
            args.pred.display(),
            list(missing),
            args.truth.display(),
            list(left.into_iter().collect())
        );
    }
    if truth.is_empty() {
        bail!("{} has no case to score", args.truth.display());
    }
    Ok(found)
}

/// The file of a case among those of a folder, and its stem: the one with the case's own name, or else the only one whose
/// name is that of the case, its mask or its image ([`io::case_of`]).
fn partner<'a>(files: &'a BTreeMap<String, PathBuf>, t: &Truth) -> Result<Option<(&'a str, &'a PathBuf)>> {
    let of_image = t.image.as_deref().map(|image| io::composed(&io::case_name(image)));
    let id = io::composed(&t.id);
    let of_mask = t.stem.as_deref().unwrap_or(&id);
    for name in [of_mask, &id] {
        if let Some((stem, path)) = files.get_key_value(name) {
            return Ok(Some((stem, path)));
        }
    }
    for case in [Some(io::case_of(of_mask)), of_image.as_deref()].into_iter().flatten() {
        let mut fitting = files.iter().filter(|(stem, _)| io::case_of(stem) == case);
        match (fitting.next(), fitting.next()) {
            (Some((_, first)), Some((_, second))) => {
                bail!("{} and {} are both of the case {case}", first.display(), second.display())
            }
            (Some((stem, path)), None) => return Ok(Some((stem, path))),
            (None, _) => {}
        }
    }
    Ok(None)
}

/// What is known of a case apart from its prediction.
struct Truth {
    id: String,
    /// Of the mask's file, where the case is known by it alone.
    stem: Option<String>,
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
            Ok(Truth { id: case.id, stem: None, label, valid: case.valid, image: Some(case.image) })
        })
        .collect()
}

fn in_folder(args: &EvalArgs) -> Result<Vec<Truth>> {
    if args.split.is_some() {
        bail!("--split goes with a LIST.csv as --truth");
    }
    let masks = images_in(&args.truth)?;
    let mut cases: BTreeMap<String, usize> = BTreeMap::new();
    masks.keys().for_each(|stem| *cases.entry(io::case_of(stem).to_owned()).or_default() += 1);
    let truth = masks.into_iter().map(|(stem, label)| {
        let case = io::case_of(&stem);
        let id = if cases.get(case) == Some(&1) { case.to_owned() } else { stem.clone() };
        Truth { id, stem: Some(stem), label, valid: None, image: None }
    });
    Ok(truth.collect())
}

/// That masks in folders of a folder were not looked at, where there are any.
pub fn not_looked_at(folder: &Path) -> Option<String> {
    let mut inner: Vec<(PathBuf, usize)> = vec![];
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((at, depth)) = waiting.pop() {
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type());
            if io::left_over(&path) {
                continue;
            }
            if kind.is_ok_and(|kind| kind.is_dir()) && depth < MAX_DEPTH {
                waiting.push((path, depth + 1));
            } else if depth > 0 && io::has_ending(&path) && path.is_file() {
                match inner.iter_mut().find(|(folder, _)| *folder == at) {
                    Some((_, count)) => *count += 1,
                    None => inner.push((at.clone(), 1)),
                }
            }
        }
    }
    inner.sort();
    let each: Vec<String> =
        inner.iter().map(|(at, n)| format!("{} in {}", counted(*n, "file"), at.display())).collect();
    (!each.is_empty()).then(|| {
        format!(
            "folders in {} were not looked at: {}. Score them by themselves",
            folder.display(),
            shortened(&each)
        )
    })
}

/// Images in a folder by their stems, accents written in one way, hidden files left out, and of a pair of files the header.
/// What is no image (label tables, reports) is left out.
fn images_in(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let stem = io::file_stem(&path);
        let is_image = path.is_file() && io::has_ending(&path);
        if !is_image || io::left_over(&path) || io::pair_of(&path).is_some_and(|header| header != path) {
            continue;
        }
        if let Some(other) = found.insert(io::composed(&stem), path.clone()) {
            bail!("{} and {} are both called {stem}", other.display(), path.display());
        }
    }
    Ok(found)
}
