//! Where the pointer rests: the labels that the model in use holds likeliest there.

use super::Scene;
use super::frame::ViewFrame;
use crate::ui::reading::as_painted;
use crate::ui::theme::{self, canvas};
use crate::workspace::{Likely, predicted_by};
use egui::{Align2, CornerRadius, Painter, Pos2, Rect, Response, Stroke, StrokeKind, Vec2, pos2, vec2};
use std::time::Duration;

/// Seconds for which the pointer rests before anything is said.
const REST: f32 = 0.4;
const MOST: usize = 3;
const ROW: f32 = 18.0;
const MARGIN: Vec2 = vec2(10.0, 7.0);

/// Beside a pointer that rests on a spot with probabilities.
pub fn show(painter: &Painter, response: &Response, frame: &ViewFrame, scene: &Scene) {
    let Some(at) = response.hover_pos() else { return };
    let (rested, busy) = response.ctx.input(|i| (i.pointer.time_since_last_movement(), i.pointer.any_down()));
    if busy {
        return;
    }
    if rested < REST {
        response.ctx.request_repaint_after(Duration::from_secs_f32(REST - rested));
        return;
    }
    let voxel = frame.voxel_at(at).round();
    if (0..3).any(|axis| voxel[axis] < 0.0 || voxel[axis] >= frame.dims[axis] as f64) {
        return;
    }
    let voxel = voxel.to_array().map(|c| c as usize);
    let Some(version) = scene.version else { return };
    let mut likely = predicted_by(scene.workspace, scene.document, version, voxel);
    likely.truncate(MOST);
    if !likely.is_empty() {
        plate(painter, at, frame.rect, &likely);
    }
}

fn plate(painter: &Painter, at: Pos2, view: Rect, likely: &[Likely]) {
    let text = |words: String, color| painter.layout_no_wrap(words, theme::small(), color);
    let color = |index| if index == 0 { canvas::TEXT } else { canvas::WEAK };
    let rows: Vec<_> = likely
        .iter()
        .enumerate()
        .map(|(i, one)| {
            (text(as_painted(&one.name), color(i)), text(format!("{:.2}", one.probability), color(i)))
        })
        .collect();
    let names = rows.iter().map(|(name, _)| name.size().x).fold(60.0, f32::max);
    let figures = rows.iter().map(|(_, figure)| figure.size().x).fold(0.0, f32::max);
    let size = vec2(18.0 + names + 16.0 + figures, ROW * rows.len() as f32) + 2.0 * MARGIN;
    // To the right of the pointer and below it, on the other side where there is no room.
    let away = 14.0;
    let x = if at.x + away + size.x < view.right() { at.x + away } else { at.x - away - size.x };
    let y = if at.y + away + size.y < view.bottom() { at.y + away } else { at.y - away - size.y };
    let plate = Rect::from_min_size(pos2(x, y), size);
    painter.rect_filled(plate, CornerRadius::same(6), canvas::SHADE);
    let mut top = plate.top() + MARGIN.y;
    for (one, (name, figure)) in likely.iter().zip(rows) {
        let middle = top + ROW / 2.0;
        let mark = Rect::from_center_size(pos2(plate.left() + MARGIN.x + 5.0, middle), Vec2::splat(10.0));
        match one.color {
            Some(color) => _ = painter.rect_filled(mark, 2.0, theme::label_color(color)),
            None => {
                _ = painter.rect_stroke(mark, 2.0, Stroke::new(1.0, canvas::WEAK), StrokeKind::Inside);
            }
        }
        let place = Align2::LEFT_CENTER.anchor_size(pos2(mark.right() + 8.0, middle), name.size());
        painter.galley(place.min, name, canvas::TEXT);
        let right = pos2(plate.right() - MARGIN.x, middle);
        let place = Align2::RIGHT_CENTER.anchor_size(right, figure.size());
        painter.galley(place.min, figure, canvas::TEXT);
        top += ROW;
    }
}
