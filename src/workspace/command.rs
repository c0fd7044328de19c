use super::DocumentId;
use super::effects::EffectOrder;
use super::export::ExportFormat;
use crate::edit::{Limits, Shape};
use crate::engine::JobId;
use crate::geom::Axis;
use crate::label::LabelId;
use crate::metrics::measurements::MeasurementKind;
use crate::nn::train::Precision;
use crate::volume::Modality;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Everything that the window, the command line or a recording does to data. A list of commands replayed on the same
/// images gives the same masks.
///
/// `Edit`, `Effect`, `Labels`, `Measure`, `Cursor`, `Modality`, `Model` and `Project` act on the active document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Opens a file, a folder or `sample:ID`; what is open already is only activated. A folder of a training run is put
    /// beside the runs of the images instead, and one that is there already is read again.
    Open(PathBuf),
    /// Opens one series of several, or says what made the image where the file does not.
    OpenWith {
        path: PathBuf,
        series: Option<String>,
        modality: Option<Modality>,
    },
    /// Says what becomes of a project file that was made on another image than the one that is being opened
    /// ([`Opening::question`](super::Opening::question)); [`Command::Cancel`] opens nothing and leaves it as it is.
    OtherImage {
        opening: JobId,
        answer: OtherImageAnswer,
    },
    /// Refused where something of it would be lost ([`Workspace::risks_of`](super::Workspace::risks_of)).
    Close(DocumentId),
    /// Closes it, whatever of it is lost.
    CloseUnsaved(DocumentId),
    Activate(DocumentId),
    Edit(EditCommand),
    /// Changes the mask by effects, as one step.
    Effect(EffectOrder),
    Labels(LabelCommand),
    Measure(MeasureCommand),
    /// Moves the crosshair to a voxel (x, y, z); clamped into the image.
    Cursor([usize; 3]),
    /// Says what made the image; kept by the project file. Where the model in use is not for it, the one that such an
    /// image opens with takes its place.
    Modality(Modality),
    Model(ModelCommand),
    Train(TrainCommand),
    Project(ProjectCommand),
    /// Stops what [`Workspace::activities`](super::Workspace::activities) lists under this id.
    Cancel(JobId),
}

/// What becomes of a project file that was made on another image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherImageAnswer {
    /// Its annotations belong to this image too: only the file has changed, as when a header was corrected.
    Keep,
    /// It gets a name that says so, and the image begins without annotations.
    SetAside,
}

/// Changes of the mask. Between `Begin` and `Commit` every `Draw` shows at once and all of them are one undo step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditCommand {
    /// Starts a stroke of a tool, named in the history.
    Begin {
        tool: String,
    },
    /// Paints `label` (0 erases) on a shape. Outside a stroke it is a stroke of its own.
    Draw {
        shape: Shape,
        label: LabelId,
        /// Where the person limits painting to.
        #[serde(default)]
        limits: Limits,
    },
    /// Ends the stroke: one undo step, handed to the project file.
    Commit,
    /// Takes the stroke back; nothing of it is kept.
    Abort,
    /// Takes the shown model's prediction into the mask.
    Accept {
        scope: AcceptScope,
    },
    /// Takes the prediction of native slice `z` into the mask and marks the slice as verified, as one step.
    AcceptAndVerify {
        z: usize,
    },
    /// Takes a part of a slice into the mask: the connected pixels of native slice z for which the model in use and another
    /// version, `other`, predict what they predict at voxel (x, y, z).
    TakePart {
        voxel: [usize; 3],
        other: String,
        take: Take,
    },
    /// Marks native slice `z` as verified by the person (or not): no model changes it, and training learns from it.
    SetVerified {
        z: usize,
        on: bool,
    },
    /// Copies the labels of native slice `from` onto slice `to`.
    CopySlice {
        from: usize,
        to: usize,
    },
    /// Makes a label's voxels background: in native slice `slice`, or in every slice that is not verified.
    Clear {
        label: LabelId,
        slice: Option<usize>,
    },
    /// Reads a label image and takes its labels into the mask as one step.
    Import {
        path: PathBuf,
    },
    Undo,
    Redo,
}

/// Whose word counts where two models differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// That of the model in use.
    InUse,
    Other,
    /// Neither: there is background.
    Neither,
}

/// How much of a prediction is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcceptScope {
    /// One native slice.
    Slice(usize),
    /// Every slice; those not predicted yet are predicted first.
    Volume,
    /// One label of the document, or of those that the model brings, in every slice; those not predicted yet are predicted
    /// first.
    Label(LabelId),
    /// The predicted class's connected component at a voxel (x, y, z): 4-connected within the slice, or 6-connected in
    /// the whole volume (`volume`, which predicts missing slices first).
    Component { voxel: [usize; 3], volume: bool },
}

/// Changes of the label table. All but `Select` are undone and redone like strokes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelCommand {
    /// Adds a label with the lowest free id and selects it.
    Add {
        name: String,
    },
    Rename {
        id: LabelId,
        name: String,
    },
    Recolor {
        id: LabelId,
        color: [u8; 3],
    },
    /// A locked label's voxels stay as they are, and nothing is painted with it.
    Lock {
        id: LabelId,
        on: bool,
    },
    Show {
        id: LabelId,
        on: bool,
    },
    /// Removes a label that no voxel carries.
    Remove {
        id: LabelId,
    },
    /// The label that tools paint with; 0 is background.
    Select(LabelId),
}

