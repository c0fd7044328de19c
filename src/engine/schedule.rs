//! The order of work on a thread that everything has to share: step by step, and what a person waits for comes first.

use super::{Inbox, JobHandle, JobId};
use crate::words;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A job that is done in short steps: one tile, one batch. Between two steps the scheduler looks again.
pub trait Steps<C> {
    fn step(&mut self, world: &mut C) -> StepOutcome;

    /// The job has been paused, or the thread is about to end: what is worth keeping should be written now.
    fn rest(&mut self, _world: &mut C) {}
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// There is more to do.
    More,
    /// The job is done and has said so itself.
    Done,
    /// The job cannot go on: the reason, for a person to read.
    Failed(String),
}

/// Why a job ended that did not say so itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Cancelled,
    Failed(String),
    /// A panic, caught at the step; what the thread owns has been rebuilt.
    Panicked(String),
}

/// Lanes in the order in which they are served; within a lane, first come, first served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// What others need first: the device, a model's weights.
    Prepare,
    /// The rest of the inference: whole volumes. Served after the wish.
    Volume,
    /// One training step at a time, when nothing else is asked for.
    Training,
}

/// What the newest wish asks for, the most urgent first: the visible slice, then its neighbours.
pub trait Wish {
    type Key: Clone + PartialEq;

    fn keys(&self) -> Vec<Self::Key>;
}

/// What a pinned thread owns, and how it answers.
pub trait World: Sized {
    type Request: Send;
    type Wish: Wish + Send;

    /// Turns a request into a job in a lane, or deals with it at once.
    fn accept(&mut self, request: Self::Request) -> Option<Accepted<Self>>;

    /// Begins the work on one key of a wish.
    fn begin(&mut self, wish: &Self::Wish, key: &<Self::Wish as Wish>::Key) -> Box<dyn Steps<Self>>;

    /// A job ended without its own word.
    fn ended(&mut self, job: JobId, end: End);

    /// The work on one key of a wish failed. Wishes are not cancelled: they are dropped without an event.
    fn wish_failed(&mut self, key: &<Self::Wish as Wish>::Key, end: End);

    /// Before each step: waits where something outside the thread needs what the steps use.
    fn yield_queue(&mut self) {}

    /// After a panic: throws away what it may have left half done. Jobs other than the one that panicked go on.
    fn rebuild(&mut self);
}

pub struct Accepted<C> {
    pub lane: Lane,
    pub job: JobHandle,
    pub steps: Box<dyn Steps<C>>,
}

struct Task<C> {
    lane: Lane,
    job: JobHandle,
    steps: Box<dyn Steps<C>>,
    resting: bool,
}

type KeyOf<C> = <<C as World>::Wish as Wish>::Key;

/// A key of the wish, with the work on it where that has begun.
type Wanted<C> = (KeyOf<C>, Option<Box<dyn Steps<C>>>);

/// The jobs of one thread. Decides which step comes next; see [`Scheduler::turn`].
pub struct Scheduler<C: World> {
    tasks: Vec<Task<C>>,
    wish: Option<C::Wish>,
    /// What is left of the wish, the most urgent first.
    wanted: VecDeque<Wanted<C>>,
}

impl<C: World> Default for Scheduler<C> {
    fn default() -> Self {
        Self { tasks: Vec::new(), wish: None, wanted: VecDeque::new() }
    }
}

impl<C: World> Scheduler<C> {
    pub fn add(&mut self, Accepted { lane, job, steps }: Accepted<C>) {
        // After the last of its lane: lanes stay sorted, and fair within.
        let at = self.tasks.iter().rposition(|t| t.lane <= lane).map_or(0, |i| i + 1);
        self.tasks.insert(at, Task { lane, job, steps, resting: false });
    }

    /// A newer wish: whatever the older one asked for and this one does not is abandoned, and what both ask for goes on
    /// where it stands.
    pub fn wish(&mut self, wish: C::Wish) {
        let mut begun: Vec<_> = self.wanted.drain(..).filter(|(_, steps)| steps.is_some()).collect();
        for key in wish.keys() {
            let steps = begun.iter().position(|(k, _)| *k == key).and_then(|i| begun.swap_remove(i).1);
            self.wanted.push_back((key, steps));
        }
        self.wish = Some(wish);
    }

