//! What is written and drawn over a slice: letters, scale bar, crosshair, readings.

use super::Scene;
use super::frame::ViewFrame;
use crate::geom::{Axis, Grid, Unit};
use crate::gpu;
use crate::label::LabelTable;
use crate::tools::Preview;
use crate::ui::theme::{self, canvas};
use crate::ui::view_state::ViewState;
use crate::workspace::{Document, LibraryModel, PredictionStatus, Reformat, Workspace};
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};
use glam::DVec3;

pub const EDGE: f32 = 10.0;

/// Text that can be read on any image.
pub fn text(painter: &Painter, at: Pos2, align: Align2, text: &str, font: FontId, color: Color32) -> Rect {
    painter.text(at + vec2(0.0, 1.0), align, text, font.clone(), canvas::SHADE);
    painter.text(at, align, text, font, color)
}

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

/// What the tool shows of itself: the brush's rim, a lasso under way.
pub fn tool_preview(painter: &Painter, frame: &ViewFrame, preview: &Preview, labels: &LabelTable) {
    let points: Vec<Pos2> = preview.points.iter().map(|&p| frame.point_of(p.into())).collect();
    let color = match labels.get(preview.label) {
        Some(label) => theme::label_color(label.color),
        None => canvas::CURSOR,
    };
    let line = |width: f32, color: Color32| {
        let stroke = Stroke::new(width, color);
        if preview.closed {
            Shape::closed_line(points.clone(), stroke)
        } else {
            Shape::line(points.clone(), stroke)
        }
    };
    painter.add(line(3.0, canvas::SHADE));
    painter.add(line(1.5, color));
    // A brush smaller than a few points is found by its middle.
    if preview.closed && points.len() > 2 && Rect::from_points(&points).width() < 8.0 {
        let middle = Rect::from_points(&points).center();
        painter.circle_stroke(middle, 6.0, Stroke::new(1.0, canvas::GUIDE));
    }
}

/// Anatomical letters on the four sides.
pub fn letters(painter: &Painter, frame: &ViewFrame, grid: &Grid) {
    let Some([left, right, top, bottom]) = frame.axes.letters(grid) else { return };
    let r = frame.rect;
    let font = FontId::proportional(13.0);
    for (letter, at, align) in [
        (left, pos2(r.left() + EDGE, r.center().y), Align2::LEFT_CENTER),
        (right, pos2(r.right() - EDGE, r.center().y), Align2::RIGHT_CENTER),
        (top, pos2(r.center().x, r.top() + EDGE), Align2::CENTER_TOP),
        (bottom, pos2(r.center().x, r.bottom() - EDGE), Align2::CENTER_BOTTOM),
    ] {
        text(painter, at, align, &letter.to_string(), font.clone(), canvas::TEXT);
    }
}

