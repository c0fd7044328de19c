//! The retinal edema system.

use super::{Method, Procedure, Recipe, published};
use crate::{
    nn::{
        Channels, InputSpec,
        train::{Augment, BestRule, LastBatch, Loss, Optimizer, Schedule, TrainConfig},
    },
    volume::Modality,
};
use serde_json::json;

pub static RECIPE: Recipe = Recipe {
    id: "edema",
    title: "Retinal edema, UNet++",
    source: "AI Challenger 2018 retinal edema, repository: train.py and the run of UNet++",
    method: Method::Slices(|_| edema(true)),
};

pub static UNET: Recipe = Recipe {
    id: "edema-unet",
    title: "Retinal edema, U-Net",
    source: "AI Challenger 2018 retinal edema, repository: train.py and the run of U-Net",
    method: Method::Slices(|_| edema(false)),
};

/// The published runs of the retinal edema system: §1.15, 100 epochs at 1e-3; UNet++ batch 16, poly, mix_33; U-Net batch 32,
/// a tenth every 20 epochs, mix_3.
fn edema(nested: bool) -> Procedure {
    let (network, batch, schedule) = match nested {
        true => ("edema/unet_nested", 16, Schedule::Poly { power: 0.9 }),
        false => ("edema/unet", 32, Schedule::Step { every: 20.0 / 100.0, factor: 0.1 }),
    };
    Procedure {
        network,
        options: json!({}),
        // §1.9: info.json, channels next, current, previous; the pixels as they are.
        input: InputSpec {
            mean: vec![0.143_694_1, 0.143_671_97, 0.143_649_83],
            std: vec![0.097_954_33, 0.097_919_54, 0.097_884_72],
            ..InputSpec::unit(Channels::Stack3)
        },
        modality: Modality::Oct,
        classes: 4,
        train: TrainConfig {
            schedule,
            lr_every: 0,                   // §1.11: set at the start of each epoch
            optimizer: Optimizer::edema(), // §1.11
            loss: Loss::edema(nested),     // §1.10: mix_33, mix_3
            augment: Augment { flip_x: 0.5, ..Augment::default() }, // §1.9: all else is off in the published runs
            last_batch: LastBatch::Drop,                            // §1.11
            best: BestRule::VolumeDice,                             // §1.12
            seed: 1234,                                             // §1.11
            ..published(100, batch, 1e-3)
        },
        every_pixel: true,
    }
}
