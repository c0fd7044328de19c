//! `fovea models`: networks and weights files.

use super::{
    dataset::ModalityArgument,
    say::{self, say},
    targets::{OverwriteArgument, ending, read_model},
};
use crate::{
    engine::{interrupt, too_large},
    label::LabelTable,
    nn::{
        self, AnyModel, Channels, ComputeDevice, DeviceChoice, InputSpec, MODELS, Model, ModelCard,
        ModelSpec, NamedTensors, Rank, VolumeModel, bundled,
        import::{self, Recognised},
        parity, weights,
    },
    replace::write_bytes,
    volume::Modality,
    words::counted,
};
use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;
use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

const EXAMPLES: &str = "\
Examples:
  fovea models list
  fovea models show vessel
  fovea models verify ../shared/parity/networks/edema/unet.json
  fovea models import best.pth --network edema/unet --labels REA,SRF,PED --channels stack3 \\
      --mean 0.1437,0.1437,0.1437 --std 0.0980,0.0979,0.0979 --out edema.safetensors
  fovea models import fine/best_model.pt --coarse coarse/best_model.pt --out flare.safetensors";

/// List, show, verify, import, fuse and export networks and models.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// List the networks that can be trained, and the models inside the program
    List,
    /// Show the card of a model, or the options of a network
    Show {
        /// The id of a model inside the program, a weights file, or the id of a network
        model: String,
    },
    /// Compare networks with published outputs; fail if any of them differs
    Verify {
        /// Reference files (parity fixtures, JSON)
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Make a model of the weights of another program: a PyTorch checkpoint, a pickled dictionary of arrays, or safetensors
    Import(Box<ImportArgs>),
    /// Make one model of several of the retinal edema system: the weighted mean of their probabilities
    Fuse {
        /// Ids of models inside the program, or weights files
        #[arg(required = true)]
        models: Vec<String>,
        /// A weight for each model, separated by commas. Default: equal weights
        #[arg(long, value_delimiter = ',')]
        weights: Vec<f64>,
        /// The file to write the model to (.safetensors)
        #[arg(long, value_name = "FILE", value_parser = ending(&["safetensors"]))]
        out: PathBuf,
        #[command(flatten)]
        overwrite: OverwriteArgument,
    },
    /// Write a model's weights for another program: safetensors with the parameter names of the reference
    Export {
        /// The id of a model inside the program, or a weights file
        model: String,
        /// The file to write the weights to (.safetensors)
        #[arg(long, value_name = "FILE", value_parser = ending(&["safetensors"]))]
        out: PathBuf,
        #[command(flatten)]
        overwrite: OverwriteArgument,
    },
}

