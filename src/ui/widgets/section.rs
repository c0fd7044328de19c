use crate::ui::reading::as_painted;
use crate::ui::theme;
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align, Color32, CornerRadius, FontId, Galley, Layout, Painter, Response, RichText, Sense, Slider, Ui,
    Vec2,
};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A titled part of a panel.
pub fn section<R>(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.add_space(10.0);
    ui.label(RichText::new(title).font(theme::small_title()).color(theme::palette(ui).weak));
    ui.add_space(1.0);
    content(ui)
}

/// A name on the left, something on the right.
pub fn field<R>(ui: &mut Ui, name: &str, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        ui.label(RichText::new(name).color(theme::palette(ui).weak));
        ui.with_layout(Layout::right_to_left(Align::Center), content).inner
    })
    .inner
}

/// The ground of a row of a list: chosen, under the pointer, or none.
pub fn row_ground(ui: &Ui, row: &Response, chosen: bool) {
    let p = theme::palette(ui);
    let ground = match (chosen, row.hovered()) {
        (true, _) => p.accent_ground,
        (false, true) => p.raised,
        (false, false) => return,
    };
    ui.painter().rect_filled(row.rect, CornerRadius::same(theme::size::RADIUS), ground);
}

/// A panel's title with buttons at its right.
pub fn title_row(ui: &mut Ui, title: &str, buttons: impl FnOnce(&mut Ui)) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(title).font(theme::title()));
        ui.with_layout(Layout::right_to_left(Align::Center), buttons);
    });
}

/// A name, a slider, its value in per cent.
pub fn slider_row(ui: &mut Ui, name: &str, value: &mut f32, range: RangeInclusive<f32>) -> bool {
    field(ui, name, |ui| {
        ui.label(RichText::new(format!("{:.0} %", *value * 100.0)).font(theme::figures()));
        ui.spacing_mut().slider_width = 110.0;
        let slider = ui.add(Slider::new(value, range).show_value(false));
        slider.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Slider, true, name));
        slider.changed()
    })
}

/// What colours mean, two in a row.
pub fn legend(ui: &mut Ui, colors: &[(Color32, &str)]) {
    let half = ui.available_width() / 2.0;
    for row in colors.chunks(2) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let left = ui.min_rect().left();
            for (i, (color, words)) in (0u8..).zip(row) {
                ui.add_space((left + f32::from(i) * half - ui.cursor().left()).max(0.0));
                let (rect, _) = ui.allocate_exact_size(Vec2::splat(10.0), Sense::hover());
                let edge = egui::Stroke::new(1.0, theme::palette(ui).active);
                ui.painter().rect(rect, 2.0, *color, edge, egui::StrokeKind::Outside);
                ui.label(RichText::new(*words).font(theme::small()).color(theme::palette(ui).weak));
            }
        });
    }
}

/// Says in place of a list why it is empty and what to do.
pub fn empty(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).color(theme::palette(ui).faint));
}

/// Words in one line of this width; what is too long ends with dots.
pub fn cut_at_the_end(
    painter: &Painter,
    words: &str,
    font: FontId,
    color: Color32,
    width: f32,
) -> Arc<Galley> {
    let mut job = LayoutJob::simple_singleline(as_painted(words), font, color);
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
    painter.layout_job(job)
}

/// A name shortened to so many letters. The middle is cut, because names differ at their beginning and end.
pub fn cut_in_the_middle(name: &str, most: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= most {
        return name.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (front, back) = (kept - kept / 2, kept / 2);
    letters[..front].iter().chain(&['…']).chain(&letters[letters.len() - back..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_beginning_and_its_end() {
        assert_eq!(cut_in_the_middle("abdomen.nii", 11), "abdomen.nii");
        assert_eq!(cut_in_the_middle("abdomen_0412.nii.gz", 11), "abdom…ii.gz");
        assert_eq!(cut_in_the_middle("肝臓の画像.png", 5), "肝臓…ng");
        assert_eq!(cut_in_the_middle("ab", 0), "…");
    }
}
