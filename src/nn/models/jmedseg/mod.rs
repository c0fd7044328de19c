//! The networks of JMedSeg (Jittor).

use super::plain_config;

pub mod annnet;
pub mod attunet;
pub mod cenet;
pub mod csnet;
pub mod danet;
pub mod deeplab;
pub mod dense;
pub mod dlink;
pub mod eanet;
mod external_attention;
pub mod hardalter;
pub mod hardnet;
pub mod hrnet;
pub mod lightnet;
mod linked;
pub mod lrfea;
pub mod mepdnet;
pub mod multires;
pub mod ocnet;
pub mod ocrnet;
pub mod onenet;
mod over_resnet;
pub mod pspnet;
pub mod r2;
pub mod r2att;
pub mod resunet;
pub mod scseunet;
pub mod segnet;
pub mod setr;
mod shuffled_conv;
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
use crate::nn::{blocks::Bins, encoders::deep_stem::Layers};

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

plain_config! {
    /// The configuration of networks over [`DeepStem`](crate::nn::encoders::deep_stem::DeepStem).
    OverResNet {
        /// Blocks of the encoder's first three stages.
        layers: Layers = Layers::default(),
    }
}

plain_config! {
    /// [`OverResNet`] for networks that pool the encoder's map into bins.
    OverResNetPooled {
        /// As in [`OverResNet`].
        layers: Layers = Layers::default(),
        /// Where the number of bins does not divide the map's side, they are PyTorch's instead of Jittor's.
        covering_bins: bool = false,
    }
}

impl OverResNetPooled {
    fn bins(&self) -> Bins {
        if self.covering_bins { Bins::Covering } else { Bins::Equal }
    }
}
