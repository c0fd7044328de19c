use super::explain::model_failure;
use super::nn_world::NnWorld;
use super::predict::{PredictSlice, SegmentSteps};
use super::schedule::{self, Accepted, End, Lane, StepOutcome, Steps, World};
use super::train::TrainRequest;
use super::train_steps::TrainSteps;
use super::{
    Board, Event, ExportFn, Inbox, JobHandle, JobId, LoadedModel, SegmentVolume, SliceKey, Version, WantSlice,
};
use crate::nn::{AnyModel, DeviceChoice, ModelCard, SharedGpu, weights};
use std::sync::Arc;

/// What the networks' thread is asked for.
pub(super) enum Request {
    Load(JobHandle, Load),
    Unload(Version),
    Segment(JobHandle, SegmentVolume),
    Train(JobHandle, Box<TrainRequest>),
}

pub(super) enum Load {
    /// A model file.
    Bytes(Arc<[u8]>),
    /// A network with weights drawn from a seed.
    Fresh(Box<ModelCard>, u64),
}

pub(super) type NnInbox = Inbox<Request, WantSlice>;

pub(super) fn run(
    inbox: &NnInbox,
    board: Arc<Board>,
    choice: DeviceChoice,
    gpu: Option<SharedGpu>,
    export: Option<ExportFn>,
) {
    let mut world = NnWorld::new(board, choice, gpu, export);
    // Chosen before anything asks for it, so that the window can name it.
    let _ = world.device();
    schedule::run(inbox, &mut world);
}

impl World for NnWorld {
    type Request = Request;
    type Wish = WantSlice;

    fn accept(&mut self, request: Request) -> Option<Accepted<Self>> {
        let (lane, job, steps): (_, _, Box<dyn Steps<Self>>) = match request {
            Request::Load(job, load) => {
                (Lane::Prepare, job.clone(), Box::new(LoadStep { job: job.id(), load }))
            }
            Request::Unload(version) => {
                self.forget(&version);
                return None;
            }
            Request::Segment(job, request) => (
                Lane::Volume,
                job.clone(),
                Box::new(SegmentSteps::new(job, Arc::clone(&self.board), request)),
            ),
            Request::Train(job, request) => (
                Lane::Training,
                job.clone(),
                Box::new(TrainSteps::new(job, Arc::clone(&self.board), *request)),
            ),
        };
        Some(Accepted { lane, job, steps })
    }

    fn begin(&mut self, wish: &WantSlice, key: &SliceKey) -> Box<dyn Steps<Self>> {
        Box::new(PredictSlice::new(wish.volume.clone(), key.clone()))
    }

    fn ended(&mut self, job: JobId, end: End) {
        match end {
            End::Cancelled => self.board.cancelled(job),
            End::Failed(_) | End::Panicked(_) => {
                let reason = self.reason(end);
                self.board.fail(job, reason);
            }
        }
    }

    fn wish_failed(&mut self, key: &SliceKey, end: End) {
        let reason = self.reason(end);
        self.board.post(Event::PredictFailed { key: key.clone(), reason });
    }

    fn yield_queue(&mut self) {
        if let Some(gpu) = self.gpu() {
            gpu.yield_queue();
        }
    }

    fn rebuild(&mut self) {
        // A network that panicked may be half changed; all are built again from their bytes when they are wanted.
        self.put_away_all();
    }
}

struct LoadStep {
    job: JobId,
    load: Load,
}

impl LoadStep {
    fn load(&self, world: &mut NnWorld) -> Result<LoadedModel, String> {
        let network = match &self.load {
            Load::Bytes(bytes) => weights::card_of(bytes).map_err(|e| e.to_string())?.network,
            Load::Fresh(card, _) => card.network.clone(),
        };
        let device = world.device_for(&network)?;
        let (model, bytes) = match &self.load {
            Load::Bytes(bytes) => {
                (AnyModel::from_bytes(bytes, &device).map_err(model_failure)?, Arc::clone(bytes))
            }
            Load::Fresh(card, seed) => {
                let mut model =
                    AnyModel::build(card.as_ref().clone(), *seed, &device).map_err(model_failure)?;
                let bytes = model.to_bytes().map_err(model_failure)?;
                (model, bytes.into())
            }
        };
        Ok(world.keep(model, bytes))
    }
}

impl Steps<NnWorld> for LoadStep {
    fn step(&mut self, world: &mut NnWorld) -> StepOutcome {
        match self.load(world) {
            Ok(model) => {
                let job = self.job;
                world.board.finish(job, Event::ModelLoaded { job, model });
                StepOutcome::Done
            }
            Err(reason) => StepOutcome::Failed(reason),
        }
    }
}
