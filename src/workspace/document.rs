use super::CommandError;
use super::annotated::{Annotated, Drawing, Settled};
use super::annotations::Annotations;
use super::image::{Image, name_of};
use super::journal::Timeline;
use super::labels_by_name::wanted_labels;
use super::save_state::{SaveState, Saving};
use super::statistics::Statistics;
use super::store::{Aside, Project, Restored};
use super::training::TrainingRun;
use crate::edit::Edit;
use crate::engine::{DocumentId, JobId, SliceKey, Version};
use crate::geom::Plane;
use crate::io::SeriesInfo;
use crate::label::{LabelId, LabelMap, LabelTable};
use crate::metrics::measurements::Measurements;
use crate::nn::ModelCard;
use crate::volume::{Modality, Volume};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// An image that is being opened; becomes a [`Document`] once all of it is there.
#[derive(Debug)]
pub struct Opening {
    pub(super) job: JobId,
    pub path: PathBuf,
    pub done: u64,
    pub total: u64,
    /// A slice that can be shown already: an image of depth 1, its place, and how many there will be.
    pub preview: Option<(Volume, usize, usize)>,
    /// The image is there and its project file is being read.
    pub(super) arrived: Option<Box<Document>>,
    /// Its project file is there, and was made on another image: the person decides what becomes of it.
    pub(super) found: Option<Box<Project>>,
    /// What the person said made the image.
    pub(super) modality: Option<Modality>,
}

impl Opening {
    pub(super) fn new(job: JobId, path: PathBuf, modality: Option<Modality>) -> Self {
        let (preview, arrived, found) = (None, None, None);
        Self { job, path, done: 0, total: 0, preview, arrived, found, modality }
    }

    /// As the image will be called.
    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    /// For [`Command::Cancel`](super::Command::Cancel).
    pub fn job(&self) -> JobId {
        self.job
    }
}

/// What predicts on an image.
#[derive(Debug, Default)]
struct Predicts {
    /// The version in use.
    model: Option<Version>,
    /// Its structures that are neither shown nor accepted.
    left_out: BTreeSet<String>,
    /// The version in use, or the one before a network that has learned nothing was put in its place.
    predictor: Option<Version>,
}

/// An open image with what a person has made of it. Read by everyone, changed by [`Command`](super::Command)s only.
#[derive(Debug)]
pub struct Document {
    id: DocumentId,
    image: Image,
    annotated: Annotated,
    saving: Saving,
    /// The label that tools paint with.
    selected: LabelId,
    cursor: [usize; 3],
    predicts: Predicts,
    statistics: Statistics,
    /// Oldest first.
    runs: Vec<TrainingRun>,
}

impl Document {
    /// An image without annotations, and how much memory its undo may take.
    pub(super) fn new((id, undo_bytes): (DocumentId, usize), image: Image) -> Self {
        let (dims, labels) = (image.volume().dims(), image.facts().initial_labels.clone());
        Self {
            id,
            selected: first_of(&labels),
            annotated: Annotated::new(Annotations::empty(dims, labels), undo_bytes),
            image,
            saving: Saving::default(),
            cursor: dims.map(|n| n / 2),
            predicts: Predicts::default(),
            statistics: Statistics::default(),
            runs: Vec::new(),
        }
    }

    /// What its project file holds.
    pub(super) fn restore(&mut self, restored: Restored) {
        self.saving.restored(restored.last_seq, restored.replayed);
        self.annotated.restore(restored.annotations, restored.timeline, restored.last_seq);
        if self.labels().get(self.selected).is_none() {
            self.selected = first_of(self.labels());
        }
    }

    pub fn id(&self) -> DocumentId {
        self.id
    }

    pub fn name(&self) -> &str {
        self.image.name()
    }

    /// The job that has opened it: [`Opening::job`].
    pub fn opened_by(&self) -> JobId {
        self.image.opened_by()
    }

    /// The file, folder or `sample:ID` that it came from.
    pub fn source(&self) -> &Path {
        &self.image.facts().path
    }

    pub fn volume(&self) -> &Volume {
        self.image.volume()
    }

    /// Number of native slices.
    pub fn depth(&self) -> usize {
        self.volume().dims()[2]
    }

