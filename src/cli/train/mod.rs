//! `fovea train`: a run over a data set, or over phantoms, through the engine.

mod facts;
mod folds;
mod run;
mod settings;
mod setup;
mod targets;
#[cfg(test)]
mod tests;
mod trial;
mod volumes;

pub use facts::Facts;
pub use settings::{DataShape, Settings};
pub use setup::Setup;
pub use trial::Outcome;

use super::{
    dataset::{self, LabelsArgument},
    report::Reporter,
    say::{self, say},
    targets::{OverwriteArgument, ending},
};
use crate::{
    engine::{Engine, Event, LoadedModel, ModelSource, interrupt, run_folder::Began},
    nn::{
        ComputeDevice, DeviceChoice, Model, ModelCard,
        train::{Method, RECIPES, Recipe},
    },
    time,
    volume::Modality,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use folds::Fold;
use run::Place;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  fovea train --data lists/vessels.csv --network vessel/sa_unet --out vessels.safetensors
  fovea train --data corrections.csv --init vessel --steps 300 --out mine.safetensors
  fovea train --data phantom:oct --network edema/unet --config '{\"feature_scale\":16}' --out oct.safetensors
  fovea train --data lists/vessels.csv --network vessel/sa_unet --out vessels.safetensors --resume
  fovea train --data DRIVE/ --recipe vessel --run runs/drive
  fovea train --data lists/vessels.csv --network jmedseg/unet --pretrain down4 --out pretrained.safetensors
  fovea train --data lists/polyp.csv --recipe polyp --teacher large.safetensors --distill '0.5*kl(4)' --run runs/small
  fovea train --data lists/vessels.csv --recipe vessel --run runs/cv --folds 5 --fold all
  fovea train --data FLARE21/ --recipe flare --out flare.safetensors
  fovea train --data lists/totalsegmentator.csv --labels liver=5,kidneys=2+3 --recipe flare --out organs.safetensors
  fovea train --recipe polyp --set train.batch=4 --set train.schedule={\"schedule\":\"constant\"} --print-config

LIST.csv has the columns id, image, label, valid, split and patient; cases of split val are kept out and validated on, those
of split test are not touched. Folders are known as the retinal edema challenge, JMedSeg, the polyp sets, DRIVE, CHASE_DB1
and nnU-Net lay them out. What the numbers of masks are is decided over all of them: where each has 0 and one other value,
and these are one value or 1, 255 and 65535, they are one class; else they are ids. A labels.txt or labels.json beside the
list or its masks gives the ids names. With --init, labels are matched with the model's by name; what the model does not know
is refused, and --labels NAME=VALUES says which values are which. A pixel of 0 is background; one outside the mask in column
valid teaches nothing. What a run learns from, and what was said of it, is printed and kept in data.json of --run's folder. The run is saved beside --out as it goes
(FILE.run, or in --run's folder), and when it is told to stop (Ctrl-C, kill); the same command with --resume goes on as if it had not stopped,
after a crash too. A second Ctrl-C ends it at once.";

/// Train a network on labelled images.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// LIST.csv, a folder in a published layout, or phantom:fundus, phantom:oct, phantom:ct for pictures that the program makes
    /// itself
    #[arg(long, required_unless_present = "print_config")]
    data: Option<PathBuf>,
    #[arg(long, help = recipes())]
    recipe: Option<String>,
    /// The network to train from nothing, as `fovea models list` names it
    #[arg(long, required_unless_present_any = ["init", "recipe"])]
    network: Option<String>,
    /// Start from this model instead: a file, or the id of a bundled one
    #[arg(long, conflicts_with = "network")]
    init: Option<String>,
    /// Put a spatial transformer before the network, which learns to turn, scale and shift its input
    #[arg(long, alias = "stn")]
    spatial_transformer: bool,
    /// Learn from this trained model's output too: a file, or the id of a bundled one
    #[arg(long, value_name = "MODEL")]
    teacher: Option<String>,
    /// What is learned from it, added to the loss: kl, kl(temperature) or mse, with factors
    #[arg(long, value_name = "LOSS", requires = "teacher", default_value = "kl")]
    distill: String,
    /// Pretrain this layer of the network by contrast, without the masks (down4, say; --config names others); the result is
    /// for --init
    #[arg(long, value_name = "LAYER", conflicts_with_all = ["teacher", "folds"])]
    pretrain: Option<String>,
    /// For a recipe of two networks of volumes: a trained coarse model, so that only the fine one is trained
    #[arg(long, value_name = "FILE", requires = "recipe")]
    coarse: Option<PathBuf>,
    /// Where the model goes (.safetensors)
    #[arg(long, value_name = "FILE", required_unless_present_any = ["run", "print_config"], value_parser = ending(&["safetensors"]))]
    out: Option<PathBuf>,
    /// A folder for the run: configuration, hashes of the data, curves, checkpoint, best and last model, card
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// The network's constructor arguments as JSON; what is left out has its default
    #[arg(long, value_name = "JSON", conflicts_with = "init")]
    config: Option<String>,
    /// Change one value of the configuration, under its keys: train.augment.flip_x=0.5
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the whole configuration as JSON and end
    #[arg(long)]
    print_config: bool,
    /// Go on with the run that was saved, with the settings that it was started with
    #[arg(long)]
    resume: bool,
    /// Cross-validation in so many folds, by patient; what the data say of train and val is put aside
    #[arg(long, value_name = "K", requires = "run", conflicts_with = "out")]
    folds: Option<usize>,
    /// Which fold to train: a number from 0, or all
    #[arg(long, value_name = "I", requires = "folds", default_value = "all")]
    fold: Fold,

    /// Optimiser steps
    #[arg(long)]
    steps: Option<u64>,
    /// Rounds over all slices, instead of steps
    #[arg(long, conflicts_with = "steps")]
    epochs: Option<u64>,
    /// Patches a step
    #[arg(long)]
    batch: Option<usize>,
    /// Side of a patch in pixels of the network's input
    #[arg(long)]
    patch: Option<usize>,
    /// Highest learning rate; without a recipe it rises to it and falls to 0 along a cosine
    #[arg(long)]
    lr: Option<f64>,
    /// Decides first weights, patches and augmentation
    #[arg(long)]
    seed: Option<u64>,
    /// Validate after every so many steps
    #[arg(long, value_name = "STEPS")]
    validate_every: Option<u64>,
    /// Multiply in half precision on a graphics card, where that is stable; the weights stay in single
    #[arg(long)]
    half: bool,
    /// Take every slice as it is: no flips, turns or changes of colour
    #[arg(long)]
    no_augment: bool,
    /// Scale the longer side of each image to this many pixels for a fresh network; 0 for none
    #[arg(long, value_name = "PIXELS", conflicts_with = "init")]
    longer_side: Option<usize>,
    /// What the images are, where the files do not say
    #[arg(long, value_enum)]
    modality: Option<dataset::ModalityArgument>,
    /// Number of phantoms: this many to learn from, a quarter more to validate on
    #[arg(long, default_value_t = 8)]
    cases: usize,

    #[command(flatten)]
    overwrite: OverwriteArgument,
    #[command(flatten)]
    labels: LabelsArgument,
    /// Title on the model's card
    #[arg(long)]
    title: Option<String>,
    /// The training data in words, on the card
    #[arg(long)]
    trained_on: Option<String>,
    /// Licence of the training data, on the card
    #[arg(long)]
    licence: Option<String>,
    /// What a user must know, on the card
    #[arg(long)]
    notice: Option<String>,
}

/// The help of `--recipe`.
fn recipes() -> String {
    let named = |recipe: &&Recipe| match recipe.method {
        Method::Slices(_) => recipe.id.to_owned(),
        Method::Volumes(_) => format!("{} (two networks of volumes)", recipe.id),
    };
    let all: Vec<String> = RECIPES.iter().map(named).collect();
    format!("A published procedure: {}; every option below changes it", all.join(", "))
}

pub fn run(args: TrainArgs, device: DeviceChoice) -> Result<()> {
    args.run(device)
}

impl TrainArgs {
    fn run(self, device: DeviceChoice) -> Result<()> {
        if let Some(Recipe { id, method: Method::Volumes(stages), .. }) = self.recipe()? {
            return volumes::run(&self, id, *stages, device);
        }
        if self.print_config {
            say::json(&self.settings_alone()?.to_json()?);
            return Ok(());
        }
        let folds: Vec<usize> = self.folds.map_or(Ok(vec![]), |k| self.fold.of(k))?;
        let places: Vec<Option<Place>> = match (&self.run, folds.is_empty()) {
            (Some(run), false) => {
                folds.iter().map(|i| self.place(Some(&folds::folder_of(run, *i)))).collect::<Result<_>>()?
            }
            (run, _) => vec![self.place(run.as_deref())?],
        };
        self.may_write(&places, &[])?;
        interrupt::listen();
        let mut setup = Setup::open(&self, device)?;
        let settings = self.settings(&setup)?;
        let data = setup.data.clone();
        let dealt = self.folds.map(|k| folds::deal(data.patients(), k, settings.train.seed)).transpose()?;
        for (i, place) in places.iter().enumerate() {
            // A fold that has ended before.
            let Some(place) = place else { continue };
            let data = match (&dealt, folds.get(i)) {
                (Some(dealt), Some(fold)) => {
                    say!("fold {fold}");
                    data.with_fold(dealt, *fold)
                }
                _ => data.clone(),
            };
            data.facts()?.lines().iter().for_each(|line| say::line(line));
            let result = self.train(&mut setup, &data, settings.clone(), place, &mut |_, _, _| ())?;
            self.finish(&result, place)?;
        }
        if let (Some(run), Some(k)) = (&self.run, self.folds) {
            for line in folds::summarise(run, k)? {
                say!("{line}");
            }
        }
        Ok(())
    }

    /// Without the data's images: of what a folder or the recipe says of them.
    fn settings_alone(&self) -> Result<Settings> {
        let (data, values) = (self.data.as_deref().filter(|d| d.exists()), self.labels.values(None)?);
        let listed = data.map(crate::io::dataset::read).transpose()?.map(|l| l.with_values(values));
        let layout = listed.as_ref().map_or("list", |l| l.layout);
        let procedure = self.procedure(layout)?;
        let named = listed.as_ref().and_then(|l| l.values.labels()).map(|l| l.len() + 1);
        let modality = self.modality.map(Modality::from).or(listed.and_then(|l| l.modality));
        let shape = DataShape {
            layout,
            modality: modality.or(procedure.as_ref().map(|p| p.modality)).unwrap_or(Modality::Other),
            classes: named.or(procedure.as_ref().map(|p| p.classes)).unwrap_or(2),
        };
        Settings::new(self, shape, None)
    }
}

/// A model by file or bundled id.
pub fn load(engine: &Engine, name: &str, shown: &mut Reporter) -> Result<LoadedModel> {
    let source = if crate::nn::bundled::find(name).is_some() {
        ModelSource::Bundled(name.to_owned())
    } else if Path::new(name).exists() {
        ModelSource::File(name.into())
    } else {
        let known: Vec<&str> = crate::nn::bundled::MODELS.iter().map(|m| m.id).collect();
        bail!("there is no model file {name}, and no bundled model of that name ({})", known.join(", "));
    };
    let job = engine.load_model(source);
    loaded(engine.block_on(job, |e| shown.show(e)).with_context(|| format!("loading {name}"))?)
}

/// A model behind a spatial transformer.
fn transformed(engine: &Engine, plain: &LoadedModel, shown: &mut Reporter) -> Result<LoadedModel> {
    let device = ComputeDevice::cpu("to put a transformer before a model");
    let bytes = Model::from_bytes(&plain.bytes, &device)?.transformed()?.to_bytes()?;
    loaded(engine.block_on(engine.load_model(ModelSource::Stored(bytes.into())), |e| shown.show(e))?)
}

/// A network with weights drawn from a seed.
fn fresh(engine: &Engine, card: ModelCard, seed: u64, shown: &mut Reporter) -> Result<LoadedModel> {
    let source = ModelSource::Fresh { card: Box::new(card), seed };
    loaded(engine.block_on(engine.load_model(source), |e| shown.show(e))?)
}

fn loaded(event: Event) -> Result<LoadedModel> {
    match event {
        Event::ModelLoaded { model, .. } => Ok(model),
        other => bail!("loading ended with {other:?}"),
    }
}

/// What a run's folder keeps of this moment.
fn began(seed: u64, data: BTreeMap<String, String>) -> Began {
    let program = format!("fovea {}", env!("CARGO_PKG_VERSION"));
    Began { program, seed, command: command_line(), started: time::now_text(), data }
}

/// The command as it was given, the program's own path left out.
fn command_line() -> String {
    let quote = |a: String| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,".contains(c);
        if !a.is_empty() && a.chars().all(plain) { a } else { format!("'{}'", a.replace('\'', "'\\''")) }
    };
    std::iter::once("fovea".to_owned())
        .chain(std::env::args().skip(1).map(quote))
        .collect::<Vec<_>>()
        .join(" ")
}
