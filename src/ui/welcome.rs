//! What is shown while nothing is open, and the sign that a file may be dropped.

use super::arrangement::Arrangement;
use super::keys::{KeyCommand, shortcut_of};
use super::outbox::{Outbox, Question, Request};
use super::reading::as_painted;
use super::seen::Seen;
use super::seen_pictures::LeftOff;
use super::theme::{self, canvas, size};
use super::widgets::{Icon, cut_at_the_end, cut_in_the_middle, key_cap, primary_key, quiet};
use crate::io::FORMATS;
use crate::phantom::SAMPLES;
use crate::time;
use egui::{
    Align, Align2, CornerRadius, Frame, Id, Image, Layout, Margin, Order, Rect, RichText, Role, ScrollArea,
    Sense, Stroke, StrokeKind, TextureHandle, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

/// What a person may want to do, with the sample and the workspace that show it.
const AIMS: [(&str, &str, Arrangement); 3] = [
    ("See what a model finds, slice by slice", "oct", Arrangement::Review),
    ("Label images of my own, from nothing", "", Arrangement::Label),
    ("Teach a network from corrected slices", "oct-shifted", Arrangement::Learn),
];

/// Of one column, and between the two, in points.
const COLUMN: f32 = 420.0;
const BETWEEN: f32 = 64.0;
const SEEN_ROW: f32 = 58.0;
/// Of an image that was open.
const PICTURE: Vec2 = vec2(56.0, 44.0);
/// For the button of a run that can go on.
const GO_ON: f32 = 76.0;

/// Nothing is open: what to open, and where one left off.
pub fn show(ui: &mut Ui, seen: LeftOff, out: &mut Outbox) {
    let rect = ui.available_rect_before_wrap();
    ui.painter().rect_filled(rect, 0.0, canvas::GROUND);
    // The ground is dark in both themes.
    ui.visuals_mut().override_text_color = Some(canvas::TEXT);
    let two = rect.width() > 2.0 * COLUMN + BETWEEN + 40.0 && !seen.images.is_empty();
    let width = if two { 2.0 * COLUMN + BETWEEN } else { COLUMN.min(rect.width() - 40.0) };
    let top = rect.top() + (rect.height() * 0.10).min(96.0);
    let place = Rect::from_min_max(
        pos2(rect.center().x - width / 2.0, top),
        pos2(rect.center().x + width / 2.0, rect.bottom()),
    );
    let mut ui = ui.new_child(UiBuilder::new().max_rect(place));
    ScrollArea::vertical().auto_shrink(false).show(&mut ui, |ui| {
        if two {
            let both = ui.available_rect_before_wrap();
            let mut left = ui.new_child(UiBuilder::new().max_rect(both.with_max_x(both.left() + COLUMN)));
            open(&mut left, out);
            let mut right =
                ui.new_child(UiBuilder::new().max_rect(both.with_min_x(both.left() + COLUMN + BETWEEN)));
            left_off(&mut right, seen, out);
            let used = left.min_rect().union(right.min_rect());
            ui.allocate_rect(used, Sense::hover());
        } else {
            open(ui, out);
            left_off(ui, seen, out);
        }
    });
}

fn small(ui: &mut Ui, words: &str) {
    ui.label(RichText::new(words).font(theme::small()).color(canvas::WEAK));
}

fn open(ui: &mut Ui, out: &mut Outbox) {
    ui.label(RichText::new("Open an image or a folder").font(theme::headline()).color(canvas::TEXT));
    ui.add_space(4.0);
    let files = FORMATS.iter().filter(|format| !format.extensions.is_empty());
    let titles: Vec<&str> = files.map(|format| format.title).collect();
    let words = format!("Drop a file or a folder here: {}", titles.join(", "));
    ui.label(RichText::new(words).color(canvas::WEAK));
    ui.add_space(14.0);
    ui.horizontal(|ui| {
        ui.visuals_mut().override_text_color = None;
        if primary_key(ui, true, "Open a file", KeyCommand::OpenFile).clicked() {
            out.ask(Question::OpenFile);
        }
        let key = shortcut_of(ui.ctx(), KeyCommand::OpenFolder).unwrap_or_default();
        if quiet(ui, true, "Open a folder").on_hover_text(key).clicked() {
            out.ask(Question::OpenFolder);
        }
    });
    ui.add_space(28.0);
    small(ui, "New here? Try one that the program draws itself");
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        ui.visuals_mut().override_text_color = None;
        ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
        for sample in SAMPLES {
            if quiet(ui, true, sample.title).clicked() {
                out.open(format!("sample:{}", sample.id));
            }
        }
    });
    ui.add_space(28.0);
    small(ui, "What would you like to do?");
    ui.add_space(4.0);
    for (index, (words, ..)) in AIMS.into_iter().enumerate() {
        if aim(ui, words, &(index + 1).to_string()) {
            begin(index, out);
        }
    }
}

/// Begins with what a person wants to do, by its place in the list.
pub fn begin(index: usize, out: &mut Outbox) {
    let Some(&(_, sample, arrangement)) = AIMS.get(index) else { return };
    out.requests.push(Request::Arrange(arrangement));
    match sample {
        "" => out.ask(Question::OpenFile),
        sample => out.open(format!("sample:{sample}")),
    }
}

