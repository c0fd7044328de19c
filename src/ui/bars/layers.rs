use crate::gpu::Filter;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::theme;
use crate::ui::view_state::{AreaStyle, ViewState};
use crate::ui::widgets::{Icon, IconButton, Segmented, field, slider_row};
use crate::words::listed;
use crate::workspace::Document;
use egui::{Popup, PopupCloseBehavior, RichText, Ui};

/// What lies over the image, each with an eye and how strong it is.
pub fn show(ui: &mut Ui, document: &Document, view_state: &mut ViewState) {
    let shown = [view_state.image_shown, view_state.mask_shown, view_state.prediction_shown];
    let hidden = ["image", "mask", "prediction"].into_iter().zip(shown).filter(|(_, shown)| !shown);
    let hidden: Vec<&str> = hidden.map(|(name, _)| name).collect();
    let (all, verb) = (hidden.is_empty(), if hidden.len() == 1 { "is" } else { "are" });
    let name = match all {
        true => "Layers".to_owned(),
        false => format!("Layers: the {} {verb} hidden", listed(&hidden, 3)),
    };
    let button = ui.add(IconButton::new(Icon::Layers, name).selected(!all));
    Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_width(300.0);
        layer(ui, "Image", None, &mut view_state.image_shown);
        slider_row(ui, "Darker", &mut view_state.dim, 0.0..=0.6);
        ui.separator();
        layer(ui, "Mask", Some(KeyCommand::HideMask), &mut view_state.mask_shown);
        slider_row(ui, "Strength", &mut view_state.mask_opacity, 0.0..=1.0);
        ui.separator();
        layer(ui, "Prediction", None, &mut view_state.prediction_shown);
        slider_row(ui, "Strength", &mut view_state.prediction_opacity, 0.0..=1.0);
        ui.separator();
        layer(ui, "Difference", Some(KeyCommand::Difference), &mut view_state.difference);
        slider_row(ui, "Strength", &mut view_state.difference_opacity, 0.0..=1.0);
        ui.separator();
        field(ui, "Areas", |ui| {
            let choices = AreaStyle::ALL.map(|style| (style, style.title()));
            let key = shortcut_of(ui.ctx(), KeyCommand::MaskStyle).unwrap_or_default();
            if let Some(style) = Segmented::new(view_state.area, choices).show(ui, |_| key.clone()) {
                view_state.area = style;
            }
        });
        toggle(ui, "Certainty of the selected label", KeyCommand::HeatMap, &mut view_state.heat);
        if document.depth() > 1 {
            toggle(ui, "Crosshair", KeyCommand::Crosshair, &mut view_state.crosshair);
        }
        ui.checkbox(&mut view_state.legend, "Legend in Review");
        let tip = "The first letters of each label where it is widest";
        ui.checkbox(&mut view_state.letters, "Letters on areas").on_hover_text(tip);
        smooth(ui, view_state);
    });
}

/// A name and an eye.
fn layer(ui: &mut Ui, name: &str, key: Option<KeyCommand>, shown: &mut bool) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(name).font(theme::medium()));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let (icon, verb) = if *shown { (Icon::Eye, "Hide") } else { (Icon::EyeOff, "Show") };
            let name = format!("{verb} the {}", name.to_lowercase());
            let mut button = IconButton::new(icon, name).selected(!*shown);
            if let Some(key) = key {
                button = button.key(key);
            }
            if ui.add(button).clicked() {
                *shown = !*shown;
            }
        });
    });
}

fn toggle(ui: &mut Ui, name: &str, key: KeyCommand, on: &mut bool) {
    ui.checkbox(on, name).on_hover_text(shortcut_of(ui.ctx(), key).unwrap_or_default());
}

/// Whether pixels are drawn smoothly.
fn smooth(ui: &mut Ui, view_state: &mut ViewState) {
    let mut smooth = view_state.filter == Filter::Smooth;
    if ui.checkbox(&mut smooth, "Smooth pixels").clicked() {
        view_state.filter = if smooth { Filter::Smooth } else { Filter::Nearest };
    }
}
