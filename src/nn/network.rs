//! The one trait by which the rest of the program knows a network. `D` is the rank of what it takes: 4 for slices, `[batch,
//! channels, height, width]`, and 5 for volumes, `[batch, channels, depth, height, width]`.

use super::{ComputeDevice, InputRule, ModelSpec, train::OptimizerStep};
use burn::tensor::Tensor;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a network computes from a batch.
#[derive(Clone, Debug)]
pub struct Outputs<const D: usize = 4> {
    /// Before softmax or sigmoid: `[batch, channels, …]` of the input's size, with the channels of [`Head`].
    pub logits: Tensor<D>,
    /// Slice-level findings before the sigmoid, `[batch, findings]`.
    pub detection: Option<Tensor<2>>,
    /// Logits of further heads that deep supervision trains, each of any size.
    pub auxiliary: Vec<Tensor<D>>,
}

impl<const D: usize> Outputs<D> {
    /// Logits alone.
    pub fn of(logits: Tensor<D>) -> Self {
        Self { logits, detection: None, auxiliary: vec![] }
    }
}

/// What the channels of [`Outputs::logits`] mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// One channel a class, background first; softmax over them.
    Softmax { classes: usize },
    /// One channel: the sigmoid is the probability of the only foreground class.
    Sigmoid,
    /// One channel for every class but the background, each a sigmoid of its own: classes may overlap, and where they do
    /// the later one counts.
    Sigmoids { classes: usize },
}

impl Head {
    /// Channels of the logits.
    pub fn channels(self) -> usize {
        match self {
            Head::Softmax { classes } => classes,
            Head::Sigmoid => 1,
            Head::Sigmoids { classes } => classes - 1,
        }
    }

    /// Classes of a prediction, background included.
    pub fn classes(self) -> usize {
        match self {
            Head::Softmax { classes } | Head::Sigmoids { classes } => classes,
            Head::Sigmoid => 2,
        }
    }
}

/// A parameter or buffer under the reference's own name.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamInfo {
    pub name: String,
    pub shape: Vec<usize>,
    /// False for running statistics and for tables that stay as they were drawn.
    pub trainable: bool,
}

/// Values of a parameter, buffer or gradient on the host, row-major f32.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl NamedTensor {
    /// A tensor's values on the host.
    pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Self, String> {
        let shape = tensor.dims().to_vec();
        let values = tensor.try_into_vec_as().map_err(|e| e.to_string())?;
        Ok(Self { shape, values })
    }
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
pub type LossFn<'a, const D: usize = 4> = dyn FnMut(&Outputs<D>) -> Tensor<1> + 'a;

/// A built network with its weights, on one device.
pub trait Network<const D: usize = 4>: Send {
    fn spec(&self) -> &'static ModelSpec;
    /// The complete configuration that it was built with.
    fn config(&self) -> &Value;
    fn device(&self) -> &ComputeDevice;
    fn head(&self) -> Head;
    /// Input channels.
    fn channels(&self) -> usize;
    /// The sizes of input that this configuration takes.
    fn input(&self) -> InputRule;
    /// The size `[depth, height, width]` to which volumes are resized for this configuration; slices are not.
    fn grid(&self) -> Option<[usize; 3]>;
    /// About how many bytes of memory one pixel of a tile, or voxel of a volume, takes while it is inferred.
    fn bytes_per_pixel(&self) -> usize;

    /// Evaluation mode: running statistics, no dropout, no gradients. `input` is `[batch, channels, …]` with
    /// sides that [`Network::input`] allows.
    fn infer(&self, input: Tensor<D>) -> Outputs<D>;

    /// A forward pass in training mode, with the statistics of the batch and dropout drawn from `seed`. The weights stay; running
    /// statistics move.
    fn forward_training(&mut self, input: Tensor<D>, seed: u64) -> Outputs<D>;

    /// Training mode: forward, loss, backward and one optimiser step. Returns the loss before the step. A loss that is
    /// not finite changes nothing, running statistics included. `seed` decides dropout, so that a run resumed from a
    /// checkpoint goes on as it would have.
    fn train_step(
        &mut self,
        input: Tensor<D>,
        loss: &mut LossFn<'_, D>,
        optimizer: &mut OptimizerStep,
        lr: f64,
        seed: u64,
    ) -> Result<f32, NetworkError>;

    /// Loss and gradients in training mode by parameter name; weights stay, running statistics move. A parameter that the
    /// loss does not depend on is missing.
    fn gradients(
        &mut self,
        input: Tensor<D>,
        loss: &mut LossFn<'_, D>,
        seed: u64,
    ) -> Result<(f32, NamedTensors), NetworkError>;

    /// Parameters and buffers in the order of the modules.
    fn parameters(&self) -> Vec<ParamInfo>;
    /// Parameters and buffers, read back from the device.
    fn tensors(&self) -> Result<NamedTensors, NetworkError>;
    /// Replaces every parameter and buffer. Strict: nothing may be missing, left over or of another shape.
    fn load(&mut self, tensors: &NamedTensors) -> Result<(), NetworkError>;
    /// The same network with the same weights, independent of later training of either.
    fn duplicate(&self) -> Box<dyn Network<D>>;

    /// Moves the average of the weights, `a ← decay·a + (1 − decay)·w`, running statistics included. There is none at
    /// first, and then it becomes a copy of them whatever the decay.
    fn average(&mut self, decay: f64);
    /// This network with the average for its weights. Loading and duplicating forget the average.
    fn averaged(&self) -> Option<Box<dyn Network<D>>>;
    /// Goes on from an average that was kept. Strict, as [`Network::load`] is.
    fn load_average(&mut self, tensors: &NamedTensors) -> Result<(), NetworkError>;

    /// Trainable numbers.
    fn param_count(&self) -> usize {
        self.parameters().iter().filter(|p| p.trainable).map(|p| p.shape.iter().product::<usize>()).sum()
    }
}
