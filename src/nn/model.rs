use super::{
    BuildError, Builds, Channels, CoarseSpec, ComputeDevice, ModelCard, ModelSpec, NamedTensors, Network,
    NetworkError, ParamInfo, Rank, VolumeSpec, find,
    parameters::differences,
    predict::{InferenceStep, PredictError, SliceInference, SlicePrediction},
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
    #[error("{title} {does}")]
    Rank { title: String, does: &'static str },
}

/// A network together with its card: what is needed to turn an image into labels. `D` is the rank of what the network
/// takes, as of [`Network`]; a model of volumes may have a coarse network that looks first ([`super::VolumeSpec`]).
pub struct ModelOf<const D: usize> {
    pub card: ModelCard,
    network: Box<dyn Network<D>>,
    coarse: Option<Box<dyn Network<D>>>,
}

/// A model of slices.
pub type Model = ModelOf<4>;
/// A model of volumes.
pub type VolumeModel = ModelOf<5>;

/// Either, as its card says.
pub enum AnyModel {
    Slices(Model),
    Volumes(VolumeModel),
}

/// What the names of the coarse network's tensors begin with in a file.
const COARSE: &str = "coarse.";

/// The network of this id, which a card names.
fn known(id: &str) -> Result<&'static ModelSpec, BuildError> {
    find(id).ok_or_else(|| BuildError::UnknownNetwork { id: id.to_owned() })
}

impl<const D: usize> ModelOf<D>
where
    ModelSpec: Builds<D>,
{
    /// The networks that the card names, with initial weights drawn from `seed`.
    pub fn build(mut card: ModelCard, seed: u64, device: &ComputeDevice) -> Result<Self, ModelError> {
        // Anybody may have written the card, so it is checked before anything is built from it.
        let spec = known(&card.network)?;
        check(&card, spec)?;
        let network = spec.build(&card.config, seed, device)?;
        card.config = network.config().clone();
        let mut coarse = None;
        if let Some(CoarseSpec { network: id, config, .. }) =
            card.volume.as_mut().and_then(|volume| volume.coarse.as_mut())
        {
            let built = known(id)?.build(config, seed, device)?;
            *config = built.config().clone();
            if (built.channels(), built.head().classes()) != (network.channels(), network.head().classes()) {
                return Err(ModelError::Card(format!(
                    "{id} and {} differ in channels or classes",
                    card.network
                )));
            }
            coarse = Some(built);
        }
        Ok(Self { card, network, coarse })
    }

    pub fn load(path: &Path, device: &ComputeDevice) -> Result<Self, ModelError> {
        Self::from_bytes(&weights::read_file(path)?, device)
    }

    /// A model from the bytes of its file.
    pub fn from_bytes(bytes: &[u8], device: &ComputeDevice) -> Result<Self, ModelError> {
        let (card, tensors) = weights::from_bytes(bytes)?;
        Self::with_tensors(card, tensors, device)
    }

    /// A model of its card and tensors. Nothing is built where they do not belong together.
    fn with_tensors(
        card: ModelCard,
        tensors: NamedTensors,
        device: &ComputeDevice,
    ) -> Result<Self, ModelError> {
        let spec = known(&card.network)?;
        let mut expected = spec.parameters(&card.config)?;
        if let Some(coarse) = card.volume.as_ref().and_then(|volume| volume.coarse.as_ref()) {
            let own = known(&coarse.network)?.parameters(&coarse.config)?.into_iter();
            expected.extend(own.map(|p| ParamInfo { name: format!("{COARSE}{}", p.name), ..p }));
        }
        let differences = differences(&expected, &tensors);
        if !differences.is_empty() {
            return Err(NetworkError::Mismatch { network: spec.id, differences }.into());
        }
        let mut model = Self::build(card, 0, device)?;
        model.load_tensors(tensors)?;
        Ok(model)
    }
}

impl<const D: usize> ModelOf<D> {
    /// The tensors of all networks, as a file has them.
    pub fn tensors(&self) -> Result<NamedTensors, NetworkError> {
        let mut tensors = self.network.tensors()?;
        if let Some(coarse) = &self.coarse {
            tensors.extend(coarse.tensors()?.into_iter().map(|(name, t)| (format!("{COARSE}{name}"), t)));
        }
        Ok(tensors)
    }

    /// Replaces every tensor of every network. Strict, as [`Network::load`] is.
    pub fn load_tensors(&mut self, mut tensors: NamedTensors) -> Result<(), NetworkError> {
        if let Some(coarse) = &mut self.coarse {
            let first: NamedTensors = tensors
                .extract_if(.., |name, _| name.starts_with(COARSE))
                .map(|(name, t)| (name[COARSE.len()..].to_owned(), t))
                .collect();
            coarse.load(&first)?;
        }
        self.network.load(&tensors)
    }

