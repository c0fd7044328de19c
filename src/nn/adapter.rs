//! From a burn module to a [`Network`].

use super::{
    BuildError, Choices, ComputeDevice, Head, InputRule, LossFn, ModelSpec, NamedTensors, Network,
    NetworkError, Outputs, ParamInfo,
    blocks::{precision::in_half, random},
    options,
    parameters::{
        blend, count_of, gradients_of, is_statistic, load_strict, name_hash, parameters_of, replace,
        tensors_of,
    },
    spatial_transformer::{self, Whole},
    train::OptimizerStep,
};
use crate::memory;
use burn::{
    module::{Module, ModuleDisplay},
    optim::GradientsParams,
    tensor::{Device, Tensor},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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

impl InitSite<'_> {
    /// PyTorch's and Jittor's rule: uniform over ±1/√fan_in, norms 1 and 0.
    pub fn standard(&self) -> Init {
        match self.fan_in {
            0 if self.name.ends_with("weight") || self.name.ends_with("gamma") => Init::Constant(1.0),
            0 => Init::Constant(0.0),
            fan_in => Init::Uniform(1.0 / (fan_in as f64).sqrt()),
        }
    }
}

/// The reference's constructor arguments, with its defaults.
pub trait Config: Default + Serialize + DeserializeOwned + 'static {
    /// Says what is wrong with the values, if anything is.
    fn check(&self) -> Result<(), String>;
    /// Input channels.
    fn channels(&self) -> usize;
    fn head(&self) -> Head;
    /// The size `[depth, height, width]` to which volumes are resized.
    fn grid(&self) -> Option<[usize; 3]> {
        None
    }
    /// The values of those options that are words, an encoder's name for example.
    fn choices() -> Choices {
        &[]
    }
}

/// What a network file writes: a burn module whose field paths are the reference's parameter names.
pub trait SegmentationModule<const D: usize = 4>: Module + ModuleDisplay + 'static {
    type Config: Config;

    fn spec() -> &'static ModelSpec;
    /// The layers, with any weights.
    fn new(config: &Self::Config, device: &Device) -> Self;
    /// Training behaviour (batch statistics, dropout) is on where the input's device records gradients.
    fn forward(&self, input: Tensor<D>) -> Outputs<D>;
    /// About how many bytes of memory one pixel of a tile, or voxel of a volume, takes while it is inferred.
    fn bytes_per_pixel(config: &Self::Config) -> usize;
    /// The sizes of input that a configuration takes, where they differ from those of the default one.
    fn input(_config: &Self::Config) -> InputRule {
        Self::spec().input
    }

    /// The reference's initialisation; where it says nothing, PyTorch's (and Jittor's).
    fn initial(site: &InitSite<'_>) -> Init {
        site.standard()
    }
}

/// [`ModelSpec::default_config`] of a network.
pub(super) fn default_config<const D: usize, M: SegmentationModule<D>>() -> Value {
    json!(M::Config::default())
}

/// The network's own options, and whether a spatial transformer stands before it.
fn read_config<const D: usize, M: SegmentationModule<D>>(
    config: &Value,
) -> Result<(M::Config, bool), BuildError> {
    let refuse = |reason| BuildError::Config { network: M::spec().id, reason };
    let mut config = config.clone();
    let option = spatial_transformer::OPTION;
    let transformed = match config.as_object_mut().and_then(|map| map.remove(option)) {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Bool(true)) if D == 4 => true,
        Some(Value::Bool(true)) => return Err(refuse(format!("{option} is for networks of slices"))),
        Some(other) => return Err(refuse(format!("{option} is true or false, not {other}"))),
    };
    let config: M::Config = match config {
        Value::Null => M::Config::default(),
        config => serde_json::from_value(config).map_err(|e| refuse(e.to_string()))?,
    };
    options::check(&json!(config)).and_then(|()| config.check()).map_err(refuse)?;
    Ok((config, transformed))
}

/// The layers that a configuration asks for, with any weights.
fn whole<const D: usize, M: SegmentationModule<D>>(
    config: &M::Config,
    transformed: bool,
    device: &Device,
) -> Whole<M> {
    Whole::new(M::new(config, device), transformed.then(|| config.channels()), device)
}

