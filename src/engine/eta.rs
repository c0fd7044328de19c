use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Ticks that the estimate looks back on.
const WINDOW: usize = 64;
/// No estimate before this many intervals and this much time: an early guess is worse than none.
const MIN_INTERVALS: usize = 3;
const MIN_ELAPSED: Duration = Duration::from_millis(700);
/// Medians that an interval counts for at most.
const OUTLIER: f64 = 8.0;
/// Weight of a new estimate against the old one that has run down since.
const BLEND: f64 = 0.2;

/// Time left of a job, from the ticks of its progress.
///
/// Seconds per unit are the mean over the units of the last intervals, each counted as at most [`OUTLIER`] times their median:
/// one slow step (a shader compiled, the machine asleep) does not throw it, while regular interruptions (validation, live
/// prediction) count, and so do intervals of many units, by their number. What is shown is smoothed, and runs down between two ticks.
#[derive(Clone, Debug, Default)]
pub struct Eta {
    started: Option<Instant>,
    last: Option<(Instant, u64)>,
    /// Seconds per unit of each interval, and its units; oldest first.
    intervals: VecDeque<(f64, f64)>,
    shown: Option<(Instant, f64)>,
}

impl Eta {
    /// `done` units are done at `now`. Ticks that bring no new unit are ignored.
    pub fn tick(&mut self, now: Instant, done: u64) {
        self.started.get_or_insert(now);
        match self.last {
            Some((_, before)) if done <= before => return,
            Some((at, before)) => {
                if self.intervals.len() == WINDOW {
                    self.intervals.pop_front();
                }
                let units = (done - before) as f64;
                self.intervals.push_back(((now - at).as_secs_f64() / units, units));
            }
            None => {}
        }
        self.last = Some((now, done));
    }

    /// The job rests: the time until the next tick says nothing of its speed.
    pub fn rest(&mut self) {
        self.last = None;
        self.shown = None;
    }

    /// Seconds until `total` units are done; None while that cannot be said.
    pub fn remaining_secs(&mut self, now: Instant, total: u64) -> Option<f64> {
        let (at, done) = self.last?;
        if self.intervals.len() < MIN_INTERVALS || now - self.started? < MIN_ELAPSED {
            return None;
        }
        let mut sorted: Vec<f64> = self.intervals.iter().map(|(secs, _)| *secs).collect();
        sorted.sort_by(f64::total_cmp);
        let most = OUTLIER * sorted[sorted.len() / 2];
        let spent: f64 = self.intervals.iter().map(|(secs, units)| secs.min(most) * units).sum();
        let per_unit = spent / self.intervals.iter().map(|(_, units)| units).sum::<f64>();
        let left = total.saturating_sub(done) as f64;
        let fresh = (per_unit * left - (now - at).as_secs_f64()).max(0.0);
        let smooth = match self.shown {
            Some((then, shown)) => {
                let run_down = (shown - (now - then).as_secs_f64()).max(0.0);
                run_down + BLEND * (fresh - run_down)
            }
            None => fresh,
        };
        self.shown = Some((now, smooth));
        Some(smooth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, secs: f64) -> Instant {
        start + Duration::from_secs_f64(secs)
    }

    #[test]
    fn says_nothing_before_it_knows() {
        let start = Instant::now();
        let mut eta = Eta::default();
        eta.tick(start, 0);
        eta.tick(after(start, 1.0), 1);
        assert_eq!(eta.remaining_secs(after(start, 1.0), 100), None);
    }

    #[test]
    fn steady_steps_give_the_exact_time_and_one_slow_step_hardly_moves_it() {
        let start = Instant::now();
        let mut eta = Eta::default();
        for i in 0..=20 {
            eta.tick(after(start, f64::from(i)), i as u64);
        }
        let steady = eta.remaining_secs(after(start, 20.0), 120).unwrap();
        assert!((steady - 100.0).abs() < 1e-6, "{steady}");
        eta.tick(after(start, 60.0), 21);
        let hiccup = eta.remaining_secs(after(start, 60.0), 121).unwrap();
        // 40 s ago it said 100 s; the slow step counts as 8 of 1 s among 20, and blends in.
        assert!((60.0..90.0).contains(&hiccup), "{hiccup}");
    }

    /// Many small layers and few large ones, each a second long.
    #[test]
    fn an_interval_counts_by_its_units() {
        let start = Instant::now();
        let mut eta = Eta::default();
        let mut done = 0;
        for i in 0..=20 {
            eta.tick(after(start, f64::from(i)), done);
            done += if i % 2 == 0 { 20 } else { 100 };
        }
        let done = done - 20;
        let left = eta.remaining_secs(after(start, 20.0), done + 600).unwrap();
        assert!((left - 10.0).abs() < 1e-6, "60 units a second, and not {left} s");
    }

    #[test]
    fn a_rest_does_not_count() {
        let start = Instant::now();
        let mut eta = Eta::default();
        for i in 0..=10 {
            eta.tick(after(start, f64::from(i)), i as u64);
        }
        eta.rest();
        eta.tick(after(start, 1000.0), 10);
        eta.tick(after(start, 1001.0), 11);
        let left = eta.remaining_secs(after(start, 1001.0), 21).unwrap();
        assert!((left - 10.0).abs() < 1e-6, "{left}");
    }
}
