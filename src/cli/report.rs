//! What the command line prints of the engine's events.

use super::say::{self, note};
use crate::engine::{Event, ProgressLines};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{SystemTime, UNIX_EPOCH},
};

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

    /// Their mean, if there are any; what follows begins anew.
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

/// The time as RFC 3339 in UTC, to the second.
pub fn utc_now() -> String {
    rfc3339(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()))
}

/// Seconds since 1970 as RFC 3339. The calendar by Howard Hinnant, "chrono-compatible low-level date algorithms".
fn rfc3339(secs: u64) -> String {
    let (days, rest) = (secs / 86_400, secs % 86_400);
    let z = days + 719_468; // from 0000-03-01
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (h, m, s) = (rest / 3600, rest % 3600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn the_calendar_is_right_on_its_corners() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(rfc3339(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
