use super::icon::IconPart::Closed;
use super::{Button, Cursor, Gesture, Input, PointerEvent, Tool, ToolAction, ToolContext, ToolKind};

/// Moves the crosshair, and with it the slices of the other views.
pub static TOOL: Tool = Tool {
    id: "navigate",
    title: "Navigate",
    about: "Moves the crosshair, and so the slices of the other planes.",
    key: 'm',
    icon: &[Closed(&[[5.0, 3.5], [15.5, 9.0], [10.8, 10.8], [8.8, 15.8]])],
    group: "look",
    kind: ToolKind::Navigate,
    paints: false,
    cursor: Cursor::Crosshair,
    options: &[],
    start: || Box::<Navigate>::default(),
};

#[derive(Default)]
struct Navigate {
    dragging: bool,
}

impl Gesture for Navigate {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match event.input {
            Input::Press(Button::Primary) => self.dragging = true,
            Input::Drag if self.dragging => {}
            Input::Press(Button::Secondary) | Input::Release(_) | Input::Escape => {
                self.dragging = false;
                return Vec::new();
            }
            _ => return Vec::new(),
        }
        let dims = context.grid().dims();
        let voxel = std::array::from_fn(|a| event.voxel[a].round().clamp(0.0, (dims[a] - 1) as f64) as usize);
        vec![ToolAction::MoveCursor(voxel)]
    }

    fn hint(&self) -> &'static str {
        if self.dragging { "Drag to move the crosshair" } else { "Click to move the crosshair" }
    }

    fn busy(&self) -> bool {
        self.dragging
    }
}
