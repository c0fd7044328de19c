use super::icon::IconPart::{Curve, Line};
use super::{
    Button, Cursor, Gesture, Input, PointerEvent, Preview, Tool, ToolAction, ToolContext, ToolKind,
    ToolOption,
};
use crate::edit::Shape;
use crate::geom::Plane;

/// Paints the selected label with a round brush; the right button, or Ctrl, erases.
pub static TOOL: Tool = Tool {
    id: "brush",
    title: "Brush",
    about: "Paints the selected label with a round brush.",
    key: 'b',
    icon: &[
        Line(&[[16.5, 3.5], [9.5, 10.5]]),
        Curve([[9.2, 10.4], [6.6, 9.8], [5.0, 12.0], [5.4, 14.0]]),
        Curve([[5.4, 14.0], [5.4, 15.2], [4.6, 16.0], [3.4, 16.2]]),
        Curve([[3.4, 16.2], [6.4, 17.4], [10.6, 16.2], [10.0, 11.4]]),
    ],
    group: "brush",
    kind: ToolKind::Brush,
    paints: true,
    cursor: Cursor::Outline,
    options: &[ToolOption::Radius, ToolOption::Sphere, ToolOption::ValueRange, ToolOption::OverBackground],
    start: || Box::new(Brush::new(TOOL.id, false)),
};

/// Brush and eraser.
pub(super) struct Brush {
    tool: &'static str,
    always_erases: bool,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Idle,
    Drawing {
        button: Button,
        erase: bool,
        plane: Plane,
        last: [f64; 3],
    },
    /// Cancelled with the button still down: nothing is drawn until it is released.
    Cancelled,
}

impl Brush {
    pub(super) fn new(tool: &'static str, always_erases: bool) -> Self {
        Self { tool, always_erases, state: State::Idle }
    }

    fn draw(
        &self,
        event: &PointerEvent,
        context: &ToolContext,
        points: Vec<[f64; 3]>,
        erase: bool,
    ) -> ToolAction {
        let label = context.label(erase);
        let shape = Shape::Brush {
            plane: event.plane,
            points,
            radius: context.options.radius(context.grid()),
            sphere: context.options.sphere,
        };
        ToolAction::Draw { shape, label, limits: context.limits(label) }
    }

    fn preview(&self, event: &PointerEvent, context: &ToolContext) -> ToolAction {
        let erase = match self.state {
            State::Drawing { erase, .. } => erase,
            _ => self.always_erases || event.modifiers.ctrl,
        };
        ToolAction::Preview(event.slice(context.grid()).map(|slice| {
            let rim = context.circle(event.plane, event.voxel);
            Preview::outline(event.plane, slice, rim, context.label(erase))
        }))
    }
}

impl Gesture for Brush {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match (self.state, event.input) {
            (State::Idle, Input::Press(button)) => {
                let erase = self.always_erases || event.erases();
                self.state = State::Drawing { button, erase, plane: event.plane, last: event.voxel };
                vec![
                    ToolAction::Begin { tool: self.tool },
                    self.draw(event, context, vec![event.voxel], erase),
                    self.preview(event, context),
                ]
            }
            (State::Drawing { button, erase, plane, last }, Input::Drag) if plane == event.plane => {
                let mut actions = Vec::new();
                if last != event.voxel {
                    let normal = context.grid().plane_axes(plane).normal.index();
                    // Scrolled with the button down: a disc starts again in the other slice, a ball is drawn through.
                    let joined =
                        context.options.sphere || last[normal].round() == event.voxel[normal].round();
                    let points = if joined { vec![last, event.voxel] } else { vec![event.voxel] };
                    actions.push(self.draw(event, context, points, erase));
                    self.state = State::Drawing { button, erase, plane, last: event.voxel };
                }
                actions.push(self.preview(event, context));
                actions
            }
            (State::Drawing { button, .. }, Input::Release(released)) if button == released => {
                self.state = State::Idle;
                vec![ToolAction::Commit, self.preview(event, context)]
            }
            (State::Drawing { .. }, Input::Escape | Input::Press(_)) => {
                self.state = State::Cancelled;
                vec![ToolAction::Abort, self.preview(event, context)]
            }
            (State::Cancelled, Input::Release(_) | Input::Hover) => {
                self.state = State::Idle;
                vec![self.preview(event, context)]
            }
            (State::Idle, Input::Leave) => vec![ToolAction::Preview(None)],
            (_, Input::Hover | Input::Drag | Input::Wheel(_) | Input::Grow | Input::Shrink) => {
                vec![self.preview(event, context)]
            }
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> &'static str {
        match (self.state, self.always_erases) {
            (State::Idle, false) => {
                "Drag to paint, right-drag or Ctrl+drag to erase; {Smaller brush} {Larger brush} or Shift+wheel: radius"
            }
            (State::Idle, true) => "Drag to erase; {Smaller brush} {Larger brush} or Shift+wheel: radius",
            (State::Drawing { .. }, _) => "Release to finish, Escape or the other button to cancel",
            (State::Cancelled, _) => "Cancelled: release the button",
        }
    }

    fn busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }
}
