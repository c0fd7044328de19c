//! Training: patches, augmentation, schedule, and the session that takes one step at a time.
//!
//! Nothing here starts a thread or reads an image file. A session's `step` is short, so that its caller can look
//! at what is more urgent between two steps.

mod augment;
mod average;
mod batches;
mod checkpoint;
mod config;
mod contrast;
mod gradients;
mod loss_scale;
mod optimizer;
mod optimizer_step;
mod recipes;
mod sample;
mod sampler;
mod schedule;
pub mod search;
mod select;
mod session;
mod slices;
mod teacher;
#[cfg(test)]
mod tests;
pub mod volumes;

pub use self::optimizer::{Adam, AdamW, Optimizer, Sgd};
pub use super::loss::{IGNORE, Loss, Term};
pub use augment::{Augment, Blur, Jitter, Padding, Zoom};
pub use average::Average;
pub use batches::Batches;
pub use checkpoint::CheckpointError;
pub use config::TrainConfig;
pub use contrast::Contrast;
pub use loss_scale::Precision;
pub use optimizer_step::OptimizerStep;
pub use recipes::{Method, Procedure, RECIPES, Recipe, find_recipe};
pub use sample::{SampleError, TrainSample, score};
pub use sampler::{Batch, Crop, LastBatch, Prepared, Sampler};
pub use schedule::Schedule;
pub use select::BestRule;
pub use session::{CurvePoint, Session, StepInput, TrainError, TrainEvent, TrainingSet, Validation};
pub use slices::{Slices, Supply, TrainSession};
