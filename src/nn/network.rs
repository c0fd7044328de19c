//! The one trait by which the rest of the program knows a network, and the adapter that gives it to any burn module.

use super::{ComputeDevice, ModelSpec};
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    optim::{GradientsParams, ModuleOptimizer},
    tensor::{DType, Tensor, TensorData},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a network computes from a batch.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// Before softmax or sigmoid: `[batch, classes, height, width]`, or one channel for a sigmoid network.
    pub logits: Tensor<4>,
    /// Slice-level findings before the sigmoid, `[batch, findings]`.
    pub detection: Option<Tensor<2>>,
}

/// What the channels of [`Outputs::logits`] mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// One channel a class, background first; softmax over them.
    Softmax { classes: usize },
    /// One channel: the sigmoid is the probability of the only foreground class.
    Sigmoid,
}

impl Head {
    /// Channels of the logits.
    pub fn channels(self) -> usize {
        match self {
            Head::Softmax { classes } => classes,
            Head::Sigmoid => 1,
        }
    }

    /// Classes of a prediction, background included.
    pub fn classes(self) -> usize {
        match self {
            Head::Softmax { classes } => classes,
            Head::Sigmoid => 2,
        }
    }
}

/// A parameter or buffer under the reference's own name.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamInfo {
    pub name: String,
    pub shape: Vec<usize>,
    /// False for running statistics.
    pub trainable: bool,
}

/// Values of a parameter, buffer or gradient on the host, row-major f32.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Tensors by the reference's names.
pub type NamedTensors = BTreeMap<String, NamedTensor>;

#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    #[error("the weights do not fit {network}: {}", .differences.join("; "))]
    Mismatch { network: &'static str, differences: Vec<String> },
    #[error("the loss is not a finite number ({0}); the step was not taken")]
    NotFinite(f32),
    #[error("the result could not be read back from the device: {0}")]
    Device(String),
}

/// Computes the loss `[1]` of a batch from the outputs; runs once a step.
pub type LossFn<'a> = dyn FnMut(&Outputs) -> Tensor<1> + 'a;

/// A built network with its weights, on one device.
pub trait Network: Send {
    fn spec(&self) -> &'static ModelSpec;
    /// The complete configuration that it was built with.
    fn config(&self) -> &Value;
    fn device(&self) -> &ComputeDevice;
    fn head(&self) -> Head;
    /// Input channels.
    fn channels(&self) -> usize;
    /// About how many bytes of memory one pixel of a tile takes while it is inferred.
    fn bytes_per_pixel(&self) -> usize;

    /// Evaluation mode: running statistics, no dropout, no gradients. `input` is `[batch, channels, height, width]` with
    /// sides that the spec's `multiple_of` divides.
    fn infer(&self, input: Tensor<4>) -> Outputs;

    /// Training mode: forward, loss, backward and one optimiser step. Returns the loss before the step. A loss that is
    /// not finite changes nothing, running statistics included. `seed` decides dropout, so that a run resumed from a
    /// checkpoint goes on as it would have.
    fn train_step(
        &mut self,
        input: Tensor<4>,
        loss: &mut LossFn<'_>,
        optimizer: &mut ModuleOptimizer,
        lr: f64,
        seed: u64,
    ) -> Result<f32, NetworkError>;

    /// Loss and gradients in training mode by parameter name; weights stay, running statistics move. A parameter that the
    /// loss does not depend on is missing.
    fn gradients(
        &mut self,
        input: Tensor<4>,
        loss: &mut LossFn<'_>,
        seed: u64,
    ) -> Result<(f32, NamedTensors), NetworkError>;

    /// Parameters and buffers in the order of the modules.
    fn parameters(&self) -> Vec<ParamInfo>;
    /// Parameters and buffers, read back from the device.
    fn tensors(&self) -> Result<NamedTensors, NetworkError>;
    /// Replaces every parameter and buffer. Strict: nothing may be missing, left over or of another shape.
    fn load(&mut self, tensors: &NamedTensors) -> Result<(), NetworkError>;
    /// The same network with the same weights, independent of later training of either.
    fn duplicate(&self) -> Box<dyn Network>;

    /// Trainable numbers.
    fn param_count(&self) -> usize {
        self.parameters().iter().filter(|p| p.trainable).map(|p| p.shape.iter().product::<usize>()).sum()
    }
}

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

/// Running statistics; every other tensor of a module is trained.
fn is_buffer(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    matches!(last, "running_mean" | "running_var")
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
    let module = module.map(&mut Replace::new(&initial)).valid();
    Box::new(Adapter { spec, config, device: device.clone(), module, training: None })
}

