//! How long a network takes for a slice of this image, and how it is written.

use crate::nn::{self, ModelCard, measured};
use crate::workspace::{Document, PredictionStatus, Workspace};

/// How fast this computer is beside the one on which the networks were measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// The slice's pixels as a share of the measured one's.
    size: f32,
    /// Time here for time there, where the model in use has shown it.
    machine: Option<f32>,
    /// The image has several slices.
    deep: bool,
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
        Self { size, machine: here.zip(there).map(|(here, there)| here / there), deep: depth > 1 }
    }

    /// Of a computer that has shown nothing yet, for slices of the measured size.
    #[cfg(test)]
    pub fn unknown() -> Self {
        Self { size: 1.0, machine: None, deep: true }
    }

    /// Seconds for a slice on this computer; `None` where it has shown nothing yet, or the network was never measured.
    pub fn seconds_here(&self, network: &str) -> Option<f32> {
        Some(measured::cost(network)?.slice_millis * self.size * self.machine? / 1000.0)
    }

    /// "about 0.3 s a slice"; of a computer that has shown nothing yet, the time of the one in the table, which is said.
    pub fn words(&self, network: &str) -> String {
        let each = if self.deep { " a slice" } else { "" };
        match (self.seconds_here(network), measured::cost(network)) {
            (Some(here), _) => format!("about {}{each}", seconds(here)),
            (None, Some(cost)) => {
                let there = cost.slice_millis * self.size / 1000.0;
                format!("{}{each} on a two-core CPU", seconds(there))
            }
            (None, None) => "not measured here".to_owned(),
        }
    }
}

/// Whether a model's network is built as the measured one was, but for its channels and classes.
pub fn is_measured(card: &ModelCard) -> bool {
    let Some(spec) = nn::find(&card.network) else { return false };
    let default = spec.default_config();
    let own = card.config.as_object().into_iter().flatten();
    let free = ["in_channels", "n_classes", "dropout"];
    own.filter(|(name, _)| !free.contains(&name.as_str()))
        .all(|(name, value)| default.get(name) == Some(value))
}

/// A short time in seconds: "0.02 s", "0.3 s", "12 s".
fn seconds(time: f32) -> String {
    match time {
        _ if time < 0.095 => format!("{:.2} s", time.max(0.01)),
        _ if time < 9.95 => format!("{time:.1} s"),
        _ => format!("{time:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_to_be_of_this_computer_only_where_it_has_shown_one() {
        let unknown = Speed::unknown();
        assert_eq!(unknown.words("edema/unet"), "0.3 s a slice on a two-core CPU");
        assert_eq!(unknown.seconds_here("edema/unet"), None);
        let known = Speed { machine: Some(2.0), ..unknown };
        assert_eq!(known.words("edema/unet"), "about 0.6 s a slice");
        let small = Speed { size: 0.25, deep: false, ..known };
        assert_eq!(small.words("edema/unet"), "about 0.2 s");
        assert_eq!(known.words("nobody/network"), "not measured here");
        assert_eq!([0.001, 0.04, 9.9, 41.2].map(seconds), ["0.01 s", "0.04 s", "9.9 s", "41 s"]);
    }
}
