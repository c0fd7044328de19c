//! Which views there are, and what is in them.

use crate::geom::Plane;

/// Which views are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    One(Pane),
    /// Axial, coronal and sagittal with a linked crosshair, and beside them the labels or the slices.
    Four,
    /// The plane of acquisition, large, and the other three of [`Layout::Four`] in a column beside it.
    OneAndThree,
    /// The plane of acquisition, and beside it what is compared with it.
    Two,
}

impl Layout {
    /// Whether it shows several planes.
    pub fn is_several(self) -> bool {
        matches!(self, Layout::Four | Layout::OneAndThree)
    }

    /// Whether it shows nothing of an image of one slice that another does not.
    pub fn needs_slices(self) -> bool {
        !matches!(self, Layout::Two | Layout::One(Pane::Plane(_)))
    }
}

/// Every layout with its name, in the order of the keys and the buttons. `native`: the plane of the large view.
pub fn layouts(native: Plane) -> [(Layout, &'static str); 5] {
    [
        (Layout::One(Pane::Plane(native)), "One large view"),
        (Layout::OneAndThree, "One large view, and three beside it"),
        (Layout::Four, "Three linked planes, and the labels"),
        (Layout::Two, "Two beside each other, to compare them"),
        (Layout::One(Pane::Surface), "Labels in three dimensions"),
    ]
}

/// A view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    Plane(Plane),
    /// The labels in three dimensions.
    Surface,
}

/// What the view beside the planes shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// The mask's surface, or the prediction's as long as the mask is empty.
    Labels,
    Mask,
    Prediction,
    /// Every slice as a cell.
    Slices,
}
