//! In the row of options: what kind of thing is compared, and what of it is drawn.

use crate::ui::comparing::Kind;
use crate::ui::outbox::Outbox;
use crate::ui::panels::prediction::choose_structures;
use crate::ui::theme;
use crate::ui::view_state::{CompareWith, ViewState};
use crate::ui::widgets::{Segmented, divider, drop_down};
use crate::workspace::{Command, Document, ModelCommand, Workspace};
use egui::{Popup, PopupCloseBehavior, RichText, Ui};

/// With less room what is drawn has no word before it, in points.
const WORD: f32 = 170.0;
/// And with less than this it is left to the layers and the panel of the prediction.
const LIST: f32 = 120.0;

pub fn show(
    ui: &mut Ui,
    workspace: &Workspace,
    document: &Document,
    view_state: &mut ViewState,
    out: &mut Outbox,
) {
    let image = view_state.image(document);
    // Where nothing has been chosen yet, it is two models that one begins with.
    let kind = image.compared.as_ref().map_or(Kind::Models, Kind::of);
    let first = |kind: Kind| kind.first(workspace, document);
    let choices = Segmented::new(kind, Kind::ALL.map(|kind| (kind, kind.title())));
    let tip = |kind: Kind| first(kind).err().unwrap_or(kind.about()).to_owned();
    if let Some(kind) = choices.without(|kind| first(kind).is_err()).show_or_list(ui, "What is compared", tip)
    {
        image.compared = first(kind).ok().or(image.compared.take());
    }
    if ui.available_width() < LIST {
        return;
    }
    let images = matches!(image.compared, Some(CompareWith::Image(_)));
    divider(ui);
    if ui.available_width() > WORD {
        ui.label(RichText::new("Shows").color(theme::palette(ui).weak));
    }
    let comparison = workspace.comparison().filter(|_| !images);
    let names: Vec<&str> =
        comparison.iter().flat_map(|c| c.labels().iter()).map(|label| label.name.as_str()).collect();
    let out_of_sight = names.iter().filter(|name| document.left_out().contains(**name)).count();
    let words = match (view_state.mask_shown, view_state.prediction_shown, out_of_sight) {
        (_, false, _) => "No prediction".to_owned(),
        (_, true, 0) => "All labels".to_owned(),
        (_, true, left) => format!("{} of {} labels", names.len() - left, names.len()),
    };
    let button = drop_down(ui, &words, "What is drawn of the two");
    Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_width(220.0);
        ui.checkbox(&mut view_state.prediction_shown, "Predictions of A and B");
        ui.checkbox(&mut view_state.mask_shown, "Mask");
        if names.len() > 1 {
            ui.separator();
            if let Some(structures) = choose_structures(ui, &names, document.left_out()) {
                out.command(Command::Model(ModelCommand::LeaveOut { structures }));
            }
        }
    });
}
