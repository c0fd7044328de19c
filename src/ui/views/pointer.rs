use super::frame::ViewFrame;
use crate::geom::Plane;
use crate::tools::{Button, Input, Modifiers, PointerEvent, Preview, Scene, ToolAction, Toolbox};
use crate::ui::keyboard::take_from_row;
use crate::ui::keys::{Mode, MouseAction, PointerState, Trigger, mouse_action};
use crate::ui::outbox::Outbox;
use crate::ui::view_state::{ImageViewState, Pane, ViewState};
use crate::volume::Window;
use crate::workspace::{Command, Document, EditCommand};
use egui::{Event, MouseWheelUnit, PointerButton, Pos2, Response, Ui};

/// The pointer over the views: what it holds, and what the tool shows of it.
#[derive(Debug, Default)]
pub struct Pointer {
    held: Option<Held>,
    /// The view that the pointer was over last.
    over: Option<Plane>,
    pub preview: Option<Preview>,
    /// Where the pointer was last: view and voxel coordinates.
    last: Option<(Plane, [f64; 3])>,
    /// Parts of a notch that the wheel has turned.
    turned: f64,
}

/// A button that was pressed in a view and is still down.
#[derive(Clone, Copy, Debug)]
struct Held {
    plane: Plane,
    button: PointerButton,
    action: MouseAction,
    last: Pos2,
}

/// What has happened to the pointer, in order.
enum PointerInput {
    Moved(Pos2),
    Pressed(PointerButton, Pos2),
    Released(PointerButton, Pos2),
}

/// A wheel that counts points and not lines turns a notch with this many.
const POINTS_PER_NOTCH: f64 = 40.0;

pub(super) const ZOOM_PER_NOTCH: f64 = 1.15;
/// The natural logarithm of the zoom, for each point that is dragged upwards.
pub(super) const ZOOM_PER_POINT: f64 = 0.008;

impl Pointer {
    /// What the tool asks for. The rest of the window does the same with what keys make tools do.
    pub fn take(&mut self, actions: Vec<ToolAction>, out: &mut Outbox) {
        for action in actions {
            match action {
                ToolAction::Begin { tool } => out.edit(EditCommand::Begin { tool: tool.to_owned() }),
                ToolAction::Draw { shape, label, limits } => {
                    out.edit(EditCommand::Draw { shape, label, limits })
                }
                ToolAction::Commit => out.edit(EditCommand::Commit),
                ToolAction::Abort => out.edit(EditCommand::Abort),
                ToolAction::Measure(command) => out.command(Command::Measure(command)),
                ToolAction::MoveCursor(voxel) => out.command(Command::Cursor(voxel)),
                ToolAction::Preview(preview) => self.preview = preview,
            }
        }
    }

    /// Voxel coordinates where the pointer was last in a view.
    pub fn last_voxel(&self, plane: Plane) -> Option<[f64; 3]> {
        self.last.filter(|l| l.0 == plane).map(|l| l.1)
    }

    /// The view that the pointer is over, and the voxel coordinates below it.
    pub fn pointed_at(&self) -> Option<[f64; 3]> {
        self.over.and(self.last).map(|l| l.1)
    }

