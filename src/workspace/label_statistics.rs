//! How much of an image each label takes, measured in the background.

use super::jobs::JobResult;
use super::model_library::ModelLibrary;
use super::parts::Parts;
use super::predictions::{Predictions, SliceLabels};
use super::reformat::translation;
use super::statistics::{LabelStatistics, StatisticsOf};
use super::{Document, DocumentId, class_labels};
use crate::engine::Version;
use crate::label::{LabelId, volumes_of_slices};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Predictions {
    /// How much each label of the document takes in the prediction of the model in use, in the unit of
    /// [`Document::label_volume`]: `None` until the whole volume is predicted and measured.
    pub fn volumes(&self, document: &Document, library: &ModelLibrary) -> Option<BTreeMap<LabelId, f64>> {
        let statistics = document.statistics().prediction.as_ref()?;
        let current = |version: &Version, stamps: &[u64]| {
            document.model() == Some(version)
                && self.labels(document).is_some_and(|slices| slices.len() == stamps.len())
        };
        let StatisticsOf::Prediction(version, stamps) = &statistics.of else { return None };
        if !current(version, stamps) {
            return None;
        }
        let card = &library.find(version)?.card;
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

    /// Measures the images on screen again, on the worker pool, where the mask of one has changed and no stroke is being drawn,
    /// or where its prediction has become whole.
    pub fn poll_statistics(&self, parts: &mut Parts) {
        for id in self.documents_on_screen() {
            self.measure(parts, id);
        }
    }

    fn measure(&self, parts: &mut Parts, id: DocumentId) {
        let Some(document) = parts.documents.get(id) else { return };
        let grid = document.volume().grid().clone();
        if document.statistics().job.is_some() {
            return;
        }
        let of_mask = StatisticsOf::Mask(document.mask().revision());
        let title = "measuring the labels";
        let job = if !document.statistics().has(&of_mask)
            && let Ok(now) = document.settled()
        {
            let mask = now.mask.clone();
            parts.jobs.run_hidden(title, id, move |_| {
                let volumes = mask.volumes(&grid);
                Ok(JobResult::Statistics(id, LabelStatistics { of: of_mask, volumes }))
            })
        } else if let Some((of, predicted)) = self.whole_prediction(document)
            && !document.statistics().has(&of)
        {
            let slices: Vec<Arc<[LabelId]>> = predicted.values().map(|s| Arc::clone(&s.labels)).collect();
            parts.jobs.run_hidden(title, id, move |_| {
                let slices = slices.iter().map(|labels| &**labels).enumerate();
                let volumes = volumes_of_slices(&grid, slices);
                Ok(JobResult::Statistics(id, LabelStatistics { of, volumes }))
            })
        } else {
            return;
        };
        if let Some(document) = parts.documents.get_mut(id) {
            document.statistics_mut().job = Some(job);
        }
    }

    /// The prediction of every slice by the model in use, if they are all there.
    fn whole_prediction(&self, document: &Document) -> Option<(StatisticsOf, &BTreeMap<usize, SliceLabels>)> {
        let slices = self.labels(document).filter(|s| s.len() == document.depth())?;
        let stamps = slices.values().map(|s| s.stamp).collect();
        Some((StatisticsOf::Prediction(document.model().cloned()?, stamps), slices))
    }
}
