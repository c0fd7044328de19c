//! What is written and drawn over a slice: letters, scale bar, crosshair, readings.

use super::Scene;
use super::frame::ViewFrame;
use super::words::{EDGE, Words};
use crate::geom::{Axis, Grid, Unit};
use crate::gpu;
use crate::ui::theme::{self, canvas};
use crate::ui::view_state::ViewState;
use crate::workspace::{Document, LibraryModel, PredictionStatus, Reformat, Workspace};
use egui::{Align2, Color32, FontId, Painter, Rect, Stroke, pos2, vec2};
use glam::DVec3;

pub fn crosshair(painter: &Painter, frame: &ViewFrame, cursor: [usize; 3]) {
    /// Half of what stays free around the crossing, in points.
    const OPEN: f32 = 9.0;
    let at = frame.point_of(DVec3::from(cursor.map(|c| c as f64)));
    let stroke = Stroke::new(1.0, canvas::CROSSHAIR);
    let rect = frame.rect;
    for (from, to) in [
        (pos2(rect.left(), at.y), pos2(at.x - OPEN, at.y)),
        (pos2(at.x + OPEN, at.y), pos2(rect.right(), at.y)),
        (pos2(at.x, rect.top()), pos2(at.x, at.y - OPEN)),
        (pos2(at.x, at.y + OPEN), pos2(at.x, rect.bottom())),
    ] {
        painter.line_segment([from, to], stroke);
    }
}

/// Where a plane crosses the native slices and some of them are not predicted: a line beside those that are.
pub fn predicted_slices(painter: &Painter, frame: &ViewFrame, reformat: &Reformat, shown: bool) {
    let depth = frame.dims[2];
    if frame.axes.normal == Axis::Z || !shown || reformat.is_empty() || (0..depth).all(|z| reformat.has(z)) {
        return;
    }
    let along = if frame.axes.down == Axis::Z { vec2(-4.0, 0.0) } else { vec2(0.0, -4.0) };
    // The corner of the picture from which slices run down, or to the right.
    let corner = |z: f64| {
        frame.point_of(frame.axes.voxel_of_pixel(frame.dims, frame.slice as f64, [-0.5; 2]).with_z(z))
    };
    let stroke = Stroke::new(2.0, theme::of(true).accent);
    let mut z = 0;
    while z < depth {
        let end = (z..depth).find(|&z| !reformat.has(z)).unwrap_or(depth);
        if end > z {
            painter.line_segment([z, end].map(|edge| corner(edge as f64 - 0.5) + along), stroke);
        }
        z = end + 1;
    }
}

/// Anatomical letters on the four sides.
fn letters(words: &mut Words, frame: &ViewFrame, grid: &Grid) {
    let Some([left, right, top, bottom]) = frame.axes.letters(grid) else { return };
    let r = frame.rect;
    let font = FontId::proportional(13.0);
    for (letter, at, align) in [
        (left, pos2(r.left() + EDGE, r.center().y), Align2::LEFT_CENTER),
        (right, pos2(r.right() - EDGE, r.center().y), Align2::RIGHT_CENTER),
        (bottom, pos2(r.center().x, r.bottom() - EDGE), Align2::CENTER_BOTTOM),
    ] {
        words.put(at, align, &letter.to_string(), font.clone(), canvas::TEXT);
    }
    let at = pos2(r.center().x, r.top() + EDGE);
    words.head(at, Align2::CENTER_TOP, &top.to_string(), font, canvas::TEXT);
}

pub fn scale_bar(words: &mut Words, points_per_unit: f64, grid: &Grid) {
    let rect = words.view();
    let longest = f64::from(rect.width() * 0.22).clamp(40.0, 140.0);
    let Some(bar) = gpu::scale_bar(points_per_unit, longest) else { return };
    let right = rect.right() - EDGE;
    let y = rect.bottom() - EDGE - 2.0;
    let left = right - bar.target_px as f32;
    let at = pos2((left + right) / 2.0, y - 6.0);
    let length = bar.text(grid.unit() == Unit::Millimetre);
    let line = Rect::from_x_y_ranges(left..=right, y - 4.0..=y + 4.0);
    if !words.is_free(line)
        || words.put(at, Align2::CENTER_BOTTOM, &length, theme::small(), canvas::TEXT).is_none()
    {
        return;
    }
    words.take(line);
    let painter = words.painter();
    for (width, color) in [(3.5, canvas::SHADE), (1.5, canvas::TEXT)] {
        let stroke = Stroke::new(width, color);
        painter.line_segment([pos2(left, y), pos2(right, y)], stroke);
        painter.line_segment([pos2(left, y - 3.0), pos2(left, y + 3.0)], stroke);
        painter.line_segment([pos2(right, y - 3.0), pos2(right, y + 3.0)], stroke);
    }
}

/// "12 of 48 slices predicted", where a model is in use and has not predicted all of them.
pub fn predicted_words(workspace: &Workspace, document: &Document) -> Option<String> {
    let model = workspace.model(document.model()?);
    if model.is_some_and(LibraryModel::is_untrained) {
        return None;
    }
    let (count, depth) = (workspace.predicted_slices(document.id()).map_or(0, |p| p.len()), document.depth());
    (count < depth).then(|| format!("{count} of {depth} slices predicted"))
}

