use crate::engine::{DocumentId, Predicted, SliceKey, Version};
use crate::label::LabelId;
use crate::time::now_ms;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Predictions by document, model version and slice; bounded by bytes, the longest unused ones go first. Labels stay
/// longer than the probabilities that they were decided from: they take a small part of the memory, and have as much of
/// it for themselves.
pub(super) struct PredictionCache {
    kept: BTreeMap<Key, Kept>,
    labels: BTreeMap<(DocumentId, Version), BTreeMap<usize, SliceLabels>>,
    label_bytes: usize,
    failed: BTreeMap<Key, String>,
    bytes: usize,
    max_bytes: usize,
    clock: u64,
}

type Key = (DocumentId, String, usize);

/// The labels that a model predicts in a native slice.
#[derive(Clone, Debug)]
pub struct SliceLabels {
    /// The most probable label of each pixel, in the model's own ids, row by row.
    pub labels: Arc<[LabelId]>,
    /// The probability that the slice shows each of the model's labels, in their order, where the network has a head for that.
    pub detection: Option<Arc<[f32]>>,
    /// Tells a newer prediction of the same slice from an older one; never 0.
    pub stamp: u64,
}

struct Kept {
    predicted: Predicted,
    /// When it came, in milliseconds since 1970.
    at_ms: i64,
    bytes: usize,
    used: u64,
}

fn key(base: &SliceKey) -> Key {
    (base.document, base.version.to_string(), base.z)
}

impl PredictionCache {
    pub fn new(max_bytes: usize) -> Self {
        Self {
            kept: BTreeMap::new(),
            labels: BTreeMap::new(),
            label_bytes: 0,
            failed: BTreeMap::new(),
            bytes: 0,
            max_bytes,
            clock: 0,
        }
    }

    /// The prediction made from exactly this base: document, model version, slice. The one place that decides whether a
    /// prediction may be shown or accepted.
    pub fn on(&self, base: &SliceKey) -> Option<&Predicted> {
        self.kept.get(&key(base)).map(|k| &k.predicted)
    }

    /// When the prediction of a slice came, in milliseconds since 1970, and how many milliseconds it took.
    pub fn at_ms(&self, base: &SliceKey) -> Option<(i64, f32)> {
        self.kept.get(&key(base)).map(|kept| (kept.at_ms, kept.predicted.millis))
    }

    /// The labels of every slice that a version has predicted, by slice; None for none.
    pub fn labels(&self, document: DocumentId, version: &Version) -> Option<&BTreeMap<usize, SliceLabels>> {
        self.labels.get(&(document, Arc::clone(version)))
    }

    pub fn failure(&self, base: &SliceKey) -> Option<&str> {
        self.failed.get(&key(base)).map(String::as_str)
    }

    /// True where asking for this base again would bring nothing new.
    pub fn is_settled(&self, base: &SliceKey) -> bool {
        let key = key(base);
        self.kept.contains_key(&key) || self.failed.contains_key(&key)
    }

    /// Marks what is on screen as used.
    pub fn touch(&mut self, base: &SliceKey) {
        self.clock += 1;
        if let Some(kept) = self.kept.get_mut(&key(base)) {
            kept.used = self.clock;
        }
    }

    /// Keeps a prediction; `visible` says what must not go to make room for it.
    pub fn keep(&mut self, predicted: Predicted, visible: impl Fn(DocumentId, usize) -> bool) {
        let shape = &predicted.prediction;
        let bytes = shape.width * shape.height * (4 * shape.classes + 2);
        let key = key(&predicted.key);
        let detection = predicted.prediction.detection.as_deref().map(Arc::from);
        self.keep_labels(&predicted.key, Arc::clone(&predicted.labels), detection);
        self.failed.remove(&key);
        if let Some(old) =
            self.kept.insert(key.clone(), Kept { predicted, at_ms: now_ms(), bytes, used: self.clock })
        {
            self.bytes -= old.bytes;
        }
        self.bytes += bytes;
        while self.bytes > self.max_bytes {
            let oldest = self
                .kept
                .iter()
                .filter(|(k, _)| **k != key && !visible(k.0, k.2))
                .min_by_key(|(_, kept)| kept.used)
                .map(|(k, _)| k.clone());
            let Some(gone) = oldest.and_then(|k| self.kept.remove(&k)) else { break };
            self.bytes -= gone.bytes;
        }
    }

    /// Keeps the labels alone, without the probabilities.
    pub fn keep_labels(&mut self, base: &SliceKey, labels: Arc<[LabelId]>, detection: Option<Arc<[f32]>>) {
        self.clock += 1;
        let stamp = self.clock;
        self.label_bytes += size_of_val(&*labels);
        let of_version = self.labels.entry((base.document, Arc::clone(&base.version))).or_default();
        if let Some(old) = of_version.insert(base.z, SliceLabels { labels, detection, stamp }) {
            self.label_bytes -= size_of_val(&*old.labels);
        }
        while self.label_bytes > self.max_bytes && self.forget_oldest_labels(stamp) {}
    }

