use super::annotations::Annotations;
use super::editing::Drawing;
use super::journal::Timeline;
use super::label_statistics::Statistics;
use super::source::Stamp;
use super::store::{Aside, CaseFacts, Project};
use super::training::Run;
use crate::edit::EditLog;
use crate::engine::{DocumentId, JobId, SliceKey, Version};
use crate::geom::Plane;
use crate::io::SeriesInfo;
use crate::label::{LabelId, LabelMap, LabelTable};
use crate::volume::{Modality, Volume};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// An image on its way in; becomes a [`Document`] when it is all there.
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

    /// For [`Command::Cancel`](super::Command::Cancel).
    pub fn job(&self) -> JobId {
        self.job
    }
}

/// Where the annotations stand on their way to the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveState {
    /// Everything is on the disk.
    Saved,
    /// This many changes are on their way, as a rule for a few milliseconds.
    Saving(usize),
    /// The project file cannot be written: changes are kept in memory and tried again.
    Failing(String),
    /// No project file is kept for this image.
    NotKept,
}

/// Why a project file cannot be written.
#[derive(Clone, Debug)]
pub(super) struct Failing {
    pub reason: String,
    /// It could be kept in the program's own folder instead.
    pub can_move: bool,
}

/// An open image with what a person has made of it. Read by everyone, changed by [`Command`](super::Command)s only.
#[derive(Debug)]
pub struct Document {
    pub(super) id: DocumentId,
    /// Documents stand in the order in which they were asked for, whatever comes first.
    pub(super) asked: JobId,
    pub(super) name: String,
    pub(super) facts: CaseFacts,
    pub(super) volume: Volume,
    pub(super) now: Annotations,
    pub(super) selected: LabelId,
    pub(super) cursor: [usize; 3],
    pub(super) warnings: Vec<String>,
    /// What the image's files looked like from outside when it was opened.
    pub(super) stamp: Option<Stamp>,
    pub(super) series: Vec<SeriesInfo>,
    /// The modality was told from the picture's look alone, and nobody has said otherwise.
    pub(super) by_look: bool,
    /// What a person has said that made the image.
    pub(super) stated: Option<Modality>,
    /// The model that predicts here.
    pub(super) model: Option<Version>,
    /// The tool of the stroke that is being drawn.
    pub(super) tool: Option<String>,
    /// What the stroke draws is too large for a frame: it is made when the stroke has ended.
    pub(super) deferred: Option<Drawing>,
    /// The newest edits, as far back as memory reaches.
    pub(super) log: EditLog,
    /// Everything that can be undone and redone, also what only the project file still has.
    pub(super) timeline: Timeline,
    pub(super) project: Option<PathBuf>,
    /// The project file exists, or is about to.
    pub(super) kept: bool,
    /// Number of the newest journal entry, and of the newest on the disk.
    pub(super) last_seq: i64,
    pub(super) durable_seq: i64,
    pub(super) durable_millis: Option<f64>,
    pub(super) failing: Option<Failing>,
    /// Entries since the last snapshot.
    pub(super) since_snapshot: usize,
    /// Makes a snapshot.
    pub(super) snapshot_job: Option<JobId>,
    /// Grows with every change of mask, labels or verified slices.
    pub(super) revision: u64,
    /// The revision of the mask that was exported last.
    pub(super) exported: Option<u64>,
    /// Files that were written of it since it was opened.
    pub(super) exports: Vec<PathBuf>,
    /// The folder that it is a picture of, or itself.
    pub(super) opened: PathBuf,
    pub(super) statistics: Statistics,
    /// Oldest first.
    pub(super) runs: Vec<Run>,
    pub(super) asides: Vec<Aside>,
}

