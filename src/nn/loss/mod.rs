//! Losses: sums of weighted terms over a batch, in which pixels without a known class count for nothing.

mod cross_entropy;
mod detection;
mod dice;
mod target;
#[cfg(test)]
mod tests;

pub use target::{IGNORE, Targets};

use super::Outputs;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// One term of a loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "term")]
pub enum Term {
    /// Negative log-likelihood over the known pixels, `Σ w_y·(−log p_y) / Σ w_y`; for a sigmoid network the binary
    /// cross-entropy of its one channel. `class_weights` from background on; empty means one for all.
    CrossEntropy {
        #[serde(default)]
        class_weights: Vec<f32>,
    },
    /// `1 − mean_c D_c` over the foreground classes with the soft Dice
    /// `D_c = (2·Σ p_c t_c + smooth) / (Σ p_c + Σ t_c + smooth)` over the whole batch; a class without a pixel in the
    /// batch's truth has the constant D = 1 (the retinal edema system's rule).
    SoftDice {
        #[serde(default)]
        smooth: f32,
    },
    /// `mean_c (−ln D_c)^gamma` with the same D (Wong et al., "3D Segmentation with Exponential Logarithmic Loss",
    /// MICCAI 2018, equation 2; the edema system takes gamma 0.5).
    LogDice { gamma: f32 },
    /// Binary cross-entropy of the detection head against which classes the input shows; nothing for a network without
    /// that head. Whether a class is absent is known only where every pixel is.
    Detection,
}

/// A term and its factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighted {
    pub weight: f32,
    #[serde(flatten)]
    pub term: Term,
}

/// The sum that a training run makes small.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Loss {
    pub terms: Vec<Weighted>,
}

impl Loss {
    pub fn new(terms: impl IntoIterator<Item = (f32, Term)>) -> Self {
        Self { terms: terms.into_iter().map(|(weight, term)| Weighted { weight, term }).collect() }
    }

    /// Cross-entropy, soft Dice, and the detection head where there is one: what a run takes unless told otherwise.
    pub fn standard() -> Self {
        Self::new([
            (1.0, Term::CrossEntropy { class_weights: vec![] }),
            (1.0, Term::SoftDice { smooth: 1.0 }),
            (1.0, Term::Detection),
        ])
    }

    /// The retinal edema system's sums: `mix_3` with soft Dice, `mix_33` with its exponential logarithmic form.
    pub fn edema(exponential: bool) -> Self {
        let overlap = if exponential { Term::LogDice { gamma: 0.5 } } else { Term::SoftDice { smooth: 0.0 } };
        let class_weights = vec![1.0, 5.0, 10.0, 20.0];
        Self::new([(1.0, Term::CrossEntropy { class_weights }), (1.0, overlap), (1.0, Term::Detection)])
    }

    /// The loss, `[1]`, on the outputs' device.
    pub fn compute(&self, outputs: &Outputs, targets: &Targets) -> Tensor<1> {
        let zero = || Tensor::<1>::zeros([1], &outputs.logits.device());
        self.terms
            .iter()
            .filter_map(|Weighted { weight, term }| {
                let value = match term {
                    Term::CrossEntropy { class_weights } => {
                        Some(cross_entropy::compute(outputs, targets, class_weights))
                    }
                    Term::SoftDice { smooth } => Some(dice::soft(outputs, targets, *smooth)),
                    Term::LogDice { gamma } => Some(dice::logarithmic(outputs, targets, *gamma)),
                    Term::Detection => detection::compute(outputs, targets),
                }?;
                Some(value.mul_scalar(*weight))
            })
            .reduce(|a, b| a + b)
            .unwrap_or_else(zero)
    }
}
