use super::{ComputeDevice, Head, Network, ParamInfo, SegmentationModule, adapter, adapter::Config};
use serde_json::Value;

/// The sizes of input that a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputRule {
    /// Every side must be a multiple of this; tiles are padded by reflection and cropped back.
    pub multiple_of: usize,
    /// The shortest side that the network takes; smaller tiles are padded to it.
    pub least: usize,
    /// The longest side that it takes; larger slices are cut into tiles.
    pub most: Option<usize>,
}

impl InputRule {
    /// Sides of any length that `n` divides.
    pub const fn multiple_of(n: usize) -> Self {
        Self { multiple_of: n, least: n, most: None }
    }

    pub const fn least(self, least: usize) -> Self {
        Self { least, ..self }
    }

    pub const fn most(self, most: usize) -> Self {
        Self { most: Some(most), ..self }
    }

    /// The shortest side of at least `n` pixels that the network takes.
    pub fn side(&self, n: usize) -> usize {
        n.max(self.least).next_multiple_of(self.multiple_of.max(1))
    }
}

/// What the published network returns, in terms of [`super::Outputs`]; parity fixtures hold that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Logits, then those of the auxiliary heads.
    Logits,
    /// The same of [`Head::Sigmoids`]; its classes do not count the background.
    SigmoidLogits,
    /// Logarithm of the softmax, then the sigmoid of the findings.
    LogProbabilities,
    /// The sigmoid, then its logits.
    Sigmoid,
    /// The findings alone, before the sigmoid.
    Findings,
}

impl Published {
    /// Whether the reference's number of classes does not count the background.
    pub(super) fn leaves_background_out(self) -> bool {
        matches!(self, Published::Findings | Published::SigmoidLogits)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("there is no network \"{id}\"; `fovea models list` shows those that there are")]
    UnknownNetwork { id: String },
    #[error("the configuration of {network} is not valid: {reason}")]
    Config { network: &'static str, reason: String },
    #[error("{network} labels {}, and a network that labels {} was asked for", .rank.says(), .asked.says())]
    Rank { network: &'static str, rank: Rank, asked: Rank },
}

/// What a network labels at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// One slice: its input is `[batch, channels, height, width]`, rank 4.
    Slices,
    /// A whole volume: `[batch, channels, depth, height, width]`, rank 5.
    Volumes,
}

impl Rank {
    /// As a word, in sentences and lists.
    pub fn says(self) -> &'static str {
        match self {
            Rank::Slices => "slices",
            Rank::Volumes => "volumes",
        }
    }
}

/// The values of options that are words, by the option's name: `("encoder", ["resnet18", …])`.
pub type Choices = &'static [(&'static str, &'static [&'static str])];

/// From a configuration, a seed and a device to the network with its initial values.
pub type Builder<const D: usize> = fn(&Value, u64, &ComputeDevice) -> Result<Box<dyn Network<D>>, BuildError>;

#[derive(Clone, Copy)]
enum AnyBuilder {
    Slices(Builder<4>),
    Volumes(Builder<5>),
}

/// How a network is made from its module, of slices or of volumes.
pub struct Make {
    default_config: fn() -> Value,
    choices: fn() -> Choices,
    ends: fn(&Value) -> Result<(usize, Head), BuildError>,
    parameters: fn(&Value) -> Result<Vec<ParamInfo>, BuildError>,
    build: AnyBuilder,
}

impl Make {
    pub const fn slices<M: SegmentationModule<4>>() -> Self {
        Self::of::<4, M>(AnyBuilder::Slices(adapter::build::<4, M>))
    }

    pub const fn volumes<M: SegmentationModule<5>>() -> Self {
        Self::of::<5, M>(AnyBuilder::Volumes(adapter::build::<5, M>))
    }

    const fn of<const D: usize, M: SegmentationModule<D>>(build: AnyBuilder) -> Self {
        Self {
            default_config: adapter::default_config::<D, M>,
            choices: M::Config::choices,
            ends: adapter::ends::<D, M>,
            parameters: adapter::parameters::<D, M>,
            build,
        }
    }
}

/// What builds networks whose input has rank `D`.
pub trait Builds<const D: usize> {
    const RANK: Rank;
    /// `None` where the network has the other rank.
    fn builder(&self) -> Option<Builder<D>>;
}

