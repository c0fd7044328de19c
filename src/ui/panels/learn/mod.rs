//! Training on the verified slices: start, pause, cancel; how it goes, what it makes, and every run and version.

mod comparison;
mod gallery;
mod plot;
mod runs;
mod thumbnail;
mod training_set;
mod versions;

use crate::nn::train::Precision;
use crate::tools::number;
use crate::ui::context::{Panel, PanelContext};
use crate::ui::outbox::Outbox;
use crate::ui::theme;
use crate::ui::widgets::{field, primary, progress_bar, quiet, section, title_row};
use crate::words::capital;
use crate::words::counted;
use crate::workspace::{
    Command, Device, Document, TrainCommand, TrainOptions, Training, TrainingState, Unlabelled, Workspace,
};
use egui::{RichText, Ui};

#[derive(Default)]
pub struct Learn {
    options: TrainOptions,
    training_set: training_set::View,
    comparison: comparison::View,
    gallery: gallery::View,
    runs: runs::View,
}

impl Panel for Learn {
    fn id(&self) -> &'static str {
        "learn"
    }

    fn title(&self) -> &'static str {
        "Learn"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, out, .. } = context;
        title_row(ui, "Learn from corrections", |_| {});
        ui.add_space(4.0);
        let training = workspace.training();
        match training {
            Some(training) if training.is_under_way() => under_way(ui, training, out),
            _ if workspace.interrupted_training().is_some() => interrupted(ui, out),
            _ => self.start(ui, workspace, document, out),
        }
        if let Some(training) = training {
            outcome(ui, training);
            if training.state() != &TrainingState::Cancelled {
                section(ui, &learned_from(training), |ui| {
                    training_set::list(ui, training.images());
                    training_set::warnings(ui, training.warnings());
                });
            }
            if training.curves().loss.len() > 1 {
                section(ui, "Progress", |ui| plot::curves(ui, training.curves()));
            }
            if !training.validations().is_empty() {
                section(ui, "Slices kept out, as training goes on", |ui| {
                    self.gallery.show(ui, workspace, training);
                });
            }
            if let Some(candidate) = training.candidate() {
                section(ui, "Old and new on slices kept out", |ui| {
                    self.comparison.show(ui, training, candidate, document, out);
                });
            }
        }
        if document.runs().len() + workspace.past_runs().len() > 1 {
            section(ui, "Runs", |ui| self.runs.show(ui, workspace, document));
        }
        section(ui, "Versions", |ui| versions::show(ui, workspace, document, out));
    }
}

impl Learn {
    fn start(&mut self, ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
        let p = theme::palette(ui);
        self.training_set.refresh(workspace, document);
        let verified = self.training_set.slices();
        if document.model().is_some() && self.training_set.chosen().next().is_some() {
            let words = "Nothing but these slices; some of them are kept out, to measure what was learned.";
            section(ui, "What it learns from", |ui| {
                self.training_set.show(ui, workspace, self.options.unlabelled);
                ui.label(RichText::new(words).font(theme::small()).color(p.faint));
            });
        } else {
            self.training_set.show(ui, workspace, self.options.unlabelled);
            let words = match document.model() {
                None => "Choose a model or an untrained network first (panel Prediction).",
                Some(_) => {
                    "No verified slice is chosen. Paint a slice completely, or correct it, and mark it verified \
                     (Ctrl+Enter): training learns from verified slices only."
                }
            };
            ui.label(RichText::new(words).font(theme::small()).color(p.weak));
        }
        ui.add_space(2.0);
        self.settings(ui, matches!(workspace.device(), Device::Ready { halves: true, .. }));
        let ready = verified > 0 && document.model().is_some();
        ui.add_space(2.0);
        let button = primary(ui, ready, "Start training");
        let button = match (document.model(), verified) {
            (None, _) => button.on_disabled_hover_text("Choose a model first"),
            (_, 0) => button.on_disabled_hover_text("Mark a slice as verified first"),
            _ => button.on_hover_text("In the background: you can go on working"),
        };
        if button.clicked() {
            let images = self.training_set.chosen().map(|(id, _)| id).collect();
            out.command(Command::Train(TrainCommand::Start(TrainOptions { images, ..self.options.clone() })));
        }
    }

