//! Editing tools: one file each, one list of them.
//!
//! A tool turns what the pointer does in a view into [`ToolAction`]s; it changes nothing itself. To add one, write
//! `src/tools/<id>.rs` with a `pub static TOOL: Tool` and list it in [`TOOLS`].

mod angle;
mod brush;
mod context;
mod ellipse;
mod eraser;
mod event;
mod fill;
mod icon;
mod lasso;
mod level_tracing;
mod livewire;
mod measure;
mod navigate;
mod nudge;
mod options;
mod path;
mod polygon;
mod rectangle;
mod rim;
mod ruler;
mod scissors;
mod smart_brush;
mod toolbox;
mod wand;

pub use context::{Scene, ToolContext};
pub use event::{Button, Input, Modifiers, PointerEvent, Preview, ToolAction};
pub use icon::IconPart;
pub use options::{Cut, Through, ToolOption, ToolOptions, number};
pub use toolbox::Toolbox;

/// Every tool, in the order of the toolbar. The first is what the program starts with.
pub static TOOLS: &[&Tool] = &[
    &navigate::TOOL,
    &brush::TOOL,
    &smart_brush::TOOL,
    &eraser::TOOL,
    &lasso::TOOL,
    &polygon::TOOL,
    &livewire::TOOL,
    &level_tracing::TOOL,
    &fill::TOOL,
    &wand::TOOL,
    &nudge::TOOL,
    &scissors::TOOL,
    &ruler::TOOL,
    &path::TOOL,
    &angle::TOOL,
    &ellipse::TOOL,
    &rectangle::TOOL,
];

/// The tool with an id.
pub fn find(id: &str) -> Option<&'static Tool> {
    TOOLS.iter().copied().find(|tool| tool.id == id)
}

/// What the program knows of a tool.
pub struct Tool {
    /// The name of its file, of its transaction and in the journal.
    pub id: &'static str,
    pub title: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// The key that selects it, without modifiers; a capital is the key with Shift.
    pub key: char,
    pub icon: &'static [IconPart],
    /// Tools of one group share a cell of the strip; they follow each other in [`TOOLS`].
    pub group: &'static str,
    pub kind: ToolKind,
    /// Whether it draws the selected label. A tool that only erases, or only looks, does not.
    pub paints: bool,
    /// What the pointer looks like over a view.
    pub cursor: Cursor,
    /// Which options it reads, in the order of its row.
    pub options: &'static [ToolOption],
    pub start: fn() -> Box<dyn Gesture>,
}

/// How the pointer works with a tool; this decides which mouse gestures there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolKind {
    /// A drag moves the crosshair; nothing is drawn.
    Navigate,
    /// A drag draws as it goes, with a radius that the wheel changes.
    Brush,
    /// The same, by values: the wheel with Ctrl and Shift changes how far they may differ.
    SmartBrush,
    /// A drag moves what is drawn already, with a radius that the wheel changes.
    Push,
    /// A drag is an outline, which is filled on release.
    Outline,
    /// Each click sets a corner of an outline, and the other button takes the last one back.
    Corners,
    /// A click draws at once.
    Click,
    /// The same, and what it would draw is shown before: the wheel with Ctrl and Shift changes it.
    Trace,
    /// A press shows what the release draws, and a drag sideways changes it.
    Widen,
    /// Lays a measurement over the image, and draws nothing.
    Measure,
}

impl ToolKind {
    /// Whether every place that the pointer passes counts, not only where it has come to.
    pub fn follows_path(self) -> bool {
        matches!(self, ToolKind::Brush | ToolKind::SmartBrush | ToolKind::Outline)
    }
}

/// What the pointer looks like over a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    Arrow,
    Crosshair,
    /// None: the tool's [`Preview`] shows where it works.
    Outline,
}

/// The state machine of a tool, from press to release.
pub trait Gesture {
    /// What an event does. `Begin` comes before the first `Draw`, and `Commit` or `Abort` after the last.
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction>;
    /// What to do next, in the present state.
    fn hint(&self) -> &'static str;
    /// Whether something is under way that Escape would cancel; Enter and Backspace are then the tool's, too.
    fn busy(&self) -> bool;
    /// The tolerance that the gesture has come to, which is the option from then on.
    fn tolerance(&self) -> Option<f32> {
        None
    }
}
