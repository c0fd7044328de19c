//! Two models or two images beside each other: A is the active image with the model in use, B what is put beside it. Crosshair,
//! slice, zoom and window are those of A.

mod head;
mod pill;
mod row;

pub use head::{choose, paint_letter};
pub use row::show as show_row;

use super::frame::ViewFrame;
use super::words::{Words, text};
use super::{Scene, Views, difference, overlay, slice_view};
use crate::geom::Grid;
use crate::gpu::SliceCallback;
use crate::tools::Toolbox;
use crate::ui::arrangement::Arrangement;
use crate::ui::comparing::place;
use crate::ui::outbox::Outbox;
use crate::ui::reading::as_painted;
use crate::ui::theme::{self, canvas};
use crate::ui::view_state::{How, PlaneViewState, Side, ViewState};
use crate::volume::Volume;
use crate::workspace::Command;
use egui::{
    Align2, Area, CursorIcon, Id, Order, Painter, Rect, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use glam::DVec2;
use std::time::Duration;

/// What B keeps from frame to frame: the pointer over it moves the crosshair and the image, and draws nothing.
#[derive(Default)]
pub struct Other {
    views: Views,
    toolbox: Toolbox,
    difference: difference::Kept,
    /// It is the image that A is of.
    is_same_image: bool,
}

impl Other {
    /// Voxel coordinates below a pointer over B, where they are those of A.
    pub fn pointed_at(&self) -> Option<[f64; 3]> {
        self.views.pointer.pointed_at().filter(|_| self.is_same_image)
    }
}

/// Between A and B, in points.
const GAP: f32 = 2.0;
/// Seconds for which each is shown in [`How::Blink`].
const BLINK: f64 = 1.0;

/// B: what is shown, and whether it has the place that A shows.
#[derive(Clone, Copy)]
struct Beside<'a> {
    scene: Scene<'a>,
    is_there: bool,
}

pub fn show(
    ui: &mut Ui,
    rect: Rect,
    scene: &Scene,
    view_state: &mut ViewState,
    toolbox: &mut Toolbox,
    views: &mut Views,
    out: &mut Outbox,
) {
    let plane = scene.document.native_plane();
    let compared = view_state.compared(scene.workspace, scene.document);
    let (heads, body) = rect.split_top_bottom_at_y(rect.top() + head::HEIGHT);
    let [left, right] = halves(body);
    for (side, rect) in Side::BOTH.into_iter().zip(halves(heads)) {
        head::show(ui, rect, side, scene, compared.as_ref(), view_state, out);
    }
    let document = compared.as_ref().and_then(|compared| scene.workspace.document(compared.document));
    let Some((compared, document)) = compared.as_ref().zip(document) else {
        views.view(ui, left, plane, scene, view_state, toolbox, out);
        return head::nothing(ui, right, scene, view_state);
    };
    let grid = document.volume().grid();
    let there = grid.voxel_in(scene.document.volume().grid(), place(scene.cursor));
    let beside = Beside {
        scene: Scene {
            document,
            version: compared.version.as_ref(),
            cursor: grid.nearest_voxel(there),
            is_other: true,
            ..*scene
        },
        is_there: grid.voxel_at(there).is_some(),
    };
    // Nothing of an image lies below what is clicked.
    let (body, below) = body.split_top_bottom_at_y(body.bottom() - pill::HEIGHT);
    let [left, right] = halves(body);
    // It is taken out for as long as it is drawn beside the rest of the views.
    let mut other = views.other.take().unwrap_or_default();
    other.views.marks.refresh(document);
    other.is_same_image = document.id() == scene.document.id();
    let how = match view_state.comparing.how {
        // Two images have no pixels in common.
        How::Difference if document.id() != scene.document.id() => How::Beside,
        how => how,
    };
    match how {
        How::Beside => {
            views.view(ui, left, plane, scene, view_state, toolbox, out);
            show_other(ui, [left, right], scene, &beside, view_state, &mut other, out);
        }
        how => {
            // What lies over it says itself what its colours mean.
            let below = Scene { arrangement: Arrangement::Label, ..*scene };
            views.view(ui, body, plane, &below, view_state, toolbox, out);
            let image = slice_view::image_rect(scene, plane, body);
            match how {
                How::Difference => differs(ui, image, [scene, &beside.scene], view_state, &mut other),
                How::Swipe => {
                    let line = swipe_line(ui, image, view_state);
                    over(ui, image, image.with_min_x(line), scene, &beside, view_state, &mut other);
                    for (width, color) in [(3.5, canvas::SHADE), (1.5, canvas::CURSOR)] {
                        ui.painter().vline(line, image.y_range(), Stroke::new(width, color));
                    }
                }
                _ if shows_b(ui, view_state) => {
                    over(ui, image, image, scene, &beside, view_state, &mut other);
                }
                _ => {}
            }
        }
    }
    views.other = Some(other);
    pill::show(ui, below, document.id() != scene.document.id(), view_state);
}

