//! How many pixels each label takes in a slice, counted when the slice changes and not in every frame.

use crate::label::LabelId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The count of the slice that was asked for last.
#[derive(Default)]
pub struct Counted {
    of: Option<Arc<[LabelId]>>,
    counts: BTreeMap<LabelId, usize>,
}

impl Counted {
    /// The pixels of each label but background. `labels`: one for each pixel.
    pub fn of(&mut self, labels: &Arc<[LabelId]>) -> &BTreeMap<LabelId, usize> {
        if !self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, labels)) {
            self.counts.clear();
            // Equal labels lie beside each other.
            for run in labels.chunk_by(|a, b| a == b).filter(|run| run[0] != 0) {
                *self.counts.entry(run[0]).or_insert(0) += run.len();
            }
            self.of = Some(Arc::clone(labels));
        }
        &self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_slice_is_counted_anew() {
        let mut counted = Counted::default();
        let first: Arc<[LabelId]> = vec![0, 3, 3, 0, 1, 3].into();
        assert_eq!(counted.of(&first), &BTreeMap::from([(1, 1), (3, 3)]));
        let second: Arc<[LabelId]> = vec![2].into();
        assert_eq!(counted.of(&second), &BTreeMap::from([(2, 1)]));
        assert_eq!(counted.of(&first), &BTreeMap::from([(1, 1), (3, 3)]));
    }
}
