use super::store::StoreError;
use super::{DocumentId, Risk};
use crate::edit::EditError;
use crate::label::LabelId;
use crate::metrics::measurements::MeasurementError;
use std::path::PathBuf;

/// Why a command was not carried out. Nothing has changed where one is returned.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("no image is open")]
    NoDocument,
    #[error("document {0:?} is not open")]
    UnknownDocument(DocumentId),
    #[error("slice {z} does not exist: the image has {depth}")]
    NoSuchSlice { z: usize, depth: usize },
    #[error("voxel {voxel:?} is outside the image, which has the size {dims:?}")]
    OutsideImage { voxel: [usize; 3], dims: [usize; 3] },
    #[error("a stroke is still being drawn: finish it or press Escape first")]
    StrokeOpen,
    #[error("no stroke is being drawn")]
    NoStroke,
    #[error("there is nothing to undo")]
    NothingToUndo,
    #[error("there is nothing to redo")]
    NothingToRedo,
    #[error("{0}")]
    HistoryLost(String),
    #[error("label {0} is not in the label table: add it first")]
    NoSuchLabel(LabelId),
    #[error("label “{0}” is locked: unlock it to paint with it")]
    LabelLocked(String),
    #[error(
        "label “{name}” cannot be removed, because {voxels} voxels have it: erase them or give them another label first"
    )]
    LabelInUse { name: String, voxels: usize },
    #[error(
        "the label cannot be called “{0}”: the name is empty, or another label has it. Choose another name"
    )]
    BadLabelName(String),
    #[error("{0}")]
    Effect(String),
    #[error(transparent)]
    Measurement(#[from] MeasurementError),
    #[error("no model is in use: choose one first")]
    NoModel,
    #[error("model “{0}” is not in the model library")]
    UnknownModel(String),
    #[error(
        "“{0}” has learned nothing yet, so it predicts nothing: verify slices and train it first (panel Learn)"
    )]
    Untrained(String),
    #[error("there is no network “{0}”")]
    UnknownNetwork(String),
    #[error("model {0} has no earlier version to go back to")]
    NoParent(String),
    #[error("slice {z} has no prediction by the model in use yet")]
    NotPredicted { z: usize },
    #[error("the model is still being loaded: try again in a moment")]
    ModelLoading,
    #[error("all slices are being predicted already: wait for it or cancel it")]
    PredictRunning,
    #[error("slice {z} is verified: no model changes it; take the mark away first")]
    SliceVerified { z: usize },
    #[error("the prediction at this voxel is background: there is no component to accept")]
    NoComponent,
    #[error("the model in use does not predict label {0}: choose a model that does")]
    NotOfTheModel(LabelId),
    #[error(
        "the prediction is the same as the mask already, or everything that differs is locked or verified"
    )]
    NothingToAccept,
    #[error("the mask has {0} there already: nothing would change")]
    ThereAlready(String),
    #[error("nothing was changed: {0} is locked, or what the mask has there is; unlock it first")]
    PartLocked(String),
    #[error("a prediction is being accepted already: wait for it or cancel it")]
    AcceptRunning,
    #[error("a large change of this image is still being made: wait for it or cancel it")]
    EditRunning,
    #[error(
        "the mask was edited while a large change was being undone or redone, so it was left as it is: try again"
    )]
    EditedMeanwhile,
    #[error("no voxel that may be changed has label “{0}” there")]
    NothingToClear(String),
    #[error("nothing can be trained: {0}")]
    NothingToTrain(String),
    #[error("a training run is under way: stop it first, and keep the best so far or discard it")]
    TrainingRunning,
    #[error("no training run is {0}")]
    NoTraining(&'static str),
    #[error("{} is there already: choose another name, or say that it may be replaced", .0.display())]
    Exists(PathBuf),
    #[error("no image waits for an answer")]
    NothingAsked,
    #[error("the annotations do not fit this image: set the project aside, or cancel")]
    OtherSize,
    #[error("{0:?} cannot be written: {1}")]
    NotWritable(PathBuf, String),
    #[error(transparent)]
    Edit(EditError),
    #[error("the image cannot be closed yet: {0}")]
    NotSafe(Risk),
    #[error(transparent)]
    Store(#[from] StoreError),
}
