//! What dropout draws from: a stream of the thread that computes, seeded at each training step. burn's own stream is one
//! for all threads and another one on every device; with this one a step depends on its seed alone.

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::cell::RefCell;

thread_local! {
    static STREAM: RefCell<ChaCha8Rng> = RefCell::new(ChaCha8Rng::seed_from_u64(0));
}

/// Restarts this thread's random stream.
pub fn seed(seed: u64) {
    STREAM.with_borrow_mut(|stream| *stream = ChaCha8Rng::seed_from_u64(seed));
}

/// Ones with probability `rate`, else zeros.
pub fn bernoulli<const D: usize>(shape: [usize; D], rate: f64, device: &Device) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let mut values = vec![0.0f32; count];
    if rate >= 1.0 {
        values.fill(1.0);
    } else if rate > 0.0 {
        // The gaps between ones are geometric (Devroye, "Non-Uniform Random Variate Generation", 1986, X.2): one draw for
        // each one and none for the zeros.
        let scale = (1.0 - rate).ln().recip();
        STREAM.with_borrow_mut(|stream| {
            let mut at = 0usize;
            loop {
                let gap = (1.0 - stream.random::<f64>()).ln() * scale;
                at = at.saturating_add(gap as usize);
                let Some(value) = values.get_mut(at) else { break };
                *value = 1.0;
                at += 1;
            }
        });
    }
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Drops values with a probability and scales the others up, in training only.
#[derive(Module, Debug)]
pub struct Dropout {
    /// The share that is dropped.
    rate: f64,
    whole_channels: bool,
}

impl Dropout {
    pub fn new(rate: f64) -> Self {
        Self { rate, whole_channels: false }
    }

    /// Drops channels as a whole: PyTorch's `Dropout2d`.
    pub fn of_channels(rate: f64) -> Self {
        Self { rate, whole_channels: true }
    }

    /// `[batch, channels, …]` to the same shape.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        if !input.is_autodiff() || self.rate == 0.0 {
            return input;
        }
        let device = input.device().without_autodiff();
        let keep = 1.0 - self.rate;
        let mut dims = input.dims();
        if self.whole_channels {
            dims[2..].fill(1);
        }
        input * Tensor::from_inner(bernoulli(dims, keep, &device) / keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_channels_are_dropped_and_the_others_scaled() {
        seed(1);
        let ones = Tensor::<4>::ones([8, 50, 3, 5], &Device::flex());
        let out = Dropout::of_channels(0.2).forward(ones.autodiff()).without_autodiff();
        let values = out.try_into_vec_as::<f32>().unwrap();
        let (mut kept, mut dropped) = (0, 0);
        for channel in values.chunks_exact(15) {
            assert!(channel.iter().all(|v| *v == channel[0]));
            if channel[0] == 0.0 {
                dropped += 1
            } else {
                kept += 1
            }
            assert!(channel[0] == 0.0 || (channel[0] - 1.25).abs() < 1e-6);
        }
        assert!((40..120).contains(&dropped), "{dropped} of {}", kept + dropped);
    }

    #[test]
    fn ones_come_at_the_rate_and_the_seed_decides_them() {
        let draw =
            |rate| bernoulli([10, 10, 100, 100], rate, &Device::flex()).try_into_vec_as::<f32>().unwrap();
        for rate in [0.0, 0.003, 0.2, 0.5, 0.97, 1.0] {
            seed(5);
            let values = draw(rate);
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
            // Six deviations of a million draws.
            assert!((mean - rate).abs() <= 6.0 * (rate * (1.0 - rate) / 1e6).sqrt(), "{rate}: {mean}");
            assert!(rate == 0.0 || rate == 1.0 || draw(rate) != values);
            seed(5);
            assert_eq!(draw(rate), values);
        }
    }
}
