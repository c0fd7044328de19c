//! `fovea measure`: sizes, values and diameters of the labels of a mask.

use super::{
    say::{self, note},
    targets::OverwriteArgument,
};
use crate::{
    geom::Unit,
    io::{self, OpenOptions, UnderWatch},
    label::LabelTable,
    metrics::measures::LabelMeasures,
    volume::{Modality, Samples, Volume},
};
use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;

/// Measure the labels of a mask: sizes, values of the image, diameters, as CSV
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  fovea measure mask.nii.gz\n  fovea measure mask.nii.gz --image ct.nii.gz --csv measures.csv"
)]
pub struct MeasureArgs {
    /// The mask
    pub mask: PathBuf,
    /// The image of the mask, for statistics of its values in each label
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Write a CSV file instead of printing it
    #[arg(long, value_name = "FILE", value_parser = super::targets::ending(&["csv"]))]
    pub csv: Option<PathBuf>,
    #[command(flatten)]
    pub overwrite: OverwriteArgument,
}

const HEADER: &str = "label,id,voxels,size,unit,mean,sd,min,p5,median,p95,max,centroid_x,centroid_y,centroid_z,largest_slice,area,feret_max,feret_min";

pub fn run(args: MeasureArgs) -> Result<()> {
    let mut targets = args.overwrite.targets();
    targets.read(&args.mask);
    if let Some(image) = &args.image {
        targets.read(image);
    }
    if let Some(csv) = &args.csv {
        targets.write(csv);
    }
    args.overwrite.ready(&targets)?;
    let (map, volume, notes) = match &args.image {
        Some(path) => {
            let opened = io::open(path, &OpenOptions::default(), &mut UnderWatch(Some("opening")))?;
            let (map, notes) = io::open_labels_on(&args.mask, &[], opened.volume.grid())?;
            (map, opened.volume, [opened.warnings, notes].concat())
        }
        None => {
            let (map, grid, notes) = io::open_labels(&args.mask)?;
            let samples = Samples::U8(vec![0; grid.voxel_count()].into());
            (map, Volume::new(grid, samples, [1.0, 0.0], Modality::Other)?, notes)
        }
    };
    let (table, more) = io::table_of(&args.mask);
    notes.iter().chain(&more).for_each(|note| note!("warning: {note}"));
    let mut labels: LabelTable = table.unwrap_or_default();
    labels.name_unknown(map.counts().into_keys());
    let grid = volume.grid();
    let unit = match (grid.unit(), grid.dims()[2]) {
        (Unit::Pixel, 1) => "px²",
        (Unit::Pixel, _) => "1000 px³",
        (_, 1) => "mm²",
        _ => "ml",
    };
    let mut text = HEADER.to_owned() + "\n";
    for label in labels.iter() {
        let Some(of) = LabelMeasures::of(&volume, &map, label.id) else { continue };
        let values = of.values.filter(|_| args.image.is_some()).map_or_else(
            || ",".repeat(6),
            |v| [v.mean, v.sd, v.min, v.p5, v.median, v.p95, v.max].map(|v| format!("{v:.6}")).join(","),
        );
        let name = io::plain_cell(&label.name).replace('"', "\"\"");
        let [x, y, z] = of.centroid.to_array();
        let slice = of.largest_slice;
        text += &format!(
            "\"{name}\",{},{},{:.6},{unit},{values},{x:.4},{y:.4},{z:.4},{},{:.4},{:.4},{:.4}\n",
            label.id, of.voxels, of.size, slice.slice, slice.area, slice.feret[0], slice.feret[1]
        );
    }
    match &args.csv {
        Some(path) => io::write_text(path, &text).context("--csv")?,
        None => say::lines(&text),
    }
    Ok(())
}
