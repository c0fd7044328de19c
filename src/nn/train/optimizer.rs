use super::OptimizerStep;
use serde::{Deserialize, Serialize};

/// Stochastic gradient descent with momentum as PyTorch has it: `v ← momentum·v + g`, `w ← w − lr·v`, with g the gradient
/// and `weight_decay·w`; with `nesterov` the step is along `g + momentum·v`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    pub momentum: f32,
    pub nesterov: bool,
    pub weight_decay: f32,
}

/// What the edema, polyp and JMedSeg systems take.
impl Default for Sgd {
    fn default() -> Self {
        Self { momentum: 0.9, nesterov: false, weight_decay: 1e-4 }
    }
}

/// Adam (Kingma and Ba, 2015, algorithm 1) with L2 decay added to the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    pub beta_1: f32,
    pub beta_2: f32,
    pub epsilon: f32,
    pub weight_decay: f32,
    /// Epsilon is added before the second moment is corrected for its start from 0 (there, end of section 2), as Jittor
    /// and TensorFlow do it.
    pub epsilon_hat: bool,
}

impl Default for Adam {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.0, epsilon_hat: false }
    }
}

/// Adam whose decay is not part of the gradient: first `w ← w·(1 − lr·weight_decay)` (Loshchilov and Hutter, "Decoupled
/// Weight Decay Regularization", 2019).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    pub beta_1: f32,
    pub beta_2: f32,
    pub epsilon: f32,
    pub weight_decay: f32,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.01 }
    }
}

/// How gradients become steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "optimizer", from = "Written")]
pub enum Optimizer {
    Sgd(Sgd),
    Adam(Adam),
    AdamW(AdamW),
}

/// An optimiser as checkpoints hold it; older ones have Adam's numbers and no name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Named(Named),
    Adam(Adam),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase", tag = "optimizer")]
enum Named {
    Sgd(Sgd),
    Adam(Adam),
    AdamW(AdamW),
}

impl From<Written> for Optimizer {
    fn from(written: Written) -> Self {
        match written {
            Written::Named(Named::Sgd(sgd)) => Optimizer::Sgd(sgd),
            Written::Named(Named::Adam(adam)) | Written::Adam(adam) => Optimizer::Adam(adam),
            Written::Named(Named::AdamW(adam)) => Optimizer::AdamW(adam),
        }
    }
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer::Adam(Adam::default())
    }
}

impl Optimizer {
    /// The retinal edema system's.
    pub fn edema() -> Self {
        Optimizer::Adam(Adam { beta_2: 0.99, weight_decay: 1e-4, ..Adam::default() })
    }

    /// JMedSeg's.
    pub fn jmedseg() -> Self {
        Optimizer::Adam(Adam { epsilon_hat: true, ..Adam::default() })
    }

    /// The FLARE 2021 winner's.
    pub fn flare() -> Self {
        Optimizer::Adam(Adam { beta_2: 0.99, weight_decay: 5e-5, ..Adam::default() })
    }

    /// A start without state.
    pub fn init(self) -> OptimizerStep {
        OptimizerStep::new(self)
    }

    /// Of SGD, and the first beta of the others.
    pub(super) fn momentum(self) -> f32 {
        match self {
            Optimizer::Sgd(sgd) => sgd.momentum,
            Optimizer::Adam(adam) => adam.beta_1,
            Optimizer::AdamW(adam) => adam.beta_1,
        }
    }
}
