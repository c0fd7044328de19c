//! `fovea measure`: sizes, values and diameters of the labels of a mask.

use super::{
    report::Shown,
    say::{self, note},
    targets::OverwriteArgument,
};
use crate::{
    engine::{Engine, EngineOptions, interrupt},
    geom::{Grid, Unit},
    io::{self, OpenOptions, UnderWatch},
    label::{Label, LabelTable},
    metrics::measures::{LabelMeasures, Measuring},
    nn::DeviceChoice,
    volume::Volume,
    watch,
    words::{counted, listed},
};
use anyhow::{Context, Result};
use clap::Args;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Measure the labels of a mask: sizes, values of the image, diameters, as CSV
#[derive(Args, Debug)]
#[command(
    after_help = "The column largest_slice counts slices from 0.\n\nExamples:\n  fovea measure mask.nii.gz\n  fovea measure mask.nii.gz --image ct.nii.gz --csv measures.csv"
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
    interrupt::listen_and_leave();
    let engine =
        Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).context("threads could not be started")?;
    let (mask, image) = (args.mask.clone(), args.image.clone());
    let measured = engine.run(move |cx| watch::under(&cx.watch(), || measure(&mask, image.as_deref())));
    let mut shown = Shown::new();
    let said = engine.result_of(&measured, |event| shown.show(event));
    shown.clear();
    let Said { table, warnings } = said?;
    warnings.iter().for_each(|warning| note!("warning: {warning}"));
    match &args.csv {
        Some(path) => io::write_text(path, &table).context("--csv")?,
        None => say::lines(&table),
    }
    Ok(())
}

struct Said {
    /// As CSV.
    table: String,
    warnings: Vec<String>,
}

/// Reads a mask, and its image where there is one, and measures every label.
fn measure(mask: &Path, image: Option<&Path>) -> Result<Said> {
    let mut warnings = Vec::new();
    let image = match image {
        Some(path) => {
            let opened = io::open(path, &OpenOptions::default(), &mut UnderWatch(Some("opening")))?;
            warnings.extend(opened.warnings);
            Some(opened.volume)
        }
        None => None,
    };
    let (map, grid, notes) = io::open_exact_labels(mask, image.as_ref().map(Volume::grid))?;
    warnings.extend(notes);
    let (names, notes) = io::table_of(mask);
    warnings.extend(notes);
    let mut measuring = Measuring::new(&map, &grid, image.as_ref());
    let depth = map.dims()[2];
    for z in 0..depth {
        watch::step("measuring", z, depth)?;
        measuring.add_slice(z);
    }
    let mut labels: LabelTable = names.unwrap_or_default();
    labels.name_unknown(measuring.labels());
    let slices: BTreeSet<usize> = measuring.labels().filter_map(|id| measuring.largest(id)).collect();
    let mut largest = BTreeMap::new();
    for (at, slice) in slices.iter().enumerate() {
        watch::step("measuring diameters", at, slices.len())?;
        largest.extend(measuring.slices_of(*slice));
    }
    let (mut table, mut lacking) = (HEADER.to_owned() + "\n", Vec::new());
    for (at, label) in labels.iter().enumerate() {
        watch::step("summing up", at, labels.len())?;
        let slice = largest.remove(&label.id);
        let Some(of) = slice.and_then(|slice| measuring.of_label(label.id, slice)) else { continue };
        let without = of.voxels - of.values.map_or(0, |values| values.count);
        if image.is_some() && without > 0 {
            lacking.push(format!(
                "{}: of {}, {without} without a finite value",
                label.name,
                counted(of.voxels, "voxel")
            ));
        }
        table += &row(label, &of, &grid);
    }
    if !lacking.is_empty() {
        let lacking: Vec<&str> = lacking.iter().map(String::as_str).collect();
        let which = listed(&lacking, 5);
        warnings.push(format!(
            "voxels without a finite value do not count in the statistics of values ({which})"
        ));
    }
    Ok(Said { table, warnings })
}

/// A label as a line of CSV.
fn row(label: &Label, of: &LabelMeasures, grid: &Grid) -> String {
    let unit = match (grid.unit(), grid.dims()[2]) {
        (Unit::Pixel, 1) => "px²",
        (Unit::Pixel, _) => "1000 px³",
        (_, 1) => "mm²",
        _ => "ml",
    };
    let values = of.values.map_or_else(
        || ",".repeat(6),
        |v| [v.mean, v.sd, v.min, v.p5, v.median, v.p95, v.max].map(io::csv_number).join(","),
    );
    let name = io::plain_cell(&label.name).replace('"', "\"\"");
    let [x, y, z] = of.centroid.to_array();
    let slice = &of.largest_slice;
    format!(
        "\"{name}\",{},{},{},{unit},{values},{x:.4},{y:.4},{z:.4},{},{:.4},{:.4},{:.4}\n",
        label.id,
        of.voxels,
        io::csv_number(of.size),
        slice.slice,
        slice.area,
        slice.feret[0],
        slice.feret[1]
    )
}
