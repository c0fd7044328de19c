//! The models that can be used.

use super::{CommandError, DocumentId};
use crate::engine::{JobId, LoadedModel};
use crate::io;
use crate::label::LabelTable;
use crate::nn::{Channels, ModelCard, bundled, weights};
use crate::volume::Volume;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod choosing;
mod loading;

/// What the title of a network ends with that has learned nothing yet.
const UNTRAINED: &str = " (untrained)";

/// The title of a network once it has learned something.
pub(super) fn learned_title(title: &str) -> String {
    title.strip_suffix(UNTRAINED).unwrap_or(title).to_owned()
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelOrigin {
    /// Part of the program.
    Bundled(&'static str),
    /// A file that was imported.
    File(PathBuf),
    /// Kept in the project file of a document.
    Project(DocumentId),
    /// Trained here.
    Trained,
}

/// A model that can be used.
#[derive(Clone, Debug)]
pub struct LibraryModel {
    pub card: Arc<ModelCard>,
    pub origin: ModelOrigin,
    /// The file's bytes, where memory holds them.
    bytes: Option<Arc<[u8]>>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NotLoaded,
    Loading,
    Loaded,
    /// Not tried again until it is chosen again.
    Failed,
}

impl LibraryModel {
    pub fn version(&self) -> &str {
        &self.card.version
    }

    /// True once it can predict.
    pub fn is_loaded(&self) -> bool {
        self.state == State::Loaded
    }

    /// True where it could not be loaded; choosing it again tries again.
    pub fn has_failed(&self) -> bool {
        self.state == State::Failed
    }

    /// True of a network that has learned nothing yet.
    pub fn is_untrained(&self) -> bool {
        self.card.is_untrained()
    }

    /// True of one that learned from phantoms: of no use on patients.
    pub fn is_demonstration(&self) -> bool {
        self.card.is_demonstration()
    }

    /// True of one that labels a whole volume at once, when it is asked to, and says nothing of single slices.
    pub fn is_of_volumes(&self) -> bool {
        self.card.volume.is_some()
    }

    /// Whether it can make anything of an image of this kind.
    pub fn fits(&self, volume: &Volume) -> bool {
        self.card.fits(volume.modality())
    }
}

/// Every model that can be used; nothing leaves it while the program runs but what a closed project kept.
#[derive(Debug, Default)]
pub(super) struct ModelLibrary {
    models: Vec<LibraryModel>,
    /// The labels for which a document's untrained network was asked for last.
    asked: BTreeMap<DocumentId, LabelTable>,
    loading: BTreeMap<JobId, Loading>,
}

/// What a job loads.
#[derive(Debug)]
enum Loading {
    /// A version of the library.
    Known(String),
    /// A model of a file, or a network that is being built: it is used in a document once it is there.
    New { file: Option<PathBuf>, use_in: Option<DocumentId> },
}

impl ModelLibrary {
    pub fn bundled() -> Self {
        let mut library = Self::default();
        for model in bundled::MODELS {
            match weights::card_of(model.bytes) {
                Ok(card) => library.add(card, ModelOrigin::Bundled(model.id), None),
                // A test of the registry holds every bundled card; a program built without it goes on without the model.
                Err(e) => log::error!("bundled model {}: {e}", model.id),
            }
        }
        library
    }

    pub fn models(&self) -> &[LibraryModel] {
        &self.models
    }

    pub fn find(&self, version: &str) -> Option<&LibraryModel> {
        let is = |m: &&LibraryModel| m.card.version == version || m.origin == ModelOrigin::bundled(version);
        self.models.iter().find(is)
    }

    fn find_mut(&mut self, version: &str) -> Option<&mut LibraryModel> {
        self.models.iter_mut().find(|m| m.card.version == version)
    }

    /// The model that an image opens with: made for its modality, and rather for its colours. A demonstration is never
    /// put over an image of a patient by itself.
    pub fn default_for(&self, volume: &Volume, source: &Path) -> Option<&LibraryModel> {
        let colour = volume.channels() == 3;
        let offered = |m: &&LibraryModel| match m.origin {
            ModelOrigin::Bundled(id) => {
                io::is_sample(source) || bundled::find(id).is_some_and(|b| !b.demonstration)
            }
            _ => false,
        };
        let made_for = self.models.iter().filter(|m| m.card.modality == volume.modality()).filter(offered);
        // The first of the best.
        made_for.rev().max_by_key(|m| (m.card.input.channels == Channels::Rgb) == colour)
    }

    fn add(&mut self, card: ModelCard, origin: ModelOrigin, bytes: Option<Arc<[u8]>>) {
        if self.find(&card.version).is_none() {
            self.models.push(LibraryModel { card: Arc::new(card), origin, bytes, state: State::NotLoaded });
        }
    }

    /// A model that a document's project file keeps.
    pub fn add_kept(&mut self, card: ModelCard, document: DocumentId) {
        self.add(card, ModelOrigin::Project(document), None);
    }

    /// A model that the engine has: loaded from a file, or just trained.
    pub fn add_loaded(&mut self, model: &LoadedModel, origin: ModelOrigin) {
        self.add(ModelCard::clone(&model.card), origin, None);
        if let Some(own) = self.find_mut(&model.card.version) {
            own.bytes.get_or_insert_with(|| Arc::clone(&model.bytes));
            own.state = State::Loaded;
        }
    }

    /// Gives a version another name. What it is afterwards, where memory holds its weights.
    pub fn rename(&mut self, version: &str, title: &str) -> Option<LoadedModel> {
        let model = self.find_mut(version)?;
        Arc::make_mut(&mut model.card).title = title.to_owned();
        Some(LoadedModel { card: Arc::clone(&model.card), bytes: Arc::clone(model.bytes.as_ref()?) })
    }

    /// What was only in a project file that is closed now, and not in memory, cannot be used any more.
    pub fn forget_document(&mut self, document: DocumentId) {
        self.models.retain(|m| m.origin != ModelOrigin::Project(document) || m.bytes.is_some());
        self.asked.remove(&document);
    }

    /// Puts away for good what has learned nothing.
    fn drop_untrained(&mut self, version: &str) {
        self.models.retain(|m| m.card.version != version || !m.is_untrained());
    }

    /// Whether a version may predict: it is in the model library, and has learned something. The prediction of an untrained network is
    /// noise: it is neither shown nor accepted.
    pub fn check_trained(&self, version: &str) -> Result<(), CommandError> {
        match self.find(version) {
            Some(model) if model.is_untrained() => Err(CommandError::Untrained(model.card.title.clone())),
            Some(_) => Ok(()),
            None => Err(CommandError::UnknownModel(version.to_owned())),
        }
    }

    /// A job has ended without a result.
    pub fn on_job_ended(&mut self, job: JobId, failed: bool) {
        if let Some(Loading::Known(version)) = self.loading.remove(&job)
            && let Some(model) = self.find_mut(&version)
        {
            model.state = if failed { State::Failed } else { State::NotLoaded };
        }
    }
}

impl ModelOrigin {
    fn bundled(id: &str) -> Option<&'static str> {
        bundled::find(id).map(|m| m.id)
    }
}

impl PartialEq<Option<&'static str>> for ModelOrigin {
    fn eq(&self, id: &Option<&'static str>) -> bool {
        matches!((self, id), (ModelOrigin::Bundled(own), Some(id)) if own == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom;

    #[test]
    fn a_demonstration_is_put_over_samples_only() {
        let library = ModelLibrary::bundled();
        let volume = phantom::find("ct").unwrap().open().volume;
        let on_a_sample = library.default_for(&volume, Path::new("sample:ct")).unwrap();
        assert_eq!(on_a_sample.origin, ModelOrigin::Bundled("ct-phantom"));
        assert!(library.default_for(&volume, Path::new("patient.nii.gz")).is_none());
        let photograph = phantom::find("fundus").unwrap().open().volume;
        let on_a_photograph = library.default_for(&photograph, Path::new("eye.jpg")).unwrap();
        assert_eq!(on_a_photograph.origin, ModelOrigin::Bundled("vessel"));
    }
}
