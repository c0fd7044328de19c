//! Segmentation Models PyTorch 0.3.2: decoders over ResNet encoders.

mod aspp;
mod blocks;
pub mod deeplabv3;
pub mod deeplabv3p;
pub mod fpn;
pub mod linknet;
pub mod manet;
mod network;
pub mod pan;
pub mod pspnet;
pub mod unet;
pub mod unetpp;