/// [`ModelSpec::ends`] of a network.
pub(super) fn ends<const D: usize, M: SegmentationModule<D>>(
    config: &Value,
) -> Result<(usize, Head), BuildError> {
    let (config, _) = read_config::<D, M>(config)?;
    Ok((config.channels(), config.head()))
}

/// [`ModelSpec::parameters`] of a network.
pub(super) fn parameters<const D: usize, M: SegmentationModule<D>>(
    config: &Value,
) -> Result<Vec<ParamInfo>, BuildError> {
    let (config, transformed) = read_config::<D, M>(config)?;
    Ok(parameters_of(&whole::<D, M>(&config, transformed, &Device::flex())))
}

/// [`ModelSpec::build`] of a network.
pub(super) fn build<const D: usize, M: SegmentationModule<D>>(
    config: &Value,
    seed: u64,
    device: &ComputeDevice,
) -> Result<Box<dyn Network<D>>, BuildError> {
    let (config, transformed) = read_config::<D, M>(config)?;
    // Once while it is built, and once more for the optimiser or for reading it back.
    let parameters = parameters_of(&whole::<D, M>(&config, transformed, &Device::flex()));
    memory::check(2 * size_of::<f32>() as u128 * count_of(&parameters))
        .map_err(|e| BuildError::Config { network: M::spec().id, reason: format!("it is too large: {e}") })?;
    Ok(Box::new(Adapter::<D, M>::new(&config, transformed, seed, device)))
}

/// A burn module behind the [`Network`] trait.
struct Adapter<const D: usize, M: SegmentationModule<D>> {
    config: Value,
    head: Head,
    channels: usize,
    input: InputRule,
    grid: Option<[usize; 3]>,
    bytes_per_pixel: usize,
    device: ComputeDevice,
    /// The module without gradients; stale once `training` is set.
    module: Whole<M>,
    /// The module with gradients, from the first training step on.
    training: Option<Whole<M>>,
    /// A moving average of the weights, without gradients.
    average: Option<Whole<M>>,
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

impl<const D: usize, M: SegmentationModule<D>> Adapter<D, M> {
    /// Parameters get their initial values from `seed` by the module's rule, drawn on the host by name, so that every
    /// device starts from the same numbers.
    fn new(config: &M::Config, transformed: bool, seed: u64, device: &ComputeDevice) -> Self {
        let module = whole::<D, M>(config, transformed, device.burn());
        let parameters = parameters_of(&module);
        let shapes: BTreeMap<&str, &[usize]> =
            parameters.iter().map(|p| (p.name.as_str(), p.shape.as_slice())).collect();
        let fan_in = |name: &str| {
            let weight = name
                .rsplit_once('.')
                .map_or_else(|| "weight".to_owned(), |(layer, _)| format!("{layer}.weight"));
            let shape = shapes.get(weight.as_str()).filter(|s| s.len() > 1);
            shape.map_or(0, |s| s[1..].iter().product())
        };
        let initial = |name: &str, shape: &[usize]| {
            let count = shape.iter().product();
            let own = if transformed { name.strip_prefix(spatial_transformer::INNER) } else { Some(name) };
            if own.is_none()
                && let Some(values) = spatial_transformer::initial(name, count)
            {
                return Some(values);
            }
            // The network starts from the same values with and without a transformer.
            let site = InitSite { name: own.unwrap_or(name), shape, fan_in: fan_in(name) };
            let init = if own.is_some() { M::initial(&site) } else { site.standard() };
            (!is_statistic(name)).then(|| draw(init, site.name, count, seed))
        };
        let mut own_config = json!(config);
        if transformed {
            own_config[spatial_transformer::OPTION] = true.into();
        }
        let for_transformer = if transformed { spatial_transformer::BYTES_PER_PIXEL } else { 0 };
        Self {
            config: own_config,
            head: config.head(),
            channels: config.channels(),
            input: M::input(config),
            grid: config.grid(),
            bytes_per_pixel: M::bytes_per_pixel(config) + for_transformer,
            device: device.clone(),
            module: replace(module, initial).valid(),
            training: None,
            average: None,
        }
    }

    /// The weights as they are now, without gradients.
    fn current(&self) -> Whole<M> {
        // `valid` also settles the running statistics, which burn keeps one update behind.
        self.training.as_ref().map_or_else(|| self.module.clone(), Module::valid)
    }

