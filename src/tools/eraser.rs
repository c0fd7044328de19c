use super::brush::Brush;
use super::{Cursor, Tool, ToolOption};

/// Removes labels with a round brush.
pub static TOOL: Tool = Tool {
    id: "eraser",
    title: "Eraser",
    key: 'e',
    icon: "◌",
    cursor: Cursor::Outline,
    options: &[ToolOption::Radius, ToolOption::Sphere, ToolOption::ValueRange, ToolOption::EraseSelected],
    start: || Box::new(Brush::new(TOOL.id, true)),
};
