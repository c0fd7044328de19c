use super::icon::IconPart::{Curve, Dot, Line};
use super::{
    Button, Cursor, Gesture, Input, PointerEvent, Preview, Tool, ToolAction, ToolContext, ToolKind,
    ToolOption,
};
use crate::edit::effects::{Scene, Tissue};
use crate::edit::{EffectAt, Shape};
use crate::geom::Plane;
use crate::volume::Window;
use glam::DVec3;

/// Paints what looks like the middle of the brush, as far as the brush reaches; the right button, or Ctrl, erases it.
pub static TOOL: Tool = Tool {
    id: "smart_brush",
    title: "Smart brush",
    about: "Paints only what looks like the middle of the brush, so that a rough stroke ends at edges.",
    key: 'u',
    icon: &[
        Line(&[[16.5, 3.5], [9.5, 10.5]]),
        Curve([[9.2, 10.4], [6.6, 9.8], [5.0, 12.0], [5.4, 14.0]]),
        Curve([[5.4, 14.0], [5.4, 15.2], [4.6, 16.0], [3.4, 16.2]]),
        Curve([[3.4, 16.2], [6.4, 17.4], [10.6, 16.2], [10.0, 11.4]]),
        Dot([14.6, 13.6], 1.4),
        Dot([4.6, 5.4], 1.4),
        Dot([9.0, 3.8], 1.0),
    ],
    group: "brush",
    kind: ToolKind::SmartBrush,
    paints: true,
    cursor: Cursor::Outline,
    options: &[
        ToolOption::Radius,
        ToolOption::Deviations,
        ToolOption::Sphere,
        ToolOption::ValueRange,
        ToolOption::OverBackground,
    ],
    start: || Box::new(SmartBrush { state: State::Idle }),
};

/// How much the newest dab counts in what the brush looks for.
const SHARE: f64 = 0.3;
/// From dab to dab, as a part of the radius.
const STEP: f64 = 0.25;
/// A jump of the pointer has no more dabs than this, and so wider steps.
const MOST_DABS: usize = 200;

struct SmartBrush {
    state: State,
}

enum State {
    Idle,
    Drawing(Stroke),
    /// Cancelled with the button still down: nothing is drawn until it is released.
    Cancelled,
}

struct Stroke {
    button: Button,
    erase: bool,
    plane: Plane,
    /// Where the last dab was.
    last: [f64; 3],
    tissue: Option<Tissue>,
    /// The tissue stays that of the first dab.
    frozen: bool,
    /// How far a value may be from the mean in any case.
    floor: f64,
}

impl Stroke {
    /// One dab of the brush; none outside of the image.
    fn dab(&mut self, place: [f64; 3], context: &ToolContext) -> Option<ToolAction> {
        let event = PointerEvent {
            input: Input::Drag,
            plane: self.plane,
            voxel: place,
            modifiers: Default::default(),
        };
        let ([x, y, z], slice) = (event.voxel_inside(context.grid())?, event.slice(context.grid())?);
        let sphere = context.options.sphere;
        let slice = (!sphere).then_some((self.plane, slice));
        let set = [
            ("at", format!("{x},{y},{z}")),
            ("within", if sphere { "volume" } else { "slice" }.to_owned()),
            ("radius_mm", context.options.radius(context.grid()).max(0.001).to_string()),
            ("k", context.options.deviations().to_string()),
            ("floor", self.floor.to_string()),
        ];
        let mut effect = EffectAt { piece: true, ..context.effect("smart-brush", slice, &set) };
        let here = middle(&effect, context)?;
        let tissue = match self.tissue {
            Some(tissue) if self.frozen => tissue,
            Some(tissue) => tissue.toward(here, SHARE),
            None => here,
        };
        self.tissue = Some(tissue);
        self.last = place;
        effect.step.set.insert("like".to_owned(), tissue.text().into());
        let label = context.label(self.erase);
        Some(ToolAction::Draw { shape: Shape::Effect(effect), label, limits: context.limits(label) })
    }

