use super::icon::IconPart::{Curve, Line};
use super::measure::Measuring;
use super::{Cursor, Tool, ToolKind};
use crate::metrics::measurements::MeasurementKind;

/// Measures the angle of three points, at the second.
pub static TOOL: Tool = Tool {
    id: "angle",
    title: "Angle",
    about: "Measures the angle of three points, at the second.",
    key: 'A',
    icon: &[
        Line(&[[15.5, 4.0], [4.0, 15.5], [17.0, 15.5]]),
        Curve([[9.5, 15.5], [9.5, 13.6], [8.8, 12.2], [7.9, 11.4]]),
    ],
    group: "measure",
    kind: ToolKind::Measure,
    paints: false,
    cursor: Cursor::Crosshair,
    options: &[],
    start: || Box::new(Measuring::new(MeasurementKind::Angle, HINT)),
};

const HINT: &str = "Click the end of one side, the vertex, and the end of the other side";
