//! Cards: what is said with weight, and what can be chosen.

use super::Icon;
use crate::ui::theme::{self, Palette};
use egui::{
    Align, Color32, CornerRadius, Layout, Margin, RichText, Role, Sense, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, pos2, text::LayoutJob, vec2,
};

/// How a thing is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Good,
    Warn,
    Bad,
}

impl Mood {
    pub fn color(self, p: &Palette) -> Color32 {
        match self {
            Mood::Good => p.good,
            Mood::Warn => p.warn,
            Mood::Bad => p.bad,
        }
    }

    fn icon(self) -> Icon {
        match self {
            Mood::Good => Icon::Check,
            Mood::Warn | Mood::Bad => Icon::Warning,
        }
    }
}

/// A sentence that counts, and what follows from it.
pub fn said(ui: &mut Ui, mood: Mood, title: RichText, text: &str) {
    let p = theme::palette(ui);
    let color = mood.color(&p);
    theme::card(ui)
        .fill(color.gamma_multiply(0.13))
        .stroke(Stroke::new(1.0, color.gamma_multiply(0.6)))
        .corner_radius(8)
        .inner_margin(Margin::symmetric(12, 10))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                let (square, _) = ui.allocate_exact_size(Vec2::splat(18.0), Sense::hover());
                mood.icon().paint(ui.painter(), square, color);
                ui.add_space(4.0);
                let width = ui.available_width();
                ui.allocate_ui_with_layout(vec2(width, 0.0), Layout::top_down(Align::Min), |ui| {
                    ui.set_width(width);
                    ui.spacing_mut().item_spacing.y = 2.0;
                    ui.label(title);
                    if !text.is_empty() {
                        ui.label(RichText::new(text).font(theme::small()).color(p.weak));
                    }
                });
            });
        });
}

/// A warning in small: its sentences.
pub fn warning(ui: &mut Ui, text: &str) {
    said(ui, Mood::Warn, RichText::new(text).font(theme::small()), "");
}

/// Something that can be chosen; true where it was clicked.
pub fn choice(ui: &mut Ui, width: f32, chosen: bool, icon: Option<Icon>, title: &str, text: &str) -> bool {
    const MARGIN: Vec2 = vec2(12.0, 9.0);
    let p = theme::palette(ui);
    let left = if icon.is_some() { 30.0 } else { 0.0 };
    let right = if chosen { 24.0 } else { 0.0 };
    let wide = (width - 2.0 * MARGIN.x - left - right).max(40.0);
    let laid = |font, color, text: &str| {
        ui.painter().layout_job(LayoutJob::simple(text.to_owned(), font, color, wide))
    };
    let (title_laid, text_laid) = (laid(theme::body(), p.text, title), laid(theme::small(), p.weak, text));
    let gap = if text.is_empty() { 0.0 } else { 2.0 };
    let height = title_laid.size().y + gap + if text.is_empty() { 0.0 } else { text_laid.size().y };
    let (rect, response) = ui.allocate_exact_size(vec2(width, height + 2.0 * MARGIN.y), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, chosen, title));
    let ground = match (chosen, response.hovered()) {
        (true, _) => p.accent_ground,
        (false, true) => p.hover,
        (false, false) => p.raised,
    };
    let edge = match (response.has_focus(), chosen) {
        (true, _) => Stroke::new(2.0, p.accent),
        (false, true) => Stroke::new(1.0, p.accent),
        (false, false) => Stroke::new(1.0, p.line),
    };
    let painter = ui.painter();
    painter.rect(rect, CornerRadius::same(8), ground, edge, StrokeKind::Inside);
    let at = rect.min + MARGIN + vec2(left, 0.0);
    if let Some(icon) = icon {
        let square = egui::Rect::from_min_size(rect.min + MARGIN, Vec2::splat(18.0));
        icon.paint(painter, square, p.accent);
    }
    if chosen {
        let middle = pos2(rect.right() - MARGIN.x - 8.0, rect.center().y);
        Icon::Check.paint(painter, egui::Rect::from_center_size(middle, Vec2::splat(14.0)), p.accent);
    }
    let below = at + vec2(0.0, title_laid.size().y + gap);
    painter.galley(at, title_laid, p.text);
    if !text.is_empty() {
        painter.galley(below, text_laid, p.weak);
    }
    response.clicked()
}
