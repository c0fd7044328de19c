//! `fovea train --recipe flare`: the two networks of volumes one after the other, from data that are prepared once.

use super::{TrainArgs, command_line};
use crate::{
    cli::{dataset, report::utc_now},
    engine::interrupt,
    io::{
        dataset::{self as layouts, Listed},
        list::Split,
    },
    label::LabelTable,
    nn::{
        ComputeDevice, DeviceChoice, ModelCard, VolumeModel,
        train::{
            TrainEvent,
            volumes::{Framing, LabelledVolume, Stage, VolumeSample, VolumeSession, flare},
        },
    },
    phantom,
};
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Where cases come from.
enum Source {
    Phantoms { sample: &'static phantom::Sample, seed: u64 },
    Files(Arc<Listed>),
}

struct Case {
    id: String,
    split: Split,
    /// Its place in the source.
    at: usize,
}

pub fn run(args: &TrainArgs, device: DeviceChoice) -> Result<()> {
    if args.print_config {
        println!("{}", serde_json::to_string_pretty(&flare())?);
        return Ok(());
    }
    let unknown = [
        ("--network", args.network.is_some()),
        ("--init", args.init.is_some()),
        ("--set", !args.set.is_empty()),
        ("--resume", args.resume),
        ("--folds", args.folds.is_some()),
        ("--patch", args.patch.is_some()),
        ("--teacher", args.teacher.is_some()),
        ("--pretrain", args.pretrain.is_some()),
        ("--spatial-transformer", args.spatial_transformer),
        ("--longer-side", args.longer_side.is_some()),
    ];
    if let Some((option, _)) = unknown.iter().find(|(_, given)| *given) {
        bail!("{option} is not for --recipe flare, which trains two networks of volumes");
    }
    let out = args.out.as_ref().context("--recipe flare writes one model: name it by --out")?;
    interrupt::listen();
    let device = ComputeDevice::choose(device, None)?;
    println!("computing on {} ({})", device.name(), device.reason());
    let data = args.data.as_ref().context("--recipe flare learns from --data")?;
    let (source, cases) = cases(data, args)?;
    let names: Vec<&str> = match args.labels.is_empty() {
        true => vec!["liver", "kidneys", "spleen", "pancreas"],
        false => args.labels.iter().map(String::as_str).collect(),
    };
    let labels = LabelTable::named(&names);
    let cache = args.run.clone().unwrap_or_else(|| out.with_extension("cache"));
    std::fs::create_dir_all(&cache).with_context(|| format!("{} could not be made", cache.display()))?;
    let source = Arc::new(source);
    let mut models = vec![];
    for (stage, name) in flare().into_iter().zip(["coarse", "fine"]) {
        if let (Some(given), true) = (&args.coarse, models.is_empty()) {
            println!("{name}: {}", given.display());
            let model = VolumeModel::load(given, &device).with_context(|| given.display().to_string())?;
            models.push(model);
            continue;
        }
        println!("{name}: {}", stage.network);
        let model = train(args, stage, &labels, &device, (&source, &cases), &cache)?;
        let kept = cache.join(format!("{name}.safetensors"));
        let mut model = about(args, model, data);
        model.save(&kept)?;
        println!("{name}: {} (version {})", kept.display(), model.card.version);
        models.push(model);
    }
    let (Some(fine), Some(coarse)) = (models.pop(), models.pop()) else { bail!("a stage is missing") };
    let mut model = fine.after(coarse)?;
    model.save(out)?;
    println!("{} (version {})", out.display(), model.card.version);
    Ok(())
}

fn cases(data: &Path, args: &TrainArgs) -> Result<(Source, Vec<Case>)> {
    if let Some(id) = data.to_str().and_then(|s| s.strip_prefix("phantom:")) {
        let mut all = phantom::SAMPLES.iter().chain(phantom::VARIED);
        let sample = all.find(|s| s.id == id).with_context(|| format!("there is no phantom \"{id}\""))?;
        let (train, seed) = (args.cases.max(1), dataset::PHANTOM_SEED + args.seed.unwrap_or(1) * 1000);
        let case = |at: usize| {
            let split = if at < train { Split::Train } else { Split::Val };
            Case { id: format!("{id}{at}"), split, at }
        };
        return Ok((Source::Phantoms { sample, seed }, (0..train + train.div_ceil(4)).map(case).collect()));
    }
    let listed = layouts::read(data)?;
    if let Some(fault) = listed.faults.first() {
        bail!("{}: {} cases cannot be used, the first: {fault}", data.display(), listed.faults.len());
    }
    let cases = listed.cases.iter().enumerate();
    let cases = cases.filter(|(_, case)| case.split != Split::Test);
    let cases = cases.map(|(at, case)| Case { id: case.id.clone(), split: case.split, at }).collect();
    Ok((Source::Files(Arc::new(listed)), cases))
}

impl Source {
    /// Tells what is kept of a case from what would be kept of it now: the files' sizes and times, and the labels.
    fn key(&self, at: usize, card: &ModelCard) -> Result<String> {
        let mut hash = blake3::Hasher::new();
        for label in card.labels.iter() {
            hash.update(format!("{} {}\0", label.id, label.name).as_bytes());
        }
        match self {
            Source::Phantoms { sample, seed } => {
                hash.update(format!("{} {}", sample.id, seed + at as u64).as_bytes());
            }
            Source::Files(listed) => {
                let case = &listed.cases[at];
                for path in std::iter::once(&case.image).chain(&case.label) {
                    let about = std::fs::metadata(path).with_context(|| path.display().to_string())?;
                    hash.update(format!("{path:?} {} {:?}\0", about.len(), about.modified()?).as_bytes());
                }
            }
        }
        Ok(hash.finalize().to_hex()[..12].to_owned())
    }

