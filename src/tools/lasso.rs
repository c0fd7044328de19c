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
    start: || Box::new(Lasso::new(TOOL.id, paint, HINT)),
};

const HINT: &str = "Drag around a region to fill it; with the right button or Ctrl to erase it";

fn paint(outline: Outline, context: &ToolContext) -> ToolAction {
    let Outline { erase, plane, slice, points, .. } = outline;
    let label = context.label(erase);
    ToolAction::Draw { shape: Shape::Outline { plane, slice, points }, label, limits: context.limits(label) }
}

/// Lasso and scissors: a freehand outline, and what is done with it.
pub(super) struct Lasso {
    tool: &'static str,
    draw: fn(Outline, &ToolContext) -> ToolAction,
    hint: &'static str,
    state: State,
}

enum State {
    Idle,
    Drawing(Outline),
    Cancelled,
}

/// An outline within one slice, under way.
pub(super) struct Outline {
    button: Button,
    pub erase: bool,
    pub plane: Plane,
    pub slice: usize,
    pub points: Vec<[f64; 3]>,
}

impl Outline {
    fn preview(&self, context: &ToolContext) -> ToolAction {
        let label = context.label(self.erase);
        ToolAction::Preview(Some(Preview::outline(self.plane, self.slice, self.points.clone(), label)))
    }
}

impl Lasso {
    /// `draw`: what a finished outline draws; `hint`: what the tool is used for.
    pub(super) fn new(
        tool: &'static str,
        draw: fn(Outline, &ToolContext) -> ToolAction,
        hint: &'static str,
    ) -> Self {
        Self { tool, draw, hint, state: State::Idle }
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
                let mut actions = vec![ToolAction::Preview(None)];
                if let State::Drawing(outline) = std::mem::replace(&mut self.state, State::Idle)
                    && outline.points.len() > 2
                {
                    actions.extend([
                        ToolAction::Begin { tool: self.tool },
                        (self.draw)(outline, context),
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
            State::Idle => self.hint,
            State::Drawing(_) => "Release to close the outline, Escape or the other button to cancel",
            State::Cancelled => "Cancelled: release the button",
        }
    }

    fn busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }
}
