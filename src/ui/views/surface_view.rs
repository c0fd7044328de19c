//! The labels in three dimensions.

use super::pointer::{ZOOM_PER_NOTCH, ZOOM_PER_POINT, notches};
use super::words::{EDGE, Words, text};
use super::{Scene, overlay};
use crate::geom::Grid;
use crate::gpu::{Camera, LabelColors, SurfaceCallback, SurfaceDraw, Turn, corners};
use crate::ui::keys::{Mode, MouseAction, PointerState, Trigger, mouse_action};
use crate::ui::theme::{self, canvas};
use crate::ui::view_state::{Beside, Layout, Pane, ViewState};
use crate::workspace::{Document, SurfaceOf, Workspace};
use egui::{
    Align2, Color32, CursorIcon, FontId, Painter, PointerButton, Pos2, Rect, Response, Role, Sense, Stroke,
    Ui, Vec2, WidgetInfo, pos2, vec2,
};
use glam::{DVec2, DVec3};
use std::sync::Arc;
use std::time::Duration;

/// How often a newer surface is looked for while it is being made.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// `says`: no other view says what the prediction is worth.
pub fn show(ui: &mut Ui, scene: &Scene, view_state: &mut ViewState, says: bool) {
    let Scene { workspace, document, .. } = *scene;
    let (rect, grid) = (ui.max_rect(), document.volume().grid());
    ui.painter().rect_filled(rect, 0.0, canvas::GROUND);
    let response = ui.interact(rect, ui.scope_id().with("surface"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "3-D view"));
    if response.hovered() {
        view_state.image(document).focus = Pane::Surface;
        ui.set_cursor_icon(if response.dragged() { CursorIcon::Grabbing } else { CursorIcon::Grab });
    }
    let turn = &mut view_state.image(document).turn;
    *turn = handled(ui, &response, *turn);

    let ppp = ui.ctx().pixels_per_point();
    let size = [rect.width(), rect.height()].map(|v| f64::from((v * ppp).round()));
    let camera = Camera::new(grid, *turn, size);
    let painter = ui.painter().with_clip_rect(rect);
    let on_screen = |patient: DVec3| {
        let at = camera.target_of(patient) / f64::from(ppp);
        rect.min + vec2(at.x as f32, at.y as f32)
    };
    let surface = workspace.surface().filter(|surface| !surface.is_empty());
    outline(&painter, grid, on_screen);
    let mut words = Words::over(&painter, rect);
    take_head(&mut words, view_state.image(document).layout);
    letters(&mut words, grid, &camera, on_screen, false);
    if let Some(surface) = surface {
        let colors = colors(workspace, document, view_state);
        let draw = SurfaceDraw { surface: Arc::clone(surface), colors, camera };
        painter.add(SurfaceCallback::shape(rect, draw));
        crosshair(&painter, on_screen(grid.patient_of(DVec3::from(document.cursor().map(|c| c as f64)))));
    }
    letters(&mut words, grid, &camera, on_screen, true);
    write(&mut words, scene, view_state, [surface.is_some(), says]);
    overlay::scale_bar(&mut words, camera.zoom() / f64::from(ppp), grid);
    super::frame_of_focus(ui, rect, Pane::Surface, view_state.image(document));
    if workspace.surface_is_behind() {
        ui.ctx().request_repaint_after(LOOK_AGAIN);
    }
}