fn halves(rect: Rect) -> [Rect; 2] {
    let middle = rect.center().x.round();
    [rect.with_max_x(middle - GAP / 2.0), rect.with_min_x(middle + GAP / 2.0)]
}

/// An image as it lies in a view.
fn frame_of(volume: &Volume, cursor: [usize; 3], rect: Rect, look: PlaneViewState, ppp: f32) -> ViewFrame {
    ViewFrame::new(volume, volume.grid().native_plane(), cursor, rect, look, ppp)
}

/// Zoom and place with which another image with the crosshair at a voxel shows in `rect` what an image shows in its view, equally
/// large.
fn carried(
    (volume, frame, look): (&Volume, &ViewFrame, PlaneViewState),
    (other, cursor, rect): (&Volume, [usize; 3], Rect),
    ppp: f32,
) -> PlaneViewState {
    let fitted = frame_of(other, cursor, rect, PlaneViewState::default(), ppp);
    let (own, other) = (other.grid(), volume.grid());
    let middle = own.voxel_in(other, frame.voxel_at(frame.rect.center()));
    let (_, pixel) = fitted.axes.pixel_of_voxel(fitted.dims, middle);
    let magnify = if own.shares_millimetres(other) { frame.zoom / fitted.zoom } else { look.magnify };
    PlaneViewState { magnify, center: Some(DVec2::from(pixel) + 0.5) }
}

/// Whether one window of grey levels suits both.
fn share_window(a: &Scene, b: &Scene) -> bool {
    let (a, b) = (a.document.volume(), b.document.volume());
    a.modality() == b.modality() && a.channels() == b.channels()
}

/// B in a view of its own. What is done there is done to A.
fn show_other(
    ui: &mut Ui,
    [left, right]: [Rect; 2],
    scene: &Scene,
    beside: &Beside,
    view_state: &mut ViewState,
    other: &mut Other,
    out: &mut Outbox,
) {
    let b = &beside.scene;
    if !beside.is_there {
        return absent(ui.painter(), right, b);
    }
    let ppp = ui.ctx().pixels_per_point();
    let [a_volume, b_volume] = [scene, b].map(|of| of.document.volume());
    let [a_plane, b_plane] = [scene, b].map(|of| of.document.native_plane());
    let rects = [slice_view::image_rect(scene, a_plane, left), slice_view::image_rect(b, b_plane, right)];
    let a = view_state.image(scene.document);
    let (a_look, tone) = (a.planes[a_plane as usize], a.tone);
    let linked = view_state.comparing.linked;
    let look = if linked {
        let frame = frame_of(a_volume, scene.cursor, rects[0], a_look, ppp);
        carried((a_volume, &frame, a_look), (b_volume, b.cursor, rects[1]), ppp)
    } else {
        view_state.comparing.own
    };
    // The look that the image has elsewhere stays as it is.
    let elsewhere = view_state.image(b.document).clone();
    let shown = view_state.image(b.document);
    *shown.plane_mut(b_plane) = look;
    if share_window(scene, b) {
        shown.tone = tone;
    }
    let before = shown.tone;
    let mut own = Outbox::default();
    let mut view = ui.new_child(UiBuilder::new().max_rect(right).id_salt("B"));
    slice_view::show(&mut view, b_plane, b, view_state, &mut other.toolbox, &mut other.views, &mut own);
    let mut after = std::mem::replace(view_state.image(b.document), elsewhere);
    let moved = *after.plane_mut(b_plane);
    if moved != look && linked {
        let frame = frame_of(b_volume, b.cursor, rects[1], moved, ppp);
        let look = carried((b_volume, &frame, moved), (a_volume, scene.cursor, rects[0]), ppp);
        *view_state.image(scene.document).plane_mut(a_plane) = look;
    }
    view_state.comparing.own = moved;
    if after.tone != before {
        let of = if share_window(scene, b) { scene.document } else { b.document };
        view_state.image(of).tone = after.tone;
    }
    for command in own.commands {
        if let Command::Cursor(voxel) = command {
            let of_a = in_a((a_volume.grid(), scene.cursor), (b_volume.grid(), b.cursor), voxel);
            out.command(Command::Cursor(of_a));
        }
    }
}

