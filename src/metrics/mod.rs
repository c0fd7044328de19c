//! How well a label map agrees with the truth. Pure counting: no files, no tensors.
//!
//! Conventions, the same everywhere in the program:
//! - Counts are taken over the pixels that count: a pixel outside the case's valid mask, or whose truth is unknown,
//!   is in neither of them.
//! - A class that is in neither map has no Dice, IoU or sensitivity for that case (`None`), and is left out of the
//!   means. A class that only one of the two has scores 0.
//! - "Mean over cases" is the mean of the cases' values, not the value of the summed counts; the pooled value is
//!   reported beside it under its own name.

mod overlap;
mod report;

pub use overlap::Overlap;
pub use report::{CaseScores, ClassScores, Report, Scores};