/// What of the labels is shown beside the planes; over the view's upper right corner.
pub fn choice(ui: &mut Ui, rect: Rect, scene: &Scene, view_state: &mut ViewState) {
    let of_prediction =
        matches!(view_state.surface_of(scene.workspace, scene.document), Some(SurfaceOf::Prediction { .. }));
    let image = view_state.image(scene.document);
    let shown = match image.beside_in(image.layout) {
        Beside::Labels if of_prediction => Beside::Prediction,
        Beside::Labels => Beside::Mask,
        other => other,
    };
    let choices = choices(image.layout);
    let mut right = rect.right() - EDGE;
    for &(beside, name) in choices.iter().rev() {
        let color = if beside == shown { canvas::TEXT } else { canvas::WEAK };
        let galley = ui.painter().layout_no_wrap(name.to_owned(), theme::small(), color);
        let size = galley.size() + vec2(12.0, 6.0);
        let place = Rect::from_min_size(pos2(right - size.x, rect.top() + EDGE - 4.0), size);
        right = place.left() - 2.0;
        let response = ui.interact(place, ui.scope_id().with(name), Sense::click());
        response.widget_info(|| {
            WidgetInfo::selected(Role::Tab, true, beside == shown, format!("{name} beside the planes"))
        });
        let p = theme::of(true);
        let ground = match (beside == shown, response.hovered()) {
            (true, _) => p.active,
            (false, true) => p.raised,
            (false, false) => Color32::TRANSPARENT,
        };
        ui.painter().rect_filled(place, 4.0, ground);
        ui.painter().galley(place.center() - galley.size() / 2.0, galley, color);
        if response.clicked() {
            image.beside = beside;
        }
    }
}

fn choices(layout: Layout) -> &'static [(Beside, &'static str)] {
    match layout {
        Layout::Four | Layout::OneAndThree => {
            &[(Beside::Mask, "Mask"), (Beside::Prediction, "Prediction"), (Beside::Slices, "Slices")]
        }
        Layout::One(_) | Layout::Two => &[(Beside::Mask, "Mask"), (Beside::Prediction, "Prediction")],
    }
}

/// Turns, moves and zooms the volume as the pointer says.
fn handled(ui: &Ui, response: &Response, mut turn: Turn) -> Turn {
    let (modifiers, space) = ui.input(|i| (i.modifiers, i.key_down(egui::Key::Space)));
    let pointer = PointerState { modifiers, space, mode: Mode::Turn };
    // In heights of the view, as a turn counts.
    let share =
        |v: Vec2| DVec2::new(f64::from(v.x), f64::from(v.y)) / f64::from(response.rect.height().max(1.0));
    let button = [PointerButton::Primary, PointerButton::Middle, PointerButton::Secondary]
        .into_iter()
        .find(|&button| response.dragged_by(button));
    if let Some(button) = button {
        let by = response.drag_delta();
        match mouse_action(Trigger::Drag(button), pointer) {
            Some(MouseAction::Turn) => turn = turn.turned(share(by)),
            Some(MouseAction::Pan) => turn.moved += share(by),
            Some(MouseAction::Zoom) => {
                turn = turn.zoomed((-f64::from(by.y) * ZOOM_PER_POINT).exp(), turn.moved);
            }
            _ => {}
        }
    }
    if response.double_clicked() && mouse_action(Trigger::DoubleClick, pointer) == Some(MouseAction::Fit) {
        turn = Turn::default();
    }
    if let Some(at) = response.hover_pos() {
        let notches = ui.input(|i| i.events.iter().map(notches).sum::<f64>());
        if notches != 0.0 && mouse_action(Trigger::Wheel, pointer) == Some(MouseAction::Zoom) {
            turn = turn.zoomed(ZOOM_PER_NOTCH.powf(notches), share(at - response.rect.center()));
        }
    }
    turn
}

/// The colours of the document's labels, and of those that the model would bring along.
fn colors(workspace: &Workspace, document: &Document, view_state: &ViewState) -> LabelColors {
    let predicted = matches!(view_state.surface_of(workspace, document), Some(SurfaceOf::Prediction { .. }));
    let model = document.model().filter(|_| predicted).and_then(|version| workspace.model(version));
    match model {
        Some(model) => LabelColors::of(&document.wanted_labels(&model.card).1),
        None => LabelColors::of(document.labels()),
    }
}

/// The volume's edges, behind everything.
fn outline(painter: &Painter, grid: &Grid, on_screen: impl Fn(DVec3) -> Pos2) {
    let corners = corners(grid).map(on_screen);
    for (from, to) in
        (0..3).flat_map(|a| (0..8).filter(move |c| c >> a & 1 == 0).map(move |c| (c, c | 1 << a)))
    {
        painter.line_segment([corners[from], corners[to]], Stroke::new(1.0, canvas::GAP));
    }
}

