//! Which model an image uses.

use super::{LibraryModel, Loading, ModelLibrary, ModelOrigin, State, UNTRAINED};
use crate::engine::{JobId, ModelSource, Version};
use crate::label::LabelTable;
use crate::nn::train::TrainConfig;
use crate::nn::{self, Channels, InputSpec, ModelCard};
use crate::words;
use crate::workspace::parts::Parts;
use crate::workspace::store::Write;
use crate::workspace::{CommandError, Document, DocumentId, NoticeLevel, training};

/// The weights of a fresh network are drawn from what it is to learn: they are the same ones after a crash, two images of
/// one task have one network, and networks of different tasks are never taken for one.
fn seed_of(card: &ModelCard) -> u64 {
    let labels: Vec<_> = card.labels.iter().map(|label| (label.id, &label.name)).collect();
    let task = (&card.network, &card.config, &card.input, labels, card.modality);
    // Only maps with keys that are no text cannot be written, and there are none.
    let task = serde_json::to_vec(&task).unwrap_or_default();
    blake3::hash(&task).as_bytes()[..8].iter().fold(0, |seed, &byte| seed << 8 | u64::from(byte))
}

/// What a network learns on a document: its labels, but for one that says where nothing is.
fn to_learn(document: &Document) -> LabelTable {
    let mut labels = LabelTable::default();
    for label in document.labels().iter().filter(|l| !training::is_background(&l.name)) {
        labels.insert(label.clone());
    }
    if labels.is_empty() { LabelTable::named(&["label 1"]) } else { labels }
}

fn same_task(a: &LabelTable, b: &LabelTable) -> bool {
    a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| (a.id, &a.name) == (b.id, &b.name))
}

/// "liver, spleen and 3 more"
fn listed(labels: &LabelTable) -> String {
    let names: Vec<&str> = labels.iter().map(|label| label.name.as_str()).collect();
    words::listed(&names, 2)
}

impl ModelLibrary {
    /// Predicts with a version, or with a bundled model by its id, in the active image from now on; `None` ends predicting.
    /// Returns the version.
    ///
    /// `in_training`, here and below: the version that the current training run started from. It stays in the library.
    pub fn use_model(
        &mut self,
        parts: &mut Parts,
        asked: Option<String>,
        in_training: Option<&str>,
    ) -> Result<Option<String>, CommandError> {
        let document = parts.documents.active()?.id();
        let version = match asked {
            Some(asked) => {
                let found = self.find(&asked).ok_or(CommandError::UnknownModel(asked))?;
                let version = found.card.version.clone();
                if let Some(model) = self.find_mut(&version)
                    && model.state == State::Failed
                {
                    model.state = State::NotLoaded;
                }
                Some(version)
            }
            None => None,
        };
        self.set_model(parts, document, version.clone(), in_training);
        Ok(version)
    }

    /// Predicts with a version from now on, and remembers so in the project file.
    pub fn set_model(
        &mut self,
        parts: &mut Parts,
        id: DocumentId,
        version: Option<String>,
        in_training: Option<&str>,
    ) {
        let untrained = version.as_deref().and_then(|v| self.find(v)).is_some_and(LibraryModel::is_untrained);
        let Some(document) = parts.documents.get_mut(id) else { return };
        let new: Option<Version> = version.as_deref().map(Version::from);
        if document.model() == new.as_ref() {
            return;
        }
        let old = document.set_model(new, untrained);
        let kept = document.saving().is_kept();
        if let Some(old) = old {
            self.give_back_untrained(parts, old, in_training);
        }
        // Nothing is worth keeping of weights that have learned nothing. Merely choosing a model leaves no project file behind; the first change brings the choice along.
        if kept && !untrained {
            parts.write(id, Write::Setting { key: "model", value: version.clone().unwrap_or_default() });
            parts.audit(id, "model in use", version.as_deref().unwrap_or("none"));
        }
    }

