//! The retinal oedema system (AI Challenger 2018).

pub mod unet;
