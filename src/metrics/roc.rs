use rayon::prelude::*;
use std::{cmp::Ordering, ops::AddAssign};

/// The numbers of positives and negatives at each score. Those of cases add up to that of the data set, exactly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roc {
    /// Distinct scores, ascending.
    levels: Vec<Level>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Level {
    score: f32,
    negatives: u64,
    positives: u64,
}

impl Roc {
    /// From `(score, is positive)` in any order. Scores that are not numbers are left out.
    pub fn of(pairs: impl IntoIterator<Item = (f32, bool)>) -> Self {
        // Adding 0 makes of -0 the 0 that it equals.
        let numbers = pairs.into_iter().filter(|(score, _)| !score.is_nan()).map(|(s, p)| (s + 0.0, p));
        let mut pairs: Vec<(f32, bool)> = numbers.collect();
        pairs.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut roc = Self::default();
        for (score, positive) in pairs {
            roc.push(Level { score, negatives: u64::from(!positive), positives: u64::from(positive) });
        }
        roc
    }

    /// Area under the curve: the share of (positive, negative) pairs in which the positive has the higher score, ties
    /// counting half. `None` unless there are both.
    pub fn auc(&self) -> Option<f64> {
        let (mut won_twice, mut negatives, mut positives) = (0u128, 0u128, 0u128);
        for level in &self.levels {
            let [n, p] = [level.negatives, level.positives].map(u128::from);
            won_twice += p * (2 * negatives + n);
            negatives += n;
            positives += p;
        }
        let pairs = negatives * positives;
        (pairs > 0).then(|| won_twice as f64 / (2 * pairs) as f64)
    }

    /// Adds what does not lie below the highest level.
    fn push(&mut self, level: Level) {
        match self.levels.last_mut().filter(|last| last.score == level.score) {
            Some(last) => {
                last.negatives += level.negatives;
                last.positives += level.positives;
            }
            None => self.levels.push(level),
        }
    }
}

impl AddAssign<&Roc> for Roc {
    fn add_assign(&mut self, other: &Self) {
        let old = std::mem::take(self);
        let (mut a, mut b) = (old.levels.iter().peekable(), other.levels.iter().peekable());
        while let Some(level) = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x.score.total_cmp(&y.score) == Ordering::Greater => b.next(),
            (Some(_), _) => a.next(),
            (None, _) => b.next(),
        } {
            self.push(*level);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_half() {
        let auc = |pairs: &[(f32, bool)]| Roc::of(pairs.iter().copied()).auc();
        assert_eq!(auc(&[(0.1, false), (0.9, true)]), Some(1.0));
        assert_eq!(auc(&[(0.9, false), (0.1, true)]), Some(0.0));
        assert_eq!(auc(&[(0.0, false), (-0.0, true)]), Some(0.5));
        // Pairs: 0.8 over 0.2 and 0.5; 0.5 over 0.2, and tied: 3.5 of 4.
        assert_eq!(auc(&[(0.8, true), (0.5, true), (0.5, false), (0.2, false)]), Some(0.875));
        assert_eq!(auc(&[(0.8, true), (0.5, true), (f32::NAN, false)]), None);
    }

    #[test]
    fn cases_add_up_to_the_data_set() {
        let pairs: Vec<(f32, bool)> = (0..40).map(|i| ((i * 7 % 11) as f32 / 11.0, i % 3 == 0)).collect();
        let mut sum = Roc::default();
        for part in pairs.chunks(9) {
            sum += &Roc::of(part.iter().copied());
        }
        assert_eq!(sum, Roc::of(pairs));
        assert_eq!(sum.levels.len(), 11);
    }
}
