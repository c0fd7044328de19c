//! MultiResUNet. N. Ibtehaz, M. S. Rahman: "MultiResUNet: Rethinking the U-Net Architecture for Multimodal Biomedical
//! Image Segmentation", Neural Networks 2020.

use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{BatchNorm, Sequential, UpConv, batch_norm, conv, halve, op, up_conv},
    models::plain_config,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu, ops::PadMode},
};
use serde_json::json;

plain_config! {
    /// The reference's constructor arguments. (Its dropout is off and left out.)
    MultiResConfig {
        /// Filters of the first level before `feature_scale`; each level doubles them.
        nf: usize = 32,
    }
}

impl MultiResConfig {
    /// Filters of a level.
    fn filters(&self, level: usize) -> usize {
        self.plain().width(self.nf << level)
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/multires",
    title: "MultiResUNet",
    paper: "Ibtehaz and Rahman, MultiResUNet, Neural Networks 2020",
    family: "jmedseg",
    // The convolutions reflect, for which one pixel at 1/16 is too few.
    input: InputRule::multiple_of(16).least(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 8 }),
    make: Make::slices::<MultiRes>(),
};

/// Convolution without bias over the reflected input, batch norm.
fn unit([input, output]: [usize; 2], kernel: usize, device: &Device) -> Sequential {
    let reflect = match kernel {
        1 => op(|x| x),
        _ => op(|x| x.pad([(1, 1), (1, 1)], PadMode::Reflect)),
    };
    let conv = conv(input, output, kernel).no_bias().init(device);
    Sequential::new([reflect, conv.into(), batch_norm(output, device).into()])
}

/// Channels of the three convolutions of a block for `u` filters of a plain U-Net (the paper's section 3.2).
fn widths(u: usize) -> [usize; 3] {
    [0.167, 0.333, 0.5].map(|share| ((1.67 * u as f64 * share) as usize).max(1))
}

fn output(u: usize) -> usize {
    widths(u).into_iter().sum()
}

/// Three convolutions 3×3 in a row whose outputs together see what 3×3, 5×5 and 7×7 would.
#[derive(Module, Debug)]
struct Block {
    conv2d_bn: Sequential,
    conv3x3: Sequential,
    conv5x5: Sequential,
    conv7x7: Sequential,
    bn_1: BatchNorm,
    bn_2: BatchNorm,
}

impl Block {
    fn new(input: usize, u: usize, device: &Device) -> Self {
        let ([a, b, c], output) = (widths(u), output(u));
        Self {
            conv2d_bn: unit([input, output], 1, device),
            conv3x3: unit([input, a], 3, device),
            conv5x5: unit([a, b], 3, device),
            conv7x7: unit([b, c], 3, device),
            bn_1: batch_norm(output, device),
            bn_2: batch_norm(output, device),
        }
    }

    /// `[N, input, H, W]` to `[N, output(u), H, W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let p = relu(self.conv3x3.forward(x.clone()));
        let q = relu(self.conv5x5.forward(p.clone()));
        let r = relu(self.conv7x7.forward(q.clone()));
        let y = self.bn_1.forward(Tensor::cat(vec![p, q, r], 1));
        self.bn_2.forward(relu(self.conv2d_bn.forward(x) + y))
    }
}

#[derive(Module, Debug)]
struct PathUnit {
    conv2d_bn1: Sequential,
    conv2d_bn2: Sequential,
    bn: BatchNorm,
}