/// The voxel of A for a voxel of B that the crosshair is to go to. Each with its grid: where the crosshair is.
fn in_a((a, at): (&Grid, [usize; 3]), (b, from): (&Grid, [usize; 3]), to: [usize; 3]) -> [usize; 3] {
    let mut found = a.nearest_voxel(a.voxel_in(b, place(to)));
    // The slices of B may be closer than those of A: one on is one on all the same.
    if found == at && to[2] != from[2] && to[..2] == from[..2] {
        let normal = a.plane_axes(a.native_plane()).normal.index();
        let by = (a.voxel_in(b, place(to)) - a.voxel_in(b, place(from)))[normal].signum() as i64;
        found[normal] = (found[normal] as i64 + by).clamp(0, a.dims()[normal] as i64 - 1) as usize;
    }
    found
}

/// B over A, within a part of A's view.
fn over(
    ui: &Ui,
    image: Rect,
    part: Rect,
    scene: &Scene,
    beside: &Beside,
    view_state: &mut ViewState,
    other: &mut Other,
) {
    let (b, painter) = (&beside.scene, ui.painter().with_clip_rect(part.intersect(ui.clip_rect())));
    painter.rect_filled(part, 0.0, canvas::GROUND);
    if !beside.is_there {
        return absent(&painter, part, b);
    }
    let ppp = ui.ctx().pixels_per_point();
    let a = view_state.image(scene.document);
    let (look, tone) = (a.planes[scene.document.native_plane() as usize], a.tone);
    let [a_volume, b_volume] = [scene, b].map(|of| of.document.volume());
    let frame = frame_of(a_volume, scene.cursor, image, look, ppp);
    let look = carried((a_volume, &frame, look), (b_volume, b.cursor, image), ppp);
    let frame = frame_of(b_volume, b.cursor, image, look, ppp);
    let reformat = &mut other.views.reformats[frame.plane as usize];
    let mut draw = slice_view::describe(b, &frame, view_state, reformat, ppp);
    if share_window(scene, b) {
        draw.tone = tone;
    }
    painter.add(SliceCallback::shape(image, draw));
    let _words = drawn_over(&painter, b, &frame, view_state);
}

/// What only one of the two predicts, over A's view.
fn differs(ui: &Ui, image: Rect, [a, b]: [&Scene; 2], view_state: &mut ViewState, other: &mut Other) {
    let painter = ui.painter().with_clip_rect(image.intersect(ui.clip_rect()));
    let look = view_state.image(a.document).planes[a.document.native_plane() as usize];
    let ppp = ui.ctx().pixels_per_point();
    let frame = frame_of(a.document.volume(), a.cursor, image, look, ppp);
    let reformat = &mut other.views.reformats[frame.plane as usize];
    let mut draw = slice_view::describe(a, &frame, view_state, reformat, ppp);
    if let Err(why) = other.difference.put(&mut draw, [a, b], view_state.difference_opacity) {
        return difference::missing(&mut Words::over(&painter, image), why);
    }
    painter.add(SliceCallback::shape(image, draw));
    let mut words = drawn_over(&painter, a, &frame, view_state);
    difference::legend(&mut words, ["only A", "only B"]);
}

/// What stands over a slice that was drawn anew.
fn drawn_over<'a>(
    painter: &'a Painter,
    scene: &Scene,
    frame: &ViewFrame,
    view_state: &ViewState,
) -> Words<'a> {
    if view_state.crosshair && scene.document.depth() > 1 {
        overlay::crosshair(painter, frame, scene.cursor);
    }
    let mut words = Words::over(painter, frame.rect);
    overlay::head(&mut words, frame, scene, view_state);
    if scene.predicted_labels(frame.slice).is_some() {
        overlay::demonstration(&mut words, scene);
    }
    overlay::foot(&mut words, frame, scene, view_state);
    words
}

fn absent(painter: &Painter, rect: Rect, b: &Scene) {
    painter.rect_filled(rect, 0.0, canvas::GROUND);
    let words = format!("This place is not in {}", as_painted(b.document.name()));
    text(painter, rect.center(), Align2::CENTER_CENTER, &words, theme::body(), canvas::WEAK);
}

