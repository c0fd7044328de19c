use super::{cost, precision, zeros};
use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

/// A fully connected layer whose weight lies as in the references, `[output, input]` (burn's own has it transposed).
#[derive(Module, Debug)]
pub struct Linear {
    pub weight: Param<Tensor<2>>,
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    pub fn new([input, output]: [usize; 2], bias: bool, device: &Device) -> Self {
        Self { weight: zeros([output, input], device), bias: bias.then(|| zeros([output], device)) }
    }

    /// `[…, input]` to `[…, output]`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let weight = self.weight.val().transpose().unsqueeze::<D>();
        let output = precision::matmul(input, weight);
        cost::add(output.dims(), self.weight.dims()[1]);
        match &self.bias {
            Some(bias) => output + bias.val().unsqueeze::<D>(),
            None => output,
        }
    }
}