/// Over a prediction by a model that knows phantoms only: what it is worth.
pub fn demonstration(words: &mut Words, scene: &Scene) {
    if !scene.is_demonstration() {
        return;
    }
    let rect = words.view();
    // The narrower words where there is little room.
    let color = theme::of(true).warn;
    let galley = DEMONSTRATION
        .map(|text| words.painter().layout_no_wrap(text.to_owned(), theme::small(), color))
        .into_iter()
        .find(|galley| galley.size().x < rect.width() - 4.0 * EDGE);
    let Some(galley) = galley else { return };
    let size = galley.size() + vec2(16.0, 6.0);
    let plate = Rect::from_min_size(pos2(rect.center().x - size.x / 2.0, words.below()), size);
    if words.take(plate) {
        words.painter().rect_filled(plate, 4.0, canvas::SHADE);
        words.painter().galley(plate.min + vec2(8.0, 3.0), galley, color);
    }
}

/// What is said of a model of phantoms, and the same in fewer words.
pub const DEMONSTRATION: [&str; 2] =
    ["Demonstration, trained on phantoms: of no use on patients", "Of no use on patients"];

/// Words at the upper right, from the right to the left: a line lower where something stands there already, and not at all where the
/// view has no room for them.
fn upper_right<'a>(words: &mut Words, all: impl IntoIterator<Item = (&'a str, Color32)>) {
    const BETWEEN: f32 = 12.0;
    let (view, small) = (words.view(), theme::small());
    let wide =
        |text: &str| words.painter().layout_no_wrap(text.to_owned(), small.clone(), canvas::TEXT).size();
    let laid: Vec<_> = all.into_iter().map(|(text, color)| (wide(text), text, color)).collect();
    let whole = vec2(
        laid.iter().map(|(size, ..)| size.x + BETWEEN).sum::<f32>() - BETWEEN,
        laid.iter().map(|(size, ..)| size.y).fold(0.0, f32::max),
    );
    let corner = pos2(view.right() - EDGE, view.top() + EDGE);
    let free = |down: &f32| {
        let place = Align2::RIGHT_TOP.anchor_size(corner + vec2(0.0, *down), whole);
        // A little away from the letter.
        words.is_free(place.expand2(vec2(6.0, 1.0)))
    };
    let Some(down) = [0.0, 18.0].into_iter().find(free) else { return };
    let mut at = corner + vec2(0.0, down);
    for (size, text, color) in laid {
        words.head(at, Align2::RIGHT_TOP, text, small.clone(), color);
        at.x -= size.x + BETWEEN;
    }
}

/// Letters on the four sides, plane and slice at the top left, the state of the prediction at the top right.
pub fn head(words: &mut Words, frame: &ViewFrame, scene: &Scene, view_state: &ViewState) {
    let document = scene.document;
    letters(words, frame, document.volume().grid());
    let count = frame.axes.slice_count(frame.dims);
    let corner = frame.rect.min + vec2(EDGE, EDGE);
    let small = theme::small();
    if count > 1
        && let Some(title) =
            words.head(corner, Align2::LEFT_TOP, frame.plane.title(), small.clone(), canvas::TEXT)
    {
        let slice = format!("{} / {count}", frame.slice + 1);
        let at = pos2(title.right() + 8.0, corner.y);
        words.head(at, Align2::LEFT_TOP, &slice, small, canvas::WEAK);
    }
    let native = frame.plane == document.native_plane();
    if native {
        let z = frame.slice;
        let verified = document.is_verified(z).then_some(("Verified", theme::of(true).good));
        let state = match scene.status(z) {
            _ if scene.is_rejected(view_state, z) => Some("Prediction rejected"),
            PredictionStatus::Untrained => Some("The network has learned nothing yet"),
            PredictionStatus::Pending => Some("Predicting…"),
            PredictionStatus::Loading => Some("Loading the model…"),
            PredictionStatus::Failed(_) => Some("No prediction"),
            PredictionStatus::OnRequest => Some("Not predicted yet"),
            PredictionStatus::NoModel | PredictionStatus::Ready(_) | PredictionStatus::Labelled => None,
        };
        upper_right(words, verified.into_iter().chain(state.map(|state| (state, canvas::WEAK))));
    } else if view_state.effect(document).is_none()
        && let Some(predicted) = predicted_words(scene.workspace, document)
    {
        upper_right(words, [(predicted.as_str(), canvas::WEAK)]);
    }
}

/// How long things are at the lower right, and the window of grey levels at the lower left.
pub fn foot(words: &mut Words, frame: &ViewFrame, scene: &Scene, view_state: &ViewState) {
    let document = scene.document;
    scale_bar(words, frame.points_per_unit(), document.volume().grid());
    let Some(image) = view_state.image_of(document.id()) else { return };
    if frame.plane == document.native_plane() || !image.layout.is_several() {
        let window = image.tone.window;
        let text = format!("W {:.0}   L {:.0}", window.width, window.center);
        let at = frame.rect.left_bottom() + vec2(EDGE, -EDGE);
        words.put(at, Align2::LEFT_BOTTOM, &text, theme::small(), canvas::WEAK);
    }
}
