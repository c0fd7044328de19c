use super::icon::IconPart::{Circle, Dot};
use super::measure::Measuring;
use super::{Cursor, Tool, ToolKind};
use crate::metrics::measurements::MeasurementKind;

/// Measures the area of an ellipse, and the values of the image in it.
pub static TOOL: Tool = Tool {
    id: "ellipse",
    title: "Ellipse",
    about: "Measures the area of an ellipse, and the values of the image in it.",
    key: 'E',
    icon: &[Circle([10.0, 10.0], 6.5), Dot([10.0, 10.0], 1.2)],
    group: "measure",
    kind: ToolKind::Measure,
    paints: false,
    cursor: Cursor::Crosshair,
    options: &[],
    start: || Box::new(Measuring::new(MeasurementKind::Ellipse, HINT)),
};

const HINT: &str = "Drag from one corner of its box to the opposite one";
