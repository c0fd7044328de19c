use super::{IGNORE, Prepared, select::Scored};
use crate::{
    label::{LabelId, LabelMap},
    metrics::Overlap,
    nn::{Channels, InputSpec, ModelCard, preprocess::slice_input},
    volume::Volume,
};
use std::{collections::BTreeMap, sync::Arc};

/// One slice to learn from, or to be scored on.
#[derive(Clone, Debug)]
pub struct TrainSample {
    /// Shown in messages; unique in a run.
    pub name: String,
    /// The case that it is a slice of; the name again if there is none.
    pub case: String,
    pub volume: Volume,
    /// Native slice.
    pub z: usize,
    /// The network's class of each pixel of the slice, row by row; [`IGNORE`], or any class that the network does not
    /// have, where it is not known.
    pub labels: Arc<[u16]>,
}

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum SampleError {
    #[error("{name}: the labels have {labels} pixels and the slice {pixels}")]
    Size { name: String, labels: usize, pixels: usize },
    #[error("{name}: there is no slice {z}, the image has {depth}")]
    NoSlice { name: String, z: usize, depth: usize },
    #[error("{name}: no pixel of the slice has a label that the model knows")]
    Unlabelled { name: String },
}

impl TrainSample {
    pub fn new(
        name: impl Into<String>,
        volume: Volume,
        z: usize,
        labels: Arc<[u16]>,
    ) -> Result<Self, SampleError> {
        let name = name.into();
        let [width, height, depth] = volume.dims();
        if z >= depth {
            return Err(SampleError::NoSlice { name, z, depth });
        }
        if labels.len() != width * height {
            return Err(SampleError::Size { name, labels: labels.len(), pixels: width * height });
        }
        if labels.iter().all(|&c| c == IGNORE) {
            return Err(SampleError::Unlabelled { name });
        }
        Ok(Self { case: name.clone(), name, volume, z, labels })
    }

    /// The same slice, of that case.
    pub fn of_case(self, case: impl Into<String>) -> Self {
        Self { case: case.into(), ..self }
    }

    /// Slice `z` of a mask over the volume. Labels that the card does not know, and pixels where `valid` (of the mask's
    /// size) is 0, are not known.
    pub fn from_mask(
        name: impl Into<String>,
        volume: Volume,
        z: usize,
        mask: &LabelMap,
        valid: Option<&LabelMap>,
        card: &ModelCard,
    ) -> Result<Self, SampleError> {
        let name = name.into();
        let depth = volume.dims()[2].min(mask.dims()[2]);
        if z >= depth {
            return Err(SampleError::NoSlice { name, z, depth });
        }
        let valid = valid.map(|v| v.slice(z));
        let labels: Arc<[u16]> = mask
            .slice(z)
            .into_iter()
            .enumerate()
            .map(|(i, label)| match &valid {
                Some(valid) if valid.get(i).is_none_or(|&v| v == 0) => IGNORE,
                _ => card.class_of(label).and_then(|c| u16::try_from(c).ok()).unwrap_or(IGNORE),
            })
            .collect();
        Self::new(name, volume, z, labels)
    }

    /// The slice as the network sees it, and its classes at the same scale.
    pub(super) fn prepare(&self, card: &ModelCard) -> Prepared {
        // Mean and deviation come after augmentation.
        let input = InputSpec { mean: vec![], std: vec![], ..card.input.clone() };
        let slice = slice_input(&self.volume, self.z, &input);
        let [width, height, _] = self.volume.dims();
        let mut classes = nearest(&self.labels, [width, height], [slice.width, slice.height]);
        for class in &mut classes {
            if usize::from(*class) >= card.classes() {
                *class = IGNORE;
            }
        }
        let colour = card.input.channels == Channels::Rgb && self.volume.channels() == 3;
        Prepared::new([slice.channels, slice.height, slice.width], colour, slice.values, classes)
    }
}

/// Labels at another size: each pixel takes the one that its centre lies in. Labels are never mixed.
fn nearest(labels: &[u16], [w, h]: [usize; 2], [to_w, to_h]: [usize; 2]) -> Vec<u16> {
    let source = |i: usize, from: usize, to: usize| ((2 * i + 1) * from / (2 * to)).min(from - 1);
    let columns: Vec<usize> = (0..to_w).map(|x| source(x, w, to_w)).collect();
    (0..to_h)
        .flat_map(|y| {
            let row = &labels[source(y, h, to_h) * w..][..w];
            columns.iter().map(|&x| row[x])
        })
        .collect()
}

/// Counts of every foreground label of the card for a predicted slice (label ids, row by row) against a sample's truth,
/// over the pixels whose class is known.
pub fn score(card: &ModelCard, sample: &TrainSample, predicted: &[LabelId]) -> BTreeMap<u16, Overlap> {
    Scored::new(card, sample, predicted).foreground()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_keeps_labels_and_equal_sizes() {
        let labels: Vec<u16> = (0..12).collect();
        assert_eq!(nearest(&labels, [4, 3], [4, 3]), labels);
        assert_eq!(nearest(&[7, 9], [2, 1], [4, 2]), [7, 7, 9, 9, 7, 7, 9, 9]);
        assert_eq!(nearest(&labels, [4, 3], [2, 1]), [5, 7]);
    }
}
