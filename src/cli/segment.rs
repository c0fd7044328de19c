//! `fovea segment`: masks for files, volumes or the cases of a list, through the engine.

use super::{
    dataset::ModalityArgument,
    is_interrupted,
    load::load,
    report::Reporter,
    say::note,
    targets::{OverwriteArgument, read_model},
};
use crate::{
    engine::{
        DocumentId, Engine, EngineOptions, Event, LoadedModel, SegmentVolume, VolumeSegmentation, interrupt,
    },
    geom::Grid,
    io::{self, Mask, OpenOptions, Targets, WriteError, Writer, dataset::shortened, list},
    label::{LabelId, LabelMap, LabelTable},
    nn::{DeviceChoice, ModelCard, pipeline::SegmentOptions},
    volume::{Modality, Volume},
    watch,
    words::counted,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  fovea segment eye.jpg --model vessel --out masks/
  fovea segment scan.nii.gz dicom-folder/ --model liver.safetensors --out masks/ --probability
  fovea segment lists/drive.csv --model vessel --out masks/
  fovea segment ct.nii.gz --model flare.safetensors --out organs.nii.gz --memory 4G

Each case gives one mask named after it, with the label ids of the model's card: NAME.nii.gz in the image's own geometry, or
NAME.png for a 2-D picture without geometry. labels.txt beside them says what the ids mean. NAME is the id in a list; without
a list it is the file's name without its ending and without what data sets add (_0000 of nnU-Net, _training of DRIVE). In a
folder of pictures that are not numbered like slices, each picture gives a mask. --probability adds one map for each label:
NAME_LABEL.png (16 bits, 65535 is certainty) or NAME_LABEL.nii.gz.";

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
    /// Folder for the masks; it is made if it does not exist. For one image also a file, such as NAME.nii.gz or NAME.png
    #[arg(long)]
    out: PathBuf,
    /// The most memory that the image, its labels and the networks may take, for example 900M or 4G. Work that needs more is
    /// refused before it begins. Default: only the machine's memory is
    /// the limit
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory: Option<u64>,
    /// Slide a window over the volume without resizing it, and weigh overlapping windows with a Gaussian. This is slower; use it
    /// for networks that were trained in this way
    #[arg(long)]
    sliding: bool,
    /// Also write a probability map for each label
    #[arg(long)]
    probability: bool,
    /// What kind of image these are, if the files do not say it
    #[arg(long, value_enum)]
    modality: Option<ModalityArgument>,
    /// Which series or volume to take from an image that has several (`fovea info` lists their ids)
    #[arg(long, value_name = "ID")]
    series: Option<String>,
    #[command(flatten)]
    overwrite: OverwriteArgument,
}

pub fn run(args: SegmentArgs, device: DeviceChoice) -> Result<()> {
    let mut inputs = Inputs::of(&args.inputs, args.series.is_some())?;
    if args.series.is_some() && inputs.cases.len() != 1 {
        bail!(
            "--series is for one image, and there are {}: give one image, or leave --series out",
            inputs.cases.len()
        );
    }
    let target = match named_file(&args.out)? {
        Some((target, name)) => {
            inputs.rename_one(name).with_context(|| format!("--out {}", args.out.display()))?;
            target
        }
        None => Target { folder: args.out.clone(), asked: None },
    };
    if let Some((_, extension)) =
        target.asked.as_ref().filter(|(w, _)| args.probability && w.probability.is_none())
    {
        bail!("a .{extension} holds no probabilities; name the mask .nii.gz");
    }
    interrupt::listen_and_leave();
    let engine = Engine::start(EngineOptions::headless(device)).context("threads could not be started")?;
    let mut shown = Reporter::new();
    // Its labels are in the names of what is written.
    let model = load(&engine, &args.model, &mut shown)?;
    if model.card.is_untrained() {
        bail!(
            "{} has learned nothing yet (its card does not say what it was trained on): its masks would be noise. Train it \
             first: fovea train --init {} --data ...",
            args.model,
            args.model
        );
    }
    let folder = &target.folder;
    let renamed = renamed(&folder.join(LABELS), &model.card.labels);
    if let (Some(what), false) = (&renamed, args.overwrite.overwrite) {
        bail!(
            "--out {}: {what}. Nothing was written. Choose another folder, or say --overwrite to give the masks there the \
             model's names",
            args.out.display()
        );
    }
    let targets = targets(&args, &target, &model.card, &inputs)?;
    args.overwrite.ready(&targets).with_context(|| format!("--out {}", args.out.display()))?;
    if !model.card.notice.is_empty() {
        note!("{}: {}", model.card.title, model.card.notice);
    }
    io::write_table(&folder.join(LABELS), &model.card.labels)?;
    if let Some(what) = renamed {
        note!("{what}. The names there were replaced by those of the model");
    }
    let mut failed = vec![];
    let total = inputs.cases.len();
    for (i, (name, path)) in inputs.cases.into_iter().enumerate() {
        let made = segment(&engine, &model, &args, &target, (DocumentId(i as u64), &name, &path), &mut shown);
        match made {
            Ok(file) => shown.say(&format!("{} of {total}: {} -> {}", i + 1, path.display(), file.display())),
            Err(e) if is_interrupted(&e) => {
                shown.clear();
                return Err(e.context(format!("{i} of {} done", counted(total, "case"))));
            }
            Err(e) => {
                shown.say(&format!("{} of {total}: {name} failed: {e:#}", i + 1));
                failed.push(name);
            }
        }
    }
    shown.clear();
    if !failed.is_empty() {
        bail!("{} of {} failed: {}", failed.len(), counted(total, "case"), failed.join(", "));
    }
    Ok(())
}

