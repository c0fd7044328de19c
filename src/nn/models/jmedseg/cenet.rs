//! Z. Gu et al.: "CE-Net: Context Encoder Network for 2D Medical Image Segmentation", IEEE Transactions on Medical
//! Imaging 2019.

use super::linked::{self, Centre, Linked, Pooling};
use crate::nn::{
    Init, InitSite, InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, conv, same_conv},
    encoders::resnet::Depth,
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/cenet",
    title: "CE-Net",
    paper: "Gu et al., CE-Net, IEEE TMI 2019",
    family: "jmedseg",
    // The deepest map, a thirty-second of the size, is pooled over 6×6.
    input: InputRule::multiple_of(32).least(192),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<CeNet>(),
};

type CeNet = Linked<DenseAtrous>;

/// "Dense atrous convolution": paths of one to four convolutions, the same convolution shared by all paths that have it.
#[derive(Module, Debug)]
pub struct DenseAtrous {
    dilate1: Conv,
    dilate2: Conv,
    dilate3: Conv,
    conv1x1: Conv,
}

impl Centre for DenseAtrous {
    fn new(channels: usize, device: &Device) -> Self {
        let dilated = |rate| conv(channels, channels, 3).dilation(rate).same().init(device);
        Self {
            dilate1: dilated(1),
            dilate2: dilated(3),
            dilate3: dilated(5),
            conv1x1: same_conv([channels; 2], 1, device),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let Self { dilate1, dilate2, dilate3, conv1x1 } = self;
        let end = |x| relu(conv1x1.forward(x));
        let once = dilate1.forward(input.clone());
        let twice = dilate2.forward(once.clone());
        let sum = input.clone() + relu(once) + end(dilate2.forward(input));
        sum + end(twice.clone()) + end(dilate3.forward(twice))
    }
}

impl SegmentationModule for CeNet {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let spp = |channels| Some(Pooling::new(channels, device));
        Linked::new(config, Depth::ResNet34, spp, |logits| logits, device)
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        self.outputs(input)
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        linked::bytes_per_pixel(config, Depth::ResNet34)
    }

    fn initial(site: &InitSite<'_>) -> Init {
        linked::initial(site)
    }
}
