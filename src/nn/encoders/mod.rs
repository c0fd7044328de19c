//! Encoders that several networks share. Those that a network takes by name are listed in [`ENCODERS`]; the others belong to one
//! system.

pub mod deep_stem;
pub mod hardnet;
pub mod resnet;

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use resnet::ResNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::fmt;

/// An encoder that networks are built over by its name, as in `"encoder": "resnet34"`: a stem at half of the input's size, then
/// four stages.
pub struct EncoderSpec {
    pub name: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    channels: fn(width: usize) -> [usize; 4],
    build: fn(EncoderShape, &Device) -> Encoder,
}

impl EncoderSpec {
    /// Channels of the stages' maps over a stem of `width` channels; the published width is 64.
    pub fn channels(&self, width: usize) -> [usize; 4] {
        (self.channels)(width)
    }

    /// The layers, with any weights.
    pub fn build(&self, shape: EncoderShape, device: &Device) -> Encoder {
        (self.build)(shape, device)
    }
}

/// What an encoder is built for.
#[derive(Clone, Copy, Debug)]
pub struct EncoderShape {
    pub in_channels: usize,
    /// Channels of the stem.
    pub width: usize,
    /// How many times smaller than the input the last map is: 32 as published, 16 or 8 with dilation instead.
    pub output_stride: usize,
}

/// Every encoder that has a name.
pub static ENCODERS: &[&EncoderSpec] =
    &[&resnet::RESNET18, &resnet::RESNET34, &resnet::RESNET50, &resnet::RESNET101, &resnet::RESNET152];

/// The names, in the order of the list.
pub static NAMES: &[&str] = &{
    let mut names = [""; ENCODERS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = ENCODERS[i].name;
        i += 1;
    }
    names
};

/// The layers of an encoder.
#[derive(Module, Debug)]
pub enum Encoder {
    ResNet(ResNet),
}

impl Encoder {
    /// The first `N` (at most 5) maps of `[N, in, H, W]`: after the stem at H/2, then after each stage at H/4, H/8, H/16
    /// and H/32, or as far as the output stride goes. Stages beyond are not run.
    pub fn features<const N: usize>(&self, input: Tensor<4>) -> [Tensor<4>; N] {
        match self {
            Encoder::ResNet(layers) => layers.features(input),
        }
    }
}

impl fmt::Debug for EncoderSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// By its name.
impl Serialize for EncoderSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

impl<'de> Deserialize<'de> for &'static EncoderSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = ENCODERS.iter().copied().find(|spec| spec.name == name);
        found.ok_or_else(|| D::Error::unknown_variant(&name, NAMES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_encoder_has_a_name_of_its_own_and_maps_of_the_channels_that_it_states() {
        assert_eq!(NAMES.iter().collect::<BTreeSet<_>>().len(), ENCODERS.len());
        let device = Device::flex();
        for spec in ENCODERS {
            assert!(!spec.paper.is_empty(), "{}", spec.name);
            let shape = EncoderShape { in_channels: 2, width: 4, output_stride: 32 };
            let maps: [Tensor<4>; 5] =
                spec.build(shape, &device).features(Tensor::zeros([1, 2, 64, 64], &device));
            let [c2, c3, c4, c5] = spec.channels(4);
            for (i, (map, channels)) in maps.iter().zip([4, c2, c3, c4, c5]).enumerate() {
                let side = 32 >> i;
                assert_eq!(map.dims(), [1, channels, side, side], "{} map {i}", spec.name);
            }
            let read: &EncoderSpec = serde_json::from_value(serde_json::json!(spec.name)).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), spec.name);
        }
        let unknown = serde_json::from_value::<&EncoderSpec>("resnet19".into()).unwrap_err().to_string();
        assert!(unknown.contains("resnet19") && unknown.contains("resnet152"), "{unknown}");
    }
}
