//! Networks: what they are, their weights, prediction and training. The only place, with the engine's worker, that holds
//! tensors.

mod adapter;
pub mod blocks;
pub mod bundled;
mod card;
mod device;
mod encoders;
mod fuse;
pub mod import;
mod local_contrast;
pub mod loss;
pub mod measured;
mod model;
pub mod models;
mod network;
pub mod options;
mod parameters;
pub mod parity;
pub mod pipeline;
pub mod planes;
mod postprocess;
mod predict;
pub mod preprocess;
mod queue;
mod registry;
mod resample;
pub mod self_test;
mod spatial_transformer;
mod spec;
pub mod tiling;
pub mod train;
pub mod watch;
pub mod weights;

pub use adapter::{Config, Init, InitSite, SegmentationModule};
pub use card::{Channels, CoarseSpec, InputSpec, ModelCard, VolumeSpec};
pub use device::{AdapterFacts, ComputeDevice, DeviceChoice, DeviceError, DeviceKind, SharedGpu, adapters};
pub use fuse::fuse;
pub use model::{AnyModel, Model, ModelError, ModelOf, VolumeModel};
pub use network::{Head, LossFn, NamedTensor, NamedTensors, Network, NetworkError, Outputs, ParamInfo};
pub use postprocess::argmax;
pub use predict::{
    DeviceProbabilities, InferenceStep, PredictError, Probabilities, SliceInference, SlicePrediction,
};
pub use registry::{MODELS, find};
pub use spatial_transformer::OPTION as SPATIAL_TRANSFORMER;
pub use spec::{BuildError, Builds, Choices, InputRule, Make, ModelSpec, Published, Rank};
