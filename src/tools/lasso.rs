use super::icon::IconPart::{Circle, Curve};
use super::{
    Button, Cursor, Gesture, Input, PointerEvent, Preview, Tool, ToolAction, ToolContext, ToolKind,
    ToolOption,
};
use crate::edit::Shape;
use crate::geom::Plane;

/// Fills a freehand outline; the right button, or Ctrl, erases it.
pub static TOOL: Tool = Tool {
    id: "lasso",
    title: "Lasso",
    about: "Paints the inside of an outline that is drawn in one go.",
    key: 'o',
    icon: &[
        Curve([[3.5, 8.5], [3.5, 2.5], [16.5, 2.5], [16.5, 8.5]]),
        Curve([[16.5, 8.5], [16.5, 13.0], [9.0, 13.6], [6.0, 11.8]]),
        Curve([[6.0, 11.8], [4.4, 11.0], [3.5, 10.0], [3.5, 8.5]]),
        Circle([6.0, 13.0], 1.4),
        Curve([[6.0, 14.4], [6.2, 15.6], [5.4, 16.4], [4.4, 17.0]]),
    ],
    group: "outline",
    kind: ToolKind::Outline,
    paints: true,
    cursor: Cursor::Crosshair,
    options: &[ToolOption::ValueRange, ToolOption::OverBackground],
    start: || Box::new(Lasso { state: State::Idle }),
};

struct Lasso {
    state: State,
}

enum State {
    Idle,
    Drawing(Outline),
    Cancelled,
}

/// An outline within one slice, under way.
struct Outline {
    button: Button,
    erase: bool,
    plane: Plane,
    slice: usize,
    points: Vec<[f64; 3]>,
}

impl Outline {
    fn preview(&self, context: &ToolContext) -> ToolAction {
        ToolAction::Preview(Some(Preview {
            plane: self.plane,
            slice: self.slice,
            points: self.points.clone(),
            closed: true,
            label: context.label(self.erase),
        }))
    }
}

impl Gesture for Lasso {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match (&mut self.state, event.input) {
            (State::Idle, Input::Press(button)) => {
                let Some(slice) = event.slice(context.grid()) else { return Vec::new() };
                let outline = Outline {
                    button,
                    erase: event.erases(),
                    plane: event.plane,
                    slice,
                    points: vec![event.voxel],
                };
                let preview = outline.preview(context);
                self.state = State::Drawing(outline);
                vec![preview]
            }
            (State::Drawing(outline), Input::Drag) => {
                // A point for each step that can be seen; a still hand adds none.
                let far =
                    outline.points.last().is_none_or(|&p| context.screen_distance(p, event.voxel) >= 1.0);
                if far && event.plane == outline.plane {
                    outline.points.push(event.voxel);
                }
                vec![outline.preview(context)]
            }
            (State::Drawing(outline), Input::Release(button)) if button == outline.button => {
                let Outline { erase, plane, slice, .. } = *outline;
                let points = std::mem::take(&mut outline.points);
                self.state = State::Idle;
                let mut actions = vec![ToolAction::Preview(None)];
                if points.len() > 2 {
                    let label = context.label(erase);
                    actions.extend([
                        ToolAction::Begin { tool: TOOL.id },
                        ToolAction::Draw {
                            shape: Shape::Outline { plane, slice, points },
                            label,
                            limits: context.limits(label),
                        },
                        ToolAction::Commit,
                    ]);
                }
                actions
            }
            (State::Drawing(_), Input::Escape | Input::Press(_)) => {
                self.state = State::Cancelled;
                vec![ToolAction::Preview(None)]
            }
            (State::Cancelled, Input::Release(_) | Input::Hover) => {
                self.state = State::Idle;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> &'static str {
        match self.state {
            State::Idle => "Drag around a region to fill it; with the right button or Ctrl to erase it",
            State::Drawing(_) => "Release to close the outline, Escape or the other button to cancel",
            State::Cancelled => "Cancelled: release the button",
        }
    }

    fn busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }
}
