use crate::words;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Orders that may wait; the sender of the next one waits too, because an order is never dropped.
const CAPACITY: usize = 1024;

type Order<S> = Box<dyn FnOnce(&mut S) + Send>;

/// One named thread that owns a value and carries out orders on it, one after the other in the order given: the
/// project file's store. Dropping it carries out what waits, drops the value on its thread, and joins.
pub struct Actor<S> {
    name: &'static str,
    orders: Option<Sender<Order<S>>>,
    /// An order has panicked.
    gone: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the {0} thread has stopped after an internal error; restart the program")]
pub struct ActorGone(&'static str);

impl<S: 'static> Actor<S> {
    /// `make` runs on the new thread. `on_panic` is told when an order panics; the value is then gone, because a half
    /// carried out order must not be built upon, and later orders are refused. `idle` is called each time that no order
    /// has come for `pause`.
    pub fn start(
        name: &'static str,
        make: impl FnOnce() -> S + Send + 'static,
        pause: Duration,
        mut idle: impl FnMut(&mut S) + Send + 'static,
        on_panic: impl FnOnce(String) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = bounded::<Order<S>>(CAPACITY);
        let gone = Arc::new(AtomicBool::new(false));
        let its_gone = Arc::clone(&gone);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let life = catch_unwind(AssertUnwindSafe(|| {
                let mut state = make();
                loop {
                    match receiver.recv_timeout(pause) {
                        Ok(order) => order(&mut state),
                        Err(RecvTimeoutError::Timeout) => idle(&mut state),
                        Err(RecvTimeoutError::Disconnected) => break,
                    }
                }
            }));
            if let Err(panic) = life {
                its_gone.store(true, Ordering::Release);
                on_panic(words::of_panic(panic.as_ref()));
                // Orders that were sent meanwhile are dropped, so that their senders learn that no answer comes.
                receiver.iter().for_each(drop);
            }
        })?;
        Ok(Self { name, orders: Some(sender), gone, thread: Some(thread) })
    }

    /// Hands over an order. Waits where [`CAPACITY`] orders are waiting.
    pub fn order(&self, order: impl FnOnce(&mut S) + Send + 'static) -> Result<(), ActorGone> {
        match &self.orders {
            Some(orders) if !self.gone.load(Ordering::Acquire) => {
                orders.send(Box::new(order)).map_err(|_| ActorGone(self.name))
            }
            _ => Err(ActorGone(self.name)),
        }
    }

    /// Carries out an order and waits for its answer.
    pub fn ask<T: Send + 'static>(
        &self,
        order: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, ActorGone> {
        let (answer, wait) = bounded(1);
        self.order(move |state| {
            // The sender may be gone; then the answer is not needed.
            let _ = answer.send(order(state));
        })?;
        wait.recv().map_err(|_| ActorGone(self.name))
    }
}

impl<S> Drop for Actor<S> {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // Its panic has been told to `on_panic`.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    const PAUSE: Duration = Duration::from_secs(60);

    #[test]
    fn orders_are_carried_out_in_order_and_before_it_is_gone() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let actor = Actor::start("test", move || log, PAUSE, |_| {}, |_| {}).unwrap();
        for i in 0..3000 {
            actor.order(move |log| log.lock().unwrap().push(i)).unwrap();
        }
        assert_eq!(actor.ask(|log| log.lock().unwrap().len()).unwrap(), 3000);
        actor.order(|log| log.lock().unwrap().push(-1)).unwrap();
        drop(actor);
        let seen = seen.lock().unwrap();
        assert!(seen[..3000].iter().copied().eq(0..3000));
        assert_eq!(seen.last(), Some(&-1));
    }

    #[test]
    fn a_panic_is_told_and_later_orders_are_refused() {
        let told = Arc::new(Mutex::new(None));
        let note = Arc::clone(&told);
        let actor =
            Actor::start("test", || 0, PAUSE, |_| {}, move |reason| *note.lock().unwrap() = Some(reason))
                .unwrap();
        actor.order(|_| panic!("the disk is made of cheese")).unwrap();
        assert!(actor.ask(|n| *n).is_err(), "an answer that cannot come is not waited for");
        while actor.order(|_| ()).is_ok() {}
        drop(actor);
        assert_eq!(told.lock().unwrap().as_deref(), Some("the disk is made of cheese"));
    }

    #[test]
    fn it_is_idle_when_no_order_comes() {
        let (sender, heard) = bounded(16);
        let idle = move |n: &mut u32| {
            *n += 1;
            // Nobody listens any more at the end.
            let _ = sender.try_send(*n);
        };
        let actor = Actor::start("test", || 0, Duration::from_millis(1), idle, |_| {}).unwrap();
        assert_eq!((heard.recv().unwrap(), heard.recv().unwrap()), (1, 2));
        drop(actor);
    }
}
