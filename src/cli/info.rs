//! `fovea info`: what a file holds, as the reader understood it.

use super::{
    ModalityArgument,
    say::{self, say},
};
use crate::{
    geom::{Frame, Grid, Unit},
    io::{self, OpenOptions, Opened, Quiet},
    words::counted,
    workspace::asides_beside,
};
use anyhow::Context;
use clap::Args;
use glam::{DAffine3, DVec3};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Show what a file holds: size, spacing, orientation, values, warnings
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  fovea info ct.nii.gz\n  fovea info dicom-folder --json\n  fovea info 4d.nii --series volume-3"
)]
pub struct InfoArgs {
    /// An image file, a DICOM or picture folder, or sample:ID
    pub path: PathBuf,
    /// Print everything as JSON
    #[arg(long)]
    pub json: bool,
    /// Which series or volume to show of a file that has several (their ids are in the output)
    #[arg(long, value_name = "ID")]
    pub series: Option<String>,
    /// What kind of image it is, if the file does not say it
    #[arg(long, value_enum)]
    pub modality: Option<ModalityArgument>,
}

pub fn run(args: InfoArgs) -> anyhow::Result<()> {
    let options =
        OpenOptions { series: args.series, modality: args.modality.map(Into::into), as_mask: false };
    let opened = io::open(&args.path, &options, &mut Quiet)?;
    let facts = describe(&opened);
    if args.json {
        say::json(&serde_json::to_string_pretty(&facts).context("the facts do not fit into JSON")?);
    } else {
        print_plain(&opened, &facts);
    }
    Ok(())
}

/// Everything that `--json` prints. Lengths in millimetres, or pixels where the file states no spacing; matrices by
/// rows.
pub fn describe(opened: &Opened) -> Value {
    let volume = &opened.volume;
    let grid = volume.grid();
    let stats = volume.stats();
    let has_numbers = stats.not_finite < volume.samples().len();
    let lps = grid.patient_from_voxel();
    let ras = DAffine3::from_scale(DVec3::new(-1.0, -1.0, 1.0)) * lps;
    let patient = grid.frame() == Frame::Patient;
    json!({
        "path": opened.source.display().to_string(),
        "shape": grid.dims(),
        "channels": volume.channels(),
        "spacing": grid.spacing(),
        "unit": if grid.unit() == Unit::Millimetre { "mm" } else { "pixel" },
        "affine_ras": rows(ras),
        "affine_lps": rows(lps),
        "axis_codes": patient.then(|| grid.axis_codes().iter().collect::<String>()),
        "slice_positions": slice_positions(grid),
        "type": volume.samples().kind().name(),
        "rescale": volume.rescale(),
        "modality": volume.modality(),
        "modality_by_look": opened.by_look,
        "low_is_white": volume.low_is_white(),
        "min": has_numbers.then_some(stats.min),
        "max": has_numbers.then_some(stats.max),
        "mean": has_numbers.then_some(stats.mean),
        "not_finite": stats.not_finite,
        "warnings": opened.warnings,
        "series": opened.series,
        "content_hash": opened.content_hash,
        "facts": opened.facts,
    })
}

fn rows(a: DAffine3) -> [[f64; 4]; 4] {
    let m = a.matrix3;
    let row = |i: usize| [m.x_axis[i], m.y_axis[i], m.z_axis[i], a.translation[i]].map(|v| v + 0.0);
    [row(0), row(1), row(2), [0.0, 0.0, 0.0, 1.0]]
}

/// Only where they say more than the spacing.
fn slice_positions(grid: &Grid) -> Option<Vec<f64>> {
    grid.has_unequal_slices().then(|| (0..grid.dims()[2]).map(|z| grid.slice_position(z)).collect())
}

fn print_plain(opened: &Opened, facts: &Value) {
    let volume = &opened.volume;
    let grid = volume.grid();
    let list = |values: &[f64]| values.iter().map(|v| format!("{v:.6}")).collect::<Vec<_>>().join(" x ");
    say!("{}", opened.source.display());
    let [w, h, d] = grid.dims();
    say!("  shape      {w} x {h} x {d}, {}", counted(volume.channels(), "channel"));
    say!("  spacing    {} {}", list(&grid.spacing()), facts["unit"].as_str().unwrap_or_default());
    if let Some(codes) = facts["axis_codes"].as_str() {
        say!("  axes       {codes}");
    }
    for (i, row) in rows(grid.patient_from_voxel()).iter().take(3).enumerate() {
        let title = if i == 0 { "LPS matrix" } else { "" };
        say!("  {title:<10} {:>12.6} {:>12.6} {:>12.6} {:>12.6}", row[0], row[1], row[2], row[3]);
    }
    say!("  type       {} ({})", volume.samples().kind().name(), volume.modality().title());
    let stats = volume.stats();
    let unit = volume.value_unit().unwrap_or_default();
    match stats.not_finite == volume.samples().len() {
        true => say!("  values     none is a number"),
        false => say!("  values     {} to {}, mean {:.6} {unit}", stats.min, stats.max, stats.mean),
    }
    for series in &opened.series {
        let mark = if series.shown { "shown" } else { "" };
        say!("  series     {} {} {mark}", series.id, series.title);
    }
    if opened.by_look {
        say!("  note       {} (--modality)", io::guess_note(volume.modality()));
    }
    let series = opened.series.iter().find(|series| series.shown).map(|series| &*series.id);
    for aside in asides_beside(&opened.source, &opened.content_hash, series) {
        say!("  note       annotations of this image were set aside{}", aside.words());
    }
    for warning in &opened.warnings {
        say!("  warning    {warning}");
    }
}
