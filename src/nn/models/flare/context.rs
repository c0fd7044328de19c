use super::{
    blocks::{Unit, projection, resize, size},
    options::{ContextBlock, REDUCTION},
};
use crate::nn::blocks::{Conv3, avg_pool3, conv3, max_pool3};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};

/// What the whole bottleneck says of each of its voxels: pyramid pooling, and pooling of strips along the axes. After Hou
/// et al.: "Strip Pooling", CVPR 2020.
#[derive(Module, Debug)]
pub(super) struct Context {
    trans_layer: Unit,
    conv1_1: Unit,
    conv1_2: Unit,
    conv2_0: Unit,
    conv2_1: Unit,
    conv2_2: Unit,
    conv2_3: Unit,
    conv2_4: Unit,
    conv2_5: Unit,
    conv2_6: Unit,
    conv2_7: Unit,
    conv3: Unit,
    score_layer: (Unit, Conv3),
    #[module(skip)]
    /// The size of the bottleneck for which the network is made: the length of the strips.
    kernel: [usize; 3],
    /// Maxima, and strips across one axis instead of two.
    maximum: bool,
}

impl Context {
    /// The block for a bottleneck of `channels`, of a network made for an input of `input_size`.
    pub(super) fn new(
        block: ContextBlock,
        channels: usize,
        input_size: [usize; 3],
        dropout: f64,
        device: &Device,
    ) -> Option<Self> {
        let maximum = match block {
            ContextBlock::None => return None,
            ContextBlock::AnisotropicAvgPooling => false,
            ContextBlock::AnisotropicMaxPooling => true,
        };
        let inner = channels / 4;
        let rectified =
            |input, kernel: usize| Unit::rectified(conv3(input, inner, kernel).same(), dropout, device);
        let plain = |input, kernel: usize| Unit::plain(conv3(input, inner, kernel).same(), device);
        let strip = |axis: usize| {
            // With maxima the kernel lies across the axis and the padding does not: the reference's, for its checkpoints.
            let kernel = std::array::from_fn(|a| if (a == axis) == maximum { 1 } else { 3 });
            let padding = std::array::from_fn(|a| usize::from(a == axis));
            Unit::plain(conv3(inner, inner, 3).kernel(kernel).paddings(padding), device)
        };
        Some(Self {
            trans_layer: rectified(channels, 1),
            conv1_1: rectified(inner, 1),
            conv1_2: rectified(inner, 1),
            conv2_0: plain(inner, 3),
            conv2_1: plain(inner, 3),
            conv2_2: plain(inner, 3),
            conv2_3: strip(0),
            conv2_4: strip(1),
            conv2_5: strip(2),
            conv2_6: rectified(inner, 3),
            conv2_7: rectified(inner, 3),
            conv3: plain(2 * inner, 1),
            score_layer: (rectified(inner, 3), projection(inner, channels, device)),
            kernel: input_size.map(|side| side / REDUCTION),
            maximum,
        })
    }

    /// `[N, C, D, H, W]` to the same shape; the input is not added.
    pub(super) fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let whole = size(&input);
        let x0 = self.trans_layer.forward(input); // [N, C/4, …], as all that follows
        let pool = |x: &Tensor<5>, kernel: [usize; 3]| {
            let x = x.clone();
            if self.maximum { max_pool3(x, kernel, kernel, [0; 3]) } else { avg_pool3(x, kernel, kernel) }
        };
        let x1 = self.conv1_1.forward(x0.clone());
        let coarser = |unit: &Unit, side| resize(unit.forward(pool(&x1, [side; 3])), whole);
        let (half, quarter) = (coarser(&self.conv2_1, 2), coarser(&self.conv2_2, 4));
        let pyramid = self.conv2_6.forward(relu(self.conv2_0.forward(x1) + half + quarter));
        let x2 = self.conv1_2.forward(x0.clone());
        let strip = |unit: &Unit, axis: usize| {
            // Means over the two other axes, maxima along this one.
            let kernel =
                std::array::from_fn(|a| if (a == axis) == self.maximum { self.kernel[a] } else { 1 });
            resize(unit.forward(pool(&x2, kernel)), whole)
        };
        let strips = strip(&self.conv2_3, 0) + strip(&self.conv2_4, 1) + strip(&self.conv2_5, 2);
        let strips = self.conv2_7.forward(relu(strips));
        let y = relu(x0 + self.conv3.forward(Tensor::cat(vec![pyramid, strips], 1)));
        let (unit, score) = &self.score_layer;
        score.forward(unit.forward(y))
    }
}
