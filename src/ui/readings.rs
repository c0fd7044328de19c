//! What measurements say, in words, worked out again only where one has changed.

use crate::metrics::measurements::Measurement;
use crate::workspace::{Document, DocumentId};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Readings {
    of: Option<DocumentId>,
    /// By their ids: as they were, and what they said.
    known: BTreeMap<u32, (Measurement, String)>,
}

impl Readings {
    /// What a measurement of a document says.
    pub fn text(&mut self, document: &Document, measurement: &Measurement) -> &str {
        if self.of.replace(document.id()) != Some(document.id()) {
            self.known.clear();
        }
        let read = || (measurement.clone(), measurement.reading(document.volume()).text(document.volume()));
        let (known, text) = self.known.entry(measurement.id).or_insert_with(read);
        if known != measurement {
            (*known, *text) = read();
        }
        text
    }
}
