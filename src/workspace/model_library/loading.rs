//! Models come from files, project files and the program itself to the networks' thread.

use super::{Loading, ModelLibrary, ModelOrigin, State};
use crate::engine::{JobId, LoadedModel, ModelSource, Version};
use crate::workspace::parts::Parts;
use crate::workspace::store::{StoreError, StoredModel, Write};
use crate::workspace::{CommandError, Document, DocumentId, NoticeLevel};
use std::path::PathBuf;
use std::sync::Arc;

impl ModelLibrary {
    pub fn import_model(&mut self, parts: &mut Parts, path: PathBuf) -> Result<(), CommandError> {
        let use_in = parts.documents.active().ok().map(Document::id);
        let job = parts.jobs.engine().load_model(ModelSource::File(path.clone()));
        let title = format!("loading the model {}", path.display());
        self.loading.insert(job, Loading::New { file: Some(path), use_in });
        parts.jobs.add(job, title, use_in);
        Ok(())
    }

    /// Has the engine load a version if it has not; true where it can predict already.
    pub fn ensure_loaded(&mut self, parts: &mut Parts, version: &str) -> bool {
        let Some(model) = self.find_mut(version) else { return false };
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
                if let Err(e) = parts.documents.store().weights(document, version.to_owned()) {
                    self.on_weights(parts, document, version, Err(e));
                }
                return false;
            }
            (ModelOrigin::Trained, None) => {
                model.state = State::Failed;
                return false;
            }
        };
        let title = format!("loading the model “{}”", model.card.title);
        self.start_loading(parts, version, title, source);
        false
    }

    fn start_loading(&mut self, parts: &mut Parts, version: &str, title: String, source: ModelSource) {
        let job = parts.jobs.engine().load_model(source);
        self.loading.insert(job, Loading::Known(version.to_owned()));
        parts.jobs.add(job, title, None);
    }

    /// The project file's copy of a model's weights has been read.
    pub fn on_weights(
        &mut self,
        parts: &mut Parts,
        document: DocumentId,
        version: &str,
        bytes: Result<Arc<[u8]>, StoreError>,
    ) {
        let Some(model) = self.find_mut(version) else { return };
        match bytes {
            Ok(bytes) => {
                model.bytes = Some(Arc::clone(&bytes));
                let title = format!("loading the model “{}”", model.card.title);
                self.start_loading(parts, version, title, ModelSource::Stored(bytes));
            }
            Err(e) => {
                model.state = State::Failed;
                let text = format!("Model {version} was not loaded from the project file: {e}");
                parts.notices.add(NoticeLevel::Error, Some(document), text);
            }
        }
    }

    pub fn on_model_loaded(
        &mut self,
        parts: &mut Parts,
        job: JobId,
        model: &LoadedModel,
        in_training: Option<&str>,
    ) {
        parts.jobs.end(job);
        let Some(loading) = self.loading.remove(&job) else { return };
        let (origin, new) = match loading {
            Loading::Known(_) => (ModelOrigin::Trained, None),
            Loading::New { file, use_in } => {
                (file.map_or(ModelOrigin::Trained, ModelOrigin::File), Some(use_in))
            }
        };
        self.add_loaded(model, origin);
        if let Some(use_in) = new {
            if !model.card.notice.is_empty() {
                parts.notices.add(
                    NoticeLevel::Info,
                    use_in,
                    format!("{}: {}", model.card.title, model.card.notice),
                );
            }
            if let Some(id) = use_in {
                if !model.card.is_untrained() {
                    parts.keep_model(id, model);
                }
                self.set_model(parts, id, Some(model.card.version.clone()), in_training);
            }
        }
    }

    /// A run that starts from weights that have learned nothing needs them after a crash.
    pub fn keep_untrained(&self, parts: &mut Parts, id: DocumentId, version: &Version) {
        let Some(model) = self.find(version).filter(|m| m.is_untrained()) else { return };
        if let Some(bytes) = model.bytes.clone() {
            let model = LoadedModel { card: Arc::clone(&model.card), bytes };
            parts.keep_model(id, &model);
        }
    }
}

impl Parts {
    /// Keeps a version in a document's project file, whole.
    pub fn keep_model(&mut self, id: DocumentId, model: &LoadedModel) {
        match serde_json::to_string(&*model.card) {
            Ok(card) => {
                let stored = StoredModel {
                    version: model.card.version.clone(),
                    parent: model.card.parent.clone(),
                    card,
                    weights: Arc::clone(&model.bytes),
                };
                self.write(id, Write::Model(stored));
                self.audit(id, "model kept", &model.card.version);
            }
            Err(e) => {
                let text = format!("The card of model {} cannot be written: {e}", model.card.version);
                self.notices.add(NoticeLevel::Error, Some(id), text);
            }
        }
    }
}
