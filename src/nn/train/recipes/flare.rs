//! The winner of FLARE21.

use super::{Method, Recipe};
use crate::nn::{
    find,
    loss::terms::{scaled_focal, squared_dice},
    train::{
        Loss, Optimizer, Schedule, TrainConfig,
        volumes::{Framing, Stage, View, VolumeAugment},
    },
};

pub static RECIPE: Recipe = Recipe {
    id: "flare",
    title: "Two networks of volumes on abdominal CTs",
    source: "EfficientSegmentation (Zhang et al., 2021), the winner of FLARE21: paper and repository",
    method: Method::Volumes(stages),
};

/// The coarse network, on whole volumes at 160³ and without augmentation, and the fine one, on the organs' box at 192³
/// with a random box and shifted values. Both: Dice and focal loss (the paper's; the configuration that is shipped
/// says Dice alone), Adam, 200 epochs at 1e-3, a tenth of it after 66 % and a twentieth after 86 %. `classes` counts the
/// background.
pub(in crate::nn::train) fn stages(classes: usize) -> [Stage; 2] {
    let stage = |network: &str, view, train| {
        let config = find(network).map(|spec| spec.config_for(1, classes)).unwrap_or_default();
        Stage { network: network.to_owned(), config, view, train }
    };
    let train = TrainConfig {
        epochs: Some(200),
        batch: 2,
        lr: 1e-3,
        lr_every: 0,
        schedule: Schedule::Stages { until: [0.66, 0.86], factors: [0.1, 0.05] },
        optimizer: Optimizer::flare(),
        loss: Loss::new([(1.0, squared_dice::LOSS.term()), (1.0, scaled_focal::LOSS.term())]),
        validate_every: 0,
        ..TrainConfig::default()
    };
    let whole = View { framing: Framing::Whole, augment: VolumeAugment::default() };
    let organs = View {
        framing: Framing::Organs { margin_mm: 20.0 },
        augment: VolumeAugment { box_chance: 0.5, box_mm: 40.0, shift_chance: 0.5, shift_hu: [-200, 199] },
    };
    let coarse = stage("flare/unet", whole, train.clone());
    let fine = stage("flare/efficientsegnet", organs, TrainConfig { batch: 5, ..train });
    [coarse, fine]
}
