//! `fovea train`: a run over a list of cases, or over phantoms, through the engine.

use super::dataset::{self, Dataset, Request};
use crate::{
    engine::{
        About, Checkpoints, Engine, EngineOptions, Event, JobError, LoadedModel, ModelSource, TrainRequest,
        Trained, interrupt,
    },
    nn::{DeviceChoice, ModelCard, find, train::TrainConfig},
    replace::write_bytes,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Value;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  fovea train --data lists/vessels.csv --network vessel/sa_unet --out vessels.safetensors
  fovea train --data corrections.csv --init vessel --steps 300 --out mine.safetensors
  fovea train --data phantom:oct --network edema/unet --config '{\"feature_scale\":16}' --out oct.safetensors
  fovea train --data lists/vessels.csv --network vessel/sa_unet --out vessels.safetensors --resume

LIST.csv has the columns id, image, label, valid, split; cases of split val are kept out and validated on, those of
split test are not touched. Masks of 0 and 255 are read as one class. A pixel of 0 is background; one outside the mask in
column valid teaches nothing. The run is saved beside --out as it goes
(FILE.run), and when it is told to stop (Ctrl-C, kill); the same command with --resume goes on as if it had not stopped,
after a crash too. A second Ctrl-C ends it at once.";

/// Train a network on labelled images.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// LIST.csv, or phantom:fundus, phantom:oct, phantom:ct for pictures that the program makes itself
    #[arg(long)]
    data: PathBuf,
    /// The network to train from nothing, as `fovea models list` names it
    #[arg(long, required_unless_present = "init")]
    network: Option<String>,
    /// Start from this model instead: a file, or the id of a bundled one
    #[arg(long, conflicts_with = "network")]
    init: Option<String>,
    /// Where the model goes (.safetensors)
    #[arg(long)]
    out: PathBuf,
    /// The network's constructor arguments as JSON; what is left out has its default
    #[arg(long, value_name = "JSON", conflicts_with = "init")]
    config: Option<String>,
    /// Go on with the run that was saved beside --out, with the settings that it was started with
    #[arg(long)]
    resume: bool,

    /// Optimiser steps
    #[arg(long)]
    steps: Option<u64>,
    /// Patches a step
    #[arg(long)]
    batch: Option<usize>,
    /// Side of a patch in pixels of the network's input
    #[arg(long)]
    patch: Option<usize>,
    /// Highest learning rate; it rises to it and falls to 0 along a cosine
    #[arg(long)]
    lr: Option<f64>,
    /// Decides first weights, patches and augmentation
    #[arg(long)]
    seed: Option<u64>,
    /// Validate after every so many steps
    #[arg(long, value_name = "STEPS")]
    validate_every: Option<u64>,
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

    /// Names of the labels, in the order of their ids
    #[arg(long, value_delimiter = ',')]
    labels: Vec<String>,
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

/// A run is saved after this many steps.
const SAVE_EVERY: u64 = 50;

pub fn run(args: TrainArgs, device: DeviceChoice) -> Result<()> {
    args.run(device)
}

impl TrainArgs {
    fn run(self, device: DeviceChoice) -> Result<()> {
        let out = &self.out;
        if out.extension().is_none_or(|e| e != "safetensors") {
            bail!("--out {} must end in .safetensors", out.display());
        }
        let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            bail!("--out: there is no folder {}", folder.display());
        }
        let checkpoint = out.with_extension("safetensors.run");
        if self.resume && !checkpoint.exists() {
            bail!(
                "--resume: there is no saved run {}; leave --resume out to start one",
                checkpoint.display()
            );
        }
        if !self.resume && checkpoint.exists() {
            bail!(
                "a run towards {} is saved in {}: go on with it by --resume, or remove that file to start anew",
                out.display(),
                checkpoint.display()
            );
        }
        interrupt::listen();
        let engine =
            Engine::start(EngineOptions::headless(device)).context("threads could not be started")?;
        let mut shown = super::report::Reporter::new();

        let init = self.init.as_deref().map(|name| load(&engine, name, &mut shown)).transpose()?;
        let request = Request {
            data: self.data.clone(),
            modality: self.modality.map(Into::into),
            phantoms: self.cases,
            seed: self.seed.unwrap_or(1),
            labels: init.as_ref().map(|m| m.card.labels.clone()),
            names: self.labels.clone(),
        };
        let data = dataset::load(&engine, request, &mut shown)?;
        println!("{}", data.summary());
        let base = match init {
            Some(model) => model,
            None => {
                let card = Box::new(self.fresh_card(&data)?);
                let source = ModelSource::Fresh { card, seed: self.seed.unwrap_or(1) };
                loaded(engine.block_on(engine.load_model(source), |e| shown.show(e))?)?
            }
        };
        let config = self.train_config(&base.card);
        let samples = data.samples(&base.card)?;
        println!(
            "{} slices to learn from, {} to validate on; saved every {SAVE_EVERY} steps to {}",
            samples.train.len(),
            samples.valid.len(),
            checkpoint.display()
        );
        let job = engine.train(TrainRequest {
            base: base.version(),
            config,
            samples: samples.train,
            held_out: samples.valid,
            checkpoints: Some(Checkpoints {
                path: checkpoint.clone(),
                every: SAVE_EVERY,
                resume: self.resume,
            }),
            about: self.about(&data),
        });
        let ended = engine.block_on(job, |e| shown.show(e));
        if matches!(ended, Err(JobError::Interrupted)) {
            shown.clear();
            return Err(self.interrupted(engine, &checkpoint));
        }
        let event = ended.with_context(|| format!("training {}", base.card.title))?;
        let Event::Trained { result, .. } = event else { bail!("the run ended with {event:?}") };
        shown.clear();
        self.finish(&result, &checkpoint)
    }

    /// Lets the run be saved, and says how it can go on.
    fn interrupted(&self, engine: Engine, checkpoint: &Path) -> anyhow::Error {
        let not_saved = engine.close().into_iter().find_map(|event| match event {
            Event::TrainNotSaved { reason, .. } => Some(format!("it could not be saved now ({reason}); ")),
            _ => None,
        });
        let told = if checkpoint.exists() {
            let again = if self.resume { "" } else { " --resume" };
            format!("the run is saved in {} and goes on by: {}{again}", checkpoint.display(), command_line())
        } else {
            "there was nothing to save yet".to_owned()
        };
        anyhow::Error::new(JobError::Interrupted).context(not_saved.unwrap_or_default() + &told)
    }

    /// Writes the model and says how it compares. A run that went wrong leaves an existing file alone.
    fn finish(&self, result: &Trained, checkpoint: &Path) -> Result<()> {
        if let Some(reason) = &result.diverged {
            bail!("the run diverged ({reason}); {} was not written. Try a lower --lr", self.out.display());
        }
        write_bytes(&self.out, &result.model.bytes)?;
        let card = &result.model.card;
        println!("{} {} -> {}", card.title, card.version, self.out.display());
        if let Some(comparison) = &result.comparison {
            let text = |d: Option<f64>| d.map_or("none".to_owned(), |d| format!("{d:.4}"));
            for (id, class) in &comparison.after.classes {
                let before = comparison.before.classes.get(id).and_then(|c| c.mean.dice);
                let name = card.labels.get(*id).map_or("?", |l| l.name.as_str());
                println!("Dice of {name}: {} before, {} after", text(before), text(class.mean.dice));
            }
            if self.init.is_some() && comparison.gain().is_some_and(|gain| gain < 0.0) {
                println!("The new model is worse than the old one on the validation slices.");
            }
        }
        // The run is over; its checkpoint is of no more use.
        std::fs::remove_file(checkpoint)
            .with_context(|| format!("{} could not be removed", checkpoint.display()))
    }

    fn fresh_card(&self, data: &Dataset) -> Result<ModelCard> {
        let id = self.network.as_deref().unwrap_or_default();
        let spec = find(id).with_context(|| {
            format!("there is no network \"{id}\"; `fovea models list` shows those that there are")
        })?;
        let mut input = TrainConfig::input_for(data.modality);
        if let Some(side) = self.longer_side {
            input.longer_side = (side > 0).then_some(side);
        }
        let mut config = spec.config_for(input.channels.count(), data.labels.len() + 1);
        if let Some(text) = &self.config {
            let given: Value = serde_json::from_str(text).context("--config is not JSON")?;
            let (Value::Object(given), Some(map)) = (given, config.as_object_mut()) else {
                bail!("--config must be a JSON object")
            };
            map.extend(given);
        }
        let title = self.title.clone().unwrap_or_else(|| format!("{} on {}", spec.title, data.name));
        Ok(ModelCard { title, ..ModelCard::new(id, config, input, data.labels.clone(), data.modality) })
    }

    fn train_config(&self, card: &ModelCard) -> TrainConfig {
        let mut config = if self.init.is_some() {
            TrainConfig::fine_tune(card)
        } else {
            TrainConfig::for_modality(card.modality)
        };
        fn set<T>(field: &mut T, given: Option<T>) {
            if let Some(given) = given {
                *field = given;
            }
        }
        set(&mut config.steps, self.steps);
        set(&mut config.batch, self.batch);
        set(&mut config.patch, self.patch);
        set(&mut config.lr, self.lr);
        set(&mut config.seed, self.seed);
        set(&mut config.validate_every, self.validate_every);
        if self.no_augment {
            config.augment = Default::default();
        }
        config
    }

    fn about(&self, data: &Dataset) -> About {
        About {
            title: self.title.clone(),
            trained_on: Some(self.trained_on.clone().unwrap_or_else(|| data.summary())),
            licence: self.licence.clone().or_else(|| data.licence.map(str::to_owned)),
            notice: self.notice.clone().or_else(|| data.notice.map(str::to_owned)),
            command: Some(command_line()),
            created: Some(super::report::utc_now()),
        }
    }
}

