use super::image::name_of;
use super::store::{RunRecord, RunState};
use super::{DocumentId, TrainOptions};
use crate::engine::{JobId, Trained, Version, run_folder::PastRun};
use crate::label::LabelId;
use crate::nn::ModelCard;
use crate::nn::train::TrainSample;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

mod advice;
mod beginning;
mod judgement;
mod listing;
mod naming;
mod outcome;
mod past;
mod quality;
mod recommended;
mod run;
mod training_set;

pub use judgement::{Judgement, LabelChange};
pub use listing::TrainingImage;
pub(super) use listing::{is_background, training_images, warnings_of};
pub use past::TrainingRun;
pub use quality::Quality;
pub use recommended::{StartFrom, seconds_of};
pub(super) use recommended::{plan, recommended, small, speed};

/// A verified slice that a run learns from, or is measured on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SliceRef {
    /// The image's file.
    pub path: PathBuf,
    /// Native slice.
    pub z: usize,
}

/// `[step, value]` pairs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    pub loss: Vec<[f64; 2]>,
    /// Mean Dice on the slices held out.
    pub valid_dice: Vec<[f64; 2]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrainingState {
    Running,
    Paused,
    /// There is a candidate, and the person has not decided.
    Finished,
    Failed(String),
    Cancelled,
    Adopted,
    Discarded,
}

/// What the comparison on the held-out slices says of a candidate: of the labels that the earlier model knows too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Mean Dice rose by so much, and on most of the slices.
    Better(f64),
    /// Mean Dice fell by so much, and on most of the slices; below 0.
    Worse(f64),
    /// The change of mean Dice is not seen in two digits, or the slices disagree.
    Same(f64),
    /// Every mask is the earlier model's own prediction: nothing could be better.
    OwnMasks,
    /// How good it is is known, and there is nothing to compare it with.
    New,
    /// No slice was held out, or they show no label: nothing is known.
    Unknown,
}

/// The version that a run has made.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub card: Arc<ModelCard>,
    /// With the comparison of both versions, slice by slice.
    pub result: Arc<Trained>,
}

/// What a run made of the held-out slices when it was validated.
#[derive(Clone, Debug)]
pub struct Validation {
    pub step: u64,
    /// Unix time in milliseconds.
    pub at_ms: i64,
    /// Mean over the labels.
    pub dice: Option<f64>,
    /// Of each label, None where the slices show none of it.
    pub per_label: BTreeMap<LabelId, Option<f64>>,
    /// Of the first held-out slices, in their order: the model's own label ids, row by row.
    pub predicted: Vec<Arc<[LabelId]>>,
}

/// Validations whose pictures are kept: the newest.
const MAX_VALIDATIONS: usize = 60;

/// A training run: what it learns from, how it goes, and what it has made.
#[derive(Debug)]
pub struct Training {
    job: JobId,
    /// Unix time in milliseconds when it began.
    started_ms: i64,
    /// The document in whose project file it is kept first; the others whose slices it uses keep it too.
    documents: Vec<DocumentId>,
    base: Version,
    earlier: Option<Version>,
    options: TrainOptions,
    learned_from: Vec<SliceRef>,
    held_out: Vec<SliceRef>,
    images: Vec<TrainingImage>,
    warnings: Vec<String>,
    /// As the network is validated on them.
    held_out_samples: Vec<TrainSample>,
    /// Whose slices they are, one for each.
    held_out_in: Vec<DocumentId>,
    /// Of the earlier model on them, by the new one's labels that both know; empty until it has been measured.
    earlier_dice: BTreeMap<LabelId, Option<f64>>,
    validations: Vec<Validation>,
    curves: Curves,
    step: u64,
    total: u64,
    stage: &'static str,
    eta_secs: Option<f64>,
    /// It is on its way to an early end, with the best so far.
    keeping: bool,
    state: TrainingState,
    candidate: Option<Candidate>,
    checkpoint: Option<PathBuf>,
}

impl Training {
    pub fn job(&self) -> JobId {
        self.job
    }

    /// The version that it started from.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The version that it is compared with: the model that was in use when it began. None where there was none, or none of
    /// slices.
    pub fn earlier(&self) -> Option<&Version> {
        self.earlier.as_ref()
    }

    pub fn options(&self) -> &TrainOptions {
        &self.options
    }

    pub fn learned_from(&self) -> &[SliceRef] {
        &self.learned_from
    }

    /// Slices that it never learns from: validation and comparison are on them.
    pub fn held_out(&self) -> &[SliceRef] {
        &self.held_out
    }

    /// The images that all these slices are of, as they were when the run began.
    pub fn images(&self) -> &[TrainingImage] {
        &self.images
    }

    /// "eye.png and 2 more": whose run it is, in few words.
    pub fn about(&self) -> String {
        let slices = || self.learned_from.iter().chain(&self.held_out);
        let first = match (self.images.first(), slices().next()) {
            (Some(image), _) => image.name.clone(),
            (None, Some(slice)) => name_of(&slice.path),
            (None, None) => return "this image".to_owned(),
        };
        match self.images.len() {
            0 | 1 => first,
            n => format!("{first} and {} more", n - 1),
        }
    }

    /// What a person should know of the run: too little of something, slices left out, a loss that was no number.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The mean Dice of the best validation so far, and its step.
    pub fn best(&self) -> Option<(f64, u64)> {
        let points = self.curves.valid_dice.iter();
        points.max_by(|a, b| a[1].total_cmp(&b[1])).map(|[step, dice]| (*dice, *step as u64))
    }

    /// True once it has been asked to end early and to keep the best so far.
    pub fn is_being_kept(&self) -> bool {
        self.keeping
    }

