//! Encoders that several networks share.

pub mod resnet;