/// Values of an initialisation; the stream depends on the seed and the parameter's name only.
fn draw(init: Init, name: &str, count: usize, seed: u64) -> Vec<f32> {
    use rand::RngExt;
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

/// FNV-1a, 64 bit.
pub(super) fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
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
        self.device.burn().seed(seed);
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
        let mut read = Read {
            walk: Walk::default(),
            gradients: Some(&gradients),
            found: NamedTensors::new(),
            failed: None,
        };
        module.visit(&mut read);
        self.training = Some(module);
        read.finish().map(|found| (value, found))
    }

    fn parameters(&self) -> Vec<ParamInfo> {
        parameters_of(&self.module)
    }

    fn tensors(&self) -> Result<NamedTensors, NetworkError> {
        let mut read =
            Read { walk: Walk::default(), gradients: None, found: NamedTensors::new(), failed: None };
        self.current().visit(&mut read);
        read.finish()
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

/// Loads tensors into a module; nothing may be missing, left over or of another shape. The error lists differences.
pub(super) fn load_strict<M: Module>(module: M, tensors: &NamedTensors) -> Result<M, Vec<String>> {
    let differences = differences(&parameters_of(&module), tensors);
    if differences.is_empty() { Ok(module.map(&mut Replace::new(tensors))) } else { Err(differences) }
}

/// Trainable numbers of a module.
pub(super) fn count_trainable<M: Module>(module: &M) -> usize {
    let trainable = parameters_of(module).into_iter().filter(|p| p.trainable);
    trainable.map(|p| p.shape.iter().product::<usize>()).sum()
}

fn parameters_of<M: Module>(module: &M) -> Vec<ParamInfo> {
    let mut walk = Walk::default();
    module.visit(&mut walk);
    walk.found
}

/// The first few names and shapes in which a set of tensors differs from what a network has.
fn differences(expected: &[ParamInfo], found: &NamedTensors) -> Vec<String> {
    const SHOWN: usize = 4;
    let known: std::collections::BTreeSet<&str> = expected.iter().map(|p| p.name.as_str()).collect();
    let missing = expected.iter().filter_map(|p| match found.get(&p.name) {
        None => Some(format!("{} {:?} is missing", p.name, p.shape)),
        Some(t) if t.shape != p.shape => {
            Some(format!("{} is {:?} and should be {:?}", p.name, t.shape, p.shape))
        }
        Some(t) if t.values.len() != p.shape.iter().product::<usize>() => {
            Some(format!("{} holds {} values for {:?}", p.name, t.values.len(), p.shape))
        }
        Some(_) => None,
    });
    let extra = found
        .iter()
        .filter(|(name, _)| !known.contains(name.as_str()))
        .map(|(name, t)| format!("{name} {:?} is left over", t.shape));
    let mut all: Vec<String> = missing.chain(extra).collect();
    if all.len() > SHOWN {
        let more = all.len() - SHOWN;
        all.truncate(SHOWN);
        all.push(format!("and {more} more"));
    }
    all
}

/// Collects names and shapes.
#[derive(Default)]
struct Walk {
    path: Vec<String>,
    found: Vec<ParamInfo>,
}

impl ModuleVisitor for Walk {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let trainable = !is_buffer(&name);
        self.found.push(ParamInfo { name, shape: param.lazy_shape().to_vec(), trainable });
    }
}

/// Reads tensors, or their gradients, back to the host.
struct Read<'a> {
    walk: Walk,
    gradients: Option<&'a GradientsParams>,
    found: NamedTensors,
    failed: Option<String>,
}

impl Read<'_> {
    fn finish(self) -> Result<NamedTensors, NetworkError> {
        self.failed.map_or(Ok(self.found), |reason| Err(NetworkError::Device(reason)))
    }
}

impl ModuleVisitor for Read<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.walk.enter_module(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.walk.exit_module(name, container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = match self.gradients {
            Some(gradients) => gradients.get::<D>(param.id),
            None => Some(param.val()),
        };
        let Some(tensor) = tensor else { return };
        match tensor.without_autodiff().try_into_vec_as::<f32>() {
            Ok(values) => {
                let shape = param.lazy_shape().to_vec();
                self.found.insert(self.walk.path.join("."), NamedTensor { shape, values });
            }
            Err(e) => self.failed = Some(e.to_string()),
        }
    }
}

/// Puts new values into the parameters that are given, and gives every parameter an id that follows from its name, so
/// that the state of an optimiser fits the same network built in another process.
struct Replace<'a> {
    path: Vec<String>,
    tensors: &'a NamedTensors,
}

impl<'a> Replace<'a> {
    fn new(tensors: &'a NamedTensors) -> Self {
        Self { path: vec![], tensors }
    }
}

impl ModuleMapper for Replace<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let (device, shape) = (param.lazy_device(), param.lazy_shape().to_vec());
        let id = ParamId::from(name_hash(&name));
        let (_, tensor, mapper) = param.consume();
        let tensor = match self.tensors.get(&name) {
            Some(new) if new.shape == shape => {
                let data = TensorData::new(new.values.clone(), new.shape.clone());
                Tensor::from_data(data, (&device, DType::F32))
            }
            _ => tensor,
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
}
