use crate::ui::context::{Panel, PanelContext};
use crate::ui::keys::{KeyCommand, Scope, shortcut_of};
use crate::ui::notices::activity_words;
use crate::ui::outbox::{Outbox, Question, Request};
use crate::ui::panels::volumes;
use crate::ui::reading::as_painted;
use crate::ui::theme::{self, size};
use crate::ui::view_state::ViewState;
use crate::ui::views::predicted_words;
use crate::ui::widgets::{
    Icon, IconButton, empty, field, legend, primary, primary_key, quiet, section, slider_row, title_row,
};
use crate::workspace::{
    Command, Document, LabelCommand, LibraryModel, ModelCommand, ModelOrigin, PredictionStatus, Workspace,
};
use egui::{
    Align2, Checkbox, CornerRadius, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

/// The model that predicts, how its prediction is shown, and what is taken from it.
#[derive(Default)]
pub struct Prediction;

impl Panel for Prediction {
    fn id(&self) -> &'static str {
        "prediction"
    }

    fn title(&self) -> &'static str {
        "Prediction"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, .. } = context;
        title_row(ui, "Prediction", |ui| {
            if ui.add(IconButton::new(Icon::Open, "Import a model file")).clicked() {
                out.ask(Question::ImportModel);
            }
            if ui.add(IconButton::new(Icon::Two, "Compare with another model")).clicked() {
                out.requests.push(Request::Compare);
            }
        });
        ui.add_space(4.0);
        model_row(ui, workspace, document, out);
        if document.model().is_none() {
            ui.add_space(4.0);
            empty(ui, "Choose a model to see what it makes of this image.");
            return;
        }
        status(ui, workspace, document, view_state);
        if document.model().and_then(|v| workspace.model(v)).is_some_and(LibraryModel::is_untrained) {
            ui.add_space(4.0);
            empty(
                ui,
                "There is nothing to see or to accept until it has been trained. Paint slices, mark them verified \
                 (Ctrl+Enter), and train it in the workspace Learn.",
            );
            if let Some(model) = document.model().and_then(|v| workspace.model(v)) {
                section(ui, "About this model", |ui| about(ui, model));
            }
            return;
        }
        new_labels(ui, workspace, document, out);
        if document.depth() > 1 {
            slices(ui, workspace, document, out);
        }
        section(ui, "Accept into the mask", |ui| accept_other(ui, workspace, document, out));
        let grid = document.volume().grid();
        section(ui, volumes::title(grid), |ui| volumes::show(ui, workspace, document, out));
        section(ui, "Show", |ui| show(ui, workspace, document, view_state));
        if let Some(model) = document.model().and_then(|v| workspace.model(v)) {
            section(ui, "About this model", |ui| about(ui, model));
        }
    }

    fn has_footer(&self, context: &PanelContext) -> bool {
        let model = context.document.model().and_then(|version| context.workspace.model(version));
        model.is_some_and(|model| !model.is_untrained())
    }

    fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, .. } = context;
        let z = document.cursor()[2];
        let (ready, here) = can_accept(workspace, document);
        ui.spacing_mut().item_spacing.x = 6.0;
        let waits = of_volumes(workspace, document)
            && predicted_words(workspace, document).is_some()
            && workspace.predicting_all(document.id()).is_none();
        let accept = KeyCommand::Accept(Scope::Slice);
        let name = if document.depth() > 1 { "Accept slice" } else { "Accept" };
        if waits {
            if primary(ui, true, "Segment the volume").clicked() {
                out.command(Command::Model(ModelCommand::PredictAll));
            }
            quiet(ui, false, name);
        } else if primary_key(ui, here, name, accept).clicked() {
            out.key(accept);
        }
        let name = if view_state.is_rejected(document, z) { "Show again" } else { "Reject" };
        let key = shortcut_of(ui.ctx(), KeyCommand::Reject).unwrap_or_default();
        if quiet(ui, ready, name).on_hover_text(key).clicked() {
            out.key(KeyCommand::Reject);
        }
    }
}

