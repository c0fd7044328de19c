//! Whether the image that is open still is the one that lies there.

use super::Document;
use super::image::Stamp;
use crate::engine::JobContext;
use crate::io::{self, OpenOptions, Progress};
use crate::volume::Volume;
use std::path::PathBuf;

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
