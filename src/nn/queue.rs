//! How networks and window share the queue of a graphics device.
//!
//! A window's surface takes a new size only while nobody submits work to the device's queue (wgpu: "GPU to come idle");
//! networks submit without end. The attempt then fails, and the handler of errors that burn installs would end the program.
//! Here the failure requests a pause instead: the networks' thread pauses between two steps, and the window's next attempt, one
//! frame later, finds the queue empty.

use burn::tensor::wgpu::wgpu;
use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// A frame and a configured surface need less.
const PAUSE: Duration = Duration::from_millis(300);

/// Until when the networks submit nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct QueuePause(Arc<Mutex<Option<Instant>>>);

impl QueuePause {
    fn request(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
    }

    /// What is left of the pause.
    fn left(&self) -> Option<Duration> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.and_then(|until| until.checked_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// Waits where a pause has been requested; `settle` first waits for what has been submitted.
    pub fn wait(&self, settle: impl FnOnce()) {
        if self.left().is_none() {
            return;
        }
        settle();
        while let Some(left) = self.left() {
            thread::sleep(left);
        }
    }

    /// Replaces burn's handler of uncaptured errors. Called on the window's thread.
    ///
    /// Errors of that thread are written to the log, and the frame is drawn again; those of burn's threads are panics as
    /// before, which the networks' thread turns into a message. Of a lost device burn learns in another way.
    pub fn watch_errors(&self, device: &wgpu::Device) {
        let (pause, window) = (self.clone(), thread::current().id());
        device.on_uncaptured_error(Arc::new(move |error| {
            let text = error.to_string();
            if text.contains("Surface::configure") {
                log::debug!("the window waits for the networks: {text}");
                pause.request();
            } else if thread::current().id() == window || text.contains("is lost") {
                log::error!("{text}");
            } else {
                panic!("wgpu error: {text}");
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_taken_where_it_was_requested_and_only_there() {
        let pause = QueuePause::default();
        pause.wait(|| panic!("nobody has requested one"));
        let requested = Instant::now();
        pause.request();
        let mut settled = 0;
        pause.wait(|| settled += 1);
        assert_eq!(settled, 1);
        assert!(requested.elapsed() >= PAUSE);
        pause.wait(|| panic!("it is over"));
    }
}
