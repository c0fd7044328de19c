use crate::geom::Grid;
use crate::label::LabelId;
use crate::ui::context::{Panel, PanelContext};
use crate::ui::figures::Scale;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::notices::activity_words;
use crate::ui::outbox::Outbox;
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::view_state::{CompareWith, Side};
use crate::ui::views::{choose_beside, paint_letter};
use crate::ui::widgets::{empty, field, primary, quiet, section};
use crate::workspace::{
    Command, Compared, Comparison, Document, EditCommand, LibraryModel, ModelCommand, PredictionStatus, Take,
    Workspace, class_labels,
};
use egui::{
    Align2, Button, Color32, FontId, Rect, Response, RichText, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use std::collections::{BTreeMap, BTreeSet};

/// How far two models on one image agree, and which of them is believed where they do not.
#[derive(Default)]
pub struct Compare;

/// Below it a Dice is worth a look.
const FAIR: f64 = 0.8;
const HEAD: f32 = 26.0;
const ROW: f32 = 30.0;
/// Of each of the three figures, in points.
const FIGURE: f32 = 54.0;
const BARS: f32 = 36.0;

impl Panel for Compare {
    fn id(&self) -> &'static str {
        "compare"
    }

    fn title(&self) -> &'static str {
        "Compare"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, .. } = context;
        let Some(compared) = view_state.compared(workspace, document) else {
            empty(ui, "Choose what to put beside it.");
            ui.add_space(8.0);
            let image = view_state.image(document);
            if let Some(with) = choose_beside(ui, workspace, document, image.compared.as_ref()) {
                image.compared = Some(with);
            }
            return;
        };
        match (workspace.comparison(), workspace.document(compared.document)) {
            (_, Some(other)) if other.id() != document.id() => images(ui, workspace, [document, other]),
            (Some(comparison), _) => models(ui, workspace, document, &compared, comparison, out),
            _ => empty(ui, "A has no model: choose one above the image."),
        }
    }

    fn has_footer(&self, _: &PanelContext) -> bool {
        true
    }

    fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, .. } = context;
        ui.spacing_mut().item_spacing.x = 6.0;
        if view_state.compared(workspace, document).is_some() {
            let letter = view_state.comparing.chosen.letter();
            let words = match view_state.image(document).compared {
                Some(CompareWith::Image(_)) => format!("Work on {letter} from here on"),
                _ => format!("Use {letter} from here on"),
            };
            let tip = "A click on the letter above an image chooses it";
            if primary(ui, true, &words).on_hover_text(tip).clicked() {
                view_state.go_on_with_chosen(workspace, document, out);
            }
        }
        if with_key(ui, true, "Leave", KeyCommand::Abort).clicked() {
            view_state.leave_comparison(document);
        }
    }
}

fn models(
    ui: &mut Ui,
    workspace: &Workspace,
    document: &Document,
    compared: &Compared,
    comparison: &Comparison,
    out: &mut Outbox,
) {
    agreement(ui, comparison);
    counted(ui, workspace, document, compared, comparison, out);
    let colors = colors(workspace, document, comparison);
    let grid = document.volume().grid();
    let rows = comparison.labels().iter().filter_map(|label| {
        let total = comparison.total().get(&label.id)?;
        let color = colors.get(&label.id).copied();
        Some(Row { name: &label.name, color, sizes: total.volumes.map(Some), dice: total.overlap.dice() })
    });
    if !comparison.slices().is_empty() {
        table(ui, [grid; 2], rows.collect());
    }
    if document.depth() > 1 {
        by_slice(ui, document, comparison, out);
    }
    section(ui, "The part under the crosshair", |ui| part(ui, workspace, document, compared, out));
}

fn agreement(ui: &mut Ui, comparison: &Comparison) {
    field(ui, "Agreement, mean Dice", |ui| {
        let words = comparison.mean_dice().map_or("–".to_owned(), |dice| format!("{dice:.2}"));
        ui.label(RichText::new(words).font(FontId { size: 16.0, ..theme::strong() }));
    });
}

