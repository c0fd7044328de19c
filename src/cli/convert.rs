//! `fovea convert`: one format to another, with the geometry kept.

use super::{
    report::Shown,
    say::{note, say},
    targets::OverwriteArgument,
};
use crate::{
    engine::{Engine, EngineOptions, interrupt},
    io::{self, Mask, OpenOptions, UnderWatch, Writer},
    label::LabelTable,
    nn::DeviceChoice,
    watch,
};
use anyhow::{Context, bail};
use clap::Args;
use std::path::{Path, PathBuf};

/// Write an image or a mask in another format, with its geometry kept
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  fovea convert dicom-folder ct.nii.gz\n  fovea convert mask.gif mask.png --labels\n  fovea convert b-scans stack.tiff"
)]
pub struct ConvertArgs {
    /// An image file, a DICOM or picture folder, or sample:ID
    pub input: PathBuf,
    /// The file to write. Its ending decides the format: .nii.gz keeps the geometry, .png is one 2-D picture. An existing folder
    /// is for the slices of a mask, as PNG
    pub output: PathBuf,
    /// The input is a mask: its values are label ids and are kept exactly
    #[arg(long)]
    pub labels: bool,
    /// Which series or volume to take from an image that has several (`fovea info` lists their ids)
    #[arg(long, value_name = "ID")]
    pub series: Option<String>,
    #[command(flatten)]
    pub overwrite: OverwriteArgument,
}

pub fn run(args: ConvertArgs) -> anyhow::Result<()> {
    writer(&args.output)?;
    let mut targets = args.overwrite.targets();
    targets.read(&args.input);
    match args.output.is_dir() {
        true => targets.write_folder(&args.output),
        false => targets.write(&args.output),
    };
    args.overwrite.ready(&targets)?;
    interrupt::listen_and_leave();
    let engine =
        Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).context("threads could not be started")?;
    let output = args.output.clone();
    let converted = engine.run(move |cx| watch::under(&cx.watch(), || convert(&args)));
    let mut shown = Shown::new();
    let warnings = engine.result_of(&converted, |event| shown.show(event));
    shown.clear();
    for warning in warnings? {
        note!("warning: {warning}");
    }
    say!("{}", output.display());
    Ok(())
}

/// Reads and writes; the warnings.
fn convert(args: &ConvertArgs) -> anyhow::Result<Vec<String>> {
    let writer = writer(&args.output)?;
    if args.labels {
        if args.series.is_some() {
            bail!("--series is for images; a mask has one volume: leave --series out");
        }
        let (map, grid, mut warnings) = io::open_labels(&args.input)?;
        if let Some(why) = writer.lacks_room(grid.dims()[2]).filter(|_| !args.output.is_dir()) {
            warnings.push(format!(
                "{} is a folder with a file for each slice: {why} for one file",
                args.output.display()
            ));
        }
        let mask = Mask { map: &map, labels: &LabelTable::default(), grid: &grid };
        warnings.extend((writer.mask)(&args.output, mask)?);
        warnings.extend(writer.lost(&grid));
        return Ok(warnings);
    }
    let options = OpenOptions { series: args.series.clone(), ..OpenOptions::default() };
    let opened = io::open(&args.input, &options, &mut UnderWatch(Some("opening")))?;
    if io::not_one_image(&args.input, &opened).is_some() && args.series.is_none() {
        // Only one of many would be written, and the user would think that it is all.
        bail!("{}", opened.warnings.join("; "));
    }
    let mut warnings = opened.warnings;
    if opened.volume.low_is_white() {
        let lost = "Low values are meant to be shown white (MONOCHROME1): the new file has the same values, but does not say so";
        warnings.push(lost.to_owned());
    }
    let Some(write) = writer.image else {
        bail!(
            "{} can hold a mask only: add --labels if this is a mask, or choose another format",
            args.output.display()
        );
    };
    warnings.extend(write(&args.output, &opened.volume)?);
    warnings.extend(writer.lost(opened.volume.grid()));
    Ok(warnings)
}

fn writer(path: &Path) -> anyhow::Result<&'static Writer> {
    match io::writer_of(path) {
        Some((writer, _)) => Ok(writer),
        None => bail!("{} should end in {}", path.display(), io::written_endings()),
    }
}
