use super::icon::IconPart::{Dot, Line};
use super::measure::Measuring;
use super::{Cursor, Tool, ToolKind};
use crate::metrics::measurements::MeasurementKind;

/// Measures the length of a way through several points.
pub static TOOL: Tool = Tool {
    id: "path",
    title: "Path",
    about: "Measures the length of a way through several points.",
    key: 'W',
    icon: &[
        Line(&[[3.5, 15.5], [7.5, 6.5], [12.0, 12.0], [16.5, 4.5]]),
        Dot([3.5, 15.5], 1.5),
        Dot([7.5, 6.5], 1.5),
        Dot([12.0, 12.0], 1.5),
        Dot([16.5, 4.5], 1.5),
    ],
    group: "measure",
    kind: ToolKind::Measure,
    paints: false,
    cursor: Cursor::Crosshair,
    options: &[],
    start: || Box::new(Measuring::new(MeasurementKind::Path, HINT)),
};

const HINT: &str = "Click points along the way; a double click ends it";
