//! Encoders that several networks share.

pub mod deep_stem;
pub mod hardnet;
pub mod resnet;
