//! The list of keys and mouse gestures, from the tables that dispatch them; a click on a line gives it another key.

use super::keys::{
    Changes, Group, Keys, MOUSE, Shortcut, is_modifier, is_shifted, keys, set_keys, written, written_gesture,
};
use super::theme::{self, size};
use super::widgets::quiet;
use egui::{
    Align, Align2, Context, CornerRadius, Event, Frame, Id, Key, KeyboardShortcut, Layout, Margin, Modal,
    Modifiers, Rect, RichText, Role, ScrollArea, Sense, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};

/// Of a line, in points.
const LINE: f32 = 24.0;
/// Of the title and the search.
const HEAD: f32 = 32.0;
/// Between the sheet and the window's edge.
const AROUND: f32 = 16.0;
/// In narrower windows there is less around what is in the sheet.
const NARROW: f32 = 700.0;
/// The lines stand in as many columns as there is room for.
const COLUMN: f32 = 290.0;
const MOST_COLUMNS: usize = 3;

/// The sheet, and the line that waits for a key.
#[derive(Default)]
pub struct Help {
    shown: bool,
    /// It has just been opened.
    fresh: bool,
    typed: String,
    /// The title of the line that waits for a key.
    waits: Option<&'static str>,
    /// The key that was pressed for it, where another line has it.
    taken: Option<KeyboardShortcut>,
    /// That has just been so: the keyboard goes to what can be done about it.
    clashes: bool,
    /// How high the foot was in the last frame, in points.
    foot: f32,
}

impl Help {
    pub fn open(&mut self) {
        *self = Self { shown: true, fresh: true, ..Self::default() };
    }

    pub fn is_open(&self) -> bool {
        self.shown
    }

    pub fn show(&mut self, ctx: &Context) {
        if !self.shown {
            return;
        }
        self.listen(ctx);
        let screen = ctx.content_rect().size();
        let margin = if screen.x < NARROW { 12.0 } else { 20.0 };
        let width = (screen.x - 2.0 * (margin + AROUND)).min(1020.0);
        let rest = 2.0 * (margin + AROUND) + HEAD + 2.0 * 8.0 + self.foot.max(28.0);
        let height = (screen.y - rest).max(LINE);
        let frame = Frame::popup(&ctx.global_style()).inner_margin(margin);
        let modal = Modal::new(Id::unique("keys")).frame(frame).show(ctx, |ui| {
            ui.set_width(width);
            self.head(ui);
            ui.add_space(8.0);
            ScrollArea::vertical()
                .max_height(height)
                .min_scrolled_height(height)
                .auto_shrink([false, true])
                .show(ui, |ui| self.columns(ui, width));
            ui.add_space(8.0);
            let before = ui.cursor().top();
            self.foot(ui);
            let foot = ui.min_rect().bottom() - before;
            if (foot - self.foot).abs() > 0.5 {
                self.foot = foot;
                ctx.request_discard("the foot of the list has another height");
            }
        });
        if modal.should_close() || ctx.input_mut(|i| i.consume_key(Modifiers::NONE, Key::F1)) {
            self.shown = false;
            ctx.request_repaint();
        }
        self.fresh = false;
    }

    /// Gives the line that waits the key that is pressed. Escape ends the waiting, and not the sheet.
    fn listen(&mut self, ctx: &Context) {
        let Some(title) = self.waits else { return };
        if ctx.text_edit_focused() {
            // The person has gone to the search.
            (self.waits, self.taken) = (None, None);
            return;
        }
        let mut pressed = None;
        ctx.input_mut(|input| {
            input.events.retain(|event| match event {
                // What can be done about a key that another line has is reached by these.
                Event::Key { key, modifiers, .. }
                    if self.taken.is_some() && goes_through(*key, *modifiers) =>
                {
                    true
                }
                // The key that chose the line may still be down.
                Event::Key { pressed: true, repeat: true, .. } => false,
                // Modifiers are part of the key that follows.
                Event::Key { key, pressed: true, modifiers, .. } if !is_modifier(*key) => {
                    pressed = pressed.or(Some(shortcut(*key, *modifiers)));
                    false
                }
                Event::Text(_) => false,
                _ => true,
            });
        });
        let Some(key) = pressed else { return };
        let free = |keys: &Keys| keys.meaning(&key).is_none_or(|line| line.title == title);
        match key.logical_key {
            Key::Escape => (self.waits, self.taken) = (None, None),
            _ if !is_kept(&key) && free(&keys(ctx)) => self.give(ctx, vec![key]),
            _ => (self.taken, self.clashes) = (Some(key), true),
        }
    }

