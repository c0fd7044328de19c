//! Networks of volumes: EfficientSegmentation, the winner of FLARE21 (abdominal organs in CT).

mod blocks;
mod context;
pub mod contextunet;
pub mod efficientsegnet;
mod options;
pub mod unet;
