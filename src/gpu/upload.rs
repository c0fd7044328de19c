//! What was uploaded, kept for the next frame: bounded by bytes, the least recently drawn is dropped first.

use crate::{
    geom::PlaneAxes,
    label::LabelId,
    volume::{Samples, Volume},
};
use std::{
    any::Any,
    sync::{Arc, Weak},
};

/// Data that an upload was made from, known by where it lies in memory. A weak pointer keeps the place from being used
/// again, so that equal place means equal data.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Samples(Weak<dyn Any + Send + Sync>),
    F32(Weak<[f32]>),
    U16(Weak<[u16]>),
    /// A mask has no place of its own; its owner numbers it.
    Number(u64),
}

impl Origin {
    pub fn of_volume(volume: &Volume) -> Self {
        Self::Samples(match volume.samples() {
            Samples::U8(s) => s.place(),
            Samples::I16(s) => s.place(),
            Samples::U16(s) => s.place(),
            Samples::F32(s) => s.place(),
            Samples::Rgb8(s) => s.place(),
        })
    }

    pub fn of_values(values: &Arc<[f32]>) -> Self {
        Self::F32(Arc::downgrade(values))
    }

    pub fn of_labels(labels: &Arc<[LabelId]>) -> Self {
        Self::U16(Arc::downgrade(labels))
    }

    fn is_gone(&self) -> bool {
        match self {
            Self::Samples(w) => w.strong_count() == 0,
            Self::F32(w) => w.strong_count() == 0,
            Self::U16(w) => w.strong_count() == 0,
            Self::Number(_) => false,
        }
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Samples(a), Self::Samples(b)) => a.ptr_eq(b),
            (Self::U16(a), Self::U16(b)) => a.ptr_eq(b),
            (Self::F32(a), Self::F32(b)) => a.ptr_eq(b),
            (Self::Number(a), Self::Number(b)) => a == b,
            _ => false,
        }
    }
}

/// Data, and which slice of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub origin: Origin,
    /// `None` where the data is one slice.
    pub slice: Option<(PlaneAxes, usize)>,
}

struct Entry<V> {
    key: Key,
    value: V,
    bytes: u64,
}

/// A few hundred entries at most, so they are searched one by one; the most recently used is last.
pub(crate) struct Cache<V> {
    entries: Vec<Entry<V>>,
    max_bytes: u64,
}

impl<V> Cache<V> {
    pub fn new(max_bytes: u64) -> Self {
        Self { entries: Vec::new(), max_bytes }
    }

    pub fn get(&mut self, key: &Key) -> Option<&mut V> {
        let at = self.entries.iter().rposition(|e| e.key == *key)?;
        let entry = self.entries.remove(at);
        self.entries.push(entry);
        self.entries.last_mut().map(|e| &mut e.value)
    }

    /// Adds or replaces. The newest stays even where it alone is too large.
    pub fn insert(&mut self, key: Key, value: V, bytes: u64) {
        self.entries.retain(|e| e.key != key && !e.key.origin.is_gone());
        self.entries.push(Entry { key, value, bytes });
        let mut total = self.bytes();
        let mut drop = 0;
        while total > self.max_bytes && drop + 1 < self.entries.len() {
            total -= self.entries[drop].bytes;
            drop += 1;
        }
        self.entries.drain(..drop);
    }

    /// Drops uploads whose data no longer exists.
    pub fn sweep(&mut self) {
        self.entries.retain(|e| !e.key.origin.is_gone());
    }

    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(|e| e.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u64) -> Key {
        Key { origin: Origin::Number(n), slice: None }
    }

    #[test]
    fn the_least_recently_used_goes_first_and_bytes_bound_it() {
        let mut cache = Cache::new(100);
        for n in 0..3 {
            cache.insert(key(n), n, 40);
        }
        assert!(cache.get(&key(0)).is_none());
        assert!(cache.get(&key(1)).is_some());
        cache.insert(key(3), 3, 40);
        assert!(cache.get(&key(2)).is_none(), "1 was used after 2");
        assert!(cache.get(&key(1)).is_some());
        assert_eq!(cache.bytes(), 80);
        cache.insert(key(4), 4, 500);
        assert!(cache.get(&key(4)).is_some());
        assert_eq!(cache.bytes(), 500);
    }

    #[test]
    fn what_is_dropped_elsewhere_is_swept() {
        let values: Arc<[f32]> = vec![1.0; 8].into();
        let mut cache = Cache::new(100);
        let key = Key { origin: Origin::of_values(&values), slice: None };
        cache.insert(key.clone(), (), 32);
        cache.sweep();
        assert!(cache.get(&key).is_some());
        drop(values);
        cache.sweep();
        assert_eq!(cache.bytes(), 0);
    }
}