    /// Frees a network that has learned nothing once no image uses it and no run starts from it.
    pub fn give_back_untrained(&mut self, parts: &Parts, version: Version, in_training: Option<&str>) {
        let used = |d: &Document| d.model() == Some(&version);
        let wanted = in_training == Some(&*version) || parts.documents.list().iter().any(used);
        if !wanted && self.find(&version).is_some_and(LibraryModel::is_untrained) {
            self.drop_untrained(&version);
            parts.jobs.engine().unload_model(version);
        }
    }

    pub fn use_fresh(&mut self, parts: &mut Parts, network: &str) -> Result<(), CommandError> {
        let id = parts.documents.active()?.id();
        self.use_fresh_in(parts, id, network)
    }

    fn use_fresh_in(&mut self, parts: &mut Parts, id: DocumentId, network: &str) -> Result<(), CommandError> {
        let labels = to_learn(parts.documents.find(id)?);
        self.build_fresh(parts, id, network, labels.clone(), Some(id))?;
        self.asked.insert(id, labels);
        Ok(())
    }

    /// Builds a network that has learned nothing, for images like that of `id`, and these labels; the job that does. Where
    /// `use_in` is None no image uses it: it is there to be trained.
    pub fn build_fresh(
        &mut self,
        parts: &mut Parts,
        id: DocumentId,
        network: &str,
        labels: LabelTable,
        use_in: Option<DocumentId>,
    ) -> Result<JobId, CommandError> {
        let spec = nn::find(network).filter(|spec| spec.labels_slices());
        let spec = spec.ok_or_else(|| CommandError::UnknownNetwork(network.to_owned()))?;
        let volume = parts.documents.find(id)?.volume();
        let mut input = TrainConfig::input_for(volume.modality());
        if volume.channels() == 3 && input.channels == Channels::Grey {
            input = InputSpec::unit(Channels::Rgb);
        }
        let config = spec.config_for(input.channels.count(), labels.len() + 1);
        let card = ModelCard {
            title: format!("{} for {}{UNTRAINED}", spec.title, listed(&labels)),
            ..ModelCard::new(spec.id, config, input, labels, volume.modality())
        };
        let seed = seed_of(&card);
        let job = parts.jobs.engine().load_model(ModelSource::Fresh { card: Box::new(card), seed });
        self.loading.insert(job, Loading::New { file: None, use_in });
        parts.jobs.add(job, format!("building {}", spec.title), Some(id));
        Ok(job)
    }

    /// An untrained network is made for its image's labels: where these change, another one takes its place. There is
    /// nothing in it that could be lost, and a label that it lacked would not be learned.
    /// `in_training`: the version that a run starts from which is not decided on.
    pub fn follow_labels(&mut self, parts: &mut Parts, in_training: Option<&str>) {
        let outdated = parts.documents.list().iter().find_map(|d| {
            let model = self.find(d.model()?)?;
            let base = in_training == Some(model.version());
            if !model.is_untrained() || model.origin != ModelOrigin::Trained || base || d.settled().is_err() {
                return None;
            }
            let labels = to_learn(d);
            let behind = !same_task(&model.card.labels, &labels)
                && !self.asked.get(&d.id()).is_some_and(|asked| same_task(asked, &labels));
            behind.then(|| (d.id(), model.card.network.clone()))
        });
        if let Some((id, network)) = outdated
            && let Err(e) = self.use_fresh_in(parts, id, &network)
        {
            parts.notices.add(NoticeLevel::Error, Some(id), e.to_string());
        }
    }

    pub fn roll_back(&mut self, parts: &mut Parts, in_training: Option<&str>) -> Result<(), CommandError> {
        let document = parts.documents.active_mut()?;
        let id = document.id();
        let version = document.model().cloned().ok_or(CommandError::NoModel)?;
        let parent = self
            .find(&version)
            .ok_or_else(|| CommandError::UnknownModel(version.to_string()))?
            .card
            .parent
            .clone()
            .ok_or_else(|| CommandError::NoParent(version.to_string()))?;
        if self.find(&parent).is_none() {
            return Err(CommandError::UnknownModel(parent));
        }
        self.set_model(parts, id, Some(parent), in_training);
        Ok(())
    }
}
