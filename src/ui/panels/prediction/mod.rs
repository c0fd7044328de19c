//! The model that predicts, what it has found, how that is shown, and what is taken from it.

mod cautions;
mod footer;
mod found;
mod only;
mod seen;
mod show;

pub use only::choose as choose_structures;

use crate::time::{now_ms, when};
use crate::ui::context::{Panel, PanelContext};
use crate::ui::figures;
use crate::ui::notices::activity_words;
use crate::ui::outbox::{Outbox, Request};
use crate::ui::theme::{self, size};
use crate::ui::view_state::ViewState;
use crate::ui::views::predicted_words;
use crate::ui::widgets::{Icon, IconButton, cut_at_the_end, empty, field, quiet};
use crate::words::duration;
use crate::workspace::{
    Command, Document, LabelCommand, LibraryModel, ModelCommand, PredictionStatus, Workspace,
};
use egui::{
    Align2, CornerRadius, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

#[derive(Default)]
pub struct Prediction {
    found: found::View,
}

/// Side of the button beside the model.
const COMPARE: f32 = 34.0;

impl Panel for Prediction {
    fn id(&self) -> &'static str {
        "prediction"
    }

    fn title(&self) -> &'static str {
        "Prediction"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, .. } = context;
        let model = in_use(workspace, document);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            model_row(ui, ui.available_width() - COMPARE - 4.0, model, out);
            let compare = IconButton::new(Icon::Two, "Compare with another model").side(COMPARE);
            if ui.add(compare).clicked() {
                out.requests.push(Request::Compare);
            }
        });
        let Some(model) = model else {
            ui.add_space(4.0);
            empty(ui, "Choose a model to see what it makes of this image.");
            return;
        };
        status(ui, workspace, document, view_state);
        if model.is_untrained() {
            ui.add_space(4.0);
            empty(
                ui,
                "There is nothing to see or to accept until it has been trained. Paint slices, mark them verified \
                 (Ctrl+Enter), and train it in the workspace Learn.",
            );
            return;
        }
        if document.depth() > 1 {
            slices(ui, workspace, document, model, out);
        }
        cautions::show(ui, document, &model.card);
        self.found.show(ui, workspace, document, &model.card, view_state.can_accept(document), out);
        new_labels(ui, workspace, document, out);
        let certainty_of = (!model.is_of_volumes()).then(|| certainty_of(document, model)).flatten();
        show::show(ui, view_state, certainty_of.as_deref(), |ui| only::show(ui, document, &model.card, out));
    }

    fn has_footer(&self, _: &PanelContext) -> bool {
        true
    }

    fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, .. } = context;
        footer::show(ui, workspace, document, view_state, out);
    }
}

fn in_use<'a>(workspace: &'a Workspace, document: &Document) -> Option<&'a LibraryModel> {
    document.model().and_then(|version| workspace.model(version))
}

/// Whether the slice in front is predicted, and whether that may be accepted.
fn can_accept(workspace: &Workspace, document: &Document, view_state: &ViewState) -> (bool, bool) {
    let z = document.cursor()[2];
    let status = workspace.prediction_status(document.id(), z);
    let ready = matches!(status, PredictionStatus::Ready(_) | PredictionStatus::Labelled);
    (ready, ready && !document.is_verified(z) && view_state.can_accept(document).is_ok())
}

/// The structure whose certainty is shown: the selected label where the model knows it, else its first.
fn certainty_of(document: &Document, model: &LibraryModel) -> Option<String> {
    let (classes, table) = document.wanted_labels(&model.card);
    let selected = document.selected_label();
    let first = || classes.iter().copied().find(|label| *label != 0);
    let shown = Some(selected).filter(|label| classes[1..].contains(label)).or_else(first)?;
    table.get(shown).map(|label| label.name.clone())
}

/// The model in use; it opens the model library.
fn model_row(ui: &mut Ui, width: f32, model: Option<&LibraryModel>, out: &mut Outbox) {
    const HEIGHT: f32 = 34.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Model"));
    let p = theme::palette(ui);
    let ground = if response.hovered() { p.hover } else { p.raised };
    let edge = if response.has_focus() { Stroke::new(2.0, p.accent) } else { Stroke::new(1.0, p.active) };
    ui.painter().rect(rect, CornerRadius::same(size::RADIUS), ground, edge, StrokeKind::Inside);
    let square = |x: f32, side: f32| Rect::from_center_size(pos2(x, rect.center().y), Vec2::splat(side));
    Icon::Layers.paint(ui.painter(), square(rect.left() + 18.0, 16.0), p.accent);
    Icon::Down.paint(ui.painter(), square(rect.right() - 16.0, 12.0), p.weak);
    let count = model.map_or(String::new(), |model| model.card.labels.len().to_string());
    let at = pos2(rect.right() - 30.0, rect.center().y);
    let count = ui.painter().text(at, Align2::RIGHT_CENTER, count, theme::small(), p.weak);
    let title = model.map_or("No model", |model| &model.card.title);
    let left = rect.left() + 34.0;
    let room = count.left() - 8.0 - left;
    let words = cut_at_the_end(ui.painter(), title, theme::body(), p.text, room);
    ui.painter().galley(pos2(left, rect.center().y - words.size().y / 2.0), words, p.text);
    if response.on_hover_text(format!("{title}: click for all models")).clicked() {
        out.requests.push(Request::Models);
    }
}

