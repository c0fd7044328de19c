use super::icon::IconPart::{Curve, Line};
use super::{
    Button, Cursor, Gesture, Input, PointerEvent, Preview, Tool, ToolAction, ToolContext, ToolKind,
    ToolOption,
};
use crate::edit::{EffectAt, Limits, MaskRules, Origin, Patch, Shape};
use crate::geom::Plane;
use crate::label::{LabelId, LabelMap};
use std::collections::BTreeSet;

/// Moves the border of a label with the pointer, within a ring of the brush's radius.
pub static TOOL: Tool = Tool {
    id: "nudge",
    title: "Nudge",
    about: "Pushes the border of a label along with the pointer, as far as the ring reaches.",
    key: 'j',
    icon: &[
        Curve([[4.0, 3.5], [10.0, 5.5], [10.0, 14.5], [4.0, 16.5]]),
        Line(&[[10.0, 10.0], [16.5, 10.0]]),
        Line(&[[14.0, 7.4], [16.6, 10.0], [14.0, 12.6]]),
    ],
    group: "nudge",
    kind: ToolKind::Push,
    paints: false,
    cursor: Cursor::Outline,
    options: &[ToolOption::Radius],
    start: || Box::new(Nudge { state: State::Idle }),
};

/// A shorter way moves no border, in pixels.
const LEAST: f64 = 0.5;
const CORNERS: usize = 64;

struct Nudge {
    state: State,
}

enum State {
    Idle,
    Pushing(Push),
    /// Cancelled with the button still down: nothing is moved until it is released.
    Cancelled,
}

struct Push {
    button: Button,
    plane: Plane,
    slice: usize,
    label: LabelId,
    /// In pixels of the slice.
    radius: f64,
    /// The mask before the push from the anchor on. A push is always made from it as a whole: many small ones would be rounded
    /// to whole pixels one by one.
    before: LabelMap,
    anchor: [f64; 3],
}

/// The brush's radius in pixels of a slice.
fn radius(plane: Plane, context: &ToolContext) -> f64 {
    let grid = context.grid();
    let [u, v] = grid.plane_axes(plane).normal.others();
    let pixel = (grid.spacing()[u] + grid.spacing()[v]) / 2.0;
    (context.options.radius(grid) / pixel).clamp(2.0, 1000.0)
}

/// The label that a press means: the selected one where it has a voxel in the ring, or else the one that was pressed.
fn pressed(event: &PointerEvent, radius: f64, context: &ToolContext) -> Option<LabelId> {
    let (grid, mask) = (context.grid(), context.scene.mask);
    let (selected, at) = (context.label(false), event.voxel_inside(grid)?);
    let (low, size) = ring_box(event.plane, at, radius, context);
    let is_near = |voxel: [usize; 3]| {
        let away = (0..3).map(|a| (voxel[a] as f64 - event.voxel[a].round()).powi(2)).sum::<f64>();
        away <= radius * radius && mask.get(voxel) == selected
    };
    let mut voxels = (0..size.iter().product()).map(|i: usize| {
        [low[0] + i % size[0], low[1] + i / size[0] % size[1], low[2] + i / (size[0] * size[1])]
    });
    if selected != 0 && voxels.any(is_near) {
        return Some(selected);
    }
    Some(mask.get(at)).filter(|label| *label != 0)
}

/// First voxel and size of the box around a ring in a slice.
fn ring_box(plane: Plane, at: [usize; 3], radius: f64, context: &ToolContext) -> ([usize; 3], [usize; 3]) {
    let (dims, normal) = (context.grid().dims(), context.grid().plane_axes(plane).normal.index());
    let reach = |a: usize| if a == normal { 0 } else { radius.ceil() as usize };
    let low = [0, 1, 2].map(|a| at[a].saturating_sub(reach(a)));
    (low, [0, 1, 2].map(|a| (at[a] + reach(a) + 1).min(dims[a]) - low[a]))
}

impl Push {
    /// The mask with what lies around the anchor pushed by a step in pixels; as it was where nothing can be pushed.
    fn pushed(&self, at: [usize; 3], [right, down]: [f64; 2], context: &ToolContext) -> LabelMap {
        let [x, y, z] = at;
        let set = [
            ("at", format!("{x},{y},{z}")),
            ("move", format!("{right},{down}")),
            ("radius_px", self.radius.to_string()),
        ];
        let effect = context.effect("nudge", Some((self.plane, self.slice)), &set);
        let shape = Shape::Effect(EffectAt { piece: true, ..effect });
        let (none, origin) = (BTreeSet::new(), Origin::Person { tool: TOOL.id.to_owned() });
        let rules = MaskRules::new(context.scene.labels, &none);
        let mut after = self.before.clone();
        let patch = Patch::draw(&self.before, context.scene.volume, &shape, self.label, &rules, origin);
        // It says so where the label is not near; then there is nothing to push.
        let applied = patch.and_then(|patch| patch.apply(&mut after));
        if applied.is_ok() { after } else { self.before.clone() }
    }

