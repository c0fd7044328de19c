use egui::text::{CCursor, CCursorRange};
use egui::text_edit::TextEditState;
use egui::{Context, EventFilter, Id, Key, Role, TextEdit, Ui, Vec2, WidgetInfo};
use std::any::type_name;

/// A text that a person edits in its place. Every inline field of the window is one.
///
/// It has the keyboard from the moment in which it is asked for. Enter, Tab and a press anywhere else take what was
/// written; Escape leaves the text as it was. When it loses the keyboard, editing ends; it never asks for the keyboard
/// again.
pub struct InlineEdit<K> {
    open: Option<Open<K>>,
    /// How often it was begun.
    begun: u64,
}

struct Open<K> {
    of: K,
    before: String,
    text: String,
}

impl<K> Default for InlineEdit<K> {
    fn default() -> Self {
        Self { open: None, begun: 0 }
    }
}

impl<K: Copy> InlineEdit<K> {
    /// Edits the text of `of` from the next frame on. Returns what was written in another field, as
    /// [`show`](Self::show) does.
    #[must_use]
    pub fn begin(&mut self, ctx: &Context, of: K, text: &str) -> Option<(K, String)> {
        let before = self.end();
        // A field of its own each time: egui takes the keyboard from one that is shown a moment later than it was before.
        self.begun += 1;
        let id = self.id();
        let whole = CCursorRange::two(CCursor::default(), CCursor::new(text.chars().count()));
        let mut state = TextEditState::default();
        state.cursor.set_char_range(Some(whole));
        state.store(ctx, id);
        ctx.memory_mut(|memory| memory.request_focus(id));
        ctx.request_repaint();
        self.open = Some(Open { of, before: text.to_owned(), text: text.to_owned() });
        before
    }

    /// Known before the field is shown, so that it has the keyboard by then.
    fn id(&self) -> Id {
        Id::unique(("inline edit", type_name::<K>(), self.begun))
    }

    /// What is being written.
    pub fn of(&self) -> Option<K> {
        self.open.as_ref().map(|open| open.of)
    }

    /// The field. What it is of and the new text, in the frame in which it ends with another text than it began with.
    pub fn show(&mut self, ui: &mut Ui, size: Vec2, name: &str) -> Option<(K, String)> {
        let id = self.id();
        let open = self.open.as_mut()?;
        // egui would take the keyboard away with Escape before the field knows why.
        let keys = EventFilter {
            escape: true,
            horizontal_arrows: true,
            vertical_arrows: true,
            ..Default::default()
        };
        let field = TextEdit::singleline(&mut open.text).id(id).event_filter(keys);
        let response = ui.add_sized(size, field);
        response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, name));
        if !response.has_focus() {
            return self.end();
        }
        if ui.input(|i| i.key_pressed(Key::Escape)) {
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