/// Over how many slices that is, and the rest at a click.
fn counted(
    ui: &mut Ui,
    workspace: &Workspace,
    document: &Document,
    compared: &Compared,
    comparison: &Comparison,
    out: &mut Outbox,
) {
    let (count, depth) = (comparison.slices().len(), document.depth());
    let p = theme::palette(ui);
    let small = |ui: &mut Ui, words: &str| ui.label(RichText::new(words).font(theme::small()).color(p.weak));
    let (Some(a), Some(b)) = (document.model(), &compared.version) else { return };
    let under_way =
        [a, b].into_iter().find_map(|version| workspace.predicting_all_by(document.id(), version));
    if count == depth {
        if depth > 1 {
            small(ui, &format!("over all {depth} slices"));
        }
        return;
    }
    ui.horizontal(|ui| {
        ui.set_min_height(theme::size::BUTTON);
        let words = match under_way.map(activity_words).filter(|words| !words.is_empty()) {
            Some(words) => words,
            None if count == 0 => waiting(workspace, document, compared),
            None => format!("over {count} of {depth} slices"),
        };
        small(ui, &words);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| match under_way {
            Some(activity) => {
                if quiet(ui, true, "Cancel").on_hover_text("What is predicted stays").clicked() {
                    out.command(Command::Cancel(activity.job));
                }
            }
            None => {
                let loaded = [a, b].iter().all(|v| workspace.model(v).is_some_and(LibraryModel::is_loaded));
                let tip = "Predicts every slice by both, so that all of them count";
                if quiet(ui, loaded, "All slices").on_hover_text(tip).clicked() {
                    for version in [a, b] {
                        let version = version.to_string();
                        out.command(Command::Model(ModelCommand::PredictAllBy { version }));
                    }
                }
            }
        });
    });
}

/// Why nothing can be counted yet.
fn waiting(workspace: &Workspace, document: &Document, compared: &Compared) -> String {
    let z = document.cursor()[2];
    let of = |side: Side, status: PredictionStatus| {
        let what = match status {
            PredictionStatus::Ready(_) | PredictionStatus::Labelled => return None,
            PredictionStatus::Failed(reason) => format!("no prediction: {reason}"),
            PredictionStatus::OnRequest => "not predicted yet".to_owned(),
            _ => "being predicted…".to_owned(),
        };
        Some(format!("{}: {what}", side.letter()))
    };
    let b = compared.version.as_ref().map(|b| workspace.prediction_status_by(document.id(), b, z));
    let both = [of(Side::A, workspace.prediction_status(document.id(), z)), b.and_then(|b| of(Side::B, b))];
    both.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// The colour of each label of the two models, as the image has it.
fn colors(workspace: &Workspace, document: &Document, comparison: &Comparison) -> BTreeMap<LabelId, Color32> {
    let card = document.model().and_then(|version| workspace.model(version)).map(|model| &model.card);
    let table =
        card.map_or_else(|| document.labels().clone(), |card| class_labels(card, document.labels()).1);
    let labels = comparison.labels().iter();
    let color = |name: &str| table.iter().find(|label| label.name == name).map(|label| label.color);
    labels.map(|label| (label.id, theme::label_color(color(&label.name).unwrap_or(label.color)))).collect()
}

/// What there is to say of a label.
struct Row<'a> {
    name: &'a str,
    color: Option<Color32>,
    /// By A and B; `None` while they are not known.
    sizes: [Option<f64>; 2],
    dice: Option<f64>,
}

/// The unit of each column: one for both where they measure the same kind of thing.
fn scales(grids: [&Grid; 2], rows: &[Row]) -> [Scale; 2] {
    let largest = [0, 1].map(|side| rows.iter().filter_map(|row| row.sizes[side]).fold(0.0, f64::max));
    let alike = grids[0].unit() == grids[1].unit() && (grids[0].dims()[2] == 1) == (grids[1].dims()[2] == 1);
    let of_both = largest[0].max(largest[1]);
    [0, 1].map(|side| Scale::of_label(grids[side], if alike { of_both } else { largest[side] }))
}