/// The model in use; it opens the model library.
fn model_row(ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
    const HEIGHT: f32 = 34.0;
    let chosen = document.model().and_then(|v| workspace.model(v));
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Model"));
    let p = theme::palette(ui);
    let ground = if response.hovered() { p.hover } else { p.raised };
    let round = CornerRadius::same(size::RADIUS);
    ui.painter().rect(rect, round, ground, Stroke::new(1.0, p.active), StrokeKind::Inside);
    let square = |x: f32, side: f32| Rect::from_center_size(pos2(x, rect.center().y), Vec2::splat(side));
    Icon::Layers.paint(ui.painter(), square(rect.left() + 18.0, 16.0), p.accent);
    Icon::Down.paint(ui.painter(), square(rect.right() - 16.0, 12.0), p.weak);
    let count = chosen.map_or(String::new(), |model| model.card.labels.len().to_string());
    let at = pos2(rect.right() - 30.0, rect.center().y);
    let count = ui.painter().text(at, Align2::RIGHT_CENTER, count, theme::small(), p.weak);
    let clip = rect.with_max_x(count.left() - 8.0).intersect(ui.clip_rect());
    let title = chosen.map_or("No model".to_owned(), |model| as_painted(&model.card.title));
    let at = pos2(rect.left() + 34.0, rect.center().y);
    ui.painter().with_clip_rect(clip).text(at, Align2::LEFT_CENTER, &title, theme::body(), p.text);
    if response.on_hover_text(format!("{title}: click for all models")).clicked() {
        out.requests.push(Request::Models);
    }
    if chosen.is_some_and(LibraryModel::is_demonstration) {
        let words = RichText::new("Demonstration: finds nothing useful in patients");
        ui.label(words.font(theme::small()).color(p.warn));
    }
}

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
        PredictionStatus::Ready(predicted) => (format!("Ready, in {:.0} ms", predicted.millis), p.weak),
        PredictionStatus::OnRequest | PredictionStatus::Labelled => {
            ("Labels the whole volume at once".to_owned(), p.weak)
        }
    };
    ui.label(RichText::new(words).font(theme::small()).color(color));
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
fn slices(ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
    let (of_volumes, under_way) = (of_volumes(workspace, document), workspace.predicting_all(document.id()));
    let missing = predicted_words(workspace, document)
        .map(|words| if of_volumes { "Not segmented yet".to_owned() } else { words });
    let words = match (under_way.map(activity_words).filter(|words| !words.is_empty()), &missing) {
        (Some(words), _) => words,
        (None, Some(words)) => words.clone(),
        (None, None) => format!("All {} slices predicted", document.depth()),
    };
    field(ui, &words, |ui| {
        // What is below stays where it is when the button goes.
        ui.set_min_height(size::BUTTON);
        if let Some(activity) = under_way {
            let button = match of_volumes {
                true => quiet(ui, true, "Cancel"),
                false => quiet(ui, true, "Cancel").on_hover_text("What is predicted stays"),
            };
            if button.clicked() {
                out.command(Command::Cancel(activity.job));
            }
        } else if missing.is_some() && !of_volumes {
            let tip = "So that the other planes show the prediction too";
            if quiet(ui, true, "Predict all").on_hover_text(tip).clicked() {
                out.command(Command::Model(ModelCommand::PredictAll));
            }
        }
    });
}

/// Whether the model in use labels whole volumes at once.
fn of_volumes(workspace: &Workspace, document: &Document) -> bool {
    document.model().and_then(|v| workspace.model(v)).is_some_and(LibraryModel::is_of_volumes)
}

/// Whether the slice in front is predicted, and whether that may be accepted.
fn can_accept(workspace: &Workspace, document: &Document) -> (bool, bool) {
    let z = document.cursor()[2];
    let status = workspace.prediction_status(document.id(), z);
    let ready = matches!(status, PredictionStatus::Ready(_) | PredictionStatus::Labelled);
    (ready, ready && !document.is_verified(z))
}

