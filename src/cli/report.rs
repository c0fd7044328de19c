//! What the command line prints of the engine's events.

use super::say::{self, note};
use crate::engine::{Event, ProgressLines};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Progress on standard error, which standard output is never mixed with: on a terminal one bar that is redrawn; in a pipe or
/// log a line now and then, and nothing of what ends soon ([`ProgressLines`]).
pub struct Shown {
    bar: Option<ProgressBar>,
    stage: &'static str,
    lines: ProgressLines,
}

impl Shown {
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::hidden();
            let style = ProgressStyle::with_template("{msg:12} [{bar:30}] {pos}/{len} {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            bar
        });
        Self { bar, stage: "", lines: ProgressLines::default() }
    }

    pub fn show(&mut self, event: &Event) {
        self.show_with(event, String::new);
    }

    /// With more at the end of a line.
    fn show_with(&mut self, event: &Event, more: impl FnOnce() -> String) {
        let Some(bar) = &self.bar else {
            if let Some(line) = self.lines.line(event) {
                note!("{line}{}", more());
            }
            return;
        };
        let &Event::Progress { stage, done, total, .. } = event else { return };
        if self.stage != stage {
            self.stage = stage;
            bar.reset();
        }
        bar.set_length(total);
        bar.set_message(stage);
        bar.set_position(done);
    }

    /// A line on standard output, above the bar where there is one.
    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say::line(line)),
            None => say::line(line),
        }
    }

    /// A line on standard error, above the bar where there is one.
    fn warn(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say::note_line(line)),
            None => say::note_line(line),
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What a run of a network has to say, on standard output, and its progress.
pub struct Reporter {
    shown: Shown,
    /// Since the last line of progress, and since the last validation.
    losses: [Losses; 2],
}

/// Sum and number.
#[derive(Clone, Copy, Default)]
struct Losses(f64, u32);

impl Losses {
    fn add(&mut self, loss: f32) {
        *self = Self(self.0 + f64::from(loss), self.1 + 1);
    }

    /// Their mean, if there are any; then the count starts again at 0.
    fn take(&mut self) -> Option<String> {
        let Self(sum, count) = std::mem::take(self);
        (count > 0).then(|| format!("loss {:.4}", sum / f64::from(count)))
    }
}

impl Reporter {
    pub fn new() -> Self {
        Self { shown: Shown::new(), losses: [Losses::default(); 2] }
    }

    /// Prints what an event is worth.
    pub fn show(&mut self, event: &Event) {
        let Self { shown, losses: [of_line, of_validation] } = self;
        let of_training = matches!(event, Event::Progress { stage: "training", .. });
        shown.show_with(event, || {
            let loss = if of_training { of_line.take() } else { None };
            loss.map_or_else(String::new, |loss| format!("; {loss}"))
        });
        match event {
            Event::DeviceReady { name, reason, .. } => self.say(&format!("computing on {name} ({reason})")),
            Event::TrainSteps { points, .. } => {
                let each = points.iter().flat_map(|point| [0, 1].map(|i| (i, point.loss)));
                each.for_each(|(i, loss)| self.losses[i].add(loss));
            }
            Event::TrainValidated { step, dice, per_label, best, .. } => {
                let text = |d: &Option<f64>| d.map_or("none".to_owned(), |d| format!("{d:.4}"));
                let each: Vec<String> =
                    per_label.iter().map(|(id, d)| format!("{id}: {}", text(d))).collect();
                let mark = if *best { ", the best so far" } else { "" };
                let loss = of_validation.take().map_or_else(String::new, |loss| loss + ", ");
                self.say(&format!(
                    "step {step}: {loss}validation Dice {} ({}){mark}",
                    text(dice),
                    each.join(", ")
                ));
            }
            Event::TrainNotSaved { reason, .. } => self.say(&format!("the run could not be saved: {reason}")),
            Event::TrainSinglePrecision { reason, .. } => {
                self.say(&format!("it learns in single precision: {reason}"));
            }
            _ => {}
        }
    }

    /// A line on standard output.
    pub fn say(&self, line: &str) {
        self.shown.say(line);
    }

    /// A line on standard error.
    pub fn warn(&self, line: &str) {
        self.shown.warn(line);
    }

    pub fn clear(&self) {
        self.shown.clear();
    }
}
