//! The order of work, with jobs that only count.

use fovea::engine::schedule::{Accepted, End, Lane, Scheduler, StepOutcome, Steps, Wish, World, run};
use fovea::engine::{Inbox, JobHandle, JobId, Jobs};
use std::sync::Arc;

/// A world that writes down what happens: `"<name> <n>"` for each step.
struct Fake {
    seen: Vec<String>,
    rebuilt: usize,
    /// Called after each step with the number of steps so far: the outside, meddling in between.
    meddle: Option<Box<dyn FnMut(usize) + Send>>,
    ended: Vec<(JobId, End)>,
    failed_wishes: Vec<(u32, End)>,
}

impl Fake {
    fn new() -> Self {
        Self { seen: vec![], rebuilt: 0, meddle: None, ended: vec![], failed_wishes: vec![] }
    }

    fn meddled(meddle: impl FnMut(usize) + Send + 'static) -> Self {
        Self { meddle: Some(Box::new(meddle)), ..Self::new() }
    }

    fn note(&mut self, text: String) {
        self.seen.push(text);
        if let Some(meddle) = &mut self.meddle {
            meddle(self.seen.len());
        }
    }
}

/// A job of `total` steps; panics or fails in the step that is named.
struct Count {
    name: String,
    done: usize,
    total: usize,
    panics_at: Option<usize>,
    fails_at: Option<usize>,
}

impl Count {
    fn new(name: &str, total: usize) -> Self {
        Self { name: name.to_owned(), done: 0, total, panics_at: None, fails_at: None }
    }
}

impl Steps<Fake> for Count {
    fn step(&mut self, world: &mut Fake) -> StepOutcome {
        self.done += 1;
        world.note(format!("{} {}", self.name, self.done));
        assert!(self.panics_at != Some(self.done), "{} fell over", self.name);
        if self.fails_at == Some(self.done) {
            return StepOutcome::Failed(format!("{} gave up", self.name));
        }
        if self.done == self.total { StepOutcome::Done } else { StepOutcome::More }
    }

    fn rest(&mut self, world: &mut Fake) {
        world.note(format!("{} rests", self.name));
    }
}

/// Slices that are looked at; each takes three tiles, and slice 666 panics in the second.
struct Look(Vec<u32>);

impl Wish for Look {
    type Key = u32;

    fn keys(&self) -> Vec<u32> {
        self.0.clone()
    }
}

struct Request {
    lane: Lane,
    job: JobHandle,
    steps: Count,
}

impl World for Fake {
    type Request = Request;
    type Wish = Look;

    fn accept(&mut self, Request { lane, job, steps }: Request) -> Option<Accepted<Self>> {
        Some(Accepted { lane, job, steps: Box::new(steps) })
    }

    fn begin(&mut self, _wish: &Look, &key: &u32) -> Box<dyn Steps<Self>> {
        let mut steps = Count::new(&format!("slice {key} tile"), 3);
        steps.panics_at = (key == 666).then_some(2);
        Box::new(steps)
    }

    fn ended(&mut self, job: JobId, end: End) {
        self.ended.push((job, end));
    }

    fn wish_failed(&mut self, &key: &u32, end: End) {
        self.failed_wishes.push((key, end));
    }

    fn rebuild(&mut self) {
        self.rebuilt += 1;
    }
}

fn add(scheduler: &mut Scheduler<Fake>, jobs: &Jobs, lane: Lane, steps: Count) -> JobHandle {
    let job = jobs.begin();
    scheduler.add(Accepted { lane, job: job.clone(), steps: Box::new(steps) });
    job
}

