use std::ops::AddAssign;

/// The four counts of one class in one comparison, and what is made from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overlap {
    pub true_positive: u64,
    pub false_positive: u64,
    pub false_negative: u64,
    pub true_negative: u64,
}

impl Overlap {
    /// Counts label `class` over two maps of equal length. `valid`, of the same length, says which pixels count
    /// (`None`: all do).
    ///
    /// # Panics
    /// If the lengths differ. Callers compare the sizes of the maps before they pair them.
    pub fn of<T: Copy + PartialEq>(predicted: &[T], truth: &[T], valid: Option<&[bool]>, class: T) -> Self {
        assert_eq!(predicted.len(), truth.len(), "two label maps of different sizes cannot be compared");
        if let Some(valid) = valid {
            assert_eq!(valid.len(), truth.len(), "the valid mask differs from the label map in size");
        }
        let mut counts = Self::default();
        for (i, (&p, &t)) in predicted.iter().zip(truth).enumerate() {
            if valid.is_none_or(|v| v[i]) {
                counts.add(p == class, t == class);
            }
        }
        counts
    }

    /// Counts one pixel.
    pub fn add(&mut self, predicted: bool, truth: bool) {
        *match (predicted, truth) {
            (true, true) => &mut self.true_positive,
            (true, false) => &mut self.false_positive,
            (false, true) => &mut self.false_negative,
            (false, false) => &mut self.true_negative,
        } += 1;
    }

    /// 2·|P∩T| / (|P|+|T|); `None` where the class is in neither map.
    pub fn dice(&self) -> Option<f64> {
        ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)
    }

    /// |P∩T| / |P∪T|; `None` where the class is in neither map.
    pub fn iou(&self) -> Option<f64> {
        ratio(self.true_positive, self.true_positive + self.false_positive + self.false_negative)
    }

    /// Dice with a constant added above and below the line, which gives every case a value: 1 where the class is in
    /// neither map. The edema system watches training with 0.001, FLARE's baseline with 1e-8.
    pub fn smoothed_dice(&self, smooth: f64) -> f64 {
        let both = (self.in_predicted() + self.in_truth()) as f64;
        (2.0 * self.true_positive as f64 + smooth) / (both + smooth)
    }

    /// Sensitivity, or recall: the share of the class's pixels that were found; `None` where the truth has none.
    pub fn sensitivity(&self) -> Option<f64> {
        ratio(self.true_positive, self.true_positive + self.false_negative)
    }

    /// Specificity: the share of the other pixels that were not predicted as the class; `None` where the truth has no
    /// other.
    pub fn specificity(&self) -> Option<f64> {
        ratio(self.true_negative, self.true_negative + self.false_positive)
    }

    /// Precision: the share of the pixels predicted as the class that belong to it; `None` where none was predicted.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_positive, self.true_positive + self.false_positive)
    }

    /// Accuracy: the share of all pixels that are predicted right.
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.true_positive + self.true_negative, self.total())
    }

    /// Correlation of the two maps (Matthews 1975), from -1 to 1; `None` where either map is of one kind throughout.
    pub fn mcc(&self) -> Option<f64> {
        let [tp, fp, fn_, tn] =
            [self.true_positive, self.false_positive, self.false_negative, self.true_negative]
                .map(|n| n as f64);
        let product = (tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_);
        (product > 0.0).then(|| (tp * tn - fp * fn_) / product.sqrt())
    }

    /// Pixels of the class in the predicted map.
    pub fn in_predicted(&self) -> u64 {
        self.true_positive + self.false_positive
    }

    /// Pixels of the class in the truth.
    pub fn in_truth(&self) -> u64 {
        self.true_positive + self.false_negative
    }

    /// Number of pixels that counted.
    pub fn total(&self) -> u64 {
        self.true_positive + self.false_positive + self.false_negative + self.true_negative
    }
}

impl AddAssign for Overlap {
    fn add_assign(&mut self, other: Self) {
        self.true_positive += other.true_positive;
        self.false_positive += other.false_positive;
        self.false_negative += other.false_negative;
        self.true_negative += other.true_negative;
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_ratios_of_a_small_map() {
        let predicted = [1u16, 1, 1, 0, 0, 2];
        let truth = [1u16, 1, 0, 1, 0, 0];
        let o = Overlap::of(&predicted, &truth, None, 1);
        assert_eq!((o.true_positive, o.false_positive, o.false_negative, o.true_negative), (2, 1, 1, 2));
        assert_eq!(o.dice(), Some(4.0 / 6.0));
        assert_eq!(o.iou(), Some(2.0 / 4.0));
        assert_eq!(o.sensitivity(), Some(2.0 / 3.0));
        assert_eq!(o.specificity(), Some(2.0 / 3.0));
        assert_eq!(o.precision(), Some(2.0 / 3.0));
        assert_eq!(o.accuracy(), Some(4.0 / 6.0));
        assert_eq!(o.mcc(), Some((2.0 * 2.0 - 1.0) / 9.0));
        assert_eq!((o.in_predicted(), o.in_truth()), (3, 3));
    }

    #[test]
    fn pixels_outside_the_valid_mask_are_in_no_count() {
        let valid = [true, false, true, false];
        let o = Overlap::of(&[1u8, 1, 0, 0], &[1, 0, 0, 1], Some(&valid), 1);
        assert_eq!((o.total(), o.dice(), o.specificity()), (2, Some(1.0), Some(1.0)));
    }

    #[test]
    fn a_class_in_neither_map_has_no_score_and_in_one_scores_nothing() {
        let neither = Overlap::of(&[0u8; 4], &[0; 4], None, 1);
        assert_eq!((neither.dice(), neither.iou(), neither.sensitivity()), (None, None, None));
        assert_eq!((neither.specificity(), neither.mcc()), (Some(1.0), None));
        assert_eq!((neither.smoothed_dice(1e-3), neither.precision()), (1.0, None));
        assert_eq!(Overlap::of(&[1u8; 4], &[0; 4], None, 1).dice(), Some(0.0));
        assert_eq!(Overlap::of(&[0u8; 4], &[1; 4], None, 1).dice(), Some(0.0));
    }
}
