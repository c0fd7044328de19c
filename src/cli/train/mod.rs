//! `fovea train`: a run over a data set, or over phantoms, through the engine.

mod folds;
mod run;
mod settings;
mod setup;
mod targets;
#[cfg(test)]
mod tests;
mod trial;
mod volumes;

pub use settings::Settings;
pub use setup::Setup;
pub use trial::Outcome;

use super::{
    dataset::{self, DataShape, LabelsArgument},
    load::loaded,
    report::Reporter,
    say::{self, say},
    targets::{OverwriteArgument, ending},
};
use crate::{
    engine::{Engine, LoadedModel, ModelSource, interrupt, run_folder::Began},
    nn::{
        ComputeDevice, DeviceChoice, Model, ModelCard,
        train::{Method, RECIPES, Recipe},
    },
    time,
    volume::Modality,
};
use anyhow::Result;
use clap::Args;
use folds::Fold;
use run::Place;
use std::{collections::BTreeMap, path::PathBuf};

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

Data: LIST.csv has the columns id, image, label, valid, split and patient. Cases of the split val are kept out of training and
validated on; cases of the split test are not used. Instead of a list, --data can be a folder as the retinal edema challenge,
JMedSeg, the polyp sets, DRIVE, CHASE_DB1 or nnU-Net publish it. What a run learns from is printed, with all warnings, and kept
in data.json in --run's folder.

Labels: a pixel of 0 is background, and a pixel outside the mask in the column valid teaches nothing. All masks together decide
what the other numbers mean. If each mask has 0 and one other value, and this is the same in all of them (1, 255 and 65535 count
as the same), they are masks of one class. Otherwise the numbers are label ids, which a labels.txt or labels.json beside the list
or its masks gives names. With --init, labels are matched with the model's by name, and labels that the model does not know are
refused: --labels NAME=VALUES then says which values are which label.

Stopping: a run is saved as it goes, in FILE.run beside --out or in --run's folder, and also when it is stopped by Ctrl-C or
kill. The same command with --resume continues it as if it had not stopped, even after a crash. A second Ctrl-C ends it at once.";

