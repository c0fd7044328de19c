use burn::{
    module::{Module, Param, RunningState},
    tensor::{
        Device, Tensor,
        module::{batch_norm, batch_norm_train},
    },
};

/// Batch normalisation with the parameter names and the running variance of the references.
///
/// burn's own layer updates the running variance with the biased batch variance; PyTorch and Keras use the unbiased one
/// (n / (n - 1)), and so do the published checkpoints.
#[derive(Module, Debug)]
pub struct BatchNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    running_mean: RunningState<Tensor<1>>,
    running_var: RunningState<Tensor<1>>,
    epsilon: f64,
    momentum: f64,
}

impl BatchNorm {
    /// `momentum` is the share of the new batch in the running statistics: PyTorch's meaning, one minus Keras'.
    pub fn new(channels: usize, epsilon: f64, momentum: f64, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::ones([channels], device)),
            bias: Param::from_tensor(Tensor::zeros([channels], device)),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
            epsilon,
            momentum,
        }
    }

    /// `[batch, channels, …]` to the same shape; statistics of the batch where the input records gradients, running
    /// statistics elsewhere.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        if !input.is_autodiff() {
            let (mean, var) = (self.running_mean.value(), self.running_var.value());
            return batch_norm(input, self.weight.val(), self.bias.val(), mean, var, self.epsilon);
        }
        let dims = input.dims();
        let count = (dims.iter().product::<usize>() / dims[1]) as f64;
        let result = batch_norm_train(input, self.weight.val(), self.bias.val(), self.epsilon);
        let unbiased = count / (count - 1.0).max(1.0);
        let blend = |running: &RunningState<Tensor<1>>, batch: Tensor<1>| {
            let old = running.value_sync();
            running.update((old * (1.0 - self.momentum) + batch * self.momentum).detach());
        };
        blend(&self.running_mean, result.mean);
        blend(&self.running_var, result.variance * unbiased);
        result.output
    }
}