    /// Gives the line that waits these keys, and takes them from the others.
    fn give(&mut self, ctx: &Context, wanted: Vec<KeyboardShortcut>) {
        if let Some(title) = self.waits.take() {
            let mut changed = Keys::clone(&keys(ctx));
            changed.give(title, wanted);
            set_keys(ctx, changed);
        }
        self.taken = None;
    }

    fn head(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Keys and mouse").font(theme::headline()));
            ui.add_space(12.0);
            let field = TextEdit::singleline(&mut self.typed)
                .id(Id::unique("key search"))
                .hint_text("Search")
                .desired_width((ui.available_width() - 110.0).clamp(60.0, 260.0))
                .margin(Margin::symmetric(8, 6));
            let field = ui.add(field);
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Search the keys"));
            if self.fresh {
                field.request_focus();
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if quiet(ui, true, "Close").clicked() {
                    self.shown = false;
                }
            });
        });
    }

    fn columns(&mut self, ui: &mut Ui, width: f32) {
        let count = ((width / COLUMN) as usize).clamp(1, MOST_COLUMNS);
        let counted = keys(ui.ctx());
        let typed = self.typed.trim().to_lowercase();
        let fits = |title: &str, keys: &[String]| {
            typed.is_empty()
                || title.to_lowercase().contains(&typed)
                || keys.iter().any(|key| key.to_lowercase() == typed)
        };
        let of_group = |group: Group| {
            let lines = counted.lines().iter().filter(|line| line.group == group);
            let all = lines.map(Line::of).filter(|line| fits(line.words, &line.keys));
            (group.title(), all.collect::<Vec<_>>())
        };
        let of_mouse = MOUSE.iter().map(Line::of_mouse).filter(|line| fits(line.words, &line.keys));
        let mut blocks: Vec<(&str, Vec<Line>)> = Group::ALL.map(of_group).into();
        blocks.push(("Mouse", of_mouse.collect()));
        blocks.retain(|(_, lines)| !lines.is_empty());
        if blocks.is_empty() {
            ui.label(RichText::new("No key does that").color(theme::palette(ui).weak));
            return;
        }
        // Each block goes where there is least.
        let mut columns: Vec<Vec<(&str, Vec<Line>)>> = (0..count).map(|_| Vec::new()).collect();
        for block in blocks {
            let long = |column: &&mut Vec<(&str, Vec<Line>)>| {
                column.iter().map(|(_, lines)| lines.len() + 2).sum::<usize>()
            };
            if let Some(shortest) = columns.iter_mut().min_by_key(long) {
                shortest.push(block);
            }
        }
        ui.spacing_mut().item_spacing.x = 28.0;
        ui.columns(count, |uis| {
            for (ui, blocks) in uis.iter_mut().zip(columns) {
                ui.spacing_mut().item_spacing.y = 0.0;
                for (words, lines) in blocks {
                    title(ui, words);
                    lines.iter().for_each(|line| self.line(ui, line));
                }
            }
        });
    }

    fn line(&mut self, ui: &mut Ui, line: &Line) {
        let p = theme::palette(ui);
        let sense = if line.changes { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), sense);
        let waits = self.waits == Some(line.words) && line.changes;
        if line.changes {
            let name = format!("{}: {}", line.words, line.keys.join(" or "));
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, waits, &name));
        }
        let ground = match (waits, line.changes && response.hovered()) {
            (true, _) => Some(p.accent_ground),
            (false, true) => Some(p.raised),
            _ => None,
        };
        if let Some(ground) = ground {
            ui.painter().rect_filled(rect.expand2(vec2(6.0, 0.0)), CornerRadius::same(size::RADIUS), ground);
        }
        let mut right = rect.right();
        if waits {
            let at = pos2(right, rect.center().y);
            let words = ui.painter().text(at, Align2::RIGHT_CENTER, "press a key", theme::small(), p.accent);
            right = words.left() - 6.0;
        } else {
            for key in line.keys.iter().rev() {
                right = cap(ui, pos2(right, rect.center().y), key) - 4.0;
            }
        }
        let clip = ui.painter().with_clip_rect(rect.with_max_x(right).intersect(ui.clip_rect()));
        clip.text(rect.left_center(), Align2::LEFT_CENTER, line.words, theme::small(), p.text);
        if response.clicked() {
            (self.waits, self.taken) = (Some(line.words), None);
            // The field would take the key.
            ui.memory_mut(|memory| memory.stop_text_input());
        }
    }

    /// What to do, and what becomes of a key that means something already.
    fn foot(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let now = keys(&ctx);
        let words = match (self.waits, self.taken) {
            (None, _) => "Click a line to give it another key.".to_owned(),
            (Some(title), None) => format!("Press the new key for “{title}”. Escape leaves it as it is."),
            (Some(_), Some(key)) if is_kept(&key) => {
                format!("{} cannot be given to anything else. Press another key.", written(&key))
            }
            (Some(_), Some(key)) => {
                let other = now.meaning(&key).map_or("something else", |line| line.title);
                format!("{} is “{other}”.", written(&key))
            }
        };
        let clashes = std::mem::take(&mut self.clashes);
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(words).color(theme::palette(ui).weak));
            let Some(title) = self.waits else {
                let changed = now.changes() != Changes::new();
                if changed && quiet(ui, true, "All keys as at first").clicked() {
                    set_keys(&ctx, Keys::with(&Changes::new()));
                }
                return;
            };
            if let Some(key) = self.taken.filter(|key| !is_kept(key)) {
                let take = quiet(ui, true, "Take it from there");
                if clashes {
                    take.request_focus();
                }
                if take.clicked() {
                    self.give(&ctx, vec![key]);
                }
            }
            if self.taken.is_some() {
                let leave = quiet(ui, true, "Leave it");
                if clashes && self.taken.is_some_and(|key| is_kept(&key)) {
                    leave.request_focus();
                }
                if leave.clicked() {
                    (self.waits, self.taken) = (None, None);
                }
            }
            if quiet(ui, true, "Its first key").clicked() {
                let mut changed = Keys::clone(&now);
                changed.give_back(title);
                set_keys(&ctx, changed);
                (self.waits, self.taken) = (None, None);
            }
            if quiet(ui, true, "No key").clicked() {
                self.give(&ctx, Vec::new());
            }
        });
    }
}

