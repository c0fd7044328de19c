//! The retinal oedema system (AI Challenger 2018).

pub mod layers;
pub mod unet;
pub mod unet_nested;
