//! Optimisers at work. burn's own restore their state onto the default device, which on a machine without a GPU is one that
//! cannot be opened; here a restored state stays on the host until the step that first needs it.

use super::{
    Adam, AdamW, Optimizer, Sgd,
    gradients::{clip_by_norm, norm, scale},
    loss_scale::LossScale,
};
use burn::{
    module::Module,
    optim::{GradientsParams, ModuleOptimizer, Optimizer as StepRule, RecordState, StateSink, StateSource},
    store::RecordError,
    tensor::{Bytes, Device, Tensor, TensorData},
};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// An optimiser at work, with the state of every parameter.
#[derive(Clone)]
pub struct OptimizerStep {
    own: Optimizer,
    rule: ModuleOptimizer,
    /// Shared with the rule.
    momentum: Arc<AtomicU32>,
    /// Gradients whose norm over all parameters is larger are scaled to it.
    pub clip_norm: Option<f32>,
    /// Of a run that multiplies in half precision.
    pub(super) loss_scale: Option<LossScale>,
    /// Why it does so no longer, until somebody asks.
    left_half: Option<String>,
}

impl OptimizerStep {
    pub(super) fn new(optimizer: Optimizer) -> Self {
        let momentum = Arc::new(AtomicU32::new(optimizer.momentum().to_bits()));
        let rule = Rule { optimizer, momentum: momentum.clone() };
        Self {
            own: optimizer,
            rule: rule.into(),
            momentum,
            clip_norm: None,
            loss_scale: None,
            left_half: None,
        }
    }

    /// For the steps to come, where a schedule says it (`Schedule::momentum`); `None` is the optimiser's own.
    pub fn set_momentum(&mut self, momentum: Option<f64>) {
        let momentum = momentum.map_or(self.own.momentum(), |m| m as f32);
        self.momentum.store(momentum.to_bits(), Ordering::Relaxed);
    }

    /// Whether the products of the next step are made in half precision.
    pub(in crate::nn) fn in_half(&self) -> bool {
        self.loss_scale.is_some()
    }

    /// From now on the run multiplies in half precision.
    pub(super) fn enter_half(&mut self) {
        self.loss_scale = Some(LossScale::default());
    }

    /// From now on the run multiplies in single precision.
    pub(in crate::nn) fn leave_half(&mut self, reason: impl Into<String>) {
        if self.loss_scale.take().is_some() {
            self.left_half = Some(reason.into());
        }
    }

    /// Why the run has left half precision, once.
    pub(super) fn take_left_half(&mut self) -> Option<String> {
        self.left_half.take()
    }

    /// The loss, as its gradients are taken for [`Self::step`].
    pub(in crate::nn) fn scaled(&self, loss: Tensor<1>) -> Tensor<1> {
        match self.loss_scale {
            Some(by) => loss.mul_scalar(by.factor()),
            None => loss,
        }
    }

    /// Takes a step by the gradients of a [`Self::scaled`] loss. In half precision one whose gradients are not finite numbers
    /// is left out, and the scale made smaller.
    pub(in crate::nn) fn step<M: Module>(&mut self, lr: f64, module: M, mut gradients: GradientsParams) -> M {
        if let Some(by) = self.loss_scale
            && let Some(norm) = norm(&module, &gradients)
        {
            let factor = Tensor::full([1], by.factor().recip(), &norm.device());
            if !norm.try_into_scalar::<f32>().is_ok_and(f32::is_finite) {
                match by.shrunk() {
                    Some(smaller) => self.loss_scale = Some(smaller),
                    None => self.leave_half("its gradients are not finite numbers there"),
                }
                return module;
            }
            scale(&module, &mut gradients, factor);
            self.loss_scale = Some(by.grown());
        }
        if let Some(norm) = self.clip_norm {
            clip_by_norm(&module, &mut gradients, norm);
        }
        self.rule.step(lr, module, gradients)
    }

    /// The state, for [`Self::from_bytes`].
    pub fn to_bytes(&self) -> Result<Bytes, RecordError> {
        self.rule.into_bytes()
    }

    pub fn from_bytes(self, bytes: Bytes) -> Result<Self, RecordError> {
        Ok(Self { rule: self.rule.from_bytes(bytes)?, ..self })
    }
}