#[test]
fn the_visible_slice_overtakes_everything_but_loading_within_one_step() {
    let (jobs, mut fake, mut scheduler) = (Jobs::default(), Fake::new(), Scheduler::default());
    add(&mut scheduler, &jobs, Lane::Training, Count::new("train", 2));
    add(&mut scheduler, &jobs, Lane::Volume, Count::new("volume", 2));
    assert!(scheduler.turn(&mut fake));
    scheduler.wish(Look(vec![7, 8]));
    add(&mut scheduler, &jobs, Lane::Prepare, Count::new("load", 1));
    while scheduler.turn(&mut fake) {}
    let expected = [
        "volume 1",
        "load 1",
        "slice 7 tile 1",
        "slice 7 tile 2",
        "slice 7 tile 3",
        "slice 8 tile 1",
        "slice 8 tile 2",
        "slice 8 tile 3",
        "volume 2",
        "train 1",
        "train 2",
    ];
    assert_eq!(fake.seen, expected);
}

#[test]
fn the_newest_wish_wins_and_keeps_what_both_want() {
    let (mut fake, mut scheduler) = (Fake::new(), Scheduler::default());
    scheduler.wish(Look(vec![1, 2]));
    scheduler.turn(&mut fake);
    // Slice 1 is begun and no longer looked at: abandoned.
    scheduler.wish(Look(vec![2, 3]));
    scheduler.turn(&mut fake);
    // Slice 2 has a tile already, and goes on from there once 5 is done.
    scheduler.wish(Look(vec![5, 2]));
    while scheduler.turn(&mut fake) {}
    let expected = [
        "slice 1 tile 1",
        "slice 2 tile 1",
        "slice 5 tile 1",
        "slice 5 tile 2",
        "slice 5 tile 3",
        "slice 2 tile 2",
        "slice 2 tile 3",
    ];
    assert_eq!(fake.seen, expected);
}

#[test]
fn cancel_takes_effect_at_the_next_step() {
    let (jobs, mut fake, mut scheduler) = (Jobs::default(), Fake::new(), Scheduler::default());
    let doomed = add(&mut scheduler, &jobs, Lane::Training, Count::new("doomed", 100));
    add(&mut scheduler, &jobs, Lane::Training, Count::new("other", 1));
    jobs.start(doomed.id());
    scheduler.turn(&mut fake);
    assert!(!jobs.cancel(doomed.id()), "a job that runs says itself that it ended");
    while scheduler.turn(&mut fake) {}
    assert_eq!(fake.seen, ["doomed 1", "other 1"]);
    assert_eq!(fake.ended, [(doomed.id(), End::Cancelled)]);
}

#[test]
fn a_paused_job_rests_once_and_lets_the_next_one_work() {
    let (jobs, mut fake, mut scheduler) = (Jobs::default(), Fake::new(), Scheduler::default());
    let first = add(&mut scheduler, &jobs, Lane::Training, Count::new("first", 2));
    add(&mut scheduler, &jobs, Lane::Training, Count::new("second", 2));
    scheduler.turn(&mut fake);
    jobs.pause(first.id(), true);
    while scheduler.turn(&mut fake) {}
    assert!(!scheduler.turn(&mut fake), "a resting job is nothing to do");
    jobs.pause(first.id(), false);
    while scheduler.turn(&mut fake) {}
    assert_eq!(fake.seen, ["first 1", "first rests", "second 1", "second 2", "first 2"]);
}

#[test]
fn a_panic_ends_its_own_job_only() {
    let (jobs, mut fake, mut scheduler) = (Jobs::default(), Fake::new(), Scheduler::default());
    let panics = Count { panics_at: Some(2), ..Count::new("volume", 9) };
    let volume = add(&mut scheduler, &jobs, Lane::Volume, panics);
    let fails = Count { fails_at: Some(1), ..Count::new("failing", 9) };
    let failing = add(&mut scheduler, &jobs, Lane::Volume, fails);
    add(&mut scheduler, &jobs, Lane::Training, Count::new("train", 2));
    while scheduler.turn(&mut fake) {}
    scheduler.wish(Look(vec![666, 4]));
    while scheduler.turn(&mut fake) {}
    let expected = [
        (volume.id(), End::Panicked("volume fell over".to_owned())),
        (failing.id(), End::Failed("failing gave up".to_owned())),
    ];
    assert_eq!(fake.ended, expected);
    assert_eq!(fake.failed_wishes, [(666, End::Panicked("slice 666 tile fell over".to_owned()))]);
    assert_eq!(fake.rebuilt, 2, "once for each panic, not for a failure that was foreseen");
    let last = ["train 1", "train 2", "slice 666 tile 1", "slice 666 tile 2"];
    assert_eq!(fake.seen[3..7], last);
    assert_eq!(fake.seen[7..], ["slice 4 tile 1", "slice 4 tile 2", "slice 4 tile 3"]);
}

