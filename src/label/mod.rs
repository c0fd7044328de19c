//! The mask: which label each voxel has. Voxels are changed only through `edit`.

mod map;
mod table;

pub use map::LabelMap;
pub use table::{Label, LabelTable};

/// A label's value in a mask; 0 is background. Ids survive every round trip and are never renumbered.
pub type LabelId = u16;
