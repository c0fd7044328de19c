//! Where voxels are: grids, affines, planes, units. Knows nothing else of the program.

mod alignment;
mod grid;
mod orientation;
mod place;
mod plane;

pub use alignment::{GridAlignment, align, reordered};
pub use grid::{Frame, Grid, GridError, Unit};
pub use orientation::Oriented;
pub use plane::{Axis, PixelSteps, Plane, PlaneAxes};
