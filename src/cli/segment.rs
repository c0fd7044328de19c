//! `fovea segment`: masks for files, volumes or the cases of a list, through the engine.

use super::{dataset::ModalityArgument, is_interrupted, report::Reporter, train::load};
use crate::{
    engine::{Engine, EngineOptions, Event, LoadedModel, SegmentVolume, VolumeSegmentation, interrupt},
    io::{self, OpenOptions, list},
    label::{LabelId, LabelMap},
    nn::{DeviceChoice, pipeline::SegmentOptions},
    volume::{Modality, Volume},
};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

const EXAMPLES: &str = "\
Examples:
  fovea segment eye.jpg --model vessel --out masks/
  fovea segment scan.nii.gz dicom-folder/ --model liver.safetensors --out masks/ --probability
  fovea segment lists/drive.csv --model vessel --out masks/
  fovea segment ct.nii.gz --model flare.safetensors --out organs.nii.gz --memory 4G

Each case gives one mask named after it: NAME.png for a 2-D image, NAME.nii.gz for a volume, in the image's own geometry
and with the label ids of the model's card; labels.txt beside them says what the ids mean. --probability adds one map a
label: NAME_LABEL.png (16 bits, 65535 is certainty) or NAME_LABEL.nii.gz.";

/// Segment images with a model.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SegmentArgs {
    /// Images, folders, DICOM series, sample:ID, or a LIST.csv of cases
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// A model file, or the id of a bundled one
    #[arg(long)]
    model: String,
    /// The folder that the masks go to, made where it is not there; of one image also a file, NAME.nii.gz or NAME.png
    #[arg(long)]
    out: PathBuf,
    /// The most memory that networks may take, for example 900M or 4G; what needs more is refused before the work begins
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory: Option<u64>,
    /// Slide a window over the voxels as they are, with Gaussian weights: slower, and for networks that were trained so
    #[arg(long)]
    sliding: bool,
    /// Write the probability of each label too
    #[arg(long)]
    probability: bool,
    /// What the images are, where the files do not say
    #[arg(long, value_enum)]
    modality: Option<ModalityArgument>,
}

pub fn run(args: SegmentArgs, device: DeviceChoice) -> Result<()> {
    let mut cases = cases(&args.inputs)?;
    let target = match named_file(&args.out) {
        Some((target, name)) => {
            let path = match cases.pop_first() {
                Some((_, path)) if cases.is_empty() => path,
                _ => bail!("--out {} is one file, and there is more than one image", args.out.display()),
            };
            cases.insert(name, path);
            target
        }
        None => Target { folder: args.out.clone(), extension: None },
    };
    let folder = &target.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("--out {}", folder.display()))?;
    interrupt::listen();
    let engine = Engine::start(EngineOptions::headless(device)).context("threads could not be started")?;
    let mut shown = Reporter::new();
    let model = load(&engine, &args.model, &mut shown)?;
    if model.card.is_untrained() {
        bail!(
            "{} has learned nothing yet (its card does not say what it was trained on): its masks would be noise. Train it \
             first: fovea train --init {} --data ...",
            args.model,
            args.model
        );
    }
    if !model.card.notice.is_empty() {
        eprintln!("{}: {}", model.card.title, model.card.notice);
    }
    io::write_table(&folder.join("labels.txt"), &model.card.labels)?;
    let mut failed = vec![];
    let total = cases.len();
    for (i, (name, path)) in cases.into_iter().enumerate() {
        let made = segment(&engine, &model, &args, &target, (i as u64, &name, &path), &mut shown);
        match made {
            Ok(file) => shown.say(&format!("{} of {total}: {} -> {}", i + 1, path.display(), file.display())),
            Err(e) if is_interrupted(&e) => {
                shown.clear();
                return Err(e.context(format!("{i} of {total} cases were gone through")));
            }
            Err(e) => {
                shown.say(&format!("{} of {total}: {name} failed: {e:#}", i + 1));
                failed.push(name);
            }
        }
    }
    shown.clear();
    if !failed.is_empty() {
        bail!("{} of {total} cases failed: {}", failed.len(), failed.join(", "));
    }
    Ok(())
}

/// Where masks go.
#[derive(Clone)]
struct Target {
    folder: PathBuf,
    /// What the file is asked to be; else what suits the image.
    extension: Option<&'static str>,
}

/// Where the mask goes and its name, where `--out` is a mask's file and not a folder.
fn named_file(out: &Path) -> Option<(Target, String)> {
    let name = out.file_name()?.to_str()?;
    let lower = name.to_ascii_lowercase();
    let known = ["nii.gz", "png"].into_iter();
    let extension =
        known.filter(|e| lower.len() > e.len() + 1).find(|e| lower.ends_with(&format!(".{e}")))?;
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let name = name[..name.len() - extension.len() - 1].to_owned();
    (!out.is_dir()).then_some((Target { folder, extension: Some(extension) }, name))
}

