//! TernausNet-16: a U-Net over VGG-16. V. Iglovikov, A. Shvets: "TernausNet: U-Net with VGG11 Encoder Pre-Trained on
//! ImageNet for Image Segmentation", 2018.

use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Conv, Layer, Named, bilinear_up, halve, op, same_conv},
    models::plain_config,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

plain_config! {
    /// The reference's constructor arguments. (`is_deconv` is left out.)
    TernausConfig {
        /// Channels of the last level of the decoder, before `feature_scale`.
        num_filters: usize = 32,
    }
}

impl TernausConfig {
    /// Channels of the decoder: `n` times the filters.
    fn decoder(&self, n: usize) -> usize {
        self.plain().width(n * self.num_filters)
    }
}

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/ternaus",
    title: "TernausNet-16",
    paper: "Iglovikov and Shvets, TernausNet, 2018",
    family: "jmedseg",
    input: InputRule::multiple_of(32),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<Ternaus>(),
};

/// Channels and convolutions of the five stages of VGG-16.
const STAGES: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];

/// Convolution 3×3, ReLU.
#[derive(Module, Debug)]
struct ConvRelu {
    conv: Conv,
}

impl ConvRelu {
    fn new(channels: [usize; 2], device: &Device) -> Self {
        Self { conv: same_conv(channels, 3, device) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.conv.forward(x))
    }
}

/// Doubles the size bilinearly; two convolutions.
#[derive(Module, Debug)]
struct Block {
    block: (Layer, ConvRelu, ConvRelu),
}

impl Block {
    fn new([input, middle, output]: [usize; 3], device: &Device) -> Self {
        let conv = |channels| ConvRelu::new(channels, device);
        Self { block: (op(|x| bilinear_up(x, 2)), conv([input, middle]), conv([middle, output])) }
    }

    /// `[N, input, H, W]` to `[N, output, 2H, 2W]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (up, first, second) = &self.block;
        second.forward(first.forward(up.forward(x)))
    }
}

#[derive(Module, Debug)]
struct Ternaus {
    /// The convolutions under their indices in torchvision's VGG-16, where ReLUs and pools count.
    encoder: Named<Conv>,
    center: Block,
    dec5: Block,
    dec4: Block,
    dec3: Block,
    dec2: Block,
    dec1: ConvRelu,
    r#final: Conv,
}

impl SegmentationModule for Ternaus {
    type Config = TernausConfig;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &TernausConfig, device: &Device) -> Self {
        let vgg = STAGES.map(|(channels, _)| config.plain().width(channels));
        let (mut encoder, mut input, mut index) = (vec![], config.in_channels, 0);
        for (output, (_, convs)) in vgg.into_iter().zip(STAGES) {
            for _ in 0..convs {
                encoder.push((format!("encoder.{index}"), same_conv([input, output], 3, device)));
                input = output;
                index += 2;
            }
            index += 1;
        }
        let block = |input, middle, output| {
            Block::new([input, config.decoder(middle), config.decoder(output)], device)
        };
        let [c1, c2, c3, c4, c5] = vgg;
        Self {
            encoder: Named::new(encoder),
            center: block(c5, 16, 8),
            dec5: block(c5 + config.decoder(8), 16, 8),
            dec4: block(c4 + config.decoder(8), 16, 8),
            dec3: block(c3 + config.decoder(8), 8, 2),
            dec2: block(c2 + config.decoder(2), 4, 1),
            dec1: ConvRelu::new([c1 + config.decoder(1), config.decoder(1)], device),
            r#final: same_conv([config.decoder(1), config.n_classes], 1, device),
        }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let mut convs = self.encoder.iter();
        let mut stage = |(_, count): (usize, usize), x| {
            convs.by_ref().take(count).fold(x, |x, conv: &Conv| relu(conv.forward(x)))
        };
        let conv1 = stage(STAGES[0], input); // [N, 64, H, W]
        let conv2 = stage(STAGES[1], halve(conv1.clone())); // [N, 128, H/2, W/2]
        let conv3 = stage(STAGES[2], halve(conv2.clone())); // [N, 256, H/4, W/4]
        let conv4 = stage(STAGES[3], halve(conv3.clone())); // [N, 512, H/8, W/8]
        let conv5 = stage(STAGES[4], halve(conv4.clone())); // [N, 512, H/16, W/16]
        let join = |x, skip| Tensor::cat(vec![x, skip], 1);
        let x = self.center.forward(halve(conv5.clone()));
        let x = self.dec5.forward(join(x, conv5));
        let x = self.dec4.forward(join(x, conv4));
        let x = self.dec3.forward(join(x, conv3));
        let x = self.dec2.forward(join(x, conv2));
        let x = self.dec1.forward(join(x, conv1));
        Outputs::of(self.r#final.forward(x))
    }

    fn bytes_per_pixel(config: &TernausConfig) -> usize {
        // At full resolution: the first stage's map, and what comes from the second level while it is resized or laid out
        // for a convolution.
        let (first, second) = (config.plain().width(64), config.plain().width(128) + config.decoder(2));
        4 * (first + 3 * second + config.decoder(4)).max(3 * config.n_classes)
    }
}
