use super::{Batch, Prepared, Sampler, TrainSample};
use crate::nn::ModelCard;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

/// Prepared slices are kept up to this many bytes; those beyond are prepared anew each time.
const KEPT_BYTES: usize = 2 << 30;

/// The batches of a run. Each is a function of the step's number alone, so that they may be made ahead, on any thread, and
/// in any order.
pub struct Batches {
    samples: Vec<TrainSample>,
    card: ModelCard,
    sampler: Sampler,
    kept: Vec<OnceLock<Arc<Prepared>>>,
    room: AtomicUsize,
}

impl Batches {
    pub(super) fn new(samples: Vec<TrainSample>, card: ModelCard, sampler: Sampler) -> Self {
        let kept = samples.iter().map(|_| OnceLock::new()).collect();
        Self { samples, card, sampler, kept, room: AtomicUsize::new(KEPT_BYTES) }
    }

    /// The batch of step `step`, counted from 0.
    pub fn of_step(&self, step: u64) -> Batch {
        self.sampler.batch(self.samples.len(), |i| self.slice(i), step)
    }

    /// Width and height of the patches.
    pub(super) fn size(&self) -> [usize; 2] {
        self.sampler.size
    }

    pub(super) fn samples(&self) -> &[TrainSample] {
        &self.samples
    }

    fn slice(&self, i: usize) -> Arc<Prepared> {
        if let Some(prepared) = self.kept[i].get() {
            return Arc::clone(prepared);
        }
        let prepared = Arc::new(self.samples[i].prepare(&self.card));
        let size = prepared.byte_len();
        let taken =
            self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(size));
        if taken.is_ok() {
            // Where two threads have prepared it, either is the same.
            return Arc::clone(self.kept[i].get_or_init(|| prepared));
        }
        prepared
    }
}
