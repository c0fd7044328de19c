//! Losses: sums of weighted terms over a batch, in which pixels without a known class count for nothing. A sum is kept as
//! data, and written and read as an expression ([`Loss::parse`]).
//!
//! In the formulas p are probabilities (softmax over the channels, or a sigmoid for each), t is 1 where a pixel belongs to a
//! channel's class and else 0, and sums and means run over known pixels only.

mod compare;
mod cross_entropy;
mod detection;
mod dice;
mod distillation;
mod expression;
mod hausdorff;
mod heads;
mod target;
#[cfg(test)]
mod tests;

pub use expression::{ParseError, words};
pub use target::{IGNORE, Targets};

use super::Outputs;
use burn::tensor::Tensor;
use compare::Comparison;
use heads::Heads;
use serde::{Deserialize, Serialize};

/// One term of a loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "term")]
pub enum Term {
    /// `ce`: negative log-likelihood, `Σ w_y·(−ln p_y) / Σ w_y`; with sigmoids the binary cross-entropy of each channel,
    /// `w_c` where t is 1 and `w_0` where it is 0. `class_weights` from background on; empty means one for all. (Edema:
    /// 1, 5, 10, 20; JMedSeg: 1 − w and w.)
    CrossEntropy {
        #[serde(default)]
        class_weights: Vec<f32>,
    },
    /// `bce`: each channel by itself, `mean_{pixel, c} −t·ln p − (1 − t)·ln(1 − p)` (the FLARE 2021 winner).
    Binary,
    /// `focal`: `mean −alpha·(1 − p_y)^gamma·ln p_y` (T.-Y. Lin et al.: "Focal Loss for Dense Object Detection", ICCV 2017,
    /// equation 5, with one alpha for all classes as JMedSeg has it: 0.5, gamma 2).
    Focal { alpha: f32, gamma: f32 },
    /// `ohem`: the mean of `−ln p_y` over the hard pixels: those with `p_y < probability`, and if these are fewer than
    /// the `least` share of the known ones, so many of the hardest (A. Shrivastava et al.: "Training Region-based Object
    /// Detectors with Online Hard Example Mining", CVPR 2016; the polyp system takes 0.7 and 1/16).
    Ohem { probability: f32, least: f32 },
    /// `topk`: the mean over channels of the mean of that many per cent of the channel's binary cross-entropies, the largest
    /// (the FLARE 2021 winner: 30, 30, 30, 10). `percent` by channel, the last for all that follow; empty means 30.
    TopK { percent: Vec<f32> },
    /// `scaled_focal`: the FLARE 2021 winner's focal term, `Σ w · B / max(Σ t, 1)` with `w = alpha·(1 − p)^gamma` where t is 1
    /// and else `(1 − alpha)·p^gamma`, and B the mean binary cross-entropy of all elements (not each element's own); p is
    /// kept 1e-4 away from 0 and 1.
    ScaledFocal { alpha: f32, gamma: f32 },
    /// `dice`: the retinal edema system's, `1 − mean_c D_c` over the foreground classes with
    /// `D_c = (2·Σ p_c t_c + smooth) / (Σ p_c + Σ t_c + smooth)` over the whole batch; a class without a pixel in the
    /// batch's truth has the constant D = 1. (The polyp system trains with no Dice.)
    SoftDice {
        #[serde(default)]
        smooth: f32,
    },
    /// `log_dice`: `mean_c (−ln D_c)^gamma` with the same D (K. Wong et al.: "3D Segmentation with Exponential Logarithmic
    /// Loss", MICCAI 2018, equation 2; the edema system takes gamma 0.5).
    LogDice { gamma: f32 },
    /// `flat_dice`: JMedSeg's, `1 − (2·I + smooth) / (Σ p + Σ t + smooth)` with `I = Σ p·t`, all sums over batch, pixels
    /// and channels, background included; smooth 1.
    FlatDice { smooth: f32 },
    /// `squared_dice`: the FLARE 2021 winner's, `1 − mean_{item, c} (2·Σ p·t + 1e-8) / (Σ p² + Σ t² + 1e-8)`, sums over the
    /// pixels of an item (F. Milletari et al.: "V-Net", 3DV 2016). A class that an item lacks has D = 0.
    SquaredDice,
    /// `iou`: JMedSeg's, `1 − (I + smooth) / (Σ p + Σ t − I + smooth)`, sums as in `flat_dice`; smooth 1.
    Iou { smooth: f32 },
    /// `hausdorff`: `mean (p − t)²·(d(p ≥ 0.5)² + d(t ≥ 0.5)²)` with d the distance of a pixel of a mask to the nearest
    /// outside it (the FLARE 2021 winner, after D. Karimi and S. Salcudean, IEEE TMI 2020).
    Hausdorff,
    /// `unified`: a hybrid of distribution and region, `lambda·F + (1 − lambda)·T` with
    /// `F = mean −d_y·(1 − p_y)^(1 − gamma)·ln p_y`, `d_y` being delta for the foreground and 1 − delta for the background,
    /// and `T = mean_c (1 − TI_c)^gamma` with the Tversky index
    /// `TI_c = Σ p·t / (Σ p·t + delta·Σ (1 − p)·t + (1 − delta)·Σ p·(1 − t))`, 1 for a class that the truth lacks (M. Yeung
    /// et al.: "Unified Focal loss", Comput. Med. Imaging Graph. 2022, symmetric form; 0.5, 0.6 and 0.5 there).
    Unified { lambda: f32, delta: f32, gamma: f32 },
    /// `detection`: binary cross-entropy of the detection head against which classes the input shows; nothing for a network
    /// without that head. Whether a class is absent is known only where every pixel is.
    Detection,
    /// `kl`: distillation, `T²·mean_{pixel, c} q·(ln q − ln p)` with softmaxes of logits over T, q the teacher's; the mean is
    /// over the channels too (the polyp system: T = 4). Nothing without a teacher ([`Targets::with_teacher`]).
    Kl { temperature: f32 },
    /// `mse`: distillation, the mean squared difference of logits to the teacher's.
    Mse,
    /// `aux`: `Σ_i coefficient_i · loss(head i)` over the auxiliary heads, the truth resized to each by nearest neighbour (the
    /// polyp system: all 1). Without coefficients, or beyond the last, a head counts 1. Nothing without such heads.
    Auxiliary {
        loss: Loss,
        #[serde(default)]
        coefficients: Vec<f32>,
    },
    /// `deep`: deep supervision, the main head and the auxiliary ones with weights 1, 1/2, 1/4, … that sum to 1 (F. Isensee et
    /// al.: "nnU-Net", Nat. Methods 2021). The loss itself for a network without auxiliary heads.
    Deep { loss: Loss },
}