/// A number of bytes: 4G, 900M, 64K, or a bare number.
fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, shift) = match text.to_ascii_uppercase().chars().last() {
        Some('K') => (&text[..text.len() - 1], 10),
        Some('M') => (&text[..text.len() - 1], 20),
        Some('G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: f64 = number.parse().map_err(|_| format!("\"{text}\" is no size; 4G or 900M are"))?;
    if number > 0.0 && number.is_finite() {
        Ok((number * f64::from(1u32 << shift)) as u64)
    } else {
        Err("it must be more than nothing".to_owned())
    }
}

/// Names and paths. Two cases of one name would overwrite each other.
fn cases(inputs: &[PathBuf]) -> Result<BTreeMap<String, PathBuf>> {
    let mut cases: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut add = |name: String, path: PathBuf| {
        if let Some(other) = cases.insert(name.clone(), path.clone()) {
            bail!("{} and {} would both be written as {name}", other.display(), path.display());
        }
        Ok(())
    };
    for input in inputs {
        if input.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
            for case in list::read(input)? {
                add(case.id, case.image)?;
            }
        } else {
            add(stem(input), input.clone())?;
        }
    }
    Ok(cases)
}

/// A case's name from its file: without the folder and the format's extension; `sample:oct` is `oct`.
pub fn stem(path: &Path) -> String {
    let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    if let Some(id) = name.strip_prefix("sample:") {
        return id.replace(':', "_");
    }
    let lower = name.to_ascii_lowercase();
    let mut known = io::FORMATS.iter().flat_map(|f| f.extensions);
    match known.find(|e| lower.strip_suffix(**e).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))) {
        Some(extension) => name[..name.len() - extension.len() - 1].to_owned(),
        None => name,
    }
}

fn segment(
    engine: &Engine,
    model: &LoadedModel,
    args: &SegmentArgs,
    target: &Target,
    (document, name, path): (u64, &str, &Path),
    shown: &mut Reporter,
) -> Result<PathBuf> {
    let modality = args.modality.map(Modality::from);
    let job = engine.open(path.to_owned(), OpenOptions { modality, ..OpenOptions::default() });
    let Event::Opened { opened, .. } = engine.block_on(job, |e| shown.show(e))? else {
        bail!("opening ended with something else");
    };
    for warning in &opened.warnings {
        shown.say(&format!("{name}: {warning}"));
    }
    if opened.by_look {
        shown.say(&format!("{name}: {}", io::guess_note(opened.volume.modality())));
    }
    let volume = opened.volume;
    let job = engine.segment_volume(SegmentVolume {
        document,
        volume: volume.clone(),
        version: model.version(),
        slices: (0..volume.dims()[2]).collect(),
        probabilities: args.probability,
        options: SegmentOptions { memory: args.memory, sliding: args.sliding },
    });
    let Event::VolumeSegmented { result, .. } = engine.block_on(job, |e| shown.show(e))? else {
        bail!("predicting ended with something else");
    };
    if model.card.volume.is_some()
        && result.labels.values().all(|slice| slice.iter().all(|&label| label == 0))
    {
        shown.say(&format!("{name}: nothing was found"));
    }
    let (target, name, model) = (target.clone(), name.to_owned(), model.clone());
    let job =
        engine.run_io(move |_| write(&target, &name, &volume, &model, &result).map(|p| Box::new(p) as _));
    match engine.block_on(job, |e| shown.show(e))? {
        Event::Done { output, .. } => match output.downcast::<PathBuf>() {
            Ok(path) => Ok(*path),
            Err(_) => bail!("writing ended with something else"),
        },
        other => bail!("writing ended with {other:?}"),
    }
}

/// The mask, and the probabilities where there are any. Returns the mask's path.
fn write(
    Target { folder: out, extension }: &Target,
    name: &str,
    volume: &Volume,
    model: &LoadedModel,
    result: &VolumeSegmentation,
) -> Result<PathBuf> {
    let [width, height, depth] = volume.dims();
    let labels: Vec<LabelId> =
        result.labels.values().flat_map(|slice: &Arc<[LabelId]>| slice.iter().copied()).collect();
    let map = LabelMap::from_values(volume.dims(), &labels).context("a slice is missing")?;
    let flat = extension.map_or(depth == 1, |e| e == "png");
    if flat && depth > 1 {
        bail!("a PNG has no room for {depth} slices; name the mask .nii.gz");
    }
    let path = out.join(format!("{name}.{}", if flat { "png" } else { "nii.gz" }));
    if flat {
        io::write_label_png(&path, &map)?;
    } else {
        io::write_label_nifti(&path, &map, volume.grid())?;
    }
    if result.probabilities.is_empty() {
        return Ok(path);
    }
    let area = width * height;
    for class in 1..result.classes {
        let label = model.card.label_of(class);
        let named = model.card.labels.get(label).map_or_else(|| label.to_string(), |l| file_word(&l.name));
        let values: Vec<f32> = result
            .probabilities
            .values()
            .flat_map(|slice| slice[class * area..(class + 1) * area].iter().copied())
            .collect();
        if flat {
            io::write_probability_png(&out.join(format!("{name}_{named}.png")), &values, [width, height])?;
        } else {
            let path = out.join(format!("{name}_{named}.nii.gz"));
            io::write_probability_nifti(&path, &values, volume.grid())?;
        }
    }
    Ok(path)
}

/// A label's name as part of a file name.
pub fn file_word(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folder_and_format_only() {
        for (path, name) in [
            ("a/scan.nii.gz", "scan"),
            ("b/v1.2.PNG", "v1.2"),
            ("folder/series.3", "series.3"),
            ("sample:oct", "oct"),
            (".png", ".png"),
        ] {
            assert_eq!(stem(Path::new(path)), name);
        }
    }

    #[test]
    fn two_cases_of_one_name_are_refused() {
        let error = cases(&["a/x.png".into(), "b/x.jpg".into()]).unwrap_err().to_string();
        assert!(error.contains("a/x.png") && error.contains("b/x.jpg"), "{error}");
    }
}
