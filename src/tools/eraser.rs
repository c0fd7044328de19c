use super::brush::Brush;
use super::icon::IconPart::{Closed, Line};
use super::{Cursor, Tool, ToolKind, ToolOption};

/// Removes labels with a round brush.
pub static TOOL: Tool = Tool {
    id: "eraser",
    title: "Eraser",
    about: "Erases with a round brush.",
    key: 'e',
    icon: &[
        Closed(&[[7.2, 16.0], [3.5, 12.2], [11.6, 4.0], [16.2, 8.6], [9.0, 16.0]]),
        Line(&[[7.4, 8.4], [12.0, 13.0]]),
        Line(&[[9.0, 16.0], [16.5, 16.0]]),
    ],
    group: "eraser",
    kind: ToolKind::Brush,
    paints: false,
    cursor: Cursor::Outline,
    options: &[ToolOption::Radius, ToolOption::Sphere, ToolOption::ValueRange, ToolOption::EraseSelected],
    start: || Box::new(Brush::new(TOOL.id, true)),
};
