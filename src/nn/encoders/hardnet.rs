//! HarDNet-68. P. Chao et al.: "HarDNet: A Low Memory Traffic Network", ICCV 2019.

use crate::nn::blocks::{BatchNorm, Conv, Layer, batch_norm, conv, halve, max_pool, op};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu6},
};

/// Convolution, batch norm, ReLU up to 6.
#[derive(Module, Debug)]
struct ConvLayer {
    conv: Conv,
    norm: BatchNorm,
}

impl ConvLayer {
    fn new(input: usize, output: usize, kernel: usize, stride: usize, device: &Device) -> Self {
        Self {
            conv: conv(input, output, kernel).stride(stride).padding(kernel / 2).no_bias().init(device),
            norm: batch_norm(output, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu6(self.norm.forward(self.conv.forward(x)))
    }
}

/// The layers that layer `index` (from 1; 0 is the block's input) reads: `index - 2^i` for every `2^i` that divides it.
fn links(index: usize) -> impl Iterator<Item = usize> {
    (0..=index.trailing_zeros()).map(move |i| index - (1 << i))
}

/// Output channels of layer `index`: the growth rate, 1.7 times as many for each further link, made even.
fn growth(index: usize, rate: usize) -> usize {
    let channels = rate as f64 * 1.7f64.powi(index.trailing_zeros() as i32);
    (channels + 1.0) as usize / 2 * 2
}

/// A harmonic dense block: its odd layers and the last one, concatenated.
#[derive(Module, Debug)]
struct HarmonicBlock {
    layers: Vec<ConvLayer>,
}

impl HarmonicBlock {
    fn new(input: usize, rate: usize, layers: usize, device: &Device) -> Self {
        let width = |index| if index == 0 { input } else { growth(index, rate) };
        let layer = |index| ConvLayer::new(links(index).map(width).sum(), width(index), 3, 1, device);
        Self { layers: (1..=layers).map(layer).collect() }
    }

    fn output_channels(&self) -> usize {
        let kept = self.layers.iter().enumerate().filter(|(i, _)| self.is_kept(i + 1));
        kept.map(|(_, layer)| layer.conv.output_channels()).sum()
    }

    fn is_kept(&self, index: usize) -> bool {
        index % 2 == 1 || index == self.layers.len()
    }

    /// `[N, input, H, W]` to `[N, output, H, W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut maps = vec![x];
        for (i, layer) in self.layers.iter().enumerate() {
            let mut read: Vec<Tensor<4>> = links(i + 1).map(|from| maps[from].clone()).collect();
            let x = if read.len() == 1 { read.swap_remove(0) } else { Tensor::cat(read, 1) };
            maps.push(layer.forward(x));
        }
        let kept = maps.into_iter().enumerate().filter(|(i, _)| self.is_kept(*i));
        Tensor::cat(kept.map(|(_, map)| map).collect(), 1)
    }
}

#[derive(Module, Debug)]
enum Stage {
    Conv(ConvLayer),
    Block(HarmonicBlock),
    Pool(Layer),
}

impl Stage {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Stage::Conv(layer) => layer.forward(x),
            Stage::Block(block) => block.forward(x),
            Stage::Pool(pool) => pool.forward(x),
        }
    }
}

/// The encoder without its classifier.
#[derive(Module, Debug)]
pub struct Hardnet {
    base: Vec<Stage>,
}

impl Hardnet {
    /// Channels of the maps at 1/4, 1/8, 1/16 and 1/32 of the input.
    pub const CHANNELS: [usize; 4] = [128, 320, 640, 1024];

    /// `width` says how many channels a layer has that the publication gives so many.
    pub fn new(in_channels: usize, width: impl Fn(usize) -> usize, device: &Device) -> Self {
        let [stem, first] = [32, 64].map(&width);
        let mut base = vec![
            Stage::Conv(ConvLayer::new(in_channels, stem, 3, 2, device)),
            Stage::Conv(ConvLayer::new(stem, first, 3, 1, device)),
            Stage::Pool(op(|x| max_pool(x, 3, 2, 1))),
        ];
        let mut channels = first;
        // Growth rate, layers, output channels, whether the size is halved after it.
        let blocks = [
            (14, 8, 128, true),
            (16, 16, 256, false),
            (20, 16, 320, true),
            (40, 16, 640, true),
            (160, 4, 1024, false),
        ];
        for (rate, layers, output, halved) in blocks {
            let block = HarmonicBlock::new(channels, width(rate), layers, device);
            channels = width(output);
            let transition = ConvLayer::new(block.output_channels(), channels, 1, 1, device);
            base.extend([Stage::Block(block), Stage::Conv(transition)]);
            if halved {
                base.push(Stage::Pool(op(halve)));
            }
        }
        Self { base }
    }

    /// `[N, in, H, W]` to maps of [`Self::CHANNELS`] at 1/4, 1/8, 1/16 and 1/32 of the size.
    pub fn forward(&self, input: Tensor<4>) -> [Tensor<4>; 4] {
        let run = |x, stages: &[Stage]| stages.iter().fold(x, |x, stage| stage.forward(x));
        let x1 = run(input, &self.base[..5]);
        let x2 = run(x1.clone(), &self.base[5..10]);
        let x3 = run(x2.clone(), &self.base[10..13]);
        let x4 = run(x3.clone(), &self.base[13..]);
        [x1, x2, x3, x4]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published channel tables.
    #[test]
    fn blocks_have_the_published_links_and_widths() {
        assert_eq!(links(1).collect::<Vec<_>>(), [0]);
        assert_eq!(links(8).collect::<Vec<_>>(), [7, 6, 4, 0]);
        assert_eq!(links(12).collect::<Vec<_>>(), [11, 10, 8]);
        let channels = |input, rate, layers| {
            let block = HarmonicBlock::new(input, rate, layers, &Device::flex());
            let table: Vec<[usize; 2]> =
                block.layers.iter().map(|l| [l.conv.input_channels(), l.conv.output_channels()]).collect();
            (table, block.output_channels())
        };
        let (table, output) = channels(64, 14, 8);
        assert_eq!(output, 124);
        assert_eq!(table, [[64, 14], [78, 24], [24, 14], [102, 40], [40, 14], [54, 24], [24, 14], [142, 68]]);
        assert_eq!(channels(128, 16, 16).1, 262);
        assert_eq!(channels(256, 20, 16).1, 328);
        assert_eq!(channels(320, 40, 16).1, 654);
        assert_eq!(channels(640, 160, 4), (vec![[640, 160], [800, 272], [272, 160], [1072, 462]], 782));
    }
}
