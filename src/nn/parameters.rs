//! The parameters of a burn module under the reference's names: the path of its fields.

use super::{NamedTensor, NamedTensors, NetworkError, ParamInfo};
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    optim::GradientsParams,
    tensor::{DType, Tensor, TensorData},
};

/// FNV-1a, 64 bit.
pub(super) fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Running statistics, which start as their layer makes them.
pub(super) fn is_statistic(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    matches!(last, "running_mean" | "running_var")
}

/// Whether training changes a tensor: not running statistics, nor a parameter made with `set_require_grad(false)`. burn
/// says so only where gradients are recorded.
fn is_trainable<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    // One without values yet is one of the layers' ([`super::blocks::parameter`]), and learned. Asking would fill it.
    !param.is_initialized() || param.valid().train().is_require_grad()
}

/// Loads tensors into a module; nothing may be missing, left over or of another shape. The error lists differences.
pub(super) fn load_strict<M: Module>(module: M, tensors: &NamedTensors) -> Result<M, Vec<String>> {
    let differences = differences(&parameters_of(&module), tensors);
    if !differences.is_empty() {
        return Err(differences);
    }
    Ok(replace(module, |name, _| tensors.get(name).map(|t| t.values.clone())))
}

/// Trainable numbers of a module.
pub(super) fn count_trainable<M: Module>(module: &M) -> usize {
    let trainable = parameters_of(module).into_iter().filter(|p| p.trainable);
    trainable.map(|p| p.shape.iter().product::<usize>()).sum()
}

/// Numbers of all parameters and buffers.
pub(super) fn count_of(parameters: &[ParamInfo]) -> u128 {
    let count = |p: &ParamInfo| p.shape.iter().fold(1u128, |n, &side| n.saturating_mul(side as u128));
    parameters.iter().map(count).fold(0, u128::saturating_add)
}

/// Names and shapes in the order of the modules.
pub(super) fn parameters_of<M: Module>(module: &M) -> Vec<ParamInfo> {
    let mut walk = Walk::default();
    module.visit(&mut walk);
    walk.found
}

/// Every parameter and buffer, read back from the device.
pub(super) fn tensors_of<M: Module>(module: &M) -> Result<NamedTensors, NetworkError> {
    Read::default().run(module)
}

/// The gradients of those parameters that have one.
pub(super) fn gradients_of<M: Module>(
    module: &M,
    gradients: &GradientsParams,
) -> Result<NamedTensors, NetworkError> {
    Read { gradients: Some(gradients), ..Read::default() }.run(module)
}

/// The module with those values that `values` gives for a name and a shape, each parameter with an id that follows from
/// its name. One parameter after the other, so that a large network is not held twice.
pub(super) fn replace<M: Module>(module: M, values: impl FnMut(&str, &[usize]) -> Option<Vec<f32>>) -> M {
    module.map(&mut Replace { path: Path::default(), values })
}

/// `average·decay + current·(1 − decay)`, parameter by parameter, buffers included.
pub(super) fn blend<M: Module>(average: M, current: &M, decay: f64) -> M {
    let mut taken = Taken(GradientsParams::new());
    current.visit(&mut taken);
    average.map(&mut Blend { current: taken.0, decay })
}

/// Tensors by parameter.
struct Taken(GradientsParams);

impl ModuleVisitor for Taken {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, param.val());
    }
}

struct Blend {
    current: GradientsParams,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let tensor = match self.current.remove::<D>(id) {
            Some(current) => tensor * self.decay + current * (1.0 - self.decay),
            None => tensor,
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
}

/// The first few names and shapes in which a set of tensors differs from what a network has.
pub(super) fn differences(expected: &[ParamInfo], found: &NamedTensors) -> Vec<String> {
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

/// Where a walk is, in the reference's names: fields and indices, but not what only burn knows of (the variant of an enum,
/// the list inside a `Sequential`, the field that holds a `Named`), which stands as an empty step.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn enter(&mut self, name: &str, container: &str) {
        if container == "Named"
            && let Some(holder) = self.0.last_mut()
        {
            holder.clear();
        }
        let counts = !container.starts_with("Enum:") && container != "Struct:Sequential";
        // A field may be called `r#final`, or `self_` where Rust keeps the word for itself.
        let name = name.trim_start_matches("r#").trim_end_matches('_');
        self.0.push(if counts { name.to_owned() } else { String::new() });
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    fn name(&self) -> String {
        let steps: Vec<&str> = self.0.iter().map(String::as_str).filter(|step| !step.is_empty()).collect();
        steps.join(".")
    }
}

/// Collects names and shapes.
#[derive(Default)]
struct Walk {
    path: Path,
    found: Vec<ParamInfo>,
}

impl ModuleVisitor for Walk {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape().to_vec();
        self.found.push(ParamInfo { name: self.path.name(), shape, trainable: is_trainable(param) });
    }
}

/// Reads tensors, or their gradients, back to the host.
#[derive(Default)]
struct Read<'a> {
    walk: Walk,
    gradients: Option<&'a GradientsParams>,
    found: NamedTensors,
    failed: Option<String>,
}

impl Read<'_> {
    fn run<M: Module>(mut self, module: &M) -> Result<NamedTensors, NetworkError> {
        module.visit(&mut self);
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
                self.found.insert(self.walk.path.name(), NamedTensor { shape, values });
            }
            Err(e) => self.failed = Some(e.to_string()),
        }
    }
}

/// Puts new values into the parameters that are given, and gives every parameter an id that follows from its name, so
/// that the state of an optimiser fits the same network built in another process.
struct Replace<F> {
    path: Path,
    values: F,
}

impl<F: FnMut(&str, &[usize]) -> Option<Vec<f32>>> ModuleMapper for Replace<F> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let (device, shape) = (param.lazy_device(), param.lazy_shape().to_vec());
        let id = ParamId::from(name_hash(&name));
        let (_, tensor, mapper) = param.consume();
        let tensor = match (self.values)(&name, &shape) {
            Some(values) => Tensor::from_data(TensorData::new(values, shape), (&device, DType::F32)),
            None => tensor,
        };
        Param::from_mapped_value(id, tensor, mapper)
    }
}
