//! How the two are shown: below the views.

use super::head::dark;
use crate::ui::keys::KeyCommand;
use crate::ui::theme::{self, canvas};
use crate::ui::view_state::{How, ViewState};
use crate::ui::widgets::{Icon, IconButton, Segmented, divider};
use egui::{Align2, Area, Frame, Id, Margin, Order, Rect, RichText, Stroke, Ui};

/// In points.
pub const HEIGHT: f32 = 46.0;
/// With less room there are fewer words, in points.
const WORDS: f32 = 520.0;

/// `images`: two images are compared, which have no pixels in common.
pub fn show(ui: &Ui, place: Rect, images: bool, view_state: &mut ViewState) {
    let comparing = &mut view_state.comparing;
    let still = theme::is_motion_reduced(ui.ctx());
    ui.painter().rect_filled(place, 0.0, canvas::GROUND);
    let area = Area::new(Id::unique("how two are shown"))
        .order(Order::Middle)
        .pivot(Align2::CENTER_CENTER)
        .fixed_pos(place.center());
    area.show(ui.ctx(), |ui| {
        dark(ui);
        let p = theme::of(true);
        let frame = Frame::new().fill(p.panel).stroke(Stroke::new(1.0, p.active)).corner_radius(9);
        frame.inner_margin(Margin::symmetric(6, 4)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                let offered = How::ALL.into_iter().filter(|how| !images || *how != How::Difference);
                let shown = match comparing.how {
                    How::Difference if images => How::Beside,
                    how => how,
                };
                let choices = Segmented::new(shown, offered.map(|how| (how, how.title())));
                let named = choices.named(|how| format!("{}: {}", how.title(), how.about()));
                if let Some(how) = named.show(ui, |how| how.about().to_owned()) {
                    comparing.how = how;
                }
                match shown {
                    How::Beside => {
                        divider(ui);
                        let chain = IconButton::new(Icon::Chain, "Zoom and place move together");
                        if ui.add(chain.selected(comparing.linked)).clicked() {
                            comparing.linked = !comparing.linked;
                        }
                        if place.width() > WORDS {
                            let words = if comparing.linked { "moves together" } else { "each on its own" };
                            ui.label(RichText::new(words).font(theme::small()).color(p.weak));
                        }
                    }
                    How::Blink if still => {
                        divider(ui);
                        let other = IconButton::new(Icon::Swap, "Show the other").key(KeyCommand::Queue(-1));
                        if ui.add(other).clicked() {
                            comparing.turned = !comparing.turned;
                        }
                    }
                    _ => {}
                }
            });
        });
    });
}
