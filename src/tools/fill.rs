use super::icon::IconPart::{Closed, Curve, Line};
use super::{Cursor, Gesture, Input, PointerEvent, Tool, ToolAction, ToolContext, ToolKind, ToolOption};
use crate::edit::Shape;

/// Fills what is connected to the voxel clicked: of its label, and of a value near to its value. The right button, or
/// Ctrl, removes the connected voxels of the label instead, whatever their values.
pub static TOOL: Tool = Tool {
    id: "fill",
    title: "Fill",
    about: "Paints the connected voxels whose values are near that of the voxel clicked.",
    key: 'f',
    icon: &[
        Closed(&[[8.6, 4.6], [14.4, 10.4], [9.2, 15.6], [3.4, 9.8]]),
        Line(&[[6.6, 2.8], [8.6, 4.6]]),
        Line(&[[3.6, 10.0], [14.2, 10.0]]),
        Curve([[16.4, 12.0], [15.0, 14.2], [15.0, 15.8], [16.4, 15.8]]),
        Curve([[16.4, 12.0], [17.8, 14.2], [17.8, 15.8], [16.4, 15.8]]),
    ],
    group: "fill",
    kind: ToolKind::Click,
    paints: true,
    cursor: Cursor::Crosshair,
    options: &[ToolOption::Tolerance, ToolOption::WholeVolume, ToolOption::ValueRange],
    start: || Box::new(Fill),
};

struct Fill;

impl Gesture for Fill {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        let (Input::Press(_), Some(seed)) = (event.input, event.voxel_inside(context.grid())) else {
            return Vec::new();
        };
        let label = context.label(event.erases());
        let range = if label == 0 {
            [f32::MIN, f32::MAX]
        } else {
            let value = context.scene.volume.scalar_value(context.grid().index(seed));
            let tolerance = context.options.tolerance(&context.scene);
            [value - tolerance, value + tolerance]
        };
        let shape = Shape::Flood { plane: event.plane, seed, range, volume: context.options.whole_volume };
        vec![
            ToolAction::Begin { tool: TOOL.id },
            ToolAction::Draw { shape, label, limits: context.limits(label) },
            ToolAction::Commit,
        ]
    }

    fn hint(&self) -> &'static str {
        "Click to fill a region of similar value; right-click or Ctrl+click removes a connected region"
    }

    fn busy(&self) -> bool {
        false
    }
}
