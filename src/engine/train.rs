use super::ahead;
use super::curves::Curves;
use super::nn_thread::{NnWorld, model_failure};
use super::predict::{SliceWalk, predict_failure};
use super::schedule::{StepOutcome, Steps};
use super::{Eta, Event, JobId, LoadedModel, TrainPoint, Version};
use crate::label::LabelId;
use crate::metrics::Report;
use crate::nn::train::{TrainConfig, TrainError, TrainEvent, TrainSample, TrainSession, score};
use crate::nn::{AnyModel, Model, ModelCard};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// A training run that starts from a loaded model.
#[derive(Clone, Debug)]
pub struct TrainRequest {
    /// A model that has been loaded ([`super::ModelSource::Fresh`] begins from nothing).
    pub base: Version,
    /// A loaded model that the loss distils from.
    pub teacher: Option<Version>,
    pub config: TrainConfig,
    pub samples: Vec<TrainSample>,
    /// Kept out of training: the run is validated on them, and the new model is compared with the old one.
    pub held_out: Vec<TrainSample>,
    pub checkpoints: Option<Checkpoints>,
    /// What the new model says of itself.
    pub about: About,
}

/// The words of the new model's card; what is None stays as the old card has it.
#[derive(Clone, Debug, Default)]
pub struct About {
    pub title: Option<String>,
    pub trained_on: Option<String>,
    pub licence: Option<String>,
    pub notice: Option<String>,
    pub command: Option<String>,
    /// RFC 3339 in UTC.
    pub created: Option<String>,
}

impl About {
    fn write(&self, card: &mut ModelCard) {
        let words = [
            (&mut card.title, &self.title),
            (&mut card.trained_on, &self.trained_on),
            (&mut card.licence, &self.licence),
            (&mut card.notice, &self.notice),
            (&mut card.command, &self.command),
            (&mut card.created, &self.created),
        ];
        for (old, new) in words {
            if let Some(new) = new {
                old.clone_from(new);
            }
        }
    }
}

/// Where a run is saved as it goes.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    pub path: PathBuf,
    /// Saved after this many steps, whenever the run rests, and at its end.
    pub every: u64,
    /// Goes on from what `path` holds, with the configuration that it holds.
    pub resume: bool,
    /// A folder for the curves (`steps.csv`, `validation.csv`), `best.safetensors`, written whenever a validation is the best
    /// so far, and `last.safetensors`, written at the end.
    pub folder: Option<PathBuf>,
}

/// What a run that came to its end has made.
#[derive(Debug)]
pub struct Trained {
    pub base: Version,
    /// The new version; loaded, so that it can be looked at before it is used.
    pub model: LoadedModel,
    /// None where nothing was held out.
    pub comparison: Option<Comparison>,
    /// Why the run ended early: its loss was no longer a number. The model is the best that it had reached before.
    pub diverged: Option<String>,
}

/// The old and the new model on the held-out slices.
#[derive(Debug)]
pub struct Comparison {
    pub before: Report,
    pub after: Report,
    pub slices: Vec<HeldOut>,
}

impl Comparison {
    /// By how much the mean Dice rose; None where one of the two has none.
    pub fn gain(&self) -> Option<f64> {
        Some(self.after.mean_dice? - self.before.mean_dice?)
    }
}

/// One held-out slice, with what both models make of it: label ids, row by row.
#[derive(Debug)]
pub struct HeldOut {
    pub sample: TrainSample,
    pub before: Arc<[LabelId]>,
    pub after: Arc<[LabelId]>,
}

/// A training run on its way: a slice prepared, a batch, or a tile of a validation or comparison a step.
pub(super) struct TrainSteps {
    job: JobId,
    request: TrainRequest,
    phase: Phase,
    diverged: Option<String>,
    eta: Eta,
}

enum Phase {
    /// Nothing has been built yet.
    Begin,
    Learn(Box<Learn>),
    Compare(Box<Compare>),
    Over,
}

struct Learn {
    session: TrainSession,
    /// The model that the run started from, kept for the comparison, whatever becomes of it on the shelf.
    old: Model,
    curves: Option<Curves>,
}

/// Both models on the held-out slices, the old one first.
struct Compare {
    old: Model,
    new: Model,
    walk: SliceWalk,
    before: Vec<Arc<[LabelId]>>,
    after: Vec<Arc<[LabelId]>>,
}

