//! The slices of a volume, and what they have in common.

use super::{
    header::{Frame, Header},
    keys::{self, KEYS},
};
use crate::io::SeriesInfo;
use std::cmp::Ordering;

/// Slices that make one volume, in order.
#[derive(Debug)]
pub struct Series {
    pub id: String,
    pub title: String,
    pub slices: Vec<Slice>,
    pub order: Order,
    pub warnings: Vec<String>,
}

/// What the slices are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Their places along their normal.
    Place,
    /// Their stated locations along an axis that is not.
    Location,
    /// Their numbers.
    Number,
    /// As frames of one file.
    Frame,
    /// Nothing but their identifiers.
    Identifier,
}

#[derive(Clone, Debug)]
pub struct Slice {
    /// Index of its file among the headers.
    pub file: usize,
    pub frame: Frame,
}

impl Series {
    pub fn info(&self, headers: &[Header], shown: bool) -> SeriesInfo {
        let layout = &headers[self.slices[0].file].layout;
        let dims = [layout.columns, layout.rows, self.slices.len()];
        SeriesInfo { id: self.id.clone(), title: self.title.clone(), dims, shown }
    }

    /// What the largest series is chosen by.
    pub fn voxels(&self, headers: &[Header]) -> usize {
        let layout = &headers[self.slices[0].file].layout;
        layout.columns * layout.rows * self.slices.len()
    }
}

/// Numbers by their size, other texts by their letters.
pub fn natural(a: &str, b: &str) -> Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        _ => a.cmp(b),
    }
}

pub fn by_keys(a: &Frame, b: &Frame) -> Ordering {
    let mut keys = a.keys.iter().zip(&b.keys).map(|(a, b)| natural(a, b));
    keys.find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

/// The value that all slices have of each key.
pub fn common_keys(slices: &[Slice]) -> [Option<String>; KEYS.len()] {
    std::array::from_fn(|key| {
        let first = &slices[0].frame.keys[key];
        slices.iter().all(|s| s.frame.keys[key] == *first).then(|| first.clone())
    })
}

/// Whether the titles of volumes say in what they differ.
pub fn is_told(slices: &[Slice]) -> bool {
    let common = common_keys(slices);
    (0..KEYS.len()).any(|key| key != keys::PICTURE && common[key].is_none())
}
