use super::activity::Purpose;
use super::{DocumentId, Workspace};
use crate::label::LabelId;
use std::collections::BTreeMap;

/// How much of the image each label takes, as it was at a revision of its document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measures {
    pub revision: u64,
    /// As [`LabelMap::volumes`](crate::label::LabelMap::volumes) gives them.
    pub volumes: BTreeMap<LabelId, f64>,
}

impl Workspace {
    /// Measures the image that is looked at anew, on an io thread, where it has changed and no stroke is being drawn.
    pub(super) fn go_on_measuring(&mut self) {
        let Some(document) = self.looked_at().and_then(|id| self.document(id)) else { return };
        let (id, revision) = (document.id, document.revision);
        let stands = document.measures.as_ref().is_some_and(|m| m.revision == revision);
        if stands || document.tool.is_some() || self.activities.has(id, &Purpose::Measure) {
            return;
        }
        let (mask, grid) = (document.now.mask.clone(), document.volume.grid().clone());
        let job =
            self.engine.run_io(move |_| Ok(Box::new(Measures { revision, volumes: mask.volumes(&grid) })));
        self.activities.begin(job, "measuring the labels", Some(id), Purpose::Measure);
    }

    /// The newest is kept, and shown until a newer one is there.
    pub(super) fn measured(&mut self, id: DocumentId, measures: Measures) {
        if let Some(document) = self.document_mut(id) {
            document.measures = Some(measures);
        }
    }
}