impl TrainSteps {
    pub fn new(job: JobId, request: TrainRequest) -> Self {
        Self { job, request, phase: Phase::Begin, diverged: None, eta: Eta::default() }
    }

    fn begin(&self, world: &mut NnWorld) -> Result<Phase, String> {
        let base = world.model(&self.request.base)?.slices().map_err(model_failure)?;
        let (model, old) = (base.duplicate(), base.duplicate());
        let teacher = match &self.request.teacher {
            Some(teacher) => Some(world.model(teacher)?.slices().map_err(model_failure)?.duplicate()),
            None => None,
        };
        let TrainRequest { config, samples, held_out, checkpoints, .. } = &self.request;
        let (samples, held_out) = (samples.clone(), held_out.clone());
        let session = match checkpoints {
            Some(Checkpoints { path, resume: true, .. }) => {
                TrainSession::resume(model, path, samples, held_out)
            }
            _ => TrainSession::new(model, config.clone(), samples, held_out),
        };
        let session = session.and_then(|session| session.with_teacher(teacher));
        let mut session = session.map_err(|e| e.to_string())?;
        let (first, last) = session.steps();
        if let Some(supply) = ahead::supply(session.batches(), first..last) {
            session.set_supply(supply);
        }
        let folder = checkpoints.as_ref().and_then(|c| c.folder.as_ref());
        let curves = folder.map(|folder| {
            Curves::open(folder, first, session.validated())
                .map_err(|e| format!("the curves in {}: {e}", folder.display()))
        });
        Ok(Phase::Learn(Box::new(Learn { session, old, curves: curves.transpose()? })))
    }

    fn learn(&mut self, mut learn: Box<Learn>, world: &NnWorld) -> Result<Phase, String> {
        let job = self.job;
        let Learn { session, curves, .. } = learn.as_mut();
        match session.step().map_err(|e| e.to_string())? {
            TrainEvent::Validating { done, total } => self.stage(world, "validating", done, total),
            TrainEvent::Step { step, total, loss, lr } => {
                self.write_curve(world, curves.as_mut().map(|c| c.step(step, loss, lr)));
                world.board.post(Event::TrainSteps { job, points: vec![TrainPoint { step, loss, lr }] });
                let now = Instant::now();
                self.eta.tick(now, step);
                let eta_secs = self.eta.remaining_secs(now, total);
                world.board.post(Event::Progress { job, stage: "training", done: step, total, eta_secs });
                if self.request.checkpoints.as_ref().is_some_and(|c| step.is_multiple_of(c.every.max(1))) {
                    self.save(session, world);
                }
            }
            TrainEvent::Validated { step, dice, value, per_class, best, predicted, .. } => {
                let row = curves.as_mut().map(|c| c.validation(step, value, dice, best, &per_class));
                self.write_curve(world, row);
                if best {
                    self.write_model("best.safetensors", world, || session.best_model());
                }
                let per_label = per_class;
                world.board.post(Event::TrainValidated { job, step, dice, per_label, best, predicted });
            }
            TrainEvent::Diverged { reason, .. } if session.best().is_none() => {
                return Err(format!(
                    "the run diverged: {reason}. Nothing was changed; try a lower learning rate than {:e}",
                    session.config().lr
                ));
            }
            TrainEvent::Diverged { reason, .. } => self.diverged = Some(reason),
            TrainEvent::Finished => {
                self.save(session, world);
                self.write_model("last.safetensors", world, || Ok(Some(session.last_model())));
                let Learn { session, old, .. } = *learn;
                let mut new = session.into_model().map_err(|e| e.to_string())?;
                self.request.about.write(&mut new.card);
                let compare = Compare { old, new, walk: SliceWalk::default(), before: vec![], after: vec![] };
                return Ok(Phase::Compare(Box::new(compare)));
            }
        }
        Ok(Phase::Learn(learn))
    }

