//! What [`super::onenet`] and [`super::lightnet`] are made of.

use crate::nn::blocks::{Conv, GroupNorm, conv};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};

/// Groups of the layers at 1/4 of the size.
pub const GROUPS: usize = 64;
/// Dilations of the layers, one after the other.
pub const DILATIONS: [usize; 16] = [1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 16, 32];
/// The layers whose maps are joined with the last one's; the reference's slices overlap, so that one comes twice.
pub const TAPS: [usize; 7] = [2, 6, 11, 12, 12, 13, 14];

/// A group norm under the name `norm`.
#[derive(Module, Debug)]
pub struct Norm {
    pub norm: GroupNorm,
}

/// A convolution in groups, group norm over the same groups, ReLU; then the channels are rolled by a part of a group,
/// so that the groups of the next layer mix those of this one.
#[derive(Module, Debug)]
pub struct ShuffledConv {
    conv: Conv,
    norm: Norm,
    /// Channels by which the output is rolled.
    roll: usize,
}

impl ShuffledConv {
    /// `input` and `output` are channels of one of the `groups`.
    pub fn new(
        [input, output]: [usize; 2],
        groups: usize,
        kernel: usize,
        dilation: usize,
        roll: usize,
        device: &Device,
    ) -> Self {
        let channels = output * groups;
        let conv = conv(input * groups, channels, kernel).dilation(dilation).groups(groups).same();
        Self {
            conv: conv.no_bias().init(device),
            norm: Norm { norm: GroupNorm::new(groups, channels, device) },
            roll,
        }
    }

    /// `[N, input * groups, H, W]` to `[N, output * groups, H, W]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = relu(self.norm.norm.forward(self.conv.forward(x)));
        let kept = x.dims()[1] - self.roll;
        Tensor::cat(vec![x.clone().narrow(1, kept, self.roll), x.narrow(1, 0, kept)], 1)
    }
}

/// The sixteen layers of `width` channels a group.
pub fn layers(width: usize, device: &Device) -> Vec<ShuffledConv> {
    let roll = half(width);
    DILATIONS.map(|d| ShuffledConv::new([width, width], GROUPS, 3, d, roll, device)).into()
}

/// Half a group, by which channels are rolled.
pub fn half(width: usize) -> usize {
    (width / 2).max(1)
}

/// The maps at [`TAPS`] and the last one, `[N, width * GROUPS, H, W]` each.
pub fn run(layers: &[ShuffledConv], input: Tensor<4>) -> (Vec<Tensor<4>>, Tensor<4>) {
    let mut taps = Vec::with_capacity(TAPS.len());
    let mut x = input;
    for (i, layer) in layers.iter().enumerate() {
        x = layer.forward(x);
        taps.extend(TAPS.iter().filter(|&&tap| tap == i).map(|_| x.clone()));
    }
    (taps, x)
}
