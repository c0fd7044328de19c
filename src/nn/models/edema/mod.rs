//! The retinal oedema system (AI Challenger 2018).

pub mod fusion;
pub mod layers;
pub mod resnet18_cls;
pub mod unet;
pub mod unet_nested;