    /// Handles what the pointer has done in one view.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of the window that the pointer acts on, borrowed apart"
    )]
    pub fn over_view(
        &mut self,
        ui: &Ui,
        response: &Response,
        frame: &ViewFrame,
        scene: &Scene,
        document: &Document,
        toolbox: &mut Toolbox,
        view_state: &mut ViewState,
        out: &mut Outbox,
    ) {
        let hovered = response.contains_pointer();
        if hovered {
            take_from_row(ui.ctx());
            view_state.image(document).focus = Pane::Plane(frame.plane);
            if let Some(at) = ui.input(|i| i.pointer.latest_pos()) {
                self.over = Some(frame.plane);
                self.last = Some((frame.plane, frame.voxel_at(at).to_array()));
            }
        }
        let every_place = toolbox.tool().kind.follows_path();
        let (inputs, modifiers, space) =
            ui.input(|i| (inputs(i, every_place), i.modifiers, i.key_down(egui::Key::Space)));
        let mode = if view_state.windowing { Mode::Window } else { Mode::Tool(toolbox.tool().kind) };
        let pointer = PointerState { modifiers, space, mode };
        let keys = Modifiers { ctrl: modifiers.command, shift: modifiers.shift };
        let event = |input, at| PointerEvent {
            input,
            plane: frame.plane,
            voxel: frame.voxel_at(at).to_array(),
            modifiers: keys,
        };
        for input in inputs {
            match (input, self.held) {
                // Not where something that can be clicked lies over the image.
                (PointerInput::Pressed(button, at), None)
                    if response.hovered() && frame.rect.contains(at) =>
                {
                    let Some(action) = mouse_action(Trigger::Drag(button), pointer) else { continue };
                    self.held = Some(Held { plane: frame.plane, button, action, last: at });
                    if is_the_tools(action) {
                        let actions = toolbox.event(&event(Input::Press(tool_button(button)), at), scene);
                        self.take(actions, out);
                    }
                }
                // A second button while one is held tells the tool to stop.
                (PointerInput::Pressed(button, at), Some(held))
                    if held.plane == frame.plane && is_the_tools(held.action) && button != held.button =>
                {
                    let actions = toolbox.event(&event(Input::Press(tool_button(button)), at), scene);
                    self.take(actions, out);
                }
                (PointerInput::Moved(at), Some(held)) if held.plane == frame.plane => {
                    if is_the_tools(held.action) {
                        let actions = toolbox.event(&event(Input::Drag, at), scene);
                        self.take(actions, out);
                    } else {
                        drag(held.action, at - held.last, frame, view_state.image(document));
                    }
                    self.held = Some(Held { last: at, ..held });
                }
                (PointerInput::Released(button, at), Some(held))
                    if held.plane == frame.plane && held.button == button =>
                {
                    if is_the_tools(held.action) {
                        let actions = toolbox.event(&event(Input::Release(tool_button(button)), at), scene);
                        self.take(actions, out);
                    }
                    self.held = None;
                }
                (PointerInput::Moved(at), None) if hovered => {
                    let actions = toolbox.event(&event(Input::Hover, at), scene);
                    self.take(actions, out);
                }
                _ => {}
            }
        }
        if hovered
            && self.held.is_none()
            && response.double_clicked()
            && mouse_action(Trigger::DoubleClick, pointer) == Some(MouseAction::Maximise)
        {
            super::maximise(view_state.image(document), Pane::Plane(frame.plane), frame.dims);
        }
        if hovered {
            self.wheel(ui, frame, pointer, scene, document, toolbox, view_state, out, &event);
        } else if self.over == Some(frame.plane) && self.held.is_none() {
            self.over = None;
            let actions = toolbox.event(&event(Input::Leave, frame.rect.center()), scene);
            self.take(actions, out);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of the window that the pointer acts on, borrowed apart"
    )]
    fn wheel(
        &mut self,
        ui: &Ui,
        frame: &ViewFrame,
        pointer: PointerState,
        scene: &Scene,
        document: &Document,
        toolbox: &mut Toolbox,
        view_state: &mut ViewState,
        out: &mut Outbox,
        event: &dyn Fn(Input, Pos2) -> PointerEvent,
    ) {
        let turned = ui.input(|i| i.events.iter().map(notches).sum::<f64>());
        let (Some(at), true) = (ui.input(|i| i.pointer.latest_pos()), turned != 0.0) else { return };
        match mouse_action(Trigger::Wheel, pointer) {
            Some(MouseAction::Zoom) => {
                let image = view_state.image(document);
                let plane = image.plane_mut(frame.plane);
                *plane = frame.zoomed(*plane, ZOOM_PER_NOTCH.powf(turned), at);
            }
            Some(action @ (MouseAction::BrushSize | MouseAction::Level)) => {
                let size = action == MouseAction::BrushSize;
                let input = if size { Input::Wheel(turned) } else { Input::Level(turned) };
                let actions = toolbox.event(&event(input, at), scene);
                self.take(actions, out);
            }
            Some(action @ (MouseAction::Slice | MouseAction::FiveSlices)) => {
                if self.turned * turned < 0.0 {
                    self.turned = 0.0;
                }
                self.turned += turned;
                let whole = self.turned.trunc();
                self.turned -= whole;
                let step = if action == MouseAction::FiveSlices { 5 } else { 1 };
                // Turning towards the person goes to the next slices.
                let by = -(whole as i64) * step;
                super::move_along(frame.axes.normal, frame.cursor, frame.dims, by, out);
            }
            _ => {}
        }
    }
}

/// What is moved by dragging, other than by a tool.
fn drag(action: MouseAction, by: egui::Vec2, frame: &ViewFrame, image: &mut ImageViewState) {
    match action {
        MouseAction::Pan => {
            let plane = image.plane_mut(frame.plane);
            *plane = frame.panned(*plane, by);
        }
        MouseAction::Zoom => {
            let plane = image.plane_mut(frame.plane);
            *plane = frame.zoomed(*plane, (-f64::from(by.y) * ZOOM_PER_POINT).exp(), frame.rect.center());
        }
        MouseAction::WindowLevel => {
            // To the right is wider, up is brighter; the wider the window, the larger the steps.
            let Window { center, width } = image.tone.window;
            let width = (width * (by.x * 0.006).exp()).max(1e-3);
            image.tone.window = Window { center: center + by.y * width * 0.004, width };
        }
        _ => {}
    }
}

fn is_the_tools(action: MouseAction) -> bool {
    matches!(action, MouseAction::Draw | MouseAction::Erase | MouseAction::MoveCrosshair)
}

fn tool_button(button: PointerButton) -> Button {
    if button == PointerButton::Secondary { Button::Secondary } else { Button::Primary }
}

/// `every_place`: otherwise, of moves that follow each other only the last counts. A mouse may tell of a dozen in one frame, and
/// a tool may have much to do at each.
fn inputs(input: &egui::InputState, every_place: bool) -> Vec<PointerInput> {
    let one = |event: &Event| match *event {
        Event::PointerMoved(at) => Some(PointerInput::Moved(at)),
        Event::PointerButton { pos, button, pressed: true, .. } => Some(PointerInput::Pressed(button, pos)),
        Event::PointerButton { pos, button, pressed: false, .. } => Some(PointerInput::Released(button, pos)),
        _ => None,
    };
    let mut inputs: Vec<PointerInput> = Vec::new();
    for next in input.events.iter().filter_map(one) {
        match (inputs.last_mut(), &next) {
            (Some(last @ PointerInput::Moved(_)), PointerInput::Moved(_)) if !every_place => *last = next,
            _ => inputs.push(next),
        }
    }
    inputs
}

/// Notches of the wheel, positive away from the person.
pub(super) fn notches(event: &Event) -> f64 {
    let Event::MouseWheel { unit, delta, .. } = event else { return 0.0 };
    // With Shift some systems turn the wheel sideways.
    let turned = f64::from(if delta.y == 0.0 { delta.x } else { delta.y });
    match unit {
        MouseWheelUnit::Line => turned,
        MouseWheelUnit::Point => turned / POINTS_PER_NOTCH,
        MouseWheelUnit::Page => turned * 5.0,
    }
}