#[derive(Debug, Args)]
struct ImportArgs {
    /// The weights: a .pth, .pt, .pth.tar or .safetensors file
    file: PathBuf,
    /// The network that the weights belong to, for example edema/unet. Default: it is recognised by the names and shapes of the
    /// weights
    #[arg(long)]
    network: Option<String>,
    /// The network's options as JSON. Default: they are found from the shapes of the weights
    #[arg(long, requires = "network")]
    config: Option<String>,
    /// Names of the classes after the background, in the network's order, separated by commas
    #[arg(long, value_delimiter = ',')]
    labels: Vec<String>,
    /// How images become the network's channels. Default: what fits their number
    #[arg(long, value_enum)]
    channels: Option<ChannelsArgument>,
    /// LOW,HIGH: the values that become 0 and 1, in the image's unit (HU for CT). Default: -325,325 for networks of
    /// volumes, none for others
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    window: Vec<f32>,
    /// Subtracted from each channel after scaling to 0–1: one number for each channel. Default: 0
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    mean: Vec<f32>,
    /// Each channel is divided by this after that: one number for each channel. Default: 1
    #[arg(long, value_delimiter = ',')]
    std: Vec<f32>,
    /// Scale the longer side of an image to this many pixels for the network. Default: images are not scaled
    #[arg(long)]
    longer_side: Option<usize>,
    /// For networks of volumes: the weights of the coarse network, which finds the region that the network in FILE segments
    #[arg(long, value_name = "FILE")]
    coarse: Option<PathBuf>,
    /// The kind of image that the model is for. Default: ct for a network of volumes, otherwise other
    #[arg(long, value_enum)]
    modality: Option<ModalityArgument>,
    /// Title on the model's card. Default: the file's name without its ending
    #[arg(long)]
    title: Option<String>,
    /// What the weights were trained on, in words, for the model's card
    #[arg(long)]
    trained_on: Option<String>,
    /// Licence of the weights, for the model's card
    #[arg(long, default_value = "")]
    licence: String,
    /// The file to write the model to (.safetensors)
    #[arg(long, value_name = "FILE", value_parser = ending(&["safetensors"]))]
    out: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArgument,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ChannelsArgument {
    /// One channel
    Grey,
    /// Red, green, blue
    Rgb,
    /// Three channels: the next, the current and the previous slice
    Stack3,
}

impl From<ChannelsArgument> for Channels {
    fn from(argument: ChannelsArgument) -> Self {
        match argument {
            ChannelsArgument::Grey => Channels::Grey,
            ChannelsArgument::Rgb => Channels::Rgb,
            ChannelsArgument::Stack3 => Channels::Stack3,
        }
    }
}

pub fn run(args: ModelsArgs, device: DeviceChoice) -> anyhow::Result<()> {
    match args.command {
        ModelsCommand::List => list(),
        ModelsCommand::Show { model } => show(&model),
        ModelsCommand::Verify { files } => verify(&files, &ComputeDevice::choose(device, None)?),
        ModelsCommand::Import(args) => {
            let files = [Some(&args.file), args.coarse.as_ref()].into_iter().flatten();
            may_write(args.overwrite, files.map(|file| file.to_string_lossy()), &args.out)?;
            import_weights(*args)
        }
        ModelsCommand::Fuse { models, weights, out, overwrite } => {
            may_write(overwrite, models.iter(), &out)?;
            fuse(&models, weights, &out)
        }
        ModelsCommand::Export { model, out, overwrite } => {
            may_write(overwrite, [&model], &out)?;
            export(&model, &out)
        }
    }
}

/// Checks the file that is made of models.
fn may_write(
    overwrite: OverwriteArgument,
    models: impl IntoIterator<Item = impl AsRef<str>>,
    out: &Path,
) -> anyhow::Result<()> {
    let mut targets = overwrite.targets();
    models.into_iter().for_each(|model| read_model(&mut targets, model.as_ref()));
    overwrite.ready(targets.write(out))
}

fn list() -> anyhow::Result<()> {
    say!("Networks");
    for spec in MODELS {
        let parameters = spec.param_count(&Value::Null)? as f64 / 1e6;
        let (id, title, rank) = (spec.id, spec.title, spec.rank().says());
        say!("  {id:<26} {rank:<7} {title:<30} {parameters:>6.2} M parameters  {}", spec.paper);
    }
    say!("");
    say!("Models inside the program");
    if bundled::MODELS.is_empty() {
        say!("  none");
    }
    for model in bundled::MODELS {
        let card = weights::card_of(model.bytes)?;
        let labels: Vec<&str> = card.labels.iter().map(|l| l.name.as_str()).collect();
        say!("  {:<16} {} ({}): {}", model.id, card.title, card.network, labels.join(", "));
    }
    Ok(())
}

fn show(model: &str) -> anyhow::Result<()> {
    if let Some(spec) = nn::find(model) {
        return show_network(spec);
    }
    let card = weights::card_of(&model_bytes(model)?)?;
    say::json(&serde_json::to_string_pretty(&card)?);
    Ok(())
}

/// A network's page.
fn show_network(spec: &ModelSpec) -> anyhow::Result<()> {
    let parameters = spec.param_count(&Value::Null)?;
    say!("{}: {}", spec.id, spec.title);
    say!("{}", spec.paper);
    say!("");
    say!("{parameters} parameters with the options as they are below");
    let rule = spec.input;
    let most = rule.most.map_or_else(String::new, |most| format!(", at most {most}"));
    let others = match spec.rank() {
        Rank::Slices => "other sizes are padded or cut into tiles, and cropped back",
        Rank::Volumes => "volumes are resized",
    };
    say!("Input sides: multiples of {}, at least {}{most}; {others}", rule.multiple_of, rule.least);
    say!("");
    say!("Options (--config '{{\"name\": value}}')");
    let defaults = spec.default_config();
    for (name, value) in defaults.as_object().into_iter().flatten() {
        let choices = spec.choices().iter().find(|(key, _)| key == name);
        let choices = choices.map_or_else(String::new, |(_, words)| format!("; one of {}", words.join(", ")));
        let meaning = nn::options::meaning(name).unwrap_or_default();
        say!("  {:<32} {meaning}{choices}", format!("{name} {value}"));
    }
    let published = (spec.as_published)();
    if published.as_object().is_some_and(|options| !options.is_empty()) {
        say!("");
        say!(
            "The defaults correct errors of the reference that hurt its training; --config '{published}' gives the network exactly \
             as published."
        );
    }
    Ok(())
}

/// The file of a model inside the program or on disk.
pub(super) fn model_bytes(model: &str) -> anyhow::Result<Cow<'static, [u8]>> {
    match bundled::find(model) {
        Some(bundled) => Ok(Cow::Borrowed(bundled.bytes)),
        None if Path::new(model).exists() => Ok(Cow::Owned(weights::read_file(Path::new(model))?)),
        None => bail!(
            "\"{model}\" is neither a network, nor a model inside the program, nor a file; `fovea models list` shows \
             the first two"
        ),
    }
}