impl PathUnit {
    fn new(input: usize, output: usize, device: &Device) -> Self {
        Self {
            conv2d_bn1: unit([input, output], 1, device),
            conv2d_bn2: unit([input, output], 3, device),
            bn: batch_norm(output, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = self.conv2d_bn1.forward(x.clone());
        self.bn.forward(relu(shortcut + relu(self.conv2d_bn2.forward(x))))
    }
}

/// What a skip goes through, so that the encoder's map comes closer to the decoder's (the paper's section 3.3).
#[derive(Module, Debug)]
struct ResPath {
    first_block: PathUnit,
    blocks: Vec<PathUnit>,
}

impl ResPath {
    fn new(input: usize, output: usize, length: usize, device: &Device) -> Self {
        Self {
            first_block: PathUnit::new(input, output, device),
            blocks: (1..length).map(|_| PathUnit::new(output, output, device)).collect(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.blocks.iter().fold(self.first_block.forward(x), |x, unit| unit.forward(x))
    }
}

#[derive(Module, Debug)]
struct MultiRes {
    mres_block1: Block,
    res_path1: ResPath,
    mres_block2: Block,
    res_path2: ResPath,
    mres_block3: Block,
    res_path3: ResPath,
    mres_block4: Block,
    res_path4: ResPath,
    mres_block5: Block,
    deconv1: UpConv,
    mres_block6: Block,
    deconv2: UpConv,
    mres_block7: Block,
    deconv3: UpConv,
    mres_block8: Block,
    deconv4: UpConv,
    mres_block9: Block,
    conv10: Sequential,
}

impl SegmentationModule for MultiRes {
    type Config = MultiResConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &MultiResConfig, device: &Device) -> Self {
        let u = [0, 1, 2, 3, 4].map(|level| config.filters(level));
        let o = u.map(output);
        let block = |input, level: usize| Block::new(input, u[level], device);
        let path = |level: usize| ResPath::new(o[level], u[level], 4 - level, device);
        let deconv = |level: usize| up_conv([o[level + 1], u[level]], 2, 0, device);
        Self {
            mres_block1: block(config.in_channels, 0),
            res_path1: path(0),
            mres_block2: block(o[0], 1),
            res_path2: path(1),
            mres_block3: block(o[1], 2),
            res_path3: path(2),
            mres_block4: block(o[2], 3),
            res_path4: path(3),
            mres_block5: block(o[3], 4),
            deconv1: deconv(3),
            mres_block6: block(2 * u[3], 3),
            deconv2: deconv(2),
            mres_block7: block(2 * u[2], 2),
            deconv3: deconv(1),
            mres_block8: block(2 * u[1], 1),
            deconv4: deconv(0),
            mres_block9: block(2 * u[0], 0),
            conv10: unit([o[0], config.n_classes], 1, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`, batch-normalised as in the reference.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x1 = self.mres_block1.forward(input); // [N, 51, H, W]
        let x2 = self.mres_block2.forward(halve(x1.clone())); // [N, 105, H/2, W/2]
        let x1 = self.res_path1.forward(x1); // [N, 32, H, W]
        let x3 = self.mres_block3.forward(halve(x2.clone())); // [N, 212, H/4, W/4]
        let x2 = self.res_path2.forward(x2); // [N, 64, H/2, W/2]
        let x4 = self.mres_block4.forward(halve(x3.clone())); // [N, 426, H/8, W/8]
        let x3 = self.res_path3.forward(x3); // [N, 128, H/4, W/4]
        let x = self.mres_block5.forward(halve(x4.clone())); // [N, 853, H/16, W/16]
        let x4 = self.res_path4.forward(x4); // [N, 256, H/8, W/8]
        let up = |deconv: &UpConv, block: &Block, low, skip| {
            block.forward(Tensor::cat(vec![deconv.forward(low), skip], 1))
        };
        let x = up(&self.deconv1, &self.mres_block6, x, x4);
        let x = up(&self.deconv2, &self.mres_block7, x, x3);
        let x = up(&self.deconv3, &self.mres_block8, x, x2);
        let x = up(&self.deconv4, &self.mres_block9, x, x1);
        Outputs::of(self.conv10.forward(x))
    }

    fn bytes_per_pixel(config: &MultiResConfig) -> usize {
        // At full resolution: 2u channels concatenated and reflected, the three convolutions' maps apart and together, the
        // shortcut, and the convolution's copy.
        let u = config.filters(0);
        4 * (6 * u + 6 * output(u)).max(3 * config.n_classes)
    }
}
