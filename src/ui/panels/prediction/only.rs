//! Which of a model's structures are shown and accepted.

use crate::nn::ModelCard;
use crate::ui::outbox::Outbox;
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::widgets::quiet;
use crate::words::counted;
use crate::workspace::{Command, Document, ModelCommand};
use egui::{Button, Popup, PopupCloseBehavior, RichText, ScrollArea, Ui};
use std::collections::BTreeSet;

/// A word that opens the list of them; nothing of a model that knows a single one.
pub fn show(ui: &mut Ui, document: &Document, card: &ModelCard, out: &mut Outbox) {
    let names = || card.labels.iter().map(|label| label.name.as_str());
    let left_out = document.left_out();
    let all = card.labels.len();
    if all < 2 {
        return;
    }
    let words = match names().filter(|name| left_out.contains(*name)).count() {
        0 => "Only these…".to_owned(),
        left => format!("Only {} of {all}…", all - left),
    };
    let words = RichText::new(words).font(theme::small()).color(theme::palette(ui).accent);
    let button = ui.add(Button::new(words).frame(false));
    let popup = Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let names: Vec<&str> = names().collect();
    let changed = popup.show(|ui| {
        ui.set_width(220.0);
        choose(ui, &names, left_out)
    });
    if let Some(structures) = changed.and_then(|shown| shown.inner) {
        out.command(Command::Model(ModelCommand::LeaveOut { structures }));
    }
}

/// A box for each structure; what is left out from now on, where that has changed.
pub fn choose(ui: &mut Ui, names: &[&str], left_out: &BTreeSet<String>) -> Option<BTreeSet<String>> {
    let all = names.len();
    let mut now = left_out.clone();
    let words = RichText::new("What is not chosen is neither shown nor accepted.").font(theme::small());
    ui.label(words.color(theme::palette(ui).weak));
    ui.horizontal(|ui| {
        if quiet(ui, !now.is_empty(), "All").clicked() {
            now.clear();
        }
        if quiet(ui, now.len() < all, "None").clicked() {
            now = names.iter().map(|name| (*name).to_owned()).collect();
        }
        ui.label(RichText::new(counted(all, "structure")).font(theme::small()));
    });
    ScrollArea::vertical().max_height(300.0).show(ui, |ui| {
        for name in names {
            let mut wanted = !now.contains(*name);
            if ui.checkbox(&mut wanted, as_painted(name)).changed() {
                match wanted {
                    true => _ = now.remove(*name),
                    false => _ = now.insert((*name).to_owned()),
                }
            }
        }
    });
    (now != *left_out).then_some(now)
}
