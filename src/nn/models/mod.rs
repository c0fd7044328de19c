//! One file per network; [`super::MODELS`] lists them.

pub mod sa_unet;
pub mod unet;
