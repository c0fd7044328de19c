use super::{Loss, Targets, target::flat};
use crate::nn::Outputs;
use burn::tensor::Tensor;

/// What a network gave, space laid out as rows and columns.
pub(super) struct Heads {
    pub logits: Tensor<4>,
    pub detection: Option<Tensor<2>>,
    /// Each with the size of its space.
    auxiliary: Vec<(Tensor<4>, Vec<usize>)>,
}

impl Heads {
    pub fn of<const D: usize>(outputs: &Outputs<D>) -> Self {
        let auxiliary = outputs.auxiliary.iter().map(|t| (flat(t.clone()), t.dims()[2..].to_vec())).collect();
        Self { auxiliary, detection: outputs.detection.clone(), ..Self::alone(outputs.logits.clone()) }
    }

    pub fn alone<const D: usize>(logits: Tensor<D>) -> Self {
        Self { logits: flat(logits), detection: None, auxiliary: vec![] }
    }

    /// The sum of `loss` over the auxiliary heads, each with its coefficient or 1; `None` without such heads.
    pub fn auxiliary(&self, loss: &Loss, coefficients: &[f32], targets: &Targets) -> Option<Tensor<1>> {
        let heads = self.auxiliary.iter().enumerate().filter_map(|(i, (logits, space))| {
            let value = loss.over(&Self::alone(logits.clone()), &targets.resized(space)?);
            Some(value.mul_scalar(coefficients.get(i).copied().unwrap_or(1.0)))
        });
        heads.reduce(|a, b| a + b)
    }

    /// `loss` of the main head and of the auxiliary ones, with halving weights that sum to 1.
    pub fn deep(&self, loss: &Loss, targets: &Targets) -> Option<Tensor<1>> {
        let halves: Vec<f32> = (0..self.auxiliary.len()).map(|i| 0.5f32.powi(i as i32 + 1)).collect();
        let all = 1.0 + halves.iter().sum::<f32>();
        let main = loss.over(self, targets);
        Some(match self.auxiliary(loss, &halves, targets) {
            Some(auxiliary) => (main + auxiliary).div_scalar(all),
            None => main,
        })
    }
}
