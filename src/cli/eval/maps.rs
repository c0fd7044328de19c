//! The masks of the cases, opened and measured.

use super::{classes::Classes, pairs::Pair};
use crate::{
    geom::{self, Grid, Unit},
    io::{
        self, OpenOptions, UnderWatch,
        dataset::{UNKNOWN, Values},
    },
    label::{LabelId, LabelMap, LabelTable, volumes_of_slices},
    memory,
    metrics::{Comparison, Confusion, Measured, Roc, SurfaceDistances},
    words::counted,
};
use anyhow::{Context, Result, anyhow, bail};
use rayon::prelude::*;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// Cases with more voxels than this are measured one after another, each on all cores, so that the memory of one is
/// enough.
const LARGE: usize = 1 << 23;

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
struct Count<'a> {
    stage: &'static str,
    done: AtomicU64,
    total: u64,
    told: Told<'a>,
}

impl<'a> Count<'a> {
    fn new(stage: &'static str, total: usize, told: Told<'a>) -> Self {
        Self { stage, done: AtomicU64::new(0), total: total as u64, told }
    }

    /// Does a case, unless the work is to stop.
    fn case<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        (self.told)(self.stage, self.done.load(Ordering::Relaxed), self.total)?;
        let result = work();
        self.done.fetch_add(1, Ordering::Relaxed);
        result
    }

    /// That all are done, or that they were not to be.
    fn end(&self) -> Result<()> {
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

/// What was measured of a case.
pub struct CaseMeasured {
    pub classes: BTreeMap<LabelId, Measured>,
    pub confusion: Confusion,
    /// What was said of its probability maps.
    pub warnings: Vec<String>,
}

/// Measures every case, in order.
pub fn measure(
    maps: &[Maps],
    (classes, table): (&Classes, &LabelTable),
    tolerance: f64,
    told: Told<'_>,
) -> Result<Vec<CaseMeasured>> {
    let count = Count::new("measuring", maps.len(), told);
    let one = |m: &Maps| {
        let measured = count.case(|| measure_case(m, (classes, table), tolerance, || count.end()));
        measured.with_context(|| m.pair.id.clone())
    };
    let measured = match maps.iter().any(|m| m.grid.voxel_count() > LARGE) {
        true => maps.iter().map(one).collect::<Result<_>>(),
        false => maps.par_iter().map(one).collect(),
    };
    count.end()?;
    measured
}

/// `check` is asked before each class, which takes seconds of a large volume.
fn measure_case(
    maps: &Maps,
    (classes, table): (&Classes, &LabelTable),
    tolerance: f64,
    check: impl Fn() -> Result<()>,
) -> Result<CaseMeasured> {
    let dims = maps.grid.dims();
    let voxels = maps.grid.voxel_count() as u128;
    // Both masks voxel by voxel; what counts of one of them, and which voxels do.
    let each = 2 * size_of::<LabelId>() + if maps.valid.is_some() { size_of::<LabelId>() + 1 } else { 0 };
    memory::check(voxels * each as u128).context("the masks")?;
    let ([pred, truth], valid) = (classes.values(maps), maps.valid());
    let compared = Comparison::new(dims, &maps.grid, &pred, &truth, valid.as_deref());
    let mut labels = classes.ids.clone();
    labels.insert(0);
    let confusion = compared.confusion(&labels);
    let volumes = |values: &[LabelId]| -> BTreeMap<LabelId, f64> {
        let counted = valid.as_ref().map(|valid| -> Vec<LabelId> {
            values.iter().zip(valid).map(|(&value, &counts)| if counts { value } else { 0 }).collect()
        });
        let slices = counted.as_deref().unwrap_or(values).chunks(dims[0] * dims[1]);
        volumes_of_slices(&maps.grid, slices.enumerate())
    };
    let volumes = [volumes(&pred), volumes(&truth)];
    let (mut measured, mut warnings) = (BTreeMap::<LabelId, Measured>::new(), vec![]);
    for &class in &classes.ids {
        check()?;
        let surfaces = match compared.bounds(class) {
            Some(bounds) => {
                memory::check(bounds.surface_bytes()).context("the surfaces")?;
                compared.surfaces_within(class, bounds)
            }
            None => SurfaceDistances::default(),
        };
        measured.insert(
            class,
            Measured {
                counts: confusion.overlap(class),
                roc: None,
                surfaces: Some(surfaces.scores(tolerance)),
                volumes: Some([0, 1].map(|i| volumes[i].get(&class).copied().unwrap_or(0.0))),
            },
        );
    }
    for (&label, path) in &maps.pair.probabilities {
        let class = classes.of_label(label, table);
        if let Some(measured) = measured.get_mut(&class) {
            let (scores, told) = probability(path, &maps.grid)?;
            let counts = |i: &usize| valid.as_ref().is_none_or(|valid| valid[*i]);
            let pairs = (0..truth.len()).filter(counts);
            measured.roc = Some(Roc::of(pairs.map(|i| (scores[i], truth[i] == class))));
            let name = table.get(label).map_or_else(|| label.to_string(), |l| l.name.clone());
            warnings.extend(told.iter().map(|told| format!("the probability map of {name}: {told}")));
        }
    }
    Ok(CaseMeasured { classes: measured, confusion, warnings })
}

/// The values of a probability map in the order of the truth, and what is to be said of it.
fn probability(path: &Path, truth: &Grid) -> Result<(Vec<f32>, Vec<String>)> {
    let opened = io::open(path, &OpenOptions::default(), &mut UnderWatch(None))?;
    let (volume, mut told) = (opened.volume, opened.warnings);
    let (reorder, note) = io::laid_on(volume.grid(), truth, "the truth").map_err(|what| {
        anyhow!("the grid of the probability map {} differs from its truth's: {what}", path.display())
    })?;
    told.extend(note);
    // A value, and in the AUC its place among all.
    memory::check(volume.grid().voxel_count() as u128 * 12).context("the probability map")?;
    let values: Vec<f32> = (0..volume.grid().voxel_count()).map(|i| volume.scalar_value(i)).collect();
    let unknown = values.iter().filter(|value| value.is_nan()).count();
    if unknown > 0 {
        told.push(format!("{unknown} of its values are not numbers and do not count in the AUC"));
    }
    Ok(match reorder {
        true => (geom::reordered(&values, volume.grid(), truth), told),
        false => (values, told),
    })
}
