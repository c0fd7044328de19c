use super::icon::IconPart::Line;
use super::{
    Button, Cursor, Gesture, Input, PointerEvent, Preview, Tool, ToolAction, ToolContext, ToolKind,
    ToolOption, ToolOptions,
};
use crate::edit::Shape;
use crate::geom::Plane;

/// Paints what is connected to the voxel pressed and has values like it. A drag to the right takes more, to the left less, and
/// shows it. The right button, or Ctrl, erases the same region.
pub static TOOL: Tool = Tool {
    id: "wand",
    title: "Magic wand",
    about: "Paints the region around the voxel pressed, and more or less of it as you drag right or left.",
    key: 'z',
    icon: &[
        Line(&[[4.0, 16.0], [11.0, 9.0]]),
        Line(&[[12.5, 3.0], [12.5, 5.6]]),
        Line(&[[12.5, 9.6], [12.5, 12.0]]),
        Line(&[[8.0, 7.5], [10.2, 7.5]]),
        Line(&[[14.8, 7.5], [17.2, 7.5]]),
        Line(&[[15.8, 4.2], [14.6, 5.4]]),
        Line(&[[9.2, 4.2], [10.4, 5.4]]),
    ],
    group: "fill",
    kind: ToolKind::Widen,
    paints: true,
    cursor: Cursor::Crosshair,
    options: &[ToolOption::Tolerance, ToolOption::WholeVolume, ToolOption::ValueRange],
    start: || Box::new(Wand { state: State::Idle, tolerance: None }),
};

/// Points of the screen that the tolerance takes for a step.
const POINTS_PER_STEP: f64 = 2.0;

/// Said where the region does not follow the pointer.
const LATER: &str = " · large slice: the region comes with the release";

struct Wand {
    state: State,
    /// What the option becomes.
    tolerance: Option<f32>,
}

enum State {
    Idle,
    Choosing(Choice),
    Cancelled,
}

/// A press that has not been released.
struct Choice {
    button: Button,
    erase: bool,
    plane: Plane,
    slice: usize,
    seed: [usize; 3],
    /// Where it was pressed, and with which tolerance.
    from: [f64; 3],
    first: f32,
    tolerance: f32,
}

impl Choice {
    /// `volume`: through slices. What is shown is that of the slice, which is quick enough to follow the pointer.
    fn shape(&self, context: &ToolContext, volume: bool) -> Shape {
        let [x, y, z] = self.seed;
        let set = [
            ("at", format!("{x},{y},{z}")),
            ("within", if volume { "volume" } else { "slice" }.to_owned()),
            ("neighbours", "6".to_owned()),
            ("tolerance", self.tolerance.to_string()),
        ];
        let slice = (!volume).then_some((self.plane, self.slice));
        Shape::Effect(context.effect("wand", slice, &set))
    }

    fn preview(&self, event: &PointerEvent, context: &ToolContext) -> ToolAction {
        let rims = context.rims(self.plane, self.slice, &self.shape(context, false));
        let mut words = format!("± {}", context.value_text(self.tolerance.into()));
        if rims.is_none() {
            words += LATER;
        } else if context.options.whole_volume {
            // What is connected through other slices may come back into this one.
            words += " · through all slices: more comes with the release";
        }
        let (label, words) = (context.label(self.erase), Some((event.voxel, words)));
        let rims = rims.unwrap_or_default();
        ToolAction::Preview(Some(Preview::region(self.plane, self.slice, rims, label, words)))
    }
}

impl Gesture for Wand {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        self.tolerance = None;
        match (&mut self.state, event.input) {
            (State::Idle, Input::Press(button)) => {
                let grid = context.grid();
                let (Some(seed), Some(slice)) = (event.voxel_inside(grid), event.slice(grid)) else {
                    return Vec::new();
                };
                let first = context.options.tolerance(&context.scene);
                let choice = Choice {
                    button,
                    erase: event.erases(),
                    plane: event.plane,
                    slice,
                    seed,
                    from: event.voxel,
                    first,
                    tolerance: first,
                };
                let preview = choice.preview(event, context);
                self.state = State::Choosing(choice);
                vec![preview]
            }
            (State::Choosing(choice), Input::Drag) => {
                let points = context.screen_right(choice.plane, choice.from, event.voxel);
                let steps = (points / POINTS_PER_STEP).trunc();
                let more = steps * ToolOptions::tolerance_step(&context.scene);
                let tolerance = (f64::from(choice.first) + more).max(0.0) as f32;
                if tolerance == choice.tolerance {
                    return Vec::new();
                }
                choice.tolerance = tolerance;
                self.tolerance = Some(tolerance);
                vec![choice.preview(event, context)]
            }
            (State::Choosing(choice), Input::Release(button)) if button == choice.button => {
                let label = context.label(choice.erase);
                let shape = choice.shape(context, context.options.whole_volume);
                self.state = State::Idle;
                vec![
                    ToolAction::Preview(None),
                    ToolAction::Begin { tool: TOOL.id },
                    ToolAction::Draw { shape, label, limits: context.limits(label) },
                    ToolAction::Commit,
                ]
            }
            (State::Choosing(choice), Input::Escape | Input::Press(_)) => {
                self.tolerance = (choice.tolerance != choice.first).then_some(choice.first);
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
            State::Idle => {
                "Press on a region, and drag right for more of it, left for less; the right button or Ctrl erases it"
            }
            State::Choosing(_) => {
                "Right: more, left: less; release to paint, Escape or the other button to cancel"
            }
            State::Cancelled => "Cancelled: release the button",
        }
    }

    fn busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    fn tolerance(&self) -> Option<f32> {
        self.tolerance
    }
}