/// What the ids of the masks mean, beside them.
const LABELS: &str = "labels.txt";

/// How a table that is there names labels otherwise than the model, where it does: masks beside it mean what it says.
fn renamed(table: &Path, labels: &LabelTable) -> Option<String> {
    let there = io::read_table(table).ok().filter(|there| !there.is_empty())?;
    let name = |table: &LabelTable, id| table.get(id).map(|label| format!("\"{}\"", label.name));
    let ids: BTreeSet<LabelId> = there.iter().chain(labels.iter()).map(|label| label.id).collect();
    let differs = |id: &LabelId| match (name(&there, *id), name(labels, *id)) {
        (Some(old), Some(new)) => {
            (old != new).then(|| format!("label {id} is {old} there and {new} in the model"))
        }
        (Some(old), None) => Some(format!("label {id}, {old} there, is not in the model")),
        (None, new) => new.map(|new| format!("label {id}, {new} in the model, is not there")),
    };
    let differences: Vec<String> = ids.iter().filter_map(differs).collect();
    (!differences.is_empty()).then(|| format!("{}: {}", table.display(), shortened(&differences)))
}

/// Why what a model finds on an image may mean nothing, where it is made for others.
fn misused(card: &ModelCard, volume: &Volume) -> Option<String> {
    let modality = volume.modality();
    let image = match modality {
        _ if card.fits(modality) => return None,
        // Most files do not say what made them, but none of a photograph has a place in space.
        Modality::Other if matches!(card.modality, Modality::Fundus | Modality::Endoscopy) => {
            (!volume.grid().is_picture()).then(|| "no photograph".to_owned())?
        }
        Modality::Other => return None,
        made => format!("of another kind ({})", made.title()),
    };
    let (title, made) = (&card.title, card.modality.title());
    Some(format!(
        "warning: {title} is made for {made}, and the image is {image}: what it finds may mean nothing"
    ))
}

/// Everything that is read and written.
fn targets(args: &SegmentArgs, target: &Target, card: &ModelCard, inputs: &Inputs) -> Result<Targets> {
    let mut targets = args.overwrite.targets();
    read_model(&mut targets, &args.model);
    for input in args.inputs.iter().chain(inputs.cases.values()).chain(&inputs.masks) {
        targets.read(input);
    }
    let words: Vec<String> =
        if args.probability { io::label_words(&card.labels).into_values().collect() } else { vec![] };
    for (name, path) in &inputs.cases {
        targets.write_one_of(target.may_be(name, path));
        for word in &words {
            targets.write_one_of(target.may_be(&format!("{name}_{word}"), path));
        }
    }
    let labels = target.folder.join(LABELS);
    targets.write_bytes(&labels, io::table_text(&labels, &card.labels)?.into_bytes());
    Ok(targets)
}

/// Where masks go.
#[derive(Clone)]
struct Target {
    folder: PathBuf,
    /// What the file is asked to be, and its ending as it was typed; else what suits the image.
    asked: Option<(&'static Writer, String)>,
}

impl Target {
    fn file(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }

    /// The files of which the one for an image will be one, as far as that can be told before the image is opened.
    fn may_be(&self, name: &str, image: &Path) -> Vec<PathBuf> {
        let endings = match &self.asked {
            Some((_, extension)) => vec![extension.as_str()],
            None => io::usual_endings(image),
        };
        endings.iter().map(|extension| self.file(name, extension)).collect()
    }

