//! The gestures of the tools that measure.

use super::{Button, Gesture, Input, PointerEvent, Preview, ToolAction, ToolContext};
use crate::geom::Plane;
use crate::metrics::measurements::{Measurement, MeasurementKind};
use crate::workspace::MeasureCommand;

/// A press this near to a point of a measurement, in points of the screen, takes hold of it.
const NEAR: f64 = 8.0;

/// A measurement under way: a drag sets two points; of kinds with more, each click sets one. A press on a point of a measurement that
/// is there moves that point.
pub(super) struct Measuring {
    kind: MeasurementKind,
    hint: &'static str,
    state: State,
}

enum State {
    Idle,
    /// The last point goes along with the pointer.
    Setting {
        plane: Plane,
        slice: usize,
        points: Vec<[f64; 3]>,
    },
    /// A point of one that is there goes along with the pointer.
    Moving {
        plane: Plane,
        of: Measurement,
        point: usize,
    },
}

impl Measuring {
    pub fn new(kind: MeasurementKind, hint: &'static str) -> Self {
        Self { kind, hint, state: State::Idle }
    }

    fn is_dragged(&self) -> bool {
        self.kind.takes(2) && !self.kind.takes(3)
    }

    /// The point of a measurement in the slice of an event that lies under the pointer.
    fn point_at(event: &PointerEvent, context: &ToolContext) -> Option<(Measurement, usize)> {
        let normal = context.grid().plane_axes(event.plane).normal;
        let slice = event.slice(context.grid())?;
        let here =
            context.scene.measurements.iter().rev().filter(|m| m.normal == normal && m.slice() == slice);
        let points = here.flat_map(|m| m.points.iter().enumerate().map(move |(at, point)| (m, at, *point)));
        let mut near = points.filter(|(.., point)| context.screen_distance(*point, event.voxel) <= NEAR);
        near.next().map(|(measurement, at, _)| (measurement.clone(), at))
    }

    /// What is under way as it would be, and what can be read off it.
    fn preview(&self, context: &ToolContext) -> Vec<ToolAction> {
        let (plane, slice, measurement) = match &self.state {
            State::Idle => return vec![ToolAction::Preview(None)],
            State::Moving { plane, of, .. } => (*plane, of.slice(), of.clone()),
            State::Setting { plane, slice, points } => {
                let normal = context.grid().plane_axes(*plane).normal;
                let (points, name) = (points.clone(), String::new());
                (*plane, *slice, Measurement { id: 0, kind: self.kind, normal, points, name })
            }
        };
        let words = measurement.kind.takes(measurement.points.len()).then(|| {
            let text = measurement.reading(context.scene.volume).text(context.scene.volume);
            measurement.points.last().map(|place| (*place, text))
        });
        let moved = matches!(self.state, State::Moving { .. });
        let preview = Preview {
            closed: false,
            instead_of: moved.then_some(measurement.id),
            lines: measurement.lines(),
            words: words.flatten(),
            ..Preview::outline(plane, slice, Vec::new(), 0)
        };
        vec![ToolAction::Preview(Some(preview))]
    }

    /// Ends what is under way, and keeps it where it has as many points as it needs.
    fn finish(&mut self, context: &ToolContext) -> Vec<ToolAction> {
        let mut actions = vec![ToolAction::Preview(None)];
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => {}
            State::Moving { of, .. } => {
                if context.scene.measurements.get(of.id).is_some_and(|before| *before != of) {
                    actions.push(ToolAction::Measure(MeasureCommand::Place { id: of.id, points: of.points }));
                }
            }
            State::Setting { plane, points, .. } => {
                let (first, last) = (points.first(), points.last());
                let is_point = first
                    .zip(last)
                    .is_none_or(|(a, b)| points.len() < 3 && context.screen_distance(*a, *b) < 1.0);
                if self.kind.takes(points.len()) && !is_point {
                    let normal = context.grid().plane_axes(plane).normal;
                    actions.push(ToolAction::Measure(MeasureCommand::Add {
                        kind: self.kind,
                        normal,
                        points,
                    }));
                }
            }
        }
        actions
    }

    fn follow(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        let here = event.slice(context.grid());
        match &mut self.state {
            State::Setting { plane, slice, points } if *plane == event.plane && here == Some(*slice) => {
                points.pop();
                points.push(event.voxel);
            }
            State::Moving { plane, of, point } if *plane == event.plane && here == Some(of.slice()) => {
                of.points[*point] = event.voxel;
            }
            _ => return Vec::new(),
        }
        self.preview(context)
    }

    fn press(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match &mut self.state {
            State::Idle => {
                let Some(slice) = event.slice(context.grid()) else { return Vec::new() };
                self.state = match Self::point_at(event, context) {
                    Some((of, point)) => State::Moving { plane: event.plane, of, point },
                    None => State::Setting { plane: event.plane, slice, points: vec![event.voxel; 2] },
                };
                self.preview(context)
            }
            State::Setting { plane, slice, points } => {
                if *plane != event.plane || Some(*slice) != event.slice(context.grid()) {
                    return Vec::new();
                }
                let set = points.len();
                // A second click on the same place ends a way.
                let again = set > 2 && context.screen_distance(points[set - 2], event.voxel) <= NEAR / 2.0;
                if again {
                    if !self.kind.takes(set - 1) {
                        return Vec::new();
                    }
                    points.pop();
                    return self.finish(context);
                }
                points[set - 1] = event.voxel;
                if self.kind.takes(set) && !self.kind.takes(set + 1) {
                    return self.finish(context);
                }
                points.push(event.voxel);
                self.preview(context)
            }
            State::Moving { .. } => Vec::new(),
        }
    }
}

impl Gesture for Measuring {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match event.input {
            Input::Press(Button::Primary) => self.press(event, context),
            Input::Hover | Input::Drag => self.follow(event, context),
            Input::Release(Button::Primary)
                if self.is_dragged() || matches!(self.state, State::Moving { .. }) =>
            {
                self.finish(context)
            }
            Input::Enter => match &mut self.state {
                State::Setting { points, .. } => {
                    // The one that goes along with the pointer is not set.
                    points.pop();
                    self.finish(context)
                }
                _ => Vec::new(),
            },
            Input::Backspace => match &mut self.state {
                State::Setting { points, .. } if points.len() > 2 => {
                    points.pop();
                    self.preview(context)
                }
                _ => Vec::new(),
            },
            Input::Escape | Input::Press(Button::Secondary) if self.busy() => {
                self.state = State::Idle;
                vec![ToolAction::Preview(None)]
            }
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> &'static str {
        match self.state {
            State::Idle => self.hint,
            State::Moving { .. } => "Release to leave the point here, Escape to leave it where it was",
            State::Setting { .. } if self.is_dragged() => "Release to finish, Escape to cancel",
            State::Setting { .. } => {
                "Click the next point; {Accept in this slice, or close the polygon} or a double click ends a way; Escape: cancel"
            }
        }
    }

    fn busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }
}
