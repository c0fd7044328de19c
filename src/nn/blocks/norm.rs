use super::{by_channel, on_cpu, ones, spread, tap, zeros};
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
            weight: ones([channels], device),
            bias: zeros([channels], device),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
            epsilon,
            momentum,
        }
    }

    /// `[batch, channels, …]` to the same shape; statistics of the batch where the input records gradients, running
    /// statistics elsewhere.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let output = self.normalised(input);
        tap::pass(self.weight.id, &output);
        output
    }

    fn normalised<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        if !input.is_autodiff() {
            let (mean, var) = (self.running_mean.value(), self.running_var.value());
            return batch_norm(input, self.weight.val(), self.bias.val(), mean, var, self.epsilon);
        }
        let dims = input.dims();
        let count = (dims.iter().product::<usize>() / dims[1]) as f64;
        let (output, mean, variance) = if on_cpu(&input) {
            let result = batch_norm_train(input, self.weight.val(), self.bias.val(), self.epsilon);
            (result.output, result.mean, result.variance)
        } else {
            self.by_steps(input)
        };
        let unbiased = count / (count - 1.0).max(1.0);
        let blend = |running: &RunningState<Tensor<1>>, batch: Tensor<1>| {
            let old = running.value_sync();
            running.update((old * (1.0 - self.momentum) + batch * self.momentum).detach());
        };
        blend(&self.running_mean, mean);
        blend(&self.running_var, variance * unbiased);
        output
    }

    /// What [`batch_norm_train`] gives: the output, the mean and the biased variance. burn (0.22.1) sums a whole channel one
    /// value after the other on wgpu, in which maps that vary little about a large mean lose what varies, and which Mesa's
    /// software driver breaks off after 65535 rounds. Here the sums are of values about their mean, a dimension at a time.
    fn by_steps<const D: usize>(&self, input: Tensor<D>) -> (Tensor<D>, Tensor<1>, Tensor<1>) {
        let channels = input.dims()[1];
        let mean = |x: Tensor<D>| (0..D).rev().filter(|dim| *dim != 1).fold(x, Tensor::mean_dim);
        // A constant: what it is changes neither the output nor any gradient.
        let near = mean(input.clone().detach());
        let input = input - near.clone();
        let rest = mean(input.clone());
        let dims = input.dims();
        let centred = input - spread(rest.clone(), dims);
        let variance = mean(centred.clone() * centred.clone()).reshape([channels]);
        let scale = self.weight.val() / (variance.clone() + self.epsilon).sqrt();
        let output = centred * by_channel(scale, dims) + by_channel(self.bias.val(), dims);
        (output, (near + rest).reshape([channels]), variance)
    }
}

/// Group normalisation (Wu, He: "Group Normalization", 2018); with a group for each channel it is instance normalisation
/// (Ulyanov et al., 2016). The same in training and evaluation.
#[derive(Module, Debug)]
pub struct GroupNorm {
    weight: Option<Param<Tensor<1>>>,
    bias: Option<Param<Tensor<1>>>,
    groups: usize,
    epsilon: f64,
}

impl GroupNorm {
    /// With scale and shift, epsilon 1e-5.
    pub fn new(groups: usize, channels: usize, device: &Device) -> Self {
        Self {
            weight: Some(ones([channels], device)),
            bias: Some(zeros([channels], device)),
            ..Self::plain(groups)
        }
    }

    /// With as many groups as EANet takes for a number of channels, or as many of those as divide it.
    pub fn by_width(channels: usize, device: &Device) -> Self {
        let mut groups = match channels {
            512.. => 32,
            256.. => 16,
            128.. => 8,
            64.. => 4,
            _ => 1,
        };
        while !channels.is_multiple_of(groups) {
            groups /= 2;
        }
        Self::new(groups, channels, device)
    }

    /// Without scale and shift.
    pub fn plain(groups: usize) -> Self {
        Self { weight: None, bias: None, groups, epsilon: 1e-5 }
    }

    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let dims @ [batch, channels, _, _] = input.dims();
        // Reduced a dimension at a time, as software drivers need it.
        let [rows, columns] = [channels / self.groups * dims[2], dims[3]];
        let grouped = input.reshape([batch, self.groups, rows, columns]);
        let spread_in_group = |x: Tensor<4>| spread(x, [batch, self.groups, rows, columns]);
        let centred = grouped.clone() - spread_in_group(grouped.mean_dim(3).mean_dim(2));
        let variance = (centred.clone() * centred.clone()).mean_dim(3).mean_dim(2);
        let output = (centred / spread_in_group((variance + self.epsilon).sqrt())).reshape(dims);
        let row = |p: &Param<Tensor<1>>| by_channel(p.val(), dims);
        match (&self.weight, &self.bias) {
            (Some(weight), Some(bias)) => {
                let output = output * row(weight) + row(bias);
                tap::pass(weight.id, &output);
                output
            }
            _ => output,
        }
    }
}

/// What a network with a choice of norm has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    Batch,
    /// [`GroupNorm::by_width`].
    Group,
}

impl NormKind {
    pub fn init(self, channels: usize, device: &Device) -> Norm {
        match self {
            NormKind::Batch => Norm::Batch(BatchNorm::new(channels, 1e-5, 0.1, device)),
            NormKind::Group => Norm::Group(Wrapped { norm: GroupNorm::by_width(channels, device) }),
        }
    }
}

/// A norm of the chosen kind.
#[derive(Module, Debug)]
pub enum Norm {
    Batch(BatchNorm),
    Group(Wrapped),
}

/// EANet's norm is a module inside another: `name.norm.weight`.
#[derive(Module, Debug)]
pub struct Wrapped {
    norm: GroupNorm,
}

impl Norm {
    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Norm::Batch(norm) => norm.forward(input),
            Norm::Group(wrapped) => wrapped.norm.forward(input),
        }
    }
}

/// Layer normalisation over the last axis (Ba et al., 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    pub gamma: Param<Tensor<1>>,
    pub beta: Param<Tensor<1>>,
    epsilon: f64,
}

impl LayerNorm {
    pub fn new(width: usize, epsilon: f64, device: &Device) -> Self {
        Self { gamma: ones([width], device), beta: zeros([width], device), epsilon }
    }

    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let centred = input.clone() - input.mean_dim(D - 1);
        let variance = (centred.clone() * centred.clone()).mean_dim(D - 1);
        let output = centred / (variance + self.epsilon).sqrt();
        output * self.gamma.val().unsqueeze::<D>() + self.beta.val().unsqueeze::<D>()
    }
}
