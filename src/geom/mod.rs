//! Where voxels are: grids, affines, planes, units. Knows nothing else of the program.

mod grid;
mod orientation;
mod places;
mod plane;

pub use grid::{Frame, Grid, GridError, Unit};
pub use orientation::Oriented;
pub use places::{Lie, lie, reordered};
pub use plane::{Axis, Plane, PlaneAxes};
