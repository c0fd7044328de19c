use super::icon::IconPart::{Closed, Dot};
use super::measure::Measuring;
use super::{Cursor, Tool, ToolKind};
use crate::metrics::measurements::MeasurementKind;

/// Measures the area of a rectangle, and the values of the image in it.
pub static TOOL: Tool = Tool {
    id: "rectangle",
    title: "Rectangle",
    about: "Measures the area of a rectangle, and the values of the image in it.",
    key: 'B',
    icon: &[Closed(&[[3.5, 5.0], [16.5, 5.0], [16.5, 15.0], [3.5, 15.0]]), Dot([10.0, 10.0], 1.2)],
    group: "measure",
    kind: ToolKind::Measure,
    paints: false,
    cursor: Cursor::Crosshair,
    options: &[],
    start: || Box::new(Measuring::new(MeasurementKind::Rectangle, HINT)),
};

const HINT: &str = "Drag from one corner to the opposite one";
