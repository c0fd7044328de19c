//! The gradients of a module, taken together.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};

/// Their norm over all parameters; `None` where there is no gradient.
pub(super) fn norm<M: Module>(module: &M, gradients: &GradientsParams) -> Option<Tensor<1>> {
    let mut squares = Squares { gradients, sum: None };
    module.visit(&mut squares);
    squares.sum.map(Tensor::sqrt)
}

/// Multiplies them.
pub(super) fn scale<M: Module>(module: &M, gradients: &mut GradientsParams, factor: Tensor<1>) {
    module.visit(&mut Scale { gradients, factor });
}

/// Scales them so that their norm is at most `largest` (R. Pascanu et al.: "On the difficulty of training Recurrent Neural
/// Networks", ICML 2013; PyTorch's `clip_grad_norm_`).
pub(super) fn clip_by_norm<M: Module>(module: &M, gradients: &mut GradientsParams, largest: f32) {
    if let Some(norm) = norm(module, gradients) {
        // PyTorch's guard against a norm of 0.
        scale(module, gradients, ((norm + 1e-6).recip() * largest).clamp_max(1.0));
    }
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let squares = (gradient.clone() * gradient).sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + squares,
                None => squares,
            });
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor.clone().unsqueeze::<D>());
        }
    }
}
