use egui::text::{CCursor, CCursorRange, CharIndex};
use egui::text_edit::TextEditState;
use egui::{Event, EventFilter, Id, Key, Role, TextBuffer, TextEdit, Ui, Vec2, WidgetInfo};

/// A text that a person writes anew in its place. Every inline field of the window is one.
///
/// It has the keyboard from its first frame on. Enter, Tab and a press anywhere else take what was written; Escape leaves
/// the text as it was. When it has lost the keyboard it is over, however it lost it: it never asks for it a second time.
pub struct InlineEdit<K> {
    open: Option<Open<K>>,
}

struct Open<K> {
    of: K,
    before: String,
    text: String,
    /// It has been given the keyboard.
    begun: bool,
}

impl<K> Default for InlineEdit<K> {
    fn default() -> Self {
        Self { open: None }
    }
}

impl<K: Copy> InlineEdit<K> {
    /// Writes the text of `of` anew.
    pub fn begin(&mut self, of: K, text: &str) {
        self.open = Some(Open { of, before: text.to_owned(), text: text.to_owned(), begun: false });
    }

    /// What is being written.
    pub fn of(&self) -> Option<K> {
        self.open.as_ref().map(|open| open.of)
    }

    /// The field. What it is of and the new text, in the frame in which it ends with another text than it began with.
    pub fn show(&mut self, ui: &mut Ui, size: Vec2, name: &str) -> Option<(K, String)> {
        let open = self.open.as_mut()?;
        // egui would take the keyboard away with Escape before the field knows why.
        let keys = EventFilter {
            escape: true,
            horizontal_arrows: true,
            vertical_arrows: true,
            ..Default::default()
        };
        let response = ui.add_sized(size, TextEdit::singleline(&mut open.text).event_filter(keys));
        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, name));
        if !open.begun {
            open.begun = true;
            response.request_focus();
            let mut state = TextEditState::load(ui.ctx(), response.id).unwrap_or_default();
            let whole = CCursorRange::two(CCursor::default(), CCursor::new(open.text.chars().count()));
            state.cursor.set_char_range(Some(whole));
            state.store(ui.ctx(), response.id);
        } else if !response.has_focus() {
            open.take_last_letters(ui, response.id);
            return self.end();
        } else if ui.input(|i| i.key_pressed(Key::Escape)) {
            response.surrender_focus();
            self.open = None;
        }
        None
    }

    /// Ends it where its field is not shown any more; as [`show`](Self::show).
    pub fn end(&mut self) -> Option<(K, String)> {
        let open = self.open.take()?;
        (open.text != open.before).then_some((open.of, open.text))
    }
}

impl<K> Open<K> {
    /// A press elsewhere takes the keyboard away before the field sees the letters that were typed before it in the same
    /// frame: on a slow machine those of half a second.
    fn take_last_letters(&mut self, ui: &Ui, field: Id) {
        let letters = ui.input(|input| {
            let press =
                input.events.iter().position(|e| matches!(e, Event::PointerButton { pressed: true, .. }));
            let before = &input.events[..press.unwrap_or(0)];
            let typed =
                before.iter().filter_map(|e| if let Event::Text(text) = e { Some(&**text) } else { None });
            typed.collect::<String>()
        });
        let end = CharIndex(self.text.chars().count());
        let cursor = TextEditState::load(ui.ctx(), field).and_then(|state| state.cursor.char_range());
        let range = cursor.map_or(end..end, |cursor| cursor.as_sorted_char_range());
        if !letters.is_empty() {
            self.text.delete_char_range(range.start.min(end)..range.end.min(end));
            self.text.insert_text(&letters, range.start.min(end));
        }
    }
}
