//! JMedSeg.

use super::{Method, Procedure, Recipe, published};
use crate::{
    nn::{
        Channels, InputSpec,
        loss::terms::ce,
        train::{Augment, BestRule, Blur, Contrast, Crop, Jitter, LastBatch, Optimizer, TrainConfig, Zoom},
    },
    volume::Modality,
};
use serde_json::json;

pub static RECIPE: Recipe = Recipe {
    id: "jmedseg",
    title: "JMedSeg on the pancreas",
    source: "JMedSeg, repository and README: its table on the pancreas",
    method: Method::Slices(|_| jmedseg()),
};

pub static AUG: Recipe = Recipe {
    id: "jmedseg-aug",
    title: "JMedSeg on the pancreas with --aug",
    source: "JMedSeg, repository: run.py --aug",
    method: Method::Slices(|_| jmedseg_aug()),
};

pub static SSL: Recipe = Recipe {
    id: "jmedseg-ssl",
    title: "JMedSeg's contrastive pretraining of U-Net",
    source: "JMedSeg, repository: run_ssl.py and pretrain.sh",
    method: Method::Slices(|_| jmedseg_ssl()),
};

/// README: 3e-4, 50 epochs, weights 0.2 and 0.8; without `--poly` the rate is constant (§6). §2: batch 8; §3: RGB over 255,
/// nothing else; §7: the best by mIoU, the last batch kept.
fn jmedseg() -> Procedure {
    Procedure {
        network: "jmedseg/unet",
        options: json!({}),
        input: InputSpec::unit(Channels::Rgb),
        modality: Modality::Other,
        classes: 2,
        train: TrainConfig {
            optimizer: Optimizer::jmedseg(), // §6: 0.9, 0.999, 1e-8, no decay
            loss: ce::LOSS.with_list([0.2, 0.8]).into(),
            last_batch: LastBatch::Keep,
            best: BestRule::PooledIou,
            ..published(50, 8, 3e-4)
        },
        every_pixel: true,
    }
}

/// §9: colour jitter with chance 0.8 in any order, then blur with chance 0.5.
fn jmedseg_aug() -> Procedure {
    let plain = jmedseg();
    let factor = [0.6, 1.4];
    let augment = Augment {
        jitter: Some(Jitter {
            chance: 0.8,
            brightness: factor,
            contrast: factor,
            saturation: factor,
            hue: [-0.1, 0.1],
            shuffled: true,
        }),
        blur: Some(Blur { sigma: [0.1, 2.0], chance: 0.5 }),
        ..Augment::default()
    };
    Procedure { train: TrainConfig { augment, ..plain.train }, ..plain }
}

/// §11: layer down4, 50 epochs, batch 8, 1e-5, JMedSeg's Adam; 128 numbers, 1024 keys, temperature 0.07. §9: a fifth to all of
/// the picture at 512², the colours of `--aug`, flips. What the reference has broken is mended (`nn::train::Contrast`);
/// pictures keep their proportions, and are not brought to ImageNet's mean, which training after it does not know.
fn jmedseg_ssl() -> Procedure {
    let with_colours = jmedseg_aug();
    let widest = 5f32.sqrt();
    let augment = Augment {
        zoom: Some(Zoom { range: [1.0, widest], chance: 1.0 }),
        flip_x: 0.5,
        ..with_colours.train.augment.clone()
    };
    let train = TrainConfig {
        crop: Crop::Window,
        patch: 512,
        augment,
        pretrain: Some(Contrast { layer: "down4".to_owned(), ..Contrast::default() }),
        best: BestRule::Last,
        epochs: Some(50),
        lr: 1e-5,
        ..with_colours.train
    };
    Procedure { train, ..with_colours }
}
