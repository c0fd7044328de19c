//! Vessels of the fundus.

pub mod sa_unet;
