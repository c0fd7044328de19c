//! How long a network takes for a slice of this image, and how it is written.

use crate::nn::{self, ModelCard, measured};
use crate::ui::figures;
use crate::workspace::{Document, PredictionStatus, Workspace};

/// How fast this computer is beside the one on which the networks were measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// The slice's pixels as a share of the measured one's.
    size: f32,
    /// Time here for time there, where the model in use has shown it.
    machine: Option<f32>,
    /// How many slices the image has.
    depth: usize,
}

impl Speed {
    pub fn of(workspace: &Workspace, document: &Document) -> Self {
        let [width, height, depth] = document.volume().dims();
        let size = (width * height) as f32 / measured::PIXELS as f32;
        let card = document.model().and_then(|v| workspace.model(v)).map(|m| &*m.card);
        // A smaller network than the measured one says nothing of the computer.
        let network = card.filter(|card| is_measured(card)).map(|card| card.network.as_str());
        let there = network.and_then(measured::cost).map(|cost| cost.slice_millis * size);
        let here = match workspace.prediction_status(document.id(), document.cursor()[2]) {
            PredictionStatus::Ready(predicted) => Some(predicted.millis),
            _ => None,
        };
        Self { size, machine: here.zip(there).map(|(here, there)| here / there), depth }
    }

    /// Of a computer that has shown nothing yet, for slices of the measured size.
    #[cfg(test)]
    pub fn unknown() -> Self {
        Self { size: 1.0, machine: None, depth: 2 }
    }

    /// Whether this computer has shown how fast it is; else times are those of the computer of the table.
    fn is_known(&self) -> bool {
        self.machine.is_some()
    }

    /// Behind a time: "0.3 s a slice".
    pub fn each(&self) -> &'static str {
        if self.depth > 1 { " a slice" } else { "" }
    }

    /// Seconds for a slice, on this computer where it has shown how fast it is; `None` of a network that was never measured.
    pub fn seconds(&self, network: &str) -> Option<f32> {
        let there = measured::cost(network)?.slice_millis * self.size / 1000.0;
        Some(there * self.machine.unwrap_or(1.0))
    }

    /// Seconds for each slice where the whole image takes so many.
    pub fn shared(&self, seconds: f64) -> f32 {
        seconds as f32 / self.depth.max(1) as f32
    }

    /// Whose times they are: of this computer, or of the one of the table.
    pub fn whose(&self) -> &'static str {
        if self.is_known() { HERE } else { "a two-core CPU" }
    }

    /// "about 0.3 s a slice", on the computer that is said above it.
    pub fn words(&self, network: &str) -> String {
        match self.seconds(network).map(|time| figures::seconds(f64::from(time))) {
            Some(time) => format!("about {time}{}", self.each()),
            None => NOT_MEASURED.to_owned(),
        }
    }
}

/// What a model has taken on this computer, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Took {
    Slice(f64),
    /// It labels them at once.
    Volume(f64),
}

pub const HERE: &str = "this computer";
pub const NOT_MEASURED: &str = "not measured here";

/// Whether a model's network is built as the measured one was, but for its channels and classes.
pub fn is_measured(card: &ModelCard) -> bool {
    let Some(spec) = nn::find(&card.network) else { return false };
    let default = spec.default_config();
    let own = card.config.as_object().into_iter().flatten();
    let free = ["in_channels", "n_classes", "dropout"];
    own.filter(|(name, _)| !free.contains(&name.as_str()))
        .all(|(name, value)| default.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_to_be_of_this_computer_only_where_it_has_shown_one() {
        let unknown = Speed::unknown();
        assert_eq!(unknown.words("edema/unet"), "about 0.3 s a slice");
        assert_eq!(unknown.whose(), "a two-core CPU");
        let known = Speed { machine: Some(2.0), ..unknown };
        assert_eq!(
            (known.words("edema/unet").as_str(), known.whose()),
            ("about 0.6 s a slice", "this computer")
        );
        let small = Speed { size: 0.25, depth: 1, ..known };
        assert_eq!(small.words("edema/unet"), "about 0.2 s");
        assert_eq!(known.words("nobody/network"), "not measured here");
        assert_eq!((known.seconds("nobody/network"), known.shared(10.0)), (None, 5.0));
    }
}
