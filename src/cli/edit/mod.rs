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
        effects::{Carried, Chain, For, Other, Outcome, Over, Scene, carry_out, label_named, names_of},
    },
    engine::{Engine, EngineOptions, interrupt},
    geom::Grid,
    io::{self, Mask, OpenOptions, UnderWatch, Writer},
    label::{LabelMap, LabelTable},
    nn::DeviceChoice,
    volume::{Modality, Samples, Volume},
    watch,
    words::{counted, listed},
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
    check(&chain)?;
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
    Ok(chain)
}

/// Checks what can be checked before a mask is read, and says what is told in vain.
fn check(chain: &Chain) -> Result<()> {
    for step in chain {
        let (effect, values) = step.check()?;
        step.idle(effect, &values).iter().for_each(|idle| note!("warning: {idle}"));
    }
    Ok(())
}

fn read_chain(path: &Path) -> Result<Chain> {
    let text = crate::file::read_text(path)?;
    serde_json::from_str(&text).context(
        "this is no chain of effects: it should be a JSON list of {\"effect\": NAME, \"set\": {KEY: VALUE}, \"labels\": [NAME or NUMBER]}",
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
    other: Option<(LabelMap, LabelTable)>,
}

impl Job {
    fn run(&self) -> Result<Said> {
        let mut said = Said::default();
        let Opened { map, volume, has_image, other } = self.open(&mut said.warnings)?;
        if let Some(why) = self.writer.lacks_room(volume.dims()[2]) {
            bail!("{}: {why}", self.output.display());
        }
        let mut labels = self.table.clone().unwrap_or_default();
        labels.name_unknown(map.counts().into_keys());
        for text in &self.args.lock {
            let id = label_named(text, &labels).context("--lock")?;
            let Some(label) = labels.get_mut(id) else {
                bail!("--lock: there is no label {id} in this mask: there are {}", names_of(&labels));
            };
            label.locked = true;
        }
        let limits = Limits { value_range: self.args.scope.values, only_over: None };
        if limits.value_range.is_some() && !has_image {
            bail!("--values needs the image: add --image FILE");
        }
        let scope = self.args.scope.scope(volume.grid())?;
        let verified = BTreeSet::new();
        let scene = Scene {
            other: other.as_ref().map(|(mask, labels)| Other { mask, labels }),
            has_image,
            scope,
            over: self.args.over.into(),
            ..Scene::new(&volume, &map, &labels, 0)
        };
        let rules = MaskRules::new(&labels, &verified).with_limits(limits);
        let origin = Origin::Person { tool: "edit".to_owned() };
        let done = carry_out(&self.chain, For::Named(&self.args.label), &scene, &rules, &origin)?;
        said.tell(&done);
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
        let image = match &self.args.image {
            Some(path) => {
                let opened = io::open(path, &OpenOptions::default(), &mut UnderWatch(Some("opening")))?;
                warnings.extend(opened.warnings);
                Some(opened.volume)
            }
            None => None,
        };
        let (map, grid, notes) = io::open_exact_labels(&self.input, image.as_ref().map(Volume::grid))?;
        warnings.extend(notes);
        let has_image = image.is_some();
        let volume = image.map_or_else(|| blank(grid), Ok)?;
        let other = match &self.args.other {
            Some(path) => {
                let (other, _, notes) = io::open_exact_labels(path, Some(volume.grid()))?;
                warnings.extend(notes);
                let (table, notes) = io::table_of(path);
                warnings.extend(notes);
                let mut table = table.unwrap_or_default();
                table.name_unknown(other.counts().into_keys());
                Some((other, table))
            }
            None => None,
        };
        Ok(Opened { map, volume, has_image, other })
    }
}

impl Said {
    /// What has been done, and why nothing, where nothing has.
    fn tell(&mut self, done: &Carried) {
        let warned = |outcome: &Outcome| outcome.warnings.clone();
        self.warnings.extend(done.outcomes.iter().flat_map(warned));
        if done.outcomes.iter().any(|outcome| outcome.voxels > 0) {
            self.lines.extend(done.outcomes.iter().flat_map(lines));
            if done.patch.is_empty() {
                self.lines.push("Nothing changed: one step takes back what another does".to_owned());
            }
            return;
        }
        let why = |outcome: &Outcome| {
            let why = outcome.nothing.as_deref().unwrap_or("it changes no voxel");
            format!("{}: {why}", outcome.title)
        };
        let each: Vec<String> = done.outcomes.iter().map(why).collect();
        let each: Vec<&str> = each.iter().map(String::as_str).collect();
        let why = match each[..] {
            [] => "there is no label".to_owned(),
            _ => listed(&each, 5),
        };
        self.lines.push(format!("Nothing changed: {why}. The new file is a copy of the old one"));
    }
}

/// What a step has done for a label, in words.
fn lines(outcome: &Outcome) -> Vec<String> {
    let title = &outcome.title;
    let change = match (&outcome.nothing, outcome.voxels) {
        (Some(why), _) => format!("nothing changes: {why}"),
        (None, 1) => "1 voxel changes".to_owned(),
        (None, n) => format!("{} change", counted(n, "voxel")),
    };
    let said = [&change].into_iter().chain(&outcome.notes);
    said.map(|said| format!("{title}: {said}")).collect()
}

/// An image without values on a grid.
fn blank(grid: Grid) -> Result<Volume> {
    let samples = Samples::U8(vec![0; grid.voxel_count()].into());
    Ok(Volume::new(grid, samples, [1.0, 0.0], Modality::Other)?)
}
