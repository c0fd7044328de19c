use super::explain::{device_lost, explain};
use super::predict::{PredictSlice, SegmentSteps};
use super::schedule::{self, Accepted, End, Lane, StepOutcome, Steps, World, drop_quietly};
use super::train::TrainRequest;
use super::train_steps::TrainSteps;
use super::{
    Board, Event, ExportFn, Inbox, JobHandle, JobId, LoadedModel, SegmentVolume, SliceKey, Version, WantSlice,
};
use crate::nn::{
    self, AnyModel, ComputeDevice, DeviceChoice, ModelCard, ModelError, NetworkError, Probabilities,
    SharedGpu, SlicePrediction, weights,
};
use crate::words;
use burn::tensor::Tensor;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
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

/// Networks kept ready; the others are kept as bytes and built again when they are wanted.
const MAX_READY: usize = 4;

/// What the networks' thread owns. Tensors never leave it, but for finished predictions.
pub(super) struct NnWorld {
    pub board: Arc<Board>,
    choice: DeviceChoice,
    gpu: Option<SharedGpu>,
    export: Option<ExportFn>,
    device: Option<Result<ComputeDevice, String>>,
    models: BTreeMap<Version, KeptModel>,
    clock: u64,
}

struct KeptModel {
    loaded: LoadedModel,
    ready: Option<AnyModel>,
    used: u64,
}

pub(super) fn run(
    inbox: &NnInbox,
    board: Arc<Board>,
    choice: DeviceChoice,
    gpu: Option<SharedGpu>,
    export: Option<ExportFn>,
) {
    let mut world = NnWorld { board, choice, gpu, export, device: None, models: BTreeMap::new(), clock: 0 };
    // Chosen before anything asks for it, so that the window can name it.
    let _ = world.device();
    schedule::run(inbox, &mut world);
}

impl NnWorld {
    /// The device, chosen and announced on the first call.
    pub fn device(&mut self) -> Result<ComputeDevice, String> {
        if let Some(device) = &self.device {
            return device.clone();
        }
        let (choice, gpu) = (self.choice, self.gpu.as_ref());
        let device = match catch_unwind(AssertUnwindSafe(|| ComputeDevice::choose(choice, gpu))) {
            Ok(chosen) => chosen.map_err(|e| e.to_string()),
            Err(panic) => Err(explain(&words::of_panic(panic.as_ref()))),
        };
        self.board.post(match &device {
            Ok(device) => Event::DeviceReady {
                name: device.name().to_owned(),
                reason: device.reason().to_owned(),
                kind: device.kind(),
                halves: device.has_halves(),
            },
            Err(reason) => Event::DeviceFailed { reason: reason.clone() },
        });
        self.device.insert(device).clone()
    }

    /// The device for a network: the chosen one, unless it is a graphics device that fails the network's self-test. Then
    /// `auto` takes the CPU for it; `--device gpu` refuses.
    fn device_for(&mut self, network: &str) -> Result<ComputeDevice, String> {
        let device = self.device()?;
        let passed = nn::find(network).map_or(Ok(()), |spec| nn::self_test::network_passed(spec, &device));
        match passed {
            Ok(()) => Ok(device),
            Err(reason) => {
                let reason = format!("{network} failed the self-test on {}: {reason}", device.name());
                match self.choice {
                    DeviceChoice::Gpu => Err(format!("{reason}; choose the CPU instead (--device cpu)")),
                    DeviceChoice::Auto | DeviceChoice::Cpu => {
                        log::warn!("{reason}; it runs on the CPU");
                        Ok(ComputeDevice::cpu(reason))
                    }
                }
            }
        }
    }