fn fuse(models: &[String], weights: Vec<f64>, out: &Path) -> anyhow::Result<()> {
    let cpu = ComputeDevice::cpu("fuse");
    let load = |model: &String| Ok(Model::from_bytes(&model_bytes(model)?, &cpu)?);
    let members = models.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    let weights = if weights.is_empty() { vec![1.0; members.len()] } else { weights };
    let mut fused = nn::fuse(&members, &weights, &cpu)?;
    fused.save(out)?;
    say!("{}: {} (version {})", out.display(), fused.card.title, fused.card.version);
    Ok(())
}

/// A model's file is what the references read (`safetensors.torch.load_file`), once it has proved whole.
fn export(model: &str, out: &Path) -> anyhow::Result<()> {
    let bytes = model_bytes(model)?;
    let (card, tensors) = weights::from_bytes(&bytes)?;
    write_bytes(out, &bytes)?;
    let tensors = counted(tensors.len(), "tensor");
    say!("{}: {tensors} of {} (version {})", out.display(), card.network, card.version);
    Ok(())
}

/// Prints one line for each file; an error at the end if any differs.
fn verify(files: &[PathBuf], device: &ComputeDevice) -> anyhow::Result<()> {
    let mut failed = 0;
    for path in files {
        interrupt::check()?;
        match parity::verify(path, device) {
            Ok(report) => say!(
                "ok    {}: {}, {} parameters, {:.1} % of the tolerance",
                path.display(),
                report.network,
                report.param_count,
                100.0 * report.worst
            ),
            Err(error) => {
                failed += 1;
                let text = error.to_string();
                say!("FAIL  {}: {}", path.display(), too_large(&text).unwrap_or(text));
            }
        }
    }
    if failed > 0 {
        bail!("not reproduced: {failed} of {}", counted(files.len(), "fixture"));
    }
    Ok(())
}

