//! Training: patches, augmentation, schedule, and the session that takes one step at a time.
//!
//! Nothing here starts a thread or reads an image file. A session's `step` is short, so that whoever drives it can look
//! at what is more urgent between two steps.

mod augment;
mod average;
mod checkpoint;
mod clip;
mod config;
mod descent;
mod optimizer;
mod sample;
mod sampler;
mod schedule;
mod session;
#[cfg(test)]
mod tests;

pub use super::loss::{IGNORE, Loss, Term};
pub use augment::Augment;
pub use average::Average;
pub use checkpoint::CheckpointError;
pub use config::TrainConfig;
pub use descent::Descent;
pub use optimizer::{Adam, AdamW, Optimizer, Sgd};
pub use sample::{SampleError, TrainSample, score};
pub use sampler::{Batch, Prepared, Sampler};
pub use schedule::Schedule;
pub use session::{CurvePoint, TrainError, TrainEvent, TrainSession};
