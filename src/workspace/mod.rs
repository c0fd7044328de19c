//! What is open, and the commands that change it.
//!
//! The window and the command line read the [`Workspace`] and change it only by [`Command`]s, so that everything that is
//! done to data can be recorded and done again. Work that takes time is the engine's; [`Workspace::poll`] hears what has come
//! of it. What a person does to an image is in its project file within a quarter of a second ([`store`]).
//!
//! Each part of the workspace has a file of its own ([`documents`], [`model_library`], [`predictions`], [`training`],
//! [`background_edit`], [`jobs`], [`notice`]), and [`wiring`] puts them together.

mod acceptance;
mod annotated;
mod annotations;
mod background_edit;
mod changes;
mod command;
mod comparison;
mod dismissed;
mod document;
mod documents;
mod editing;
mod effects;
mod error;
mod export;
mod history;
mod image;
mod import;
mod jobs;
mod journal;
mod label_statistics;
mod labels;
mod labels_by_name;
mod measuring;
mod modality;
mod model_library;
mod notice;
mod opening;
mod other_image;
mod part;
mod parts;
mod predicted_at;
mod predictions;
mod reformat;
mod risk;
mod save_state;
mod saving;
mod source;
mod statistics;
pub mod store;
pub mod study;
mod surfaces;
mod training;
mod wiring;

pub use crate::engine::DocumentId;
pub use annotations::Annotations;
pub use command::{
    AcceptScope, Command, EditCommand, Export, LabelCommand, MeasureCommand, ModelCommand, OtherImageAnswer,
    ProjectCommand, Take, TrainCommand, TrainOptions, Unlabelled,
};
pub use comparison::{Agreement, Compared, Comparison, SliceAgreement};
pub use document::{Document, Opening};
pub use effects::{EffectOrder, EffectPreview};
pub use error::CommandError;
pub use export::{ExportFormat, proposed_export};
pub use jobs::{Activity, Device};
pub use labels_by_name::{class_labels, wanted_labels};
pub use model_library::{LibraryModel, ModelOrigin};
pub use notice::{Asks, Notice, NoticeLevel};
pub use other_image::{Differs, OtherImage};
pub use predicted_at::{Likely, predicted_by};
pub use predictions::{Made, PredictionStatus, SliceLabels};
pub use reformat::{Reformat, translation};
pub use risk::Risk;
pub use save_state::SaveState;
pub use store::{Aside, Place, RunState, asides_beside, mask_hash};
pub use surfaces::SurfaceOf;
pub use training::{
    Candidate, Curves, Judgement, LabelChange, Quality, SliceRef, StartFrom, Training, TrainingImage,
    TrainingRun, TrainingState, Validation, Verdict, seconds_of,
};
pub use wiring::{Workspace, WorkspaceOptions};