    fn writer(&self, grid: &Grid) -> (&'static Writer, &str) {
        match &self.asked {
            Some((writer, extension)) => (*writer, extension.as_str()),
            None => {
                let usual = io::usual_writer(grid);
                (usual, usual.extensions[0])
            }
        }
    }
}

/// Where the mask goes and its name, where `--out` is a mask's file and not a folder. A file that no mask is written as is an
/// error.
fn named_file(out: &Path) -> Result<Option<(Target, String)>> {
    let Some(name) = out.file_name().and_then(|name| name.to_str()).filter(|_| !out.is_dir()) else {
        return Ok(None);
    };
    let Some((writer, extension)) = io::writer_of(out) else {
        if io::has_ending(out) {
            bail!(
                "--out {}: a mask is written as {}; any other name is that of a folder, and must not end as an image does",
                out.display(),
                io::written_endings()
            );
        }
        return Ok(None);
    };
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let (name, extension) = name.split_at(name.len() - extension.len() - 1);
    let asked = Some((writer, extension[1..].to_owned()));
    Ok(Some((Target { folder, asked }, name.to_owned())))
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
    let number: f64 =
        number.parse().map_err(|_| format!("\"{text}\" is not a size; write it as 4G or 900M"))?;
    if number > 0.0 && number.is_finite() {
        Ok((number * f64::from(1u32 << shift)) as u64)
    } else {
        Err("it must be above 0".to_owned())
    }
}

fn is_list(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"))
}

/// What is segmented, and what lies with it.
#[derive(Debug, Default)]
struct Inputs {
    /// Images by the names of their masks.
    cases: BTreeMap<String, PathBuf>,
    /// Those that a list names beside its images.
    masks: Vec<PathBuf>,
}

impl Inputs {
    /// A folder of separate pictures is a case for each, unless one `is_chosen`.
    fn of(paths: &[PathBuf], is_chosen: bool) -> Result<Self> {
        let mut inputs = Self::default();
        for path in paths {
            if is_list(path) {
                for case in list::read(path)? {
                    inputs.add(case.id, case.image)?;
                    inputs.masks.extend(case.label.into_iter().chain(case.valid));
                }
                continue;
            }
            let is_folder = || io::find_format(path).is_ok_and(|format| format.id == "folder");
            let separate = match path.is_dir() && !is_chosen && is_folder() {
                true => io::separate_pictures(path)?,
                false => None,
            };
            for path in separate.unwrap_or_else(|| vec![path.clone()]) {
                inputs.add(io::case_name(&path), path)?;
            }
        }
        Ok(inputs)
    }

    /// Two cases of one name would overwrite each other.
    fn add(&mut self, name: String, path: PathBuf) -> Result<()> {
        let told = path.display().to_string();
        if let Some(other) = self.cases.insert(name.clone(), path) {
            bail!("{} and {told} would both be written as {name}", other.display());
        }
        Ok(())
    }

