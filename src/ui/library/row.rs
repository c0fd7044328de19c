//! A row of the model library, painted.

use super::entries::{Entry, Fit, Group};
use crate::ui::theme;
use crate::ui::widgets::{Icon, cut_at_the_end};
use egui::{
    Align2, Color32, CornerRadius, Galley, Painter, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

pub const HEIGHT: f32 = 46.0;
/// Of a group's title.
pub const TITLE: f32 = 32.0;
/// Left and right of a row's words.
pub const EDGE: f32 = 14.0;
/// Between two columns.
const GAP: f32 = 10.0;
/// What the number says, for who does not know it.
pub const DICE_MEANS: &str = "How far it agrees with what people have drawn on images that it had not seen: 1 is the same, 0 is \
                              nothing in common";
/// Dice ends at the right edge, and has this room.
const DICE: f32 = 64.0;
/// Narrower lists do not say where a model comes from.
const NARROW: f32 = 620.0;

/// Left edges of the columns after the name's, and of the last one.
struct Columns {
    fit: f32,
    /// None in a narrow list.
    from: Option<f32>,
    time: f32,
    dice: f32,
}

impl Columns {
    fn of(list: Rect) -> Self {
        let at = |share: f32| list.left() + list.width() * share;
        let dice = list.right() - EDGE - DICE;
        match list.width() < NARROW {
            true => Self { fit: at(0.41), from: None, time: at(0.64), dice },
            false => Self { fit: at(0.41), from: Some(at(0.56)), time: at(0.73), dice },
        }
    }

    /// Where the column of the fit ends.
    fn after_fit(&self) -> f32 {
        self.from.unwrap_or(self.time)
    }
}

/// The names of the columns.
pub fn head(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
    let p = theme::palette(ui);
    let columns = Columns::of(rect);
    let word = |at, align, words: &str, tip: &str| {
        let at = pos2(at, rect.center().y);
        let place = ui.painter().text(at, align, words, theme::small(), p.weak);
        ui.interact(place, ui.scope_id().with(words), Sense::hover()).on_hover_text(tip);
    };
    word(rect.left() + EDGE, Align2::LEFT_CENTER, "Name", "What it is called, and what it finds");
    let tip = "Whether it is made for this kind of image";
    word(columns.fit, Align2::LEFT_CENTER, "This image", tip);
    if let Some(from) = columns.from {
        word(from, Align2::LEFT_CENTER, "From", "Who has trained it");
    }
    word(columns.time, Align2::LEFT_CENTER, "Time", "How long it takes");
    word(rect.right() - EDGE, Align2::RIGHT_CENTER, "Dice", DICE_MEANS);
    ui.painter().hline(rect.x_range(), rect.bottom(), (1.0, p.line));
}

/// A group's title, what it means, and how many there are.
pub fn title(ui: &Ui, rect: Rect, [title, about]: [&str; 2], count: usize) {
    let p = theme::palette(ui);
    let at = pos2(rect.left() + EDGE, rect.center().y);
    let named = ui.painter().text(at, Align2::LEFT_CENTER, title, theme::small_title(), p.text);
    let at = pos2(named.right() + 8.0, rect.center().y);
    let words = format!("{about} · {count}");
    ui.painter().text(at, Align2::LEFT_CENTER, words, theme::small(), p.weak);
}

/// True where it was clicked.
pub fn show(ui: &Ui, rect: Rect, entry: &Entry, chosen: bool) -> bool {
    let response = ui.interact(rect, ui.scope_id().with(&entry.choice), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, &entry.name));
    let p = theme::palette(ui);
    let painter = ui.painter();
    if chosen {
        painter.rect_filled(rect, CornerRadius::ZERO, p.accent_ground);
    } else if response.hovered() {
        painter.rect_filled(rect, CornerRadius::ZERO, p.raised);
    }
    painter.hline(rect.x_range(), rect.bottom(), (1.0, p.line));
    let columns = Columns::of(rect);
    let (left, middle) = (rect.left() + EDGE, rect.center().y);
    let names = columns.fit - GAP - left;
    // In a narrow list the badge has the place of the sentence.
    let (narrow, badge) = (columns.from.is_none(), entry.phantom.then(|| badge(painter, p.warn)));
    let beside = badge.as_ref().filter(|_| !narrow).map_or(0.0, |words| words.size().x + 22.0);
    let name = cut_at_the_end(painter, &entry.name, theme::body(), p.text, names - beside);
    let end = left + name.size().x;
    painter.galley(pos2(left, rect.top() + 6.0), name, p.text);
    let about = cut_at_the_end(painter, &entry.about, theme::small(), p.weak, names);
    let below = rect.bottom() - 7.0 - about.size().y;
    let framed = badge.is_some();
    if let Some(words) = badge {
        let at = if narrow { pos2(left, below - 1.0) } else { pos2(end + 8.0, rect.top() + 6.0) };
        let place = Rect::from_min_size(at, words.size() + vec2(14.0, 4.0));
        painter.rect_stroke(place, CornerRadius::same(9), Stroke::new(1.0, p.warn), StrokeKind::Inside);
        painter.galley(place.min + vec2(7.0, 2.0), words, p.warn);
    }
    if !(narrow && framed) {
        painter.galley(pos2(left, below), about, p.weak);
    }

    let (words, color) = match (&entry.recommended, entry.fit) {
        (Some(_), _) => ("recommended".to_owned(), p.accent),
        (None, Fit::Fits) => (entry.fit.words(), p.good),
        (None, _) => (entry.fit.words(), p.warn),
    };
    let mut from = columns.fit;
    if entry.recommended.is_some() {
        let star = Rect::from_center_size(pos2(from + 7.0, middle), Vec2::splat(14.0));
        Icon::Star.paint(painter, star, color);
        from += 19.0;
    }
    let cell = |from: f32, to: f32, words: &str, color| {
        let words = cut_at_the_end(painter, words, theme::small(), color, to - GAP - from);
        painter.galley(pos2(from, middle - words.size().y / 2.0), words, color);
    };
    cell(from, columns.after_fit(), &words, color);
    if let Some(from) = columns.from {
        cell(from, columns.time, &entry.from, p.weak);
    }
    // The details say more.
    let time = if narrow { entry.time.trim_end_matches(" a slice") } else { &entry.time };
    cell(columns.time, columns.dice, time, p.weak);
    let at = pos2(rect.right() - EDGE, middle);
    painter.text(at, Align2::RIGHT_CENTER, dice(entry), theme::small(), p.text);
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

fn badge(painter: &Painter, color: Color32) -> Arc<Galley> {
    painter.layout_no_wrap("only for phantoms".to_owned(), theme::key_cap(), color)
}