    /// The bytes of a weights file; sets the card's version.
    pub fn to_bytes(&mut self) -> Result<Vec<u8>, ModelError> {
        let tensors = self.tensors()?;
        self.card.version = weights::version(&tensors);
        Ok(weights::to_bytes(&self.card, &tensors)?)
    }

    /// Writes a weights file; sets the card's version.
    pub fn save(&mut self, path: &Path) -> Result<(), ModelError> {
        let bytes = self.to_bytes()?;
        Ok(write_bytes(path, &bytes)?)
    }

    pub fn network(&self) -> &dyn Network<D> {
        self.network.as_ref()
    }

    pub fn network_mut(&mut self) -> &mut dyn Network<D> {
        self.network.as_mut()
    }

    /// The network that looks first, where there is one.
    pub fn coarse(&self) -> Option<&dyn Network<D>> {
        self.coarse.as_deref()
    }

    pub fn device(&self) -> &ComputeDevice {
        self.network.device()
    }

    /// The model with the average of its weights, where there is one ([`Network::average`]).
    pub fn averaged(&self) -> Option<Self> {
        Some(Self { network: self.network.averaged()?, ..self.duplicate() })
    }

    /// A second model with the same weights, which later training of this one does not change.
    pub fn duplicate(&self) -> Self {
        Self {
            card: self.card.clone(),
            network: self.network.duplicate(),
            coarse: self.coarse.as_ref().map(|network| network.duplicate()),
        }
    }
}

impl Model {
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

    /// Starts the prediction of slice `z`; nothing heavy happens before the first step.
    pub fn begin_slice(&self, volume: &Volume, z: usize) -> Result<SliceInference, PredictError> {
        SliceInference::new(self, volume, z)
    }

    /// Predicts slice `z`, all steps at once.
    pub fn predict_slice(&self, volume: &Volume, z: usize) -> Result<SlicePrediction, PredictError> {
        let mut inference = self.begin_slice(volume, z)?;
        loop {
            if let InferenceStep::Done(prediction) = inference.step(self)? {
                return Ok(prediction);
            }
        }
    }
}

impl VolumeModel {
    /// One model of two: `coarse` finds where this one looks. They must name the same labels.
    pub fn after(mut self, coarse: Self) -> Result<Self, ModelError> {
        if coarse.card.labels != self.card.labels {
            return Err(ModelError::Card(format!(
                "\"{}\" and \"{}\" name different labels",
                coarse.card.title, self.card.title
            )));
        }
        let spec = self.card.volume.get_or_insert_with(VolumeSpec::whole);
        spec.coarse = Some(CoarseSpec::flare(&coarse.card.network, coarse.card.config));
        self.coarse = Some(coarse.network);
        Ok(self)
    }
}

impl From<Model> for AnyModel {
    fn from(model: Model) -> Self {
        AnyModel::Slices(model)
    }
}

impl From<VolumeModel> for AnyModel {
    fn from(model: VolumeModel) -> Self {
        AnyModel::Volumes(model)
    }
}

impl AnyModel {
    /// The networks that the card names, with initial weights drawn from `seed`.
    pub fn build(card: ModelCard, seed: u64, device: &ComputeDevice) -> Result<Self, ModelError> {
        Ok(match known(&card.network)?.rank() {
            Rank::Slices => AnyModel::Slices(Model::build(card, seed, device)?),
            Rank::Volumes => AnyModel::Volumes(VolumeModel::build(card, seed, device)?),
        })
    }

    /// A model from the bytes of its file.
    pub fn from_bytes(bytes: &[u8], device: &ComputeDevice) -> Result<Self, ModelError> {
        let (card, tensors) = weights::from_bytes(bytes)?;
        Ok(match known(&card.network)?.rank() {
            Rank::Slices => AnyModel::Slices(Model::with_tensors(card, tensors, device)?),
            Rank::Volumes => AnyModel::Volumes(VolumeModel::with_tensors(card, tensors, device)?),
        })
    }

    pub fn card(&self) -> &ModelCard {
        match self {
            AnyModel::Slices(model) => &model.card,
            AnyModel::Volumes(model) => &model.card,
        }
    }

    pub fn card_mut(&mut self) -> &mut ModelCard {
        match self {
            AnyModel::Slices(model) => &mut model.card,
            AnyModel::Volumes(model) => &mut model.card,
        }
    }

