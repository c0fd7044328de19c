use super::icon::IconPart::{Closed, Line};
use super::measure::Measuring;
use super::{Cursor, Tool, ToolKind};
use crate::metrics::measurements::MeasurementKind;

/// Measures the distance of two points.
pub static TOOL: Tool = Tool {
    id: "ruler",
    title: "Ruler",
    about: "Measures the distance of two points.",
    key: 'R',
    icon: &[
        Closed(&[[3.0, 13.0], [13.0, 3.0], [17.0, 7.0], [7.0, 17.0]]),
        Line(&[[6.0, 10.0], [8.0, 12.0]]),
        Line(&[[9.0, 7.0], [11.0, 9.0]]),
    ],
    group: "measure",
    kind: ToolKind::Measure,
    paints: false,
    cursor: Cursor::Crosshair,
    options: &[],
    start: || Box::new(Measuring::new(MeasurementKind::Ruler, HINT)),
};

const HINT: &str = "Drag from one point to another; drag an end to move it";
