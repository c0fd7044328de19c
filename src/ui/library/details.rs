//! What the model library says of the chosen row, and what can be done with it.

use super::Verb;
use super::entries::{Choice, Entry, Fit};
use super::row::DICE_MEANS;
use crate::nn::{self, measured};
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::widgets::{Icon, IconButton, field, menu, primary_with, quiet};
use crate::workspace::{LibraryModel, ModelOrigin, Workspace};
use egui::{Align, CollapsingHeader, Frame, Label, Layout, Margin, RichText, ScrollArea, Stroke, Ui};

pub const FOOTER: f32 = 52.0;

/// What is to become of the row, by the buttons. `first`: what the filled one and Enter do. `flips`: whether they have the list's
/// place, where there is room for one of the two.
pub fn show(
    ui: &mut Ui,
    entry: Option<&Entry>,
    workspace: &Workspace,
    first: Verb,
    flips: Option<&mut bool>,
) -> Option<Verb> {
    let whole = ui.max_rect();
    let (body, foot) = whole.split_top_bottom_at_y(whole.bottom() - FOOTER);
    let p = theme::palette(ui);
    let Some(entry) = entry else {
        if body.height() > 0.0 {
            super::part(ui, body.shrink(16.0), "none")
                .label(RichText::new("Choose a model to see what it finds.").color(p.weak));
        }
        return None;
    };
    ui.painter().hline(foot.x_range(), foot.top(), (1.0, p.line));
    if body.height() > 0.0 {
        let mut ui_body = super::part(ui, body.shrink2(egui::vec2(16.0, 14.0)), "about");
        ScrollArea::vertical().auto_shrink(false).show(&mut ui_body, |ui| about(ui, entry, workspace));
    }
    let mut ui_foot = super::part(ui, foot.shrink2(egui::vec2(16.0, 12.0)), "foot");
    let shown = ui_foot.horizontal(|ui| {
        let done = buttons(ui, entry, workspace, first);
        if let Some(about) = flips {
            let button = IconButton::new(Icon::Info, "About this model").selected(*about);
            if ui.add(button).clicked() {
                *about = !*about;
            }
        }
        done
    });
    shown.inner
}

fn buttons(ui: &mut Ui, entry: &Entry, workspace: &Workspace, first: Verb) -> Option<Verb> {
    ui.spacing_mut().item_spacing.x = 6.0;
    ui.spacing_mut().button_padding.x = 8.0;
    let name = |verb| match (verb, &entry.choice) {
        (_, Choice::Learn(_)) => "Learn with it",
        (Verb::Use, _) => "Use on this image",
        (Verb::Learn, _) => "Learn from it",
    };
    let mut done = primary_with(ui, true, name(first), "Enter").clicked().then_some(first);
    let model = model_of(entry, workspace)?;
    let other = if first == Verb::Use { Verb::Learn } else { Verb::Use };
    let can = other == Verb::Use || !entry.at_once;
    let button = quiet(ui, can, name(other));
    let tip = "A network of whole volumes learns on the command line: fovea train";
    if button.on_disabled_hover_text(tip).clicked() {
        done = Some(other);
    }
    let more = ui.add(IconButton::new(Icon::More, "More of this model"));
    menu(&more, |ui| {
        ui.set_min_width(190.0);
        if ui.button("Copy the fingerprint").clicked() {
            ui.copy_text(model.version().to_owned());
        }
        if let ModelOrigin::File(path) = &model.origin
            && ui.button("Copy the path of the file").clicked()
        {
            ui.copy_text(path.display().to_string());
        }
    });
    done
}

/// None of a network that has learned nothing.
fn model_of<'a>(entry: &Entry, workspace: &'a Workspace) -> Option<&'a LibraryModel> {
    match &entry.choice {
        Choice::Use(version) => workspace.model(version),
        Choice::Learn(_) => None,
    }
}

