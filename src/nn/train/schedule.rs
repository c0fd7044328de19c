use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

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
    /// PyTorch's one cycle as the polyp system has it: half a cosine from 1/25 up to 1 over the first `warmup` of the run
    /// and half a cosine down to 1/250000 (L. Smith and N. Topin, "Super-Convergence", 2018). The momentum goes the other
    /// way, see [`Schedule::momentum`].
    OneCycle {
        warmup: f64,
    },
    /// PyTorch's one cycle without a warm-up and with lines for cosines: from 1, not itself a step's, to 1/250000.
    Linear,
    /// `(1 − t)^power`.
    Poly {
        power: f64,
    },
    /// Times `factor` after every `every` of the run.
    Step {
        every: f64,
        factor: f64,
    },
    /// 1 up to the first share of the run, then the factors (the FLARE 2021 winner: 0.66 and 0.86; 0.1 and 0.05).
    Stages {
        until: [f64; 2],
        factors: [f64; 2],
    },
}

/// The ends of a cycle: the learning rate's first and last factor, the momentum's outer and inner value.
const START: f64 = 1.0 / 25.0;
const END: f64 = START / 1e4;
const MOMENTUM: [f64; 2] = [0.95, 0.85];

/// Where a run stands in a one cycle.
enum Phase {
    /// With the share of the phase that is done.
    Up(f64),
    Down(f64),
}

/// PyTorch's phases: the last step of each has its end value. A warm-up of nothing, or of one step, is at its end.
fn phase(warmup: f64, step: u64, total: u64) -> Phase {
    let [step, total] = [step, total].map(|n| n as f64);
    let (top, last) = (warmup * total - 1.0, total - 1.0);
    if step < top {
        Phase::Up(step / top)
    } else {
        Phase::Down(((step - top) / (last - top).max(f64::MIN_POSITIVE)).min(1.0))
    }
}

/// From `from` to `to` along half a cosine.
fn cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * share).cos())
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
                cosine(1.0, 0.0, s.min(1.0))
            }
            Schedule::OneCycle { warmup } => match phase(warmup, step, total) {
                Phase::Up(share) => cosine(START, 1.0, share),
                Phase::Down(share) => cosine(1.0, END, share),
            },
            Schedule::Linear => match phase(0.0, step, total) {
                Phase::Up(share) | Phase::Down(share) => 1.0 + (END - 1.0) * share,
            },
            Schedule::Poly { power } => (1.0 - t).max(0.0).powf(power),
            // A hair more than t, so that a boundary that falls on a step is not lost to rounding.
            Schedule::Step { every, factor } => factor.powf(((t + 1e-9) / every).floor()),
            Schedule::Stages { until, factors } => match t {
                t if t <= until[0] => 1.0,
                t if t <= until[1] => factors[0],
                _ => factors[1],
            },
        }
        .min(1.0)
    }

    /// The momentum (Adam's first beta) for a step, where the schedule sets it: one cycle leads it from 0.95 to 0.85 and
    /// back.
    pub fn momentum(self, step: u64, total: u64) -> Option<f64> {
        let [outer, inner] = MOMENTUM;
        match self {
            Schedule::OneCycle { warmup } => Some(match phase(warmup, step, total) {
                Phase::Up(share) => cosine(outer, inner, share),
                Phase::Down(share) => cosine(inner, outer, share),
            }),
            Schedule::Linear => Some(match phase(0.0, step, total) {
                Phase::Up(share) | Phase::Down(share) => inner + (outer - inner) * share,
            }),
            _ => None,
        }
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