    /// Puts what is in a mask within the ring into the stroke.
    fn draw(&self, at: [usize; 3], mask: &LabelMap, context: &ToolContext) -> ToolAction {
        let (low, size) = ring_box(self.plane, at, self.radius, context);
        let mut labels = vec![0; size.iter().product()];
        for (row, out) in labels.chunks_exact_mut(size[0]).enumerate() {
            mask.read(mask.index([low[0], low[1] + row % size[1], low[2] + row / size[1]]), out);
        }
        let shape = Shape::Labels { low, size, labels };
        ToolAction::Draw { shape, label: self.label, limits: Limits::default() }
    }

    /// Moves the border to where the pointer is. A way longer than half the radius is made in parts, each from a new anchor.
    fn to(&mut self, place: [f64; 3], context: &ToolContext) -> Vec<ToolAction> {
        let [u, v] = context.grid().plane_axes(self.plane).normal.others();
        let most = self.radius / 2.0;
        let mut actions = Vec::new();
        loop {
            let event = PointerEvent {
                input: Input::Drag,
                plane: self.plane,
                voxel: self.anchor,
                modifiers: Default::default(),
            };
            let Some(at) = event.voxel_inside(context.grid()) else { return actions };
            let way = [place[u] - self.anchor[u], place[v] - self.anchor[v]];
            let length = way[0].hypot(way[1]);
            if length <= most {
                let after = if length < LEAST { self.before.clone() } else { self.pushed(at, way, context) };
                actions.push(self.draw(at, &after, context));
                return actions;
            }
            let part = way.map(|way| way * most / length);
            let after = self.pushed(at, part, context);
            actions.push(self.draw(at, &after, context));
            self.before = after;
            self.anchor[u] += part[0];
            self.anchor[v] += part[1];
        }
    }
}

impl Nudge {
    fn preview(&self, event: &PointerEvent, context: &ToolContext) -> ToolAction {
        let radius = match &self.state {
            State::Pushing(push) => push.radius,
            _ => radius(event.plane, context),
        };
        let [u, v] = context.grid().plane_axes(event.plane).normal.others();
        let corner = |i: usize| {
            let (sin, cos) = (i as f64 / CORNERS as f64 * std::f64::consts::TAU).sin_cos();
            let mut corner = event.voxel;
            corner[u] += radius * cos;
            corner[v] += radius * sin;
            corner
        };
        let ring = |slice| {
            let label = match &self.state {
                State::Pushing(push) => push.label,
                _ => context.label(false),
            };
            Preview::outline(event.plane, slice, (0..CORNERS).map(corner).collect(), label)
        };
        ToolAction::Preview(event.slice(context.grid()).map(ring))
    }
}

impl Gesture for Nudge {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match (&mut self.state, event.input) {
            (State::Idle, Input::Press(button)) => {
                let radius = radius(event.plane, context);
                let (label, slice) = (pressed(event, radius, context), event.slice(context.grid()));
                let (Some(label), Some(slice)) = (label, slice) else {
                    return vec![self.preview(event, context)];
                };
                let (plane, before, anchor) = (event.plane, context.scene.mask.clone(), event.voxel);
                self.state = State::Pushing(Push { button, plane, slice, label, radius, before, anchor });
                vec![ToolAction::Begin { tool: TOOL.id }, self.preview(event, context)]
            }
            (State::Pushing(push), Input::Drag) if push.plane == event.plane => {
                // Scrolled with the button down: the border that was pressed is in another slice.
                let is_here = event.slice(context.grid()) == Some(push.slice);
                let mut actions = if is_here { push.to(event.voxel, context) } else { Vec::new() };
                actions.push(self.preview(event, context));
                actions
            }
            (State::Pushing(push), Input::Release(released)) if push.button == released => {
                self.state = State::Idle;
                vec![ToolAction::Commit, self.preview(event, context)]
            }
            (State::Pushing(_), Input::Escape | Input::Press(_)) => {
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
        match self.state {
            State::Idle => {
                "Press in a label to push its border out, beside it to push it in; {Smaller brush} {Larger brush} or Shift+wheel: radius"
            }
            State::Pushing(_) => "Drag the border; release to finish, Escape or the other button to cancel",
            State::Cancelled => "Cancelled: release the button",
        }
    }

    fn busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }
}
