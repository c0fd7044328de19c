use super::store::CaseFacts;
use crate::engine::JobId;
use crate::io::{self, Opened, SeriesInfo};
use crate::label::LabelTable;
use crate::volume::{Modality, Volume};
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What an image's files look like from outside: of a file its own, of a folder those in it. Where it has not changed, the
/// content has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Vec<(PathBuf, u64, Option<SystemTime>)>);

impl Stamp {
    /// `None` of what is not there, and of samples.
    pub fn of(path: &Path) -> Option<Self> {
        let one = |path: PathBuf, meta: &Metadata| (path, meta.len(), meta.modified().ok());
        let meta = path.metadata().ok()?;
        if !meta.is_dir() {
            return Some(Self(vec![one(path.to_owned(), &meta)]));
        }
        let entries = fs::read_dir(path).ok()?.filter_map(Result::ok);
        let mut files: Vec<_> = entries.filter_map(|e| Some(one(e.path(), &e.metadata().ok()?))).collect();
        files.sort();
        Some(Self(files))
    }
}

pub(super) fn name_of(path: &Path) -> String {
    if let Some(sample) = io::sample_of(path) {
        return format!("Sample: {}", sample.name);
    }
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

/// An image as it was opened, with what is known of it.
#[derive(Debug)]
pub(super) struct Image {
    opened_by: JobId,
    name: String,
    facts: CaseFacts,
    volume: Volume,
    warnings: Vec<String>,
    /// What its files looked like from outside when it was opened.
    stamp: Option<Stamp>,
    series: Vec<SeriesInfo>,
    /// The folder that it is a picture of, or itself.
    opened: PathBuf,
    /// The modality was guessed from the picture's look, and no person has said otherwise.
    by_look: bool,
    /// What a person has said that made the image.
    stated: Option<Modality>,
}

impl Image {
    /// `path`: what was asked for. `labels`: from which a new journal starts.
    pub fn new(
        opened_by: JobId,
        path: &Path,
        stated: Option<Modality>,
        opened: Opened,
        labels: LabelTable,
    ) -> Self {
        let facts = CaseFacts {
            path: opened.source,
            content_hash: opened.content_hash,
            turned: opened.turned,
            dims: opened.volume.dims(),
            series: opened.series.iter().find(|series| series.shown).map(|series| series.id.clone()),
            initial_labels: labels,
        };
        Self {
            opened_by,
            name: name_of(&facts.path),
            facts,
            volume: opened.volume,
            warnings: opened.warnings,
            stamp: Stamp::of(path),
            series: opened.series,
            opened: path.to_owned(),
            by_look: opened.by_look,
            stated,
        }
    }

    pub fn opened_by(&self) -> JobId {
        self.opened_by
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn facts(&self) -> &CaseFacts {
        &self.facts
    }

    pub fn volume(&self) -> &Volume {
        &self.volume
    }

    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub fn stamp(&self) -> Option<&Stamp> {
        self.stamp.as_ref()
    }

    pub fn series(&self) -> &[SeriesInfo] {
        &self.series
    }

    pub fn opened(&self) -> &Path {
        &self.opened
    }

    pub fn is_by_look(&self) -> bool {
        self.by_look
    }

    /// What a person has said that made the image.
    pub fn stated(&self) -> Option<Modality> {
        self.stated
    }

    /// Takes a person's word for what made the image.
    pub fn state(&mut self, modality: Modality) {
        self.stated = Some(modality);
        self.by_look = false;
        self.volume = self.volume.with_modality(modality);
    }

    /// What to say of a modality that is a guess.
    pub fn guess_note(&self) -> Option<String> {
        self.by_look.then(|| io::guess_note(self.volume.modality()))
    }
}