/// `grids`: of the images that A and B are measured on, each in its own unit.
fn table(ui: &mut Ui, grids: [&Grid; 2], rows: Vec<Row>) {
    ui.add_space(4.0);
    ui.spacing_mut().item_spacing.y = 0.0;
    let p = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEAD), Sense::hover());
    let right = |index: f32| rect.right() - (2.0 - index) * FIGURE;
    let scales = scales(grids, &rows);
    let units = scales.map(Scale::unit);
    let head = |x: f32, words: &str| {
        let at = pos2(x, rect.center().y);
        ui.painter().text(at, Align2::RIGHT_CENTER, words, theme::small(), p.weak)
    };
    for ((index, side), unit) in [(0.0, Side::A), (1.0, Side::B)].into_iter().zip(units) {
        let words = head(right(index), unit);
        let at = pos2(words.left() - 12.0, rect.center().y);
        paint_letter(ui, Rect::from_center_size(at, Vec2::splat(15.0)), side);
    }
    head(right(2.0), "Dice");
    ui.painter().hline(rect.x_range(), rect.bottom(), (1.0, p.line));
    for row in rows {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
        let cell = |side: usize| row.sizes[side].map_or("–".to_owned(), |size| scales[side].figure(size));
        let sizes = [cell(0), cell(1)];
        let dice = row.dice.map_or("–".to_owned(), |dice| format!("{dice:.2}"));
        let name = as_painted(row.name);
        response.widget_info(|| {
            let ([a, b], [of_a, of_b]) = (&sizes, units);
            WidgetInfo::labeled(Role::Row, true, format!("{name}, A {a} {of_a}, B {b} {of_b}, Dice {dice}"))
        });
        if let Some(color) = row.color {
            let square = Rect::from_center_size(pos2(rect.left() + 6.0, rect.center().y), Vec2::splat(12.0));
            ui.painter().rect_filled(square, 3.0, color);
        }
        let low = row.dice.is_some_and(|dice| dice < FAIR);
        let figures = [(&sizes[0], p.weak), (&sizes[1], p.weak), (&dice, if low { p.warn } else { p.text })];
        for (index, (words, color)) in (0u8..).zip(figures) {
            let at = pos2(right(f32::from(index)), rect.center().y);
            ui.painter().text(at, Align2::RIGHT_CENTER, words, theme::figures(), color);
        }
        let clip = rect.with_max_x(right(0.0) - FIGURE + 8.0).intersect(ui.clip_rect());
        let at = pos2(rect.left() + 20.0, rect.center().y);
        ui.painter().with_clip_rect(clip).text(at, Align2::LEFT_CENTER, &name, theme::body(), p.text);
        ui.painter().hline(rect.x_range(), rect.bottom(), (1.0, p.line));
    }
    ui.spacing_mut().item_spacing.y = 6.0;
}

/// A bar for each slice that was counted, as high as the two agree; a click goes there.
fn by_slice(ui: &mut Ui, document: &Document, comparison: &Comparison, out: &mut Outbox) {
    let (z, depth) = (document.cursor()[2], document.depth());
    let here = match comparison.slices().get(&z).map(|slice| slice.mean_dice()) {
        Some(Some(dice)) => format!("slice {}: {dice:.2}", z + 1),
        Some(None) => format!("slice {}: both background", z + 1),
        None => format!("slice {}: –", z + 1),
    };
    ui.add_space(10.0);
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new("Agreement by slice").font(theme::small_title()).color(p.weak));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(RichText::new(&here).font(theme::small()).color(p.weak));
        });
    });
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), BARS), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::slider(true, (z + 1) as f64, format!("Agreement by slice, {here}")));
    let x = |z: usize| rect.left() + rect.width() * z as f32 / depth as f32;
    let floor = |from: f32, to: f32| Rect::from_x_y_ranges(from..=to, rect.bottom() - 1.0..=rect.bottom());
    ui.painter().rect_filled(floor(rect.left(), rect.right()), 0.0, p.line);
    for (&z, slice) in comparison.slices() {
        let (from, to) = (x(z), x(z + 1));
        let to = if to - from > 3.0 { to - 1.0 } else { to.max(from + 1.0) };
        match slice.mean_dice() {
            Some(dice) => {
                let top = rect.bottom() - (BARS - 2.0) * dice as f32 - 1.0;
                let color = if dice < FAIR { p.warn } else { p.weak };
                ui.painter().rect_filled(Rect::from_x_y_ranges(from..=to, top..=rect.bottom()), 0.0, color);
            }
            None => _ = ui.painter().rect_filled(floor(from, to), 0.0, p.weak),
        }
    }
    let middle = (x(z) + x(z + 1)) / 2.0;
    let mark = Rect::from_x_y_ranges(middle - 1.0..=middle + 1.0, rect.y_range());
    ui.painter().rect_filled(mark.expand(1.0), 0.0, p.panel);
    ui.painter().rect_filled(mark, 0.0, p.accent);
    let slice_at = |at: f32| (((at - rect.left()) / rect.width()).clamp(0.0, 1.0) * depth as f32) as usize;
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on()) {
        let [x, y, _] = document.cursor();
        go_to(document, Some([x, y, slice_at(at.x).min(depth - 1)]), out);
    }
    ui.horizontal(|ui| {
        let largest = comparison.largest_difference();
        if with_key(ui, largest.is_some(), "Largest difference", KeyCommand::Queue(1)).clicked() {
            go_to(document, largest, out);
        }
        let tip = "The slice in which they differ most after this one";
        if quiet(ui, largest.is_some(), "Next").on_hover_text(tip).clicked() {
            go_to(document, comparison.next_difference(z), out);
        }
    });
}

/// An ordinary button with the key that does the same.
fn with_key(ui: &mut Ui, enabled: bool, words: &str, command: KeyCommand) -> Response {
    let key = RichText::new(shortcut_of(ui.ctx(), command).unwrap_or_default());
    let key = key.font(theme::medium()).color(theme::palette(ui).weak);
    let button = Button::new(words).right_text(key).min_size(Vec2::new(0.0, theme::size::BUTTON));
    let response = ui.add_enabled(enabled, button);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, words));
    response
}