/// What may be accepted besides the slice.
fn accept_other(ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
    let (_, here) = can_accept(workspace, document);
    let ctx = ui.ctx().clone();
    let key = |command| shortcut_of(&ctx, command).unwrap_or_default();
    let (component, volume) = (KeyCommand::Accept(Scope::Component), KeyCommand::Accept(Scope::Volume));
    ui.horizontal(|ui| {
        let tip = format!("The region at the crosshair   {}", key(component));
        if quiet(ui, here, "Component").on_hover_text(tip).clicked() {
            out.key(component);
        }
        if document.depth() > 1 && quiet(ui, true, "All slices").on_hover_text(key(volume)).clicked() {
            out.key(volume);
        }
    });
}

fn show(ui: &mut Ui, workspace: &Workspace, document: &Document, view_state: &mut ViewState) {
    ui.checkbox(&mut view_state.prediction_shown, "Prediction")
        .on_hover_text("Dotted, with a dashed outline");
    slider_row(ui, "Opacity", &mut view_state.prediction_opacity, 0.0..=1.0);
    let ctx = ui.ctx().clone();
    let key = |command| shortcut_of(&ctx, command).unwrap_or_default();
    let heat =
        ui.add_enabled(!of_volumes(workspace, document), Checkbox::new(&mut view_state.heat, "Heat map"));
    heat.on_hover_text(format!("How probable the selected label is   {}", key(KeyCommand::HeatMap)))
        .on_disabled_hover_text("This model gives labels and no probabilities");
    ui.checkbox(&mut view_state.difference, "Difference from the mask")
        .on_hover_text(format!("What accepting would change   {}", key(KeyCommand::Difference)));
    if view_state.difference {
        use crate::gpu::Difference as D;
        let kinds = [
            (D::ADDED, "would be added"),
            (D::REMOVED, "would be removed"),
            (D::CHANGED, "another label"),
            (D::KEPT, "the same in both"),
        ];
        legend(ui, &kinds.map(|(color, words)| (theme::label_color(color), words)));
    }
}

fn about(ui: &mut Ui, model: &LibraryModel) {
    let card = &model.card;
    let p = theme::palette(ui);
    let line = |ui: &mut Ui, name: &str, words: String| {
        if words.is_empty() {
            return;
        }
        // What is too long for the row stands below its name: a licence is to be read whole.
        let wide =
            |words: &str| ui.painter().layout_no_wrap(words.to_owned(), theme::body(), p.text).size().x;
        if wide(name) + wide(&words) + 2.0 * ui.spacing().item_spacing.x < ui.available_width() {
            field(ui, name, |ui| ui.label(words));
        } else {
            ui.label(RichText::new(name).color(p.weak));
            ui.add(egui::Label::new(words).wrap());
        }
    };
    line(ui, "Version", card.version.clone());
    line(ui, "Network", card.network.clone());
    line(ui, "Made for", card.modality.title().to_owned());
    let origin = match &model.origin {
        ModelOrigin::Bundled(_) => "part of the program".to_owned(),
        ModelOrigin::File(path) => path.display().to_string(),
        ModelOrigin::Project(_) => "this project".to_owned(),
        ModelOrigin::Trained if model.is_untrained() => "not trained yet".to_owned(),
        ModelOrigin::Trained => "trained here".to_owned(),
    };
    line(ui, "From", origin);
    line(ui, "Licence", card.licence.clone());
    if !card.trained_on.is_empty() {
        ui.label(
            RichText::new(format!("Learned from {}", card.trained_on)).font(theme::small()).color(p.weak),
        );
    }
    if !card.notice.is_empty() {
        ui.label(RichText::new(&card.notice).font(theme::small()).color(p.warn));
    }
}
