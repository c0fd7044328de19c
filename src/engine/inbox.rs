use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a pinned thread is asked to do: a bounded queue of requests, and one latest-wins slot for the wish that
/// changes with every movement of the hand.
pub struct Inbox<R, W> {
    state: Mutex<State<R, W>>,
    bell: Condvar,
    capacity: usize,
}

struct State<R, W> {
    requests: VecDeque<R>,
    wish: Option<W>,
    rung: bool,
    closed: bool,
}

/// What has come in since the last look.
pub struct Taken<R, W> {
    pub requests: VecDeque<R>,
    pub wish: Option<W>,
    pub closed: bool,
}

impl<R, W> Inbox<R, W> {
    /// `capacity`: requests that may wait at once.
    pub fn new(capacity: usize) -> Self {
        let state = State { requests: VecDeque::new(), wish: None, rung: false, closed: false };
        Self { state: Mutex::new(state), bell: Condvar::new(), capacity }
    }

    /// Puts a request at the end of the queue, or gives it back where the queue is full or closed.
    pub fn offer(&self, request: R) -> Result<(), R> {
        let mut state = self.state();
        if state.closed || state.requests.len() >= self.capacity {
            return Err(request);
        }
        state.requests.push_back(request);
        self.bell.notify_one();
        Ok(())
    }

    /// Replaces the wish that has not been looked at yet.
    pub fn wish(&self, wish: W) {
        self.state().wish = Some(wish);
        self.bell.notify_one();
    }

    /// Wakes the thread: a flag has changed.
    pub fn ring(&self) {
        self.state().rung = true;
        self.bell.notify_one();
    }

    /// Asks the thread to end.
    pub fn close(&self) {
        self.state().closed = true;
        self.bell.notify_one();
    }

    /// Takes what has come in; with `wait`, sleeps until something has.
    pub fn take(&self, wait: bool) -> Taken<R, W> {
        let mut state = self.state();
        while wait && !state.rung && !state.closed && state.wish.is_none() && state.requests.is_empty() {
            state = self.bell.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.rung = false;
        Taken { requests: std::mem::take(&mut state.requests), wish: state.wish.take(), closed: state.closed }
    }

    fn state(&self) -> MutexGuard<'_, State<R, W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
