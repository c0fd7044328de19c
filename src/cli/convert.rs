//! `fovea convert`: one format to another, with the geometry kept.

use super::{
    report::Shown,
    say::{note, say},
    targets::OverwriteArgument,
};
use crate::{
    engine::{Engine, EngineOptions, interrupt},
    io::{self, OpenOptions, UnderWatch},
    label::LabelMap,
    nn::DeviceChoice,
    volume::Volume,
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
    /// .nii or .nii.gz (keeps geometry and rescale), .tif or .tiff, .png (2-D; a folder for the slices of a mask)
    pub output: PathBuf,
    /// The input is a mask: its values are label ids and are kept exactly
    #[arg(long)]
    pub labels: bool,
    /// Which of several series or volumes (`fovea info` lists their ids)
    #[arg(long, value_name = "ID")]
    pub series: Option<String>,
    #[command(flatten)]
    pub overwrite: OverwriteArgument,
}

pub fn run(args: ConvertArgs) -> anyhow::Result<()> {
    kind(&args.output)?;
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
    if args.labels {
        if args.series.is_some() {
            bail!("--series goes with images; a mask has one volume");
        }
        let (map, grid, mut warnings) = io::open_labels(&args.input)?;
        warnings.extend(write_labels(&args.output, &map, &grid)?);
        return Ok(warnings);
    }
    let options = OpenOptions { series: args.series.clone(), ..OpenOptions::default() };
    let opened = io::open(&args.input, &options, &mut UnderWatch(Some("opening")))?;
    if io::not_one_image(&args.input, &opened).is_some() && args.series.is_none() {
        // One of many would be written, and taken for all.
        bail!("{}", opened.warnings.join("; "));
    }
    let mut warnings = opened.warnings;
    if opened.volume.low_is_white() {
        let lost = "Low values are meant to be shown white (MONOCHROME1): the new file has the same values, and does not say so";
        warnings.push(lost.to_owned());
    }
    warnings.extend(write_image(&args.output, &opened.volume)?);
    Ok(warnings)
}

fn write_image(path: &Path, volume: &Volume) -> anyhow::Result<Vec<String>> {
    let geometry_lost = || match volume.grid().unit() {
        crate::geom::Unit::Millimetre => {
            vec!["The spacing is not in the new file: write .nii.gz to keep it".to_owned()]
        }
        crate::geom::Unit::Pixel => Vec::new(),
    };
    Ok(match kind(path)? {
        Kind::Nifti => io::write_volume_nifti(path, volume)?,
        Kind::Png => {
            io::write_image_png(path, volume)?;
            geometry_lost()
        }
        Kind::Tiff => {
            io::write_image_tiff(path, volume)?;
            geometry_lost()
        }
    })
}

fn write_labels(path: &Path, map: &LabelMap, grid: &crate::geom::Grid) -> anyhow::Result<Vec<String>> {
    match kind(path)? {
        Kind::Nifti => Ok(io::write_label_nifti(path, map, grid)?),
        Kind::Png => Ok(io::write_label_png(path, map)?),
        Kind::Tiff => {
            io::write_label_tiff(path, map)?;
            Ok(Vec::new())
        }
    }
}

enum Kind {
    Nifti,
    Png,
    Tiff,
}

fn kind(path: &Path) -> anyhow::Result<Kind> {
    let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let ends = |extensions: &[&str]| extensions.iter().any(|e| name.len() > e.len() && name.ends_with(e));
    Ok(match () {
        () if ends(&[".nii", ".nii.gz"]) => Kind::Nifti,
        () if ends(&[".png"]) => Kind::Png,
        () if ends(&[".tif", ".tiff"]) => Kind::Tiff,
        () => bail!("{} should end in .nii, .nii.gz, .tif, .tiff or .png", path.display()),
    })
}
