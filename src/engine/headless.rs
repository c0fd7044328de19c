use super::{Engine, Event, JobId, interrupt};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How a job ended badly.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    #[error("{0}")]
    Failed(String),
    #[error("cancelled")]
    Cancelled,
    /// The program was told to stop ([`interrupt::listen`]). The job goes on until the engine is closed or dropped, which
    /// lets it end in order.
    #[error("interrupted")]
    Interrupted,
    /// Its last event has been drained before.
    #[error("{0} has ended before")]
    Over(JobId),
}

/// Between two looks at whether the job still lives.
const PATIENCE: Duration = Duration::from_millis(200);

impl Engine {
    /// Waits for events, at most for `timeout`: [`Engine::drain`] for those who have nothing else to do.
    pub fn wait(&self, timeout: Duration) -> Vec<Event> {
        self.board.outbox.wait(timeout)
    }

    /// Waits until a job has ended and returns the event that ended it well. `on_event` sees every event in order, those
    /// of other jobs and the last one too: what a window would draw, a terminal can print ([`ProgressLines`]).
    pub fn block_on(&self, job: JobId, mut on_event: impl FnMut(&Event)) -> Result<Event, JobError> {
        let mut gone = false;
        loop {
            let lives = self.board.jobs.is_live(job);
            let mut last = None;
            for event in self.wait(PATIENCE) {
                on_event(&event);
                if event.ends() == Some(job) {
                    last = Some(event);
                }
            }
            match last {
                Some(Event::JobFailed { reason, .. }) => return Err(JobError::Failed(reason)),
                Some(Event::JobCancelled { .. }) => return Err(JobError::Cancelled),
                Some(event) => return Ok(event),
                // Its last event follows just after its end, so that one look is not enough to know that somebody else has
                // heard it.
                None if !lives && gone => return Err(JobError::Over(job)),
                None if !lives => gone = true,
                None => interrupt::check()?,
            }
        }
    }
}

/// A line at least this often while a job goes on, however slowly.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress as plain lines, for logs and pipes: one when a stage begins, one for each tenth of it, one at its end. A
/// stage that a job comes back to (validating) says nothing new.
#[derive(Debug, Default)]
pub struct ProgressLines {
    /// By job and stage: the last tenth that was said, and when.
    said: BTreeMap<(JobId, &'static str), (u64, Instant)>,
}

impl ProgressLines {
    /// What to print of an event, if anything: `predicting 40% (8 of 20), 12 s left`.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        if let Some(job) = event.ends() {
            self.said.retain(|(of, _), _| *of != job);
        }
        let &Event::Progress { job, stage, done, total, eta_secs } = event else { return None };
        let now = Instant::now();
        let tenth = (10 * done).checked_div(total).unwrap_or(0);
        let before = self.said.get(&(job, stage)).copied();
        if before.is_some_and(|(said, at)| tenth <= said && now - at < LINE_EVERY) {
            return None;
        }
        self.said.insert((job, stage), (tenth.max(before.map_or(0, |(said, _)| said)), now));
        let mut line = stage.to_owned();
        if let Some(percent) = (100 * done).checked_div(total) {
            let _ = write!(line, " {percent}%");
        }
        // More are bytes, which are nobody's unit.
        if (2..=99_999).contains(&total) {
            let _ = write!(line, " ({done} of {total})");
        }
        if let Some(secs) = eta_secs.filter(|_| done < total) {
            let _ = write!(line, ", {} left", duration_text(secs));
        }
        Some(line)
    }
}

/// "12 s", "3 min", "1 h 20 min".
pub fn duration_text(secs: f64) -> String {
    let secs = secs.ceil() as u64;
    match secs {
        0..100 => format!("{secs} s"),
        100..5400 => format!("{} min", secs.div_ceil(60)),
        _ => format!("{} h {} min", secs / 3600, secs % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(done: u64, total: u64, eta_secs: Option<f64>) -> Event {
        Event::Progress { job: JobId(1), stage: "predicting", done, total, eta_secs }
    }

    #[test]
    fn one_line_a_tenth() {
        let mut lines = ProgressLines::default();
        let said: Vec<_> = (0..=40).filter_map(|i| lines.line(&progress(i, 40, None))).collect();
        assert_eq!(said.len(), 11, "{said:?}");
        assert_eq!(said[1], "predicting 10% (4 of 40)");
        assert_eq!(said[10], "predicting 100% (40 of 40)");
    }

    #[test]
    fn a_stage_that_comes_back_is_not_said_again() {
        let mut lines = ProgressLines::default();
        let of = |stage, done| Event::Progress { job: JobId(1), stage, done, total: 10, eta_secs: None };
        let said: Vec<_> =
            [("training", 5), ("validating", 10), ("training", 5), ("validating", 2), ("training", 6)]
                .into_iter()
                .filter_map(|(stage, done)| lines.line(&of(stage, done)))
                .collect();
        assert_eq!(said, ["training 50% (5 of 10)", "validating 100% (10 of 10)", "training 60% (6 of 10)"]);
    }

    #[test]
    fn a_job_that_ended_begins_anew_and_time_left_is_said() {
        let mut lines = ProgressLines::default();
        assert_eq!(
            lines.line(&progress(1, 4, Some(11.2))).as_deref(),
            Some("predicting 25% (1 of 4), 12 s left")
        );
        assert_eq!(lines.line(&progress(1, 4, None)), None);
        lines.line(&Event::JobCancelled { job: JobId(1) });
        assert!(lines.line(&progress(1, 4, None)).is_some());
    }

    #[test]
    fn durations_are_said_in_the_unit_that_fits() {
        assert_eq!(duration_text(0.2), "1 s");
        assert_eq!(duration_text(125.0), "3 min");
        assert_eq!(duration_text(4800.0), "80 min");
        assert_eq!(duration_text(7260.0), "2 h 1 min");
    }
}
