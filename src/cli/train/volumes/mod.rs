//! `fovea train` with a recipe of two networks of volumes, such as flare: one network after the other, from data that are
//! prepared once.
//!
//! The run's folder is that of any run ([`crate::engine::run_folder`]) with one for each stage, `coarse` and `fine`, the prepared cases
//! in `cases`, and the trained networks in `coarse.safetensors` and `fine.safetensors`.

mod cases;
mod settings;

pub use settings::VolumeSettings;

use super::{TrainArgs, began, command_line, fresh, run::diverged};
use crate::{
    cli::{
        dataset::{PHANTOM_LICENCE, PHANTOM_NOTICE},
        facts::Facts,
        load::load,
        report::Reporter,
        say::{self, say},
        targets::told_if_taken,
    },
    engine::{
        About, Checkpoints, Engine, EngineOptions, JobContext, JobError, LoadedModel, TrainData,
        TrainRequest, interrupt,
        run_folder::{RunFolder, checkpoint_in, saved_settings},
    },
    io::dataset::Values,
    label::LabelTable,
    nn::{ComputeDevice, DeviceChoice, VolumeModel, find, train::volumes::Stage},
    replace::write_bytes,
    time,
    words::counted,
};
use anyhow::{Context, Result, bail};
use cases::{Cases, Samples};
use std::path::Path;

/// A run is saved after this many steps, which are long.
const SAVE_EVERY: u64 = 10;

const LABELS: [&str; 4] = ["liver", "kidneys", "spleen", "pancreas"];

/// Trains the two stages that a recipe has for a number of classes.
pub fn run(
    args: &TrainArgs,
    recipe: &str,
    stages: fn(usize) -> [Stage; 2],
    device: DeviceChoice,
) -> Result<()> {
    let other = [
        ("--network", args.network.is_some()),
        ("--init", args.init.is_some()),
        ("--folds", args.folds.is_some()),
        ("--patch", args.patch.is_some()),
        ("--teacher", args.teacher.is_some()),
        ("--pretrain", args.pretrain.is_some()),
        ("--spatial-transformer", args.spatial_transformer),
        ("--longer-side", args.longer_side.is_some()),
        ("--modality", args.modality.is_some()),
    ];
    if let Some((option, _)) = other.iter().find(|(_, given)| *given) {
        bail!("{option} is not for --recipe {recipe}, which trains two networks of volumes on CTs");
    }
    let values = args.labels.values(None)?;
    let (told, names) = (values.is_some(), args.labels.names().unwrap_or_default());
    let cases = match &args.data {
        Some(data) if !args.print_config || data.exists() => Some(Cases::open(data, args, values.clone())?),
        _ => None,
    };
    let named = cases.as_ref().map(|cases| cases.labels(names)).transpose()?.flatten();
    let labels = match named.or(values.as_ref().and_then(Values::labels)) {
        Some(labels) => labels,
        None if names.is_empty() => LabelTable::named(&LABELS),
        None => LabelTable::named(names),
    };
    let settings = VolumeSettings::new(args, recipe, stages(labels.len() + 1))?;
    if args.print_config {
        say::json(&serde_json::to_string_pretty(&settings)?);
        return Ok(());
    }
    let out = args
        .out
        .as_ref()
        .with_context(|| format!("--recipe {recipe} writes one model: name its file with --out"))?;
    let folder = args.run.clone().unwrap_or_else(|| out.with_extension("safetensors.run"));
    let Some(place) = args.place(Some(&folder))? else { bail!("{} has ended", folder.display()) };
    let places = [Some(place)];
    args.may_write(&places, &["coarse", "fine"])?;
    let [Some(place)] = places else { bail!("{} has ended", folder.display()) };
    let settings = match place.resume {
        true => saved_settings(&folder)?.unwrap_or(settings),
        false => settings,
    };
    interrupt::listen();
    let cases = cases.with_context(|| format!("--recipe {recipe} needs --data"))?;
    let seed = settings.coarse.train.seed;
    let record = RunFolder::open(&folder, &settings, &began(seed, cases.keys()?), place.resume)?;
    let engine = Engine::start(EngineOptions::headless(device)).context("threads could not be started")?;
    let mut run =
        VolumeRun { args, engine: Some(engine), shown: Reporter::new(), record, cases, labels, facts: None };
    run.survey(names.to_vec(), told)?;
    let coarse = match &args.coarse {
        Some(given) => run.given(given)?,
        None => run.stage("coarse", settings.coarse)?,
    };
    let fine = run.stage("fine", settings.fine)?;
    let device = ComputeDevice::cpu("to make one model of two");
    let read = |model: LoadedModel| VolumeModel::from_bytes(&model.bytes, &device);
    let mut model = read(fine)?.after(read(coarse)?)?;
    model.save(out)?;
    say!("{} {} -> {}", model.card.title, model.card.version, out.display());
    Ok(())
}

/// What both stages share.
struct VolumeRun<'a> {
    args: &'a TrainArgs,
    /// None once the run was interrupted.
    engine: Option<Engine>,
    shown: Reporter,
    record: RunFolder,
    cases: Cases,
    labels: LabelTable,
    /// Once the masks were looked through.
    facts: Option<Facts>,
}

