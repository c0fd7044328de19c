//! `fovea edit`: effects on a mask, without a window.

mod list;
mod scope;
mod steps;

use super::{
    report::Shown,
    say::{self, note, say},
    targets::OverwriteArgument,
};
use crate::{
    edit::{
        Limits, MaskRules, Origin,
        effects::{Chain, For, Outcome, Over, Scene, carry_out, label_named, named},
    },
    engine::{Engine, EngineOptions, interrupt},
    geom::Grid,
    io::{self, Mask, OpenOptions, UnderWatch, Writer},
    label::{LabelMap, LabelTable},
    nn::DeviceChoice,
    volume::{Modality, Samples, Volume},
    watch,
    words::counted,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use scope::ScopeArguments;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use steps::StepArguments;

/// Change a mask by effects: parts, holes, margins, smoothing and more
#[derive(Args, Debug)]
#[command(
    after_help = "Each --set belongs to the --effect before it. Effects are done in their order, each on what the one before it leaves.\n\
    A chain is a JSON file: [{\"effect\": \"islands\", \"set\": {\"keep\": \"largest\"}, \"labels\": [\"liver\"]}, …]\n\n\
    Examples:\n  fovea edit --list\n  fovea edit --list --effect margin\n  fovea edit --effect islands --label liver mask.nii.gz clean.nii.gz\n  \
    fovea edit --effect islands --set keep=large --set min_ml=0.5 --effect smooth --set radius_mm=2 --label all mask.nii.gz clean.nii.gz\n  \
    fovea edit --effect logic --set operation=subtract --set with=vessel --set from=other --other b.nii.gz --label liver a.nii.gz out.nii.gz\n  \
    fovea edit --chain clean.json --image ct.nii.gz mask.nii.gz clean.nii.gz"
)]
pub struct EditArgs {
    /// The mask to change
    #[arg(required_unless_present_any = ["list", "print_chain"])]
    pub input: Option<PathBuf>,
    /// The file to write. Its ending decides the format
    #[arg(required_unless_present_any = ["list", "print_chain"])]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub steps: StepArguments,
    /// Effects from a JSON file, before those of --effect
    #[arg(long, value_name = "FILE")]
    pub chain: Option<PathBuf>,
    /// The label that effects are done for, by name or number; "all" for each label of the mask, in the order of their numbers.
    /// May be given several times. Not needed if the mask has one label
    #[arg(long, value_name = "LABEL")]
    pub label: Vec<String>,
    /// The image of the mask, for effects and limits that read its values
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
    /// Another mask of the same image, for effects with from=other
    #[arg(long, value_name = "FILE")]
    pub other: Option<PathBuf>,
    #[command(flatten)]
    pub scope: ScopeArguments,
    /// What a label that gains voxels may take
    #[arg(long, value_enum, default_value_t)]
    pub over: OverArgument,
    /// A label that neither gains nor loses voxels, by name or number. May be given several times
    #[arg(long, value_name = "LABEL")]
    pub lock: Vec<String>,
    /// Print the effects and what each can be told, and change nothing; with --effect, those only
    #[arg(long)]
    pub list: bool,
    /// Print the effects that were given as a chain, and change nothing
    #[arg(long)]
    pub print_chain: bool,
    #[command(flatten)]
    pub overwrite: OverwriteArgument,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OverArgument {
    /// Background only
    #[default]
    Background,
    /// Background and all labels that are not locked
    All,
}

impl From<OverArgument> for Over {
    fn from(argument: OverArgument) -> Self {
        match argument {
            OverArgument::Background => Over::Background,
            OverArgument::All => Over::All,
        }
    }
}

pub fn run(args: EditArgs) -> Result<()> {
    if args.list {
        say::lines(&list::text(&args.steps.0)?);
        return Ok(());
    }
    let chain = chain(&args)?;
    if args.print_chain {
        say::lines(&serde_json::to_string_pretty(&chain)?);
        return Ok(());
    }
    let (Some(input), Some(output)) = (args.input.clone(), args.output.clone()) else {
        bail!("edit needs two files: the mask that is read and the one that is written");
    };
    let writer = writer(&output)?;
    let (table, notes) = io::table_of(&input);
    let mut targets = args.overwrite.targets();
    for read in [Some(&input), args.image.as_ref(), args.other.as_ref(), args.chain.as_ref()] {
        read.map(|path| targets.read(path));
    }
    targets.write(&output);
    let names = io::table_beside(&output);
    if let Some(table) = &table {
        targets.write_bytes(&names, io::table_text(&names, table)?.into_bytes());
    }
    args.overwrite.ready(&targets)?;
    notes.iter().for_each(|note| note!("warning: {note}"));
    interrupt::listen_and_leave();
    let engine =
        Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).context("threads could not be started")?;
    let job = Job { args, chain, input, output: output.clone(), writer, table };
    let edited = engine.run(move |cx| watch::under(&cx.watch(), || job.run()));
    let mut shown = Shown::new();
    let said = engine.result_of(&edited, |event| shown.show(event));
    shown.clear();
    let Said { lines, warnings } = said?;
    warnings.iter().for_each(|warning| note!("warning: {warning}"));
    lines.iter().for_each(|line| note!("{line}"));
    say!("{}", output.display());
    Ok(())
}