/// Train a network on labelled images.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// What to learn from: a LIST.csv, a folder in a published layout, or phantom:fundus, phantom:oct, phantom:ct for pictures
    /// that the program makes itself
    #[arg(long, required_unless_present = "print_config")]
    data: Option<PathBuf>,
    #[arg(long, help = recipes())]
    recipe: Option<String>,
    /// The network to train from random weights, as `fovea models list` names it. Default: the recipe's
    #[arg(long, required_unless_present_any = ["init", "recipe"])]
    network: Option<String>,
    /// Train this model further instead: a file, or the id of a bundled model
    #[arg(long, conflicts_with = "network")]
    init: Option<String>,
    /// Put a spatial transformer before the network: it learns to turn, scale and shift the image before the network sees it
    #[arg(long, alias = "stn")]
    spatial_transformer: bool,
    /// Also learn from the output of this trained model: a file, or the id of a bundled model
    #[arg(long, value_name = "MODEL")]
    teacher: Option<String>,
    /// The term that is added to the loss for the teacher: kl, kl(temperature) or mse; a factor may come before it, as in
    /// 0.5*kl(4)
    #[arg(long, value_name = "LOSS", requires = "teacher", default_value = "kl")]
    distill: String,
    /// Pretrain one layer of the network, for example down4, by contrast and without masks. Train the result further with --init
    #[arg(long, value_name = "LAYER", conflicts_with_all = ["teacher", "folds"])]
    pretrain: Option<String>,
    /// For a recipe of two networks of volumes: a trained coarse model. Only the fine network is then trained. Default: both are
    /// trained
    #[arg(long, value_name = "FILE", requires = "recipe")]
    coarse: Option<PathBuf>,
    /// The file to write the model to (.safetensors)
    #[arg(long, value_name = "FILE", required_unless_present_any = ["run", "print_config"], value_parser = ending(&["safetensors"]))]
    out: Option<PathBuf>,
    /// Folder for the run: configuration, hashes of the data, curves, checkpoint, best and last model, card
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Options of the network as JSON, for example '{"feature_scale":16}' (`fovea models show NETWORK` lists them). Options that
    /// are left out have their defaults
    #[arg(long, value_name = "JSON", conflicts_with = "init")]
    config: Option<String>,
    /// Set one value of the configuration, for example train.augment.flip_x=0.5; --print-config shows all keys. May be given
    /// several times
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the whole configuration as JSON, and train nothing
    #[arg(long)]
    print_config: bool,
    /// Continue a run that was stopped or that crashed, from its checkpoint beside --out or in --run. With --run, it keeps the
    /// settings that it was started with
    #[arg(long)]
    resume: bool,
    /// Cross-validate with this many folds, with all images of a patient in one fold. The data's own split into train and val is
    /// not used
    #[arg(long, value_name = "K", requires = "run", conflicts_with = "out")]
    folds: Option<usize>,
    /// Which fold to train: a number from 0, or "all"
    #[arg(long, value_name = "I", requires = "folds", default_value = "all")]
    fold: Fold,

    /// Length of the run in optimiser steps. Default: the recipe's; without a recipe 400, with --init 300
    #[arg(long)]
    steps: Option<u64>,
    /// Length of the run in rounds over all slices, instead of --steps. Default: the recipe's
    #[arg(long, conflicts_with = "steps")]
    epochs: Option<u64>,
    /// Patches in each step. Default: the recipe's; without a recipe 8, with --init 2
    #[arg(long)]
    batch: Option<usize>,
    /// Side of a square patch, in pixels of the network's input. Default: the recipe's; without a recipe 128
    #[arg(long)]
    patch: Option<usize>,
    /// Highest learning rate. Default: the recipe's; without a recipe 0.001. Without a recipe, the rate rises to it and then falls
    /// to 0 along a cosine
    #[arg(long)]
    lr: Option<f64>,
    /// Seed of the random numbers for first weights, patches and augmentation. Default: the recipe's; without a recipe 1
    #[arg(long)]
    seed: Option<u64>,
    /// Validate each time after this many steps; 0 is once a round. Default: the recipe's; without a recipe 100
    #[arg(long, value_name = "STEPS")]
    validate_every: Option<u64>,
    /// Multiply in half precision on a graphics card, if that is stable; the weights stay in single precision
    #[arg(long)]
    half: bool,
    /// Do not augment: no flips, turns or changes of colour
    #[arg(long)]
    no_augment: bool,
    /// Scale the longer side of each image to this many pixels; 0 does not scale. Default: the recipe's; without a recipe 584 for
    /// fundus photographs, 352 for endoscopy, and 0 for others
    #[arg(long, value_name = "PIXELS", conflicts_with = "init")]
    longer_side: Option<usize>,
    /// What kind of image the data are. Default: what the data set or the first image says
    #[arg(long, value_enum)]
    modality: Option<dataset::ModalityArgument>,
    /// With phantom data: how many phantoms to learn from; a quarter as many more are made to validate on
    #[arg(long, default_value_t = 8)]
    cases: usize,

    #[command(flatten)]
    overwrite: OverwriteArgument,
    #[command(flatten)]
    labels: LabelsArgument,
    /// Title on the model's card. Default: the network and the data
    #[arg(long)]
    title: Option<String>,
    /// What the model was trained on, in words, for its card. Default: a summary of the data
    #[arg(long)]
    trained_on: Option<String>,
    /// Licence of the training data, for the card. Default: that of a published data set, if it is known
    #[arg(long)]
    licence: Option<String>,
    /// What users of the model must know, for the card
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
    format!("A published procedure, which the options below can change: {}", all.join(", "))
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
            // None: a fold that was finished before.
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

    /// The settings, from what a folder or the recipe says of the data, without opening the images.
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
