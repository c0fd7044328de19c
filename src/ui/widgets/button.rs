use super::{Icon, cut_at_the_end};
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::theme::{self, size};
use egui::{
    Button, CornerRadius, Rect, Response, RichText, Role, Sense, Stroke, Ui, Vec2, Widget, WidgetInfo,
};

/// A square button with an icon, a name for the tooltip and for screen readers, and its key.
pub struct IconButton {
    icon: Icon,
    name: String,
    about: &'static str,
    key: Option<KeyCommand>,
    selected: bool,
    enabled: bool,
    side: f32,
    faint: bool,
}

impl IconButton {
    pub fn new(icon: Icon, name: impl Into<String>) -> Self {
        Self {
            icon,
            name: name.into(),
            about: "",
            key: None,
            selected: false,
            enabled: true,
            side: size::BUTTON,
            faint: false,
        }
    }

    /// A sentence below the name, in the tooltip.
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// The command whose key does the same.
    pub fn key(mut self, command: KeyCommand) -> Self {
        self.key = Some(command);
        self
    }

    pub fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    pub fn side(mut self, side: f32) -> Self {
        self.side = side;
        self
    }

    /// Recedes until the pointer is on it.
    pub fn faint(mut self, faint: bool) -> Self {
        self.faint = faint;
        self
    }
}

impl Widget for IconButton {
    fn ui(self, ui: &mut Ui) -> Response {
        let sense = if self.enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(self.side), sense);
        let (name, enabled, selected) = (self.name.clone(), self.enabled, self.selected);
        response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, selected, &name));
        if ui.is_rect_visible(rect) {
            let p = theme::palette(ui);
            let ground = match (self.selected, self.enabled && response.hovered()) {
                _ if self.enabled && response.is_pointer_button_down_on() => Some(p.active),
                (true, _) => Some(p.accent_ground),
                (false, true) => Some(p.hover),
                (false, false) => None,
            };
            if let Some(ground) = ground {
                ui.painter().rect_filled(rect, CornerRadius::same(size::RADIUS), ground);
            }
            let color = match (self.enabled, self.selected) {
                (false, _) => p.faint.gamma_multiply(0.5),
                (true, true) => p.accent,
                (true, false) if response.hovered() => p.text,
                (true, false) if self.faint => p.faint,
                (true, false) => p.weak,
            };
            let icon_side = (self.side * 0.6).clamp(12.0, 20.0);
            let square = Rect::from_center_size(rect.center(), Vec2::splat(icon_side));
            self.icon.paint(ui.painter(), square, color);
        }
        response.on_hover_ui(|ui| {
            ui.horizontal(|ui| {
                ui.label(&self.name);
                if let Some(key) = self.key.and_then(|command| shortcut_of(ui.ctx(), command)) {
                    ui.label(RichText::new(key).color(theme::palette(ui).faint));
                }
            });
            if !self.about.is_empty() {
                ui.label(self.about);
            }
        })
    }
}

/// The one main button of a panel, with the key that does the same.
pub fn primary_key(ui: &mut Ui, enabled: bool, text: &str, command: KeyCommand) -> Response {
    let key = shortcut_of(ui.ctx(), command).unwrap_or_default();
    primary_with(ui, enabled, text, &key)
}

/// The same, with a key of the sheet that it is in.
pub fn primary_with(ui: &mut Ui, enabled: bool, text: &str, key: &str) -> Response {
    let p = theme::palette(ui);
    let color = if enabled { p.on_accent } else { p.faint };
    let words = RichText::new(text).color(color);
    let button = Button::new(words)
        .right_text(RichText::new(key).font(theme::key_cap()).color(color))
        .fill(if enabled { p.accent } else { p.raised })
        .stroke(Stroke::NONE)
        .min_size(Vec2::new(0.0, size::BUTTON));
    let response = ui.add_enabled(enabled, button);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, text));
    response
}

/// Of the mark of a button that opens a list.
const MARK: f32 = 12.0;
/// So much of the words of such a button is always shown, in points.
const LEAST_WORDS: f32 = 40.0;

/// How wide a button that opens a list is, with words as wide as this.
pub fn drop_down_width(ui: &Ui, words: f32) -> f32 {
    words + 2.0 * ui.spacing().button_padding.x + MARK + 4.0
}

/// A button that opens a list: the words of what is chosen, and a mark. `name` is what it is called by screen readers. Where there is
/// too little room for them, the words end with dots.
pub fn drop_down(ui: &mut Ui, words: &str, name: &str) -> Response {
    let p = theme::palette(ui);
    let padding = ui.spacing().button_padding.x;
    let room = ui.available_width() - drop_down_width(ui, 0.0);
    let galley = cut_at_the_end(ui.painter(), words, theme::body(), p.text, room.max(LEAST_WORDS));
    let wide = Vec2::new(drop_down_width(ui, galley.size().x), size::BUTTON);
    let (rect, response) = ui.allocate_exact_size(wide, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name));
    let ground = if response.hovered() { p.hover } else { p.raised };
    let (round, stroke) = (CornerRadius::same(size::RADIUS), Stroke::new(1.0, p.line));
    ui.painter().rect(rect, round, ground, stroke, egui::StrokeKind::Inside);
    let at = egui::pos2(rect.left() + padding, rect.center().y - galley.size().y / 2.0);
    let mark = egui::pos2(rect.right() - padding - MARK / 2.0, rect.center().y);
    ui.painter().galley(at, galley, p.text);
    Icon::Down.paint(ui.painter(), Rect::from_center_size(mark, Vec2::splat(MARK)), p.weak);
    response
}

/// A key, as it is painted beside what it does; where it was drawn.
pub fn key_cap(ui: &mut Ui, key: &str) -> Response {
    let p = theme::palette(ui);
    let galley = ui.painter().layout_no_wrap(key.to_owned(), theme::key_cap(), p.weak);
    let wide = Vec2::new((galley.size().x + 8.0).max(16.0), 16.0);
    let (rect, response) = ui.allocate_exact_size(wide, Sense::hover());
    let stroke = Stroke::new(1.0, p.active);
    ui.painter().rect_stroke(rect, CornerRadius::same(3), stroke, egui::StrokeKind::Inside);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, p.weak);
    response
}

/// The one main button of a panel.
pub fn primary(ui: &mut Ui, enabled: bool, text: &str) -> Response {
    let p = theme::palette(ui);
    let button = Button::new(RichText::new(text).font(theme::strong()).color(if enabled {
        p.on_accent
    } else {
        p.faint
    }))
    .fill(if enabled { p.accent } else { p.raised })
    .stroke(Stroke::NONE)
    .min_size(Vec2::new(0.0, size::BUTTON));
    ui.add_enabled(enabled, button)
}

/// An ordinary button.
pub fn quiet(ui: &mut Ui, enabled: bool, text: &str) -> Response {
    ui.add_enabled(enabled, Button::new(text).min_size(Vec2::new(0.0, size::BUTTON)))
}
