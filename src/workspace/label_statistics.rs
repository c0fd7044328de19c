use super::activity::Purpose;
use super::predictions::SliceLabels;
use super::reformat::translation;
use super::{Document, DocumentId, Workspace, class_labels};
use crate::engine::Version;
use crate::label::{LabelId, volumes_of_slices};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How much of the image each label takes, as [`LabelMap::volumes`](crate::label::LabelMap::volumes) gives it, and what it
/// was measured of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LabelStatistics {
    pub of: StatisticsOf,
    pub volumes: BTreeMap<LabelId, f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum StatisticsOf {
    /// The mask at a revision of its document.
    Mask(u64),
    /// What a version predicts, every slice by its stamp; in the version's own ids.
    Prediction(Version, Vec<u64>),
}

impl Workspace {
    /// How much each label of the document takes in the prediction of the model in use, in the unit of
    /// [`Document::label_volume`]: `None` until the whole volume is predicted and measured.
    pub fn predicted_volumes(&self, document: DocumentId) -> Option<BTreeMap<LabelId, f64>> {
        let document = self.document(document)?;
        let statistics = document.predicted_statistics.as_ref()?;
        let current = |version: &Version, stamps: &[u64]| {
            document.model.as_ref() == Some(version)
                && self.predicted_slices(document.id).is_some_and(|slices| slices.len() == stamps.len())
        };
        let StatisticsOf::Prediction(version, stamps) = &statistics.of else { return None };
        if !current(version, stamps) {
            return None;
        }
        let card = &self.model(version)?.card;
        let (classes, _) = class_labels(card, document.labels());
        let translation = translation(card, &classes);
        let mut volumes = BTreeMap::new();
        for (own, volume) in &statistics.volumes {
            if let Some(label) = translation.get(usize::from(*own)).filter(|label| **label != 0) {
                *volumes.entry(*label).or_default() += volume;
            }
        }
        Some(volumes)
    }

    /// Measures the image that is looked at again, on the worker pool, where its mask has changed and no stroke is being drawn,
    /// or where its prediction has become whole.
    pub(super) fn poll_statistics(&mut self) {
        let Some(document) = self.looked_at().and_then(|id| self.document(id)) else { return };
        let id = document.id;
        if self.activities.has(id, &Purpose::Statistics) {
            return;
        }
        let grid = document.volume.grid().clone();
        let of_mask = StatisticsOf::Mask(document.revision);
        let job = if document.statistics.as_ref().map(|m| &m.of) != Some(&of_mask) && document.tool.is_none()
        {
            let mask = document.now.mask.clone();
            self.engine
                .run_io(move |_| Ok(Box::new(LabelStatistics { of: of_mask, volumes: mask.volumes(&grid) })))
        } else if let Some((of, predicted)) = self.whole_prediction(document)
            && document.predicted_statistics.as_ref().map(|m| &m.of) != Some(&of)
        {
            let slices: Vec<Arc<[LabelId]>> = predicted.values().map(|s| Arc::clone(&s.labels)).collect();
            self.engine.run_io(move |_| {
                let slices = slices.iter().map(|labels| &**labels).enumerate();
                Ok(Box::new(LabelStatistics { of, volumes: volumes_of_slices(&grid, slices) }))
            })
        } else {
            return;
        };
        self.activities.start(job, "measuring the labels", Some(id), Purpose::Statistics);
    }

    /// The prediction of every slice by the model in use, if they are all there.
    fn whole_prediction(&self, document: &Document) -> Option<(StatisticsOf, &BTreeMap<usize, SliceLabels>)> {
        let slices = self.predicted_slices(document.id).filter(|s| s.len() == document.depth())?;
        let stamps = slices.values().map(|s| s.stamp).collect();
        Some((StatisticsOf::Prediction(document.model.clone()?, stamps), slices))
    }

    /// The newest is kept, and shown until a newer one is there.
    pub(super) fn on_statistics(&mut self, id: DocumentId, statistics: LabelStatistics) {
        if let Some(document) = self.document_mut(id) {
            match statistics.of {
                StatisticsOf::Mask(_) => document.statistics = Some(statistics),
                StatisticsOf::Prediction(..) => document.predicted_statistics = Some(statistics),
            }
        }
    }
}