/// Changes of the measurements; all are undone and redone like strokes. Points are voxel coordinates, with fractions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasureCommand {
    /// `normal`: the axis across the slice that it lies in.
    Add {
        kind: MeasurementKind,
        normal: Axis,
        points: Vec<[f64; 3]>,
    },
    /// Puts the points of one elsewhere.
    Place {
        id: u32,
        points: Vec<[f64; 3]>,
    },
    Rename {
        id: u32,
        name: String,
    },
    Remove {
        id: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelCommand {
    /// Predicts with this version (a version, or a bundled model's id) from now on; `None` stops predicting.
    Use { version: Option<String> },
    /// Adds a model file to the model library and uses it.
    Import { path: PathBuf },
    /// Uses a network of the registry that has learned nothing yet, made for the image's labels: to be trained.
    Fresh { network: String },
    /// Predicts every slice that is not predicted yet, so that all planes show the model's prediction of the volume. Each
    /// shows as soon as it is there, and stays where the rest is cancelled.
    PredictAll,
    /// The same by another version than the model in use, to compare the two.
    PredictAllBy { version: String },
    /// These structures of the model in use, by name, are neither shown nor accepted from now on; all others are. Ends with the
    /// use of the model.
    LeaveOut { structures: BTreeSet<String> },
    /// Goes back to the version that the current one was trained from.
    RollBack,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainCommand {
    /// Trains the active document's model, or a new network, on verified slices: those of [`TrainOptions::images`] and no
    /// others. No image uses what is trained before it is adopted.
    Start(TrainOptions),
    /// Goes on from the candidate with the same slices, for as many steps: a run of its own. The candidate stays in the model
    /// library.
    LearnOn,
    Pause,
    /// Goes on with a paused run, or with one that a crash interrupted, from its last checkpoint.
    Resume,
    /// Ends the run early with the best weights so far, which become a candidate as at its end. Also of a run that a crash
    /// interrupted.
    Keep,
    /// Stops at once and discards what was learned; the run's curves stay in the project file.
    Cancel,
    /// What the candidate is called from now on, in the model library and in the project file.
    Name(String),
    /// Uses the candidate from now on. Never done by the program itself.
    Adopt,
    /// Leaves the candidate unused; it stays in the project file. An image that uses the network which the run began with
    /// from nothing gets back the model that was in use before.
    Discard,
}

/// What a person may set of a run; the rest follows from the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainOptions {
    /// A network of the registry that begins from nothing, made for the labels that are painted; None: the model in use.
    pub network: Option<String>,
    /// The images whose verified slices are learned from; none means the active one alone. Nothing of any other image is
    /// learned from. All of them use the model that is trained, unless that has learned nothing yet.
    pub images: Vec<DocumentId>,
    /// `None`: what fine-tuning this model usually takes.
    pub steps: Option<u64>,
    pub learning_rate: Option<f64>,
    /// Seeds which slices are held out and every random choice of the run.
    pub seed: u64,
    /// Those of the images that judge: all their slices are held out, and nothing of them is learned from. Where there are
    /// any, no slice of another image is held out. None: `valid_fraction` decides.
    pub judges: Vec<DocumentId>,
    /// Share of the verified slices that is held out for validation and comparison; at least one slice is, where two
    /// are verified.
    pub valid_fraction: f32,
    pub unlabelled: Unlabelled,
    pub precision: Precision,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            network: None,
            images: Vec::new(),
            steps: None,
            learning_rate: None,
            seed: 1,
            judges: Vec::new(),
            valid_fraction: 0.2,
            unlabelled: Unlabelled::Background,
            precision: Precision::Single,
        }
    }
}

/// What a pixel without a label says in a verified slice. Slices that are not verified say nothing at all, and pixels
/// of labels that the model does not know are always ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlabelled {
    /// Background: the person has verified the whole slice.
    #[default]
    Background,
    /// Nothing: the pixel is ignored. Background is then taught by a label named "background".
    Ignored,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectCommand {
    /// Writes the mask and its label table beside the image (`NAME_labels.nii.gz`, or `.png` for a picture); the
    /// project file itself is saved with every stroke.
    Save,
    Export(Export),
    /// Tries again at once to write the project files that could not be written.
    Retry,
    /// Keeps the project in the program's own folder from now on, as where its own place cannot be written any more. It is
    /// found there when the image is opened again.
    KeepElsewhere(DocumentId),
    /// Opens the image again with annotations of it that were set aside, by their place in [`Document::asides`]. Those that are
    /// shown now are set aside in their turn.
    ///
    /// [`Document::asides`]: super::Document::asides
    TakeBack(DocumentId, usize),
}

/// A mask written to a place of the person's choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Export {
    pub path: PathBuf,
    pub format: ExportFormat,
    /// Files that are there may be replaced. Images that are open never are.
    #[serde(default)]
    pub replace: bool,
}
