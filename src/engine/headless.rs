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
        self.board.messages.wait(timeout)
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

/// Nothing is said of work that ends sooner, and no line follows another sooner.
const LINE_AFTER: Duration = Duration::from_secs(2);
/// A line at least this often while a job goes on, however slowly.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress as plain lines, for logs and pipes. Work that ends soon says nothing; what lasts says a line for each tenth of a
/// stage, but never one soon after another. A stage that a job comes back to (validating) says nothing new.
#[derive(Debug, Default)]
pub struct ProgressLines {
    jobs: BTreeMap<JobId, Said>,
}

/// Of one job.
#[derive(Debug)]
struct Said {
    /// When the last line was said, or the job first heard of.
    at: Instant,
    /// The last tenth of each stage that was said.
    tenths: BTreeMap<&'static str, u64>,
}

impl ProgressLines {
    /// What to print of an event, if anything: `predicting 40% (8 of 20), 12 s left`.
    pub fn line(&mut self, event: &Event) -> Option<String> {
        self.line_at(event, Instant::now())
    }

    fn line_at(&mut self, event: &Event, now: Instant) -> Option<String> {
        if let Some(job) = event.ends() {
            self.jobs.remove(&job);
        }
        let &Event::Progress { job, stage, done, total, eta_secs } = event else { return None };
        let said = self.jobs.entry(job).or_insert_with(|| Said { at: now, tenths: BTreeMap::new() });
        let tenth = (10 * done).checked_div(total).unwrap_or(0);
        let known = said.tenths.get(stage).copied();
        let patience = if known.is_none_or(|known| tenth > known) { LINE_AFTER } else { LINE_EVERY };
        if now - said.at < patience {
            return None;
        }
        said.at = now;
        said.tenths.insert(stage, tenth.max(known.unwrap_or(0)));
        let mut line = stage.to_owned();
        if let Some(percent) = (100 * done).checked_div(total) {
            let _ = write!(line, " {percent}%");
        }
        // More are bytes: a count of them says little.
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

    /// What is said of such reports, each with its time in seconds.
    fn said(reports: impl IntoIterator<Item = (f64, Event)>) -> Vec<String> {
        let (mut lines, start) = (ProgressLines::default(), Instant::now());
        let at = |(secs, event)| (start + Duration::from_secs_f64(secs), event);
        reports.into_iter().map(at).filter_map(|(now, event)| lines.line_at(&event, now)).collect()
    }

    fn of(stage: &'static str, done: u64, total: u64) -> Event {
        Event::Progress { job: JobId(1), stage, done, total, eta_secs: None }
    }

    #[test]
    fn work_that_ends_soon_says_nothing() {
        let quick = (0..=19u32).map(|i| (0.1 * f64::from(i), of("writing", i.into(), 19)));
        assert_eq!(said(quick), [""; 0]);
        // Nor do many that follow each other.
        let jobs = (0..100).flat_map(|i| {
            let job =
                |done| Event::Progress { job: JobId(i), stage: "writing", done, total: 1, eta_secs: None };
            [
                (i as f64, job(0)),
                (i as f64 + 0.9, job(1)),
                (i as f64 + 0.9, Event::JobCancelled { job: JobId(i) }),
            ]
        });
        assert_eq!(said(jobs), [""; 0]);
    }

    #[test]
    fn work_that_lasts_says_a_line_a_tenth_and_never_two_at_once() {
        // 100 s: a line for each tenth, the first once it has lasted.
        let slow = (0..=1000u32).map(|i| (0.1 * f64::from(i), of("predicting", u64::from(i) / 25, 40)));
        let slow = said(slow);
        assert_eq!(slow.len(), 11, "{slow:?}");
        assert_eq!((&*slow[0], &*slow[1]), ("predicting 0% (0 of 40)", "predicting 10% (4 of 40)"));
        assert_eq!(slow[10], "predicting 100% (40 of 40)");
        // 5 s: no more than there is time for.
        let short = (0..=50u32).map(|i| (0.1 * f64::from(i), of("predicting", i.into(), 50)));
        assert_eq!(said(short), ["predicting 40% (20 of 50)", "predicting 80% (40 of 50)"]);
        // Minutes for each tenth: still there.
        let hours = (0..=60).map(|i| (f64::from(i), of("predicting", 1, 100)));
        assert_eq!(said(hours).len(), 1 + (60 - 2) / 10);
    }

    #[test]
    fn a_stage_that_comes_back_is_not_said_again() {
        let stages =
            [("training", 5), ("validating", 10), ("training", 5), ("validating", 2), ("training", 6)];
        let reports = stages.into_iter().enumerate();
        let reports = reports.map(|(i, (stage, done))| (3.0 * (i + 1) as f64, of(stage, done, 10)));
        let begun = [(0.0, of("training", 1, 10))];
        assert_eq!(
            said(begun.into_iter().chain(reports)),
            ["training 50% (5 of 10)", "validating 100% (10 of 10)", "training 60% (6 of 10)"]
        );
    }

    #[test]
    fn time_left_is_said() {
        let left =
            Event::Progress { job: JobId(1), stage: "predicting", done: 1, total: 4, eta_secs: Some(11.2) };
        assert_eq!(
            said([(0.0, of("predicting", 0, 4)), (3.0, left)]),
            ["predicting 25% (1 of 4), 12 s left"]
        );
    }

    #[test]
    fn durations_are_said_in_the_unit_that_fits() {
        assert_eq!(duration_text(0.2), "1 s");
        assert_eq!(duration_text(125.0), "3 min");
        assert_eq!(duration_text(4800.0), "80 min");
        assert_eq!(duration_text(7260.0), "2 h 1 min");
    }
}
