//! Every version stays and can be gone back to.

use crate::time::{now_ms, of_rfc3339, when};
use crate::ui::outbox::Outbox;
use crate::ui::theme;
use crate::ui::widgets::{empty, quiet};
use crate::words::capital;
use crate::workspace::{Command, Document, LibraryModel, ModelCommand, Workspace};
use egui::{RichText, Ui};

pub fn show(ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
    let p = theme::palette(ui);
    let fitting = workspace.models().iter().filter(|m| m.fits(document.volume()) && !m.is_untrained());
    let fitting: Vec<_> = fitting.collect();
    if fitting.is_empty() {
        empty(ui, "No model is made for this kind of image; import one in the model library.");
        return;
    }
    for model in fitting {
        let in_use = document.model().is_some_and(|v| &**v == model.version());
        theme::card(ui).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 1.0;
                    let title = RichText::new(&model.card.title);
                    ui.set_max_width(ui.available_width() - 62.0);
                    ui.add(egui::Label::new(if in_use { title.color(p.accent) } else { title }).truncate());
                    ui.label(RichText::new(about(workspace, model)).font(theme::small()).color(p.weak));
                });
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if in_use {
                        ui.label(RichText::new("In use").font(theme::small()).color(p.accent));
                    } else if quiet(ui, true, "Use").clicked() {
                        let version = Some(model.version().to_owned());
                        out.command(Command::Model(ModelCommand::Use { version }));
                    }
                });
            });
        });
    }
    let parent = document.model().and_then(|v| workspace.model(v)).and_then(|m| m.card.parent.as_ref());
    if let Some(parent) = parent {
        let title = workspace.model(parent).map_or("a version that is gone", |model| &model.card.title);
        let tip = format!("Back to “{title}”, which the version in use was trained from");
        if quiet(ui, workspace.model(parent).is_some(), "Roll back").on_hover_text(tip).clicked() {
            out.command(Command::Model(ModelCommand::RollBack));
        }
    }
}

/// "Made 29 Nov 13:35 from “Retina”, Dice 0.88", as far as it is known.
fn about(workspace: &Workspace, model: &LibraryModel) -> String {
    let made = of_rfc3339(&model.card.created).map(|ms| format!("Made {}", when(ms, now_ms())));
    let parent = model.card.parent.as_deref().and_then(|parent| workspace.model(parent));
    let from = parent.map(|parent| format!("from “{}”", parent.card.title));
    let dice = model.card.metrics.values().next().map(|dice| format!("Dice {dice:.2}"));
    let words = [made, from, dice].into_iter().flatten().collect::<Vec<_>>().join(", ");
    if words.is_empty() { "Part of the program".to_owned() } else { capital(&words) }
}