/// A term and its factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighted {
    pub weight: f32,
    #[serde(flatten)]
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

    /// `alpha·CE + (1 − alpha)·(1 − D)`: up to a constant the combo loss (S. Taghanaki et al.: "Combo loss", Comput. Med.
    /// Imaging Graph. 2019, equation 3), what a derivative of the polyp system calls hybrid.
    pub fn combo(alpha: f32) -> Self {
        let ce = Term::CrossEntropy { class_weights: vec![] };
        Self::new([(alpha, ce), (1.0 - alpha, Term::SoftDice { smooth: 1.0 })])
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
        self.terms
            .iter()
            .filter_map(|Weighted { weight, term }| Some(term.over(heads, targets)?.mul_scalar(*weight)))
            .reduce(|a, b| a + b)
            .unwrap_or_else(zero)
    }
}

impl Term {
    pub fn distils(&self) -> bool {
        matches!(self, Term::Kl { .. } | Term::Mse)
    }

    /// `None` where the network or the batch has not what the term is about.
    fn over(&self, heads: &Heads, targets: &Targets) -> Option<Tensor<1>> {
        let c = &Comparison { logits: heads.logits.clone(), targets };
        Some(match self {
            Term::CrossEntropy { class_weights } => cross_entropy::weighted(c, class_weights),
            Term::Binary => cross_entropy::binary(c),
            Term::Focal { alpha, gamma } => cross_entropy::focal(c, *alpha, *gamma),
            Term::Ohem { probability, least } => cross_entropy::hard(c, *probability, *least),
            Term::TopK { percent } => cross_entropy::hardest(c, percent),
            Term::ScaledFocal { alpha, gamma } => cross_entropy::scaled_focal(c, *alpha, *gamma),
            Term::SoftDice { smooth } => dice::soft(c, *smooth),
            Term::LogDice { gamma } => dice::logarithmic(c, *gamma),
            Term::FlatDice { smooth } => dice::flat(c, *smooth),
            Term::SquaredDice => dice::squared(c),
            Term::Iou { smooth } => dice::iou(c, *smooth),
            Term::Hausdorff => hausdorff::compute(c),
            Term::Unified { lambda, delta, gamma } => {
                cross_entropy::modified_focal(c, *delta, 1.0 - gamma).mul_scalar(*lambda)
                    + dice::focal_tversky(c, *delta, *gamma).mul_scalar(1.0 - lambda)
            }
            Term::Detection => return detection::compute(heads.detection.clone(), targets),
            Term::Kl { temperature } => return distillation::kl(c, *temperature),
            Term::Mse => return distillation::mse(c),
            Term::Auxiliary { loss, coefficients } => return heads.auxiliary(loss, coefficients, targets),
            Term::Deep { loss } => return heads.deep(loss, targets),
        })
    }
}
