//! The slice classifier of the retinal edema system (AI Challenger 2018): torchvision's ResNet-18 with one output a
//! finding. It marks no pixels.
//! K. He et al.: "Deep Residual Learning for Image Recognition", CVPR 2016.

use crate::nn::{
    Config, Head, Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{BatchNorm, Conv, Linear, global_avg},
    encoders::resnet::{self, Block, Depth, run_stage, run_stem, stem, stem_pool},
    models::ends,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassifierConfig {
    in_channels: usize,
    /// Background included; the findings are the others.
    n_classes: usize,
    /// Divides the 64 channels of the stem; 1 is the published network.
    feature_scale: usize,
}

impl Default for ClassifierConfig {
    fn default() -> Self {
        Self { in_channels: 3, n_classes: 4, feature_scale: 1 }
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "edema/resnet18_cls",
    title: "ResNet-18 slice classifier",
    paper: "He et al., Deep Residual Learning, CVPR 2016; retinal edema system, AI Challenger 2018",
    family: "edema",
    // Any size; the last stage is a thirty-second of it.
    input: InputRule::multiple_of(1).least(64),
    published: Published::Findings,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<Classifier>(),
};

impl Config for ClassifierConfig {
    fn check(&self) -> Result<(), String> {
        ends(self.in_channels, self.n_classes)?;
        if !(1..=64).contains(&self.feature_scale) {
            return Err("feature_scale must be from 1 to 64".to_owned());
        }
        Ok(())
    }

    fn channels(&self) -> usize {
        self.in_channels
    }

    fn head(&self) -> Head {
        Head::Softmax { classes: self.n_classes }
    }
}

/// The logit of every class but background: e⁻³⁰ is nothing beside 1, and the losses of it are still small numbers.
const NOWHERE: f64 = -30.0;

#[derive(Module, Debug)]
struct Classifier {
    conv1: Conv,
    bn1: BatchNorm,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    layer4: Vec<Block>,
    fc: Linear,
}

impl SegmentationModule for Classifier {
    type Config = ClassifierConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &ClassifierConfig, device: &Device) -> Self {
        let width = 64 / config.feature_scale;
        let (conv1, bn1) = stem(config.in_channels, width, device);
        let [layer1, layer2, layer3, layer4] = Depth::ResNet18.stages(width, 32, device);
        let fc = Linear::new([8 * width, config.n_classes - 1], true, device);
        Self { conv1, bn1, layer1, layer2, layer3, layer4, fc }
    }

    /// `[N, in, H, W]` to findings `[N, classes - 1]`, and to logits `[N, classes, H, W]` that are background everywhere.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let ([n, _, h, w], device) = (input.dims(), input.device());
        let stages = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let x = stem_pool(run_stem(&self.conv1, &self.bn1, input));
        let x = stages.into_iter().fold(x, |x, stage| run_stage(stage, x));
        let [_, channels, _, _] = x.dims();
        let found = self.fc.forward(global_avg(x).reshape([n, channels]));
        let [_, findings] = found.dims();
        let background = Tensor::zeros([n, 1, h, w], &device);
        let others = Tensor::full([n, findings, h, w], NOWHERE, &device);
        Outputs { detection: Some(found), ..Outputs::of(Tensor::cat(vec![background, others], 1)) }
    }

    fn bytes_per_pixel(config: &ClassifierConfig) -> usize {
        // The stem's map at half the resolution three times, its input as the convolution lays it out, the logits.
        4 * (3 * 16 / config.feature_scale + 49 * config.in_channels / 4 + 2 * config.n_classes)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        resnet::initial(site)
    }
}
