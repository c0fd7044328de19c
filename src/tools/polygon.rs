use super::icon::IconPart::{Closed, Dot};
use super::{
    Button, Cursor, Gesture, Input, PointerEvent, Preview, Tool, ToolAction, ToolContext, ToolKind,
    ToolOption,
};
use crate::edit::Shape;
use crate::geom::Plane;

/// Fills an outline of straight lines, corner by corner.
pub static TOOL: Tool = Tool {
    id: "polygon",
    title: "Polygon",
    about: "Paints the inside of an outline that is set corner by corner.",
    key: 'g',
    icon: &[
        Closed(&[[10.0, 4.0], [16.0, 8.4], [13.8, 15.6], [6.2, 15.6], [4.0, 8.4]]),
        Dot([10.0, 4.0], 1.5),
        Dot([16.0, 8.4], 1.5),
        Dot([13.8, 15.6], 1.5),
        Dot([6.2, 15.6], 1.5),
        Dot([4.0, 8.4], 1.5),
    ],
    group: "outline",
    kind: ToolKind::Corners,
    paints: true,
    cursor: Cursor::Crosshair,
    options: &[ToolOption::ValueRange, ToolOption::OverBackground],
    start: || Box::<Polygon>::default(),
};

/// A click this near to a corner, in points of the screen, counts as a click on it.
const NEAR: f64 = 8.0;

#[derive(Default)]
struct Polygon {
    under_way: Option<Corners>,
}

struct Corners {
    plane: Plane,
    slice: usize,
    points: Vec<[f64; 3]>,
}

impl Polygon {
    fn close(&mut self, erase: bool, context: &ToolContext) -> Vec<ToolAction> {
        let mut actions = vec![ToolAction::Preview(None)];
        if let Some(Corners { plane, slice, points }) = self.under_way.take()
            && points.len() > 2
        {
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

    /// The corners so far, and the pointer as the next one where it is in their slice.
    fn preview(&self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        let Some(corners) = &self.under_way else { return Vec::new() };
        let mut points = corners.points.clone();
        if corners.holds(event, context) {
            points.push(event.voxel);
        }
        let label = context.label(event.modifiers.ctrl);
        vec![ToolAction::Preview(Some(Preview {
            closed: corners.points.len() > 1,
            ..Preview::outline(corners.plane, corners.slice, points, label)
        }))]
    }
}

impl Corners {
    fn holds(&self, event: &PointerEvent, context: &ToolContext) -> bool {
        event.plane == self.plane && event.slice(context.grid()) == Some(self.slice)
    }
}

impl Gesture for Polygon {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match event.input {
            Input::Press(Button::Primary) => {
                let Some(corners) = &mut self.under_way else {
                    if let Some(slice) = event.slice(context.grid()) {
                        let points = vec![event.voxel];
                        self.under_way = Some(Corners { plane: event.plane, slice, points });
                    }
                    return self.preview(event, context);
                };
                if !corners.holds(event, context) {
                    // Another slice is on screen: the corners wait in theirs.
                    return Vec::new();
                }
                let near = |p: Option<&[f64; 3]>| {
                    p.is_some_and(|&p| context.screen_distance(p, event.voxel) <= NEAR)
                };
                let (first, last) = (corners.points.first(), corners.points.last());
                if corners.points.len() > 2 && (near(first) || near(last)) {
                    return self.close(event.modifiers.ctrl, context);
                }
                if !near(last) {
                    corners.points.push(event.voxel);
                }
                self.preview(event, context)
            }
            Input::Enter if self.busy() => self.close(event.modifiers.ctrl, context),
            Input::Backspace if self.busy() => {
                if let Some(corners) = &mut self.under_way {
                    corners.points.pop();
                    if corners.points.is_empty() {
                        self.under_way = None;
                        return vec![ToolAction::Preview(None)];
                    }
                }
                self.preview(event, context)
            }
            Input::Escape | Input::Press(Button::Secondary) if self.busy() => {
                self.under_way = None;
                vec![ToolAction::Preview(None)]
            }
            Input::Hover | Input::Drag => self.preview(event, context),
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> &'static str {
        match &self.under_way {
            None => "Click corners around a region",
            Some(c) if c.points.len() < 3 => {
                "Click the next corner; {Reject in this slice} takes the last one back"
            }
            Some(_) => {
                "{Accept in this slice, or close the polygon}, a double click or the first corner: fill (with Ctrl: erase); Escape: cancel"
            }
        }
    }

    fn busy(&self) -> bool {
        self.under_way.is_some()
    }
}
