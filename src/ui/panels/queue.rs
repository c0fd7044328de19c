use crate::geom::Unit;
use crate::ui::context::{Panel, PanelContext};
use crate::ui::counted::Counted;
use crate::ui::figures::Scale;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::outbox::{Outbox, Request};
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::view_state::ViewState;
use crate::ui::widgets::{Icon, IconButton, empty, primary_key, quiet, row_ground, section};
use crate::workspace::{Command, Document, PredictionStatus, Workspace};
use egui::{Align2, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// The slices that are still to be looked at, and how far one has come.
#[derive(Default)]
pub struct Queue {
    /// What is predicted in the slice in front.
    predicted: Counted,
}

const ROW: f32 = 32.0;
/// Of the buttons beside the filled one.
const WORDS: f32 = 132.0;
/// Of those beside the button that verifies nothing.
const MORE_WORDS: f32 = 206.0;
/// So many slices are listed; the rest is counted.
const LISTED: usize = 8;

/// What the filled button and its key do with the slice in front, before they go to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is verified: nothing.
    Pass,
    /// The prediction is on its way: they wait for it.
    Wait,
    Accept,
    /// The mask is right as it is.
    Verify,
    /// The same of a slice without any label, where there is no prediction to be seen.
    VerifyEmpty,
    /// A person has rejected the prediction and drawn nothing: whether the slice is empty is not known.
    Leave,
}

impl Step {
    pub fn of(workspace: &Workspace, document: &Document, view_state: &ViewState) -> Self {
        let z = document.cursor()[2];
        if document.is_verified(z) {
            return Step::Pass;
        }
        let rejected = view_state.is_rejected(document, z);
        match workspace.prediction_status(document.id(), z) {
            PredictionStatus::Pending | PredictionStatus::Loading if !rejected => Step::Wait,
            PredictionStatus::Ready(_) | PredictionStatus::Labelled if !rejected => Step::Accept,
            _ if !document.mask().is_slice_empty(z) => Step::Verify,
            _ if rejected => Step::Leave,
            _ => Step::VerifyEmpty,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Step::Pass | Step::Leave => "Next",
            Step::Wait | Step::Accept => "Accept, verify, next",
            Step::Verify => "Verify, next",
            Step::VerifyEmpty => "Verify as empty, next",
        }
    }
}

impl Panel for Queue {
    fn id(&self) -> &'static str {
        "queue"
    }

    fn title(&self) -> &'static str {
        "Queue"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, out, .. } = context;
        progress(ui, document);
        if document.model().is_none() {
            ui.add_space(8.0);
            empty(ui, "No model is in use: the mask is verified as it is.");
            if quiet(ui, true, "Choose a model…").clicked() {
                out.requests.push(Request::Models);
            }
        }
        let waiting = waiting(document);
        if waiting.is_empty() {
            ui.add_space(8.0);
            let what = if document.depth() > 1 {
                format!("All {} slices are verified.", document.depth())
            } else {
                "The image is verified.".to_owned()
            };
            ui.label(what);
            return done(ui, workspace, out);
        }
        section(ui, "Look at next", |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for &z in waiting.iter().take(LISTED) {
                row(ui, workspace, document, z, out);
            }
            if waiting.len() > LISTED {
                let words = format!("and {} more", waiting.len() - LISTED);
                ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
            }
        });
        in_this_slice(ui, &mut self.predicted, workspace, document);
    }

    fn has_footer(&self, _: &PanelContext) -> bool {
        true
    }

    fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, .. } = context;
        let (z, deep) = (document.cursor()[2], document.depth() > 1);
        ui.spacing_mut().item_spacing.x = 6.0;
        let step = Step::of(workspace, document, view_state);
        let leaves = step == Step::Leave;
        if primary_key(ui, deep || !leaves, step.title(), KeyCommand::AcceptVerifyNext).clicked() {
            out.key(KeyCommand::AcceptVerifyNext);
        }
        let skip = KeyCommand::Queue(1);
        let ctx = ui.ctx().clone();
        let key = |command| shortcut_of(&ctx, command).unwrap_or_default();
        // Where there is no room for words, icons with the same names.
        let room = ui.available_width() >= if leaves { MORE_WORDS } else { WORDS };
        let button = |ui: &mut Ui, icon, name: &str, enabled, command| match room {
            true => quiet(ui, enabled, name).on_hover_text(key(command)).clicked(),
            false => ui.add(IconButton::new(icon, name).key(command).enabled(enabled)).clicked(),
        };
        if leaves {
            if button(ui, Icon::Check, "Verify as empty", true, KeyCommand::Verify) {
                out.key(KeyCommand::Verify);
            }
        } else if deep && button(ui, Icon::Right, "Skip", true, skip) {
            out.key(skip);
        }
        let status = workspace.prediction_status(document.id(), z);
        let there = matches!(status, PredictionStatus::Ready(_) | PredictionStatus::Labelled);
        let rejected = view_state.is_rejected(document, z);
        let name = if rejected { "Show again" } else { "Reject" };
        let icon = if rejected { Icon::Undo } else { Icon::Close };
        if button(ui, icon, name, there, KeyCommand::Reject) {
            out.key(KeyCommand::Reject);
        }
    }
}

