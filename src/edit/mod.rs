//! The one write path into a mask: shapes are rasterised, rules applied, and the difference is a [`Patch`] that can be
//! undone, stored and replayed. What a person undoes in one step is an [`Edit`]; the [`EditLog`] keeps them.

mod accept;
mod brush;
mod change;
mod codec;
mod draw;
pub mod effects;
mod fill;
mod log;
mod outline;
mod patch;
mod region;
mod rules;
mod shape;

pub use accept::{Accept, Prediction};
pub use change::{Change, Edit, Marks};
pub use log::EditLog;
pub use patch::{EditError, Origin, Patch};
pub use region::Region;
pub use rules::{Limits, MaskRules};
pub use shape::{EffectAt, Shape};
