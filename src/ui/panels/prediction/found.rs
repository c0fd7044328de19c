//! What a model has found: for each structure how much it takes in the prediction and in the mask, and a button that accepts it alone.

use super::seen::Seen;
use crate::geom::Grid;
use crate::label::Label;
use crate::nn::ModelCard;
use crate::ui::figures;
use crate::ui::outbox::Outbox;
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::widgets::{Icon, IconButton, cut_at_the_end, row_ground};
use crate::words::{counted, listed};
use crate::workspace::{AcceptScope, Command, Document, EditCommand, LabelCommand, Workspace, class_labels};
use egui::{
    Align2, CollapsingHeader, CornerRadius, Label as Words, Rect, RichText, Role, Sense, Stroke, StrokeKind,
    TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};

const HEIGHT: f32 = 26.0;
const BUTTON: f32 = 24.0;
/// Between the columns.
const GAP: f32 = 10.0;
/// More structures can be searched by name.
const MANY: usize = 12;

#[derive(Default)]
pub struct View {
    /// What is looked for.
    typed: String,
    seen: Seen,
}

/// A structure that is predicted somewhere.
struct Found<'a> {
    label: &'a Label,
    /// The image has this label already.
    known: bool,
    /// It is neither shown nor accepted.
    left_out: bool,
    /// As much of it is in the mask as is predicted.
    taken: bool,
    predicted: String,
    mask: String,
}

/// Right edges of the two columns of figures.
struct Columns {
    predicted: f32,
    mask: f32,
    /// Names end here.
    names: f32,
}

impl View {
    /// Of a model that has predicted something of the document. `may`: whether what it predicts can be accepted, or why not.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        workspace: &Workspace,
        document: &Document,
        card: &ModelCard,
        may: Result<(), &'static str>,
        out: &mut Outbox,
    ) {
        let p = theme::palette(ui);
        let small = |words: String| RichText::new(words).font(theme::small()).color(p.weak);
        let slices = workspace.predicted_slices(document.id()).filter(|slices| !slices.is_empty());
        let Some(slices) = slices else {
            let names: Vec<&str> = card.labels.iter().map(|label| label.name.as_str()).collect();
            ui.add(Words::new(small(format!("It looks for {}.", as_painted(&listed(&names, 4))))).wrap());
            return;
        };
        if self.seen.refresh(document, slices) {
            ui.ctx().request_repaint();
        }
        let (classes, table) = class_labels(card, document.labels());
        let volumes = workspace.predicted_volumes(document.id());
        let grid = document.volume().grid();
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (class, &id) in classes.iter().enumerate().skip(1) {
            let Some(label) = table.get(id) else { continue };
            if !self.seen.has(card.label_of(class)) {
                missing.push(label.name.as_str());
                continue;
            }
            let predicted = volumes.as_ref().map(|volumes| volumes.get(&id).copied().unwrap_or(0.0));
            found.push(row_of(document, label, predicted, grid));
        }
        let all = classes.len() - 1;
        let columns = head(ui, &format!("Found {} of {all}", found.len()), &found);
        if found.len() > MANY {
            let field = TextEdit::singleline(&mut self.typed).hint_text("Name of a structure");
            let field = ui.add(field.desired_width(f32::INFINITY));
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Name of a structure"));
        } else {
            self.typed.clear();
        }
        let typed = self.typed.to_lowercase();
        ui.spacing_mut().item_spacing.y = 0.0;
        for found in found.iter().filter(|found| found.label.name.to_lowercase().contains(&typed)) {
            row(ui, found, &columns, document, may, out);
        }
        ui.spacing_mut().item_spacing.y = 6.0;
        if !missing.is_empty() {
            let title = small(format!("Not found: {}", missing.len()));
            CollapsingHeader::new(title).id_salt("not found").show(ui, |ui| {
                ui.add(Words::new(small(as_painted(&missing.join(", ")))).wrap());
            });
        }
        if document.depth() > 1 {
            below(ui, document, volumes.is_some(), !found.is_empty());
        }
    }
}

/// What the figures and the buttons are of. It takes the same room whether there are volumes or not, so that what comes after it
/// stays where it is. `can_accept`: there are buttons.
fn below(ui: &mut Ui, document: &Document, measured: bool, can_accept: bool) {
    const WAITS: &str = "Volumes are measured once every slice is predicted.";
    let buttons = match document.depth() - document.verified().len() {
        _ if !can_accept => String::new(),
        0 => " Every slice is verified: no model changes it.".to_owned(),
        open => format!(" + accepts a structure in all {}.", unverified(open)),
    };
    let p = theme::palette(ui);
    let laid = |words: &str| {
        let words = format!("{words}{buttons}");
        ui.painter().layout(words, theme::small(), p.weak, ui.available_width())
    };
    let (waits, shown) = (laid(WAITS), laid(if measured { "Volumes are of all slices." } else { WAITS }));
    let size = vec2(ui.available_width(), waits.size().y.max(shown.size().y));
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, shown.text()));
    ui.painter().galley(rect.min, shown, p.weak);
}

/// "46 slices that are not verified"
fn unverified(open: usize) -> String {
    let verb = if open == 1 { "is" } else { "are" };
    format!("{} that {verb} not verified", counted(open, "slice"))
}