    fn compare(&mut self, mut compare: Box<Compare>, world: &mut NnWorld) -> Result<Phase, String> {
        let held_out = &self.request.held_out;
        let Compare { old, new, walk, before, after } = compare.as_mut();
        let done = before.len() + after.len();
        if done == 2 * held_out.len() {
            self.end(*compare, world)?;
            return Ok(Phase::Over);
        }
        let old_turn = before.len() < held_out.len();
        let sample = &held_out[if old_turn { before.len() } else { after.len() }];
        let model = if old_turn { old } else { new };
        if let Some(walked) = walk.step(model, &sample.volume, sample.z).map_err(predict_failure)? {
            if old_turn { before } else { after }.push(walked.labels);
            self.stage(world, "comparing", done + 1, 2 * self.request.held_out.len());
        }
        Ok(Phase::Compare(compare))
    }

    fn end(&self, compare: Compare, world: &mut NnWorld) -> Result<(), String> {
        let Compare { mut new, before, after, .. } = compare;
        let held_out = &self.request.held_out;
        let report = |labels: &[Arc<[LabelId]>]| {
            let scored = held_out.iter().zip(labels).map(|(s, l)| (s.name.clone(), score(&new.card, s, l)));
            Report::new(scored.collect())
        };
        let comparison = (!held_out.is_empty()).then(|| Comparison {
            before: report(&before),
            after: report(&after),
            slices: (held_out.iter().cloned().zip(before.iter().zip(&after)))
                .map(|(sample, (b, a))| HeldOut { sample, before: Arc::clone(b), after: Arc::clone(a) })
                .collect(),
        });
        let dice = comparison.as_ref().and_then(|c| c.after.mean_dice);
        new.card.metrics.extend(dice.map(|dice| ("dice/held_out".to_owned(), dice)));
        let bytes = new.to_bytes().map_err(model_failure)?.into();
        let model = world.shelve(AnyModel::Slices(new), bytes);
        let (job, base, diverged) = (self.job, Arc::clone(&self.request.base), self.diverged.clone());
        let result = Arc::new(Trained { base, model, comparison, diverged });
        world.board.finish(job, Event::Trained { job, result });
        Ok(())
    }

    fn stage(&self, world: &NnWorld, stage: &'static str, done: usize, total: usize) {
        let (done, total) = (done as u64, total as u64);
        world.board.post(Event::Progress { job: self.job, stage, done, total, eta_secs: None });
    }

    fn write_curve(&self, world: &NnWorld, written: Option<std::io::Result<()>>) {
        if let Some(Err(e)) = written {
            let reason = format!("the curves: {e}");
            world.board.post(Event::TrainNotSaved { job: self.job, reason });
        }
    }

    /// Writes a model into the run's folder, where there is one.
    fn write_model(
        &self,
        name: &str,
        world: &NnWorld,
        model: impl FnOnce() -> Result<Option<Model>, TrainError>,
    ) {
        let folder = self.request.checkpoints.as_ref().and_then(|c| c.folder.as_ref());
        let Some(folder) = folder else { return };
        let written = model().map_err(|e| e.to_string()).and_then(|model| {
            let Some(mut model) = model else { return Ok(()) };
            self.request.about.write(&mut model.card);
            model.save(&folder.join(name)).map_err(|e| e.to_string())
        });
        if let Err(reason) = written {
            world.board.post(Event::TrainNotSaved { job: self.job, reason });
        }
    }

    fn save(&self, session: &TrainSession, world: &NnWorld) {
        let Some(Checkpoints { path, .. }) = &self.request.checkpoints else { return };
        let job = self.job;
        world.board.post(match session.checkpoint(path) {
            Ok(()) => Event::TrainSaved { job, step: session.steps().0 },
            Err(error) => Event::TrainNotSaved { job, reason: error.to_string() },
        });
    }
}

impl Steps<NnWorld> for TrainSteps {
    fn step(&mut self, world: &mut NnWorld) -> StepOutcome {
        let next = match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Begin => self.begin(world),
            Phase::Learn(learn) => self.learn(learn, world),
            Phase::Compare(compare) => self.compare(compare, world),
            Phase::Over => Ok(Phase::Over),
        };
        match next {
            Ok(Phase::Over) => StepOutcome::Done,
            Ok(phase) => {
                self.phase = phase;
                StepOutcome::More
            }
            Err(reason) => StepOutcome::Failed(reason),
        }
    }

    fn rest(&mut self, world: &mut NnWorld) {
        self.eta.rest();
        if let Phase::Learn(learn) = &self.phase {
            self.save(&learn.session, world);
        }
    }
}
