//! What a tool shows of itself while it is used: the brush's rim, a line under way, the region that it would draw.

use super::frame::ViewFrame;
use crate::label::LabelTable;
use crate::tools::Preview;
use crate::ui::theme::{self, canvas};
use egui::{Align2, Color32, CornerRadius, Painter, Pos2, Rect, Shape, Stroke, vec2};

/// Of a region of more corners than this only the coloured line is drawn: a noisy region has ten thousands of them, and the
/// picture must follow the pointer.
const MOST_CORNERS: usize = 20_000;

pub fn tool_preview(painter: &Painter, frame: &ViewFrame, preview: &Preview, labels: &LabelTable) {
    let color = match labels.get(preview.label) {
        Some(label) => theme::label_color(label.color),
        None => canvas::CURSOR,
    };
    let points = on_screen(frame, &preview.points);
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
    let shaded = preview.rims.iter().map(Vec::len).sum::<usize>() <= MOST_CORNERS;
    for (width, color) in [(3.0, canvas::SHADE), (1.5, color)].into_iter().skip(usize::from(!shaded)) {
        for rim in &preview.rims {
            painter.add(Shape::closed_line(on_screen(frame, rim), Stroke::new(width, color)));
        }
    }
    for line in &preview.lines {
        measured_line(painter, on_screen(frame, line), 1.0);
    }
    if let Some((place, words)) = &preview.words {
        beside_the_pointer(painter, frame.point_of((*place).into()), words);
    }
}

/// A line of a measurement; `strength` 0 to 1.
pub(super) fn measured_line(painter: &Painter, points: Vec<Pos2>, strength: f32) {
    for (width, color) in [(4.0, canvas::SHADE), (1.6, canvas::MEASURE)] {
        painter.add(Shape::line(points.clone(), Stroke::new(width, color.gamma_multiply(strength))));
    }
}

pub(super) fn on_screen(frame: &ViewFrame, points: &[[f64; 3]]) -> Vec<Pos2> {
    points.iter().map(|&p| frame.point_of(p.into())).collect()
}

/// Words on a dark ground beside the pointer, on the side on which there is room.
pub(super) fn beside_the_pointer(painter: &Painter, at: Pos2, words: &str) {
    const AWAY: f32 = 14.0;
    let words = painter.layout_no_wrap(words.to_owned(), theme::small(), canvas::TEXT);
    let room = painter.clip_rect();
    let fits = at.x + AWAY + words.size().x + 10.0 <= room.right();
    let (align, by) = if fits { (Align2::LEFT_CENTER, AWAY) } else { (Align2::RIGHT_CENTER, -AWAY) };
    let place = align.anchor_size(at + vec2(by, 0.0), words.size());
    painter.rect_filled(place.expand2(vec2(5.0, 2.0)), CornerRadius::same(4), canvas::SHADE);
    painter.galley(place.min, words, canvas::TEXT);
}
