//! What a training run has learned is not thrown away without asking.

use super::outbox::Outbox;
use super::theme;
use super::widgets::{primary, quiet};
use crate::workspace::{Command, ModelCommand, TrainCommand, Training, Workspace};
use egui::{Id, Modal, RichText, Ui};

/// The question that stands when something would end a run, or leave it behind.
#[derive(Default)]
pub struct Stopping {
    /// What waits for the answer.
    asked: Option<Command>,
    /// What is to be done once the run has ended.
    then: Option<Command>,
}

/// What becomes of a run.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Keep,
    GoOn,
    Discard,
    /// Nothing is done at all.
    Leave,
}

impl Stopping {
    pub fn is_open(&self) -> bool {
        self.asked.is_some()
    }

    /// Lets a command pass, or holds it back and asks first.
    pub fn pass(&mut self, command: Command, workspace: &Workspace) -> Option<Command> {
        match workspace.training().filter(|t| t.is_under_way()) {
            Some(training) if touches(&command, training, workspace) => {
                self.asked = Some(command);
                None
            }
            _ => Some(command),
        }
    }

    /// What is to be done now that the run has ended.
    pub fn due(&mut self, workspace: &Workspace) -> Option<Command> {
        self.then.take_if(|_| !workspace.training().is_some_and(Training::is_under_way))
    }

    pub fn show(&mut self, ctx: &egui::Context, workspace: &Workspace, out: &mut Outbox) {
        let Some(command) = &self.asked else { return };
        let Some(training) = workspace.training().filter(|t| t.is_under_way()) else {
            // It has ended meanwhile: there is nothing to lose any more.
            self.then = self.asked.take().filter(|command| !ends(command));
            return;
        };
        let mut answer = None;
        let modal = Modal::new(Id::unique("stopping")).frame(theme::dialog_frame(ctx)).show(ctx, |ui| {
            ui.set_width(440.0);
            ui.label(RichText::new(title(command)).font(theme::large_title()));
            ui.add_space(8.0);
            ui.label(where_it_stands(training));
            ui.add_space(10.0);
            answer = buttons(ui, command, training);
        });
        if modal.should_close() {
            answer.get_or_insert(Answer::Leave);
        }
        let Some(answer) = answer else { return };
        let Some(command) = self.asked.take() else { return };
        let next = Some(command).filter(|command| !ends(command));
        match answer {
            Answer::Keep => out.decided(TrainCommand::Keep),
            Answer::Discard => out.decided(TrainCommand::Cancel),
            Answer::GoOn | Answer::Leave => {}
        }
        match (answer, next) {
            (Answer::Leave, _) | (_, None) => {}
            // Another model may be looked at while the run goes on; its image has to stay open.
            (Answer::GoOn, Some(Command::Close(_))) => {}
            (Answer::GoOn, Some(next)) => out.sure.push(next),
            (Answer::Keep | Answer::Discard, Some(next)) => self.then = Some(next),
        }
    }
}

/// The commands that end a run, or take it out of sight.
fn touches(command: &Command, training: &Training, workspace: &Workspace) -> bool {
    let of_its_model = || {
        let active = workspace.active();
        active.is_some_and(|d| training.uses(d.id()) && d.model().is_some_and(|v| **v == *training.base()))
    };
    match command {
        Command::Train(TrainCommand::Cancel) => true,
        Command::Cancel(job) => *job == training.job(),
        Command::Close(id) => training.uses(*id),
        Command::Model(ModelCommand::Use { version }) => {
            version.as_deref() != Some(training.base()) && of_its_model()
        }
        Command::Model(ModelCommand::Fresh { .. } | ModelCommand::Import { .. } | ModelCommand::RollBack) => {
            of_its_model()
        }
        _ => false,
    }
}

/// Ends the run and does nothing else.
fn ends(command: &Command) -> bool {
    matches!(command, Command::Train(_) | Command::Cancel(_))
}

fn title(command: &Command) -> &'static str {
    match command {
        Command::Close(_) => "Close the image while training uses it?",
        Command::Model(_) => "Use another model while this one learns?",
        _ => "Stop learning?",
    }
}

fn where_it_stands(training: &Training) -> String {
    let [step, total] = training.steps();
    let best = match training.best() {
        Some((dice, at)) => {
            format!(" The best so far is from step {at}: Dice {dice:.2} on the slices kept out.")
        }
        None if step > 0 => " It has not been measured yet.".to_owned(),
        None => " Nothing has been learned yet.".to_owned(),
    };
    format!("Learning from {}: {step} of {total} steps.{best}", training.about())
}

fn buttons(ui: &mut Ui, command: &Command, training: &Training) -> Option<Answer> {
    let learned = training.steps()[0] > 0;
    let go_on = match command {
        Command::Close(_) => "Leave it open",
        _ => "Go on learning",
    };
    let keep = "The run ends, and its best network becomes a version: you compare and adopt it, or not";
    let discard = "The run ends, and what it has learned is lost";
    let mut answer = None;
    ui.horizontal(|ui| {
        if primary(ui, learned, "Keep the best so far").on_hover_text(keep).clicked() {
            answer = Some(Answer::Keep);
        }
        if quiet(ui, true, go_on).clicked() {
            answer = Some(Answer::GoOn);
        }
        if quiet(ui, true, "Discard").on_hover_text(discard).clicked() {
            answer = Some(Answer::Discard);
        }
    });
    answer
}