/// The title, and the names of the columns above them.
fn head(ui: &mut Ui, title: &str, rows: &[Found]) -> Columns {
    ui.add_space(8.0);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 22.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, title));
    let p = theme::palette(ui);
    let wide =
        |words: &str| ui.painter().layout_no_wrap(words.to_owned(), theme::figures(), p.weak).size().x.ceil();
    let widest = |name, figures: &mut dyn Iterator<Item = &String>| {
        figures.map(|words| wide(words)).fold(wide(name), f32::max)
    };
    let mask = rect.right() - BUTTON - 6.0;
    let predicted = mask - widest("mask", &mut rows.iter().map(|row| &row.mask)) - GAP;
    let names = predicted - widest("predicted", &mut rows.iter().map(|row| &row.predicted)) - GAP;
    let word = |at: f32, align, words: &str, font| {
        ui.painter().text(pos2(at, rect.center().y), align, words, font, p.weak);
    };
    word(rect.left(), Align2::LEFT_CENTER, title, theme::small_title());
    if !rows.is_empty() {
        word(predicted, Align2::RIGHT_CENTER, "predicted", theme::small());
        word(mask, Align2::RIGHT_CENTER, "mask", theme::small());
    }
    Columns { predicted, mask, names }
}

fn row_of<'a>(document: &Document, label: &'a Label, predicted: Option<f64>, grid: &Grid) -> Found<'a> {
    let mask = document.label_volume(label.id);
    let written = |measure: Option<f64>| measure.map_or("–".to_owned(), |m| figures::measure(m, grid));
    let taken =
        predicted.zip(mask).is_some_and(|(there, here)| here > 0.0 && (there - here).abs() <= 1e-9 * there);
    Found {
        label,
        known: document.labels().get(label.id).is_some(),
        left_out: document.left_out().contains(&label.name),
        taken,
        predicted: written(predicted),
        mask: written(mask),
    }
}

/// A click selects the label where the image has it: the one whose certainty is shown.
fn row(
    ui: &mut Ui,
    found: &Found,
    columns: &Columns,
    document: &Document,
    may: Result<(), &'static str>,
    out: &mut Outbox,
) {
    let label = found.label;
    let chosen = found.known && document.selected_label() == label.id;
    let sense = if found.known { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), sense);
    let state = if found.left_out { ", left out" } else { "" };
    let called = format!("{}, predicted {}, mask {}{state}", label.name, found.predicted, found.mask);
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, chosen, &called));
    let p = theme::palette(ui);
    if ui.is_rect_visible(rect) {
        row_ground(ui, &response, chosen);
        let middle = rect.center().y;
        let square = Rect::from_center_size(pos2(rect.left() + 12.0, middle), Vec2::splat(12.0));
        let (round, color) = (CornerRadius::same(3), theme::label_color(label.color));
        match found.left_out {
            true => _ = ui.painter().rect_stroke(square, round, Stroke::new(1.5, color), StrokeKind::Inside),
            false => _ = ui.painter().rect_filled(square, round, color),
        }
        let left = square.right() + 8.0;
        let color = if found.left_out { p.weak } else { p.text };
        let name = cut_at_the_end(ui.painter(), &label.name, theme::body(), color, columns.names - left);
        ui.painter().galley(pos2(left, middle - name.size().y / 2.0), name, color);
        for (at, words) in [(columns.predicted, &found.predicted), (columns.mask, &found.mask)] {
            ui.painter().text(pos2(at, middle), Align2::RIGHT_CENTER, words, theme::figures(), p.weak);
        }
    }
    let place =
        Rect::from_center_size(pos2(rect.right() - BUTTON / 2.0, rect.center().y), Vec2::splat(BUTTON));
    accept(ui, place, found, document, may, out);
    if response.on_hover_text(&label.name).clicked() {
        out.command(Command::Labels(LabelCommand::Select(label.id)));
    }
}

fn accept(
    ui: &mut Ui,
    place: Rect,
    found: &Found,
    document: &Document,
    may: Result<(), &'static str>,
    out: &mut Outbox,
) {
    let (label, open) = (found.label, document.depth() - document.verified().len());
    let deep = document.depth() > 1;
    let locked = document.labels().is_locked(label.id);
    // Why not, and what else there is to know.
    let (can, about) = match (found.taken, deep) {
        _ if may.is_err() => (false, may.err().unwrap_or_default()),
        _ if found.left_out => (false, "Left out: it is neither shown nor accepted"),
        _ if locked => (false, "The label is locked: unlock it in the panel Labels first"),
        // A model changes nothing of a verified image.
        _ if open == 0 => (false, "All of it is verified: no model changes it"),
        (true, _) => (true, "As much of it is in the mask already"),
        (false, true) => (true, "Slices that are missing are predicted first. Other labels stay"),
        (false, false) => (true, "Other labels stay"),
    };
    let icon = if found.taken { Icon::Check } else { Icon::Plus };
    let scope = if deep { format!(", in all {}", unverified(open)) } else { String::new() };
    let name = format!("Accept {} alone{scope}", label.name);
    let button = IconButton::new(icon, name).about(about).side(BUTTON).enabled(can);
    if ui.put(place, button).clicked() {
        out.edit(EditCommand::Accept { scope: AcceptScope::Label(label.id) });
    }
}
