use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Summary of one value over the cases that have it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Cases with a value.
    pub cases: usize,
    pub mean: f64,
    /// 95 % interval of the mean by the percentile bootstrap over cases; none for fewer than two.
    pub interval: Option<[f64; 2]>,
    pub median: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl Summary {
    /// Resamples of the bootstrap.
    pub const RESAMPLES: usize = 1000;

    /// `None` where there is no value. The same values in the same order, with the same seed, give the same interval.
    pub fn of(values: &[f64], seed: u64) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (&lowest, &highest) = (sorted.first()?, sorted.last()?);
        Some(Self {
            cases: values.len(),
            mean: mean(values.iter().copied(), values.len()),
            interval: (values.len() > 1).then(|| interval(values, seed)),
            median: quantile(&sorted, 0.5),
            lowest,
            highest,
        })
    }
}

fn interval(values: &[f64], seed: u64) -> [f64; 2] {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let n = values.len();
    let mut means: Vec<f64> =
        (0..Summary::RESAMPLES).map(|_| mean((0..n).map(|_| values[rng.random_range(0..n)]), n)).collect();
    means.sort_by(f64::total_cmp);
    [0.025, 0.975].map(|share| quantile(&means, share))
}

fn mean(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    values.sum::<f64>() / count as f64
}

/// Between the two nearest of at least one sorted value.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let [low, high] = [at.floor(), at.ceil()].map(|i| sorted[i as usize]);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_case_has_a_mean_and_no_interval() {
        let one = Summary::of(&[0.5], 1).unwrap();
        assert_eq!((one.cases, one.mean, one.interval, one.median), (1, 0.5, None, 0.5));
        assert_eq!(Summary::of(&[], 1), None);
    }

    #[test]
    fn the_interval_is_seeded_and_near_the_normal_one() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100) / 100.0).collect();
        let summary = Summary::of(&values, 7).unwrap();
        assert_eq!(Summary::of(&values, 7), Some(summary));
        assert_ne!(Summary::of(&values, 8), Some(summary));
        // Uniform on [0, 1): standard error of the mean 0.2887 / 10.
        let [low, high] = summary.interval.unwrap();
        assert!((summary.mean - 0.495).abs() < 1e-12 && (summary.median - 0.495).abs() < 1e-12);
        assert!((low - (0.495 - 1.96 * 0.02887)).abs() < 0.006, "{low}");
        assert!((high - (0.495 + 1.96 * 0.02887)).abs() < 0.006, "{high}");
    }

    #[test]
    fn equal_values_have_an_interval_of_no_width() {
        assert_eq!(Summary::of(&[0.25; 4], 3).unwrap().interval, Some([0.25; 2]));
    }
}
