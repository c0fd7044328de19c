//! The training procedures that were published, one file for each system, value by value. `§` numbers are sections of the
//! references' descriptions; "repository" means the value stands in the published code.
//!
//! To add one, write a file with a `pub static RECIPE: Recipe` and list it in [`RECIPES`].

mod edema;
pub(super) mod flare;
mod jmedseg;
mod polyp;
mod vessel;

use super::{Augment, Crop, Schedule, TrainConfig, volumes::Stage};
use crate::{nn::InputSpec, volume::Modality};
use serde_json::Value;

/// A published procedure.
pub struct Recipe {
    /// As in `--recipe vessel`.
    pub id: &'static str,
    pub title: &'static str,
    /// Where it was published.
    pub source: &'static str,
    pub method: Method,
}

/// What a recipe trains.
#[derive(Clone, Copy)]
pub enum Method {
    /// One network of slices. It takes the layout of the data (an id of `io::dataset::LAYOUTS`), for references that have a
    /// procedure for each data set.
    Slices(fn(layout: &str) -> Procedure),
    /// Two networks of volumes, a coarse one and a fine one that looks where the coarse one has found something. It takes the
    /// number of classes, background included.
    Volumes(fn(classes: usize) -> [Stage; 2]),
}

/// All that a recipe sets for a network of slices.
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

/// Every recipe, in the order in which help lists them.
pub static RECIPES: &[&Recipe] = &[
    &edema::RECIPE,
    &edema::UNET,
    &jmedseg::RECIPE,
    &jmedseg::AUG,
    &jmedseg::SSL,
    &vessel::RECIPE,
    &polyp::RECIPE,
    &flare::RECIPE,
];

/// The recipe with this id.
pub fn find_recipe(id: &str) -> Option<&'static Recipe> {
    RECIPES.iter().copied().find(|recipe| recipe.id == id)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Rank, find};
    use std::collections::BTreeSet;

    fn procedure(id: &str, layout: &str) -> Procedure {
        match find_recipe(id).unwrap().method {
            Method::Slices(make) => make(layout),
            Method::Volumes(_) => panic!("{id} is of volumes"),
        }
    }

    #[test]
    fn every_recipe_is_described_and_has_an_id_of_its_own() {
        let ids: BTreeSet<&str> = RECIPES.iter().map(|recipe| recipe.id).collect();
        assert_eq!(ids.len(), RECIPES.len());
        for Recipe { id, title, source, .. } in RECIPES {
            assert!(!title.is_empty() && !source.is_empty(), "{id}");
        }
    }

    #[test]
    fn every_recipe_names_a_network_that_there_is_and_survives_json() {
        for recipe in RECIPES {
            let make = match recipe.method {
                Method::Slices(make) => make,
                Method::Volumes(stages) => {
                    for Stage { network, config, train, .. } in stages(3) {
                        let spec = find(&network).unwrap();
                        assert_eq!(spec.rank(), Rank::Volumes, "{}", recipe.id);
                        assert_eq!(spec.ends(&config).unwrap().1.classes(), 3, "{}", recipe.id);
                        assert_eq!(train.fault(), None, "{}", recipe.id);
                    }
                    continue;
                }
            };
            let Procedure { network, options, input, classes, train, .. } = make("list");
            let spec = find(network).unwrap();
            let mut config = spec.config_for(input.channels.count(), classes);
            for (key, value) in options.as_object().unwrap() {
                assert!(config.get(key).is_some(), "{}: {network} has no option {key}", recipe.id);
                config[key] = value.clone();
            }
            assert_eq!(spec.ends(&config).unwrap().0, input.channels.count(), "{}", recipe.id);
            let again: TrainConfig = serde_json::from_value(serde_json::json!(train)).unwrap();
            assert_eq!(again, train, "{}", recipe.id);
        }
    }

    #[test]
    fn steps_follow_from_the_data_as_published() {
        let steps = |id: &str, layout: &str, slices: usize| {
            let train = procedure(id, layout).train.for_slices(slices);
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
            let train = procedure(id, "list").train;
            train.lr * train.schedule.factor(epoch, epochs)
        };
        assert!((lr("edema-unet", 40, 100) - 1e-5).abs() < 1e-12);
        assert!(
            (lr("vessel", 99, 150) - 1e-3).abs() < 1e-12 && (lr("vessel", 100, 150) - 1e-4).abs() < 1e-12
        );
    }
}