    /// The held-out slices with their truth, as the network is validated on them.
    pub fn held_out_samples(&self) -> &[TrainSample] {
        &self.held_out_samples
    }

    /// Which of them native slice `z` of a document is.
    pub fn held_out_at(&self, document: DocumentId, z: usize) -> Option<usize> {
        let mut places = self.held_out_in.iter().zip(&self.held_out_samples);
        places.position(|(id, sample)| *id == document && sample.z == z)
    }

    /// The document and the native slice of one of them.
    pub fn place_of(&self, held_out: usize) -> Option<(DocumentId, usize)> {
        Some((*self.held_out_in.get(held_out)?, self.held_out_samples.get(held_out)?.z))
    }

    /// What it made of them so far, oldest first; a run that is resumed after a crash starts an empty list.
    pub fn validations(&self) -> &[Validation] {
        &self.validations
    }

    /// Unix time in milliseconds when it began.
    pub fn started_ms(&self) -> i64 {
        self.started_ms
    }

    pub fn curves(&self) -> &Curves {
        &self.curves
    }

    /// Steps done, and in all.
    pub fn steps(&self) -> [u64; 2] {
        [self.step, self.total]
    }

    /// What it is doing: "training", "validating", "comparing".
    pub fn stage(&self) -> &str {
        self.stage
    }

    pub fn eta_secs(&self) -> Option<f64> {
        self.eta_secs
    }

    pub fn state(&self) -> &TrainingState {
        &self.state
    }

    pub fn candidate(&self) -> Option<&Candidate> {
        self.candidate.as_ref()
    }

    /// It has made a version that nobody has discarded.
    pub fn is_wanted(&self) -> bool {
        self.candidate.is_some() && self.state != TrainingState::Discarded
    }

    pub fn is_under_way(&self) -> bool {
        matches!(self.state, TrainingState::Running | TrainingState::Paused)
    }

    /// True once nothing more can come of the run: there is no candidate to decide on.
    pub(super) fn is_decided(&self) -> bool {
        !self.is_under_way() && self.state != TrainingState::Finished
    }

    pub fn uses(&self, document: DocumentId) -> bool {
        self.documents.contains(&document)
    }

    fn record(&self) -> RunRecord {
        let (state, reason) = match &self.state {
            TrainingState::Running | TrainingState::Paused => (RunState::Running, None),
            TrainingState::Finished => (RunState::Finished, None),
            TrainingState::Failed(reason) => (RunState::Failed, Some(reason.clone())),
            TrainingState::Cancelled => (RunState::Cancelled, None),
            TrainingState::Adopted => (RunState::Adopted, None),
            TrainingState::Discarded => (RunState::Discarded, None),
        };
        let plan = RunPlan {
            options: self.options.clone(),
            learned_from: self.learned_from.clone(),
            held_out: self.held_out.clone(),
            images: self.images.clone(),
            warnings: self.warnings.clone(),
            earlier: self.earlier.as_ref().map(|version| version.to_string()),
        };
        let comparison = self.candidate.as_ref().and_then(|c| c.result.comparison.as_ref()).map(|c| {
            let (means, gain) = (c.means(), c.gain());
            serde_json::json!({ "before": c.before, "after": c.after, "means": means, "gain": gain })
                .to_string()
        });
        RunRecord {
            id: self.started_ms,
            base_version: self.base.to_string(),
            state,
            reason,
            config: serde_json::to_string(&plan).unwrap_or_default(),
            curves: serde_json::to_string(&self.curves).unwrap_or_default(),
            candidate: self.candidate.as_ref().map(|c| c.card.version.clone()),
            comparison,
        }
    }
}

/// What a run is made from, as the project file keeps it.
#[derive(Serialize, Deserialize)]
struct RunPlan {
    options: TrainOptions,
    learned_from: Vec<SliceRef>,
    held_out: Vec<SliceRef>,
    #[serde(default)]
    images: Vec<TrainingImage>,
    #[serde(default)]
    warnings: Vec<String>,
    /// The version that it is compared with.
    #[serde(default)]
    earlier: Option<String>,
}

/// A run that was under way when the program last stopped.
pub(super) struct Interrupted {
    pub document: DocumentId,
    pub run: RunRecord,
}

/// The training runs: the one under way or the last one, one that can be resumed, and those of folders.
#[derive(Default)]
pub(super) struct TrainingRuns {
    current: Option<Training>,
    /// The one that begins next.
    building: Option<beginning::Building>,
    interrupted: Option<Interrupted>,
    /// To compare with those of images.
    past: Vec<PastRun>,
}

impl TrainingRuns {
    pub fn current(&self) -> Option<&Training> {
        self.current.as_ref()
    }

    pub fn past(&self) -> &[PastRun] {
        &self.past
    }

    /// The document whose run was under way when the program last stopped.
    pub fn interrupted(&self) -> Option<DocumentId> {
        self.interrupted.as_ref().map(|i| i.document)
    }

    pub fn under_way(&self) -> Option<&Training> {
        self.current.as_ref().filter(|t| t.is_under_way())
    }

    /// The version that the current run started from: it must stay.
    pub fn base(&self) -> Option<&str> {
        self.current.as_ref().map(Training::base)
    }

    /// The same, until a person has decided on the run: that version must stay as it is.
    pub fn undecided_base(&self) -> Option<&str> {
        self.current.as_ref().filter(|t| !t.is_decided()).map(Training::base)
    }

    pub fn on_interrupted(&mut self, interrupted: Interrupted) {
        self.interrupted = Some(interrupted);
    }

    /// A document is closed.
    pub fn forget_document(&mut self, document: DocumentId) {
        self.interrupted.take_if(|i| i.document == document);
    }
}