/// Lets a world live on a thread of its own until its inbox is closed, and hands it back.
fn life(mut fake: Fake, inbox: &Arc<Inbox<Request, Look>>) -> Fake {
    let inbox = Arc::clone(inbox);
    let thread = std::thread::spawn(move || {
        run(&inbox, &mut fake);
        fake
    });
    thread.join().unwrap()
}

#[test]
fn ten_thousand_wishes_leave_one_and_the_last_is_granted() {
    let inbox = Arc::new(Inbox::<Request, Look>::new(4));
    for z in 0..10_000 {
        inbox.wish(Look(vec![z]));
    }
    let closer = Arc::clone(&inbox);
    let fake = Fake::meddled(move |steps| {
        if steps == 3 {
            closer.close();
        }
    });
    let fake = life(fake, &inbox);
    assert_eq!(fake.seen, ["slice 9999 tile 1", "slice 9999 tile 2", "slice 9999 tile 3"]);
}

#[test]
fn a_wish_made_during_a_step_is_seen_before_the_next_one() {
    let jobs = Jobs::default();
    let inbox = Arc::new(Inbox::new(4));
    let job = jobs.begin();
    assert!(inbox.offer(Request { lane: Lane::Training, job, steps: Count::new("train", 50) }).is_ok());
    let meddler = Arc::clone(&inbox);
    let fake = Fake::meddled(move |steps| match steps {
        10 => meddler.wish(Look(vec![1])),
        11 => meddler.wish(Look(vec![2])),
        54 => meddler.close(),
        _ => {}
    });
    let fake = life(fake, &inbox);
    let expected =
        ["train 10", "slice 1 tile 1", "slice 2 tile 1", "slice 2 tile 2", "slice 2 tile 3", "train 11"];
    assert_eq!(fake.seen[9..15], expected);
}

#[test]
fn closing_a_busy_thread_lets_its_jobs_rest_and_says_how_they_ended() {
    let jobs = Jobs::default();
    let inbox = Arc::new(Inbox::new(4));
    let (running, waiting) = (jobs.begin(), jobs.begin());
    let ids = [running.id(), waiting.id()];
    for (job, name) in [(running, "running"), (waiting, "waiting")] {
        let steps = Count::new(name, usize::MAX);
        assert!(inbox.offer(Request { lane: Lane::Training, job, steps }).is_ok());
    }
    let closer = Arc::clone(&inbox);
    let fake = Fake::meddled(move |steps| {
        if steps == 20 {
            closer.close();
        }
    });
    let fake = life(fake, &inbox);
    assert_eq!(fake.seen[19..], ["running 20", "running rests", "waiting rests"]);
    assert_eq!(fake.ended, ids.map(|id| (id, End::Cancelled)));
}

#[test]
fn a_full_inbox_gives_the_request_back() {
    let jobs = Jobs::default();
    let inbox = Inbox::<Request, Look>::new(2);
    let request = || Request { lane: Lane::Volume, job: jobs.begin(), steps: Count::new("x", 1) };
    assert!(inbox.offer(request()).is_ok());
    assert!(inbox.offer(request()).is_ok());
    assert!(inbox.offer(request()).is_err());
    assert_eq!(inbox.take(false).requests.len(), 2);
    assert!(inbox.offer(request()).is_ok());
    inbox.close();
    assert!(inbox.offer(request()).is_err(), "nobody will look any more");
}
