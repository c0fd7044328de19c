//! Everything that notices have said since the program started.

use super::theme;
use super::widgets::{Icon, quiet};
use crate::time;
use crate::workspace::NoticeLevel;
use egui::{Align, Context, Frame, Id, Layout, Modal, RichText, ScrollArea, Sense, Vec2};

/// More are not kept; the oldest go first.
const MOST: usize = 500;

struct Message {
    level: NoticeLevel,
    text: String,
    at_ms: i64,
}

/// What has been said, oldest first, and whether the list of it is on screen.
#[derive(Default)]
pub struct Messages {
    all: Vec<Message>,
    pub shown: bool,
}

impl Messages {
    pub fn keep(&mut self, level: NoticeLevel, text: &str) {
        if self.all.len() == MOST {
            self.all.remove(0);
        }
        self.all.push(Message { level, text: text.to_owned(), at_ms: time::now_ms() });
    }

    pub fn show(&mut self, ctx: &Context) {
        if !self.shown {
            return;
        }
        let screen = ctx.content_rect().size();
        let frame = Frame::popup(&ctx.global_style()).inner_margin(20);
        let modal = Modal::new(Id::unique("messages")).frame(frame).show(ctx, |ui| {
            ui.set_width((screen.x - 80.0).min(640.0));
            let (p, now) = (theme::palette(ui), time::now_ms());
            let mut close = false;
            ui.horizontal(|ui| {
                ui.label(RichText::new("Messages since the start").font(theme::headline()));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    close = quiet(ui, true, "Close").clicked();
                });
            });
            ui.add_space(8.0);
            ScrollArea::vertical().max_height(screen.y - 220.0).auto_shrink([false, true]).show(ui, |ui| {
                if self.all.is_empty() {
                    ui.label(RichText::new("Nothing has been said yet.").color(p.weak));
                }
                for message in self.all.iter().rev() {
                    ui.horizontal_top(|ui| {
                        let (square, _) = ui.allocate_exact_size(Vec2::splat(17.0), Sense::hover());
                        let (icon, color) = look(message.level, &p);
                        icon.paint(ui.painter(), square, color);
                        let at = RichText::new(time::when(message.at_ms, now)).font(theme::figures());
                        ui.label(at.color(p.weak));
                        ui.vertical(|ui| ui.label(super::reading::in_words(&message.text)));
                    });
                    ui.add_space(4.0);
                }
            });
            close
        });
        if modal.inner || modal.should_close() {
            self.shown = false;
            ctx.request_repaint();
        }
    }
}

/// How a level is painted, wherever it is.
pub fn look(level: NoticeLevel, p: &theme::Palette) -> (Icon, egui::Color32) {
    match level {
        NoticeLevel::Info => (Icon::Info, p.accent),
        NoticeLevel::Warning => (Icon::Warning, p.warn),
        NoticeLevel::Error => (Icon::Warning, p.bad),
    }
}