pub fn scale_bar(painter: &Painter, rect: Rect, points_per_unit: f64, grid: &Grid) {
    let longest = f64::from(rect.width() * 0.22).clamp(40.0, 140.0);
    let Some(bar) = gpu::scale_bar(points_per_unit, longest) else { return };
    let right = rect.right() - EDGE;
    let y = rect.bottom() - EDGE - 2.0;
    let left = right - bar.target_px as f32;
    for (width, color) in [(3.5, canvas::SHADE), (1.5, canvas::TEXT)] {
        let stroke = Stroke::new(width, color);
        painter.line_segment([pos2(left, y), pos2(right, y)], stroke);
        painter.line_segment([pos2(left, y - 3.0), pos2(left, y + 3.0)], stroke);
        painter.line_segment([pos2(right, y - 3.0), pos2(right, y + 3.0)], stroke);
    }
    let words = bar.text(grid.unit() == Unit::Millimetre);
    text(
        painter,
        pos2((left + right) / 2.0, y - 6.0),
        Align2::CENTER_BOTTOM,
        &words,
        theme::small(),
        canvas::TEXT,
    );
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
pub fn demonstration(painter: &Painter, rect: Rect, scene: &Scene) {
    if !scene.model().is_some_and(LibraryModel::is_demonstration) {
        return;
    }
    // The narrower words where there is little room.
    let color = theme::of(true).warn;
    let galley = ["Demonstration, trained on phantoms: of no use on patients", "Of no use on patients"]
        .map(|words| painter.layout_no_wrap(words.to_owned(), theme::small(), color))
        .into_iter()
        .find(|galley| galley.size().x < rect.width() - 4.0 * EDGE);
    let Some(galley) = galley else { return };
    // Below what stands at the upper edge; in a narrow view other words stand below the letter there.
    let below = if rect.width() < 420.0 { 5.5 * EDGE } else { 4.0 * EDGE };
    let at = pos2(rect.center().x, rect.top() + below);
    let place = Rect::from_center_size(at, galley.size());
    painter.rect_filled(place.expand2(vec2(8.0, 3.0)), 4.0, canvas::SHADE);
    painter.galley(place.min, galley, color);
}

/// Words at the upper right, from the right to the left: below the letter at the middle of the edge where they would reach it, and
/// not at all where the view has no room for them.
fn upper_right<'a>(painter: &Painter, view: Rect, words: impl IntoIterator<Item = (&'a str, Color32)>) {
    /// Half of what the letter takes.
    const LETTER: f32 = 12.0;
    const BETWEEN: f32 = 12.0;
    let laid: Vec<_> = words
        .into_iter()
        .map(|(words, color)| (painter.layout_no_wrap(words.to_owned(), theme::small(), color), words, color))
        .collect();
    let wide = laid.iter().map(|(galley, ..)| galley.size().x + BETWEEN).sum::<f32>() - BETWEEN;
    if wide > view.width() - 2.0 * EDGE {
        return;
    }
    let reaches = view.right() - EDGE - wide < view.center().x + LETTER;
    let mut at = pos2(view.right() - EDGE, view.top() + EDGE + if reaches { 18.0 } else { 0.0 });
    for (_, words, color) in laid {
        at.x = text(painter, at, Align2::RIGHT_TOP, words, theme::small(), color).left() - BETWEEN;
    }
}

/// Plane and slice at the top left, the state of the prediction at the top right, the window at the bottom left.
pub fn corners(painter: &Painter, frame: &ViewFrame, scene: &Scene, view_state: &ViewState) {
    let document = scene.document;
    let count = frame.axes.slice_count(frame.dims);
    let r = frame.rect;
    let small = theme::small();
    if count > 1 {
        let at = pos2(r.left() + EDGE, r.top() + EDGE);
        let title = text(painter, at, Align2::LEFT_TOP, frame.plane.title(), small.clone(), canvas::TEXT);
        let slice = format!("{} / {count}", frame.slice + 1);
        let at = pos2(title.right() + 8.0, r.top() + EDGE);
        text(painter, at, Align2::LEFT_TOP, &slice, small.clone(), canvas::WEAK);
    }
    let native = frame.plane == document.native_plane();
    if native {
        let z = frame.slice;
        let verified = document.is_verified(z).then_some(("Verified", theme::of(true).good));
        let words = match scene.status(z) {
            _ if scene.is_rejected(view_state, z) => Some("Prediction rejected"),
            PredictionStatus::Untrained => Some("The network has learned nothing yet"),
            PredictionStatus::Pending => Some("Predicting…"),
            PredictionStatus::Loading => Some("Loading the model…"),
            PredictionStatus::Failed(_) => Some("No prediction"),
            PredictionStatus::OnRequest => Some("Not predicted yet"),
            PredictionStatus::NoModel | PredictionStatus::Ready(_) | PredictionStatus::Labelled => None,
        };
        upper_right(painter, r, verified.into_iter().chain(words.map(|words| (words, canvas::WEAK))));
    }
    if !native
        && view_state.effect.is_none()
        && let Some(words) = predicted_words(scene.workspace, document)
    {
        upper_right(painter, r, [(words.as_str(), canvas::WEAK)]);
    }
    let Some(image) = view_state.image_of(document.id()) else { return };
    let alone = !image.layout.is_several();
    if native || alone {
        let window = image.tone.window;
        let words = format!("W {:.0}   L {:.0}", window.width, window.center);
        let at = pos2(r.left() + EDGE, r.bottom() - EDGE);
        text(painter, at, Align2::LEFT_BOTTOM, &words, small, canvas::WEAK);
    }
}
