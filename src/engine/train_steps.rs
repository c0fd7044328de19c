//! A training run on the networks' thread, step by step.

use super::ahead;
use super::curves::CurveFiles;
use super::explain::model_failure;
use super::job::Stop;
use super::nn_world::NnWorld;
use super::schedule::{StepOutcome, Steps};
use super::train::{Checkpoints, Comparison, TrainData, TrainRequest, Trained};
use super::train_compare::{Compare, Earlier};
use super::{Board, Eta, Event, JobContext, JobHandle, JobId, TrainPoint};
use crate::nn::train::volumes::VolumeSession;
use crate::nn::train::{Session, TrainError, TrainEvent, TrainSample, TrainSession, TrainingSet};
use crate::nn::watch::{Stopped, Watch, watched};
use crate::nn::{AnyModel, ModelCard, ModelOf};
use crate::replace::Own;
use std::sync::Arc;
use std::time::Instant;

/// The best model of a run so far, in its folder.
const BEST: &str = "best.safetensors";

/// A training run on its way: a slice prepared, a batch, or a tile or volume of a validation or comparison a step.
pub(super) struct TrainSteps {
    job: JobId,
    /// Says whether the run should end early.
    handle: JobHandle,
    /// A step of a network of volumes may last for minutes.
    stop: Arc<dyn Watch>,
    request: TrainRequest,
    phase: Phase,
    diverged: Option<String>,
    stopped_at: Option<u64>,
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
    run: Run,
    curves: Option<CurveFiles>,
}

#[expect(clippy::large_enum_variant, reason = "there is one of them")]
enum Run {
    /// With the model that the new one is compared with, whatever becomes of it in the model library.
    Slices(TrainSession, Option<Earlier>),
    Volumes(VolumeSession),
}

impl TrainSteps {
    pub fn new(job: JobHandle, board: Arc<Board>, request: TrainRequest) -> Self {
        Self {
            job: job.id(),
            handle: job.clone(),
            stop: Arc::new(Stop(JobContext::new(job, board))),
            request,
            phase: Phase::Begin,
            diverged: None,
            stopped_at: None,
            eta: Eta::default(),
        }
    }

    fn begin(&self, world: &mut NnWorld) -> Result<Phase, String> {
        let TrainRequest { base, teacher, earlier, config, data, checkpoints, .. } = &self.request;
        let saved = checkpoints.as_ref().filter(|c| c.resume).map(|c| &c.path);
        let config = config.clone();
        let (run, first, validated) = match data.clone() {
            TrainData::Slices { samples, held_out } => {
                let model = world.model(base)?.slices().map_err(model_failure)?.duplicate();
                // Without the one that was asked for there is nothing to compare with, and the run goes on all the same.
                let earlier = world.model(earlier.as_ref().unwrap_or(base)).ok();
                let earlier = earlier.filter(|_| !held_out.is_empty()).and_then(|model| model.slices().ok());
                let earlier = earlier.and_then(|earlier| Earlier::new(earlier.duplicate(), &model.card));
                let teacher = match teacher {
                    Some(teacher) => Some(world.model(teacher)?.slices().map_err(model_failure)?.duplicate()),
                    None => None,
                };
                let session = match saved {
                    Some(path) => TrainSession::resume(model, path, samples, held_out),
                    None => TrainSession::new(model, config, samples, held_out),
                };
                let session = session.and_then(|session| session.with_teacher(teacher));
                let mut session = session.map_err(|e| e.to_string())?;
                let (first, last) = session.steps();
                if let Some(supply) = ahead::supply(session.batches(), first..last) {
                    session.set_supply(supply);
                }
                let validated = session.validated();
                (Run::Slices(session, earlier), first, validated)
            }
            TrainData::Volumes { view, samples, held_out } => {
                let model = world.model(base)?.volumes().map_err(model_failure)?.duplicate();
                let session = match saved {
                    Some(path) => VolumeSession::resume(model, path, view, samples, held_out),
                    None => VolumeSession::new(model, config, view, samples, held_out),
                };
                let session = session.map_err(|e| e.to_string())?;
                let (first, validated) = (session.steps().0, session.validated());
                (Run::Volumes(session), first, validated)
            }
        };
        let folder = checkpoints.as_ref().and_then(|c| c.folder.as_ref());
        let curves = folder.map(|folder| {
            CurveFiles::open(folder, first, validated)
                .map_err(|e| format!("the curves in {}: {e}", folder.display()))
        });
        let curves = curves.transpose()?;
        match &run {
            Run::Slices(session, _) => self.keep_best(session, world),
            Run::Volumes(session) => self.keep_best(session, world),
        }
        Ok(Phase::Learn(Box::new(Learn { run, curves })))
    }

