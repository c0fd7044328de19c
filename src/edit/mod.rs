//! The one write path into a mask: shapes are rasterised, rules applied, and the difference is a [`Patch`] that can be
//! undone, stored and replayed.

mod log;
mod patch;
mod rules;
mod shape;

pub use log::EditLog;
pub use patch::{Origin, Patch, PatchError};
pub use rules::MaskRules;
pub use shape::{Region, Shape};
