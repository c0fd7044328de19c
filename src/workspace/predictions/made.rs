//! When a prediction was made, and how long it took.

use super::Predictions;
use crate::engine::Version;
use crate::workspace::{Document, DocumentId};

/// When a prediction was made, and how long that took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Made {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    pub seconds: f64,
    /// The whole volume was labelled at once; else a slice.
    pub whole: bool,
}

/// The volumes that models have labelled at once since the program was started, the newest last. Few bytes each: kept also when
/// their images are closed, since they tell how long the next one will take.
#[derive(Debug, Default)]
pub(super) struct WholeVolumes(Vec<(DocumentId, Version, Made)>);

impl WholeVolumes {
    pub fn add(&mut self, document: DocumentId, version: Version, made: Made) {
        self.0.push((document, version, made));
    }

    fn of(&self, document: DocumentId, version: &Version) -> Option<Made> {
        let own = self.0.iter().rev().find(|(id, own, _)| (id, own) == (&document, version));
        own.map(|(_, _, made)| *made)
    }

    fn newest_of(&self, version: &str) -> Option<Made> {
        self.0.iter().rev().find(|(_, own, _)| **own == *version).map(|(_, _, made)| *made)
    }
}

impl Predictions {
    /// Of slice `z`, or of the volume where the model in use labels it at once; None where nothing is predicted.
    pub fn made(&self, document: &Document, z: usize) -> Option<Made> {
        let base = document.base(z)?;
        match self.cache.at_ms(&base) {
            Some((at_ms, millis)) => Some(Made { at_ms, seconds: f64::from(millis) / 1000.0, whole: false }),
            None if self.labels_on(document, z).is_some() => self.whole.of(document.id(), &base.version),
            None => None,
        }
    }

    /// How long a version has taken for the last volume that it labelled at once on this computer. Such a network sees every volume
    /// on the same grid, so that the next one takes about as long.
    pub fn seconds_of_volume(&self, version: &str) -> Option<f64> {
        self.whole.newest_of(version).map(|made| made.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_an_image_and_of_a_model_counts() {
        let mut volumes = WholeVolumes::default();
        let made = |seconds| Made { at_ms: 0, seconds, whole: true };
        let version = |name: &str| Version::from(name);
        for (document, name, seconds) in [(1, "a", 10.0), (2, "a", 20.0), (1, "b", 30.0), (1, "a", 40.0)] {
            volumes.add(DocumentId(document), version(name), made(seconds));
        }
        assert_eq!(volumes.of(DocumentId(2), &version("a")), Some(made(20.0)));
        assert_eq!(volumes.of(DocumentId(2), &version("b")), None);
        assert_eq!(volumes.newest_of("a"), Some(made(40.0)), "of whatever image");
        assert_eq!(volumes.newest_of("c"), None);
    }
}
