//! One file for each loss. To add one, write a file with a `pub static LOSS: LossSpec` and list it below.

pub mod auxiliary;
pub mod bce;
pub mod ce;
pub mod deep;
pub mod detection;
pub mod dice;
pub mod flat_dice;
pub mod focal;
pub mod focal_tversky;
pub mod hausdorff;
pub mod iou;
pub mod kl;
pub mod log_dice;
pub mod mse;
pub mod ohem;
pub mod scaled_focal;
pub mod squared_dice;
pub mod topk;
pub mod unified;

use super::LossSpec;

/// Calls a macro with the file of every loss, in the order in which help lists them. This is the only list: [`LOSSES`] is made
/// from it, and so are the tests of each loss.
macro_rules! for_each_loss {
    ($then:ident) => {
        $then! {
            ce
            bce
            focal
            ohem
            topk
            scaled_focal
            dice
            log_dice
            flat_dice
            squared_dice
            iou
            hausdorff
            unified
            focal_tversky
            detection
            kl
            mse
            auxiliary
            deep
        }
    };
}
#[cfg(test)]
pub(super) use for_each_loss;

macro_rules! entries {
    ($($file:ident)*) => {
        /// Every loss.
        pub static LOSSES: &[&LossSpec] = &[$(&$file::LOSS),*];
    };
}
for_each_loss!(entries);
