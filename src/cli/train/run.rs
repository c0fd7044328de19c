//! One run of a network of slices from its beginning, or from where it was saved, to its end.

use super::{Settings, Setup, TrainArgs, began, command_line, fresh};
use crate::{
    cli::{dataset::Dataset, report::Reporter, say::say, targets::told_if_taken},
    engine::{
        About, Checkpoints, Engine, Event, JobError, JobId, LoadedModel, TrainData, TrainRequest, Trained,
        run_folder::{self, RunFolder},
    },
    nn::{ModelCard, find},
    replace::{self, Displaced, write_bytes},
    time,
    words::counted,
};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const PRETRAINED: &str = "Pretrained without labels: what it predicts means nothing before it is trained further (fovea train --init).";

/// A run is saved after this many steps.
const SAVE_EVERY: u64 = 50;

/// Where one run keeps its things.
pub struct Place {
    pub out: Option<PathBuf>,
    pub checkpoint: PathBuf,
    pub folder: Option<PathBuf>,
    pub resume: bool,
}

/// The error of a run whose loss is no longer a number. What is saved of it cannot be continued either.
pub(super) fn diverged(reason: &str, folder: Option<&Path>, checkpoint: &Path) -> anyhow::Error {
    let saved = folder.unwrap_or(checkpoint).display();
    let best = checkpoint.with_file_name("best.safetensors");
    let kept = match folder.is_some() && best.exists() {
        true => format!(" {} is its best model.", best.display()),
        false => String::new(),
    };
    anyhow!(
        "the run diverged: {reason}. No model was written.{kept} It cannot be continued: start a new one with a lower --lr and another --out or --run. What was saved of this run is in {saved}"
    )
}

impl TrainArgs {
    /// Checks that a run can be kept in the folder, before anything is read. None if it is a fold that was finished before.
    pub(super) fn place(&self, folder: Option<&Path>) -> Result<Option<Place>> {
        let beside = self.out.as_ref().map(|out| out.with_extension("safetensors.run"));
        let checkpoint = folder.map(run_folder::checkpoint_in).or(beside).unwrap_or_default();
        let begun = checkpoint.exists() || folder.is_some_and(|f| f.join("config.json").exists());
        if self.folds.is_some()
            && self.resume
            && folder.is_some_and(|f| run_folder::saved_result(f).is_some())
        {
            return Ok(None);
        }
        let fold_begins = self.folds.is_some() && !begun;
        if self.resume && !begun && !fold_begins {
            bail!(
                "--resume: there is no saved run {}; leave --resume out to start one",
                checkpoint.display()
            );
        }
        if !self.resume && begun {
            bail!(
                "a run is saved in {}: continue it with --resume, or start a new one with another --out or --run",
                folder.unwrap_or(&checkpoint).display()
            );
        }
        let (out, folder) = (self.out.clone(), folder.map(Path::to_owned));
        Ok(Some(Place { out, checkpoint, folder, resume: self.resume && !fold_begins }))
    }

    /// One run from its beginning, or from where it was saved, to its end. `watch` sees every event.
    pub(super) fn train(
        &self,
        setup: &mut Setup,
        data: &Dataset,
        mut settings: Settings,
        place: &Place,
        watch: &mut dyn FnMut(&Engine, JobId, &Event),
    ) -> Result<Arc<Trained>> {
        let Setup { engine, shown, init, teacher, .. } = setup;
        let Some(running) = engine.as_ref() else { bail!("the engine has ended") };
        if place.resume
            && let Some(saved) =
                place.folder.as_deref().map(run_folder::saved_settings).transpose()?.flatten()
        {
            settings = saved;
        }
        let record = match &place.folder {
            Some(folder) => {
                let began = began(settings.train.seed, data.hashes());
                let record = RunFolder::open(folder, &settings, &began, place.resume)?;
                told_if_taken(data.facts()?.write(folder))?;
                Some(record)
            }
            None => None,
        };
        say!("{}", data.summary());
        let base = match init {
            Some(model) => model.clone(),
            None => fresh(running, self.fresh_card(&settings, data)?, settings.train.seed, shown)?,
        };
        let samples = data.samples(&base.card, settings.every_pixel)?;
        let pretrains = settings.train.pretrain.is_some();
        let goes_on = place.resume && place.checkpoint.exists();
        if place.resume && !goes_on {
            say!("there is no checkpoint {}: the run begins at its first step", place.checkpoint.display());
        }
        say!(
            "{} to learn from, {} to validate on; saved every {SAVE_EVERY} steps to {}",
            counted(samples.train.len(), "slice"),
            samples.valid.len(),
            place.checkpoint.display()
        );
        let request = TrainRequest {
            base: base.version(),
            teacher: teacher.as_ref().map(LoadedModel::version),
            earlier: None,
            config: settings.train,
            data: TrainData::Slices {
                samples: samples.train,
                held_out: if pretrains { vec![] } else { samples.valid },
            },
            checkpoints: Some(Checkpoints {
                path: place.checkpoint.clone(),
                every: SAVE_EVERY,
                // A run that was stopped before its first checkpoint starts again.
                resume: goes_on,
                folder: place.folder.clone(),
            }),
            about: self.about(data, pretrains),
        };
        let result = self.learned(engine, shown, (request, &base.card.title), &place.checkpoint, watch)?;
        if let Some(record) = record.filter(|_| result.diverged.is_none()) {
            told_if_taken(record.finish(&result))?;
        }
        Ok(result)
    }

