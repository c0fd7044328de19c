//! What a run should start from, and about how long it takes.

use super::listing::is_background;
use crate::label::LabelTable;
use crate::nn::measured::{self, PIXELS};
use crate::nn::train::TrainConfig;
use crate::nn::{self, ModelCard};
use crate::volume::Modality;
use crate::workspace::Document;
use crate::workspace::model_library::{LibraryModel, ModelLibrary};

/// What a run starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartFrom {
    /// The model in use.
    InUse,
    /// A network of the registry that has learned nothing, made for the labels of the image.
    Fresh(&'static str),
}

/// The small network for a kind of image.
pub(in crate::workspace) fn small(modality: Modality) -> &'static str {
    match modality {
        // Thin vessels.
        Modality::Fundus => "vessel/sa_unet",
        _ => "edema/unet",
    }
}

/// The model in use where it fits the image and knows all `painted` labels, or was made for them; else a small new network.
pub(in crate::workspace) fn recommended<'a>(
    document: &Document,
    library: &ModelLibrary,
    mut painted: impl Iterator<Item = &'a str>,
) -> StartFrom {
    let model = document.model().and_then(|version| library.find(version));
    let serves = |model: &LibraryModel| {
        !model.is_of_volumes()
            && model.fits(document.volume())
            && (model.is_untrained() || painted.all(|name| knows(&model.card, name)))
    };
    match model.is_some_and(serves) {
        true => StartFrom::InUse,
        false => StartFrom::Fresh(small(document.volume().modality())),
    }
}

fn knows(card: &ModelCard, name: &str) -> bool {
    is_background(name) || card.labels.iter().any(|label| label.name == name)
}

/// The network that a run would train, by its id, and how; None where the model in use is gone.
pub(in crate::workspace) fn plan(
    document: &Document,
    library: &ModelLibrary,
    start: StartFrom,
) -> Option<(String, TrainConfig)> {
    let card = match start {
        StartFrom::InUse => ModelCard::clone(&library.find(document.model()?)?.card),
        StartFrom::Fresh(network) => {
            let modality = document.volume().modality();
            let input = TrainConfig::input_for(modality);
            ModelCard::new(network, serde_json::Value::Null, input, LabelTable::default(), modality)
        }
    };
    Some((card.network.clone(), TrainConfig::fine_tune(&card)))
}

/// Time here for time where the networks were measured. `millis`: what predicting a slice of the document has taken the
/// model in use.
pub(in crate::workspace) fn speed(document: &Document, library: &ModelLibrary, millis: f32) -> Option<f64> {
    let cost = measured::cost(&library.find(document.model()?)?.card.network)?;
    let [width, height, _] = document.volume().dims();
    let there = f64::from(cost.slice_millis) * (width * height) as f64 / PIXELS as f64;
    (there > 0.0 && millis > 0.0).then(|| f64::from(millis) / there)
}

/// Passes of a network that one step of learning costs for each patch: forward, and backward for values and weights.
const PASSES: f64 = 3.0;

/// About how many seconds so many steps of a run take on a CPU like the one that the networks were measured on; None of a
/// network that was not measured.
pub fn seconds_of(network: &str, config: &TrainConfig) -> Option<f64> {
    let cost = measured::cost(nn::find(network)?.id)?;
    let patches = config.steps as f64 * config.batch as f64;
    let share = (config.patch * config.patch) as f64 / PIXELS as f64;
    Some(patches * share * PASSES * f64::from(cost.slice_millis) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_networks_are_in_the_registry_and_label_slices() {
        for modality in [Modality::Ct, Modality::Oct, Modality::Fundus, Modality::Endoscopy] {
            assert!(nn::find(small(modality)).is_some_and(|spec| spec.labels_slices()), "{modality:?}");
        }
    }

    #[test]
    fn time_grows_with_the_steps_and_is_not_invented() {
        let of = |steps, network| seconds_of(network, &TrainConfig { steps, ..TrainConfig::default() });
        let hundred = of(100, "edema/unet").expect("it was measured");
        assert!(hundred > 0.0);
        assert_eq!(of(200, "edema/unet"), Some(2.0 * hundred));
        assert_eq!(of(100, "no such network"), None);
    }
}
