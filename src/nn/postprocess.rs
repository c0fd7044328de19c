//! From probabilities to labels.

use super::{ModelCard, SlicePrediction, predict::PredictError};
use crate::label::LabelId;

impl SlicePrediction {
    /// The most probable label of each pixel, row by row; of equal ones the lower class. Reads back where the
    /// probabilities are on the device.
    pub fn labels(&self, card: &ModelCard) -> Result<Vec<LabelId>, PredictError> {
        let values = self.probabilities.to_host()?;
        let labels: Vec<LabelId> = (0..self.classes).map(|c| card.label_of(c)).collect();
        Ok(argmax(&values, self.classes, self.width * self.height).into_iter().map(|c| labels[c]).collect())
    }
}

/// The class with the highest value at each pixel of `[classes][pixels]`; of equal ones the lowest.
pub fn argmax(values: &[f32], classes: usize, pixels: usize) -> Vec<usize> {
    let mut best = vec![0; pixels];
    let mut highest = values.get(..pixels).unwrap_or_default().to_vec();
    for (class, plane) in values.chunks_exact(pixels.max(1)).enumerate().take(classes).skip(1) {
        for ((best, highest), &value) in best.iter_mut().zip(&mut highest).zip(plane) {
            if value > *highest {
                (*best, *highest) = (class, value);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_class_wins_and_ties_go_to_the_lower() {
        let values = [0.2, 0.5, 0.1, 0.2, 0.5, 0.7, 0.6, 0.0, 0.2];
        assert_eq!(argmax(&values, 3, 3), [2, 0, 1]);
    }
}
