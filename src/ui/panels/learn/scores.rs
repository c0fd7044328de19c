//! The Dice of each label, before and now, each with its word.

use crate::label::LabelTable;
use crate::ui::theme;
use crate::workspace::{LabelChange, Quality};
use egui::{Align, Label, Layout, RichText, Role, Sense, Ui, Vec2, WidgetInfo, vec2};

/// One row: a label, or a mean.
struct Row<'a> {
    name: &'a str,
    color: Option<[u8; 3]>,
    /// Written instead of the earlier Dice.
    before: String,
    after: Option<f64>,
    worse: bool,
}

fn figure(dice: Option<f64>) -> String {
    dice.map_or("–".to_owned(), |dice| format!("{dice:.2}"))
}

/// What stands above the rows: what they are of, and what the two figures are.
pub fn head(ui: &mut Ui, title: &str, figures: &str) {
    let p = theme::palette(ui);
    ui.add_space(10.0);
    ui.horizontal(|ui| {
        ui.label(RichText::new(title).font(theme::small_title()).color(p.weak));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(figures).font(theme::small()).color(p.weak)).truncate());
        });
    });
}

/// A row for each, and what "own" means where one says so.
pub fn labels(ui: &mut Ui, changes: &[LabelChange], labels: &LabelTable) {
    for change in changes {
        label(ui, change, labels);
    }
    if changes.iter().any(|change| change.is_own) {
        let words = "own: the mask is what the model in use predicts, accepted and not changed.";
        ui.add_space(4.0);
        ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
    }
}

/// "Liver 0.86 → 0.93 very good", "Vessel new → 0.71 fair", "Spleen own → 0.88 good" where the mask is the earlier model's own.
fn label(ui: &mut Ui, change: &LabelChange, labels: &LabelTable) {
    let before = match change {
        _ if change.is_new => "new".to_owned(),
        _ if change.is_own => "own".to_owned(),
        _ => figure(change.before),
    };
    let color = labels.get(change.id).map(|label| label.color);
    row(ui, &Row { name: &change.name, color, before, after: change.after, worse: change.is_worse() });
}

pub fn mean(ui: &mut Ui, name: &str, before: Option<f64>, after: Option<f64>) {
    row(ui, &Row { name, color: None, before: figure(before), after, worse: false });
}

fn row(ui: &mut Ui, row: &Row) {
    let p = theme::palette(ui);
    let (words, color) = match row.after.map(Quality::of) {
        Some(quality) if row.worse => (format!("{}, worse", quality.word()), p.warn),
        Some(quality @ (Quality::Good | Quality::VeryGood)) => (quality.word().to_owned(), p.good),
        Some(Quality::Fair) => ("fair".to_owned(), p.warn),
        Some(Quality::Poor) => ("poor".to_owned(), p.bad),
        None => ("unknown".to_owned(), p.weak),
    };
    let said = format!("{}: {} → {}, {words}", row.name, row.before, figure(row.after));
    let shown = ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        if let Some(color) = row.color {
            let (square, _) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
            ui.painter().rect_filled(square, 3.0, theme::label_color(color));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let column = |ui: &mut Ui, width, words: RichText| {
                ui.allocate_ui_with_layout(vec2(width, 20.0), Layout::right_to_left(Align::Center), |ui| {
                    ui.set_min_width(width);
                    ui.label(words);
                });
            };
            column(ui, 92.0, RichText::new(words).font(theme::small()).color(color));
            column(ui, 30.0, RichText::new(figure(row.after)).font(theme::figures()).color(p.text).strong());
            let before = RichText::new(format!("{} →", row.before)).font(theme::figures()).color(p.weak);
            column(ui, 44.0, before);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = RichText::new(row.name).color(if row.worse { p.warn } else { p.text });
                ui.add(Label::new(name).truncate());
            });
        });
    });
    shown.response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &said));
    let line = shown.response.rect;
    ui.painter().hline(line.x_range(), line.bottom() + 3.0, egui::Stroke::new(1.0, p.line));
}
