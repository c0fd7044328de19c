//! What D-LinkNet and CE-Net have in common: a ResNet, something in its middle, and LinkNet's decoder.

use crate::nn::{
    Init, InitSite, Outputs,
    blocks::{
        Align, BatchNorm, Conv, Layer, UpConv, batch_norm, bilinear, conv, max_pool, op, same_conv, up_conv,
    },
    encoders::resnet::{self, Block, Depth, run_stage, run_stem, stem, stem_pool},
    models::Plain,
};
use burn::{
    module::{Module, ModuleDisplay},
    tensor::{Device, Tensor, activation::relu},
};

/// What the deepest map passes through, `[N, C, H, W]` to the same shape.
pub trait Centre: Module + ModuleDisplay + 'static {
    fn new(channels: usize, device: &Device) -> Self;
    fn forward(&self, input: Tensor<4>) -> Tensor<4>;
}

/// "Residual multi-kernel pooling": one channel of the map at each of four coarser scales, enlarged and joined before it.
#[derive(Module, Debug)]
pub struct Pooling {
    conv: Conv,
}

impl Pooling {
    const KERNELS: [usize; 4] = [2, 3, 5, 6];
    /// Channels that are joined.
    pub const ADDED: usize = Self::KERNELS.len();

    pub fn new(channels: usize, device: &Device) -> Self {
        Self { conv: same_conv([channels, 1], 1, device) }
    }

    /// `[N, channels, H, W]` to `[N, 4 + channels, H, W]`; sides of at least 6.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = input.dims();
        let scale = |kernel| {
            let coarse = self.conv.forward(max_pool(input.clone(), kernel, kernel, 0));
            bilinear(coarse, [height, width], Align::Centres)
        };
        let mut all: Vec<_> = Self::KERNELS.into_iter().map(scale).collect();
        all.push(input);
        Tensor::cat(all, 1)
    }
}

#[derive(Module, Debug)]
pub struct Linked<C: Module> {
    firstconv: Conv,
    firstbn: BatchNorm,
    encoder1: Vec<Block>,
    encoder2: Vec<Block>,
    encoder3: Vec<Block>,
    encoder4: Vec<Block>,
    dblock: C,
    spp: Option<Pooling>,
    decoder4: UpBlock,
    decoder3: UpBlock,
    decoder2: UpBlock,
    decoder1: UpBlock,
    finaldeconv1: UpConv,
    finalconv2: Conv,
    finalconv3: Conv,
    last: Layer,
}

impl<C: Centre> Linked<C> {
    /// `spp` comes after the centre and adds channels to the deepest map; `last` is the last step, after the logits.
    pub fn new(
        config: &Plain,
        depth: Depth,
        spp: impl FnOnce(usize) -> Option<Pooling>,
        last: fn(Tensor<4>) -> Tensor<4>,
        device: &Device,
    ) -> Self {
        let width = config.width(64);
        let (firstconv, firstbn) = stem(config.in_channels, width, device);
        let [encoder1, encoder2, encoder3, encoder4] = depth.stages(width, 32, device);
        let [c1, c2, c3, c4] = depth.channels(width);
        let spp = spp(c4);
        let deepest = c4 + if spp.is_some() { Pooling::ADDED } else { 0 };
        let full = config.width(32);
        Self {
            firstconv,
            firstbn,
            encoder1,
            encoder2,
            encoder3,
            encoder4,
            dblock: C::new(c4, device),
            spp,
            decoder4: UpBlock::new(deepest, c3, device),
            decoder3: UpBlock::new(c3, c2, device),
            decoder2: UpBlock::new(c2, c1, device),
            decoder1: UpBlock::new(c1, c1, device),
            finaldeconv1: up_conv([c1, full], 4, 1, device),
            finalconv2: same_conv([full; 2], 3, device),
            finalconv3: same_conv([full, config.n_classes], 3, device),
            last: op(last),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    pub fn outputs(&self, input: Tensor<4>) -> Outputs {
        let x = stem_pool(run_stem(&self.firstconv, &self.firstbn, input));
        let e1 = run_stage(&self.encoder1, x); // [N, c1, H/4, W/4]
        let e2 = run_stage(&self.encoder2, e1.clone()); // [N, c2, H/8, W/8]
        let e3 = run_stage(&self.encoder3, e2.clone()); // [N, c3, H/16, W/16]
        let x = self.dblock.forward(run_stage(&self.encoder4, e3.clone())); // [N, c4, H/32, W/32]
        let x = match &self.spp {
            Some(spp) => spp.forward(x),
            None => x,
        };
        let x = self.decoder4.forward(x) + e3;
        let x = self.decoder3.forward(x) + e2;
        let x = self.decoder2.forward(x) + e1;
        let x = self.decoder1.forward(x); // [N, c1, H/2, W/2]
        let x = relu(self.finaldeconv1.forward(x)); // [N, 32, H, W]
        let x = relu(self.finalconv2.forward(x));
        Outputs::of(self.last.forward(self.finalconv3.forward(x)))
    }
}

/// A convolution to a quarter of the channels, one that doubles the size, one to the channels that are asked for.
#[derive(Module, Debug)]
struct UpBlock {
    conv1: Conv,
    norm1: BatchNorm,
    deconv2: UpConv,
    norm2: BatchNorm,
    conv3: Conv,
    norm3: BatchNorm,
}

impl UpBlock {
    fn new(input: usize, output: usize, device: &Device) -> Self {
        let middle = input / 4;
        let up = conv(middle, middle, 3).stride(2).padding(1).output_padding(1);
        Self {
            conv1: same_conv([input, middle], 1, device),
            norm1: batch_norm(middle, device),
            deconv2: up.init_transposed(device),
            norm2: batch_norm(middle, device),
            conv3: same_conv([middle, output], 1, device),
            norm3: batch_norm(output, device),
        }
    }

    /// `[N, input, H, W]` to `[N, output, 2H, 2W]`.
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = relu(self.norm1.forward(self.conv1.forward(input)));
        let x = relu(self.norm2.forward(self.deconv2.forward(x)));
        relu(self.norm3.forward(self.conv3.forward(x)))
    }
}

pub fn bytes_per_pixel(config: &Plain, depth: Depth) -> usize {
    // At half the size: the last decoder block's map after its convolution and its norm, and as the next lays it out; or
    // at full size: the 32 channels before and after a convolution, and as it lays them out.
    let [c1, ..] = depth.channels(config.width(64));
    4 * (3 * (c1 / 4).max(config.width(32)) + 3 * config.n_classes)
}

/// The ResNet as torchvision draws it, no biases in the centre, the rest as Jittor does.
pub fn initial(site: &InitSite<'_>) -> Init {
    let starts = |prefix| site.name.starts_with(prefix);
    if starts("encoder") || starts("first") {
        resnet::initial(site)
    } else if starts("dblock.") && site.name.ends_with("bias") {
        Init::Constant(0.0)
    } else {
        site.standard()
    }
}