/// The effects of the chain's file, and those of the command line.
fn chain(args: &EditArgs) -> Result<Chain> {
    let mut chain = match &args.chain {
        None => Chain::new(),
        Some(path) => read_chain(path).with_context(|| format!("--chain {}", path.display()))?,
    };
    chain.extend(args.steps.0.iter().cloned());
    if chain.is_empty() {
        bail!("no effect was given: say --effect NAME; fovea edit --list shows them");
    }
    // What is wrong with names is said before anything is read. Labels are not known yet.
    for step in &chain {
        named(&step.effect)?;
    }
    Ok(chain)
}

fn read_chain(path: &Path) -> Result<Chain> {
    let text = crate::file::read_text(path)?;
    serde_json::from_str(&text).context(
        "this is no chain of effects: it should be a JSON list of {\"effect\": NAME, \"set\": {KEY: VALUE}}",
    )
}

fn writer(path: &Path) -> Result<&'static Writer> {
    match io::writer_of(path) {
        Some((writer, _)) if !writer.one_slice || !path.is_dir() => Ok(writer),
        _ => bail!("{} should end in {}", path.display(), io::written_endings()),
    }
}

/// What is done on another thread.
struct Job {
    args: EditArgs,
    chain: Chain,
    input: PathBuf,
    output: PathBuf,
    writer: &'static Writer,
    table: Option<LabelTable>,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    warnings: Vec<String>,
}

/// A mask and what goes with it.
struct Opened {
    map: LabelMap,
    volume: Volume,
    has_image: bool,
    other: Option<LabelMap>,
}

impl Job {
    fn run(&self) -> Result<Said> {
        let mut said = Said::default();
        let Opened { map, volume, has_image, other } = self.open(&mut said.warnings)?;
        let mut labels = self.table.clone().unwrap_or_default();
        labels.name_unknown(map.counts().into_keys());
        for text in &self.args.lock {
            let id = label_named(text, &labels).context("--lock")?;
            labels.name_unknown([id]);
            labels.get_mut(id).into_iter().for_each(|label| label.locked = true);
        }
        let limits = Limits { value_range: self.args.scope.values, only_over: None };
        if limits.value_range.is_some() && !has_image {
            bail!("--values needs the image: add --image FILE");
        }
        let scope = self.args.scope.scope(volume.grid())?;
        let verified = BTreeSet::new();
        let scene = Scene {
            other: other.as_ref(),
            has_image,
            scope,
            over: self.args.over.into(),
            ..Scene::new(&volume, &map, &labels, 0)
        };
        let rules = MaskRules::new(&labels, &verified).with_limits(limits);
        let origin = Origin::Person { tool: "edit".to_owned() };
        let done = carry_out(&self.chain, For::Named(&self.args.label), &scene, &rules, &origin)?;
        said.lines.extend(done.outcomes.iter().map(line));
        let mask = Mask { map: &done.mask, labels: &labels, grid: volume.grid() };
        said.warnings.extend((self.writer.mask)(&self.output, mask)?);
        said.warnings.extend(self.writer.lost(volume.grid()));
        if let Some(table) = &self.table {
            io::write_table(&io::table_beside(&self.output), table)?;
        }
        Ok(said)
    }

    /// The mask on its grid; with an image, on that of the image.
    fn open(&self, warnings: &mut Vec<String>) -> Result<Opened> {
        let (map, volume) = match &self.args.image {
            Some(path) => {
                let opened = io::open(path, &OpenOptions::default(), &mut UnderWatch(Some("opening")))?;
                warnings.extend(opened.warnings);
                let (map, notes) = io::open_labels_on(&self.input, &[], opened.volume.grid())?;
                warnings.extend(notes);
                (map, opened.volume)
            }
            None => {
                let (map, grid, notes) = io::open_labels(&self.input)?;
                warnings.extend(notes);
                let volume = blank(grid)?;
                (map, volume)
            }
        };
        let other = match &self.args.other {
            Some(path) => {
                let (other, notes) = io::open_labels_on(path, &[], volume.grid())?;
                warnings.extend(notes);
                Some(other)
            }
            None => None,
        };
        Ok(Opened { map, volume, has_image: self.args.image.is_some(), other })
    }
}

/// What a step has done for a label, in words.
fn line(outcome: &Outcome) -> String {
    let title = &outcome.title;
    match (&outcome.nothing, outcome.voxels) {
        (Some(why), _) => format!("{title}: nothing changes: {why}"),
        (None, 0) => format!("{title}: nothing changes"),
        (None, 1) => format!("{title}: 1 voxel changes"),
        (None, n) => format!("{title}: {} change", counted(n, "voxel")),
    }
}

/// An image without values on a grid.
fn blank(grid: Grid) -> Result<Volume> {
    let samples = Samples::U8(vec![0; grid.voxel_count()].into());
    Ok(Volume::new(grid, samples, [1.0, 0.0], Modality::Other)?)
}
