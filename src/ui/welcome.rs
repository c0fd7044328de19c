//! What is shown while nothing is open, the hint of the first run, and the sign that a file may be dropped.

use super::outbox::{Outbox, Question, Request};
use super::theme::{self, canvas};
use super::widgets::{Icon, primary, quiet};
use crate::io::FORMATS;
use crate::phantom::SAMPLES;
use egui::{
    Align, Align2, Area, Frame, Id, Layout, Margin, Order, Rect, RichText, Sense, Stroke, StrokeKind, Ui,
    Vec2, pos2,
};

/// Nothing is open.
pub fn show(ui: &mut Ui, starting: bool, out: &mut Outbox) {
    let rect = ui.available_rect_before_wrap();
    ui.painter().rect_filled(rect, 0.0, canvas::GROUND);
    if starting {
        return;
    }
    let mut ui = super::views::centred(ui, rect, Vec2::new(560.0, 300.0));
    // The ground is dark in both themes.
    ui.visuals_mut().override_text_color = Some(canvas::TEXT);
    ui.with_layout(Layout::top_down(Align::Center), |ui| {
        ui.label(RichText::new("Open an image").size(theme::size::LARGE).color(canvas::TEXT));
        ui.add_space(4.0);
        let files = FORMATS.iter().filter(|format| !format.extensions.is_empty());
        let titles: Vec<&str> = files.map(|format| format.title).collect();
        let words = format!("Drop a file or a folder here: {}", titles.join(", "));
        ui.label(RichText::new(words).color(canvas::WEAK));
        ui.add_space(18.0);
        ui.visuals_mut().override_text_color = None;
        ui.horizontal(|ui| {
            ui.add_space((ui.available_width() - 170.0).max(0.0) / 2.0);
            if primary(ui, true, "Open file").clicked() {
                out.ask(Question::OpenFile);
            }
            if quiet(ui, true, "Open folder").clicked() {
                out.ask(Question::OpenFolder);
            }
        });
        ui.add_space(22.0);
        ui.label(
            RichText::new("or a sample that the program draws itself")
                .font(theme::small())
                .color(canvas::WEAK),
        );
        ui.add_space(4.0);
        for sample in SAMPLES {
            if ui.link(sample.title).clicked() {
                out.open(format!("sample:{}", sample.id));
            }
        }
    });
}

/// The main steps, shown once.
pub fn hint(ctx: &egui::Context, views: Rect, out: &mut Outbox) {
    Area::new(Id::unique("hint"))
        .order(Order::Middle)
        .pivot(Align2::LEFT_BOTTOM)
        .fixed_pos(pos2(views.left() + 14.0, views.bottom() - 40.0))
        .show(ctx, |ui| {
            let p = theme::palette(ui);
            Frame::new()
                .fill(p.panel)
                .stroke(Stroke::new(1.0, p.active))
                .corner_radius(8)
                .inner_margin(Margin::symmetric(14, 12))
                .show(ui, |ui| {
                    ui.set_width(300.0);
                    ui.label(RichText::new("From picture to better model").strong());
                    ui.add_space(2.0);
                    for (key, words) in [
                        ("Enter", "takes the prediction into the mask"),
                        ("B", "brush; right button erases; [ ] size"),
                        ("Ctrl+Enter", "marks the slice as verified"),
                        ("Learn", "trains on what is verified"),
                        ("?", "shows all keys"),
                    ] {
                        ui.horizontal(|ui| {
                            let (rect, _) = ui.allocate_exact_size(Vec2::new(74.0, 18.0), Sense::hover());
                            ui.painter().text(
                                rect.left_center(),
                                Align2::LEFT_CENTER,
                                key,
                                theme::small(),
                                p.accent,
                            );
                            ui.label(RichText::new(words).font(theme::small()).color(p.weak));
                        });
                    }
                    ui.add_space(4.0);
                    if quiet(ui, true, "Got it").clicked() {
                        out.requests.push(Request::DismissHint);
                    }
                });
        });
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
    let font = egui::FontId::proportional(theme::size::LARGE);
    painter.text(rect.center() + egui::vec2(0.0, 16.0), Align2::CENTER_CENTER, words, font, canvas::TEXT);
}