/// Where the prediction of what is in front stands; when it was made and how long that took.
fn status(ui: &mut Ui, workspace: &Workspace, document: &Document, view_state: &ViewState) {
    let z = document.cursor()[2];
    let p = theme::palette(ui);
    let deep = document.depth() > 1;
    let this = if deep { "This slice" } else { "This image" };
    let (words, color) = match workspace.prediction_status(document.id(), z) {
        PredictionStatus::NoModel => return,
        PredictionStatus::Untrained => ("This network has learned nothing yet".to_owned(), p.warn),
        _ if view_state.is_rejected(document, z) => {
            (format!("Rejected{}", if deep { " in this slice" } else { "" }), p.weak)
        }
        _ if document.is_verified(z) => (format!("{this} is verified: no model changes it"), p.good),
        PredictionStatus::Loading => ("Loading the model…".to_owned(), p.weak),
        PredictionStatus::Pending => (format!("Predicting {}…", this.to_lowercase()), p.weak),
        PredictionStatus::Failed(reason) => (format!("No prediction: {reason}"), p.bad),
        PredictionStatus::OnRequest => ("Labels the whole volume at once".to_owned(), p.weak),
        PredictionStatus::Ready(_) | PredictionStatus::Labelled => {
            let made = workspace.prediction_made(document.id(), z).map(|made| {
                let what = if made.whole { "Whole volume" } else { this };
                let (day, took) = (when(made.at_ms, now_ms()), figures::seconds(made.seconds));
                format!("{what}, predicted {day} in {took}")
            });
            (made.unwrap_or_else(|| format!("{this} is predicted")), p.weak)
        }
    };
    ui.add(egui::Label::new(RichText::new(words).font(theme::small()).color(color)).wrap());
}

/// Classes of the model that are no labels here: added when they are accepted, or now.
fn new_labels(ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
    const MOST: usize = 6;
    let names = workspace.new_labels(document.id());
    if names.is_empty() {
        return;
    }
    let mut listed: Vec<String> = names.iter().take(MOST).map(|name| format!("“{name}”")).collect();
    if names.len() > MOST {
        listed.push(format!("{} more", names.len() - MOST));
    }
    let words = format!(
        "Not among the labels of this image: {}. Accepting adds them as new labels.",
        listed.join(", ")
    );
    ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak))
        .on_hover_text(names.join("\n"));
    if quiet(ui, true, "Add them now").clicked() {
        for name in names {
            out.command(Command::Labels(LabelCommand::Add { name: name.to_owned() }));
        }
    }
}

/// How much of the volume is predicted, and the rest at a click: only predicted slices show in the other planes.
fn slices(ui: &mut Ui, workspace: &Workspace, document: &Document, model: &LibraryModel, out: &mut Outbox) {
    let at_once = model.is_of_volumes();
    let under_way = workspace.predicting_all(document.id());
    let missing = predicted_words(workspace, document);
    let words = match (under_way.map(activity_words).filter(|words| !words.is_empty()), &missing) {
        (Some(words), _) => words,
        (None, Some(_)) if at_once => "Not segmented yet".to_owned(),
        (None, Some(words)) => words.clone(),
        (None, None) if at_once => return,
        (None, None) => format!("All {} slices predicted", document.depth()),
    };
    field(ui, &words, |ui| {
        // What is below stays where it is when the button goes.
        ui.set_min_height(size::BUTTON);
        if let Some(activity) = under_way {
            let button = match at_once {
                true => quiet(ui, true, "Cancel"),
                false => quiet(ui, true, "Cancel").on_hover_text("What is predicted stays"),
            };
            if button.clicked() {
                out.command(Command::Cancel(activity.job));
            }
        } else if missing.is_some() && !at_once {
            let mut tip = "So that the other planes show the prediction too".to_owned();
            if let Some(seconds) = seconds_of_rest(workspace, document) {
                tip += &format!(": {}", duration(seconds));
            }
            if quiet(ui, true, "Predict all").on_hover_text(tip).clicked() {
                out.command(Command::Model(ModelCommand::PredictAll));
            }
        }
    });
}

/// About how many seconds the slices that are not predicted yet will take, going by the one in front.
fn seconds_of_rest(workspace: &Workspace, document: &Document) -> Option<f64> {
    let made = workspace.prediction_made(document.id(), document.cursor()[2])?;
    let done = workspace.predicted_slices(document.id()).map_or(0, |slices| slices.len());
    Some(made.seconds * (document.depth() - done) as f64)
}
