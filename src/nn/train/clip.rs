use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};

/// Scales the gradients of a module so that their norm, all parameters together, is at most `largest` (R. Pascanu et al.:
/// "On the difficulty of training Recurrent Neural Networks", ICML 2013; PyTorch's `clip_grad_norm_`).
pub(super) fn clip_by_norm<M: Module>(module: &M, gradients: &mut GradientsParams, largest: f32) {
    let mut squares = Squares { gradients, sum: None };
    module.visit(&mut squares);
    let Some(sum) = squares.sum else { return };
    // PyTorch's guard against a norm of 0.
    let factor = ((sum.sqrt() + 1e-6).recip() * largest).clamp_max(1.0);
    module.visit(&mut Scale { gradients, factor });
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