    /// The only image there is gets the name that was asked for.
    fn rename_one(&mut self, name: String) -> Result<()> {
        match self.cases.pop_first() {
            Some((_, path)) if self.cases.is_empty() => self.add(name, path),
            _ => bail!("this is one file, and there is more than one image: name a folder"),
        }
    }
}

fn segment(
    engine: &Engine,
    model: &LoadedModel,
    args: &SegmentArgs,
    target: &Target,
    (document, name, path): (DocumentId, &str, &Path),
    shown: &mut Reporter,
) -> Result<PathBuf> {
    let modality = args.modality.map(Modality::from);
    let job = engine.open(
        path.to_owned(),
        OpenOptions { modality, series: args.series.clone(), ..OpenOptions::default() },
    );
    let Event::Opened { opened, .. } = engine.block_on(job, |e| shown.show(e))? else {
        bail!("opening gave an unexpected result (a program error)");
    };
    for warning in &opened.warnings {
        shown.say(&format!("{name}: {warning}"));
    }
    if opened.by_look {
        shown.say(&format!("{name}: {} (--modality)", io::guess_note(opened.volume.modality())));
    }
    let volume = opened.volume;
    if let Some(what) = misused(&model.card, &volume) {
        shown.warn(&format!("{name}: {what}"));
    }
    let depth = volume.dims()[2];
    if let Some(why) = target.asked.as_ref().and_then(|(writer, _)| writer.lacks_room(depth)) {
        bail!("{why}");
    }
    let job = engine.segment_volume(SegmentVolume {
        document,
        volume: volume.clone(),
        version: model.version(),
        slices: (0..volume.dims()[2]).collect(),
        probabilities: args.probability,
        options: SegmentOptions { memory: args.memory, sliding: args.sliding },
    });
    let Event::VolumeSegmented { result, .. } = engine.block_on(job, |e| shown.show(e))? else {
        bail!("predicting gave an unexpected result (a program error)");
    };
    if model.card.volume.is_some()
        && result.labels.values().all(|slice| slice.iter().all(|&label| label == 0))
    {
        shown.say(&format!("{name}: nothing was found"));
    }
    let (target, name, model) = (target.clone(), name.to_owned(), model.clone());
    let written =
        engine.run(move |cx| watch::under(&cx.watch(), || write(&target, &name, &volume, &model, &result)));
    let (path, warnings) = engine.result_of(&written, |e| shown.show(e))?;
    warnings.iter().for_each(|warning| shown.warn(&format!("{}: {warning}", path.display())));
    Ok(path)
}

/// The mask, and the probabilities where there are any. Returns the mask's path, and what is to be known of it.
fn write(
    target: &Target,
    name: &str,
    volume: &Volume,
    model: &LoadedModel,
    result: &VolumeSegmentation,
) -> Result<(PathBuf, Vec<String>)> {
    let [width, height, depth] = volume.dims();
    let area = width * height;
    let slices: Vec<&[LabelId]> = result.labels.values().map(|slice| &slice[..]).collect();
    if slices.len() != depth || slices.iter().any(|slice| slice.len() != area) {
        bail!("the prediction lacks a slice (a program error)");
    }
    // Not by way of one list of all labels: a volume's are large.
    let map = LabelMap::from_parts(volume.dims(), |start, out| {
        let (z, at) = (start / area, start % area);
        out.copy_from_slice(&slices[z][at..at + out.len()]);
    });
    let (writer, extension) = target.writer(volume.grid());
    let mask = target.file(name, extension);
    let labels = &model.card.labels;
    let mut written = vec![(writer.mask)(&mask, Mask { map: &map, labels, grid: volume.grid() })];
    let words = io::label_words(labels);
    let mapped = if result.probabilities.is_empty() { 1 } else { result.classes };
    for class in 1..mapped {
        let label = model.card.label_of(class);
        let word = words.get(&label).cloned().unwrap_or_else(|| label.to_string());
        let path = target.file(&format!("{name}_{word}"), extension);
        let values: Vec<&[f32]> =
            result.probabilities.values().map(|slice| &slice[class * area..(class + 1) * area]).collect();
        if let Some(write) = writer.probability {
            // The same is to be known of each map as of the mask.
            written.push(write(&path, &values, volume.grid()).map(|_| vec![]));
        }
    }
    // One that cannot be written does not keep the others from it.
    let mut warnings = written.into_iter().collect::<Result<Vec<_>, WriteError>>()?.concat();
    warnings.extend(writer.lost(volume.grid()));
    Ok((mask, warnings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        nn::{Channels, InputSpec},
        volume::Samples,
    };

    #[test]
    fn a_model_of_photographs_is_none_for_volumes() {
        let grid = |spaced: bool| match spaced {
            true => Grid::spaced([2, 2, 3], [1.0; 3]).unwrap(),
            false => Grid::pixels([2, 2, 1]).unwrap(),
        };
        let volume = |spaced, modality| {
            let grid = grid(spaced);
            let samples = Samples::U8(vec![0; grid.voxel_count()].into());
            Volume::new(grid, samples, [1.0, 0.0], modality).unwrap()
        };
        for (made, spaced, image, told) in [
            (Modality::Fundus, false, Modality::Fundus, None),
            (Modality::Fundus, false, Modality::Other, None),
            (Modality::Fundus, true, Modality::Other, Some("no photograph")),
            (Modality::Fundus, true, Modality::Ct, Some("of another kind (CT)")),
            (Modality::Ct, true, Modality::Other, None),
            (Modality::Other, true, Modality::Ct, None),
        ] {
            let input = InputSpec::unit(Channels::Grey);
            let card = ModelCard::new("a/b", serde_json::Value::Null, input, LabelTable::default(), made);
            let found = misused(&card, &volume(spaced, image));
            assert_eq!(found.is_some(), told.is_some(), "{made:?} {image:?}");
            assert!(told.is_none_or(|told| found.unwrap_or_default().contains(told)), "{made:?} {image:?}");
        }
    }

    #[test]
    fn two_cases_of_one_name_are_refused() {
        let error = Inputs::of(&["a/x.png".into(), "b/x.jpg".into()], false).unwrap_err().to_string();
        assert!(error.contains("a/x.png") && error.contains("b/x.jpg"), "{error}");
    }
}
