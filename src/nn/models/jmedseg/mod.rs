//! The networks of JMedSeg (Jittor).

use super::plain_config;

pub mod attunet;
pub mod cenet;
pub mod csnet;
pub mod dense;
pub mod dlink;
mod linked;
pub mod multires;
pub mod r2;
pub mod r2att;
pub mod scseunet;
pub mod segnet;
pub mod simple;
pub mod ternaus;
pub mod u2net;
pub mod u2netp;
pub mod unet;
pub mod unet3p;
pub mod unet3p_deepsup;
pub mod unet_parts;
pub mod unetpp;
pub mod unetppbig;

plain_config! {
    /// The configuration of networks whose reference ends with a sigmoid and trains softmax cross-entropy on that.
    SigmoidConfig {
        /// Ends as the reference does, which keeps every probability of two classes between 0.27 and 0.73; the default is
        /// to give logits.
        sigmoid: bool = false,
    }
}

impl SigmoidConfig {
    /// The last step of the network.
    fn last(&self) -> fn(burn::tensor::Tensor<4>) -> burn::tensor::Tensor<4> {
        if self.sigmoid { burn::tensor::activation::sigmoid } else { |logits| logits }
    }
}
