//! The list of keys and mouse gestures, from the tables that dispatch them.

use super::keys::{Group, MOUSE, shortcuts, written, written_gesture};
use super::theme;
use egui::{
    Align, Align2, Color32, CornerRadius, Frame, Id, Layout, Modal, RichText, ScrollArea, Sense, Ui, Vec2,
};

/// Shows the list; true where it is to be closed.
pub fn show(ctx: &egui::Context) -> bool {
    let screen = ctx.content_rect().size();
    let frame = Frame::popup(&ctx.global_style()).inner_margin(24);
    let response = Modal::new(Id::unique("keys")).frame(frame).show(ctx, |ui| {
        ui.set_width((screen.x - 128.0).min(1020.0));
        let height = (screen.y - 200.0).max(200.0);
        let mut close = false;
        ui.horizontal(|ui| {
            ui.label(RichText::new("Keys and mouse").font(theme::headline()));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| close = ui.button("Close").clicked());
        });
        ui.add_space(8.0);
        ScrollArea::vertical()
            .max_height(height)
            .min_scrolled_height(height)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.x = 28.0;
                ui.columns(3, |columns| {
                    for (group, column) in
                        [Group::Navigate, Group::Look, Group::Tools].into_iter().zip([0, 1, 2])
                    {
                        keys(&mut columns[column], group);
                    }
                    keys(&mut columns[0], Group::File);
                    keys(&mut columns[2], Group::Workspaces);
                    labels(&mut columns[1]);
                    keys(&mut columns[2], Group::Prediction);
                    mouse(&mut columns[0]);
                });
            });
        close
    });
    response.inner || response.should_close()
}

fn title(ui: &mut Ui, words: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(words).font(theme::small_title()).color(theme::palette(ui).accent));
}

fn keys(ui: &mut Ui, group: Group) {
    title(ui, group.title());
    for shortcut in shortcuts().iter().filter(|s| s.group == group) {
        let keys: Vec<String> = shortcut.keys.iter().map(written).collect();
        line(ui, shortcut.title, &keys);
    }
}

/// Nine keys that differ by their number take one line.
fn labels(ui: &mut Ui) {
    title(ui, Group::Labels.title());
    line(ui, "Label 1 to 9", &["1 … 9".to_owned()]);
    let numbered = |t: &str| t.strip_prefix("Label ").is_some_and(|n| n.parse::<u8>().is_ok());
    for shortcut in shortcuts().iter().filter(|s| s.group == Group::Labels && !numbered(s.title)) {
        let keys: Vec<String> = shortcut.keys.iter().map(written).collect();
        line(ui, shortcut.title, &keys);
    }
}

fn mouse(ui: &mut Ui) {
    title(ui, "Mouse");
    for binding in MOUSE {
        line(ui, binding.title, &[written_gesture(binding)]);
    }
}

fn line(ui: &mut Ui, words: &str, keys: &[String]) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.add(egui::Label::new(RichText::new(words).font(theme::small())).truncate());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for key in keys.iter().rev() {
                cap(ui, key, p.raised, p.weak);
            }
        });
    });
}

fn cap(ui: &mut Ui, words: &str, ground: Color32, color: Color32) {
    let text = ui.painter().layout_no_wrap(words.to_owned(), theme::key_cap(), color);
    let size = Vec2::new((text.size().x + 10.0).max(20.0), 19.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    ui.painter().rect_filled(rect, CornerRadius::same(4), ground);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, words, theme::key_cap(), color);
}