    /// Waits for a run to come to its end. Being told to stop lets it be saved, and says how it goes on from `saved`.
    pub(super) fn learned(
        &self,
        engine: &mut Option<Engine>,
        shown: &mut Reporter,
        (request, title): (TrainRequest, &str),
        saved: &Path,
        watch: &mut dyn FnMut(&Engine, JobId, &Event),
    ) -> Result<Arc<Trained>> {
        let Some(running) = engine.as_ref() else { bail!("the engine has ended") };
        let job = running.train(request);
        let ended = running.block_on(job, |event| {
            shown.show(event);
            watch(running, job, event);
        });
        shown.clear();
        if matches!(ended, Err(JobError::Interrupted)) {
            return Err(self.interrupted(engine.take(), saved));
        }
        match ended.with_context(|| format!("training {title}"))? {
            Event::Trained { result, .. } => Ok(result),
            event => bail!("training gave an unexpected result (a program error): {event:?}"),
        }
    }

    /// Lets the run be saved, and says how it can go on.
    pub(super) fn interrupted(&self, engine: Option<Engine>, checkpoint: &Path) -> anyhow::Error {
        let not_saved =
            engine.map(Engine::close).unwrap_or_default().into_iter().find_map(|event| match event {
                Event::TrainNotSaved { reason, .. } => {
                    Some(format!("it could not be saved now ({reason}); "))
                }
                _ => None,
            });
        let displaced = replace::displaced().into_iter().find(|moved| moved.place == checkpoint);
        let (again, saved) = (if self.resume { "" } else { " --resume" }, checkpoint.display());
        let told = match displaced {
            Some(Displaced { kept, .. }) => format!(
                "the run is saved in {}: rename it to {saved}; then this continues it: {}{again} --overwrite",
                kept.display(),
                command_line()
            ),
            None if checkpoint.exists() => {
                format!("the run is saved in {saved}; this continues it: {}{again}", command_line())
            }
            None => "there was nothing to save yet".to_owned(),
        };
        anyhow::Error::new(JobError::Interrupted).context(not_saved.unwrap_or_default() + &told)
    }

    /// Writes the model and says how it compares. A run that went wrong leaves an existing file alone.
    pub(super) fn finish(&self, result: &Trained, place: &Place) -> Result<()> {
        if let Some(reason) = &result.diverged {
            return Err(diverged(reason, place.folder.as_deref(), &place.checkpoint));
        }
        // That a place was taken meanwhile is said last, after everything else about the run.
        let written = place.out.as_ref().map_or(Ok(()), |out| write_bytes(out, &result.model.bytes));
        let card = &result.model.card;
        if let Some(to) = place.out.as_ref().filter(|_| written.is_ok()).or(place.folder.as_ref()) {
            say!("{} {} -> {}", card.title, card.version, to.display());
        }
        if let Some(comparison) = &result.comparison {
            let text = |d: Option<f64>| d.map_or("none".to_owned(), |d| format!("{d:.4}"));
            for (id, class) in &comparison.after.classes {
                let before = comparison.before.as_ref().and_then(|before| before.classes.get(id));
                let name = card.labels.get(*id).map_or("?", |l| l.name.as_str());
                match before.map(|class| text(class.mean.dice)) {
                    Some(before) => say!("Dice of {name}: {before} before, {} after", text(class.mean.dice)),
                    None => say!("Dice of {name}: {}", text(class.mean.dice)),
                }
            }
            if self.init.is_some() && comparison.gain().is_some_and(|gain| gain < 0.0) {
                say!("The new model is worse than the old one on the validation slices.");
            }
        }
        written?;
        if place.folder.is_none() {
            // The run is over; its checkpoint is of no more use.
            replace::remove_own(&place.checkpoint)
                .with_context(|| format!("{} could not be removed", place.checkpoint.display()))?;
        }
        Ok(())
    }

    pub(super) fn fresh_card(&self, settings: &Settings, data: &Dataset) -> Result<ModelCard> {
        let Settings { network, config, input, .. } = settings;
        let title = || find(network).map_or(network.as_str(), |spec| spec.title);
        let title = self.title.clone().unwrap_or_else(|| format!("{} on {}", title(), data.name));
        let card = ModelCard::new(network, config.clone(), input.clone(), data.labels.clone(), data.modality);
        Ok(ModelCard { title, ..card })
    }

    /// An empty text would say that the model has learned nothing.
    pub(super) fn trained_on(&self) -> Option<String> {
        self.trained_on.clone().filter(|text| !text.trim().is_empty())
    }

    fn about(&self, data: &Dataset, pretrains: bool) -> About {
        let notice = if pretrains { Some(PRETRAINED) } else { data.notice };
        About {
            title: self.title.clone(),
            trained_on: Some(self.trained_on().unwrap_or_else(|| data.summary())),
            licence: self.licence.clone().or_else(|| data.licence.map(str::to_owned)),
            notice: self.notice.clone().or_else(|| notice.map(str::to_owned)),
            command: Some(command_line()),
            created: Some(time::now_text()),
        }
    }
}
