//! Whether the image that is open still is the one that lies there.

use super::Document;
use crate::engine::JobContext;
use crate::io::{self, OpenOptions, Progress};
use crate::volume::Volume;
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

/// How an image is found again.
pub(super) struct Source {
    path: PathBuf,
    series: Option<String>,
    content_hash: String,
    stamp: Option<Stamp>,
}

impl Source {
    pub fn of(document: &Document) -> Self {
        let facts = document.image().facts();
        Self {
            path: document.opened().to_owned(),
            series: facts.series.clone(),
            content_hash: facts.content_hash.clone(),
            stamp: document.image().stamp().cloned(),
        }
    }

    /// What is wrong with the image that lies there now; `None` where it is the one that is open. It is read again where it
    /// looks changed from outside.
    pub fn differs(&self, cx: &JobContext) -> Option<String> {
        // Samples lie nowhere.
        self.stamp.as_ref()?;
        let name = self.path.display();
        let now = Stamp::of(&self.path);
        if now == self.stamp {
            return None;
        }
        if now.is_none() {
            return Some(format!("{name} is not there any more"));
        }
        let options = OpenOptions { series: self.series.clone(), ..OpenOptions::default() };
        match io::open(&self.path, &options, &mut Watched(cx)) {
            Ok(opened) if opened.content_hash == self.content_hash => None,
            Ok(_) => Some(format!("{name} is another image now than the one that is open")),
            Err(e) => Some(format!("{name} has changed since it was opened, and cannot be read: {e}")),
        }
    }
}

struct Watched<'a>(&'a JobContext);

impl Progress for Watched<'_> {
    fn report(&mut self, _: u64, _: u64) {}
    fn preview(&mut self, _: Volume, _: usize, _: usize) {}
    fn cancelled(&self) -> bool {
        self.0.check().is_err()
    }
}
