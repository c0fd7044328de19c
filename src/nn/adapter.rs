//! From a burn module to a [`Network`].

use super::{
    ComputeDevice, Head, LossFn, ModelSpec, NamedTensor, NamedTensors, Network, NetworkError, Outputs,
    ParamInfo,
    blocks::random,
    parameters::{gradients_of, load_strict, name_hash, parameters_of, replace, tensors_of},
};
use burn::{
    module::Module,
    optim::{GradientsParams, ModuleOptimizer},
    tensor::Tensor,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// What a parameter starts from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    Constant(f32),
    /// Uniform in ±bound.
    Uniform(f64),
    Normal {
        mean: f64,
        std: f64,
    },
    /// Normal with this deviation, values beyond two deviations drawn again.
    TruncatedNormal(f64),
}

/// A parameter whose initial value is asked for.
pub struct InitSite<'a> {
    pub name: &'a str,
    pub shape: &'a [usize],
    /// Product of all but the first dimension of the weight of the layer; for a bias, of its weight. 0 where the layer
    /// has no weight of rank 2 or more (norms).
    pub fan_in: usize,
}

/// What a network file writes: a burn module whose field paths are the reference's parameter names.
pub trait SegmentationModule: Module + 'static {
    /// Training behaviour (batch statistics, dropout) is on where the input's device records gradients.
    fn forward(&self, input: Tensor<4>) -> Outputs;
    fn head(&self) -> Head;
    fn channels(&self) -> usize;
    fn bytes_per_pixel(&self) -> usize;
    /// The reference's initialisation.
    fn initial(site: &InitSite<'_>) -> Init;
}

/// A burn module behind the [`Network`] trait.
struct Adapter<M> {
    spec: &'static ModelSpec,
    config: Value,
    device: ComputeDevice,
    /// The module without gradients; stale once `training` is set.
    module: M,
    /// The module with gradients, from the first training step on.
    training: Option<M>,
}

/// Boxes a module built on `device` (with any weights) as a network: parameters get their initial values from `seed` by
/// the module's rule, drawn on the host by name, so that every device starts from the same numbers.
pub fn adapt<M: SegmentationModule>(
    spec: &'static ModelSpec,
    config: Value,
    module: M,
    seed: u64,
    device: &ComputeDevice,
) -> Box<dyn Network> {
    let names = parameters_of(&module);
    let fan_in = |name: &str| {
        let weight =
            name.rsplit_once('.').map_or_else(|| "weight".to_owned(), |(layer, _)| format!("{layer}.weight"));
        let shape = names.iter().find(|p| p.name == weight).map(|p| p.shape.as_slice());
        shape.filter(|s| s.len() > 1).map_or(0, |s| s[1..].iter().product())
    };
    let initial: NamedTensors = names
        .iter()
        .filter(|p| p.trainable)
        .map(|p| {
            let site = InitSite { name: &p.name, shape: &p.shape, fan_in: fan_in(&p.name) };
            let values = draw(M::initial(&site), &p.name, p.shape.iter().product(), seed);
            (p.name.clone(), NamedTensor { shape: p.shape.clone(), values })
        })
        .collect();
    let module = replace(module, &initial).valid();
    Box::new(Adapter { spec, config, device: device.clone(), module, training: None })
}

/// Values of an initialisation; the stream depends on the seed and the parameter's name only.
fn draw(init: Init, name: &str, count: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ name_hash(name));
    let mut normal = move || {
        // Box and Muller (1958); 1 - u keeps the logarithm finite.
        let (u, v): (f64, f64) = (rng.random(), rng.random());
        (u, (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos())
    };
    (0..count)
        .map(|_| match init {
            Init::Constant(value) => value,
            Init::Uniform(bound) => (bound * (2.0 * normal().0 - 1.0)) as f32,
            Init::Normal { mean, std } => (mean + std * normal().1) as f32,
            Init::TruncatedNormal(std) => loop {
                let z = normal().1;
                if z.abs() <= 2.0 {
                    break (std * z) as f32;
                }
            },
        })
        .collect()
}

impl<M: SegmentationModule> Adapter<M> {
    /// The weights as they are now, without gradients.
    fn current(&self) -> M {
        // `valid` also settles the running statistics, which burn keeps one update behind.
        self.training.as_ref().map_or_else(|| self.module.clone(), Module::valid)
    }

    fn training_module(&mut self) -> M {
        self.training.take().unwrap_or_else(|| self.module.valid().train())
    }

    /// Forward in training mode and the loss; on a loss that is not finite the module comes back as it was.
    fn forward_loss(
        &mut self,
        input: Tensor<4>,
        loss: &mut LossFn<'_>,
        seed: u64,
    ) -> Result<(M, Tensor<1>, f32), NetworkError> {
        let module = self.training_module();
        let before = module.valid();
        random::seed(seed);
        let loss = loss(&module.forward(input.autodiff()));
        let value: Result<f32, _> = loss.clone().inner().try_into_scalar();
        match value {
            Ok(value) if value.is_finite() => Ok((module, loss, value)),
            other => {
                self.module = before;
                match other {
                    Ok(value) => Err(NetworkError::NotFinite(value)),
                    Err(e) => Err(NetworkError::Device(e.to_string())),
                }
            }
        }
    }
}

impl<M: SegmentationModule> Network for Adapter<M> {
    fn spec(&self) -> &'static ModelSpec {
        self.spec
    }

    fn config(&self) -> &Value {
        &self.config
    }

    fn device(&self) -> &ComputeDevice {
        &self.device
    }

    fn head(&self) -> Head {
        self.module.head()
    }

    fn channels(&self) -> usize {
        self.module.channels()
    }

    fn bytes_per_pixel(&self) -> usize {
        self.module.bytes_per_pixel()
    }

    fn infer(&self, input: Tensor<4>) -> Outputs {
        self.current().forward(input.without_autodiff())
    }

    fn train_step(
        &mut self,
        input: Tensor<4>,
        loss: &mut LossFn<'_>,
        optimizer: &mut ModuleOptimizer,
        lr: f64,
        seed: u64,
    ) -> Result<f32, NetworkError> {
        let (module, loss, value) = self.forward_loss(input, loss, seed)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &module);
        self.training = Some(optimizer.step(lr, module, gradients));
        Ok(value)
    }

    fn gradients(
        &mut self,
        input: Tensor<4>,
        loss: &mut LossFn<'_>,
        seed: u64,
    ) -> Result<(f32, NamedTensors), NetworkError> {
        let (module, loss, value) = self.forward_loss(input, loss, seed)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &module);
        let found = gradients_of(&module, &gradients);
        self.training = Some(module);
        found.map(|found| (value, found))
    }

    fn parameters(&self) -> Vec<ParamInfo> {
        parameters_of(&self.module)
    }

    fn tensors(&self) -> Result<NamedTensors, NetworkError> {
        tensors_of(&self.current())
    }

    fn load(&mut self, tensors: &NamedTensors) -> Result<(), NetworkError> {
        // `valid` makes running statistics of its own, so that a clone's are left alone.
        self.module = load_strict(self.current().valid(), tensors)
            .map_err(|differences| NetworkError::Mismatch { network: self.spec.id, differences })?;
        self.training = None;
        Ok(())
    }

    fn duplicate(&self) -> Box<dyn Network> {
        Box::new(Adapter {
            spec: self.spec,
            config: self.config.clone(),
            device: self.device.clone(),
            module: self.current().valid(),
            training: None,
        })
    }
}
