use super::images::Images;
use crate::phantom::SAMPLES;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::outbox::{Outbox, Question};
use crate::ui::theme;
use crate::ui::view_state::{Layout as ViewLayout, Pane, ViewState};
use crate::ui::widgets::{Icon, IconButton};
use crate::volume::presets;
use crate::workspace::{Document, Workspace};
use egui::{Align, Layout, RichText, Ui};

/// Files on the left, views and theme on the right, and the open images between them.
pub fn show(
    ui: &mut Ui,
    workspace: &Workspace,
    images: &mut Images,
    view_state: &mut ViewState,
    panels_shown: bool,
    out: &mut Outbox,
) {
    let document = workspace.active();
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        files(ui, document, out);
        bar(ui);
        history(ui, document, out);
        bar(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let key = |command| shortcut_of(command);
            if ui.add(IconButton::new(Icon::Panel, "Panels").selected(panels_shown)).clicked() {
                out.requests.push(crate::ui::outbox::Request::TogglePanels);
            }
            if ui.add(IconButton::new(Icon::Help, "Keys and mouse").key(key(KeyCommand::Help))).clicked() {
                out.key(KeyCommand::Help);
            }
            let dark = ui.visuals().dark_mode;
            let theme = IconButton::new(if dark { Icon::Sun } else { Icon::Moon }, "Dark or light theme");
            if ui.add(theme.key(key(KeyCommand::Theme))).clicked() {
                out.key(KeyCommand::Theme);
            }
            if let Some(document) = document {
                bar(ui);
                layout(ui, document, view_state);
                windows(ui, document, view_state);
            }
            // The images get the rest of the width, so that many open images cover nothing.
            ui.add_space(4.0);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| images.show(ui, workspace, out));
        });
    });
}

/// A hairline between groups.
fn bar(ui: &mut Ui) {
    ui.add_space(4.0);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(1.0, 18.0), egui::Sense::hover());
    ui.painter().rect_filled(rect, 0.0, theme::palette(ui).active);
    ui.add_space(4.0);
}

fn files(ui: &mut Ui, document: Option<&Document>, out: &mut Outbox) {
    ui.menu_button("Open", |ui| {
        ui.set_min_width(190.0);
        let item = |ui: &mut Ui, name: &str, command: KeyCommand| {
            let key = shortcut_of(command).unwrap_or_default();
            ui.add(egui::Button::new(name).shortcut_text(key)).clicked()
        };
        if item(ui, "File…", KeyCommand::OpenFile) {
            out.key(KeyCommand::OpenFile);
            ui.close();
        }
        if item(ui, "Folder or DICOM series…", KeyCommand::OpenFolder) {
            out.key(KeyCommand::OpenFolder);
            ui.close();
        }
        ui.separator();
        ui.label(RichText::new("Samples").font(theme::small()).color(theme::palette(ui).faint));
        for sample in SAMPLES {
            if ui.button(sample.title).clicked() {
                out.open(format!("sample:{}", sample.id));
                ui.close();
            }
        }
        if document.is_some() {
            ui.separator();
            if ui.button("Import a label image…").clicked() {
                out.ask(Question::ImportLabels);
                ui.close();
            }
            if item(ui, "Close the image", KeyCommand::CloseImage) {
                out.key(KeyCommand::CloseImage);
                ui.close();
            }
        }
        ui.separator();
        if item(ui, "Quit", KeyCommand::Quit) {
            out.key(KeyCommand::Quit);
            ui.close();
        }
    });
    let open = document.is_some();
    for (icon, name, command) in
        [(Icon::Save, "Save", KeyCommand::Save), (Icon::Export, "Export", KeyCommand::Export)]
    {
        if ui.add(IconButton::new(icon, name).key(shortcut_of(command)).enabled(open)).clicked() {
            out.key(command);
        }
    }
}

fn history(ui: &mut Ui, document: Option<&Document>, out: &mut Outbox) {
    let undo = document.and_then(Document::undo_title);
    let redo = document.and_then(Document::redo_title);
    for (icon, name, what, command) in
        [(Icon::Undo, "Undo", undo, KeyCommand::Undo), (Icon::Redo, "Redo", redo, KeyCommand::Redo)]
    {
        let name = what.map_or_else(|| name.to_owned(), |what| format!("{name}: {what}"));
        let button = IconButton::new(icon, name).key(shortcut_of(command)).enabled(what.is_some());
        if ui.add(button).clicked() {
            out.key(command);
        }
    }
}

fn layout(ui: &mut Ui, document: &Document, view_state: &mut ViewState) {
    if document.depth() == 1 {
        return;
    }
    let key = shortcut_of(KeyCommand::NextLayout);
    let native = Pane::Plane(document.native_plane());
    let image = view_state.image(document);
    let layouts = [
        (Icon::Cube, "Labels in three dimensions", ViewLayout::One(Pane::Surface)),
        (Icon::Grid, "Three linked planes, and the labels", ViewLayout::Four),
        (Icon::Single, "One large view", ViewLayout::One(native)),
    ];
    for (icon, name, layout) in layouts {
        let selected = match layout {
            ViewLayout::One(Pane::Plane(_)) => matches!(image.layout, ViewLayout::One(Pane::Plane(_))),
            layout => image.layout == layout,
        };
        if ui.add(IconButton::new(icon, name).key(key.clone()).selected(selected)).clicked() && !selected {
            image.layout = layout;
            image.fit();
        }
    }
}

fn windows(ui: &mut Ui, document: &Document, view_state: &mut ViewState) {
    let presets = presets(document.volume());
    if presets.is_empty() {
        return;
    }
    let image = view_state.image(document);
    let chosen = presets.iter().find(|p| p.window == image.tone.window);
    ui.menu_button(chosen.map_or("Window", |p| p.title), |ui| {
        ui.set_min_width(170.0);
        for (index, preset) in presets.iter().enumerate() {
            let key = shortcut_of(KeyCommand::Preset(index)).unwrap_or_default();
            if ui.add(egui::Button::new(preset.title).shortcut_text(key)).clicked() {
                image.tone.window = preset.window;
                ui.close();
            }
        }
    });
}
