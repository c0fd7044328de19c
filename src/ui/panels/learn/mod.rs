//! Learning from the verified slices in three steps: choose what learns and from what, watch it, decide on what it made.

mod choose;
mod decide;
mod gallery;
mod plot;
mod runs;
mod scores;
mod steps;
mod thumbnail;
mod training_set;
mod under_way;
mod versions;

pub use thumbnail::as_shown;
pub use under_way::time_left;

use crate::ui::context::{Panel, PanelContext};
use crate::ui::theme;
use crate::workspace::{Training, TrainingState, Workspace};
use egui::{Align, CollapsingHeader, RichText, Ui};
use steps::Step;

#[derive(Default)]
pub struct Learn {
    /// The step at which the work stood when someone went to look at another one, and that one.
    looking: Option<(Step, Step)>,
    /// What was shown last.
    last: Option<Step>,
    choose: choose::View,
    gallery: gallery::View,
    decide: decide::View,
    runs: runs::View,
}

/// Where the work stands.
fn now(workspace: &Workspace) -> Step {
    match workspace.training().map(Training::state) {
        Some(TrainingState::Running | TrainingState::Paused) => Step::Learn,
        _ if workspace.interrupted_training().is_some() => Step::Learn,
        Some(TrainingState::Finished) => Step::Decide,
        _ => Step::Choose,
    }
}

impl Learn {
    /// The step that is shown: where the work stands, or where someone looks until it goes on.
    fn shown(&self, now: Step) -> Step {
        self.looking.filter(|(since, _)| *since == now).map_or(now, |(_, step)| step)
    }
}

impl Panel for Learn {
    fn id(&self) -> &'static str {
        "learn"
    }

    fn title(&self) -> &'static str {
        "Learn"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, out, start_from, .. } = context;
        let (now, training) = (now(workspace), workspace.training());
        let has = |step| match step {
            Step::Choose => true,
            Step::Learn => training.is_some(),
            Step::Decide => training.is_some_and(|t| t.candidate().is_some()),
        };
        if let Some(start) = start_from.take() {
            self.choose.start_from(start);
            self.looking = (now != Step::Choose).then_some((now, Step::Choose));
        }
        if let Some(step) = steps::show(ui, self.shown(now), now, has) {
            self.looking = (step != now).then_some((now, step));
        }
        let shown = self.shown(now);
        if self.last.replace(shown).is_some_and(|last| last != shown) {
            // Another step is read from its beginning.
            ui.scroll_to_rect(ui.min_rect(), Some(Align::TOP));
        }
        match shown {
            Step::Choose => {
                if let Some(training) = training {
                    outcome(ui, training);
                }
                self.choose.show(ui, workspace, document, out);
            }
            Step::Learn => under_way::show(ui, workspace, &mut self.gallery, out),
            Step::Decide => {
                if let Some(training) = training {
                    self.decide.show(ui, workspace, training, out);
                }
            }
        }
        if shown == Step::Learn {
            return;
        }
        ui.add_space(8.0);
        if document.runs().len() + workspace.past_runs().len() > 1 {
            CollapsingHeader::new("Runs").show(ui, |ui| self.runs.show(ui, workspace, document));
        }
        CollapsingHeader::new("Earlier versions").show(ui, |ui| versions::show(ui, workspace, document, out));
    }

    fn has_footer(&self, _context: &PanelContext) -> bool {
        true
    }

    fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        match self.shown(now(context.workspace)) {
            Step::Choose => self.choose.footer(ui, context),
            Step::Learn => under_way::footer(ui, context),
            Step::Decide => self.decide.footer(ui, context),
        }
    }
}

/// What came of the last run.
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
    ui.label(RichText::new(words).font(theme::small()).color(color));
    ui.add_space(4.0);
}