    pub fn mask(&self) -> &LabelMap {
        &self.annotated.now().mask
    }

    pub fn labels(&self) -> &LabelTable {
        &self.annotated.now().labels
    }

    pub fn measurements(&self) -> &Measurements {
        &self.annotated.now().measurements
    }

    /// The label that tools paint with.
    pub fn selected_label(&self) -> LabelId {
        self.selected
    }

    /// Native slices that a person has verified.
    pub fn verified(&self) -> &BTreeSet<usize> {
        &self.annotated.now().verified
    }

    pub fn is_verified(&self, z: usize) -> bool {
        self.verified().contains(&z)
    }

    /// The crosshair: voxel (x, y, z).
    pub fn cursor(&self) -> [usize; 3] {
        self.cursor
    }

    /// What the reader of the file had to say.
    pub fn warnings(&self) -> &[String] {
        self.image.warnings()
    }

    /// Whether the image's modality was told from its look alone: a guess, which a person may set right.
    pub fn is_by_look(&self) -> bool {
        self.image.is_by_look()
    }

    /// What [`Document::series`] are in: the folder of a picture that was opened with others, or [`Document::source`].
    pub fn opened(&self) -> &Path {
        self.image.opened()
    }

    /// The images that the file or folder holds, where there are several.
    pub fn series(&self) -> &[SeriesInfo] {
        self.image.series()
    }

    /// The version of the model that predicts here.
    pub fn model(&self) -> Option<&Version> {
        self.predicts.model.as_ref()
    }

    /// The structures of the model in use, by name, that are neither shown nor accepted.
    pub fn left_out(&self) -> &BTreeSet<String> {
        &self.predicts.left_out
    }

    /// The label that each class of a model means here, and the table with those that it brings: as [`class_labels`] gives
    /// them, but for what is left out, by name, which means nothing.
    ///
    /// [`class_labels`]: super::class_labels
    pub fn wanted_labels(&self, card: &ModelCard) -> (Vec<LabelId>, LabelTable) {
        wanted_labels(card, self.labels(), &self.predicts.left_out)
    }

    /// The model in use, or, where a network that has learned nothing is in use, the one before it.
    pub fn predictor(&self) -> Option<&Version> {
        self.predicts.predictor.as_ref()
    }

    /// The base that a prediction of slice `z` must have to be shown: this document, the model in use, the slice.
    pub fn base(&self, z: usize) -> Option<SliceKey> {
        self.predicts.model.clone().map(|version| SliceKey { document: self.id, version, z })
    }

    /// How much a label takes, as it was measured last: mm³, or mm² on an image of depth 1, or pixels where spacing is
    /// unknown. Measured in the background after each change of the image that is looked at; `None` before the first time.
    pub fn label_volume(&self, label: LabelId) -> Option<f64> {
        self.statistics.of_mask(label)
    }

    /// Other projects of this image that were set aside.
    pub fn asides(&self) -> &[Aside] {
        self.saving.asides()
    }

    /// The training runs that its project file keeps, oldest first.
    pub fn runs(&self) -> &[TrainingRun] {
        &self.runs
    }

    /// Grows with every change of mask, labels or verified slices. The mask alone has a revision of its own:
    /// [`LabelMap::revision`].
    pub fn revision(&self) -> u64 {
        self.annotated.revision()
    }

    pub fn can_undo(&self) -> bool {
        self.timeline().next_undo().is_some()
    }

    pub fn can_redo(&self) -> bool {
        self.timeline().next_redo().is_some()
    }

    /// What undo would take back.
    pub fn undo_title(&self) -> Option<&str> {
        self.timeline().next_undo().map(|s| s.title.as_str())
    }

    pub fn redo_title(&self) -> Option<&str> {
        self.timeline().next_redo().map(|s| s.title.as_str())
    }