impl Document {
    pub fn id(&self) -> DocumentId {
        self.id
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The job that has opened it: [`Opening::job`].
    pub fn opened_by(&self) -> JobId {
        self.asked
    }

    /// The file, folder or `sample:ID` that it came from.
    pub fn source(&self) -> &Path {
        &self.facts.path
    }

    pub fn volume(&self) -> &Volume {
        &self.volume
    }

    /// Number of native slices.
    pub fn depth(&self) -> usize {
        self.volume.dims()[2]
    }

    pub fn mask(&self) -> &LabelMap {
        &self.now.mask
    }

    pub fn labels(&self) -> &LabelTable {
        &self.now.labels
    }

    /// The label that tools paint with.
    pub fn selected_label(&self) -> LabelId {
        self.selected
    }

    /// Native slices that a person has verified.
    pub fn verified(&self) -> &BTreeSet<usize> {
        &self.now.verified
    }

    pub fn is_verified(&self, z: usize) -> bool {
        self.now.verified.contains(&z)
    }

    /// The crosshair: voxel (x, y, z).
    pub fn cursor(&self) -> [usize; 3] {
        self.cursor
    }

    /// Clamped into the image.
    pub(super) fn set_cursor(&mut self, voxel: [usize; 3]) {
        let dims = self.volume.dims();
        self.cursor = std::array::from_fn(|a| voxel[a].min(dims[a] - 1));
    }

    /// What the reader of the file had to say.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether the image's modality was told from its look alone: a guess, which a person may set right.
    pub fn is_by_look(&self) -> bool {
        self.by_look
    }

    /// What [`Document::series`] are in: the folder of a picture that was opened with others, or [`Document::source`].
    pub fn opened(&self) -> &Path {
        &self.opened
    }

    /// The images that the file or folder holds, where there are several.
    pub fn series(&self) -> &[SeriesInfo] {
        &self.series
    }

    /// The version of the model that predicts here.
    pub fn model(&self) -> Option<&Version> {
        self.model.as_ref()
    }

    /// The base that a prediction of slice `z` must have to be shown: this document, the model in use, the slice.
    pub fn base(&self, z: usize) -> Option<SliceKey> {
        self.model.clone().map(|version| SliceKey { document: self.id, version, z })
    }

    /// How much a label takes, as it was measured last: mm³, or mm² on an image of depth 1, or pixels where spacing is
    /// unknown. Measured in the background after each change of the image that is looked at; `None` before the first time.
    pub fn label_volume(&self, label: LabelId) -> Option<f64> {
        self.statistics.of_mask(label)
    }

    /// Other projects of this very image that were set aside.
    pub fn asides(&self) -> &[Aside] {
        &self.asides
    }

    /// The training runs that its project file keeps, oldest first.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Grows with every change of mask, labels or verified slices.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn can_undo(&self) -> bool {
        self.timeline.next_undo().is_some()
    }

    pub fn can_redo(&self) -> bool {
        self.timeline.next_redo().is_some()
    }

    /// What undo would take back.
    pub fn undo_title(&self) -> Option<&str> {
        self.timeline.next_undo().map(|s| s.title.as_str())
    }

    pub fn redo_title(&self) -> Option<&str> {
        self.timeline.next_redo().map(|s| s.title.as_str())
    }

    /// The steps that can be undone, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.timeline.done().map(|s| s.title.as_str())
    }

    /// The tool of the stroke that is being drawn.
    pub fn stroke(&self) -> Option<&str> {
        self.tool.as_deref()
    }

    pub fn save_state(&self) -> SaveState {
        match (&self.project, &self.failing) {
            (None, _) => SaveState::NotKept,
            (_, Some(failing)) => SaveState::Failing(failing.reason.clone()),
            _ if self.durable_seq < self.last_seq => {
                SaveState::Saving((self.last_seq - self.durable_seq) as usize)
            }
            _ => SaveState::Saved,
        }
    }

    /// Milliseconds from the last change's command to the disk.
    pub fn durable_millis(&self) -> Option<f64> {
        self.durable_millis
    }

    /// Number of the newest change, and of the newest that is on the disk. Both count from 1.
    pub fn journal(&self) -> [i64; 2] {
        [self.last_seq, self.durable_seq]
    }

    /// Whether the project file exists, or is about to.
    pub(super) fn is_kept(&self) -> bool {
        self.kept
    }

    /// The annotations as they are left, with the number of the newest change; `None` where a snapshot has them.
    pub(super) fn last_snapshot(self) -> Option<(i64, Annotations)> {
        (self.since_snapshot > 0).then_some((self.last_seq, self.now))
    }

    /// Where the project file is, or will be with the first change.
    pub fn project(&self) -> Option<&Path> {
        self.project.as_deref()
    }

    /// The mask's identity: equal masks have equal hashes.
    pub fn mask_hash(&self) -> String {
        self.now.mask_hash()
    }

    /// The plane in which the image was acquired: its slices are the native ones.
    pub fn native_plane(&self) -> Plane {
        self.volume.grid().native_plane()
    }
}
