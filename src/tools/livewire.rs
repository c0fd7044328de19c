use super::icon::IconPart::{Circle, Curve};
use super::{
    Button, Cursor, Gesture, Input, PointerEvent, Preview, Tool, ToolAction, ToolContext, ToolKind,
    ToolOption,
};
use crate::edit::Shape;
use crate::edit::effects::{EdgeCosts, EdgePaths};
use crate::geom::Plane;
use std::sync::Arc;

/// Fills an outline that follows edges from click to click.
pub static TOOL: Tool = Tool {
    id: "livewire",
    title: "Livewire",
    about: "Paints the inside of an outline that follows the edges of the image from click to click.",
    key: 'k',
    icon: &[
        Curve([[4.0, 15.0], [5.0, 10.0], [7.0, 12.0], [9.0, 10.0]]),
        Curve([[9.4, 9.6], [12.0, 6.6], [10.6, 5.0], [14.6, 4.2]]),
        Circle([4.0, 15.5], 1.5),
        Circle([16.0, 4.0], 1.5),
        Circle([9.4, 9.6], 1.2),
    ],
    group: "outline",
    kind: ToolKind::Corners,
    paints: true,
    cursor: Cursor::Crosshair,
    options: &[ToolOption::ValueRange, ToolOption::OverBackground],
    start: || Box::<Livewire>::default(),
};

/// A click this near to an anchor, in points of the screen, counts as a click on it.
const NEAR: f64 = 8.0;
/// The pointer is drawn to the strongest edge so near to it, in points of the screen.
const SNAP: f64 = 5.0;
/// Edges are followed within so many pixels of an anchor, so that a click is answered at once; beyond them the line is straight.
const WINDOW: usize = 128;

#[derive(Default)]
struct Livewire {
    wire: Option<Wire>,
}

/// An outline under way.
struct Wire {
    plane: Plane,
    slice: usize,
    /// What leads from each anchor to the next: pixels (right, down in voxels), each beside the one before it. The first piece
    /// is the first anchor alone.
    pieces: Vec<Vec<[usize; 2]>>,
    /// The last piece is being drawn by hand.
    by_hand: bool,
    map: Map,
}

/// The ways from the last anchor.
struct Map {
    /// The part of the slice that is looked at.
    low: [usize; 2],
    size: [usize; 2],
    costs: Arc<EdgeCosts>,
    paths: EdgePaths,
}

impl Map {
    /// `last`: of the anchor before, whose costs are taken where they are of the same part.
    fn of(plane: Plane, slice: usize, anchor: [usize; 2], last: Option<&Map>, context: &ToolContext) -> Self {
        let (grid, volume) = (context.grid(), context.scene.volume);
        let normal = grid.plane_axes(plane).normal;
        let axes = normal.others();
        let low = anchor.map(|at| at.saturating_sub(WINDOW));
        let size = [0, 1].map(|a| (anchor[a] + WINDOW + 1).min(grid.dims()[axes[a]]) - low[a]);
        let same = last.filter(|last| (last.low, last.size) == (low, size));
        let costs = same.map_or_else(
            || {
                let value = |i: usize| {
                    let voxel = voxel(plane, slice, [low[0] + i % size[0], low[1] + i / size[0]], context);
                    volume.scalar_value(grid.index(voxel))
                };
                let values: Vec<f32> = (0..size[0] * size[1]).map(value).collect();
                Arc::new(EdgeCosts::of_slice(&values, size[0]))
            },
            |last| Arc::clone(&last.costs),
        );
        let paths = costs.paths([0, 1].map(|a| anchor[a] - low[a]), WINDOW);
        Self { low, size, costs, paths }
    }

    /// From the anchor to a pixel; straight beyond the part that is looked at.
    fn to(&self, pixel: [usize; 2]) -> Vec<[usize; 2]> {
        let own = [0, 1].map(|a| pixel[a].clamp(self.low[a], self.low[a] + self.size[a] - 1) - self.low[a]);
        let path = self.paths.to(own);
        let mut path: Vec<[usize; 2]> =
            path.into_iter().map(|own| [own[0] + self.low[0], own[1] + self.low[1]]).collect();
        straight_on(&mut path, pixel);
        path
    }

