use egui::text::{CCursor, CCursorRange};
use egui::text_edit::TextEditState;
use egui::{EventFilter, Key, Role, TextEdit, Ui, Vec2, WidgetInfo};

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
