//! The polyp system ("medical-segmentation-pytorch").

pub mod ducknet;
pub mod layers;
pub mod resunet;
pub mod resunetpp;
pub mod unet;
pub mod unetpp;