    fn learn(&mut self, mut learn: Box<Learn>, world: &mut NnWorld) -> Result<Phase, String> {
        let Learn { run, curves } = learn.as_mut();
        let more = match run {
            _ if self.handle.is_finishing() => {
                let (taken, all) = match run {
                    Run::Slices(session, _) => session.steps(),
                    Run::Volumes(session) => session.steps(),
                };
                if taken == 0 {
                    return Err("it was ended before its first step, so there is nothing to keep".to_owned());
                }
                self.stopped_at = (taken < all).then_some(taken);
                false
            }
            // First of all, so that one can see from the beginning what the new model has to be better than.
            Run::Slices(session, Some(earlier)) if earlier.done() < held_out(&self.request).len() => {
                self.measure(earlier, &session.current().card, world)?;
                true
            }
            Run::Slices(session, _) => {
                let event = session.step();
                self.hear(event, session, curves, world)?
            }
            Run::Volumes(session) => {
                match watched(&self.stop, ("training", 0, 0), || session.step()) {
                    Ok(event) => self.hear(event, session, curves, world)?,
                    // The step has changed nothing. The scheduler drops the run, or pauses it.
                    Err(Stopped) => true,
                }
            }
        };
        if more {
            return Ok(Phase::Learn(learn));
        }
        let diverged = match &learn.run {
            Run::Slices(session, _) => session.diverged(),
            Run::Volumes(session) => session.diverged(),
        };
        self.diverged = diverged.map(str::to_owned);
        match learn.run {
            Run::Slices(session, earlier) => {
                let mut new = session.into_model().map_err(|e| e.to_string())?;
                self.request.about.write(&mut new.card);
                let held_out = held_out(&self.request).to_vec();
                Ok(Phase::Compare(Box::new(Compare::new(earlier, new, held_out))))
            }
            Run::Volumes(session) => {
                let mut new = session.into_model().map_err(|e| e.to_string())?;
                self.request.about.write(&mut new.card);
                self.end(new.into(), None, world)?;
                Ok(Phase::Over)
            }
        }
    }

    /// What a step has brought; false once there is nothing left to learn.
    fn hear<const D: usize>(
        &mut self,
        event: Result<TrainEvent, TrainError>,
        session: &Session<D, impl TrainingSet<D>>,
        curves: &mut Option<CurveFiles>,
        world: &NnWorld,
    ) -> Result<bool, String> {
        let job = self.job;
        match event.map_err(|e| e.to_string())? {
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
                    self.write_model(BEST, world, || session.best_model());
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
            // The best that it has reached stands; what it says is asked for at its end.
            TrainEvent::Diverged { .. } => {}
            TrainEvent::SinglePrecision { reason } => {
                world.board.post(Event::TrainSinglePrecision { job, reason });
            }
            TrainEvent::Finished => {
                self.save(session, world);
                self.write_model("last.safetensors", world, || Ok(Some(session.last_model())));
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A tile of the earlier model.
    fn measure(&self, earlier: &mut Earlier, card: &ModelCard, world: &NnWorld) -> Result<(), String> {
        let held_out = held_out(&self.request);
        if earlier.step(held_out, &self.stop)? {
            self.stage(world, "measuring the earlier model", earlier.done(), held_out.len());
            if earlier.done() == held_out.len() {
                let report = earlier.report(card, held_out);
                let per_label = report.classes.iter().map(|(&id, c)| (id, c.mean.dice)).collect();
                world.board.post(Event::TrainEarlier { job: self.job, per_label });
            }
        }
        Ok(())
    }

    fn compare(&mut self, mut compare: Box<Compare>, world: &mut NnWorld) -> Result<Phase, String> {
        let (done, total) = compare.progress();
        if done == total {
            let (mut new, comparison) = compare.end();
            let dice = comparison.as_ref().and_then(|c| c.after.mean_dice);
            new.card.metrics.extend(dice.map(|dice| ("dice/held_out".to_owned(), dice)));
            self.end(new.into(), comparison, world)?;
            return Ok(Phase::Over);
        }
        if compare.step(&self.stop)? {
            self.stage(world, "comparing", done + 1, total);
        }
        Ok(Phase::Compare(compare))
    }

    fn end(
        &self,
        mut new: AnyModel,
        comparison: Option<Comparison>,
        world: &mut NnWorld,
    ) -> Result<(), String> {
        let bytes = new.to_bytes().map_err(model_failure)?.into();
        let model = world.keep(new, bytes);
        let (job, base, diverged) = (self.job, Arc::clone(&self.request.base), self.diverged.clone());
        let result = Arc::new(Trained { base, model, comparison, diverged, stopped_at: self.stopped_at });
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

    /// A run that goes on has the best model of its checkpoint in its folder, whatever became of the file meanwhile.
    fn keep_best<const D: usize>(&self, session: &Session<D, impl TrainingSet<D>>, world: &NnWorld) {
        let folder = self.request.checkpoints.as_ref().and_then(|c| c.folder.as_ref());
        if session.best().is_some() && folder.is_some_and(|folder| !Own::read().has(&folder.join(BEST))) {
            self.write_model(BEST, world, || session.best_model());
        }
    }

    /// Writes a model into the run's folder, where there is one.
    fn write_model<const D: usize>(
        &self,
        name: &str,
        world: &NnWorld,
        model: impl FnOnce() -> Result<Option<ModelOf<D>>, TrainError>,
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

    fn save<const D: usize>(&self, session: &Session<D, impl TrainingSet<D>>, world: &NnWorld) {
        let Some(Checkpoints { path, .. }) = &self.request.checkpoints else { return };
        let job = self.job;
        world.board.post(match session.checkpoint(path) {
            Ok(()) => Event::TrainSaved { job, step: session.steps().0 },
            Err(error) => Event::TrainNotSaved { job, reason: error.to_string() },
        });
    }
}

/// None of volumes, which are not compared.
fn held_out(request: &TrainRequest) -> &[TrainSample] {
    match &request.data {
        TrainData::Slices { held_out, .. } => held_out,
        TrainData::Volumes { .. } => &[],
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
            match &learn.run {
                Run::Slices(session, _) => self.save(session, world),
                Run::Volumes(session) => self.save(session, world),
            }
        }
    }
}
