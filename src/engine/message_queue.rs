use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Called after each message that cannot wait, from any thread: asks the window for a frame. Must not block.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// What a [`MessageQueue`] must know of its messages to stay bounded.
pub trait Message: Send {
    type Key: PartialEq;

    /// Messages of one key replace each other; None for those that are delivered whatever happens.
    fn key(&self) -> Option<Self::Key>;

    /// Takes from the older message of its key what must not be lost.
    fn absorb(&mut self, _older: Self)
    where
        Self: Sized,
    {
    }

    /// News of progress: it wakes nobody. A reader sees it at the next look.
    fn can_wait(&self) -> bool {
        false
    }

    /// Bulky messages that can be asked for again: only the newest few are kept.
    fn is_bulky(&self) -> bool {
        false
    }
}

/// Bulky messages that wait at most; a reader that drains once a frame never comes near it.
pub const MAX_BULKY: usize = 32;

/// Messages for the reader that drains them, in order. While it does not, the queue stays bounded: a newer message about
/// the same thing replaces the older one, so the number of things limits the queue, not how often they change.
pub struct MessageQueue<M> {
    queue: Mutex<VecDeque<M>>,
    arrived: Condvar,
    wake: Wake,
}

impl<M: Message> MessageQueue<M> {
    pub fn new(wake: Wake) -> Self {
        Self { queue: Mutex::new(VecDeque::new()), arrived: Condvar::new(), wake }
    }

    pub fn post(&self, mut message: M) {
        let can_wait = message.can_wait();
        {
            let mut queue = self.queue();
            if let Some(key) = message.key()
                && let Some(i) = queue.iter().rposition(|m| m.key().as_ref() == Some(&key))
                && let Some(older) = queue.remove(i)
            {
                message.absorb(older);
            }
            if message.is_bulky()
                && queue.iter().filter(|m| m.is_bulky()).count() >= MAX_BULKY
                && let Some(oldest) = queue.iter().position(M::is_bulky)
            {
                queue.remove(oldest);
            }
            queue.push_back(message);
        }
        self.arrived.notify_all();
        if !can_wait {
            (self.wake)();
        }
    }

    pub fn wake(&self) -> Wake {
        Arc::clone(&self.wake)
    }

    /// Everything that waits, oldest first.
    pub fn drain(&self) -> Vec<M> {
        self.queue().drain(..).collect()
    }

    /// As [`MessageQueue::drain`], but waits until there is something, or for `timeout`.
    pub fn wait(&self, timeout: Duration) -> Vec<M> {
        let (mut queue, _) = self
            .arrived
            .wait_timeout_while(self.queue(), timeout, |queue| queue.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        queue.drain(..).collect()
    }

    pub fn len(&self) -> usize {
        self.queue().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<M>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