    /// `halves`: the networks' device computes in half precision too.
    fn settings(&mut self, ui: &mut Ui, halves: bool) {
        let mut background = self.options.unlabelled == Unlabelled::Background;
        let tip = "On: a slice is verified as a whole, so a pixel without a label teaches that nothing is there. Off: \
                   such a pixel teaches nothing; paint a label named \u{201c}background\u{201d} where nothing is.";
        if ui.checkbox(&mut background, "Unpainted pixels are background").on_hover_text(tip).changed() {
            self.options.unlabelled = if background { Unlabelled::Background } else { Unlabelled::Ignored };
        }
        if halves {
            let mut half = self.options.precision == Precision::Half;
            let tip = "On: the graphics card multiplies in half precision, as long as network and gradients stay stable. \
                       Weights and predictions stay in single precision.";
            if ui.checkbox(&mut half, "Half precision").on_hover_text(tip).changed() {
                self.options.precision = if half { Precision::Half } else { Precision::Single };
            }
        }
        let mut own = self.options.steps.is_some();
        let tip = "Steps and learning rate, which otherwise follow from the model";
        if ui.checkbox(&mut own, "Set by hand").on_hover_text(tip).changed() {
            self.options.steps = own.then_some(200);
            self.options.learning_rate = own.then_some(1e-3);
        }
        if let Some(steps) = &mut self.options.steps {
            field(ui, "Steps", |ui| ui.add(number(steps).range(10..=20_000).speed(5.0)));
        }
        if let Some(rate) = &mut self.options.learning_rate {
            let written = |v: f64, _: std::ops::RangeInclusive<usize>| format!("{v:.1e}");
            field(ui, "Learning rate", |ui| {
                ui.add(number(rate).range(1e-6..=0.1).speed(1e-5).custom_formatter(written))
            });
        }
    }
}

/// A run that was under way when the program last stopped.
fn interrupted(ui: &mut Ui, out: &mut Outbox) {
    let words =
        "Training was under way when the program last stopped. It can go on from its last checkpoint.";
    ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        if primary(ui, true, "Go on").clicked() {
            out.command(Command::Train(TrainCommand::Resume));
        }
        let tip = "End the run; its best network becomes a version to compare and adopt";
        if quiet(ui, true, "Keep the best so far").on_hover_text(tip).clicked() {
            out.command(Command::Train(TrainCommand::Keep));
        }
        let tip = "Forget this run and what it has learned; the model in use stays as it is";
        if quiet(ui, true, "Discard").on_hover_text(tip).clicked() {
            out.command(Command::Train(TrainCommand::Cancel));
        }
    });
}

fn under_way(ui: &mut Ui, training: &Training, out: &mut Outbox) {
    let [step, total] = training.steps();
    let p = theme::palette(ui);
    let paused = *training.state() == TrainingState::Paused;
    ui.horizontal(|ui| {
        let words = match (training.is_being_kept(), paused) {
            (true, _) => "Keeping the best so far".to_owned(),
            (_, true) => "Paused".to_owned(),
            (_, false) => capital(training.stage()),
        };
        ui.label(words);
        ui.label(RichText::new(format!("{step} / {total}")).font(theme::figures()).color(p.weak));
        if let Some(secs) = training.eta_secs().filter(|_| !paused) {
            ui.label(RichText::new(time_left(secs)).font(theme::small()).color(p.weak));
        }
    });
    progress_bar(ui, (total > 0).then(|| step as f32 / total as f32), "Training");
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        let (name, command) =
            if paused { ("Go on", TrainCommand::Resume) } else { ("Pause", TrainCommand::Pause) };
        let free = !training.is_being_kept();
        if quiet(ui, free, name).clicked() {
            out.command(Command::Train(command));
        }
        let tip = "Keep the best so far, or discard it: you are asked";
        if quiet(ui, free, "Stop…").on_hover_text(tip).clicked() {
            out.command(Command::Train(TrainCommand::Cancel));
        }
    });
    let words = "You can go on working: live prediction comes first.";
    ui.label(RichText::new(words).font(theme::small()).color(p.faint));
}

/// "Learned from 4 slices, 1 kept out"
fn learned_from(training: &Training) -> String {
    let (learned, held) = (training.learned_from().len(), training.held_out().len());
    let verb = if training.is_under_way() { "Learns" } else { "Learned" };
    format!("{verb} from {}, {held} kept out", counted(learned, "slice"))
}

fn outcome(ui: &mut Ui, training: &Training) {
    let p = theme::palette(ui);
    let (words, color) = match training.state() {
        TrainingState::Failed(reason) => (format!("The last run failed: {reason}"), p.bad),
        TrainingState::Cancelled => ("The last run was stopped and discarded.".to_owned(), p.weak),
        TrainingState::Adopted => ("The new version was adopted.".to_owned(), p.good),
        TrainingState::Discarded => {
            ("The new version was discarded; it stays in the list.".to_owned(), p.weak)
        }
        TrainingState::Running | TrainingState::Paused | TrainingState::Finished => return,
    };
    ui.add_space(4.0);
    ui.label(RichText::new(words).font(theme::small()).color(color));
}

/// "about 2 min left".
pub fn time_left(secs: f64) -> String {
    match secs {
        s if s < 1.5 => "a second left".to_owned(),
        s if s < 90.0 => format!("about {s:.0} s left"),
        s if s < 5400.0 => format!("about {:.0} min left", s / 60.0),
        s => format!("about {:.1} h left", s / 3600.0),
    }
}
