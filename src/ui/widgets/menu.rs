use egui::{Key, Popup, Response, Ui};

/// What a button opens: lines of which one is chosen, by the pointer or by the keyboard, and which closes then.
pub fn menu<R>(button: &Response, content: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    Popup::menu(button)
        .show(|ui| {
            let inner = content(ui);
            // egui closes a menu only after a click of the pointer.
            let focused = ui.memory(|memory| memory.focused()).and_then(|id| ui.ctx().read_response(id));
            let is_line = focused.is_some_and(|line| line.layer_id == ui.layer_id() && line.enabled());
            if is_line && ui.input(|i| i.key_pressed(Key::Enter) || i.key_pressed(Key::Space)) {
                ui.close();
            }
            inner
        })
        .map(|shown| shown.inner)
}
