//! What can be taken from the prediction, at the panel's lower edge.

use super::{can_accept, in_use};
use crate::ui::keys::{KeyCommand, Scope, shortcut_of};
use crate::ui::outbox::{Outbox, Request};
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::view_state::ViewState;
use crate::ui::views::predicted_words;
use crate::ui::widgets::{drop_down, menu, primary, primary_key, primary_with, quiet};
use crate::words::duration;
use crate::workspace::{AcceptScope, Command, Document, EditCommand, LibraryModel, ModelCommand, Workspace};
use egui::{Button, RichText, Role, Ui, WidgetInfo};

/// Narrower footers do not show the key of the filled button. In points.
const ROOMY: f32 = 280.0;

pub fn show(
    ui: &mut Ui,
    workspace: &Workspace,
    document: &Document,
    view_state: &ViewState,
    out: &mut Outbox,
) {
    ui.spacing_mut().item_spacing.x = 6.0;
    ui.spacing_mut().button_padding.x = 7.0;
    let Some(model) = in_use(workspace, document) else {
        if primary_key(ui, true, "Choose a model…", KeyCommand::Models).clicked() {
            out.requests.push(Request::Models);
        }
        return;
    };
    if model.is_untrained() {
        if primary(ui, true, "Train it").on_hover_text("In the workspace Learn").clicked() {
            out.requests.push(Request::ShowPanel("learn"));
        }
        return;
    }
    let missing = predicted_words(workspace, document).is_some();
    if model.is_of_volumes() && missing && workspace.predicting_all(document.id()).is_none() {
        let text = match workspace.seconds_of_volume(model.version()) {
            Some(seconds) => format!("Segment the volume, {}", duration(seconds)),
            None => "Segment the volume".to_owned(),
        };
        if primary(ui, true, &text).clicked() {
            out.command(Command::Model(ModelCommand::PredictAll));
        }
        return;
    }
    accept(ui, workspace, document, view_state, model, out);
}

fn accept(
    ui: &mut Ui,
    workspace: &Workspace,
    document: &Document,
    view_state: &ViewState,
    model: &LibraryModel,
    out: &mut Outbox,
) {
    let (ready, here) = can_accept(workspace, document, view_state);
    let deep = document.depth() > 1;
    let slice = KeyCommand::Accept(Scope::Slice);
    let name = if deep { "Accept slice" } else { "Accept" };
    let accepted = match ui.available_width() >= ROOMY {
        true => primary_key(ui, here, name, slice),
        false => primary_with(ui, here, name, ""),
    };
    if accepted.clicked() {
        out.key(slice);
    }
    let title = if deep { "All slices" } else { "A part" };
    let more = drop_down(ui, title, title);
    menu(&more, |ui| {
        ui.set_min_width(230.0);
        others(ui, document, model, (here, view_state.can_accept(document).is_ok()), out);
    });
    let rejected = view_state.is_rejected(document, document.cursor()[2]);
    let (name, tip) = match rejected {
        true => ("Show", "Shows the rejected prediction again"),
        false => ("Reject", "Hides the prediction here"),
    };
    let key = shortcut_of(ui.ctx(), KeyCommand::Reject).unwrap_or_default();
    if quiet(ui, ready, name).on_hover_text(format!("{tip}   {key}")).clicked() {
        out.key(KeyCommand::Reject);
    }
}

/// What can be accepted besides the slice. `here`: something of the slice in front can be; `any`: something of another one can.
fn others(
    ui: &mut Ui,
    document: &Document,
    model: &LibraryModel,
    (here, any): (bool, bool),
    out: &mut Outbox,
) {
    let deep = document.depth() > 1;
    if deep {
        item(ui, any, "Every structure", Scope::Volume, out);
    }
    let (classes, _) = document.wanted_labels(&model.card);
    let selected = document.labels().get(document.selected_label());
    if let Some(label) = selected.filter(|label| classes.contains(&label.id)) {
        let name = format!("Only {}", as_painted(&label.name));
        if ui.add_enabled(any && deep || here, Button::new(name)).clicked() {
            out.edit(EditCommand::Accept { scope: AcceptScope::Label(label.id) });
        }
    }
    if deep {
        ui.separator();
    }
    item(ui, here, "The part at the crosshair", Scope::Component, out);
    if deep {
        let words = RichText::new("Verified slices stay as they are.").font(theme::small());
        ui.label(words.color(theme::palette(ui).weak));
    }
}

/// A line of the menu that does what a key does.
fn item(ui: &mut Ui, enabled: bool, name: &str, scope: Scope, out: &mut Outbox) {
    let command = KeyCommand::Accept(scope);
    let key = shortcut_of(ui.ctx(), command).unwrap_or_default();
    let line = ui.add_enabled(enabled, Button::new(name).shortcut_text(key));
    line.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    if line.clicked() {
        out.key(command);
    }
}