    /// Dabs from the last one on to a place, at equal distances.
    fn dabs(&mut self, to: [f64; 3], context: &ToolContext) -> Vec<ToolAction> {
        let normal = context.grid().plane_axes(self.plane).normal.index();
        let from = DVec3::from(self.last);
        // Scrolled with the button down: a disc starts again in the other slice.
        if !context.options.sphere && from[normal].round() != to[normal].round() {
            return self.dab(to, context).into_iter().collect();
        }
        let to = DVec3::from(to);
        let grid = context.grid();
        let way = grid.patient_of(from).distance(grid.patient_of(to));
        let spacing = grid.spacing();
        let pixel = spacing[0].min(spacing[1]);
        let step = (context.options.radius(grid) * STEP).max(pixel).max(way / MOST_DABS as f64);
        let count = (way / step) as usize;
        let place = |dab: usize| from.lerp(to, (dab as f64 * step / way).min(1.0)).to_array();
        (1..=count).filter_map(|dab| self.dab(place(dab), context)).collect()
    }
}

/// What is under the middle of a dab.
fn middle(effect: &EffectAt, context: &ToolContext) -> Option<Tissue> {
    let scene = &context.scene;
    let (_, values) = effect.step.resolve(scene.labels, None).ok()?;
    let scene = Scene {
        scope: effect.scope.clone(),
        ..Scene::new(scene.volume, scene.mask, scene.labels, scene.label)
    };
    Tissue::of_middle(&scene, &values).ok()
}

impl SmartBrush {
    fn preview(&self, event: &PointerEvent, context: &ToolContext) -> ToolAction {
        let erase = match &self.state {
            State::Drawing(stroke) => stroke.erase,
            _ => event.modifiers.ctrl,
        };
        ToolAction::Preview(event.slice(context.grid()).map(|slice| {
            let rim = context.circle(event.plane, event.voxel);
            let mut preview = Preview::outline(event.plane, slice, rim, context.label(erase));
            if let Input::Level(_) = event.input {
                let deviations = context.options.deviations();
                preview.words = Some((event.voxel, format!("{deviations:.1} deviations")));
            }
            preview
        }))
    }
}

impl Gesture for SmartBrush {
    fn event(&mut self, event: &PointerEvent, context: &ToolContext) -> Vec<ToolAction> {
        match (&mut self.state, event.input) {
            (State::Idle, Input::Press(button)) => {
                let window = Window::default_for(context.scene.volume);
                let mut stroke = Stroke {
                    button,
                    erase: event.erases(),
                    plane: event.plane,
                    last: event.voxel,
                    tissue: None,
                    frozen: event.modifiers.shift,
                    floor: f64::from(window.high() - window.low()) / 100.0,
                };
                let mut actions = vec![ToolAction::Begin { tool: TOOL.id }];
                actions.extend(stroke.dab(event.voxel, context));
                self.state = State::Drawing(stroke);
                actions.push(self.preview(event, context));
                actions
            }
            (State::Drawing(stroke), Input::Drag) if stroke.plane == event.plane => {
                let mut actions = stroke.dabs(event.voxel, context);
                actions.push(self.preview(event, context));
                actions
            }
            (State::Drawing(stroke), Input::Release(released)) if stroke.button == released => {
                // The last stretch is shorter than the way from dab to dab.
                let moved = stroke.last.map(f64::round) != event.voxel.map(f64::round);
                let last = if moved { stroke.dab(event.voxel, context) } else { None };
                self.state = State::Idle;
                last.into_iter().chain([ToolAction::Commit, self.preview(event, context)]).collect()
            }
            (State::Drawing(_), Input::Escape | Input::Press(_)) => {
                self.state = State::Cancelled;
                vec![ToolAction::Abort, self.preview(event, context)]
            }
            (State::Cancelled, Input::Release(_) | Input::Hover) => {
                self.state = State::Idle;
                vec![self.preview(event, context)]
            }
            (State::Idle, Input::Leave) => vec![ToolAction::Preview(None)],
            (
                _,
                Input::Hover | Input::Drag | Input::Wheel(_) | Input::Level(_) | Input::Grow | Input::Shrink,
            ) => {
                vec![self.preview(event, context)]
            }
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> &'static str {
        match &self.state {
            State::Idle => {
                "Begin inside what you mean, and drag; right-drag or Ctrl+drag erases, Shift keeps to the first place; {Smaller brush} {Larger brush} or Shift+wheel: radius"
            }
            State::Drawing(stroke) if stroke.frozen => {
                "Keeps to what is under the first place; release to finish, Escape or the other button to cancel"
            }
            State::Drawing(_) => "Release to finish, Escape or the other button to cancel",
            State::Cancelled => "Cancelled: release the button",
        }
    }

    fn busy(&self) -> bool {
        !matches!(self.state, State::Idle)
    }
}