/// The network that weights belong to: the one that is named, with the options that are given or that fit, or the one that fits.
fn recognise(
    tensors: &NamedTensors,
    network: Option<&str>,
    config: Option<&str>,
) -> anyhow::Result<Recognised> {
    let Some(id) = network else { return import::recognise(tensors).map_err(|reason| anyhow!(reason)) };
    let spec = nn::find(id).with_context(|| {
        format!("there is no network \"{id}\"; `fovea models list` shows those that there are")
    })?;
    let Some(config) = config else {
        return import::fit_network(spec, tensors).map_err(|reason| anyhow!(reason));
    };
    let config =
        serde_json::from_str(config.trim_start_matches('\u{feff}')).context("--config is not JSON")?;
    Ok(Recognised { network: spec.id, config })
}

/// The model that weights make under a card; with `--coarse` the second of two networks.
fn imported(card: ModelCard, tensors: NamedTensors, coarse: Option<&Path>) -> anyhow::Result<AnyModel> {
    let cpu = ComputeDevice::cpu("import");
    let mut model = AnyModel::build(card, 0, &cpu)?;
    model.load_tensors(tensors)?;
    let Some(path) = coarse else { return Ok(model) };
    let AnyModel::Volumes(fine) = model else {
        bail!("--coarse is for networks of volumes, and {} is one of slices", model.card().network)
    };
    let found = import::read(path).with_context(|| format!("{} was not imported", path.display()))?;
    let Recognised { network, config } = recognise(&found.tensors, None, None)
        .with_context(|| format!("{} was not imported", path.display()))?;
    say!("coarse network {network} {config}");
    let fitting = ModelCard { labels: fine.card.labels.clone(), ..import::card(path, network, config)? };
    let mut coarse = VolumeModel::build(fitting, 0, &cpu)?;
    coarse.load_tensors(found.tensors)?;
    Ok(AnyModel::Volumes(fine.after(coarse)?))
}

fn import_weights(args: ImportArgs) -> anyhow::Result<()> {
    interrupt::listen_and_leave();
    let window = match args.window[..] {
        [] => None,
        [low, high] => Some([low, high]),
        _ => bail!("--window takes two values, for example --window -160,240"),
    };
    let file = args.file.display();
    let found = import::read(&args.file).with_context(|| format!("{file} was not imported"))?;
    if !found.inside.is_empty() {
        let beside = if found.beside.is_empty() {
            String::new()
        } else {
            format!("; left out: {}", found.beside.join(", "))
        };
        say!("{} of \"{}\"{beside}", counted(found.tensors.len(), "tensor"), found.inside);
    }
    let Recognised { network, config } =
        recognise(&found.tensors, args.network.as_deref(), args.config.as_deref())
            .with_context(|| format!("{file} was not imported"))?;
    say!("network {network} {config}");
    let mut card = import::card(&args.file, network, config)?;
    if !args.labels.is_empty() {
        let classes = card.labels.len();
        if args.labels.len() != classes {
            bail!(
                "the network has {} after the background and --labels names {}",
                counted(classes, "class"),
                args.labels.len()
            );
        }
        card.labels = LabelTable::named(&args.labels);
    }
    let channels = args.channels.map_or(card.input.channels, Channels::from);
    let longer_side = args.longer_side;
    card.input = InputSpec {
        window: window.or(card.input.window),
        mean: args.mean,
        std: args.std,
        longer_side,
        ..InputSpec::unit(channels)
    };
    card.modality = args.modality.map_or(card.modality, Modality::from);
    card.title = args.title.unwrap_or(card.title);
    card.trained_on = args.trained_on.unwrap_or(card.trained_on);
    card.licence = args.licence;
    card.command = std::env::args().collect::<Vec<_>>().join(" ");
    let mut model = imported(card, found.tensors, args.coarse.as_deref())?;
    write_bytes(&args.out, &model.to_bytes()?)?;
    say!("{} (version {})", args.out.display(), model.card().version);
    Ok(())
}
