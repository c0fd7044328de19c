use crate::edit::{Limits, Shape};
use crate::geom::{Grid, Plane};
use crate::label::LabelId;
use crate::workspace::MeasureCommand;

/// What the pointer, or a key that tools share, does over a view. From press to release, all events are of the view in
/// which the button was pressed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointerEvent {
    pub input: Input,
    pub plane: Plane,
    /// Voxel coordinates under the pointer (whole numbers are voxel centres), possibly outside the image; along the
    /// plane's normal the number of the slice.
    pub voxel: [f64; 3],
    pub modifiers: Modifiers,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input {
    /// Moved without a button.
    Hover,
    Press(Button),
    /// Moved with a button down.
    Drag,
    Release(Button),
    /// Left the view.
    Leave,
    /// Turned, in notches; positive away from the person. Only what the view does not use itself (Shift).
    Wheel(f64),
    /// The same with Ctrl and Shift: changes by what values a tool decides.
    Level(f64),
    Escape,
    Enter,
    Backspace,
    /// `]`
    Grow,
    /// `[`
    Shrink,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    Primary,
    Secondary,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Ctrl, or Command on a Mac.
    pub ctrl: bool,
    pub shift: bool,
}

/// What a tool asks for; the workspace does it.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolAction {
    /// Opens the transaction of a tool, by its id.
    Begin { tool: &'static str },
    /// Draws a label (0 erases) on a shape, within limits.
    Draw { shape: Shape, label: LabelId, limits: Limits },
    /// Closes the transaction: one undo step.
    Commit,
    /// Takes the transaction back.
    Abort,
    /// Changes the measurements.
    Measure(MeasureCommand),
    /// Moves the crosshair to a voxel.
    MoveCursor([usize; 3]),
    /// What to draw over the view until the next preview; `None` clears it.
    Preview(Option<Preview>),
}

/// Lines over a view: the brush's rim, a lasso under way, the region that a click would draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    pub plane: Plane,
    pub slice: usize,
    /// Voxel coordinates.
    pub points: Vec<[f64; 3]>,
    /// Whether the last point is joined to the first.
    pub closed: bool,
    /// What it will draw; 0 erases.
    pub label: LabelId,
    /// Closed lines around a region, in voxel coordinates along the borders of its pixels.
    pub rims: Vec<Vec<[f64; 3]>>,
    /// Lines of a measurement, which are not closed.
    pub lines: Vec<Vec<[f64; 3]>>,
    /// The measurement that these lines replace while one of its points is dragged.
    pub instead_of: Option<u32>,
    /// Words, and the voxel coordinates beside which they stand.
    pub words: Option<([f64; 3], String)>,
}

impl Preview {
    /// One line, which is closed.
    pub fn outline(plane: Plane, slice: usize, points: Vec<[f64; 3]>, label: LabelId) -> Self {
        Self {
            plane,
            slice,
            points,
            closed: true,
            label,
            rims: Vec::new(),
            lines: Vec::new(),
            instead_of: None,
            words: None,
        }
    }

    /// The border of a region, and words at a place.
    pub fn region(
        plane: Plane,
        slice: usize,
        rims: Vec<Vec<[f64; 3]>>,
        label: LabelId,
        words: Option<([f64; 3], String)>,
    ) -> Self {
        Self {
            plane,
            slice,
            points: Vec::new(),
            closed: true,
            label,
            rims,
            lines: Vec::new(),
            instead_of: None,
            words,
        }
    }
}

impl PointerEvent {
    /// Whether a press asks to erase: the right button, or Ctrl and the left one.
    pub fn erases(&self) -> bool {
        self.input == Input::Press(Button::Secondary) || self.modifiers.ctrl
    }

    /// The slice of its plane that it lies in; `None` outside the image's slices.
    pub fn slice(&self, grid: &Grid) -> Option<usize> {
        let normal = grid.plane_axes(self.plane).normal.index();
        let at = self.voxel[normal].round();
        (at >= 0.0 && at < grid.dims()[normal] as f64).then_some(at as usize)
    }

    /// The voxel that it lies in; `None` outside the image.
    pub fn voxel_inside(&self, grid: &Grid) -> Option<[usize; 3]> {
        let at = self.voxel.map(f64::round);
        let inside = (0..3).all(|a| at[a] >= 0.0 && at[a] < grid.dims()[a] as f64);
        inside.then(|| at.map(|c| c as usize))
    }
}
