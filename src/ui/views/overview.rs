use super::{Scene, SliceMarks};
use crate::ui::outbox::Outbox;
use crate::ui::theme::{self, canvas};
use crate::workspace::Command;
use egui::{Align2, CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

/// Every native slice as a cell: what is done, what is left, and a click away.
pub fn show(ui: &mut Ui, scene: &Scene, marks: &SliceMarks, out: &mut Outbox) {
    let document = scene.document;
    let rect = ui.max_rect();
    let p = theme::of(true);
    ui.painter().rect_filled(rect, 0.0, canvas::GROUND);
    let inner = rect.shrink2(vec2(18.0, 14.0));
    let depth = document.depth();
    let verified = document.verified().len();
    let painter = ui.painter().clone();
    let title = painter.text(inner.left_top(), Align2::LEFT_TOP, "Slices", theme::small(), canvas::TEXT);
    let words = format!("{verified} of {depth} verified");
    painter.text(
        pos2(title.right() + 8.0, inner.top()),
        Align2::LEFT_TOP,
        words,
        theme::small(),
        canvas::WEAK,
    );

    let legend_height = 22.0;
    let area = Rect::from_min_max(
        inner.left_top() + vec2(0.0, 26.0),
        inner.right_bottom() - vec2(0.0, legend_height + 6.0),
    );
    if area.width() < 20.0 || area.height() < 20.0 {
        return;
    }
    // The largest square cells with which all slices find room.
    let columns = (1..=depth)
        .find(|&columns| {
            let side = area.width() / columns as f32;
            side * depth.div_ceil(columns) as f32 <= area.height()
        })
        .unwrap_or(depth)
        .max((area.width() / 46.0) as usize)
        .min(depth);
    let side = (area.width() / columns as f32).min(46.0);
    let response = ui.interact(area, ui.scope_id().with("cells"), Sense::click_and_drag());
    let gap = if side > 8.0 { 2.0 } else { 0.5 };
    let cell = |z: usize| {
        let min = area.min + vec2((z % columns) as f32 * side, (z / columns) as f32 * side);
        Rect::from_min_size(min, vec2(side - gap, side - gap))
    };
    let round = CornerRadius::same(if side > 14.0 { 3 } else { 1 });
    for z in 0..depth {
        let rect = cell(z);
        let predicted = scene.workspace.predicted_labels(document.id(), z).is_some();
        let (ground, text) = if document.is_verified(z) {
            (p.good.gamma_multiply(0.8), egui::Color32::BLACK)
        } else if marks.is_labelled(z) {
            (canvas::WEAK.gamma_multiply(0.55), canvas::TEXT)
        } else {
            (p.raised, canvas::WEAK)
        };
        painter.rect_filled(rect, round, ground);
        if predicted && !document.is_verified(z) {
            let line = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 2.0), rect.max);
            painter.rect_filled(line, CornerRadius::ZERO, p.accent);
        }
        if side > 22.0 {
            painter.text(rect.center(), Align2::CENTER_CENTER, z + 1, theme::small(), text);
        }
        if z == document.cursor()[2] {
            painter.rect_stroke(rect, round, Stroke::new(1.5, canvas::TEXT), StrokeKind::Outside);
        }
    }
    legend(&painter, inner);
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on()) {
        let from = at - area.min;
        let (column, row) = ((from.x / side) as usize, (from.y / side).max(0.0) as usize);
        let z = row * columns + column.min(columns - 1);
        if z < depth && z != document.cursor()[2] {
            let [x, y, _] = document.cursor();
            out.command(Command::Cursor([x, y, z]));
        }
    }
    if let Some(at) = response.hover_pos() {
        let found = (0..depth).find(|&z| cell(z).contains(at));
        if let Some(z) = found {
            response.on_hover_text(format!("Slice {}", z + 1));
        }
    }
}

fn legend(painter: &egui::Painter, inner: Rect) {
    let p = theme::of(true);
    let mut x = inner.left();
    let y = inner.bottom() - 6.0;
    for (color, words) in [
        (p.good.gamma_multiply(0.8), "verified"),
        (canvas::WEAK.gamma_multiply(0.55), "labelled"),
        (p.accent, "predicted"),
    ] {
        let square = Rect::from_center_size(pos2(x + 4.0, y), vec2(8.0, 8.0));
        painter.rect_filled(square, 2.0, color);
        let text = painter.text(pos2(x + 13.0, y), Align2::LEFT_CENTER, words, theme::small(), canvas::WEAK);
        x = text.right() + 14.0;
    }
}