/// True where it was clicked.
fn aim(ui: &mut Ui, words: &str, key: &str) -> bool {
    let row = ui.horizontal(|ui| {
        key_cap(ui, key);
        ui.add(egui::Label::new(words).selectable(false).sense(Sense::click()))
    });
    let response = row.inner;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, words));
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}

fn left_off(ui: &mut Ui, LeftOff { images, pictures }: LeftOff, out: &mut Outbox) {
    if images.is_empty() {
        return;
    }
    ui.add_space(6.0);
    small(ui, "Where you left off");
    ui.add_space(4.0);
    for seen in images {
        if row(ui, seen, pictures.of(&seen.path)) {
            out.open(seen.path.clone());
        }
    }
    if let Some((seen, [step, total])) = images.iter().find_map(|seen| Some((seen, seen.learning?))) {
        ui.add_space(8.0);
        interrupted(ui, seen, [step, total], out);
    }
}

/// A run that had not come to its end when the program last did.
fn interrupted(ui: &mut Ui, seen: &Seen, [step, total]: [u64; 2], out: &mut Outbox) {
    let p = theme::of(true);
    let card = Frame::new().stroke(Stroke::new(1.0, p.active)).corner_radius(8);
    card.inner_margin(Margin::symmetric(14, 10)).show(ui, |ui| {
        ui.horizontal_top(|ui| {
            let (square, _) = ui.allocate_exact_size(Vec2::splat(17.0), Sense::hover());
            Icon::History.paint(ui.painter(), square, p.warn);
            let words = ui.available_width() - GO_ON;
            ui.allocate_ui_with_layout(vec2(words, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(words);
                ui.label("A learning run was not finished when the program last ended.");
                let from = format!(
                    "{}, about {step} of {total} steps. It can go on from there.",
                    as_painted(&name(seen))
                );
                small(ui, &from);
            });
            ui.visuals_mut().override_text_color = None;
            if quiet(ui, true, "Go on").on_hover_text("Opens the image, and Learn").clicked() {
                out.requests.push(Request::Arrange(Arrangement::Learn));
                out.open(seen.path.clone());
            }
        });
    });
}

/// Its file's name.
fn name(seen: &Seen) -> String {
    let name = seen.path.file_name().unwrap_or(seen.path.as_os_str()).to_string_lossy();
    cut_in_the_middle(&name, 40)
}

/// True where it was clicked.
fn row(ui: &mut Ui, seen: &Seen, picture: Option<&TextureHandle>) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), SEEN_ROW), Sense::click());
    let name = name(seen);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Open {name} again")));
    let p = theme::of(true);
    if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::same(size::RADIUS), p.raised);
    }
    let place = Align2::LEFT_CENTER.anchor_size(rect.left_center() + vec2(8.0, 0.0), PICTURE);
    match picture {
        Some(picture) => Image::new(picture).corner_radius(4).paint_at(ui, place),
        None => Icon::Open.paint(ui.painter(), place.shrink2(vec2(18.0, 12.0)), canvas::WEAK),
    }
    let words = match seen.depth {
        0 | 1 if seen.verified > 0 => "verified".to_owned(),
        0 | 1 => "not verified".to_owned(),
        depth => format!("slice {} · {} of {depth} verified", seen.cursor[2] + 1, seen.verified),
    };
    let left = place.right() + 12.0;
    let at = pos2(rect.right() - 12.0, rect.center().y);
    let day = time::day(seen.at_ms);
    let end = ui.painter().text(at, Align2::RIGHT_CENTER, day, theme::small(), canvas::WEAK).left() - 10.0;
    for (words, font, color, align) in [
        (&name, theme::medium(), canvas::TEXT, Align2::LEFT_BOTTOM),
        (&words, theme::small(), canvas::WEAK, Align2::LEFT_TOP),
    ] {
        let words = cut_at_the_end(ui.painter(), words, font, color, end - left);
        let place = align.anchor_size(pos2(left, rect.center().y), words.size());
        ui.painter().galley(place.min, words, color);
    }
    response.on_hover_text(seen.path.display().to_string()).clicked()
}

/// While files hang over the window.
pub fn drop_sign(ctx: &egui::Context, views: Rect) {
    let count = ctx.input(|i| i.raw.hovered_files.len());
    if count == 0 {
        return;
    }
    let painter = ctx.layer_painter(egui::LayerId::new(Order::Foreground, Id::unique("drop")));
    let rect = views.shrink(12.0);
    painter.rect_filled(rect, 10.0, canvas::SHADE);
    painter.rect_stroke(rect, 10.0, Stroke::new(2.0, theme::of(true).accent), StrokeKind::Inside);
    let square = Rect::from_center_size(rect.center() - egui::vec2(0.0, 26.0), Vec2::splat(36.0));
    Icon::Open.paint(&painter, square, canvas::TEXT);
    let words = if count == 1 { "Drop to open" } else { "Drop to open all" };
    let font = theme::headline();
    painter.text(rect.center() + egui::vec2(0.0, 16.0), Align2::CENTER_CENTER, words, font, canvas::TEXT);
}