    /// After a failure on a graphics device: tests whether it still computes. A lost device is dropped once, with a notice;
    /// later requests fail with that reason.
    fn check_device(&mut self) {
        let Some(Ok(device)) = &self.device else { return };
        if !device.is_gpu() {
            return;
        }
        let answer = catch_unwind(AssertUnwindSafe(|| {
            let ones = Tensor::<1>::ones([4], device.burn());
            (ones.clone() + ones).try_into_vec_as::<f32>().map_err(|e| e.to_string())
        }));
        let text = match answer {
            Ok(Ok(twos)) if twos == [2.0; 4] => return,
            Ok(Ok(wrong)) => format!("it computes wrongly: 1 + 1 gave {wrong:?}"),
            Ok(Err(error)) => error,
            Err(panic) => words::of_panic(panic.as_ref()),
        };
        let reason = device_lost(device.name(), &text);
        self.models.values_mut().for_each(|kept| drop_quietly(kept.ready.take()));
        self.board.post(Event::DeviceFailed { reason: reason.clone() });
        self.device = Some(Err(reason));
    }

    /// A loaded model; it is built again if its network was removed from memory.
    pub fn model(&mut self, version: &Version) -> Result<&AnyModel, String> {
        let put_away = self.models.get(version).filter(|kept| kept.ready.is_none());
        let network = put_away.map(|kept| kept.loaded.card.network.clone());
        let device = match network {
            Some(network) => self.device_for(&network)?,
            None => self.device()?,
        };
        self.clock += 1;
        let Some(kept) = self.models.get_mut(version) else {
            return Err(format!("model {version} is not loaded; choose it again from the list of models"));
        };
        kept.used = self.clock;
        if kept.ready.is_none() {
            let model = AnyModel::from_bytes(&kept.loaded.bytes, &device).map_err(model_failure)?;
            kept.ready = Some(model);
            self.put_away_all_but(MAX_READY);
        }
        let ready = self.models.get(version).and_then(|s| s.ready.as_ref());
        ready.ok_or_else(|| format!("model {version} was removed from memory while it was needed (a program error); choose it again from the list of models"))
    }

    /// Takes a model in that has been built from these bytes, or made them.
    pub fn keep(&mut self, model: AnyModel, bytes: Arc<[u8]>) -> LoadedModel {
        self.clock += 1;
        let loaded = LoadedModel { card: Arc::new(model.card().clone()), bytes };
        let kept = KeptModel { loaded: loaded.clone(), ready: Some(model), used: self.clock };
        self.models.insert(loaded.version(), kept);
        self.put_away_all_but(MAX_READY);
        loaded
    }

    /// Keeps the networks that were used last.
    fn put_away_all_but(&mut self, count: usize) {
        let mut ready: Vec<(u64, Version)> = self
            .models
            .iter()
            .filter(|(_, s)| s.ready.is_some())
            .map(|(v, s)| (s.used, Arc::clone(v)))
            .collect();
        ready.sort();
        for (_, version) in ready.iter().rev().skip(count) {
            if let Some(kept) = self.models.get_mut(version) {
                kept.ready = None;
            }
        }
    }

    /// What the window draws a prediction from, where it lies on the window's own device.
    pub fn export(&self, prediction: &SlicePrediction) -> Option<Arc<dyn Any + Send + Sync>> {
        match (&self.export, &prediction.probabilities) {
            (Some(export), Probabilities::Device(probabilities)) => Some(export(probabilities)),
            _ => None,
        }
    }
}

impl NnWorld {
    /// Why something ended, for a person.
    fn reason(&mut self, end: End) -> String {
        let reason = match end {
            End::Cancelled => "cancelled".to_owned(),
            End::Failed(reason) => reason,
            End::Panicked(text) => explain(&text),
        };
        let worked = matches!(self.device, Some(Ok(_)));
        self.check_device();
        match &self.device {
            Some(Err(lost)) if worked => lost.clone(),
            _ => reason,
        }
    }
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
                self.models.remove(&version);
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
        if let Some(gpu) = &self.gpu {
            gpu.yield_queue();
        }
    }

    fn rebuild(&mut self) {
        // A network that panicked may be half changed; all are built again from their bytes when they are wanted.
        self.models.values_mut().for_each(|kept| drop_quietly(kept.ready.take()));
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

pub(super) fn model_failure(error: ModelError) -> String {
    match error {
        ModelError::Network(NetworkError::Device(text)) => explain(&text),
        other => other.to_string(),
    }
}