/// What burn calls for each parameter.
#[derive(Clone)]
struct Rule {
    optimizer: Optimizer,
    /// The bits of an f32.
    momentum: Arc<AtomicU32>,
}

/// Of one parameter after `time` steps: SGD's velocity, or Adam's first and second moment.
#[derive(Clone)]
struct State<const D: usize> {
    time: usize,
    first: Moment<D>,
    second: Option<Moment<D>>,
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

impl<const D: usize> RecordState for State<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_scalar(prefix, "time", self.time.into());
        out.push_tensor(prefix, "first", self.first.data());
        if let Some(second) = &self.second {
            out.push_tensor(prefix, "second", second.data());
        }
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, _default: &Device) -> Option<Self> {
        let time = usize::try_from(src.take_scalar(prefix, "time")?).ok()?;
        let first = Moment::Host(src.take_tensor(prefix, "first")?);
        let second = src.take_tensor(prefix, "second").map(Moment::Host);
        Some(Self { time, first, second })
    }
}

impl StepRule for Rule {
    type State<const D: usize> = State<D>;

    fn step<const D: usize>(
        &self,
        lr: f64,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<State<D>>,
    ) -> (Tensor<D>, Option<State<D>>) {
        let momentum = f32::from_bits(self.momentum.load(Ordering::Relaxed));
        let (tensor, state) = match self.optimizer {
            Optimizer::Sgd(sgd) => Sgd { momentum, ..sgd }.step(lr, tensor, gradient, state),
            Optimizer::Adam(adam) => {
                let gradient = decayed(gradient, &tensor, adam.weight_decay);
                Adam { beta_1: momentum, ..adam }.step(lr, tensor, gradient, state)
            }
            Optimizer::AdamW(AdamW { beta_2, epsilon, weight_decay, .. }) => {
                let tensor = tensor.mul_scalar(1.0 - lr * f64::from(weight_decay));
                let adam = Adam { beta_1: momentum, beta_2, epsilon, ..Adam::default() };
                adam.step(lr, tensor, gradient, state)
            }
        };
        (tensor, Some(state))
    }

    fn to_device<const D: usize>(state: State<D>, device: &Device) -> State<D> {
        let on = |m: Moment<D>| Moment::Tensor(m.on(device));
        State { time: state.time, first: on(state.first), second: state.second.map(on) }
    }
}

fn decayed<const D: usize>(gradient: Tensor<D>, tensor: &Tensor<D>, weight_decay: f32) -> Tensor<D> {
    if weight_decay == 0.0 { gradient } else { gradient + tensor.clone().mul_scalar(weight_decay) }
}

impl Sgd {
    fn step<const D: usize>(
        self,
        lr: f64,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<State<D>>,
    ) -> (Tensor<D>, State<D>) {
        let gradient = decayed(gradient, &tensor, self.weight_decay);
        let (time, velocity) = match state {
            Some(s) => (s.time, s.first.on(&tensor.device()).mul_scalar(self.momentum) + gradient.clone()),
            None => (0, gradient.clone()),
        };
        let along = if self.nesterov {
            gradient + velocity.clone().mul_scalar(self.momentum)
        } else {
            velocity.clone()
        };
        let state = State { time: time + 1, first: Moment::Tensor(velocity), second: None };
        (tensor - along.mul_scalar(lr), state)
    }
}