/// A model by file or bundled id.
pub fn load(engine: &Engine, name: &str, shown: &mut super::report::Reporter) -> Result<LoadedModel> {
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

fn loaded(event: Event) -> Result<LoadedModel> {
    match event {
        Event::ModelLoaded { model, .. } => Ok(model),
        other => bail!("loading ended with {other:?}"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{label::LabelTable, volume::Modality};
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: TrainArgs,
    }

    fn parse(line: &str) -> Result<TrainArgs, clap::Error> {
        Line::try_parse_from(line.split(' ')).map(|l| l.args)
    }

    #[test]
    fn a_network_or_a_first_model_is_needed_and_not_both() {
        assert!(parse("train --data a.csv --out m.safetensors").is_err());
        assert!(parse("train --data a.csv --out m.safetensors --network x --init y").is_err());
        assert!(parse("train --data a.csv --out m.safetensors --init y").is_ok());
    }

    #[test]
    fn options_reach_the_card_and_the_run() {
        let args = parse("train --data phantom:oct --out m.safetensors --network edema/unet --steps 7 --lr 0.5 --config {\"feature_scale\":16}").unwrap();
        let data = Dataset::empty("x", Modality::Oct, LabelTable::named(&["a", "b"]));
        let card = args.fresh_card(&data).unwrap();
        assert_eq!(card.config["feature_scale"], 16);
        assert_eq!(card.config["n_classes"], 3);
        let config = args.train_config(&card);
        assert_eq!((config.steps, config.lr, config.seed), (7, 0.5, TrainConfig::default().seed));
    }
}
