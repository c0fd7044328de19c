//! What the command line prints of the engine's events: a bar on a terminal, plain lines otherwise.

use super::say::{self, note, say};
use crate::engine::{Event, ProgressLines};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{SystemTime, UNIX_EPOCH},
};

/// Shows progress. On a terminal one bar that is redrawn; in a pipe or log a line for each tenth.
pub struct Reporter {
    bar: Option<ProgressBar>,
    stage: &'static str,
    lines: ProgressLines,
    /// Mean of the losses since the last line.
    losses: (f64, u32),
}

impl Reporter {
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::hidden();
            let style = ProgressStyle::with_template("{msg:12} [{bar:30}] {pos}/{len} {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            bar
        });
        Self { bar, stage: "", lines: ProgressLines::default(), losses: (0.0, 0) }
    }

    /// Prints what an event is worth.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::DeviceReady { name, reason, .. } => self.say(&format!("computing on {name} ({reason})")),
            Event::TrainSteps { points, .. } => {
                for p in points {
                    self.losses = (self.losses.0 + f64::from(p.loss), self.losses.1 + 1);
                }
            }
            Event::TrainValidated { step, dice, per_label, best, .. } => {
                let text = |d: &Option<f64>| d.map_or("none".to_owned(), |d| format!("{d:.4}"));
                let each: Vec<String> =
                    per_label.iter().map(|(id, d)| format!("{id}: {}", text(d))).collect();
                let mark = if *best { ", the best so far" } else { "" };
                let loss = self.take_loss();
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
            Event::Progress { stage, done, total, .. } => self.progress(event, stage, *done, *total),
            _ => {}
        }
    }

    fn progress(&mut self, event: &Event, stage: &'static str, done: u64, total: u64) {
        let Some(bar) = &self.bar else {
            if let Some(line) = self.lines.line(event) {
                let loss = if stage == "training" { self.take_loss() } else { String::new() };
                say!("{line}{}{}", if loss.is_empty() { "" } else { "; " }, loss.trim_end_matches(", "));
            }
            return;
        };
        if self.stage != stage {
            self.stage = stage;
            bar.reset();
        }
        bar.set_length(total);
        bar.set_message(stage);
        bar.set_position(done);
    }

    fn take_loss(&mut self) -> String {
        let (sum, count) = std::mem::take(&mut self.losses);
        if count == 0 { String::new() } else { format!("loss {:.4}, ", sum / f64::from(count)) }
    }

    /// A line, above the bar where there is one.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say::line(line)),
            None => say::line(line),
        }
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Progress on standard error alone; standard output is for what a command found or wrote.
pub enum Shown {
    Bar(Reporter),
    Lines(ProgressLines),
}

impl Shown {
    pub fn new() -> Self {
        match std::io::stderr().is_terminal() {
            true => Shown::Bar(Reporter::new()),
            false => Shown::Lines(ProgressLines::default()),
        }
    }

    pub fn show(&mut self, event: &Event) {
        match self {
            // Which device there is matters to nobody here.
            Shown::Bar(bar) if matches!(event, Event::Progress { .. }) => bar.show(event),
            Shown::Bar(_) => {}
            Shown::Lines(lines) => lines.line(event).into_iter().for_each(|line| note!("{line}")),
        }
    }

    pub fn clear(&self) {
        if let Shown::Bar(bar) = self {
            bar.clear();
        }
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
