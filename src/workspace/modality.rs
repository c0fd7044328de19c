use super::store::Write;
use super::{CommandError, DocumentId, Workspace};
use crate::edit::Change;
use crate::volume::Modality;

impl Workspace {
    /// Takes a person's word for what made the image.
    pub(super) fn set_modality(&mut self, modality: Modality) -> Result<(), CommandError> {
        let document = self.active_mut()?;
        if document.tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        let id = document.id;
        document.by_look = false;
        if document.stated == Some(modality) {
            return Ok(());
        }
        document.stated = Some(modality);
        document.volume = document.volume.with_modality(modality);
        self.keep_modality(id, modality);
        self.model_for_modality(id)
    }

    /// Where the model in use is not for the image, that which such an image opens with, and its labels where a person
    /// has made none.
    fn model_for_modality(&mut self, id: DocumentId) -> Result<(), CommandError> {
        let document = self.document(id).ok_or(CommandError::UnknownDocument(id))?;
        let in_use = document.model.as_deref().and_then(|version| self.library.find(version));
        if in_use.is_some_and(|model| model.fits(&document.volume)) {
            return Ok(());
        }
        let default = self.library.default_for(&document.volume, document.source());
        let (version, labels) = default.map(|m| (m.card.version.clone(), m.card.labels.clone())).unzip();
        let untouched = document.last_seq == 0;
        let before = document.now.labels.clone();
        self.set_model(id, version);
        match labels {
            Some(after) if untouched => self.change(id, vec![Change::Labels { before, after }]),
            _ => Ok(()),
        }
    }

    pub(super) fn keep_modality(&mut self, id: DocumentId, modality: Modality) {
        self.write(id, Write::Setting { key: "modality", value: modality.id().to_owned() });
        self.store_audit(id, "modality", modality.id());
    }
}