impl VolumeRun<'_> {
    fn engine(&self) -> Result<&Engine> {
        self.engine.as_ref().context("the engine has ended")
    }

    fn given(&mut self, file: &Path) -> Result<LoadedModel> {
        let Some(engine) = &self.engine else { bail!("the engine has ended") };
        load(engine, &file.display().to_string(), &mut self.shown)
    }

    /// One network from nothing, or from where it was saved, to its best weights.
    fn stage(&mut self, name: &str, stage: Stage) -> Result<LoadedModel> {
        let kept = self.record.path().join(name).with_extension("safetensors");
        if kept.exists() {
            say!("{name}: {}", kept.display());
            return self.given(&kept);
        }
        say!("{name}: {}", stage.network);
        let record = self.record.stage(name)?;
        let seed = stage.train.seed;
        let base = fresh(self.engine()?, stage.card(self.labels.clone()), seed, &mut Reporter::new())?;
        let [samples, held_out] = self.samples(&stage, &base)?;
        let checkpoint = checkpoint_in(record.path());
        say!(
            "{} to learn from and {} to validate on; saved every {SAVE_EVERY} steps to {}",
            counted(samples.len(), "case"),
            held_out.len(),
            checkpoint.display()
        );
        let request = TrainRequest {
            base: base.version(),
            teacher: None,
            earlier: None,
            config: stage.train,
            data: TrainData::Volumes { view: stage.view, samples, held_out },
            checkpoints: Some(Checkpoints {
                resume: self.args.resume && checkpoint.exists(),
                path: checkpoint.clone(),
                every: SAVE_EVERY,
                folder: Some(record.path().to_owned()),
            }),
            about: self.about(&base),
        };
        let Self { args, engine, shown, .. } = self;
        let folder = self.record.path();
        let result = args.learned(engine, shown, (request, &base.card.title), folder, &mut |_, _, _| ())?;
        if let Some(reason) = &result.diverged {
            return Err(diverged(reason, Some(folder), &checkpoint));
        }
        self.tell_warnings()?;
        told_if_taken(record.finish(&result))?;
        told_if_taken(write_bytes(&kept, &result.model.bytes).map_err(Into::into))?;
        Ok(result.model.clone())
    }

    /// Looks through the masks, and says what the run learns from.
    fn survey(&mut self, names: Vec<String>, told: bool) -> Result<()> {
        let (cases, labels) = (self.cases.clone(), self.labels.clone());
        let (cases, facts) = self.job(move |context| cases.survey(&names, &labels, told, context))?;
        facts.lines().iter().for_each(|line| say::line(line));
        told_if_taken(facts.write(self.record.path()))?;
        (self.cases, self.facts) = (cases, Some(facts));
        Ok(())
    }

    /// Says what was said of the cases since they were looked at last.
    fn tell_warnings(&mut self) -> Result<()> {
        let Some(facts) = &mut self.facts else { return Ok(()) };
        let told = self.cases.warnings();
        let new: Vec<String> = told.into_iter().filter(|line| !facts.warnings.contains(line)).collect();
        new.iter().for_each(|line| say!("warning: {line}"));
        facts.warnings.extend(new);
        told_if_taken(facts.write(self.record.path()))
    }

    fn samples(&mut self, stage: &Stage, base: &LoadedModel) -> Result<Samples> {
        let folder = self.record.stage("cases")?.path().to_owned();
        let (cases, framing, card) = (self.cases.clone(), stage.view.framing, base.card.clone());
        let grid = grid_of(stage)?;
        let samples = self.job(move |context| cases.samples(framing, &card, grid, &folder, context))?;
        self.tell_warnings()?;
        Ok(samples)
    }

    /// Does work on the worker pool. Being told to stop says how the run goes on.
    fn job<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&JobContext) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Some(engine) = &self.engine else { bail!("the engine has ended") };
        let task = engine.run(work);
        let result = engine.result_of(&task, |event| self.shown.show(event));
        self.shown.clear();
        if matches!(result, Err(JobError::Interrupted)) {
            return Err(self.args.interrupted(self.engine.take(), self.record.path()));
        }
        Ok(result?)
    }

    /// What the model says of itself.
    fn about(&self, base: &LoadedModel) -> About {
        let args = self.args;
        let data = args.data.as_ref().map(|data| data.display().to_string()).unwrap_or_default();
        let title = find(&base.card.network).map_or(base.card.title.as_str(), |spec| spec.title);
        let phantoms = data.starts_with("phantom:");
        let of_phantoms = |text: &str| phantoms.then(|| text.to_owned());
        About {
            title: Some(args.title.clone().unwrap_or_else(|| format!("{title} on {data}"))),
            trained_on: Some(args.trained_on().unwrap_or(data.clone())),
            licence: args.licence.clone().or_else(|| of_phantoms(PHANTOM_LICENCE)),
            notice: args.notice.clone().or_else(|| of_phantoms(PHANTOM_NOTICE)),
            command: Some(command_line()),
            created: Some(time::now_text()),
        }
    }
}

/// The grid `[depth, height, width]` that a stage's network sees.
fn grid_of(stage: &Stage) -> Result<[usize; 3]> {
    serde_json::from_value(stage.config["input_size"].clone()).context("input_size is depth, height, width")
}