    /// One step of the most urgent job: cancelled jobs are let go first, then come preparations, the visible slice, its
    /// neighbours, whole volumes, and last a training step. False where there is nothing to do.
    pub fn turn(&mut self, world: &mut C) -> bool {
        self.let_go_cancelled(world);
        self.let_rest_paused(world);
        match self.tasks.iter().position(|t| !t.resting) {
            Some(i) if self.tasks[i].lane == Lane::Prepare || self.wanted.is_empty() => {
                self.step_task(i, world)
            }
            _ if !self.wanted.is_empty() => self.step_wish(world),
            _ => return false,
        }
        true
    }

    /// Lets every job write down what is worth keeping, and forgets them all.
    pub fn close(mut self, world: &mut C) {
        for mut task in self.tasks.drain(..) {
            if !task.job.is_cancelled() {
                // A panic here must not keep the others from their rest.
                let _ = catch_unwind(AssertUnwindSafe(|| task.steps.rest(world)));
            }
            world.ended(task.job.id(), End::Cancelled);
        }
    }

    fn let_go_cancelled(&mut self, world: &mut C) {
        for task in self.tasks.extract_if(.., |t| t.job.is_cancelled()) {
            let id = task.job.id();
            drop_quietly(task);
            world.ended(id, End::Cancelled);
        }
    }

    fn let_rest_paused(&mut self, world: &mut C) {
        let mut i = 0;
        while i < self.tasks.len() {
            let task = &mut self.tasks[i];
            let paused = task.job.is_paused();
            let begins = paused && !task.resting;
            task.resting = paused;
            if begins && let Err(panic) = catch_unwind(AssertUnwindSafe(|| task.steps.rest(world))) {
                self.remove(i, End::Panicked(words::of_panic(panic.as_ref())), world);
                continue;
            }
            i += 1;
        }
    }

    fn step_task(&mut self, i: usize, world: &mut C) {
        let steps = &mut self.tasks[i].steps;
        match catch_unwind(AssertUnwindSafe(|| steps.step(world))) {
            Ok(StepOutcome::More) => {}
            Ok(StepOutcome::Done) => drop_quietly(self.tasks.remove(i)),
            Ok(StepOutcome::Failed(reason)) => self.remove(i, End::Failed(reason), world),
            Err(panic) => self.remove(i, End::Panicked(words::of_panic(panic.as_ref())), world),
        }
    }

    fn remove(&mut self, i: usize, end: End, world: &mut C) {
        let task = self.tasks.remove(i);
        let id = task.job.id();
        drop_quietly(task);
        if matches!(end, End::Panicked(_)) {
            self.rebuild(world);
        }
        world.ended(id, end);
    }

    fn step_wish(&mut self, world: &mut C) {
        let Some((key, mut steps)) = self.wanted.pop_front() else { return };
        let Some(wish) = &self.wish else { return };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            steps.get_or_insert_with(|| world.begin(wish, &key)).step(world)
        }));
        match outcome {
            Ok(StepOutcome::More) => self.wanted.push_front((key, steps)),
            Ok(StepOutcome::Done) => drop_quietly(steps),
            Ok(StepOutcome::Failed(reason)) => {
                drop_quietly(steps);
                world.wish_failed(&key, End::Failed(reason));
            }
            Err(panic) => {
                drop_quietly(steps);
                self.rebuild(world);
                world.wish_failed(&key, End::Panicked(words::of_panic(panic.as_ref())));
            }
        }
    }

    /// Work on the wish starts again: it may hold pieces of the networks that are dropped.
    fn rebuild(&mut self, world: &mut C) {
        for (_, steps) in &mut self.wanted {
            drop_quietly(steps.take());
        }
        drop_quietly(catch_unwind(AssertUnwindSafe(|| world.rebuild())));
    }
}

/// The thread's life: take what came in, do one step, look again; sleep where there is nothing to do.
pub fn run<C: World>(inbox: &Inbox<C::Request, C::Wish>, world: &mut C) {
    let mut scheduler = Scheduler::default();
    let mut busy = true;
    loop {
        let taken = inbox.take(!busy);
        for request in taken.requests {
            if let Some(accepted) = world.accept(request) {
                scheduler.add(accepted);
            }
        }
        if taken.closed {
            return scheduler.close(world);
        }
        if let Some(wish) = taken.wish {
            scheduler.wish(wish);
        }
        world.yield_queue();
        busy = scheduler.turn(world);
    }
}

/// Drops what a failed step left; a destructor that panics in turn (a lost graphics device) must not end the thread.
pub(super) fn drop_quietly<T>(value: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
}
