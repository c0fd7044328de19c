use super::store::{StoreError, StoredModel, Write};
use super::{CommandError, Document, DocumentId, NoticeLevel, Workspace, training};
use crate::engine::{JobId, LoadedModel, ModelSource, Version};
use crate::io;
use crate::label::LabelTable;
use crate::nn::train::TrainConfig;
use crate::nn::{self, Channels, InputSpec, ModelCard, bundled, weights};
use crate::volume::Volume;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the title of a network ends with that has learned nothing yet.
const UNTRAINED: &str = " (untrained)";

/// The title of a network once it has learned something.
pub(super) fn learned_title(title: &str) -> String {
    title.strip_suffix(UNTRAINED).unwrap_or(title).to_owned()
}

/// The weights of a fresh network are drawn from what it is to learn: they are the same ones after a crash, two images of
/// one task have one network, and networks of different tasks are never taken for one.
fn seed_of(card: &ModelCard) -> u64 {
    let labels: Vec<_> = card.labels.iter().map(|label| (label.id, &label.name)).collect();
    let task = (&card.network, &card.config, &card.input, labels, card.modality);
    // Only maps with keys that are no text cannot be written, and there are none.
    let task = serde_json::to_vec(&task).unwrap_or_default();
    blake3::hash(&task).as_bytes()[..8].iter().fold(0, |seed, &byte| seed << 8 | u64::from(byte))
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
    /// Not tried again until it is chosen anew.
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

    /// True where it could not be loaded; choosing it anew tries again.
    pub fn has_failed(&self) -> bool {
        self.state == State::Failed
    }

    /// True of a network that has learned nothing yet.
    pub fn is_untrained(&self) -> bool {
        self.card.is_untrained()
    }

    /// True of one that learned from phantoms, as the demonstrations inside the program did, and of what was trained from
    /// it: of no use on patients.
    pub fn is_demonstration(&self) -> bool {
        self.card.trained_on.contains("phantom")
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

    /// What was only in a project file that is closed now, and not in memory, cannot be used any more.
    pub fn forget_document(&mut self, document: DocumentId) {
        self.models.retain(|m| m.origin != ModelOrigin::Project(document) || m.bytes.is_some());
        self.asked.remove(&document);
    }

    /// Puts away for good what has learned nothing.
    fn drop_untrained(&mut self, version: &str) {
        self.models.retain(|m| m.card.version != version || !m.is_untrained());
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

/// What a network learns on a document: its labels, but for one that says where nothing is.
fn to_learn(document: &Document) -> LabelTable {
    let mut labels = LabelTable::default();
    for label in document.now.labels.iter().filter(|l| !training::is_background(&l.name)) {
        labels.insert(label.clone());
    }
    if labels.is_empty() { LabelTable::named(&["label 1"]) } else { labels }
}

fn same_task(a: &LabelTable, b: &LabelTable) -> bool {
    a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| (a.id, &a.name) == (b.id, &b.name))
}

/// "liver, spleen and 3 more"
fn listed(labels: &LabelTable) -> String {
    const MOST: usize = 2;
    let names: Vec<&str> = labels.iter().take(MOST).map(|label| label.name.as_str()).collect();
    match labels.len().saturating_sub(MOST) {
        0 => names.join(" and "),
        more => format!("{} and {more} more", names.join(", ")),
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

impl Workspace {
    pub(super) fn use_model(&mut self, version: Option<String>) -> Result<(), CommandError> {
        let document = self.active_mut()?.id;
        let version = match version {
            Some(asked) => {
                let found = self.library.find(&asked).ok_or(CommandError::UnknownModel(asked))?;
                let version = found.card.version.clone();
                if let Some(model) = self.library.find_mut(&version)
                    && model.state == State::Failed
                {
                    model.state = State::NotLoaded;
                }
                self.predictions.forget_failures(&version);
                Some(version)
            }
            None => None,
        };
        self.set_model(document, version);
        Ok(())
    }

    /// Predicts with a version from now on, and remembers so in the project file.
    pub(super) fn set_model(&mut self, id: DocumentId, version: Option<String>) {
        let Some(document) = self.document_mut(id) else { return };
        let new: Option<Version> = version.as_deref().map(Version::from);
        if document.model == new {
            return;
        }
        let old = std::mem::replace(&mut document.model, new);
        let kept = document.kept;
        if let Some(old) = old {
            self.give_back_untrained(old);
        }
        // Nothing is worth keeping of weights that have learned nothing.
        let untrained =
            version.as_deref().and_then(|v| self.library.find(v)).is_some_and(LibraryModel::is_untrained);
        // Merely choosing a model leaves no project file behind; the first change brings the choice along.
        if kept && !untrained {
            self.write(id, Write::Setting { key: "model", value: version.clone().unwrap_or_default() });
            self.store_audit(id, "model in use", version.as_deref().unwrap_or("none"));
        }
    }

    /// Frees a network that has learned nothing once no image uses it and no run starts from it.
    fn give_back_untrained(&mut self, version: Version) {
        let trains = self.training.as_ref().is_some_and(|t| t.base() == &*version);
        let wanted = trains || self.documents.iter().any(|d| d.model.as_ref() == Some(&version));
        if !wanted && self.library.find(&version).is_some_and(LibraryModel::is_untrained) {
            self.library.drop_untrained(&version);
            self.jobs.engine().unload_model(version);
        }
    }

    pub(super) fn use_fresh(&mut self, network: &str) -> Result<(), CommandError> {
        let id = self.active_mut()?.id;
        self.build_fresh(id, network)
    }

    fn build_fresh(&mut self, id: DocumentId, network: &str) -> Result<(), CommandError> {
        let spec = nn::find(network).filter(|spec| spec.labels_slices());
        let spec = spec.ok_or_else(|| CommandError::UnknownNetwork(network.to_owned()))?;
        let document = self.document(id).ok_or(CommandError::UnknownDocument(id))?;
        let labels = to_learn(document);
        let volume = &document.volume;
        let mut input = TrainConfig::input_for(volume.modality());
        if volume.channels() == 3 && input.channels == Channels::Grey {
            input = InputSpec::unit(Channels::Rgb);
        }
        let config = spec.config_for(input.channels.count(), labels.len() + 1);
        let card = ModelCard {
            title: format!("{} for {}{UNTRAINED}", spec.title, listed(&labels)),
            ..ModelCard::new(spec.id, config, input, labels.clone(), volume.modality())
        };
        let seed = seed_of(&card);
        let job = self.jobs.engine().load_model(ModelSource::Fresh { card: Box::new(card), seed });
        self.library.asked.insert(id, labels);
        self.library.loading.insert(job, Loading::New { file: None, use_in: Some(id) });
        self.jobs.add(job, format!("building {}", spec.title), Some(id));
        Ok(())
    }

    /// An untrained network is made for its image's labels: where these change, another one takes its place. There is
    /// nothing in it that could be lost, and a label that it lacked would not be learned.
    pub(super) fn follow_labels(&mut self) {
        let outdated = self.documents.iter().find_map(|d| {
            let model = self.library.find(d.model.as_ref()?)?;
            let base = self.training.as_ref().is_some_and(|t| !t.is_decided() && t.base() == model.version());
            if !model.is_untrained() || model.origin != ModelOrigin::Trained || base || d.tool.is_some() {
                return None;
            }
            let labels = to_learn(d);
            let behind = !same_task(&model.card.labels, &labels)
                && !self.library.asked.get(&d.id).is_some_and(|asked| same_task(asked, &labels));
            behind.then(|| (d.id, model.card.network.clone()))
        });
        if let Some((id, network)) = outdated
            && let Err(e) = self.build_fresh(id, &network)
        {
            self.notices.add(NoticeLevel::Error, Some(id), e.to_string());
        }
    }

    /// Whether a version may predict: it is in the model library, and has learned something. What an untrained network draws is
    /// noise, which nobody should see or accept.
    pub(super) fn check_trained(&self, version: &str) -> Result<(), CommandError> {
        match self.library.find(version) {
            Some(model) if model.is_untrained() => Err(CommandError::Untrained(model.card.title.clone())),
            Some(_) => Ok(()),
            None => Err(CommandError::UnknownModel(version.to_owned())),
        }
    }

    pub(super) fn roll_back(&mut self) -> Result<(), CommandError> {
        let document = self.active_mut()?;
        let id = document.id;
        let version = document.model.clone().ok_or(CommandError::NoModel)?;
        let parent = self
            .library
            .find(&version)
            .ok_or_else(|| CommandError::UnknownModel(version.to_string()))?
            .card
            .parent
            .clone()
            .ok_or_else(|| CommandError::NoParent(version.to_string()))?;
        if self.library.find(&parent).is_none() {
            return Err(CommandError::UnknownModel(parent));
        }
        self.set_model(id, Some(parent));
        Ok(())
    }

    pub(super) fn import_model(&mut self, path: PathBuf) -> Result<(), CommandError> {
        let use_in = self.active;
        let job = self.jobs.engine().load_model(ModelSource::File(path.clone()));
        let title = format!("loading the model {}", path.display());
        self.library.loading.insert(job, Loading::New { file: Some(path), use_in });
        self.jobs.add(job, title, use_in);
        Ok(())
    }

    /// Has the engine load a version if it has not; true where it can predict already.
    pub(super) fn ensure_loaded(&mut self, version: &str) -> bool {
        let Some(model) = self.library.find_mut(version) else { return false };
        if model.state != State::NotLoaded {
            return model.state == State::Loaded;
        }
        model.state = State::Loading;
        let source = match (&model.origin, &model.bytes) {
            (_, Some(bytes)) => ModelSource::Stored(Arc::clone(bytes)),
            (ModelOrigin::Bundled(id), None) => ModelSource::Bundled((*id).to_owned()),
            (ModelOrigin::File(path), None) => ModelSource::File(path.clone()),
            (ModelOrigin::Project(document), None) => {
                let document = *document;
                if let Err(e) = self.store.weights(document, version.to_owned()) {
                    self.on_weights(document, version, Err(e));
                }
                return false;
            }
            (ModelOrigin::Trained, None) => {
                model.state = State::Failed;
                return false;
            }
        };
        let title = format!("loading the model “{}”", model.card.title);
        self.start_loading(version, title, source);
        false
    }

    fn start_loading(&mut self, version: &str, title: String, source: ModelSource) {
        let job = self.jobs.engine().load_model(source);
        self.library.loading.insert(job, Loading::Known(version.to_owned()));
        self.jobs.add(job, title, None);
    }

    /// The project file's copy of a model's weights has been read.
    pub(super) fn on_weights(
        &mut self,
        document: DocumentId,
        version: &str,
        bytes: Result<Arc<[u8]>, StoreError>,
    ) {
        let Some(model) = self.library.find_mut(version) else { return };
        match bytes {
            Ok(bytes) => {
                model.bytes = Some(Arc::clone(&bytes));
                let title = format!("loading the model “{}”", model.card.title);
                self.start_loading(version, title, ModelSource::Stored(bytes));
            }
            Err(e) => {
                model.state = State::Failed;
                let text = format!("Model {version} was not loaded from the project file: {e}");
                self.notices.add(NoticeLevel::Error, Some(document), text);
            }
        }
    }

    pub(super) fn on_model_loaded(&mut self, job: JobId, model: LoadedModel) {
        self.jobs.end(job);
        let Some(loading) = self.library.loading.remove(&job) else { return };
        self.predictions.forget_failures(&model.card.version);
        let (origin, new) = match loading {
            Loading::Known(_) => (ModelOrigin::Trained, None),
            Loading::New { file, use_in } => {
                (file.map_or(ModelOrigin::Trained, ModelOrigin::File), Some(use_in))
            }
        };
        self.library.add_loaded(&model, origin);
        if let Some(use_in) = new {
            if !model.card.notice.is_empty() {
                self.notices.add(
                    NoticeLevel::Info,
                    use_in,
                    format!("{}: {}", model.card.title, model.card.notice),
                );
            }
            if let Some(id) = use_in {
                if !model.card.is_untrained() {
                    self.keep_model(id, &model);
                }
                self.set_model(id, Some(model.card.version.clone()));
            }
        }
    }

    /// A run that starts from weights that have learned nothing needs them after a crash.
    pub(super) fn keep_untrained(&mut self, id: DocumentId, version: &Version) {
        let Some(model) = self.library.find(version).filter(|m| m.is_untrained()) else { return };
        if let Some(bytes) = model.bytes.clone() {
            let model = LoadedModel { card: Arc::clone(&model.card), bytes };
            self.keep_model(id, &model);
        }
    }

    /// Keeps a version in a document's project file, whole.
    pub(super) fn keep_model(&mut self, id: DocumentId, model: &LoadedModel) {
        match serde_json::to_string(&*model.card) {
            Ok(card) => {
                let stored = StoredModel {
                    version: model.card.version.clone(),
                    parent: model.card.parent.clone(),
                    card,
                    weights: Arc::clone(&model.bytes),
                };
                self.write(id, Write::Model(stored));
                self.store_audit(id, "model kept", &model.card.version);
            }
            Err(e) => {
                let text = format!("The card of model {} cannot be written: {e}", model.card.version);
                self.notices.add(NoticeLevel::Error, Some(id), text);
            }
        }
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
