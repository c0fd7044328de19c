use super::button::drop_down_width;
use super::{drop_down, menu};
use crate::ui::theme::{self, size};
use egui::{Button, CornerRadius, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

/// One of several choices, side by side in one frame.
pub struct Segmented<'a, T> {
    /// Value, words on screen, name for screen readers.
    choices: Vec<(T, &'a str, String)>,
    chosen: T,
    /// Those that cannot be chosen.
    without: Vec<T>,
    enabled: bool,
    padding: f32,
}

/// Between the frame and the ground of the chosen one.
const INSET: f32 = 2.0;

impl<'a, T: Copy + PartialEq> Segmented<'a, T> {
    pub fn new(chosen: T, choices: impl IntoIterator<Item = (T, &'a str)>) -> Self {
        let choices = choices.into_iter().map(|(value, words)| (value, words, words.to_owned())).collect();
        Self { choices, chosen, without: Vec::new(), enabled: true, padding: 10.0 }
    }

    /// Those that cannot be chosen; `tip` is to say why.
    pub fn without(mut self, not: impl Fn(T) -> bool) -> Self {
        self.without = self.choices.iter().map(|(value, ..)| *value).filter(|value| not(*value)).collect();
        self
    }

    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// At both sides of the words.
    pub fn padding(mut self, padding: f32) -> Self {
        self.padding = padding;
        self
    }

    /// How each choice is called by screen readers.
    pub fn named(mut self, name: impl Fn(T) -> String) -> Self {
        self.choices.iter_mut().for_each(|(value, _, called)| *called = name(*value));
        self
    }

    /// How wide it will be.
    pub fn width(&self, ui: &Ui) -> f32 {
        self.choices.iter().map(|(_, words, _)| wide(ui, words) + 2.0 * self.padding).sum::<f32>()
            + 2.0 * INSET
    }

    /// How wide the button with the list will be at most, whatever is chosen.
    pub fn widest_in_list(&self, ui: &Ui) -> f32 {
        let widths = self.choices.iter().map(|(_, words, _)| drop_down_width(ui, wide(ui, words)));
        widths.fold(0.0, f32::max)
    }

    /// As [`Segmented::show`]; where there is less room than that, a button with the chosen one, which opens a list. `name`: what
    /// the button is called.
    pub fn show_or_list(self, ui: &mut Ui, name: &str, tip: impl Fn(T) -> String) -> Option<T> {
        if self.width(ui) <= ui.available_width() { self.show(ui, tip) } else { self.list(ui, name, tip) }
    }

    /// A button with the chosen one, which opens a list.
    pub fn list(self, ui: &mut Ui, name: &str, tip: impl Fn(T) -> String) -> Option<T> {
        let shown =
            self.choices.iter().find(|(value, ..)| *value == self.chosen).map_or("", |(_, words, _)| words);
        let button = drop_down(ui, shown, name);
        let mut clicked = None;
        menu(&button, |ui| {
            for (value, words, _) in &self.choices {
                let line = Button::selectable(*value == self.chosen, *words);
                let line = ui.add_enabled(!self.without.contains(value), line);
                let tip = tip(*value);
                let line = match tip.is_empty() {
                    true => line,
                    false => line.on_hover_text(&tip).on_disabled_hover_text(tip),
                };
                if line.clicked() {
                    clicked = Some(*value);
                    ui.close();
                }
            }
        });
        clicked
    }

    /// Draws it; the choice that was clicked. `tip` says more of each.
    pub fn show(self, ui: &mut Ui, tip: impl Fn(T) -> String) -> Option<T> {
        let width = self.width(ui);
        let (frame, _) = ui.allocate_exact_size(vec2(width, size::BUTTON), Sense::hover());
        let p = theme::palette(ui);
        let round = CornerRadius::same(size::RADIUS);
        ui.painter().rect(
            frame,
            round,
            ui.visuals().extreme_bg_color,
            Stroke::new(1.0, p.line),
            StrokeKind::Inside,
        );
        let mut left = frame.left() + INSET;
        let mut clicked = None;
        for (value, words, called) in self.choices {
            let width = wide(ui, words) + 2.0 * self.padding;
            let cell =
                Rect::from_min_size(pos2(left, frame.top() + INSET), vec2(width, size::BUTTON - 2.0 * INSET));
            left += width;
            let enabled = self.enabled && !self.without.contains(&value);
            // A drag, too: over an image the view below would else hear the press.
            let sense = if enabled { Sense::click_and_drag() } else { Sense::hover() };
            let response = ui.interact(cell, ui.scope_id().with(("segment", &called)), sense);
            let chosen = value == self.chosen;
            response.widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, chosen, &called));
            if chosen && enabled {
                ui.painter().rect_filled(cell, CornerRadius::same(size::RADIUS - 1), p.accent_ground);
            } else if response.hovered() && enabled {
                ui.painter().rect_filled(cell, CornerRadius::same(size::RADIUS - 1), p.hover);
            }
            let color = match (enabled, chosen) {
                (false, _) => p.faint,
                (true, true) => p.text,
                (true, false) => p.weak,
            };
            let galley = ui.painter().layout_no_wrap(words.to_owned(), theme::body(), color);
            ui.painter().galley(cell.center() - galley.size() / 2.0, galley, color);
            let words = tip(value);
            let response = if words.is_empty() { response } else { response.on_hover_text(words) };
            if response.clicked() && !chosen {
                clicked = Some(value);
            }
        }
        clicked
    }
}

/// How wide words are, in points.
pub fn wide(ui: &Ui, words: &str) -> f32 {
    ui.painter().layout_no_wrap(words.to_owned(), theme::body(), egui::Color32::PLACEHOLDER).size().x.ceil()
}

/// A hairline between groups of a bar.
pub fn divider(ui: &mut Ui) {
    ui.add_space(4.0);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(1.0, 18.0), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, theme::palette(ui).active);
    ui.add_space(4.0);
}