impl Builds<4> for ModelSpec {
    const RANK: Rank = Rank::Slices;

    fn builder(&self) -> Option<Builder<4>> {
        match self.make.build {
            AnyBuilder::Slices(build) => Some(build),
            AnyBuilder::Volumes(_) => None,
        }
    }
}

impl Builds<5> for ModelSpec {
    const RANK: Rank = Rank::Volumes;

    fn builder(&self) -> Option<Builder<5>> {
        match self.make.build {
            AnyBuilder::Volumes(build) => Some(build),
            AnyBuilder::Slices(_) => None,
        }
    }
}

/// One network: what it is and how it is built. All are listed in [`super::MODELS`].
pub struct ModelSpec {
    /// `family/name`, as in `--network edema/unet`.
    pub id: &'static str,
    pub title: &'static str,
    pub paper: &'static str,
    /// The published system that it comes from.
    pub family: &'static str,
    pub input: InputRule,
    pub published: Published,
    /// Options under which the network is the published one to the letter, where the defaults mend it.
    pub as_published: fn() -> Value,
    /// A small configuration that uses every operation of the network and drops nothing at random before the logits: for
    /// tests and for trying a device.
    pub probe_config: fn() -> Value,
    pub make: Make,
}

impl ModelSpec {
    /// What it labels at once.
    pub fn rank(&self) -> Rank {
        match self.make.build {
            AnyBuilder::Slices(_) => Rank::Slices,
            AnyBuilder::Volumes(_) => Rank::Volumes,
        }
    }

    /// The reference's constructor arguments with their defaults. Every network has `in_channels` and `n_classes`.
    pub fn default_config(&self) -> Value {
        (self.make.default_config)()
    }

    /// The values of those options that are words.
    pub fn choices(&self) -> Choices {
        (self.make.choices)()
    }

    /// Whether it labels pixels; a classifier says only what a slice shows.
    pub fn segments(&self) -> bool {
        self.published != Published::Findings
    }

    /// Whether it labels the pixels of single slices, so that the window can teach it from those that a person has
    /// corrected. A network of volumes needs whole cases.
    pub fn labels_slices(&self) -> bool {
        self.segments() && self.rank() == Rank::Slices
    }

    /// The input channels and the head of a configuration.
    pub fn ends(&self, config: &Value) -> Result<(usize, Head), BuildError> {
        (self.make.ends)(config)
    }

    /// The default configuration with this many input channels and classes, background included. A network of several
    /// slices has its share of the channels for each.
    pub fn config_for(&self, channels: usize, classes: usize) -> Value {
        let mut config = self.default_config();
        let taken = self.ends(&config).map_or(1, |(channels, _)| channels);
        let slices = config["in_channels"].as_u64().map_or(1, |n| taken / (n as usize).max(1));
        config["in_channels"] = (channels / slices.max(1)).max(1).into();
        config["n_classes"] = classes.into();
        config
    }

    /// Parameters and buffers in the order of the modules, without filling them.
    pub fn parameters(&self, config: &Value) -> Result<Vec<ParamInfo>, BuildError> {
        (self.make.parameters)(config)
    }

    /// Trainable numbers of a configuration.
    pub fn param_count(&self, config: &Value) -> Result<usize, BuildError> {
        let all = self.parameters(config)?;
        Ok(all.iter().filter(|p| p.trainable).map(|p| p.shape.iter().product::<usize>()).sum())
    }

    /// Builds the network with initial weights drawn by the reference's rule from `seed`. `null` means all defaults; keys
    /// that the configuration lacks take their defaults; keys that the network does not know are an error, and so is a rank
    /// `D` (4 for slices, 5 for volumes) that the network does not have.
    pub fn build<const D: usize>(
        &self,
        config: &Value,
        seed: u64,
        device: &ComputeDevice,
    ) -> Result<Box<dyn Network<D>>, BuildError>
    where
        Self: Builds<D>,
    {
        match self.builder() {
            Some(build) => build(config, seed, device),
            None => Err(BuildError::Rank {
                network: self.id,
                rank: self.rank(),
                asked: <Self as Builds<D>>::RANK,
            }),
        }
    }
}