/// A line of the sheet.
struct Line {
    words: &'static str,
    keys: Vec<String>,
    changes: bool,
}

impl Line {
    fn of(shortcut: &Shortcut) -> Self {
        Self {
            words: shortcut.title,
            keys: shortcut.keys.iter().map(written).collect(),
            changes: shortcut.can_change(),
        }
    }

    fn of_mouse(binding: &super::keys::MouseBinding) -> Self {
        Self { words: binding.title, keys: vec![written_gesture(binding)], changes: false }
    }
}

/// What was pressed, as the list has it.
fn shortcut(key: Key, pressed: Modifiers) -> KeyboardShortcut {
    let mut modifiers = Modifiers::NONE;
    for (on, modifier) in [
        (pressed.command || pressed.ctrl, Modifiers::COMMAND),
        (pressed.alt, Modifiers::ALT),
        // The logical key says it already.
        (pressed.shift && !is_shifted(key), Modifiers::SHIFT),
    ] {
        if on {
            modifiers = modifiers.plus(modifier);
        }
    }
    KeyboardShortcut::new(modifiers, key)
}

/// Keys whose meaning stays: Escape leaves, Space moves the image.
fn is_kept(key: &KeyboardShortcut) -> bool {
    matches!(key.logical_key, Key::Escape | Key::Space)
}

/// Keys that go through buttons and use them.
fn goes_through(key: Key, modifiers: Modifiers) -> bool {
    match key {
        Key::Tab => !modifiers.command && !modifiers.alt,
        key => matches!(key, Key::Enter | Key::Space) && modifiers.is_none(),
    }
}

fn title(ui: &mut Ui, words: &str) {
    ui.add_space(8.0);
    ui.label(RichText::new(words).font(theme::small_title()).color(theme::palette(ui).accent));
    ui.add_space(2.0);
}

/// A key, its right end there; where its left end is.
fn cap(ui: &Ui, right: egui::Pos2, words: &str) -> f32 {
    let p = theme::palette(ui);
    let text = ui.painter().layout_no_wrap(words.to_owned(), theme::key_cap(), p.weak);
    let size = Vec2::new((text.size().x + 10.0).max(20.0), 19.0);
    let rect = Rect::from_min_size(right - vec2(size.x, size.y / 2.0), size);
    ui.painter().rect_filled(rect, CornerRadius::same(4), p.raised);
    ui.painter().galley(rect.center() - text.size() / 2.0, text, p.weak);
    rect.left()
}