    /// The module with other weights. `valid` makes running statistics of its own, so that a clone's are left alone.
    fn with(&self, tensors: &NamedTensors) -> Result<Whole<M>, NetworkError> {
        load_strict(self.current().valid(), tensors)
            .map_err(|differences| NetworkError::Mismatch { network: M::spec().id, differences })
    }

    /// A network of its own around a module.
    fn around(&self, module: Whole<M>) -> Box<dyn Network<D>> {
        Box::new(Adapter {
            config: self.config.clone(),
            device: self.device.clone(),
            module,
            training: None,
            average: None,
            ..*self
        })
    }

    fn training_module(&mut self) -> Whole<M> {
        self.training.take().unwrap_or_else(|| self.module.valid().train())
    }

    /// Forward in training mode and the loss. Until the caller has put a module back the weights are those of before: on
    /// a loss that is not finite, and where the pass is left by unwinding ([`super::watch`]).
    fn forward_loss(
        &mut self,
        input: Tensor<D>,
        loss: &mut LossFn<'_, D>,
        seed: u64,
        half: bool,
    ) -> Result<(Whole<M>, Tensor<1>, f32), NetworkError> {
        let module = self.training_module();
        self.module = module.valid();
        random::seed(seed);
        let loss = loss(&in_half(half, || module.forward(input.autodiff(), M::forward)));
        match loss.clone().inner().try_into_scalar::<f32>() {
            Ok(value) if value.is_finite() => Ok((module, loss, value)),
            Ok(value) => Err(NetworkError::NotFinite(value)),
            Err(e) => Err(NetworkError::Device(e.to_string())),
        }
    }
}

impl<const D: usize, M: SegmentationModule<D>> Network<D> for Adapter<D, M> {
    fn spec(&self) -> &'static ModelSpec {
        M::spec()
    }

    fn config(&self) -> &Value {
        &self.config
    }

    fn device(&self) -> &ComputeDevice {
        &self.device
    }

    fn head(&self) -> Head {
        self.head
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn input(&self) -> InputRule {
        self.input
    }

    fn grid(&self) -> Option<[usize; 3]> {
        self.grid
    }

    fn bytes_per_pixel(&self) -> usize {
        self.bytes_per_pixel
    }

    fn infer(&self, input: Tensor<D>) -> Outputs<D> {
        self.current().forward(input.without_autodiff(), M::forward)
    }

    fn forward_training(&mut self, input: Tensor<D>, seed: u64) -> Outputs<D> {
        let module = self.training_module();
        random::seed(seed);
        let outputs = module.forward(input.autodiff(), M::forward);
        self.training = Some(module);
        outputs
    }

    fn train_step(
        &mut self,
        input: Tensor<D>,
        loss: &mut LossFn<'_, D>,
        optimizer: &mut OptimizerStep,
        lr: f64,
        seed: u64,
    ) -> Result<f32, NetworkError> {
        let half = optimizer.in_half();
        let passed = match self.forward_loss(input.clone(), loss, seed, half) {
            // Beyond 65504 there are no halves.
            Err(NetworkError::NotFinite(value)) if half => {
                optimizer.leave_half(format!("its loss is {value} there"));
                self.forward_loss(input, loss, seed, false)
            }
            passed => passed,
        };
        let (module, loss, value) = passed?;
        let gradients = GradientsParams::from_grads(optimizer.scaled(loss).backward(), &module);
        self.training = Some(optimizer.step(lr, module, gradients));
        Ok(value)
    }

    fn gradients(
        &mut self,
        input: Tensor<D>,
        loss: &mut LossFn<'_, D>,
        seed: u64,
    ) -> Result<(f32, NamedTensors), NetworkError> {
        let (module, loss, value) = self.forward_loss(input, loss, seed, false)?;
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
        self.module = self.with(tensors)?;
        self.training = None;
        self.average = None;
        Ok(())
    }

    fn duplicate(&self) -> Box<dyn Network<D>> {
        self.around(self.current().valid())
    }

    fn average(&mut self, decay: f64) {
        let current = self.current().valid();
        self.average = Some(match self.average.take() {
            Some(average) => blend(average, &current, decay),
            None => current,
        });
    }

    fn averaged(&self) -> Option<Box<dyn Network<D>>> {
        self.average.as_ref().map(|average| self.around(average.valid()))
    }

    fn load_average(&mut self, tensors: &NamedTensors) -> Result<(), NetworkError> {
        self.average = Some(self.with(tensors)?);
        Ok(())
    }
}
