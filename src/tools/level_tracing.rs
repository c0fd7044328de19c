use super::icon::IconPart::{Curve, Dot, Line};
use super::{
    Cursor, Gesture, Input, PointerEvent, Preview, Tool, ToolAction, ToolContext, ToolKind, ToolOption,
    ToolOptions,
};
use crate::edit::Shape;
use crate::geom::Plane;

/// Shows the outline of the region around the pointer that is at least, or at most, as bright; a click paints it. The right
/// button, or Ctrl, erases it.
pub static TOOL: Tool = Tool {
    id: "level_tracing",
    title: "Level tracing",
    about: "Shows the outline of equal brightness through the pointer, and paints its inside with a click.",
    key: 'y',
    icon: &[
        Curve([[3.0, 12.0], [3.0, 4.0], [10.0, 2.0], [14.0, 5.0]]),
        Curve([[14.0, 5.0], [19.0, 9.0], [16.0, 17.0], [9.0, 16.6]]),
        Curve([[9.0, 16.6], [5.0, 16.4], [3.0, 14.6], [3.0, 12.0]]),
        Dot([14.0, 5.0], 1.7),
        Line(&[[7.4, 10.6], [9.6, 10.6]]),
        Line(&[[10.4, 10.6], [12.6, 10.6]]),
    ],
    group: "outline",
    kind: ToolKind::Trace,
    paints: true,
    cursor: Cursor::Crosshair,
    options: &[ToolOption::Smooth, ToolOption::ValueRange, ToolOption::OverBackground],
    start: || Box::<LevelTracing>::default(),
};

/// Standard deviation of the Gaussian, in pixels.
const SIGMA: f64 = 0.8;
/// In a slice of more pixels the outline would not follow the pointer.
const MOST_PIXELS: usize = 1 << 21;

#[derive(Default)]
struct LevelTracing {
    /// How far the level is above the value under the pointer.
    shift: f64,
    shown: Option<(Place, Preview)>,
}

/// What an outline depends on.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    plane: Plane,
    slice: usize,
    voxel: [usize; 3],
    shift: f64,
    smooth: bool,
    erase: bool,
}

impl LevelTracing {
    fn place(&self, event: &PointerEvent, context: &ToolContext) -> Option<Place> {
        let grid = context.grid();
        let (voxel, slice) = (event.voxel_inside(grid)?, event.slice(grid)?);
        let (shift, smooth) = (self.shift, context.options.smooth);
        Some(Place { plane: event.plane, slice, voxel, shift, smooth, erase: event.erases() })
    }

    fn preview(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        let dims = context.grid().dims();
        let normal = context.grid().plane_axes(event.plane).normal.index();
        let pixels = dims.iter().product::<usize>() / dims[normal];
        let Some(place) = self.place(event, context).filter(|_| pixels <= MOST_PIXELS) else {
            self.shown = None;
            return vec![ToolAction::Preview(None)];
        };
        if let Some((_, preview)) = self.shown.as_ref().filter(|(of, _)| *of == place) {
            return vec![ToolAction::Preview(Some(preview.clone()))];
        }
        let rims = context.rims(place.plane, place.slice, &place.shape(context));
        // Where the image is smoothed, the value under the pointer is not that of the level.
        let value = context.scene.volume.scalar_value(context.grid().index(place.voxel));
        let level = context.value_text(f64::from(value) + place.shift);
        let words = (!place.smooth).then(|| (event.voxel, level));
        let preview = Preview::region(place.plane, place.slice, rims, context.label(place.erase), words);
        self.shown = Some((place, preview.clone()));
        vec![ToolAction::Preview(Some(preview))]
    }
}

impl Place {
    fn shape(&self, context: &ToolContext) -> Shape {
        let [x, y, z] = self.voxel;
        let set = [
            ("at", format!("{x},{y},{z}")),
            ("shift", self.shift.to_string()),
            ("sigma_px", if self.smooth { SIGMA } else { 0.0 }.to_string()),
        ];
        Shape::Effect(context.effect("level-tracing", Some((self.plane, self.slice)), &set))
    }
}

impl Gesture for LevelTracing {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match event.input {
            Input::Hover | Input::Wheel(_) => self.preview(event, context),
            Input::Level(notches) => {
                self.shift += notches * ToolOptions::tolerance_step(&context.scene);
                self.preview(event, context)
            }
            Input::Press(_) => {
                let Some(place) = self.place(event, context) else { return Vec::new() };
                let label = context.label(place.erase);
                vec![
                    ToolAction::Begin { tool: TOOL.id },
                    ToolAction::Draw { shape: place.shape(context), label, limits: context.limits(label) },
                    ToolAction::Commit,
                ]
            }
            Input::Leave => {
                self.shown = None;
                vec![ToolAction::Preview(None)]
            }
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> &'static str {
        "Click to paint inside the outline, right-click or Ctrl+click to erase; Ctrl+Shift+wheel: its level"
    }

    fn busy(&self) -> bool {
        false
    }
}
