use super::{ComputeDevice, Network};
use serde_json::Value;

/// What a network asks of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputRule {
    /// Height and width must be multiples of this; tiles are padded by reflection and cropped back.
    pub multiple_of: usize,
    /// The number of input channels that the default configuration takes.
    pub channels: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("there is no network \"{id}\"; `fovea models list` shows those that there are")]
    UnknownNetwork { id: String },
    #[error("the configuration of {network} is not valid: {reason}")]
    Config { network: &'static str, reason: String },
}

/// Builds a network from its configuration, a seed and a device.
pub type Build =
    fn(config: &Value, seed: u64, device: &ComputeDevice) -> Result<Box<dyn Network>, BuildError>;

/// One network: what it is and how it is built. Listed in [`super::MODELS`].
pub struct ModelSpec {
    /// `family/name`, as in `--network edema/unet`.
    pub id: &'static str,
    pub title: &'static str,
    pub paper: &'static str,
    /// The published system that it comes from.
    pub family: &'static str,
    pub input: InputRule,
    /// Names of the published parity fixtures that this network must reproduce, beside its id.
    pub fixtures: &'static [&'static str],
    /// The reference's constructor arguments with their defaults.
    pub default_config: fn() -> Value,
    /// A small configuration that uses every operation of the network and drops nothing at random before the logits: for
    /// tests and for trying a device.
    pub probe_config: fn() -> Value,
    /// Builds the network with initial weights drawn by the reference's rule from `seed`. Keys that the configuration
    /// lacks take their defaults; keys that the network does not know are an error.
    pub build: Build,
}

/// Reads a configuration, `null` meaning all defaults.
pub fn parse_config<C: serde::de::DeserializeOwned + Default>(
    network: &'static str,
    config: &Value,
) -> Result<C, BuildError> {
    if config.is_null() {
        return Ok(C::default());
    }
    serde_json::from_value(config.clone()).map_err(|e| BuildError::Config { network, reason: e.to_string() })
}
