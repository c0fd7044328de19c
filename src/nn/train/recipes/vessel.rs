//! SA-UNet.

use super::{Method, Procedure, Recipe, published};
use crate::{
    nn::{
        Channels, InputSpec,
        loss::terms::ce,
        train::{Adam, Augment, BestRule, Jitter, LastBatch, Optimizer, Padding, Schedule, TrainConfig},
    },
    volume::Modality,
};
use serde_json::json;

pub static RECIPE: Recipe = Recipe {
    id: "vessel",
    title: "SA-UNet on DRIVE or CHASE_DB1",
    source: "SA-UNet (Guo et al., ICPR 2020), repository",
    method: Method::Slices(vessel),
};

/// §4: Adam, 100 epochs at 1e-3 and 50 at 1e-4, binary cross-entropy, the last weights; DRIVE in frames of 592² in batches of
/// 4 with 0.82 kept, CHASE_DB1 1008², 2, 0.87. Every picture comes in 13 variants that were made once. Beyond the picture
/// nothing is known, where the reference learns background.
fn vessel(layout: &str) -> Procedure {
    let (patch, batch, keep_prob) = match layout {
        "chase" => (1008, 2, 0.87),
        _ => (592, 4, 0.82),
    };
    let black = Augment { padding: Padding::Zero, ..Augment::default() };
    // §4 (a) 1 to 359 degrees; (b) all four one after the other; (c) takes a grey level from about a quarter of the values.
    let turned = Augment { rotate_deg: 180.0, ..black.clone() };
    let coloured = Augment {
        jitter: Some(Jitter {
            saturation: [0.0, 3.0],
            brightness: [1.0, 2.0],
            contrast: [1.0, 2.0],
            shuffled: false,
            ..Jitter::default()
        }),
        sharpness: Some([0.0, 3.0]),
        ..black.clone()
    };
    let noisy = Augment { noise: 0.5 / 255.0, ..black.clone() };
    let flipped = |flip_x, flip_y| Augment { flip_x, flip_y, ..black.clone() };
    let mut copies = vec![black.clone()];
    for kind in [turned, coloured, noisy] {
        copies.extend(std::iter::repeat_n(kind, 3));
    }
    copies.extend([flipped(1.0, 0.0), flipped(0.0, 1.0), flipped(1.0, 1.0)]);
    Procedure {
        network: "vessel/sa_unet",
        options: json!({"start_neurons": 16, "block_size": 7, "keep_prob": keep_prob}),
        input: InputSpec::unit(Channels::Rgb),
        modality: Modality::Fundus,
        classes: 2,
        train: TrainConfig {
            patch,
            // Keras's Adam.
            optimizer: Optimizer::Adam(Adam { epsilon: 1e-7, epsilon_hat: true, ..Adam::default() }),
            schedule: Schedule::Step { every: 100.0 / 150.0, factor: 0.1 },
            loss: ce::LOSS.term().into(),
            copies,
            last_batch: LastBatch::Keep,
            best: BestRule::Last,
            ..published(150, batch, 1e-3)
        },
        every_pixel: true,
    }
}