    fn open(&self, at: usize, card: &ModelCard) -> Result<LabelledVolume, String> {
        let case = match self {
            Source::Phantoms { sample, seed } => {
                let phantom = (sample.make)(seed + at as u64, sample.look);
                LabelledVolume::new(phantom.volume, &phantom.truth, card)
            }
            Source::Files(listed) => {
                let case =
                    listed.open(&listed.cases[at], Some(card.modality)).map_err(|fault| fault.to_string())?;
                LabelledVolume::new(case.volume, &case.mask, card)
            }
        };
        case.map_err(|e| e.to_string())
    }
}

/// One network from nothing to its best weights.
fn train(
    args: &TrainArgs,
    stage: Stage,
    labels: &LabelTable,
    device: &ComputeDevice,
    (source, cases): (&Arc<Source>, &[Case]),
    cache: &Path,
) -> Result<VolumeModel> {
    let mut options = stage.options.clone();
    if let Some(text) = &args.config {
        let given: serde_json::Value = serde_json::from_str(text).context("--config is not JSON")?;
        // Of the options those that this network has.
        let known =
            crate::nn::find_volume(stage.network).map(|spec| spec.default_config()).unwrap_or_default();
        for (key, value) in given.as_object().context("--config must be a JSON object")? {
            if known.get(key).is_some() {
                options[key] = value.clone();
            }
        }
    }
    let mut config = stage.train.clone();
    config.seed = args.seed.unwrap_or(config.seed);
    config.batch = args.batch.unwrap_or(config.batch);
    config.lr = args.lr.unwrap_or(config.lr);
    config.validate_every = args.validate_every.unwrap_or(config.validate_every);
    if let Some(steps) = args.steps {
        (config.steps, config.epochs) = (steps, None);
    }
    config.epochs = args.epochs.or(config.epochs);
    let model = VolumeModel::build(stage.card(options, labels.clone()), config.seed, device)?;
    let grid = model.network().grid().map_or([128; 3], |[d, h, w]| [w, h, d]);
    let (mut learned, mut held) = (vec![], vec![]);
    for (i, case) in cases.iter().enumerate() {
        interrupt::check()?;
        let sample = sample(stage.framing, case, source, &model.card, cache, grid)?;
        if case.split == Split::Train {
            learned.push(sample)
        } else {
            held.push(sample)
        }
        println!("prepared {} of {}: {}", i + 1, cases.len(), case.id);
    }
    println!("{} cases to learn from and {} to validate on", learned.len(), held.len());
    let augment = if args.no_augment { Default::default() } else { stage.augment };
    let mut session = VolumeSession::new(model, config, (stage.framing, augment), learned, held)?;
    let mut losses = (0.0, 0u32);
    loop {
        interrupt::check()?;
        match session.step()? {
            TrainEvent::Step { step, total, loss, .. } => {
                losses = (losses.0 + f64::from(loss), losses.1 + 1);
                if step.is_multiple_of((total / 50).max(1)) || step == total {
                    println!("step {step} of {total}: loss {:.4}", losses.0 / f64::from(losses.1));
                    losses = (0.0, 0);
                }
            }
            TrainEvent::Validated { step, dice, per_class, best, .. } => {
                let text = |d: &Option<f64>| d.map_or("none".to_owned(), |d| format!("{d:.4}"));
                let each: Vec<String> =
                    per_class.iter().map(|(id, d)| format!("{id}: {}", text(d))).collect();
                let mark = if best { ", the best so far" } else { "" };
                println!("step {step}: validation Dice {} ({}){mark}", text(&dice), each.join(", "));
            }
            TrainEvent::Diverged { reason, .. } => bail!("the run diverged ({reason}); try a lower --lr"),
            TrainEvent::Validating { .. } => {}
            TrainEvent::Finished => return Ok(session.into_model()?),
        }
    }
}

/// A case as its network is shown it. The coarse network sees it whole: it is resized once and kept; the fine one is
/// shown another box each time and reads the file, as the reference does.
fn sample(
    framing: Framing,
    case: &Case,
    source: &Arc<Source>,
    card: &ModelCard,
    cache: &Path,
    grid: [usize; 3],
) -> Result<VolumeSample> {
    let (name, at) = (case.id.clone(), case.at);
    let (source, card) = (Arc::clone(source), card.clone());
    if framing != Framing::Whole {
        return Ok(VolumeSample { name, read: Arc::new(move || source.open(at, &card)) });
    }
    let [w, h, d] = grid;
    let key = source.key(at, &card)?;
    let file: PathBuf = cache.join(format!("{name}-{d}x{h}x{w}-{key}.safetensors"));
    if !file.exists() {
        let prepared = source.open(at, &card).and_then(|case| case.resized(grid).map_err(|e| e.to_string()));
        let bytes = prepared.and_then(|case| case.to_bytes()).map_err(|e| anyhow::anyhow!("{name}: {e}"))?;
        crate::replace::write_bytes(&file, &bytes)?;
    }
    let read = move || {
        let bytes = std::fs::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        LabelledVolume::from_bytes(&bytes)
            .map_err(|e| format!("{}: {e}; remove it to have it made again", file.display()))
    };
    Ok(VolumeSample { name, read: Arc::new(read) })
}

/// What the model says of itself.
fn about(args: &TrainArgs, mut model: VolumeModel, data: &Path) -> VolumeModel {
    let card = &mut model.card;
    let phantoms = data.to_string_lossy().starts_with("phantom:");
    card.title = args.title.clone().unwrap_or_else(|| format!("{} on {}", card.title, data.display()));
    card.trained_on = args.trained_on.clone().unwrap_or_else(|| data.display().to_string());
    let (licence, notice) =
        (phantoms.then_some(dataset::PHANTOM_LICENCE), phantoms.then_some(dataset::PHANTOM_NOTICE));
    card.licence = args.licence.clone().or(licence.map(str::to_owned)).unwrap_or_default();
    card.notice = args.notice.clone().or(notice.map(str::to_owned)).unwrap_or_default();
    card.command = command_line();
    card.created = utc_now();
    model
}
