use super::model_library::ModelLibrary;
use super::parts::Parts;
use super::store::Write;
use super::{CommandError, DocumentId};
use crate::edit::Change;
use crate::volume::Modality;

impl ModelLibrary {
    /// Takes a person's word for what made the image, which may call for another model.
    pub fn set_modality(
        &mut self,
        parts: &mut Parts,
        modality: Modality,
        in_training: Option<&str>,
    ) -> Result<(), CommandError> {
        let document = parts.documents.active_mut()?;
        document.settled()?;
        let id = document.id();
        if document.image().stated() == Some(modality) {
            return Ok(());
        }
        document.image_mut().state(modality);
        parts.keep_modality(id, modality);
        self.model_for_modality(parts, id, in_training)
    }

    /// Where the model in use is not for the image, that which such an image opens with, and its labels where a person
    /// has made none.
    fn model_for_modality(
        &mut self,
        parts: &mut Parts,
        id: DocumentId,
        in_training: Option<&str>,
    ) -> Result<(), CommandError> {
        let document = parts.documents.find(id)?;
        let in_use = document.model().and_then(|version| self.find(version));
        if in_use.is_some_and(|model| model.fits(document.volume())) {
            return Ok(());
        }
        let default = self.default_for(document.volume(), document.source());
        let (version, labels) = default.map(|m| (m.card.version.clone(), m.card.labels.clone())).unzip();
        let untouched = document.newest() == 0;
        let before = document.labels().clone();
        self.set_model(parts, id, version, in_training);
        match labels {
            Some(after) if untouched => parts.change(id, vec![Change::Labels { before, after }]),
            _ => Ok(()),
        }
    }
}

impl Parts {
    pub fn keep_modality(&mut self, id: DocumentId, modality: Modality) {
        self.write(id, Write::Setting { key: "modality", value: modality.id().to_owned() });
        self.audit(id, "modality", modality.id());
    }
}
