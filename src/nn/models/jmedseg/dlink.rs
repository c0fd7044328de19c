//! L. Zhou et al.: "D-LinkNet: LinkNet with Pretrained Encoder and Dilated Convolution for High Resolution Satellite
//! Imagery Road Extraction", CVPR Workshops 2018.

use super::{
    SigmoidConfig,
    linked::{self, Centre, Linked},
};
use crate::nn::{
    Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, conv},
    encoders::resnet::Depth,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/dlink",
    title: "D-LinkNet over ResNet-50",
    paper: "Zhou et al., D-LinkNet, CVPR Workshops 2018",
    family: "jmedseg",
    input: InputRule::multiple_of(32).least(64),
    published: Published::Logits,
    as_published: || json!({ "sigmoid": true }),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<Dlink>(),
};

type Dlink = Linked<Cascade>;

/// Convolutions dilated ever further, one after the other; the sum of all their maps.
#[derive(Module, Debug)]
pub struct Cascade {
    dilate1: Conv,
    dilate2: Conv,
    dilate3: Conv,
    dilate4: Conv,
    dilate5: Conv,
}

impl Centre for Cascade {
    fn new(channels: usize, device: &Device) -> Self {
        let dilated = |rate| conv(channels, channels, 3).dilation(rate).same().init(device);
        Self {
            dilate1: dilated(1),
            dilate2: dilated(2),
            dilate3: dilated(4),
            dilate4: dilated(8),
            dilate5: dilated(16),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let cascade = [&self.dilate1, &self.dilate2, &self.dilate3, &self.dilate4, &self.dilate5];
        let start = (input.clone(), input);
        let (sum, _) = cascade.into_iter().fold(start, |(sum, x), conv| {
            let x = relu(conv.forward(x));
            (sum + x.clone(), x)
        });
        sum
    }
}

impl SegmentationModule for Dlink {
    type Config = SigmoidConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &SigmoidConfig, device: &Device) -> Self {
        Linked::new(&config.plain(), Depth::ResNet50, |_| None, config.last(), device)
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        self.outputs(input)
    }

    fn bytes_per_pixel(config: &SigmoidConfig) -> usize {
        linked::bytes_per_pixel(&config.plain(), Depth::ResNet50)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        linked::initial(site)
    }
}