    /// Replaces every tensor of every network, strictly.
    pub fn load_tensors(&mut self, tensors: NamedTensors) -> Result<(), NetworkError> {
        match self {
            AnyModel::Slices(model) => model.load_tensors(tensors),
            AnyModel::Volumes(model) => model.load_tensors(tensors),
        }
    }

    /// The bytes of a weights file; sets the card's version.
    pub fn to_bytes(&mut self) -> Result<Vec<u8>, ModelError> {
        match self {
            AnyModel::Slices(model) => model.to_bytes(),
            AnyModel::Volumes(model) => model.to_bytes(),
        }
    }

    /// The model of slices, or why there is none.
    pub fn slices(&self) -> Result<&Model, ModelError> {
        match self {
            AnyModel::Slices(model) => Ok(model),
            AnyModel::Volumes(model) => Err(ModelError::Rank {
                title: model.card.title.clone(),
                does: "labels a whole volume at once, not slice by slice",
            }),
        }
    }

    /// The model of volumes, or why there is none.
    pub fn volumes(&self) -> Result<&VolumeModel, ModelError> {
        match self {
            AnyModel::Volumes(model) => Ok(model),
            AnyModel::Slices(model) => Err(ModelError::Rank {
                title: model.card.title.clone(),
                does: "labels slice by slice, not a whole volume at once",
            }),
        }
    }
}

/// The most pixels that a card may have a slice's longer side scaled to.
const LONGEST_SIDE: usize = 1 << 14;
/// The most pixels that uneven lighting may be taken out over, to each side.
const WIDEST_CONTRAST: usize = 1 << 10;

/// Channels, classes and statistics of the card must be those of the network, and every number one that can be computed with.
fn check(card: &ModelCard, spec: &ModelSpec) -> Result<(), ModelError> {
    let refuse = |what: String| Err(ModelError::Card(what));
    let ModelCard { network, input, labels, .. } = card;
    let (takes, head) = spec.ends(&card.config)?;
    let channels = input.channels.count();
    if channels != takes {
        return refuse(format!("{:?} gives {channels} channels and {network} takes {takes}", input.channels));
    }
    let classes = head.classes();
    if card.classes() != classes {
        return refuse(format!(
            "it names {} labels, with the background {} classes, and {network} has {classes}",
            labels.len(),
            card.classes(),
        ));
    }
    for (what, values) in [("mean", &input.mean), ("std", &input.std)] {
        if !values.is_empty() && values.len() != channels {
            return refuse(format!(
                "it has {} {what} values and {channels} channels; there must be one for each channel, or none",
                values.len()
            ));
        }
    }
    if let Some(mean) = input.mean.iter().find(|m| !m.is_finite()) {
        return refuse(format!("a mean is {mean} and must be a finite number"));
    }
    if input.std.iter().any(|&s| !(s.is_finite() && s > 0.0)) {
        return refuse("a standard deviation must be a number above 0".to_owned());
    }
    if let Some([low, high]) = input.window
        && !(low.is_finite() && high.is_finite() && low < high)
    {
        return refuse(format!("its window runs from {low} to {high}; the first must be below the second"));
    }
    for (what, value, range) in [
        ("longer side", input.longer_side, 8..=LONGEST_SIDE),
        ("local contrast", input.local_contrast, 1..=WIDEST_CONTRAST),
    ] {
        if let Some(pixels) = value.filter(|pixels| !range.contains(pixels)) {
            let (least, most) = (range.start(), range.end());
            return refuse(format!("its {what} is {pixels} pixels and must be from {least} to {most}"));
        }
    }
    if card.volume.is_some() != (spec.rank() == Rank::Volumes) {
        return refuse(format!(
            "{network} is a network of {}, and the card has {} entry \"volume\"; only networks of volumes have one",
            spec.rank().says(),
            if card.volume.is_some() { "an" } else { "no" },
        ));
    }
    let Some(volume) = &card.volume else { return Ok(()) };
    if input.channels != Channels::Grey || input.window.is_none() || volume.parts.contains(&0) {
        return refuse(
            "a network of volumes must have one grey channel and a window, and must keep at least one part of each label".to_owned(),
        );
    }
    let coarse = volume.coarse.as_ref();
    for (what, number) in [
        ("the least size of a part", Some(volume.least_mm3)),
        ("the least size of a part of the first network", coarse.map(|c| c.least_mm3)),
        ("the margin around what the first network finds", coarse.map(|c| c.margin_mm)),
    ] {
        if let Some(number) = number.filter(|n| !(n.is_finite() && *n >= 0.0)) {
            return refuse(format!("{what} is {number} and must be 0 or more"));
        }
    }
    Ok(())
}
