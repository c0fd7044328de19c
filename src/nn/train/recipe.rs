//! The training procedures that were published, value by value. `§` numbers are sections of the references' descriptions;
//! "repository" means the value stands in the published code.

use super::{
    Adam, Augment, BestRule, Blur, Contrast, Crop, Jitter, LastBatch, Loss, Optimizer, Padding, Schedule,
    Term, TrainConfig, Zoom,
};
use crate::{
    nn::{Channels, InputSpec},
    volume::Modality,
};
use serde_json::{Value, json};

/// A published procedure.
pub struct Recipe {
    pub id: &'static str,
    pub title: &'static str,
    /// Where it was published.
    pub source: &'static str,
    make: fn(layout: &str) -> Procedure,
}

/// All that a recipe sets.
pub struct Procedure {
    /// Id of the network in the registry.
    pub network: &'static str,
    /// Its options where they are not the defaults.
    pub options: Value,
    pub input: InputSpec,
    pub modality: Modality,
    /// The classes of its data, background included.
    pub classes: usize,
    pub train: TrainConfig,
    /// Pixels outside a case's valid mask are learned from and scored too.
    pub every_pixel: bool,
}

impl Recipe {
    /// What it sets for data in this layout (an id of `io::dataset::LAYOUTS`); the same for all where the reference has one
    /// procedure.
    pub fn procedure(&self, layout: &str) -> Procedure {
        (self.make)(layout)
    }
}

pub static RECIPES: &[Recipe] = &[
    Recipe {
        id: "edema",
        title: "Retinal edema, UNet++",
        source: "AI Challenger 2018 retinal edema, repository: train.py and the run of UNet++",
        make: |_| edema(true),
    },
    Recipe {
        id: "edema-unet",
        title: "Retinal edema, U-Net",
        source: "AI Challenger 2018 retinal edema, repository: train.py and the run of U-Net",
        make: |_| edema(false),
    },
    Recipe {
        id: "jmedseg",
        title: "JMedSeg on the pancreas",
        source: "JMedSeg, repository and README: its table on the pancreas",
        make: |_| jmedseg(),
    },
    Recipe {
        id: "jmedseg-aug",
        title: "JMedSeg on the pancreas with --aug",
        source: "JMedSeg, repository: run.py --aug",
        make: |_| jmedseg_aug(),
    },
    Recipe {
        id: "jmedseg-ssl",
        title: "JMedSeg's contrastive pretraining of U-Net",
        source: "JMedSeg, repository: run_ssl.py and pretrain.sh",
        make: |_| jmedseg_ssl(),
    },
    Recipe {
        id: "vessel",
        title: "SA-UNet on DRIVE or CHASE_DB1",
        source: "SA-UNet (Guo et al., ICPR 2020), repository",
        make: vessel,
    },
    Recipe {
        id: "polyp",
        title: "medical-segmentation-pytorch, UNet-32 on polyps",
        source: "medical-segmentation-pytorch, repository: my_config.py",
        make: |_| polyp(),
    },
];

/// The recipe with this id.
pub fn find_recipe(id: &str) -> Option<&'static Recipe> {
    RECIPES.iter().find(|r| r.id == id)
}

/// What all have in common: epochs, rates that change and validation that comes once an epoch, nothing drawn but what the
/// reference draws.
fn published(epochs: u64, batch: usize, lr: f64) -> TrainConfig {
    TrainConfig {
        epochs: Some(epochs),
        batch,
        lr,
        lr_every: 1,
        validate_every: 0,
        schedule: Schedule::Constant,
        crop: Crop::Whole,
        patch: 0,
        foreground: 0.0,
        augment: Augment::default(),
        ..TrainConfig::default()
    }
}

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

/// README: 3e-4, 50 epochs, weights 0.2 and 0.8; without `--poly` the rate is constant (§6). §2: batch 8; §3: RGB over 255,
/// nothing else; §7: the best by mIoU, the last batch kept.
fn jmedseg() -> Procedure {
    let class_weights = vec![0.2, 0.8];
    Procedure {
        network: "jmedseg/unet",
        options: json!({}),
        input: InputSpec::unit(Channels::Rgb),
        modality: Modality::Other,
        classes: 2,
        train: TrainConfig {
            optimizer: Optimizer::jmedseg(), // §6: 0.9, 0.999, 1e-8, no decay
            loss: Loss::new([(1.0, Term::CrossEntropy { class_weights })]),
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
            loss: Loss::new([(1.0, Term::CrossEntropy { class_weights: vec![] })]),
            copies,
            last_batch: LastBatch::Keep,
            best: BestRule::Last,
            ..published(150, batch, 1e-3)
        },
        every_pixel: true,
    }
}

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
            loss: Loss::new([(1.0, Term::CrossEntropy { class_weights: vec![] })]),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::find;

    #[test]
    fn every_recipe_names_a_network_that_there_is_and_survives_json() {
        for recipe in RECIPES {
            let Procedure { network, options, input, classes, train, .. } = recipe.procedure("list");
            let spec = find(network).unwrap();
            let mut config = spec.config_for(input.channels.count(), classes);
            for (key, value) in options.as_object().unwrap() {
                assert!(config.get(key).is_some(), "{}: {network} has no option {key}", recipe.id);
                config[key] = value.clone();
            }
            assert_eq!(spec.ends(&config).unwrap().0, input.channels.count(), "{}", recipe.id);
            let again: TrainConfig = serde_json::from_value(json!(train)).unwrap();
            assert_eq!(again, train, "{}", recipe.id);
        }
    }

    #[test]
    fn steps_follow_from_the_data_as_published() {
        let steps = |id: &str, layout: &str, slices: usize| {
            let train = find_recipe(id).unwrap().procedure(layout).train.for_slices(slices);
            (train.steps, train.validate_every, train.lr_every)
        };
        // 70 cubes of 128 B-scans in batches of 16 and of 32.
        assert_eq!(steps("edema", "edema", 8960), (56_000, 560, 560));
        assert_eq!(steps("edema-unet", "edema", 8960), (28_000, 280, 280));
        // 1720 slices in batches of 8.
        assert_eq!(steps("jmedseg", "jmedseg", 1720), (50 * 215, 215, 1));
        // 20 pictures of 13 variants in batches of 4 (DRIVE) and 2 (CHASE_DB1).
        assert_eq!(steps("vessel", "drive", 20), (150 * 65, 65, 1));
        assert_eq!(steps("vessel", "chase", 20), (150 * 130, 130, 1));
        // 800 of Kvasir-SEG in batches of 16.
        assert_eq!(steps("polyp", "polyp", 800), (400 * 50, 50, 1));
        let lr = |id: &str, epoch: u64, epochs: u64| {
            let train = find_recipe(id).unwrap().procedure("list").train;
            train.lr * train.schedule.factor(epoch, epochs)
        };
        assert!((lr("edema-unet", 40, 100) - 1e-5).abs() < 1e-12);
        assert!(
            (lr("vessel", 99, 150) - 1e-3).abs() < 1e-12 && (lr("vessel", 100, 150) - 1e-4).abs() < 1e-12
        );
    }
}
