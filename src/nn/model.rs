use super::{
    BuildError, ComputeDevice, ModelCard, Network, NetworkError, find,
    predict::{PredictError, SliceInference, SlicePrediction, Step},
    spatial_transformer,
    weights::{self, WeightsError},
};
use crate::{
    replace::{WriteError, write_bytes},
    volume::Volume,
};
use std::path::Path;

#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("the model card does not fit its network: {0}")]
    Card(String),
}

/// A network together with its card: what is needed to turn an image into labels.
pub struct Model {
    pub card: ModelCard,
    network: Box<dyn Network>,
}

impl Model {
    /// The network that the card names, with initial weights drawn from `seed`.
    pub fn build(mut card: ModelCard, seed: u64, device: &ComputeDevice) -> Result<Self, ModelError> {
        let spec =
            find(&card.network).ok_or_else(|| BuildError::UnknownNetwork { id: card.network.clone() })?;
        let network = spec.build(&card.config, seed, device)?;
        card.config = network.config().clone();
        check(&card, network.as_ref())?;
        Ok(Self { card, network })
    }

    pub fn load(path: &Path, device: &ComputeDevice) -> Result<Self, ModelError> {
        Self::from_bytes(&weights::read_file(path)?, device)
    }

    /// A model from the bytes of its file.
    pub fn from_bytes(bytes: &[u8], device: &ComputeDevice) -> Result<Self, ModelError> {
        let (card, tensors) = weights::from_bytes(bytes)?;
        let mut model = Self::build(card, 0, device)?;
        model.network.load(&tensors)?;
        Ok(model)
    }

    /// The bytes of a weights file; sets the card's version.
    pub fn to_bytes(&mut self) -> Result<Vec<u8>, ModelError> {
        let tensors = self.network.tensors()?;
        self.card.version = weights::version(&tensors);
        Ok(weights::to_bytes(&self.card, &tensors)?)
    }

    /// Writes a weights file; sets the card's version.
    pub fn save(&mut self, path: &Path) -> Result<(), ModelError> {
        let bytes = self.to_bytes()?;
        Ok(write_bytes(path, &bytes)?)
    }

    pub fn network(&self) -> &dyn Network {
        self.network.as_ref()
    }

    pub fn network_mut(&mut self) -> &mut dyn Network {
        self.network.as_mut()
    }

    pub fn device(&self) -> &ComputeDevice {
        self.network.device()
    }

    /// The model with the average of its weights, where there is one ([`Network::average`]).
    pub fn averaged(&self) -> Option<Self> {
        Some(Self { card: self.card.clone(), network: self.network.averaged()? })
    }

    /// The model behind a spatial transformer that changes nothing yet; the same again where it has one.
    pub fn transformed(&self) -> Result<Self, ModelError> {
        if self.card.config[spatial_transformer::OPTION] == true {
            return Ok(self.duplicate());
        }
        let mut card = self.card.clone();
        card.config[spatial_transformer::OPTION] = true.into();
        card.parent = Some(std::mem::take(&mut card.version)).filter(|version| !version.is_empty());
        let mut model = Self::build(card, 0, self.device())?;
        let mut tensors = model.network.tensors()?;
        let own = self.network.tensors()?.into_iter();
        tensors.extend(own.map(|(name, tensor)| (spatial_transformer::INNER.to_owned() + &name, tensor)));
        model.network.load(&tensors)?;
        Ok(model)
    }

    /// A second model with the same weights, which later training of this one does not change.
    pub fn duplicate(&self) -> Self {
        Self { card: self.card.clone(), network: self.network.duplicate() }
    }

    /// Starts the prediction of slice `z`; nothing heavy happens before the first step.
    pub fn begin_slice(&self, volume: &Volume, z: usize) -> Result<SliceInference, PredictError> {
        SliceInference::new(self, volume, z)
    }

    /// Predicts slice `z` in one go.
    pub fn predict_slice(&self, volume: &Volume, z: usize) -> Result<SlicePrediction, PredictError> {
        let mut inference = self.begin_slice(volume, z)?;
        loop {
            if let Step::Done(prediction) = inference.step(self)? {
                return Ok(prediction);
            }
        }
    }
}

/// Channels, classes and statistics of the card must be those of the network.
fn check(card: &ModelCard, network: &dyn Network) -> Result<(), ModelError> {
    let channels = card.input.channels.count();
    if channels != network.channels() {
        return Err(ModelError::Card(format!(
            "{:?} gives {channels} channels and {} takes {}",
            card.input.channels,
            card.network,
            network.channels()
        )));
    }
    let classes = network.head().classes();
    if card.classes() != classes {
        return Err(ModelError::Card(format!(
            "it names {} labels, with the background {} classes, and {} has {classes}",
            card.labels.len(),
            card.classes(),
            card.network
        )));
    }
    for (what, values) in [("mean", &card.input.mean), ("std", &card.input.std)] {
        if !values.is_empty() && values.len() != channels {
            return Err(ModelError::Card(format!("{} {what} values for {channels} channels", values.len())));
        }
    }
    if card.input.std.iter().any(|&s| !(s.is_finite() && s > 0.0)) {
        return Err(ModelError::Card("a standard deviation is not above 0".to_owned()));
    }
    if let Some([low, high]) = card.input.window
        && !(low.is_finite() && high.is_finite() && low < high)
    {
        return Err(ModelError::Card(format!("its window runs from {low} to {high}")));
    }
    if card.input.longer_side.is_some_and(|side| side < 8) {
        return Err(ModelError::Card("its longer side is below 8 pixels".to_owned()));
    }
    Ok(())
}