    /// The pixel of the strongest edge near to one.
    fn snapped(&self, [u, v]: [usize; 2], reach: [f64; 2]) -> [usize; 2] {
        let range = |a: usize, at: usize| {
            let by = reach[a] as usize;
            let end = self.low[a] + self.size[a];
            at.saturating_sub(by).max(self.low[a])..(at + by + 1).min(end)
        };
        let cost =
            |[x, y]: [usize; 2]| self.costs.costs()[(y - self.low[1]) * self.size[0] + x - self.low[0]];
        let is_near = |[x, y]: &[usize; 2]| {
            let away = [(x.abs_diff(u), reach[0]), (y.abs_diff(v), reach[1])];
            away.iter().map(|(by, reach)| (*by as f64 / reach.max(1e-12)).powi(2)).sum::<f64>() <= 1.0
        };
        let near = range(1, v).flat_map(|y| range(0, u).map(move |x| [x, y])).filter(is_near);
        near.min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or([u, v])
    }
}

/// Adds the pixels of a straight line to a pixel.
fn straight_on(path: &mut Vec<[usize; 2]>, to: [usize; 2]) {
    let Some(&from) = path.last() else { return path.push(to) };
    let steps = from[0].abs_diff(to[0]).max(from[1].abs_diff(to[1]));
    let at = |a: usize, step: usize| {
        let way = to[a] as f64 - from[a] as f64;
        (from[a] as f64 + way * step as f64 / steps as f64).round() as usize
    };
    path.extend((1..=steps).map(|step| [at(0, step), at(1, step)]));
}

fn voxel(plane: Plane, slice: usize, pixel: [usize; 2], context: &ToolContext) -> [usize; 3] {
    let normal = context.grid().plane_axes(plane).normal;
    let [u, v] = normal.others();
    let mut voxel = [slice; 3];
    (voxel[u], voxel[v]) = (pixel[0], pixel[1]);
    voxel
}

/// The pixel under the pointer, or the nearest one of the image.
fn pixel(event: &PointerEvent, context: &ToolContext) -> [usize; 2] {
    let [u, v] = context.grid().plane_axes(event.plane).normal.others();
    [u, v].map(|a| event.voxel[a].round().clamp(0.0, (context.grid().dims()[a] - 1) as f64) as usize)
}

impl Wire {
    fn holds(&self, event: &PointerEvent, context: &ToolContext) -> bool {
        event.plane == self.plane && event.slice(context.grid()) == Some(self.slice)
    }

    fn last(&self) -> Option<[usize; 2]> {
        self.pieces.last().and_then(|piece| piece.last()).copied()
    }

    /// The ways from where the last piece ends.
    fn follow(&mut self, context: &ToolContext) {
        if let Some(anchor) = self.last() {
            self.map = Map::of(self.plane, self.slice, anchor, Some(&self.map), context);
        }
    }

    /// Where a click would set an anchor: on the edge near to it.
    fn target(&self, event: &PointerEvent, context: &ToolContext) -> [usize; 2] {
        let at = pixel(event, context);
        if event.modifiers.shift {
            return at;
        }
        let spacing = context.grid().spacing();
        let reach = context
            .grid()
            .plane_axes(self.plane)
            .normal
            .others()
            .map(|a| SNAP * context.scene.point_size / spacing[a]);
        self.map.snapped(at, reach)
    }

    /// With Shift held the line follows the hand; what was drawn so is a piece like another, once Shift is released.
    fn by_hand(&mut self, event: &PointerEvent, context: &ToolContext) {
        let at = pixel(event, context);
        match (event.modifiers.shift, self.by_hand) {
            (true, false) => {
                let mut piece: Vec<_> = self.last().into_iter().collect();
                straight_on(&mut piece, at);
                self.pieces.push(piece);
            }
            (true, true) => {
                if let Some(piece) = self.pieces.last_mut() {
                    straight_on(piece, at);
                }
            }
            (false, true) => self.follow(context),
            (false, false) => {}
        }
        self.by_hand = event.modifiers.shift;
    }

    fn is_near(&self, pixel: Option<[usize; 2]>, event: &PointerEvent, context: &ToolContext) -> bool {
        pixel.is_some_and(|pixel| {
            let place = voxel(self.plane, self.slice, pixel, context).map(|at| at as f64);
            context.screen_distance(place, event.voxel) <= NEAR
        })
    }
}

