use super::{BatchNorm, Conv, Dropout, GroupNorm, Norm, UpConv};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

/// One step of a [`Sequential`].
#[derive(Module, Debug)]
pub enum Layer {
    Conv(Conv),
    UpConv(UpConv),
    BatchNorm(BatchNorm),
    GroupNorm(GroupNorm),
    Norm(Norm),
    Dropout(Dropout),
    Function(Function),
    Nested(Sequential),
}

/// A step without parameters: an activation, a pool, a resize.
#[derive(Module, Debug)]
pub struct Function {
    #[module(skip)]
    apply: fn(Tensor<4>) -> Tensor<4>,
}

/// A step without parameters, `op(relu)`; it takes an index of its own, as in the references.
pub fn op(apply: fn(Tensor<4>) -> Tensor<4>) -> Layer {
    Layer::Function(Function { apply })
}

/// Batch normalisation with PyTorch's epsilon 1e-5 and momentum 0.1.
pub fn batch_norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNorm::new(channels, 1e-5, 0.1, device)
}

macro_rules! layer_from {
    ($($module:ident)*) => {$(
        impl From<$module> for Layer {
            fn from(module: $module) -> Self {
                Layer::$module(module)
            }
        }
    )*};
}
layer_from!(Conv UpConv BatchNorm GroupNorm Norm Dropout);

impl From<Sequential> for Layer {
    fn from(layers: Sequential) -> Self {
        Layer::Nested(layers)
    }
}

impl Layer {
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        match self {
            Layer::Conv(layer) => layer.forward(input),
            Layer::UpConv(layer) => layer.forward(input),
            Layer::BatchNorm(layer) => layer.forward(input),
            Layer::GroupNorm(layer) => layer.forward(input),
            Layer::Norm(layer) => layer.forward(input),
            Layer::Dropout(layer) => layer.forward(input),
            Layer::Function(layer) => (layer.apply)(input),
            Layer::Nested(layers) => layers.forward(input),
        }
    }
}

/// Layers one after the other, named by their index as PyTorch's `Sequential` names them: `name.0.weight`. (Neither the
/// field `layers` nor the kind of layer is part of a name, see `nn::parameters`.)
#[derive(Module, Debug)]
pub struct Sequential {
    layers: Vec<Layer>,
}

impl Sequential {
    pub fn new(layers: impl IntoIterator<Item = Layer>) -> Self {
        Self { layers: layers.into_iter().collect() }
    }

    /// `[batch, channels, height, width]` through all layers.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.layers.iter().fold(input, |x, layer| layer.forward(x))
    }
}
