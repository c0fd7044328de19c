//! What comes over the window ends the tooltip that is open there: egui keeps it as long as the pointer rests where it is.

use egui::{Context, Event, Id, Plugin, Pos2, RawInput};

/// Prepares a window for [`end`].
pub fn install(ctx: &Context) {
    ctx.add_plugin(PointerLeaves::default());
}

/// Ends a tooltip that is open: for a frame the pointer is nowhere. A drag goes on.
pub fn end(ctx: &Context) {
    let at = ctx.input(|i| i.pointer.latest_pos().filter(|_| !i.pointer.any_down()));
    if let Some(at) = at {
        ctx.data_mut(|data| data.insert_temp(asked(), at));
        ctx.request_repaint();
    }
}

fn asked() -> Id {
    Id::unique("the pointer leaves for a frame")
}

#[derive(Default)]
struct PointerLeaves {
    /// Where it comes back.
    back: Option<Pos2>,
}

impl Plugin for PointerLeaves {
    fn debug_name(&self) -> &'static str {
        "no tooltip under a sheet"
    }

    fn input_hook(&mut self, ctx: &Context, input: &mut RawInput) {
        if let Some(at) = self.back.take() {
            input.events.insert(0, Event::PointerMoved(at));
        } else if let Some(at) = ctx.data_mut(|data| data.remove_temp(asked())) {
            input.events.insert(0, Event::PointerGone);
            self.back = Some(at);
            ctx.request_repaint();
        }
    }
}
