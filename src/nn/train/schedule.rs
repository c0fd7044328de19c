use serde::{Deserialize, Serialize};

/// How the learning rate changes over a run. `t` is the share of the run that is done, from 0 to below 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "schedule")]
pub enum Schedule {
    Constant,
    /// Linear from nearly 0 over the first `warmup` of the run, then half a cosine down to 0 (Loshchilov and Hutter,
    /// "SGDR", 2017, without restarts).
    Cosine {
        warmup: f64,
    },
    /// `(1 − t)^power`.
    Poly {
        power: f64,
    },
    /// Times `factor` after every `every` of the run.
    Step {
        every: f64,
        factor: f64,
    },
}

impl Schedule {
    /// The factor on the base learning rate for step `step` (from 0) of `total`.
    pub fn factor(self, step: u64, total: u64) -> f64 {
        let t = step as f64 / total.max(1) as f64;
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine { warmup } if t < warmup => (t + 1.0 / total.max(1) as f64) / warmup,
            Schedule::Cosine { warmup } => {
                let s = (t - warmup) / (1.0 - warmup).max(f64::EPSILON);
                0.5 * (1.0 + (std::f64::consts::PI * s.min(1.0)).cos())
            }
            Schedule::Poly { power } => (1.0 - t).max(0.0).powf(power),
            // A hair more than t, so that a boundary that falls on a step is not lost to rounding.
            Schedule::Step { every, factor } => factor.powf(((t + 1e-9) / every).floor()),
        }
        .min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn cosine_rises_falls_and_ends_at_nothing() {
        let s = Schedule::Cosine { warmup: 0.1 };
        let lr: Vec<f64> = (0..=100).map(|i| s.factor(i, 100)).collect();
        assert!(lr[0] > 0.0 && lr[0] < 0.2);
        assert!(lr[..10].is_sorted() && lr[10..].is_sorted_by(|a, b| a >= b));
        assert!((lr[10] - 1.0).abs() < 1e-9 && lr[100] < 1e-9);
    }
}
