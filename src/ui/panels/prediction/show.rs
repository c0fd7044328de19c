//! How a prediction is drawn: its strength, and as areas, certainty, or the difference from the mask.

use crate::gpu::{Difference, heat_color};
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::view_state::{Shows, ViewState};
use crate::ui::widgets::{Icon, IconButton, Segmented, legend, slider_row};
use egui::{Align, Layout, Mesh, Rect, RichText, Role, Sense, Ui, WidgetInfo, vec2};

/// `certainty_of`: the structure whose probability can be shown; None of a model that gives labels alone. `only`: draws what
/// chooses the structures.
pub fn show(ui: &mut Ui, view_state: &mut ViewState, certainty_of: Option<&str>, only: impl FnOnce(&mut Ui)) {
    head(ui, view_state, only);
    slider_row(ui, "Strength", &mut view_state.prediction_opacity, 0.0..=1.0);
    let name = |shows| if shows == Shows::Prediction { "Areas" } else { Shows::title(shows) };
    let choices = [Shows::Prediction, Shows::Certainty, Shows::Difference].into_iter();
    let choices =
        choices.filter(|shows| certainty_of.is_some() || *shows != Shows::Certainty).map(|s| (s, name(s)));
    let ctx = ui.ctx().clone();
    let tip = |shows: Shows| {
        let key = match shows {
            Shows::Certainty => shortcut_of(&ctx, KeyCommand::HeatMap),
            Shows::Difference => shortcut_of(&ctx, KeyCommand::Difference),
            Shows::Prediction | Shows::Mask => None,
        };
        format!("{}   {}", shows.about(), key.unwrap_or_default()).trim_end().to_owned()
    };
    let shown = view_state.shows();
    if let Some(shows) = Segmented::new(shown, choices).named(|s| format!("Show {}", name(s))).show(ui, tip) {
        view_state.show(shows);
    }
    ui.add_space(2.0);
    match shown {
        Shows::Certainty => scale(ui, certainty_of.unwrap_or_default()),
        Shows::Difference => {
            let kinds = [
                (Difference::ADDED, "would be added"),
                (Difference::REMOVED, "would be removed"),
                (Difference::CHANGED, "another label"),
                (Difference::KEPT, "the same in both"),
            ];
            legend(ui, &kinds.map(|(color, words)| (theme::label_color(color), words)));
        }
        Shows::Prediction | Shows::Mask => {}
    }
}

/// The title, what chooses the structures, and an eye.
fn head(ui: &mut Ui, view_state: &mut ViewState, only: impl FnOnce(&mut Ui)) {
    ui.add_space(10.0);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Show").font(theme::small_title()).color(theme::palette(ui).weak));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let shown = view_state.prediction_shown;
            let (icon, verb) = if shown { (Icon::Eye, "Hide") } else { (Icon::EyeOff, "Show") };
            let eye = IconButton::new(icon, format!("{verb} the prediction")).side(24.0).faint(shown);
            if ui.add(eye).clicked() {
                view_state.prediction_shown = !shown;
            }
            only(ui);
        });
    });
}

/// The colours of probabilities 0 to 1, and whose they are.
fn scale(ui: &mut Ui, structure: &str) {
    const STEPS: usize = 32;
    let small = |words: &str| RichText::new(words).font(theme::small()).color(theme::palette(ui).weak);
    let (zero, one) = (small("0"), small("1"));
    let words = small(&format!("How probable {} is", as_painted(structure)));
    ui.horizontal(|ui| {
        ui.label(zero);
        let (bar, response) = ui.allocate_exact_size(vec2(ui.available_width() - 20.0, 8.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "From improbable to certain"));
        let mut mesh = Mesh::default();
        for step in 0..STEPS {
            let x = |step: usize| bar.left() + bar.width() * step as f32 / STEPS as f32;
            let piece = Rect::from_x_y_ranges(x(step)..=x(step + 1), bar.y_range());
            let color = heat_color(step as f32 / (STEPS - 1) as f32);
            mesh.add_colored_rect(piece, theme::label_color(color));
        }
        ui.painter().add(mesh);
        ui.label(one);
    });
    ui.add(egui::Label::new(words).truncate());
}
