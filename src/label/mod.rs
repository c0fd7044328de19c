//! The mask: which label each voxel has. Voxels are changed only through `edit`.

mod color;
mod components;
mod flood;
mod map;
mod measure;
mod surface;
mod table;

pub use components::{Component, Components, Connectivity};
pub use flood::flood;
pub use map::LabelMap;
pub use measure::{volumes_of_slices, voxel_volume};
pub use surface::{Surface, SurfacePart};
pub use table::{Label, LabelTable, is_nameless};

/// A label's value in a mask; 0 is background. Ids survive every round trip and are never renumbered.
pub type LabelId = u16;

/// Among predicted labels: nothing has been predicted here, which is not the same as background. Never in a mask.
pub const NOT_PREDICTED: LabelId = LabelId::MAX;
