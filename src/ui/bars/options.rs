use crate::tools::{Scene, Toolbox};
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::theme;
use crate::ui::view_state::ViewState;
use crate::volume::presets;
use crate::workspace::Document;
use egui::{Align, Layout, RichText, Ui};

/// The options of the current tool, what it paints with, and what to do next.
pub fn show(ui: &mut Ui, document: &Document, toolbox: &mut Toolbox, view_state: &mut ViewState) {
    let scene = Scene {
        volume: document.volume(),
        mask: document.mask(),
        labels: document.labels(),
        label: document.selected_label(),
        point_size: 1.0,
    };
    let p = theme::palette(ui);
    ui.horizontal_centered(|ui| {
        if view_state.windowing {
            ui.label(RichText::new("Window and level").strong());
            ui.add_space(8.0);
            let image = view_state.image(document);
            for (index, preset) in presets(document.volume()).iter().enumerate() {
                let key = shortcut_of(KeyCommand::Preset(index)).unwrap_or_default();
                let chosen = image.tone.window == preset.window;
                if ui.selectable_label(chosen, preset.title).on_hover_text(key).clicked() {
                    image.tone.window = preset.window;
                }
            }
        } else {
            ui.label(RichText::new(toolbox.tool().title).strong());
            ui.add_space(8.0);
            toolbox.options_row(ui, &scene);
        }
        let hint = match view_state.windowing {
            true => "Drag sideways for the window, up and down for the level".to_owned(),
            false => toolbox.hint(&scene),
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let words = RichText::new(hint).font(theme::small()).color(p.faint);
            ui.add(egui::Label::new(words).truncate());
        });
    });
}
