//! SegNet. V. Badrinarayanan et al.: "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation",
//! PAMI 2017.

use crate::nn::{
    InputRule, Make, ModelSpec, Outputs, Published, SegmentationModule,
    blocks::{Layer, Named, batch_norm, halve_with_places, max_unpool, same_conv},
    models::Plain,
};
use burn::{
    module::Module,
    tensor::{Device, Tensor, activation::relu},
};
use serde_json::json;

pub static SPEC: ModelSpec = ModelSpec {
    id: "jmedseg/segnet",
    title: "SegNet",
    paper: "Badrinarayanan et al., SegNet, PAMI 2017",
    family: "jmedseg",
    input: InputRule::multiple_of(32).least(64),
    published: Published::Logits,
    as_published: || json!({}),
    probe_config: || json!({ "feature_scale": 16 }),
    make: Make::slices::<SegNet>(),
};

/// Channels and convolutions of the five stages of VGG-16.
const STAGES: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];

#[derive(Module, Debug)]
struct SegNet {
    /// Convolution and batch norm in turn, `conv11`, `bn11`, `conv12`, …: two layers a unit.
    encoder: Named<Layer>,
    /// From `conv53d` back to `conv11d`, which has no norm.
    decoder: Named<Layer>,
}

impl SegmentationModule for SegNet {
    type Config = Plain;

    fn spec() -> &'static ModelSpec {
        &SPEC
    }

    fn new(config: &Plain, device: &Device) -> Self {
        let unit = |name: String, input, output| {
            [
                (format!("conv{name}"), same_conv([input, output], 3, device).into()),
                (format!("bn{name}"), batch_norm(output, device).into()),
            ]
        };
        let widths = STAGES.map(|(channels, _)| config.width(channels));
        let (mut encoder, mut decoder) = (vec![], vec![]);
        let mut input = config.in_channels;
        for (s, (_, convs)) in STAGES.into_iter().enumerate() {
            for k in 0..convs {
                encoder.extend(unit(format!("{}{}", s + 1, k + 1), input, widths[s]));
                input = widths[s];
            }
        }
        for (s, (_, convs)) in STAGES.into_iter().enumerate().rev() {
            for k in (0..convs).rev() {
                let output = match (s, k) {
                    (0, 0) => config.n_classes,
                    (_, 0) => widths[s - 1],
                    _ => widths[s],
                };
                decoder.extend(unit(format!("{}{}d", s + 1, k + 1), widths[s], output));
            }
        }
        decoder.pop();
        Self { encoder: Named::new(encoder), decoder: Named::new(decoder) }
    }

    /// `[N, in, H, W]` to logits `[N, classes, H, W]`.
    fn forward(&self, input: Tensor<4>) -> Outputs {
        let run = |unit: &[Layer], x| match unit {
            [conv, norm] => relu(norm.forward(conv.forward(x))),
            last => last.iter().fold(x, |x, conv| conv.forward(x)),
        };
        let mut encoder = self.encoder.chunks(2);
        let mut decoder = self.decoder.chunks(2);
        let (mut x, mut places) = (input, vec![]);
        for (_, convs) in STAGES {
            x = encoder.by_ref().take(convs).fold(x, |x, unit| run(unit, x));
            let (halved, at) = halve_with_places(x);
            x = halved;
            places.push(at);
        }
        for (_, convs) in STAGES.into_iter().rev() {
            if let Some(at) = places.pop() {
                x = max_unpool(x, at);
            }
            x = decoder.by_ref().take(convs).fold(x, |x, unit| run(unit, x));
        }
        Outputs::of(x)
    }

    fn bytes_per_pixel(config: &Plain) -> usize {
        // At full resolution: a map of f, its successor, the convolution's copy, and the places of the maxima (8 bytes each
        // for a quarter of the pixels, once more while they scatter).
        4 * 8 * config.width(64).max(config.n_classes)
    }
}