impl Adam {
    /// Without decay.
    fn step<const D: usize>(
        self,
        lr: f64,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<State<D>>,
    ) -> (Tensor<D>, State<D>) {
        let device = tensor.device();
        let zeros = || gradient.zeros_like();
        let (time, first, second) = match state {
            Some(s) => (s.time + 1, s.first.on(&device), s.second.map_or_else(zeros, |m| m.on(&device))),
            None => (1, zeros(), zeros()),
        };
        let first = first.mul_scalar(self.beta_1) + gradient.clone().mul_scalar(1.0 - self.beta_1);
        let second =
            second.mul_scalar(self.beta_2) + (gradient.clone() * gradient).mul_scalar(1.0 - self.beta_2);
        let power = i32::try_from(time).unwrap_or(i32::MAX);
        let [c1, c2] = [self.beta_1, self.beta_2].map(|beta| 1.0 - f64::from(beta).powi(power));
        let epsilon = f64::from(self.epsilon);
        let spread = if self.epsilon_hat {
            (second.clone().sqrt() + epsilon).div_scalar(c2.sqrt())
        } else {
            second.clone().mul_scalar(1.0 / c2).sqrt() + epsilon
        };
        let delta = first.clone().mul_scalar(lr / c1) / spread;
        let state = State { time, first: Moment::Tensor(first), second: Some(Moment::Tensor(second)) };
        (tensor - delta, state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{nn::parameters::blend, testing::vectors};
    use burn::module::Param;
    use serde_json::Value;

    #[derive(Module, Debug)]
    struct Weights {
        a: Param<Tensor<1>>,
        b: Param<Tensor<2>>,
    }

    fn device() -> Device {
        Device::flex().autodiff()
    }

    impl Weights {
        fn new(a: [f32; 3]) -> Self {
            let tensor = |values: &[f32]| {
                Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device())
            };
            Self { a: Param::from_tensor(tensor(&a)), b: Param::from_tensor(tensor(&[4.0]).unsqueeze()) }
        }

        fn values(&self) -> Vec<f32> {
            self.a.val().without_autodiff().try_into_vec_as().unwrap()
        }

        /// One step of `Σ c·w² + 0.1·(i + 1)·Σ w` with c = 1, 0.3, −0.7.
        fn step(self, optimizer_step: &mut OptimizerStep, lr: f64, i: usize) -> Self {
            let c = Tensor::<1>::from_data(TensorData::new(vec![1.0f32, 0.3, -0.7], [3]), &device());
            let w = self.a.val();
            let loss = (c * w.clone() * w.clone()).sum() + w.sum().mul_scalar(0.1 * (i + 1) as f32);
            let gradients = GradientsParams::from_grads(loss.backward(), &self);
            optimizer_step.step(lr, self, gradients)
        }
    }

    /// The same in f64: the weights after each of four steps, from the gradient and the step's number from 1.
    fn by_hand(mut rule: impl FnMut(usize, f64, f64, f64) -> f64) -> Vec<[f64; 3]> {
        let mut w = [0.5, -1.0, 2.0];
        (0..4)
            .map(|i| {
                for (k, c) in [1.0, 0.3, -0.7].into_iter().enumerate() {
                    w[k] = rule(k, 2.0 * c * w[k] + 0.1 * (i + 1) as f64, w[k], (i + 1) as f64);
                }
                w
            })
            .collect()
    }

    fn trajectory(optimizer: Optimizer, lr: f64) -> Vec<Vec<f32>> {
        let (mut weights, mut optimizer_step) = (Weights::new([0.5, -1.0, 2.0]), optimizer.init());
        (0..4)
            .map(|i| {
                weights = weights.clone().step(&mut optimizer_step, lr, i);
                weights.values()
            })
            .collect()
    }

    fn close(got: &[f32], want: &[f64], what: &str) {
        for (g, w) in got.iter().zip(want) {
            assert!((f64::from(*g) - w).abs() < 1e-6 * (1.0 + w.abs()), "{what}: {got:?} for {want:?}");
        }
    }

    const NESTEROV: Optimizer = Optimizer::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-4 });
    const HAT: Adam =
        Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.0, epsilon_hat: true };

    #[test]
    fn steps_are_those_of_jmedseg() {
        let Some(vectors) = vectors("jmedseg/losses.json") else { return };
        for (key, optimizer) in [
            ("sgd(lr=.1,m=.9,wd=1e-4)", Optimizer::Sgd(Sgd::default())),
            ("adam(lr=.1)", Optimizer::jmedseg()),
        ] {
            for (got, want) in
                trajectory(optimizer, 0.1).iter().zip(vectors["optim"][key].as_array().unwrap())
            {
                let want: Vec<f64> = want.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
                close(got, &want, key);
            }
        }
    }

    /// The formulas of PyTorch's documentation.
    #[test]
    fn steps_are_their_formulas() {
        let mut v = [0.0; 3];
        let nesterov = by_hand(|k, gradient, w, _| {
            let g = gradient + 1e-4 * w;
            v[k] = 0.9 * v[k] + g;
            w - 0.05 * (g + 0.9 * v[k])
        });
        // A large epsilon, so that it counts where it is added.
        let epsilon = 0.05;
        let adam = |decay: f64, decoupled: f64, hat: bool| {
            let (mut m, mut s) = ([0.0; 3], [0.0; 3]);
            by_hand(move |k, gradient, w, t| {
                let g = gradient + decay * w;
                m[k] = 0.9 * m[k] + 0.1 * g;
                s[k] = 0.99 * s[k] + 0.01 * g * g;
                let [c1, c2] = [1.0 - 0.9f64.powf(t), 1.0 - 0.99f64.powf(t)];
                let spread =
                    if hat { (s[k].sqrt() + epsilon) / c2.sqrt() } else { (s[k] / c2).sqrt() + epsilon };
                w * (1.0 - 0.05 * decoupled) - 0.05 * m[k] / c1 / spread
            })
        };
        let with = |weight_decay, epsilon_hat| {
            Optimizer::Adam(Adam { beta_1: 0.9, beta_2: 0.99, epsilon: 0.05, weight_decay, epsilon_hat })
        };
        let decoupled = AdamW { beta_1: 0.9, beta_2: 0.99, epsilon: 0.05, weight_decay: 0.1 };
        for (what, optimizer, want) in [
            ("Nesterov", NESTEROV, nesterov),
            ("Adam", with(0.1, false), adam(0.1, 0.0, false)),
            ("Adam, other epsilon", with(0.0, true), adam(0.0, 0.0, true)),
            ("AdamW", Optimizer::AdamW(decoupled), adam(0.0, 0.1, false)),
        ] {
            for (got, want) in trajectory(optimizer, 0.05).iter().zip(want) {
                close(got, &want, what);
            }
        }
    }

    #[test]
    fn a_schedule_sets_the_momentum() {
        let mut v = [0.0; 3];
        let want = by_hand(|k, g, w, t| {
            v[k] = (0.95 - 0.05 * t) * v[k] + g;
            w - 0.1 * v[k]
        });
        let mut optimizer_step =
            Optimizer::Sgd(Sgd { momentum: 0.1, nesterov: false, weight_decay: 0.0 }).init();
        let mut weights = Weights::new([0.5, -1.0, 2.0]);
        for (i, want) in want.into_iter().enumerate() {
            optimizer_step.set_momentum(Some(0.95 - 0.05 * (i + 1) as f64));
            weights = weights.step(&mut optimizer_step, 0.1, i);
            close(&weights.values(), &want, "momentum");
        }
    }

    #[test]
    fn the_state_survives_a_restart() {
        for optimizer in [NESTEROV, Optimizer::Adam(HAT), Optimizer::AdamW(AdamW::default())] {
            let (mut weights, mut optimizer_step) = (Weights::new([0.5, -1.0, 2.0]), optimizer.init());
            for i in 0..2 {
                weights = weights.step(&mut optimizer_step, 0.1, i);
            }
            let mut resumed = optimizer.init().from_bytes(optimizer_step.to_bytes().unwrap()).unwrap();
            let [a, b] =
                [&mut optimizer_step, &mut resumed].map(|d| weights.clone().step(d, 0.1, 2).values());
            assert_eq!(a, b, "{optimizer:?}");
            let fresh = weights.clone().step(&mut optimizer.init(), 0.1, 2).values();
            assert_ne!(a, fresh, "{optimizer:?} has a state");
        }
    }

    #[test]
    fn checkpoints_know_the_optimiser_and_older_ones_are_of_adam() {
        for optimizer in [NESTEROV, Optimizer::edema(), Optimizer::AdamW(AdamW::default())] {
            let json = serde_json::to_string(&optimizer).unwrap();
            assert_eq!(serde_json::from_str::<Optimizer>(&json).unwrap(), optimizer, "{json}");
        }
        let read = |text: &str| serde_json::from_str::<Optimizer>(text).unwrap();
        let old = read(r#"{"beta_1":0.9,"beta_2":0.99,"epsilon":1e-8,"weight_decay":0.0001}"#);
        assert_eq!(old, Optimizer::edema());
        assert_eq!(read(r#"{"optimizer":"adamw"}"#), Optimizer::AdamW(AdamW::default()));
        assert!(serde_json::from_str::<Optimizer>(r#"{"optimizer":"lion"}"#).is_err());
    }

    /// Gradients (3, 0, 0) and 4: their norm is 5.
    #[test]
    fn the_norm_of_all_gradients_together_is_clipped() {
        let plain = Optimizer::Sgd(Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 });
        for (clip, factor) in [(None, 1.0), (Some(2.0), 0.4), (Some(6.0), 1.0)] {
            let weights = Weights::new([3.0, 0.0, 0.0]);
            let (a, b) = (weights.a.val(), weights.b.val());
            let loss = (a.clone() * a).sum().mul_scalar(0.5) + (b.clone() * b).sum().mul_scalar(0.5);
            let gradients = GradientsParams::from_grads(loss.backward(), &weights);
            let mut optimizer_step = plain.init();
            optimizer_step.clip_norm = clip;
            let after = optimizer_step.step(1.0, weights, gradients);
            let b = after.b.val().without_autodiff().try_into_vec_as::<f32>().unwrap();
            close(&after.values(), &[3.0 - 3.0 * factor, 0.0, 0.0], "first");
            close(&b, &[4.0 - 4.0 * factor], "second");
        }
    }

    #[test]
    fn a_scaled_loss_makes_the_same_step() {
        for clip in [None, Some(2.0)] {
            let stepped = |scale: Option<LossScale>| {
                let weights = Weights::new([3.0, -1.0, 0.5]);
                let mut optimizer_step = NESTEROV.init();
                (optimizer_step.clip_norm, optimizer_step.loss_scale) = (clip, scale);
                let loss = optimizer_step.scaled((weights.a.val() * weights.a.val()).sum());
                let gradients = GradientsParams::from_grads(loss.backward(), &weights);
                optimizer_step.step(0.1, weights, gradients).values()
            };
            // A power of two: the same to the last digit.
            assert_eq!(stepped(Some(LossScale::default())), stepped(None), "{clip:?}");
        }
    }

    #[test]
    fn a_step_with_gradients_beyond_all_numbers_is_left_out_and_too_many_of_them_end_half_precision() {
        let mut optimizer_step = NESTEROV.init();
        optimizer_step.enter_half();
        let mut weights = Weights::new([3.0, -1.0, 0.5]);
        let mut step = |optimizer_step: &mut OptimizerStep, factor: f32| {
            let loss = weights.a.val().sum().mul_scalar(factor);
            let gradients = GradientsParams::from_grads(optimizer_step.scaled(loss).backward(), &weights);
            weights = optimizer_step.step(0.1, weights.clone(), gradients);
            weights.values()
        };
        let before = vec![3.0, -1.0, 0.5];
        assert_eq!(step(&mut optimizer_step, f32::INFINITY), before);
        assert_eq!(optimizer_step.loss_scale.map(LossScale::factor), Some(32768.0));
        assert_eq!(step(&mut optimizer_step, f32::NAN), before);
        let after = step(&mut optimizer_step, 1.0);
        assert_eq!(optimizer_step.loss_scale.map(LossScale::factor), Some(16384.0));
        assert!(after != before && after.iter().all(|v| v.is_finite()));
        assert_eq!(optimizer_step.take_left_half(), None);
        for _ in 0..15 {
            assert!(optimizer_step.in_half());
            assert_eq!(step(&mut optimizer_step, f32::INFINITY), after);
        }
        assert!(!optimizer_step.in_half());
        assert!(optimizer_step.take_left_half().is_some_and(|reason| reason.contains("gradients")));
        assert_eq!(optimizer_step.take_left_half(), None, "said twice");
    }

    #[test]
    fn the_average_is_the_polyp_systems() {
        let Some(vectors) = vectors("edema_polyp_vessel/losses.json") else { return };
        let v = &vectors["seed3"]["ema"];
        let total = v["total_itrs"].as_u64().unwrap();
        let weights = |value: &Value| Weights::new([value.as_f64().unwrap() as f32; 3]).valid();
        let mut average = weights(&v["init"]);
        // The two have parameters of the same ids, as a network's own have.
        let same = |w: Weights, average: &Weights| Weights {
            a: Param::initialized(average.a.id, w.a.val()),
            b: Param::initialized(average.b.id, w.b.val()),
        };
        for step in v["seq"].as_array().unwrap() {
            let decay = crate::nn::train::Average::Ramp.decay(step["itr"].as_u64().unwrap(), total);
            assert!((decay - step["decay"].as_f64().unwrap()).abs() < 1e-12);
            average = blend(average.clone(), &same(weights(&step["model"]), &average), decay);
            close(&average.values(), &[step["ema"].as_f64().unwrap(); 3], "average");
        }
    }
}
