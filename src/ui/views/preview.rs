use super::frame::ViewFrame;
use super::words::text;
use crate::gpu::{SliceCallback, SliceDraw, SliceImage};
use crate::ui::outbox::Outbox;
use crate::ui::theme::{self, canvas, size};
use crate::ui::view_state::PlaneViewState;
use crate::ui::widgets::{progress_bar, quiet};
use crate::workspace::{Command, Opening};
use egui::{Align, Align2, Frame, Layout, Margin, Rect, RichText, Ui, UiBuilder, pos2, vec2};

/// An image on its way in: its first slice where there is one, and how far it has come.
pub fn show(ui: &mut Ui, opening: &Opening, out: &mut Outbox) {
    let rect = ui.available_rect_before_wrap();
    ui.painter().rect_filled(rect, 0.0, canvas::GROUND);
    if let Some((slice, z, depth)) = &opening.preview {
        let plane = slice.grid().native_plane();
        let ppp = ui.ctx().pixels_per_point();
        let frame = ViewFrame::new(slice, plane, [0; 3], rect, PlaneViewState::default(), ppp);
        let image = SliceImage { volume: slice.clone(), axes: frame.axes, slice: 0 };
        ui.painter().add(SliceCallback::shape(rect, SliceDraw::of_image(image, frame.transform)));
        let words = format!("Slice {} of {depth}, shown while the rest is loading", z + 1);
        let at = pos2(rect.center().x, rect.top() + 14.0);
        text(ui.painter(), at, Align2::CENTER_TOP, &words, theme::small(), canvas::TEXT);
    }
    let card = Rect::from_center_size(pos2(rect.center().x, rect.bottom() - 70.0), vec2(340.0, 84.0));
    let mut ui = ui.new_child(UiBuilder::new().max_rect(card).layout(Layout::top_down(Align::Min)));
    let p = theme::palette(&ui);
    Frame::new().fill(p.panel).corner_radius(10).inner_margin(Margin::symmetric(14, 12)).show(
        &mut ui,
        |ui| {
            ui.horizontal(|ui| {
                let name = opening.name();
                ui.add(egui::Label::new(RichText::new(format!("Loading {name}"))).truncate());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if quiet(ui, true, "Cancel").clicked() {
                        out.command(Command::Cancel(opening.job()));
                    }
                });
            });
            ui.add_space(size::GAP / 2.0);
            let share = (opening.total > 0).then(|| opening.done as f32 / opening.total as f32);
            progress_bar(ui, share, "Loading");
        },
    );
}
