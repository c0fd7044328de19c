//! The polyp system.

use super::{Method, Procedure, Recipe, published};
use crate::{
    nn::{
        Channels, InputSpec,
        loss::terms::ce,
        train::{
            Augment, BestRule, Crop, Jitter, LastBatch, Optimizer, Padding, Schedule, TrainConfig, Zoom,
        },
    },
    volume::Modality,
};
use serde_json::json;

pub static RECIPE: Recipe = Recipe {
    id: "polyp",
    title: "medical-segmentation-pytorch, UNet-32 on polyps",
    source: "medical-segmentation-pytorch, repository: my_config.py",
    method: Method::Slices(|_| polyp()),
};

/// §2.12: 400 epochs, batch 16, crop 320, base 32; §2.8: Adam at a tenth of 0.01 and one cycle with 3 epochs of warm-up, a
/// step at a time; §2.9: the augmentation, ImageNet's mean and deviation; §2.10: the best by Dice over all classes.
fn polyp() -> Procedure {
    let factor = [0.5, 1.5];
    Procedure {
        network: "polyp/unet",
        options: json!({"base_channel": 32}),
        input: InputSpec {
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.229, 0.224, 0.225],
            ..InputSpec::unit(Channels::Rgb)
        },
        modality: Modality::Endoscopy,
        classes: 2,
        train: TrainConfig {
            crop: Crop::Window,
            patch: 320,
            optimizer: Optimizer::default(),
            schedule: Schedule::OneCycle { warmup: 3.0 / 400.0 },
            loss: ce::LOSS.term().into(),
            augment: Augment {
                zoom: Some(Zoom { range: [0.5, 2.0], chance: 0.5 }),
                padding: Padding::Mirror,
                jitter: Some(Jitter {
                    chance: 0.5,
                    brightness: factor,
                    contrast: factor,
                    saturation: factor,
                    hue: [-0.2, 0.2], // the library's default, which the reference does not switch off
                    shuffled: true,
                }),
                flip_x: 0.5,
                flip_y: 0.5,
                ..Augment::default()
            },
            last_batch: LastBatch::Drop,
            best: BestRule::PooledDice,
            ..published(400, 16, 1e-3)
        },
        every_pixel: true,
    }
}
