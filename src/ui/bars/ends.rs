//! The right end of a bar. It is laid out from the left to the right, as it is seen: so Tab goes through it.

use egui::{Align, Id, Layout, Rect, Ui, UiBuilder};

/// What stands at the right end of a bar. How wide it is is known from the last frame; where that has changed the frame is laid out
/// once more.
pub struct RightEnd {
    id: Id,
    bar: Rect,
    width: f32,
}

impl RightEnd {
    pub fn of(ui: &Ui, name: &'static str, bar: Rect) -> Self {
        let id = ui.scope_id().with(name);
        let width = ui.data(|data| data.get_temp(id)).unwrap_or(0.0);
        Self { id, bar, width }
    }

    pub fn left(&self) -> f32 {
        self.bar.right() - self.width
    }

    pub fn show(self, ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
        let place = self.bar.with_min_x(self.left());
        let layout = Layout::left_to_right(Align::Center);
        let mut child = ui.new_child(UiBuilder::new().max_rect(place).layout(layout).id_salt(self.id));
        child.spacing_mut().item_spacing.x = 4.0;
        content(&mut child);
        let width = child.min_rect().width();
        if (width - self.width).abs() > 0.5 {
            ui.data_mut(|data| data.insert_temp(self.id, width));
            ui.ctx().request_discard("the right end of a bar has another width");
        }
    }
}
