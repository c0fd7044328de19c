use rayon::prelude::*;

/// Added to the deviation, so that an even picture is nothing but zeros.
const EPSILON: f64 = 1e-5;

/// How values become a network's: clipped to a window, less the mean, over the deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standard {
    low: f32,
    high: f32,
    mean: f64,
    scale: f64,
}

impl Standard {
    /// The mean and the deviation of the values themselves, once clipped, the deviation that of a sample (over N − 1)
    /// as the winner of FLARE21 predicts; or those that are given, for a window scaled to 0–1. Values that are not
    /// finite count as the window's lower end.
    pub fn new(
        values: impl IndexedParallelIterator<Item = f32> + Clone,
        [low, high]: [f32; 2],
        mean: &[f32],
        std: &[f32],
    ) -> Self {
        if let (&[mean], &[std]) = (mean, std) {
            let [width, mean, std] = [high - low, mean, std].map(f64::from);
            return Self { low, high, mean: f64::from(low) + mean * width, scale: 1.0 / (std * width) };
        }
        let clipped = move |v: f32| f64::from(if v.is_finite() { v.clamp(low, high) } else { low });
        let count = values.len() as f64;
        let mean = values.clone().map(clipped).sum::<f64>() / count;
        let squares: f64 = values.map(|v| (clipped(v) - mean).powi(2)).sum();
        let deviation = (squares / (count - 1.0).max(1.0)).sqrt();
        Self { low, high, mean, scale: 1.0 / (deviation + EPSILON) }
    }

    pub fn of(&self, value: f32) -> f32 {
        let value = if value.is_finite() { value.clamp(self.low, self.high) } else { self.low };
        ((f64::from(value) - self.mean) * self.scale) as f32
    }
}

/// [`Standard`] of all values, for all values.
pub fn standardise(values: &mut [f32], window: [f32; 2], mean: &[f32], std: &[f32]) {
    let standard = Standard::new(values.par_iter().copied(), window, mean, std);
    values.par_iter_mut().for_each(|v| *v = standard.of(*v));
}