/// Anatomical letters where the volume's axes end: those before the volume, or those behind it.
fn letters(
    words: &mut Words,
    grid: &Grid,
    camera: &Camera,
    on_screen: impl Fn(DVec3) -> Pos2,
    in_front: bool,
) {
    let Some(letters) = grid.end_letters() else { return };
    let corners = corners(grid);
    let center = (corners[0] + corners[7]) / 2.0;
    for (axis, ends) in letters.into_iter().enumerate() {
        let half = (corners[1 << axis] - corners[0]) / 2.0;
        for (letter, direction) in [(ends[0], -half), (ends[1], half)] {
            let towards = camera.towards_viewer(direction);
            // Along the line of sight it would stand before what is looked at.
            if towards.abs() > 0.93 || (towards > 0.0) != in_front {
                continue;
            }
            let at = on_screen(center + direction * 1.08);
            let color = if in_front { canvas::TEXT } else { canvas::WEAK.gamma_multiply(0.7) };
            let font = FontId::proportional(13.0);
            words.put(at, Align2::CENTER_CENTER, &letter.to_string(), font, color);
        }
    }
}

/// Where the crosshair of the planes is.
fn crosshair(painter: &Painter, at: Pos2) {
    for (width, color) in [(3.0, canvas::SHADE), (1.0, canvas::CURSOR)] {
        painter.circle_stroke(at, 4.0, Stroke::new(width, color));
    }
}

/// Has no room for words and choices in one line, in points.
const NARROW: f32 = 420.0;

/// Takes the place of what stands at the upper edge, which letters keep away from: the name of the view, and what can be chosen.
fn take_head(words: &mut Words, layout: Layout) {
    let (view, small) = (words.view(), theme::small());
    let wide =
        |text: &str| words.painter().layout_no_wrap(text.to_owned(), small.clone(), canvas::TEXT).size().x;
    let chosen: f32 = choices(layout).iter().map(|(_, name)| wide(name) + 14.0).sum();
    let place = |from: f32, to: f32| Rect::from_x_y_ranges(from..=to, view.top()..=view.top() + 27.0);
    let title = place(view.left(), view.left() + EDGE + wide(TITLE) + 4.0);
    let choice = place(view.right() - EDGE - chosen, view.right());
    words.take(choice.intersect(view));
    words.take(title.intersect(view));
}

const TITLE: &str = "3-D";

/// `there`: something is drawn. `says`: no other view says what the prediction is worth.
fn write(words: &mut Words, scene: &Scene, view_state: &ViewState, [there, says]: [bool; 2]) {
    let Scene { workspace, document, .. } = *scene;
    let (corner, small) = (words.view().min + Vec2::splat(EDGE), theme::small());
    let title = text(words.painter(), corner, Align2::LEFT_TOP, TITLE, small.clone(), canvas::TEXT);
    let of_prediction =
        matches!(view_state.surface_of(workspace, document), Some(SurfaceOf::Prediction { .. }));
    if let Some(missing) = overlay::predicted_words(workspace, document).filter(|_| of_prediction) {
        // In a narrow view the choices are beside the title.
        let at = match words.view().width() < NARROW {
            true => pos2(corner.x, title.bottom() + 4.0),
            false => pos2(title.right() + 8.0, corner.y),
        };
        words.head(at, Align2::LEFT_TOP, &missing, small.clone(), canvas::WEAK);
    }
    if there {
        if of_prediction && says {
            overlay::demonstration(words, scene);
        }
        return;
    }
    let why = match (workspace.surface_is_behind(), of_prediction) {
        (true, _) => "Making the surface…",
        (false, true) => "Nothing is predicted yet",
        (false, false) => "The mask is empty: paint, or accept a prediction",
    };
    words.put(words.view().center(), Align2::CENTER_CENTER, why, small, canvas::WEAK);
}
