//! The device and the networks, as the networks' thread owns them.

use super::explain::{device_lost, explain, model_failure};
use super::schedule::{End, drop_quietly};
use super::{Board, Event, ExportFn, LoadedModel, Version};
use crate::nn::{self, AnyModel, ComputeDevice, DeviceChoice, Probabilities, SharedGpu, SlicePrediction};
use crate::words;
use burn::tensor::Tensor;
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

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

impl NnWorld {
    pub fn new(
        board: Arc<Board>,
        choice: DeviceChoice,
        gpu: Option<SharedGpu>,
        export: Option<ExportFn>,
    ) -> Self {
        Self { board, choice, gpu, export, device: None, models: BTreeMap::new(), clock: 0 }
    }

    /// The window's device, where networks compute on it.
    pub fn gpu(&self) -> Option<&SharedGpu> {
        self.gpu.as_ref()
    }

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
    pub fn device_for(&mut self, network: &str) -> Result<ComputeDevice, String> {
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
        self.put_away_all();
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

    pub fn forget(&mut self, version: &Version) {
        self.models.remove(version);
    }

    /// Keeps no network ready: each is built again from its bytes when it is wanted.
    pub fn put_away_all(&mut self) {
        self.models.values_mut().for_each(|kept| drop_quietly(kept.ready.take()));
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

    /// Why something ended, for a person.
    pub fn reason(&mut self, end: End) -> String {
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