    /// False where there are none but those of a certain stamp.
    fn forget_oldest_labels(&mut self, but: u64) -> bool {
        let all =
            self.labels.values_mut().flat_map(|of| of.iter().map(|(z, l)| (l.stamp, *z)).min().zip(Some(of)));
        let Some(((stamp, z), of_version)) = all.min_by_key(|((stamp, _), _)| *stamp) else { return false };
        if stamp == but {
            return false;
        }
        if let Some(gone) = of_version.remove(&z) {
            self.label_bytes -= size_of_val(&*gone.labels);
        }
        true
    }

    pub fn fail(&mut self, base: SliceKey, reason: String) {
        self.failed.insert(key(&base), reason);
    }

    pub fn forget_document(&mut self, document: DocumentId) {
        self.kept.retain(|k, _| k.0 != document);
        self.failed.retain(|k, _| k.0 != document);
        self.bytes = self.kept.values().map(|k| k.bytes).sum();
        self.labels.retain(|(of, _), _| *of != document);
        let labels = self.labels.values().flat_map(BTreeMap::values);
        self.label_bytes = labels.map(|l| size_of_val(&*l.labels)).sum();
    }

    /// A model is chosen or loaded again: predictions that failed before are tried again.
    pub fn forget_failures(&mut self, version: &str) {
        self.failed.retain(|k, _| k.1 != version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Probabilities, SlicePrediction};
    fn predicted(document: DocumentId, version: &str, z: usize) -> Predicted {
        let prediction = SlicePrediction {
            classes: 2,
            width: 10,
            height: 10,
            probabilities: Probabilities::Host(vec![0.5; 200].into()),
            detection: None,
            forward_millis: 1.0,
        };
        Predicted {
            key: SliceKey { document, version: version.into(), z },
            prediction: Arc::new(prediction),
            labels: vec![0; 100].into(),
            gpu: None,
            millis: 1.0,
        }
    }

    #[test]
    fn a_prediction_is_found_by_its_whole_base_only() {
        let mut cache = PredictionCache::new(1 << 20);
        cache.keep(predicted(DocumentId(1), "new", 4), |_, _| false);
        let base = |document, version: &str, z| SliceKey { document, version: version.into(), z };
        assert!(cache.on(&base(DocumentId(1), "new", 4)).is_some());
        for other in
            [base(DocumentId(2), "new", 4), base(DocumentId(1), "old", 4), base(DocumentId(1), "new", 5)]
        {
            assert!(cache.on(&other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn the_longest_unused_go_first_and_what_is_visible_stays() {
        // One takes 1000 bytes.
        let mut cache = PredictionCache::new(3000);
        for z in 0..3 {
            cache.keep(predicted(DocumentId(1), "v", z), |_, _| false);
        }
        let base = |z| SliceKey { document: DocumentId(1), version: "v".into(), z };
        cache.touch(&base(0));
        cache.keep(predicted(DocumentId(1), "v", 3), |_, z| z == 1);
        let there: Vec<usize> = (0..4).filter(|&z| cache.on(&base(z)).is_some()).collect();
        assert_eq!(there, [0, 1, 3]);
    }

    #[test]
    fn labels_outlive_their_probabilities_and_have_a_bound_of_their_own() {
        // Probabilities and labels of one slice take 1000 bytes, labels alone 200.
        let mut cache = PredictionCache::new(1000);
        let there = |cache: &PredictionCache| -> Vec<usize> {
            cache.labels(DocumentId(1), &"v".into()).map(|l| l.keys().copied().collect()).unwrap_or_default()
        };
        for z in 0..3 {
            cache.keep(predicted(DocumentId(1), "v", z), |_, _| false);
        }
        let base = |z| SliceKey { document: DocumentId(1), version: "v".into(), z };
        assert!(cache.on(&base(0)).is_none() && cache.on(&base(2)).is_some());
        assert_eq!(there(&cache), [0, 1, 2]);
        let first = cache.labels(DocumentId(1), &"v".into()).unwrap()[&1].stamp;
        cache.keep_labels(&base(1), vec![1; 100].into(), Some([0.5].into()));
        assert_eq!(
            cache.labels(DocumentId(1), &"v".into()).unwrap()[&1].detection.as_deref(),
            Some(&[0.5][..])
        );
        assert!(cache.labels(DocumentId(1), &"v".into()).unwrap()[&1].stamp > first);
        for z in 3..7 {
            cache.keep_labels(&base(z), vec![0; 100].into(), None);
        }
        assert_eq!(there(&cache), [1, 3, 4, 5, 6], "the oldest went");
        cache.forget_document(DocumentId(1));
        assert_eq!((there(&cache), cache.label_bytes), (vec![], 0));
    }
}
