//! The masks of the cases, opened.

use super::pairs::Pair;
use crate::{
    geom::{Grid, Unit},
    io::{
        self,
        dataset::{UNKNOWN, Values},
    },
    label::LabelMap,
    words::counted,
};
use anyhow::{Context, Result, anyhow, bail};
use rayon::prelude::*;
use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// A case's masks on one grid.
#[derive(Debug)]
pub struct Maps {
    pub pair: Pair,
    pub pred: LabelMap,
    pub truth: LabelMap,
    pub valid: Option<LabelMap>,
    /// The truth's; the prediction's where only that has a spacing.
    pub grid: Grid,
    pub warnings: Vec<String>,
}

impl Maps {
    fn open(pair: &Pair, values: &Values) -> Result<Self> {
        let mut warnings = vec![];
        let mut mask = |path: &Path, whose: &str, colours: &[[u8; 3]]| -> Result<(LabelMap, Grid)> {
            let (map, grid, told) = io::open_labels_of(path, colours).with_context(|| pair.id.clone())?;
            warnings.extend(told.iter().map(|told| format!("{whose}: {told}")));
            Ok((map, grid))
        };
        let ((pred, pred_grid), (truth, grid)) =
            (mask(&pair.pred, "the mask", &[])?, mask(&pair.truth, "the truth", values.colours())?);
        let (pred, note) = io::put_on(pred, &pred_grid, &grid, "the truth")
            .map_err(|what| anyhow!("{}: the grid of the mask differs from its truth's: {what}", pair.id))?;
        warnings.extend(note.map(|note| format!("the mask: {note}")));
        let truth = values.apply(truth).map_err(|what| anyhow!("{}: {what}", pair.id))?;
        let valid = pair.valid.as_deref().map(|path| io::open_labels_on(path, &[], &grid)).transpose();
        let valid = valid.with_context(|| format!("{}: the valid mask", pair.id))?.map(|(map, told)| {
            warnings.extend(told.iter().map(|told| format!("the valid mask: {told}")));
            map
        });
        // 65535 of masks whose numbers nobody has given a meaning is a number like any other.
        let (truth, valid) = match values {
            Values::Ids => (truth, valid),
            Values::Classes { .. } => without_unknown(truth, valid).context("an empty mask")?,
        };
        if valid.as_ref().is_some_and(|valid| valid.counts().keys().all(|&value| value == 0)) {
            warnings.push(
                "none of its pixels counts: the valid mask, or what the truth does not know, leaves all of them out".into(),
            );
        }
        let grid = if grid.unit() == Unit::Pixel { pred_grid } else { grid };
        if grid.has_unequal_slices() {
            warnings.push("its slices are unequally spaced; distances take the mean gap".into());
        }
        Ok(Self { pair: pair.clone(), pred, truth, valid, grid, warnings })
    }

    /// Which voxels count; `None`: all.
    pub fn valid(&self) -> Option<Vec<bool>> {
        self.valid.as_ref().map(|v| v.to_values().into_iter().map(|x| x != 0).collect())
    }
}

/// The truth with background for what is not known, and a valid mask that leaves it out. None of an empty mask.
fn without_unknown(truth: LabelMap, valid: Option<LabelMap>) -> Option<(LabelMap, Option<LabelMap>)> {
    if !truth.counts().contains_key(&UNKNOWN) {
        return Some((truth, valid));
    }
    let (dims, mut truth) = (truth.dims(), truth.to_values());
    let mut counts = valid.map_or_else(|| vec![1; truth.len()], |valid| valid.to_values());
    for (label, counts) in truth.iter_mut().zip(&mut counts).filter(|(label, _)| **label == UNKNOWN) {
        (*label, *counts) = (0, 0);
    }
    Some((LabelMap::from_values(dims, &truth)?, Some(LabelMap::from_values(dims, &counts)?)))
}

/// Hears of a stage how many of how many cases are done; an error stops the work.
pub type Told<'a> = &'a (dyn Fn(&'static str, u64, u64) -> Result<()> + Sync);

/// The cases of a stage that are done.
pub struct Count<'a> {
    stage: &'static str,
    done: AtomicU64,
    total: u64,
    told: Told<'a>,
}

impl<'a> Count<'a> {
    pub fn new(stage: &'static str, total: usize, told: Told<'a>) -> Self {
        Self { stage, done: AtomicU64::new(0), total: total as u64, told }
    }

    /// Does a case, unless the work is to stop.
    pub fn case<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        (self.told)(self.stage, self.done.load(Ordering::Relaxed), self.total)?;
        let result = work();
        self.done.fetch_add(1, Ordering::Relaxed);
        result
    }

    /// That all are done, or that they were not to be.
    pub fn end(&self) -> Result<()> {
        (self.told)(self.stage, self.done.load(Ordering::Relaxed), self.total)
    }
}

/// Opens every case; whatever cannot be scored is said at once.
pub fn open(pairs: &[Pair], values: &Values, told: Told<'_>) -> Result<Vec<Maps>> {
    let count = Count::new("reading", pairs.len(), told);
    let opened: Vec<Result<Maps>> =
        pairs.par_iter().map(|pair| count.case(|| Maps::open(pair, values))).collect();
    count.end()?;
    let (mut maps, mut faults) = (vec![], vec![]);
    for result in opened {
        match result {
            Ok(m) => maps.push(m),
            Err(e) => faults.push(format!("{e:#}")),
        }
    }
    if !faults.is_empty() {
        bail!("{} cannot be scored:\n  {}", counted(faults.len(), "case"), faults.join("\n  "));
    }
    let softened =
        |of: fn(&Maps) -> &LabelMap| io::softened(maps.iter().flat_map(|m| of(m).counts().into_keys()));
    if *values == Values::Ids
        && let Some(what) = softened(|m| &m.truth)
    {
        bail!("the truth: {what}: --labels NAME=128..255 reads it as one label");
    }
    if let Some(what) = softened(|m| &m.pred) {
        bail!("the predictions: {what}. Save them as PNG or NIfTI with one number for each class");
    }
    Ok(maps)
}