/// Where the line between A and B is: it can be drawn aside. What is held lies over the view, which does not hear of that.
fn swipe_line(ui: &Ui, image: Rect, view_state: &mut ViewState) -> f32 {
    const REACH: f32 = 8.0;
    let comparing = &mut view_state.comparing;
    let at = |share: f32| (image.left() + image.width() * share).round();
    let size = vec2(2.0 * REACH, image.height());
    let grip = Rect::from_min_size(pos2(at(comparing.line) - REACH, image.top()), size);
    let area = Area::new(Id::unique("swipe")).order(Order::Middle).fixed_pos(grip.min).constrain(false);
    area.show(ui.ctx(), |ui| {
        let (_, response) = ui.allocate_exact_size(grip.size(), Sense::drag());
        response.widget_info(|| WidgetInfo::slider(true, f64::from(comparing.line), "Line between A and B"));
        if let Some(pointer) = response.interact_pointer_pos() {
            comparing.line = ((pointer.x - image.left()) / image.width()).clamp(0.0, 1.0);
        }
        response.on_hover_cursor(CursorIcon::ResizeHorizontal);
    });
    at(comparing.line)
}

/// Whether B is in front, where the two are shown one after the other.
fn shows_b(ui: &Ui, view_state: &ViewState) -> bool {
    if theme::is_motion_reduced(ui.ctx()) {
        return view_state.comparing.turned;
    }
    let time = ui.input(|i| i.time);
    let left = BLINK - time.rem_euclid(BLINK);
    ui.ctx().request_repaint_after(Duration::from_secs_f64(left));
    (time / BLINK) as u64 % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::{Frame, Grid, Unit};
    use crate::volume::{Modality, Samples};
    use glam::{DAffine3, DVec3};

    fn volume(dims: [usize; 3], spacing: [f64; 3], origin: [f64; 3]) -> Volume {
        let affine =
            DAffine3 { translation: DVec3::from(origin), ..DAffine3::from_scale(DVec3::from(spacing)) };
        let grid = Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap();
        let samples = Samples::U8(vec![0; grid.voxel_count()].into());
        Volume::new(grid, samples, [1.0, 0.0], Modality::Ct).unwrap()
    }

    #[test]
    fn two_images_are_shown_equally_large_with_the_same_place_in_the_middle() {
        let a = volume([100, 80, 10], [1.0, 1.0, 5.0], [0.0; 3]);
        let b = volume([50, 60, 40], [3.0, 3.0, 1.5], [-20.0, -30.0, -4.0]);
        let rects = [0.0, 300.0].map(|left| Rect::from_min_size(pos2(left, 0.0), vec2(300.0 + left, 400.0)));
        let look = PlaneViewState { magnify: 2.5, center: Some(DVec2::new(30.5, 20.5)) };
        let from = frame_of(&a, [0, 0, 4], rects[0], look, 1.0);
        let cursor = b.grid().nearest_voxel(b.grid().voxel_in(a.grid(), place([0, 0, 4])));
        let shown = carried((&a, &from, look), (&b, cursor, rects[1]), 1.0);
        let frame = frame_of(&b, cursor, rects[1], shown, 1.0);
        assert!((frame.zoom - from.zoom).abs() < 1e-9, "{} and {}", frame.zoom, from.zoom);
        let middle = |volume: &Volume, frame: &ViewFrame| {
            volume.grid().patient_of(frame.voxel_at(frame.rect.center()))
        };
        let apart = middle(&b, &frame) - middle(&a, &from);
        assert!(apart.truncate().length() < 1e-6, "{apart}");
        let back = carried((&b, &frame, shown), (&a, [0, 0, 4], rects[0]), 1.0);
        assert!((back.magnify - look.magnify).abs() < 1e-9);
        assert!((back.center.unwrap() - look.center.unwrap()).length() < 1e-6);
    }

    #[test]
    fn a_step_through_closer_slices_is_a_step_all_the_same() {
        let a = volume([10, 10, 10], [1.0, 1.0, 5.0], [0.0; 3]);
        let b = volume([10, 10, 45], [1.0, 1.0, 1.0], [0.0; 3]);
        let step = |from, by: i64| {
            let b_at = b.grid().nearest_voxel(b.grid().voxel_in(a.grid(), place(from)));
            let to = [b_at[0], b_at[1], (b_at[2] as i64 + by) as usize];
            in_a((a.grid(), from), (b.grid(), b_at), to)
        };
        assert_eq!(step([3, 4, 5], 1), [3, 4, 6]);
        assert_eq!(step([3, 4, 5], -1), [3, 4, 4]);
        assert_eq!(step([3, 4, 5], 10), [3, 4, 7], "as far as it goes");
        assert_eq!(in_a((a.grid(), [3, 4, 5]), (b.grid(), [3, 4, 25]), [6, 4, 25]), [6, 4, 5]);
    }
}
