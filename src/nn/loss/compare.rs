use super::{Targets, heads::Heads};
use burn::tensor::{Tensor, activation};

/// Logits `[N, K, R, C]` beside what they should have been.
pub(super) struct Comparison<'a> {
    pub logits: Tensor<4>,
    /// All that the network gave, the logits among it.
    pub heads: &'a Heads,
    pub targets: &'a Targets,
}

impl Comparison<'_> {
    /// `[N, K, R, C]`.
    pub fn probability(&self) -> Tensor<4> {
        if self.targets.softmax {
            activation::softmax(self.logits.clone(), 1)
        } else {
            activation::sigmoid(self.logits.clone())
        }
    }

    /// 0 where the class is not known.
    pub fn known_probability(&self) -> Tensor<4> {
        self.probability() * self.targets.known.clone()
    }

    /// How unlikely the truth is, 0 where it is not known: `−ln p_y`, `[N, 1, R, C]`, for softmax; for sigmoids the binary
    /// cross-entropy of each channel, `[N, K, R, C]`.
    pub fn surprise(&self) -> Tensor<4> {
        if self.targets.softmax {
            (activation::log_softmax(self.logits.clone(), 1).neg() * self.truth()).sum_dim(1)
        } else {
            binary_with_logits(self.logits.clone(), self.truth()) * self.targets.known.clone()
        }
    }

    /// Elements of [`Self::surprise`] that are known, at least 1.
    pub fn surprise_count(&self) -> f64 {
        let channels = if self.targets.softmax { 1 } else { self.channels() };
        (self.targets.known_count * channels as u64).max(1) as f64
    }

    /// `−t·ln p − (1 − t)·ln(1 − p)` for each channel by itself, 0 where the class is not known, `[N, K, R, C]`.
    pub fn binary(&self) -> Tensor<4> {
        if !self.targets.softmax {
            return self.surprise();
        }
        let log = activation::log_softmax(self.logits.clone(), 1);
        let log_rest = (log.clone().exp().neg() + 1.0).clamp_min(f32::MIN_POSITIVE).log();
        let truth = self.truth();
        let rest = self.targets.known.clone() - truth.clone();
        (log * truth + log_rest * rest).neg()
    }

    /// Logits of a teacher for the same batch, `[N, K, R, C]`, where there is one with the same channels.
    pub fn teacher(&self) -> Option<Tensor<4>> {
        self.targets.teacher.clone().filter(|t| t.dims() == self.logits.dims())
    }

    pub fn truth(&self) -> Tensor<4> {
        self.targets.truth.clone()
    }

    pub fn channels(&self) -> usize {
        self.targets.counts.len()
    }

    /// Known pixels times channels, at least 1.
    pub fn known_elements(&self) -> f64 {
        (self.targets.known_count * self.channels() as u64).max(1) as f64
    }
}

/// `max(x, 0) − x·t + ln(1 + e^−|x|)`: the binary cross-entropy of sigmoid(x) against t, without overflow.
pub(super) fn binary_with_logits<const D: usize>(x: Tensor<D>, t: Tensor<D>) -> Tensor<D> {
    activation::relu(x.clone()) - x.clone() * t + x.abs().neg().exp().log1p()
}

/// The sum of all elements, `[1]`. Dimension by dimension: a full reduction of many elements is one serial loop on some
/// adapters.
pub(super) fn total(t: Tensor<4>) -> Tensor<1> {
    per_channel(t).sum()
}

/// Sums over the batch, `[K]`.
pub(super) fn per_channel(t: Tensor<4>) -> Tensor<1> {
    let channels = t.dims()[1];
    t.sum_dim(3).sum_dim(2).sum_dim(0).reshape([channels])
}

/// Sums over each item, `[N, K]`.
pub(super) fn per_item(t: Tensor<4>) -> Tensor<2> {
    let [items, channels, ..] = t.dims();
    t.sum_dim(3).sum_dim(2).reshape([items, channels])
}
