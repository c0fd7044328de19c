use crate::{
    label::{LabelId, LabelTable},
    volume::Modality,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The channels that a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channels {
    /// One channel. A colour image gives its luma (ITU-R BT.601).
    Grey,
    /// Red, green, blue. A grey image gives its value three times.
    Rgb,
    /// The neighbouring slices as colours, as the retinal edema system stacks them: next, current, previous, the first
    /// and last slice standing in for a missing neighbour. A colour image gives the luma of each slice.
    Stack3,
}

impl Channels {
    pub fn count(self) -> usize {
        match self {
            Channels::Grey => 1,
            Channels::Rgb | Channels::Stack3 => 3,
        }
    }
}

/// How a slice becomes a network's input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    pub channels: Channels,
    /// Values that become 0 and 1, in the image's own unit (HU for CT); values outside are clipped. Without it the
    /// range that the image opens with: 0 to 255 for 8-bit pictures.
    #[serde(default)]
    pub window: Option<[f32; 2]>,
    /// Subtracted from each channel after windowing; empty for none.
    #[serde(default)]
    pub mean: Vec<f32>,
    /// Divides each channel after the mean is taken off; empty for none.
    #[serde(default)]
    pub std: Vec<f32>,
    /// The slice's longer side is scaled to this many pixels for the network, and the probabilities are scaled back.
    /// Without it the network sees the pixels as they are.
    #[serde(default)]
    pub longer_side: Option<usize>,
    /// Uneven lighting is taken out: half the side in the network's pixels of the square whose mean becomes 0.5 and
    /// whose deviation 0.25 around each pixel ([`super::local_contrast`]), before mean and deviation above are taken.
    #[serde(default)]
    pub local_contrast: Option<usize>,
}

impl InputSpec {
    /// Values scaled to 0–1 and nothing else.
    pub fn unit(channels: Channels) -> Self {
        Self { channels, window: None, mean: vec![], std: vec![], longer_side: None, local_contrast: None }
    }
}

/// How networks of volumes take a volume and what is kept of their answer: along the patient's axes, resized to the
/// network's grid, clipped to the window, and brought to mean 0 and deviation 1 over what the network sees, unless the
/// card's input has a mean and a deviation. A voxel is of each class whose probability is a half or more; where
/// classes overlap, the later one in the card's table counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeSpec {
    /// How many connected parts are kept of each label of the card, the largest ones; the last number holds for all
    /// labels that follow, and without any all parts are kept.
    #[serde(default)]
    pub parts: Vec<usize>,
    /// Only parts that are larger are kept, mm³.
    #[serde(default)]
    pub least_mm3: f64,
    /// A first network, which finds the part of the volume that the card's own network sees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coarse: Option<CoarseSpec>,
}

/// The first of two networks; its tensors are in the same file, their names behind `coarse.`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoarseSpec {
    /// Id of a network of volumes in the registry.
    pub network: String,
    pub config: Value,
    /// Only parts that are larger count, mm³.
    pub least_mm3: f64,
    /// The second network sees so much more on every side.
    pub margin_mm: f64,
}

impl VolumeSpec {
    /// One network, which sees the whole volume; every part counts.
    pub fn whole() -> Self {
        Self { parts: vec![], least_mm3: 0.0, coarse: None }
    }

    /// The winner of FLARE21: liver, both kidneys, spleen, pancreas in parts of more than 2 ml.
    pub fn flare() -> Self {
        Self { parts: vec![1, 2, 1, 1], least_mm3: 2000.0, coarse: None }
    }

    /// Parts kept of the `index`-th label.
    pub fn most_parts(&self, index: usize) -> usize {
        self.parts.get(index).or(self.parts.last()).copied().unwrap_or(usize::MAX)
    }
}

impl CoarseSpec {
    /// The winner of FLARE21: parts of more than 1 ml, and 2 cm around them.
    pub fn flare(network: &str, config: Value) -> Self {
        Self { network: network.to_owned(), config, least_mm3: 1000.0, margin_mm: 20.0 }
    }
}

/// What a weights file says of itself. It travels in the file's header (safetensors metadata, key `fovea`); a file
/// without one does not run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The first 12 hexadecimal digits of the BLAKE3 hash of names, shapes and values of the weights; set on saving.
    #[serde(default)]
    pub version: String,
    pub title: String,
    /// Id of the network in the registry.
    pub network: String,
    /// The network's constructor arguments.
    pub config: Value,
    pub input: InputSpec,
    /// The foreground classes: class `c` (from 1) of the network is the `c`-th label here; class 0 is background.
    pub labels: LabelTable,
    pub modality: Modality,
    /// Of a network of volumes; those of slices have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeSpec>,
    /// The data that it learned from, in words; empty only for weights that have learned nothing.
    #[serde(default)]
    pub trained_on: String,
    /// Licence of the weights, which follows from that of the training data.
    #[serde(default)]
    pub licence: String,
    /// Version of the model that training started from.
    #[serde(default)]
    pub parent: Option<String>,
    /// Version of the model that it learned from beside the data (`fovea train --teacher`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<String>,
    /// Named measurements, for example `dice/drive`.
    #[serde(default)]
    pub metrics: BTreeMap<String, f64>,
    /// What a user must know, for example that a demonstration is of no use on patients.
    #[serde(default)]
    pub notice: String,
    /// The command that made the weights.
    #[serde(default)]
    pub command: String,
    /// When, RFC 3339 in UTC.
    #[serde(default)]
    pub created: String,
}

impl ModelCard {
    /// The card of weights that have learned nothing yet.
    pub fn new(
        network: &str,
        config: Value,
        input: InputSpec,
        labels: LabelTable,
        modality: Modality,
    ) -> Self {
        Self {
            version: String::new(),
            title: network.to_owned(),
            network: network.to_owned(),
            config,
            input,
            labels,
            modality,
            volume: None,
            trained_on: String::new(),
            licence: String::new(),
            parent: None,
            teacher: None,
            metrics: BTreeMap::new(),
            notice: String::new(),
            command: String::new(),
            created: String::new(),
        }
    }

    /// True of weights that have learned nothing yet.
    pub fn is_untrained(&self) -> bool {
        self.trained_on.is_empty()
    }

    /// True of weights that learned from phantoms, as the demonstrations inside the program did, and of what was trained from
    /// them: of no use on patients.
    pub fn is_demonstration(&self) -> bool {
        self.trained_on.contains("phantom")
    }

    /// Whether it is made for images of this kind.
    pub fn fits(&self, modality: Modality) -> bool {
        self.modality == modality || self.modality == Modality::Other
    }

    /// The number of classes, background included.
    pub fn classes(&self) -> usize {
        self.labels.len() + 1
    }

    /// The label that class `class` of the network means; 0 for background and for classes the card does not name.
    pub fn label_of(&self, class: usize) -> LabelId {
        class.checked_sub(1).and_then(|i| self.labels.iter().nth(i)).map_or(0, |l| l.id)
    }

    /// The class that a label is trained as; `None` for labels that the network does not know.
    pub fn class_of(&self, label: LabelId) -> Option<usize> {
        if label == 0 {
            return Some(0);
        }
        self.labels.iter().position(|l| l.id == label).map(|i| i + 1)
    }
}
