//! What is measured of each case.

use super::{
    classes::Classes,
    maps::{Count, Maps, Told},
};
use crate::{
    geom::{self, Grid},
    io::{self, OpenOptions, UnderWatch},
    label::{LabelId, LabelTable, volumes_of_slices},
    memory,
    metrics::{Comparison, Confusion, Measured, Roc, SurfaceDistances},
};
use anyhow::{Context, Result, anyhow};
use rayon::prelude::*;
use std::{collections::BTreeMap, path::Path};

/// Cases with more voxels than this are measured one after another, each on all cores, so that the memory of one is
/// enough.
const LARGE: usize = 1 << 23;

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
