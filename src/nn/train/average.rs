use serde::{Deserialize, Serialize};

/// A moving average of the weights, `a ← decay·a + (1 − decay)·w` after each step, running statistics included: how much
/// of the old it keeps. It starts as a copy of the weights before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "average")]
pub enum Average {
    /// The share of the run that is done: at first a copy, at the end frozen (the polyp system).
    Ramp,
    Constant {
        decay: f64,
    },
}

impl Average {
    /// After step `step` (from 1) of `total`.
    pub fn decay(self, step: u64, total: u64) -> f64 {
        match self {
            Average::Ramp => (step as f64 / total.max(1) as f64).min(1.0),
            Average::Constant { decay } => decay,
        }
    }
}