/// The slices that are not verified, from the one in front on, round the volume.
fn waiting(document: &Document) -> Vec<usize> {
    let (from, depth) = (document.cursor()[2], document.depth());
    (0..depth).map(|step| (from + step) % depth).filter(|&z| !document.is_verified(z)).collect()
}

fn progress(ui: &mut Ui, document: &Document) {
    let (done, of) = (document.verified().len(), document.depth());
    ui.horizontal(|ui| {
        ui.label(RichText::new(done.to_string()).font(theme::title()));
        ui.label(format!("of {of} verified"));
    });
    let (rect, bar) = ui.allocate_exact_size(vec2(ui.available_width(), 4.0), Sense::hover());
    bar.widget_info(|| {
        WidgetInfo::labeled(Role::ProgressIndicator, true, format!("{done} of {of} verified"))
    });
    let p = theme::palette(ui);
    ui.painter().rect_filled(rect, 2.0, p.active);
    let share = done as f32 / of.max(1) as f32;
    ui.painter().rect_filled(rect.with_max_x(rect.left() + rect.width() * share), 2.0, p.good);
}

fn row(ui: &mut Ui, workspace: &Workspace, document: &Document, z: usize, out: &mut Outbox) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let front = document.cursor()[2] == z;
    let name = format!("Slice {}", z + 1);
    let state = match workspace.predicted_labels(document.id(), z) {
        Some(_) => "predicted",
        None => "not predicted",
    };
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, front, format!("{name}, {state}")));
    let p = theme::palette(ui);
    row_ground(ui, &response, front);
    ui.painter().text(
        pos2(rect.left() + 10.0, rect.center().y),
        Align2::LEFT_CENTER,
        name,
        theme::body(),
        p.text,
    );
    let at = pos2(rect.right() - 10.0, rect.center().y);
    ui.painter().text(at, Align2::RIGHT_CENTER, state, theme::small(), p.weak);
    if response.clicked() {
        let mut cursor = document.cursor();
        cursor[2] = z;
        out.command(Command::Cursor(cursor));
    }
}

/// How many pixels each label takes in what is predicted of the slice in front.
fn in_this_slice(ui: &mut Ui, counted: &mut Counted, workspace: &Workspace, document: &Document) {
    let Some(predicted) = workspace.predicted_labels(document.id(), document.cursor()[2]) else { return };
    let Some(card) = document.model().and_then(|v| workspace.model(v)).map(|m| &m.card) else { return };
    let counts = counted.of(predicted);
    if counts.is_empty() {
        return;
    }
    let grid = document.volume().grid();
    let [sx, sy, _] = grid.spacing();
    let of_one = if grid.unit() == Unit::Millimetre { sx * sy } else { 1.0 };
    let scale = Scale::of_area(grid, counts.values().max().map_or(0.0, |&most| most as f64 * of_one));
    section(ui, "Predicted in this slice", |ui| {
        for (&id, &count) in counts {
            let Some(label) = card.labels.get(id) else { continue };
            ui.horizontal(|ui| {
                let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
                ui.painter().rect_filled(rect, 3.0, theme::label_color(label.color));
                ui.label(as_painted(&label.name));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let words = scale.written(count as f64 * of_one);
                    ui.label(RichText::new(words).font(theme::figures()));
                });
            });
        }
    });
}

/// What may come next when everything is verified.
fn done(ui: &mut Ui, workspace: &Workspace, out: &mut Outbox) {
    use crate::ui::arrangement::Arrangement;
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        if workspace.documents().len() > 1 && quiet(ui, true, "Next image").clicked() {
            out.key(KeyCommand::Image(1));
        }
        if quiet(ui, true, "Learn").clicked() {
            out.requests.push(Request::Arrange(Arrangement::Learn));
        }
        if quiet(ui, true, "Export").clicked() {
            out.key(KeyCommand::Export);
        }
    });
}