fn about(ui: &mut Ui, entry: &Entry, workspace: &Workspace) {
    let p = theme::palette(ui);
    ui.add(Label::new(RichText::new(as_painted(&entry.name)).font(theme::large_title())).wrap());
    let model = model_of(entry, workspace);
    let small = |words: &str, color| RichText::new(words).font(theme::small()).color(color);
    match model {
        Some(model) if !model.card.notice.is_empty() => {
            let color = if entry.phantom { p.warn } else { p.weak };
            ui.add(Label::new(small(&model.card.notice, color)).wrap());
        }
        _ => _ = ui.add(Label::new(small(&entry.about, p.weak)).wrap()),
    }
    if !entry.labels.is_empty() {
        head(ui, &format!("Finds {}", crate::words::counted(entry.labels.len(), "structure")));
        ui.horizontal_wrapped(|ui| entry.labels.iter().for_each(|name| chip(ui, name)));
    }
    head(ui, "This image");
    if let Some(why) = &entry.recommended {
        ui.label(small(why, p.accent));
    }
    let (color, words) = match entry.fit {
        Fit::Fits => (p.good, "The kind of image that it is made for".to_owned()),
        Fit::OtherKind(modality) => {
            (p.warn, format!("Made for {}: not for this kind of image", modality.title()))
        }
        Fit::NotForPatients => (p.warn, "Demonstration: finds nothing useful in patients".to_owned()),
    };
    ui.label(small(&words, color));
    head(ui, &format!("On {}", entry.whose));
    field(ui, "Time", |ui| ui.label(&entry.time));
    let network = match (&entry.choice, model) {
        (Choice::Learn(id), _) => Some(*id),
        (_, Some(model)) => Some(model.card.network.as_str()),
        _ => None,
    };
    if let Some(cost) = network.and_then(measured::cost) {
        let tip = "The most that it needs for a slice of 512 × 512 pixels";
        field(ui, "Memory", |ui| ui.label(format!("{} MiB", cost.peak_mib)).on_hover_text(tip));
    }
    field(ui, "From", |ui| ui.add(Label::new(&entry.from).truncate()));
    let dice = super::row::dice(entry);
    match &entry.dice {
        Some((set, _)) => field(ui, &format!("Dice, {set}"), |ui| ui.label(dice).on_hover_text(DICE_MEANS)),
        None => field(ui, "Dice", |ui| ui.label(dice).on_hover_text(DICE_MEANS)),
    };
    match (&entry.choice, model) {
        (_, Some(model)) => {
            CollapsingHeader::new("Fingerprint, licence, files").show(ui, |ui| files(ui, model));
        }
        (Choice::Learn(id), None) => {
            if let Some(rule) = nn::find(id).map(|spec| spec.input) {
                let words = format!(
                    "Takes sides that are multiples of {} pixels, {} at least: images are filled up to that.",
                    rule.multiple_of, rule.least
                );
                ui.label(small(&words, p.weak));
                ui.label(small(&format!("On the command line: {id}"), p.weak));
            }
        }
        _ => {}
    }
}

fn head(ui: &mut Ui, words: &str) {
    ui.add_space(14.0);
    ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
    ui.add_space(2.0);
}

fn chip(ui: &mut Ui, name: &str) {
    let p = theme::palette(ui);
    let frame = Frame::new()
        .stroke(Stroke::new(1.0, p.active))
        .corner_radius(9)
        .inner_margin(Margin::symmetric(8, 2));
    frame.show(ui, |ui| ui.label(RichText::new(as_painted(name)).font(theme::small())));
}

fn files(ui: &mut Ui, model: &LibraryModel) {
    let card = &model.card;
    let p = theme::palette(ui);
    let file = match &model.origin {
        ModelOrigin::File(path) => path.display().to_string(),
        _ => String::new(),
    };
    for (name, words) in [
        ("Fingerprint", &card.version),
        ("Network", &card.network),
        ("Learned from", &card.trained_on),
        ("Licence", &card.licence),
        ("File", &file),
    ] {
        if !words.is_empty() {
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                ui.label(RichText::new(name).font(theme::small()).color(p.weak));
                ui.add(Label::new(words).wrap());
            });
        }
    }
}
