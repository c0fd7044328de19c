//! A row of the model library, painted.

use super::entries::{Entry, Fit, Group};
use crate::ui::reading::as_painted;
use crate::ui::theme;
use egui::{Align2, CornerRadius, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

const HEIGHT: f32 = 46.0;
const EDGE: f32 = 14.0;

/// Left edges of fit, origin and time, as shares of the row; Dice ends at its right edge.
const COLUMNS: [f32; 3] = [0.40, 0.55, 0.71];

fn x(rect: Rect, column: usize) -> f32 {
    rect.left() + rect.width() * COLUMNS[column]
}

/// The names of the columns.
pub fn head(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
    let p = theme::palette(ui);
    let word = |at, align, words: &str| {
        ui.painter().text(pos2(at, rect.center().y), align, words, theme::small(), p.weak);
    };
    word(rect.left() + EDGE, Align2::LEFT_CENTER, "Name");
    for (column, words) in ["This image", "From", "Time here"].into_iter().enumerate() {
        word(x(rect, column), Align2::LEFT_CENTER, words);
    }
    word(rect.right() - EDGE, Align2::RIGHT_CENTER, "Dice");
    ui.painter().hline(rect.x_range(), rect.bottom(), (1.0, p.line));
}

/// A group's title, what it means, and how many there are.
pub fn title(ui: &mut Ui, [title, about]: [&str; 2], count: usize) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
    let p = theme::palette(ui);
    let at = pos2(rect.left() + EDGE, rect.center().y);
    let named = ui.painter().text(at, Align2::LEFT_CENTER, title, theme::small(), p.text);
    let at = pos2(named.right() + 8.0, rect.center().y);
    let words = format!("{about} · {count}");
    ui.painter().text(at, Align2::LEFT_CENTER, words, theme::small(), p.weak);
}

/// True where it was clicked. `follow`: keys have chosen it, so it is brought into view.
pub fn show(ui: &mut Ui, entry: &Entry, chosen: bool, follow: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, &entry.name));
    if follow {
        response.scroll_to_me(None);
    }
    if !ui.is_rect_visible(rect) {
        return response.clicked();
    }
    let p = theme::palette(ui);
    if chosen {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, p.accent_ground);
    } else if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::ZERO, p.raised);
    }
    ui.painter().hline(rect.x_range(), rect.bottom(), (1.0, p.line));
    let cell = |from: f32, to: f32| {
        let clip = Rect::from_x_y_ranges(from..=to - 8.0, rect.y_range());
        ui.painter().with_clip_rect(clip.intersect(ui.clip_rect()))
    };
    let name = cell(rect.left() + EDGE, x(rect, 0));
    let at = pos2(rect.left() + EDGE, rect.top() + 7.0);
    let drawn = name.text(at, Align2::LEFT_TOP, as_painted(&entry.name), theme::body(), p.text);
    if entry.phantom {
        badge(&name, pos2(drawn.right() + 8.0, drawn.center().y), p.warn);
    }
    let at = pos2(rect.left() + EDGE, rect.bottom() - 7.0);
    name.text(at, Align2::LEFT_BOTTOM, as_painted(&entry.about), theme::small(), p.weak);
    let fit = if entry.fit == Fit::Fits { p.good } else { p.warn };
    let ends = [x(rect, 1), x(rect, 2), rect.right() - 70.0];
    let cells = [(entry.fit.words(), fit), (entry.from.clone(), p.weak), (entry.time.clone(), p.weak)];
    for (column, (words, color)) in cells.into_iter().enumerate() {
        let from = x(rect, column);
        let at = pos2(from, rect.center().y);
        cell(from, ends[column]).text(at, Align2::LEFT_CENTER, as_painted(&words), theme::small(), color);
    }
    let at = pos2(rect.right() - EDGE, rect.center().y);
    ui.painter().text(at, Align2::RIGHT_CENTER, dice(entry), theme::small(), p.text);
    response.clicked()
}

/// "0.88", "not judged", or "–" of a network that has learned nothing.
pub fn dice(entry: &Entry) -> String {
    match &entry.dice {
        Some((_, dice)) => format!("{dice:.2}"),
        None if entry.group == Group::Networks => "–".to_owned(),
        None => "not judged".to_owned(),
    }
}

fn badge(painter: &egui::Painter, left_middle: egui::Pos2, color: egui::Color32) {
    let words = painter.layout_no_wrap("only for phantoms".to_owned(), FontId::proportional(11.0), color);
    let size = words.size() + vec2(14.0, 4.0);
    let frame = Rect::from_min_size(left_middle - vec2(0.0, size.y / 2.0), size);
    painter.rect_stroke(frame, CornerRadius::same(9), Stroke::new(1.0, color), StrokeKind::Inside);
    painter.galley(frame.min + vec2(7.0, 2.0), words, color);
}
