//! HRNet whose stem keeps the full resolution. J. Wang et al.: "Deep High-Resolution Representation Learning for Visual
//! Recognition", TPAMI 2020.

use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{BatchNorm, Conv, NormKind, Sequential, batch_norm, conv, nearest, op},
    encoders::resnet::{Block, BlockConfig, run_stage},
    models::plain_config,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

plain_config! {
    HrnetConfig {
        /// Channels of the branch at full resolution; each deeper branch doubles them.
        c: usize = 16,
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/hrnet",
    title: "HRNet",
    paper: "Wang et al., Deep High-Resolution Representation Learning for Visual Recognition, TPAMI 2020",
    family: "jmedseg",
    input: InputRule::multiple_of(8),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 8 }),
    make: Make::slices::<Hrnet>(),
};

/// Convolution 3×3 without bias, batch norm.
fn conv3(input: usize, output: usize, stride: usize, device: &Device) -> Sequential {
    let conv = conv(input, output, 3).stride(stride).padding(1).no_bias().init(device);
    Sequential::new([conv.into(), batch_norm(output, device).into()])
}

/// [`conv3`] and ReLU.
fn conv3_relu(input: usize, output: usize, stride: usize, device: &Device) -> Sequential {
    let conv = conv(input, output, 3).stride(stride).padding(1).no_bias().init(device);
    Sequential::new([conv.into(), batch_norm(output, device).into(), op(relu)])
}

/// Convolution 1×1 without bias, batch norm.
fn conv1(input: usize, output: usize, device: &Device) -> Sequential {
    let conv = conv(input, output, 1).no_bias().init(device);
    Sequential::new([conv.into(), batch_norm(output, device).into()])
}

/// A residual block that keeps the size.
fn block(bottleneck: bool) -> BlockConfig {
    BlockConfig { bottleneck, stride: 1, dilation: 1, norm: NormKind::Batch }
}

/// What leaves a map as it is.
fn identity() -> Sequential {
    Sequential::new([])
}

/// Branches of halving sizes side by side, then each of the first `outputs` sizes from all of them.
#[derive(Module, Debug)]
struct Exchange {
    branches: Vec<Vec<Block>>,
    /// From branch `j` to size `i` is `fuse_layers[i][j]`.
    fuse_layers: Vec<Vec<Sequential>>,
}

impl Exchange {
    fn new(widths: &[usize], outputs: usize, device: &Device) -> Self {
        let basic = |width| block(false).init([width; 3], device);
        let blocks = |&width: &usize| (0..4).map(|_| basic(width)).collect();
        let fuse = |i: usize, j: usize| match i.checked_sub(j) {
            Some(0) => identity(),
            // Nearest-neighbour resizing follows.
            None => conv1(widths[j], widths[i], device),
            Some(halvings) => {
                let [from, to] = [widths[j], widths[i]];
                let steps = (1..halvings).map(|_| conv3_relu(from, from, 2, device).into());
                Sequential::new(steps.chain([conv3(from, to, 2, device).into()]))
            }
        };
        let row = |i| (0..widths.len()).map(|j| fuse(i, j)).collect();
        Self { branches: widths.iter().map(blocks).collect(), fuse_layers: (0..outputs).map(row).collect() }
    }

    fn forward(&self, maps: Vec<Tensor<4>>) -> Vec<Tensor<4>> {
        let branches = maps.into_iter().zip(&self.branches);
        let maps: Vec<Tensor<4>> = branches.map(|(x, blocks)| run_stage(blocks, x)).collect();
        let fuse = |(i, row): (usize, &Vec<Sequential>)| {
            let [_, _, height, width] = maps[i].dims();
            let terms =
                row.iter().zip(&maps).map(|(layer, x)| nearest(layer.forward(x.clone()), [height, width]));
            terms.reduce(|sum, term| sum + term).map(relu)
        };
        self.fuse_layers.iter().enumerate().filter_map(fuse).collect()
    }
}

#[derive(Module, Debug)]
struct Hrnet {
    conv1: Conv,
    bn1: BatchNorm,
    conv2: Conv,
    bn2: BatchNorm,
    layer1: Vec<Block>,
    transition1: Vec<Sequential>,
    stage2: Vec<Exchange>,
    transition2: Vec<Sequential>,
    stage3: Vec<Exchange>,
    transition3: Vec<Sequential>,
    stage4: Vec<Exchange>,
    final_layer: Conv,
}

/// The maps of a stage that has one branch more: each goes through its layer, and the last one makes the new branch too.
fn widen(mut maps: Vec<Tensor<4>>, layers: &[Sequential]) -> Vec<Tensor<4>> {
    maps.extend(maps.last().cloned());
    maps.into_iter().zip(layers).map(|(x, layer)| layer.forward(x)).collect()
}

impl SegmentationModule for Hrnet {
    type Config = HrnetConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &HrnetConfig, device: &Device) -> Self {
        let [stem, narrowest] = [64, config.c].map(|n| config.plain().width(n));
        let widths = [1, 2, 4, 8].map(|n| n * narrowest);
        let stage = |branches: usize, modules: usize| -> Vec<Exchange> {
            (0..modules).map(|_| Exchange::new(&widths[..branches], branches, device)).collect()
        };
        let new_branch = |input, output| Sequential::new([conv3_relu(input, output, 2, device).into()]);
        let mut stage4 = stage(4, 2);
        stage4.push(Exchange::new(&widths, 1, device));
        Self {
            conv1: conv(config.in_channels, stem, 3).padding(1).no_bias().init(device),
            bn1: batch_norm(stem, device),
            conv2: conv(stem, stem, 3).padding(1).no_bias().init(device),
            bn2: batch_norm(stem, device),
            layer1: [1, 4, 4, 4].map(|n| block(true).init([n * stem, stem, 4 * stem], device)).into(),
            transition1: vec![conv3_relu(4 * stem, widths[0], 1, device), new_branch(4 * stem, widths[1])],
            stage2: stage(2, 1),
            transition2: vec![identity(), identity(), new_branch(widths[1], widths[2])],
            stage3: stage(3, 4),
            transition3: vec![identity(), identity(), identity(), new_branch(widths[2], widths[3])],
            stage4,
            final_layer: conv(widths[0], config.n_classes, 1).init(device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let x = relu(self.bn1.forward(self.conv1.forward(input))); // [N, 64, H, W]
        let x = relu(self.bn2.forward(self.conv2.forward(x)));
        let x = run_stage(&self.layer1, x); // [N, 256, H, W]
        let stages = [
            (&self.transition1, &self.stage2), // [N, c, H, W], [N, 2c, H/2, W/2]
            (&self.transition2, &self.stage3), // and [N, 4c, H/4, W/4]
            (&self.transition3, &self.stage4), // and [N, 8c, H/8, W/8], of which the last module leaves the first
        ];
        let mut maps = vec![x];
        for (transition, modules) in stages {
            maps = modules.iter().fold(widen(maps, transition), |maps, module| module.forward(maps));
        }
        Outputs::of(self.final_layer.forward(maps.swap_remove(0)))
    }

    fn bytes_per_pixel(config: &HrnetConfig) -> usize {
        // The bottlenecks at full resolution: their input, output and shortcut of 4 stems each, the last once more as the
        // sum, and what convolutions lay out.
        let [stem, narrowest] = [64, config.c].map(|n| config.plain().width(n));
        4 * (20 * stem).max(16 * narrowest)
    }
}
