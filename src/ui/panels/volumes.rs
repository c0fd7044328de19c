//! How much each label takes: in the mask, and in what the model makes of the whole image.

use crate::geom::{Grid, Unit};
use crate::label::Label;
use crate::ui::{outbox::Outbox, reading::as_painted, theme};
use crate::workspace::{AcceptScope, Document, EditCommand, Workspace, class_labels};
use egui::{Align, Layout, Link, RichText, Sense, Ui, vec2};

/// What a label's measure is called.
pub fn title(grid: &Grid) -> &'static str {
    if grid.dims()[2] > 1 { "Volumes" } else { "Areas" }
}

/// A row for each label of the document and of the model in use.
pub fn show(ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
    let grid = document.volume().grid();
    let card = document.model().and_then(|version| workspace.model(version)).map(|model| &model.card);
    let table = match card {
        Some(card) => class_labels(card, document.labels()).1,
        None => document.labels().clone(),
    };
    let predicted = workspace.predicted_volumes(document.id());
    let p = theme::palette(ui);
    let head = |words: &str| RichText::new(words.to_owned()).font(theme::small()).color(p.faint);
    let words = |ui: &mut Ui, words: RichText| _ = ui.label(words);
    row(ui, |_| {}, [&mut |ui| words(ui, head("Mask")), &mut |ui| words(ui, head("Prediction"))]);
    for label in table.iter() {
        let figure = |measure: Option<f64>| {
            let words = measure.map_or("–".to_owned(), |measure| written(measure, grid));
            RichText::new(words).font(theme::figures())
        };
        let there = predicted.as_ref().map(|volumes| volumes.get(&label.id).copied().unwrap_or(0.0));
        let mask = figure(document.label_volume(label.id));
        let prediction = |ui: &mut Ui| match there {
            None => words(ui, figure(None)),
            there => accept(ui, label, figure(there), document.depth() > 1, out),
        };
        row(ui, |ui| name(ui, label), [&mut |ui| words(ui, mask.clone()), &mut { prediction }]);
    }
    if card.is_some() {
        let words = match predicted {
            None if document.depth() == 1 => "The prediction is measured once it is there.",
            None => "The prediction is measured once every slice is predicted.",
            Some(_) => "Click a predicted figure to accept that label alone.",
        };
        ui.label(RichText::new(words).font(theme::small()).color(p.faint));
    }
}

/// `deep`: the image has several slices.
fn accept(ui: &mut Ui, label: &Label, figure: RichText, deep: bool, out: &mut Outbox) {
    let all = if deep { " in all slices" } else { "" };
    let tip = format!("Accept {} of the prediction{all}; the other labels stay", label.name);
    if ui.add(Link::new(figure)).on_hover_text(tip).clicked() {
        out.edit(EditCommand::Accept { scope: AcceptScope::Label(label.id) });
    }
}

/// A name and two figures, which end below each other.
fn row(ui: &mut Ui, name: impl FnOnce(&mut Ui), figures: [&mut dyn FnMut(&mut Ui); 2]) {
    const FIGURE: f32 = 76.0;
    const HEIGHT: f32 = 20.0;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let width = ui.available_width() - 2.0 * FIGURE;
        ui.allocate_ui_with_layout(vec2(width, HEIGHT), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(width);
            name(ui);
        });
        for figure in figures {
            let right = Layout::right_to_left(Align::Center);
            ui.allocate_ui_with_layout(vec2(FIGURE, HEIGHT), right, |ui| {
                ui.set_min_width(FIGURE);
                figure(ui);
            });
        }
    });
}

fn name(ui: &mut Ui, label: &Label) {
    ui.spacing_mut().item_spacing.x = 6.0;
    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, theme::label_color(label.color));
    ui.add(egui::Label::new(as_painted(&label.name)).truncate());
}

/// A label's measure: millilitres, or mm² on an image of depth 1, or pixels where spacing is unknown.
pub fn written(measure: f64, grid: &Grid) -> String {
    let (value, unit) = match grid.unit() {
        Unit::Pixel => return format!("{measure:.0} px"),
        Unit::Millimetre if grid.dims()[2] == 1 => (measure, "mm²"),
        Unit::Millimetre => (measure / 1000.0, "ml"),
    };
    if value == 0.0 {
        return format!("0 {unit}");
    }
    // Three figures are as many as a mask is good for.
    let decimals = (2.0 - value.log10().floor()).clamp(0.0, 3.0) as usize;
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_written_in_the_unit_of_its_image() {
        let spaced = |dims| Grid::spaced(dims, [0.5; 3]).unwrap();
        assert_eq!(written(1_234_567.0, &spaced([9, 9, 9])), "1235 ml");
        assert_eq!(written(12_340.0, &spaced([9, 9, 9])), "12.3 ml");
        assert_eq!(written(5.4, &spaced([9, 9, 9])), "0.005 ml");
        assert_eq!(written(0.0, &spaced([9, 9, 9])), "0 ml");
        assert_eq!(written(5.4, &spaced([9, 9, 1])), "5.40 mm²");
        assert_eq!(written(5.0, &Grid::pixels([9, 9, 9]).unwrap()), "5 px");
    }
}
