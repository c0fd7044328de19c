//! How well a label map agrees with the truth. Pure functions over label arrays and their steps in space: no files, no tensors.
//!
//! Conventions, the same everywhere in the program:
//! - Counts are taken over the pixels that count: a pixel outside the case's valid mask, or whose truth is unknown,
//!   is in none of them. For surfaces such a pixel is background in both maps.
//! - A class that is in neither map has no Dice, IoU or surface Dice for that case (`None`), and is left out of the
//!   means. One that only one of the two has scores 0 in these. [`Convention`] has what other systems say instead.
//! - Distances between surfaces exist only where both maps have the class.
//! - "Mean over cases" is the mean of the cases' values, not the value of the summed counts; the pooled value is
//!   reported beside it under its own name.
//! - Arrays are stored x fastest, then y, then z; sizes and spacings are given as x, y, z.

mod bootstrap;
mod comparison;
mod confusion;
mod convention;
mod distance;
pub mod measurements;
pub mod measures;
mod nearest;
mod overlap;
mod report;
mod roc;
mod scores;
mod steps;
mod surface;
mod surfel;

pub use bootstrap::Summary;
pub use comparison::{Bounds, Comparison};
pub use confusion::Confusion;
pub use convention::Convention;
pub use distance::DistanceTransform;
pub use overlap::Overlap;
pub use report::{CaseScores, ClassScores, Report};
pub use roc::Roc;
pub use scores::{Better, METRICS, Measured, Metric, Quantity, Scores};
pub use steps::Steps;
pub use surface::{Directed, SurfaceDistances, SurfaceScores};

#[cfg(test)]
mod vectors;