    /// The steps that can be undone, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.timeline().done().map(|s| s.title.as_str())
    }

    /// The tool of the stroke that is being drawn.
    pub fn stroke(&self) -> Option<&str> {
        self.annotated.stroke()
    }

    pub fn save_state(&self) -> SaveState {
        self.saving.state(self.newest())
    }

    /// Milliseconds from the last change's command to the disk.
    pub fn durable_millis(&self) -> Option<f64> {
        self.saving.durable_millis()
    }

    /// Number of the newest change, and of the newest that is on the disk. Both count from 1.
    pub fn journal(&self) -> [i64; 2] {
        [self.newest(), self.saving.durable()]
    }

    /// Where the project file is, or will be with the first change.
    pub fn project(&self) -> Option<&Path> {
        self.saving.project()
    }

    /// The mask's identity: equal masks have equal hashes.
    pub fn mask_hash(&self) -> String {
        self.annotated.now().mask_hash()
    }

    /// The plane in which the image was acquired: its slices are the native ones.
    pub fn native_plane(&self) -> Plane {
        self.volume().grid().native_plane()
    }

    fn timeline(&self) -> &Timeline {
        self.annotated.history().timeline()
    }

    /// Number of the newest change; 0 before the first.
    pub(super) fn newest(&self) -> i64 {
        self.annotated.history().newest()
    }

    pub(super) fn image(&self) -> &Image {
        &self.image
    }

    pub(super) fn image_mut(&mut self) -> &mut Image {
        &mut self.image
    }

    pub(super) fn annotated(&self) -> &Annotated {
        &self.annotated
    }

    pub(super) fn annotated_mut(&mut self) -> &mut Annotated {
        &mut self.annotated
    }

    /// The annotations to work on; refused while a stroke is being drawn.
    pub(super) fn settled(&self) -> Result<&Annotations, CommandError> {
        self.annotated.settled()
    }

    /// The way to every change of annotations but a stroke's; refused while a stroke is being drawn.
    pub(super) fn edit(&mut self) -> Result<Settled<'_>, CommandError> {
        self.annotated.edit()
    }

    /// Draws a piece of the stroke; refused where there is none.
    pub(super) fn draw(&mut self, drawing: Drawing) -> Result<(), CommandError> {
        self.annotated.open_stroke()?.draw(self.image.volume(), drawing)
    }

    pub(super) fn saving(&self) -> &Saving {
        &self.saving
    }

    pub(super) fn saving_mut(&mut self) -> &mut Saving {
        &mut self.saving
    }

    pub(super) fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    pub(super) fn statistics_mut(&mut self) -> &mut Statistics {
        &mut self.statistics
    }

    pub(super) fn runs_mut(&mut self) -> &mut Vec<TrainingRun> {
        &mut self.runs
    }

    /// Predicts with a version from now on; the one before. `untrained`: it has learned nothing.
    pub(super) fn set_model(&mut self, version: Option<Version>, untrained: bool) -> Option<Version> {
        self.predicts.left_out.clear();
        if !untrained {
            self.predicts.predictor.clone_from(&version);
        }
        std::mem::replace(&mut self.predicts.model, version)
    }

    pub(super) fn leave_out(&mut self, structures: BTreeSet<String>) {
        self.predicts.left_out = structures;
    }

    pub(super) fn select(&mut self, label: LabelId) {
        self.selected = label;
    }

    /// Clamped into the image.
    pub(super) fn set_cursor(&mut self, voxel: [usize; 3]) {
        let dims = self.volume().dims();
        self.cursor = std::array::from_fn(|a| voxel[a].min(dims[a] - 1));
    }

    /// Brings the crosshair to where an undo or redo happened, if it is not there.
    pub(super) fn show(&mut self, edit: &Edit) {
        if let Some(slices) = edit.slices()
            && !slices.contains(&self.cursor[2])
        {
            self.cursor[2] = *slices.start();
        }
        if self.selected != 0 && self.labels().get(self.selected).is_none() {
            self.selected = first_of(self.labels());
        }
    }

    /// The annotations as they are left, with the number of the newest change; `None` where a snapshot has them.
    pub(super) fn last_snapshot(self) -> Option<(i64, Annotations)> {
        let newest = self.newest();
        self.saving.is_ahead_of_snapshot().then(|| (newest, self.annotated.into_now()))
    }
}

/// The label that is selected first; 0 where there is none.
pub(super) fn first_of(labels: &LabelTable) -> LabelId {
    labels.iter().next().map_or(0, |label| label.id)
}
