//! The second step: how the run goes, in words, in curves and in pictures.

use super::{gallery, plot, scores};
use crate::ui::context::PanelContext;
use crate::ui::outbox::Outbox;
use crate::ui::theme;
use crate::ui::widgets::card::{self, Mood};
use crate::ui::widgets::{primary, progress, quiet, section};
use crate::words::{capital, duration};
use crate::workspace::{Command, Quality, TrainCommand, Training, TrainingState, Workspace};
use egui::{Align, Layout, RichText, Ui};

pub fn show(ui: &mut Ui, workspace: &Workspace, gallery: &mut gallery::View, out: &mut Outbox) {
    if workspace.interrupted_training().is_some() && !workspace.training().is_some_and(Training::is_under_way)
    {
        let title = RichText::new("Learning was interrupted").size(theme::size::TITLE).strong();
        card::said(
            ui,
            Mood::Warn,
            title,
            "The program stopped while it learned. It can go on from where it was kept last.",
        );
        return;
    }
    let Some(training) = workspace.training() else { return };
    let p = theme::palette(ui);
    ui.label(RichText::new(headline(training)).font(theme::headline()));
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(where_it_stands(training)).font(theme::small()).color(p.weak));
        let left = training.eta_secs().filter(|_| *training.state() == TrainingState::Running);
        if let Some(secs) = left {
            ui.label(RichText::new(time_left(secs)).font(theme::small()).color(p.weak));
        }
    });
    let [step, total] = training.steps();
    progress(ui, 6.0, (total > 0).then(|| step as f32 / total as f32), "Learning");
    for words in training.warnings() {
        ui.label(RichText::new(words).font(theme::small()).color(p.weak));
    }
    if training.curves().loss.len() > 1 {
        ui.add_space(6.0);
        plot::run(ui, training);
    }
    if !training.validations().is_empty() {
        section(ui, "Slices kept out", |ui| gallery.show(ui, workspace, training, out));
        by_label(ui, workspace, training);
    }
}

/// The Dice of each label, of the model in use and of the network that learns.
fn by_label(ui: &mut Ui, workspace: &Workspace, training: &Training) {
    let Some(model) = workspace.model(training.base()) else { return };
    scores::head(ui, "By label", "in use → learning");
    scores::labels(ui, &training.by_label(&model.card), &model.card.labels);
    if training.is_under_way() {
        let words = "Slices kept out show in the view what it predicts now. Nothing changes in your masks.";
        ui.add_space(4.0);
        ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
    }
}

/// "Fair already: 0.78"
fn headline(training: &Training) -> String {
    let (under_way, last) = (training.is_under_way(), training.validations().last().and_then(|v| v.dice));
    match last {
        Some(dice) => {
            let quality = Quality::of(dice);
            let already = match quality {
                _ if !under_way => "",
                Quality::Poor => " so far",
                _ => " already",
            };
            format!("{}{already}: {dice:.2}", capital(quality.word()))
        }
        None if under_way => "Learning: not measured yet".to_owned(),
        None => "Not measured".to_owned(),
    }
}

/// "Dice on what is kept out, and rising"
fn where_it_stands(training: &Training) -> String {
    let mut words = match (training.is_being_kept(), training.state()) {
        (true, _) => "The best so far is being kept".to_owned(),
        (_, TrainingState::Paused) => "Paused".to_owned(),
        _ if training.curves().valid_dice.is_empty() => capital(training.stage()),
        _ => "Dice on what is kept out".to_owned(),
    };
    if let [.., before, last] = training.curves().valid_dice[..]
        && *training.state() == TrainingState::Running
    {
        words += if last[1] > before[1] + 0.005 { ", and rising" } else { ", not rising now" };
    }
    words + "."
}

pub fn footer(ui: &mut Ui, context: &mut PanelContext) {
    let PanelContext { workspace, out, .. } = context;
    match workspace.training().filter(|training| training.is_under_way()) {
        Some(training) => of_run(ui, training, out),
        None if workspace.interrupted_training().is_some() => of_interrupted(ui, out),
        None => {
            let words = RichText::new("The run has ended.").font(theme::small());
            ui.label(words.color(theme::palette(ui).weak));
        }
    }
}

const KEEP: &str = "End the run; its best network becomes a version to compare and adopt";

fn of_run(ui: &mut Ui, training: &Training, out: &mut Outbox) {
    let free = !training.is_being_kept();
    let learned = training.steps()[0] > 0;
    if quiet(ui, free && learned, "Keep the best so far").on_hover_text(KEEP).clicked() {
        out.command(Command::Train(TrainCommand::Keep));
    }
    let paused = *training.state() == TrainingState::Paused;
    let (name, command) =
        if paused { ("Go on", TrainCommand::Resume) } else { ("Pause", TrainCommand::Pause) };
    if quiet(ui, free, name).clicked() {
        out.command(Command::Train(command));
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let tip = "End the run and forget what it has learned: you are asked";
        if quiet(ui, free, "Discard…").on_hover_text(tip).clicked() {
            out.command(Command::Train(TrainCommand::Cancel));
        }
    });
}

/// Of a run that was under way when the program last stopped.
fn of_interrupted(ui: &mut Ui, out: &mut Outbox) {
    if primary(ui, true, "Go on").clicked() {
        out.command(Command::Train(TrainCommand::Resume));
    }
    if quiet(ui, true, "Keep the best so far").on_hover_text(KEEP).clicked() {
        out.command(Command::Train(TrainCommand::Keep));
    }
    let tip = "Forget this run and what it has learned; the model in use stays as it is";
    if quiet(ui, true, "Discard").on_hover_text(tip).clicked() {
        out.command(Command::Train(TrainCommand::Cancel));
    }
}

/// "about 2 min left".
pub fn time_left(secs: f64) -> String {
    format!("{} left", duration(secs))
}