impl Livewire {
    fn close(&mut self, erase: bool, context: &ToolContext) -> Vec<ToolAction> {
        let mut actions = vec![ToolAction::Preview(None)];
        let Some(mut wire) = self.wire.take() else { return actions };
        let Some(&first) = wire.pieces.first().and_then(|piece| piece.first()) else { return actions };
        if wire.pieces.len() < 2 {
            return actions;
        }
        if wire.by_hand {
            wire.follow(context);
        }
        wire.pieces.push(wire.map.to(first));
        let pixels = wire.pieces.concat();
        let pixels = pixels.into_iter().map(|pixel| voxel(wire.plane, wire.slice, pixel, context)).collect();
        let label = context.label(erase);
        let shape = Shape::Contour { plane: wire.plane, slice: wire.slice, pixels };
        actions.extend([
            ToolAction::Begin { tool: TOOL.id },
            ToolAction::Draw { shape, label, limits: context.limits(label) },
            ToolAction::Commit,
        ]);
        actions
    }

    /// The pieces so far, and the way to the pointer where it is in their slice.
    fn preview(&self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        let Some(wire) = &self.wire else { return Vec::new() };
        let mut pixels = wire.pieces.concat();
        if wire.holds(event, context) && !wire.by_hand {
            pixels.extend(wire.map.to(wire.target(event, context)));
        }
        let place = |pixel| voxel(wire.plane, wire.slice, pixel, context).map(|at| at as f64);
        let points = pixels.into_iter().map(place).collect();
        let label = context.label(event.modifiers.ctrl);
        vec![ToolAction::Preview(Some(Preview {
            closed: false,
            ..Preview::outline(wire.plane, wire.slice, points, label)
        }))]
    }

    fn press(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        let Some(wire) = &mut self.wire else {
            if let Some(slice) =
                event.slice(context.grid()).filter(|_| event.voxel_inside(context.grid()).is_some())
            {
                let at = pixel(event, context);
                let map = Map::of(event.plane, slice, at, None, context);
                let mut wire = Wire { plane: event.plane, slice, pieces: Vec::new(), by_hand: false, map };
                // The first anchor lies on an edge, too.
                let anchor = wire.target(event, context);
                wire.pieces.push(vec![anchor]);
                if anchor != at {
                    wire.follow(context);
                }
                self.wire = Some(wire);
            }
            return self.preview(event, context);
        };
        if !wire.holds(event, context) {
            // Another slice is on screen: the anchors wait in theirs.
            return Vec::new();
        }
        let first = wire.pieces.first().and_then(|piece| piece.first()).copied();
        if wire.pieces.len() > 1
            && !wire.by_hand
            && (wire.is_near(wire.last(), event, context)
                || wire.pieces.len() > 2 && wire.is_near(first, event, context))
        {
            return self.close(event.modifiers.ctrl, context);
        }
        if wire.by_hand {
            // What was drawn by hand ends here, and another piece begins.
            wire.by_hand = false;
            wire.follow(context);
        } else if !wire.is_near(wire.last(), event, context) {
            let piece = wire.map.to(wire.target(event, context));
            wire.pieces.push(piece);
            wire.follow(context);
        }
        self.preview(event, context)
    }
}

impl Gesture for Livewire {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match event.input {
            Input::Press(Button::Primary) => self.press(event, context),
            Input::Enter if self.busy() => self.close(event.modifiers.ctrl, context),
            Input::Backspace if self.busy() => {
                if let Some(wire) = &mut self.wire {
                    wire.pieces.pop();
                    wire.by_hand = false;
                    if wire.pieces.is_empty() {
                        self.wire = None;
                        return vec![ToolAction::Preview(None)];
                    }
                    wire.follow(context);
                }
                self.preview(event, context)
            }
            Input::Escape | Input::Press(Button::Secondary) if self.busy() => {
                self.wire = None;
                vec![ToolAction::Preview(None)]
            }
            Input::Hover | Input::Drag => {
                if let Some(wire) = &mut self.wire
                    && wire.holds(event, context)
                {
                    wire.by_hand(event, context);
                }
                self.preview(event, context)
            }
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> &'static str {
        match &self.wire {
            None => "Click on an edge, and follow it from click to click",
            Some(wire) if wire.pieces.len() < 2 => {
                "Click further along the edge; with Shift the line follows your hand; {Reject in this slice} takes the last click back"
            }
            Some(_) => {
                "{Accept in this slice, or close the polygon}, a double click or the first point: fill (with Ctrl: erase); Shift: by hand; Escape: cancel"
            }
        }
    }

    fn busy(&self) -> bool {
        self.wire.is_some()
    }
}
