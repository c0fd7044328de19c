//! Losses: sums of weighted terms over a batch, in which pixels without a known class count for nothing. A sum is kept as
//! data, and written and read as an expression ([`Loss::parse`]).
//!
//! Each loss is a file in `terms`, and [`LOSSES`] lists them. In the formulas p are probabilities (softmax over the channels, or a sigmoid for each), t is 1 where a pixel belongs to a
//! channel's class and else 0, and sums and means run over known pixels only.

mod compare;
mod expression;
mod heads;
mod overlap;
mod spec;
mod target;
pub mod terms;
#[cfg(test)]
mod tests;

pub use expression::ParseError;
pub use spec::{List, LossSpec, Number, Term};
pub use target::{IGNORE, Targets};
pub use terms::LOSSES;

use super::Outputs;
use burn::tensor::Tensor;
use compare::Comparison;
use heads::Heads;
use serde::{Deserialize, Serialize};

/// A term and its factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighted {
    pub weight: f32,
    pub term: Term,
}

/// The sum that a training run makes small.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Loss {
    pub terms: Vec<Weighted>,
}

impl From<Term> for Loss {
    fn from(term: Term) -> Self {
        Self::new([(1.0, term)])
    }
}

impl Loss {
    pub fn new(terms: impl IntoIterator<Item = (f32, Term)>) -> Self {
        Self { terms: terms.into_iter().map(|(weight, term)| Weighted { weight, term }).collect() }
    }

    /// Cross-entropy, soft Dice, and the detection head where there is one: what a run takes unless told otherwise.
    pub fn standard() -> Self {
        Self::new([
            (1.0, terms::ce::LOSS.term()),
            (1.0, terms::dice::LOSS.with(&[1.0])),
            (1.0, terms::detection::LOSS.term()),
        ])
    }

    /// The retinal edema system's sums: `mix_3` with soft Dice, `mix_33` with its exponential logarithmic form.
    pub fn edema(exponential: bool) -> Self {
        let overlap = if exponential { &terms::log_dice::LOSS } else { &terms::dice::LOSS };
        Self::new([
            (1.0, terms::ce::LOSS.with_list([1.0, 5.0, 10.0, 20.0])),
            (1.0, overlap.term()),
            (1.0, terms::detection::LOSS.term()),
        ])
    }

    /// `alpha·CE + (1 − alpha)·(1 − D)`: up to a constant the combo loss (S. Taghanaki et al.: "Combo loss", Comput. Med.
    /// Imaging Graph. 2019, equation 3), what a derivative of the polyp system calls hybrid.
    pub fn combo(alpha: f32) -> Self {
        Self::new([(alpha, terms::ce::LOSS.term()), (1.0 - alpha, terms::dice::LOSS.with(&[1.0]))])
    }

    /// Whether it learns from a teacher's logits ([`Targets::with_teacher`]).
    pub fn distils(&self) -> bool {
        self.terms.iter().any(|t| t.term.distils())
    }

    /// The loss, `[1]`, on the outputs' device.
    pub fn compute<const D: usize>(&self, outputs: &Outputs<D>, targets: &Targets) -> Tensor<1> {
        self.over(&Heads::of(outputs), targets)
    }

    /// The loss of logits `[N, K, space]` alone, whatever the rank of space.
    pub fn of_logits<const D: usize>(&self, logits: Tensor<D>, targets: &Targets) -> Tensor<1> {
        self.over(&Heads::alone(logits), targets)
    }

    fn over(&self, heads: &Heads, targets: &Targets) -> Tensor<1> {
        let zero = || Tensor::<1>::zeros([1], &heads.logits.device());
        let compared = Comparison { logits: heads.logits.clone(), heads, targets };
        self.terms
            .iter()
            .filter_map(|Weighted { weight, term }| {
                Some((term.spec.compute)(&term.arguments, &compared)?.mul_scalar(*weight))
            })
            .reduce(|a, b| a + b)
            .unwrap_or_else(zero)
    }
}