fn go_to(document: &Document, to: Option<[usize; 3]>, out: &mut Outbox) {
    if let Some(voxel) = to.filter(|voxel| *voxel != document.cursor()) {
        out.command(Command::Cursor(voxel));
    }
}

/// What the two say at the crosshair, and whose word goes into the mask.
fn part(ui: &mut Ui, workspace: &Workspace, document: &Document, compared: &Compared, out: &mut Outbox) {
    let p = theme::palette(ui);
    let voxel = document.cursor();
    let word = |version: &str| said(workspace, document, version, voxel);
    let words = [document.model(), compared.version.as_ref()].map(|version| version.and_then(|v| word(v)));
    let name = |said: &Option<Option<String>>| match said {
        None => "not predicted yet".to_owned(),
        Some(None) => "background".to_owned(),
        Some(Some(name)) => as_painted(name),
    };
    ui.horizontal_wrapped(|ui| {
        for (side, said) in Side::BOTH.into_iter().zip(&words) {
            let (square, _) = ui.allocate_exact_size(Vec2::splat(15.0), Sense::hover());
            paint_letter(ui, square, side);
            ui.label(name(said));
            ui.add_space(6.0);
        }
    });
    let verified = document.is_verified(voxel[2]);
    let both = words.iter().all(Option::is_some);
    let any = words.iter().flatten().any(Option::is_some);
    let ready = both && any && !verified;
    let other = compared.version.as_ref().map(|version| version.to_string());
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        for (words, take) in
            [("Take A’s", Take::InUse), ("Take B’s", Take::Other), ("Neither", Take::Neither)]
        {
            if quiet(ui, ready, words).clicked()
                && let Some(other) = other.clone()
            {
                out.edit(EditCommand::TakePart { voxel, other, take });
            }
        }
    });
    let words = match (verified, both, any) {
        (true, ..) => "This slice is verified: no model changes it.",
        (false, true, false) => "Both say background here: put the crosshair where they differ.",
        _ => "Goes into your mask. A and B stay as they are.",
    };
    ui.label(RichText::new(words).font(theme::small()).color(p.weak));
}

/// What a model says at a voxel: `None` before it is predicted, `Some(None)` of background.
fn said(
    workspace: &Workspace,
    document: &Document,
    version: &str,
    [x, y, z]: [usize; 3],
) -> Option<Option<String>> {
    let slice = workspace.predicted_slices_by(document.id(), &version.into())?.get(&z)?;
    let own = *slice.labels.get(y * document.volume().dims()[0] + x)?;
    let card = &workspace.model(version)?.card;
    let wanted = card.labels.get(own).filter(|label| !document.left_out().contains(&label.name));
    Some(wanted.map(|label| label.name.clone()))
}

/// Two images: what is known of each. Their pixels are not the same, so that nothing is counted between them.
fn images(ui: &mut Ui, workspace: &Workspace, both: [&Document; 2]) {
    let grids = both.map(|document| document.volume().grid());
    let by_name = both.map(|document| {
        let card = document.model().and_then(|version| workspace.model(version)).map(|model| &model.card);
        let table = card.map(|card| class_labels(card, document.labels()).1);
        let volumes = workspace.predicted_volumes(document.id());
        let labels = table.iter().flat_map(|table| table.iter());
        let size = |id| volumes.as_ref().map(|volumes| volumes.get(&id).copied().unwrap_or(0.0));
        labels.map(|label| (label.name.clone(), (label.color, size(label.id)))).collect::<BTreeMap<_, _>>()
    });
    let [a, b] = &by_name;
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let rows = names.into_iter().map(|name| {
        let color = a.get(name).or(b.get(name)).map(|(color, _)| theme::label_color(*color));
        Row { name, color, sizes: [a, b].map(|of| of.get(name).and_then(|(_, size)| *size)), dice: None }
    });
    let rows: Vec<Row> = rows.collect();
    let p = theme::palette(ui);
    let place = match grids[0].shares_millimetres(grids[1]) {
        true => "The crosshair is at the same place in millimetres in both.",
        false => {
            "Not both images say how they lie in millimetres: the crosshair is at the same share of their size."
        }
    };
    ui.label(RichText::new(place).color(p.weak));
    if rows.is_empty() {
        return;
    }
    table(ui, grids, rows);
    let words = "Measured once every slice of an image is predicted. Dice is counted between two models on one image.";
    ui.label(RichText::new(words).font(theme::small()).color(p.weak));
}
