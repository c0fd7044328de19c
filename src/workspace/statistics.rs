//! How much of an image each label takes, as a document keeps it.

use crate::engine::{JobId, Version};
use crate::label::LabelId;
use std::collections::BTreeMap;

/// How much of the image each label takes, as [`LabelMap::volumes`](crate::label::LabelMap::volumes) gives it, and what it
/// was measured of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LabelStatistics {
    pub of: StatisticsOf,
    pub volumes: BTreeMap<LabelId, f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum StatisticsOf {
    /// The mask at a revision.
    Mask(u64),
    /// What a version predicts, every slice by its stamp; in the version's own ids.
    Prediction(Version, Vec<u64>),
}

/// Those of a document. The newest are kept, and shown until newer ones are there.
#[derive(Debug, Default)]
pub(super) struct Statistics {
    pub mask: Option<LabelStatistics>,
    /// Of the whole prediction.
    pub prediction: Option<LabelStatistics>,
    pub job: Option<JobId>,
}

impl Statistics {
    /// How much of the mask a label takes; `None` until that is measured.
    pub fn of_mask(&self, label: LabelId) -> Option<f64> {
        self.mask.as_ref().map(|m| m.volumes.get(&label).copied().unwrap_or(0.0))
    }

    pub fn has(&self, of: &StatisticsOf) -> bool {
        self.mask.iter().chain(&self.prediction).any(|kept| kept.of == *of)
    }

    pub fn keep(&mut self, statistics: LabelStatistics) {
        self.job = None;
        match statistics.of {
            StatisticsOf::Mask(_) => self.mask = Some(statistics),
            StatisticsOf::Prediction(..) => self.prediction = Some(statistics),
        }
    }

    /// A job has ended without a result.
    pub fn on_job_ended(&mut self, job: JobId) {
        self.job.take_if(|own| *own == job);
    }
}
