//! Adam whose state survives a restart on any device.
//!
//! burn's own Adam restores its state onto the default device, which on a machine without a GPU is one that cannot be
//! opened; here a restored state stays on the host until the step that first needs it.

use burn::{
    optim::{ModuleOptimizer, Optimizer, RecordState, StateSink, StateSource},
    tensor::{Device, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

/// Adam (Kingma and Ba, 2015, algorithm 1) with L2 decay added to the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    pub beta_1: f32,
    pub beta_2: f32,
    pub epsilon: f32,
    pub weight_decay: f32,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Adam {
    pub fn init(self) -> ModuleOptimizer {
        ModuleOptimizer::from(self)
    }
}

/// First and second moment of one parameter after `time` steps.
#[derive(Clone)]
pub struct AdamState<const D: usize> {
    time: usize,
    first: Moment<D>,
    second: Moment<D>,
}

#[expect(clippy::large_enum_variant, reason = "nearly all are tensors, two for each parameter")]
#[derive(Clone)]
enum Moment<const D: usize> {
    Tensor(Tensor<D>),
    /// Restored, and not yet on a device.
    Host(TensorData),
}

impl<const D: usize> Moment<D> {
    fn on(self, device: &Device) -> Tensor<D> {
        match self {
            Moment::Tensor(t) if t.device() == *device => t,
            Moment::Tensor(t) => t.to_device(device),
            Moment::Host(data) => Tensor::from_data(data, device),
        }
    }

    fn data(&self) -> TensorData {
        match self {
            Moment::Tensor(t) => t.to_data(),
            Moment::Host(data) => data.clone(),
        }
    }
}

impl<const D: usize> RecordState for AdamState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_scalar(prefix, "time", self.time.into());
        out.push_tensor(prefix, "first", self.first.data());
        out.push_tensor(prefix, "second", self.second.data());
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, _default: &Device) -> Option<Self> {
        let time = usize::try_from(src.take_scalar(prefix, "time")?).ok()?;
        let first = Moment::Host(src.take_tensor(prefix, "first")?);
        let second = Moment::Host(src.take_tensor(prefix, "second")?);
        Some(Self { time, first, second })
    }
}

impl Optimizer for Adam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        lr: f64,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let device = tensor.device();
        let grad =
            if self.weight_decay == 0.0 { grad } else { grad + tensor.clone().mul_scalar(self.weight_decay) };
        let (time, first, second) = match state {
            Some(s) => (s.time + 1, s.first.on(&device), s.second.on(&device)),
            None => (1, grad.zeros_like(), grad.zeros_like()),
        };
        let first = first.mul_scalar(self.beta_1) + grad.clone().mul_scalar(1.0 - self.beta_1);
        let second = second.mul_scalar(self.beta_2) + (grad.clone() * grad).mul_scalar(1.0 - self.beta_2);
        let power = i32::try_from(time).unwrap_or(i32::MAX);
        let [c1, c2] = [self.beta_1, self.beta_2].map(|beta| 1.0 - f64::from(beta).powi(power));
        let delta = first.clone().mul_scalar(lr / c1)
            / (second.clone().mul_scalar(1.0 / c2).sqrt() + f64::from(self.epsilon));
        let state = AdamState { time, first: Moment::Tensor(first), second: Moment::Tensor(second) };
        (tensor - delta, Some(state))
    }

    fn to_device<const D: usize>(state: AdamState<D>, device: &Device) -> AdamState<D> {
        AdamState {
            time: state.time,
            first: Moment::Tensor(state.first.on(device)),
            second: Moment::Tensor(state.second.on(device)),
        }
    }
}
